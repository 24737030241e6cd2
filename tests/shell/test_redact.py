"""Keys are found by their form, by the environment's names, by the look of an address; nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_magic.events import RunNoted, WorkerTurn
from conductor_magic.journal import Journal, read_records
from conductor_magic.redact import Redactor
from tests.golden.script import Script

A20, A40 = "Ab3" * 7, "Ab3_" * 10
KEYS = [
    f"sk-ant-api03-{A40}", f"sk-proj-{A40}", "AKIAABCDEFGHIJKLMNOP", "ASIAABCDEFGHIJKLMNOP", f"ghp_{A20 * 2}",
    f"github_pat_{A40}", f"glpat-{A20}", f"hf_{A20 * 2}", "xoxb-1234567890-ab", f"AIza{A40[:35]}", f"ya29.{A40}",
    f"sk_live_{A20}", f"npm_{A20 * 2}", f"pypi-{A40}", f"gsk_{A20}", f"eyJ{A20}.eyJ{A20}.{A20}",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nx\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIB",
]  # fmt: skip
HARMLESS = [
    "ask-me-anything-about-the-data", "sk-learn", "https://example.org/a:b@c", "http://host:8080/x", "eyJhbGciOi",
    "-----BEGIN CERTIFICATE-----", "the bearer of this", "task-1234567890123456789012", "me@example.org",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_keys_by_their_form(key: str) -> None:
    """A key of a well-known form goes, alone and in other text, and a journal's JSON is seen to have it."""
    redactor = Redactor({})
    assert redactor.text(key) == "[redacted]"
    assert redactor.text(f"key={key[:60]} ")[:14] == "key=[redacted]"
    assert redactor.finds(f'{{"a":"{key}"}}')


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    """What only resembles a key is left as it is."""
    redactor = Redactor({})
    assert (redactor.text(text), redactor.finds(text)) == (text, False)


def test_words_around_a_secret_stay() -> None:
    """Of an address only name and password go, of a header only the token."""
    redactor = Redactor({})
    assert redactor.text("postgres://me:pass word@db") == "postgres://me:pass word@db"
    assert redactor.text("postgres://me:s3cret@db/prod") == "postgres://[redacted]@db/prod"
    assert redactor.text(f"Authorization: Bearer {A20}!") == "Authorization: Bearer [redacted]!"


def test_values_of_the_environment() -> None:
    """Secrets of the environment go by their variables' names, whatever they look like; paths and short values stay."""
    environ = {
        "MY_API_KEY": "plain-looking-value",
        "DOCKER_AUTH_CONFIG": '{"a": "b\\"c"}',
        "DB_PASS": "hunter2hunter2",
        "DATABASE_URL": "mysql://me:long-password@db",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "SSH_AUTH_SOCK": "/tmp/agent.socket",
        "KEY_MODE": "yes",
    }
    redactor = Redactor(environ)
    hidden = [name for name, value in environ.items() if redactor.text(value) != value]
    assert hidden == ["MY_API_KEY", "DOCKER_AUTH_CONFIG", "DB_PASS", "DATABASE_URL"]
    assert redactor.json({"plain-looking-value": ['say {"a": "b\\"c"}']}) == {"[redacted]": ["say [redacted]"]}
    assert redactor.finds('{"text":"{\\"a\\": \\"b\\\\\\"c\\"}"}')


def test_a_journal_takes_secrets_out_of_whatever_is_appended(tmp_path: Path) -> None:
    """Words of a model and of a server that hold a key are recorded, folded and read back without it."""
    key = f"sk-ant-api03-{A40}"
    journal = Journal(tmp_path / "run", redactor=Redactor({"MY_TOKEN": "plain-looking-value"}))
    for record in Script().start().plan().at(5).work("1", 1).records:
        journal.append(record.event)
    call = {"type": "tool_use", "id": "u", "name": "Bash", "input": {"command": f"echo {key} plain-looking-value"}}
    journal.append(RunNoted(text=f"The server said: {key}"))
    journal.append(WorkerTurn(worker="w1", request="r2", content=(call,), stop="tool_use"))
    journal.close()
    records, _ = read_records(journal.path)
    assert records == journal.records
    assert [record.event for record in records[-2:]] == [
        RunNoted(text="The server said: [redacted]"),
        WorkerTurn(
            worker="w1",
            request="r2",
            content=({**call, "input": {"command": "echo [redacted] [redacted]"}},),
            stop="tool_use",
        ),
    ]
    assert b"Ab3_Ab3_" not in journal.path.read_bytes()
