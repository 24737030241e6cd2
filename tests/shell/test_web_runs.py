"""WebFetch in whole runs: the stand-in web reaches the engine's thread, the gate has its word, the journal tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_magic import conduct
from conductor_magic import events as e
from conductor_magic.permissions import Rule
from conductor_magic.standing import add_rule
from conductor_magic.testing import web_stub
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, MessagesServer, text, tools
from tests.support.web_server import Page, WebSite

Json = dict[str, Any]
LONG = "\n".join(f"Line {number} of a long page." for number in range(1_000))
READ = "It has 1,000 lines."


def played(
    base: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str = LONG,
    options: Json | None = None,
    read: Answer | None = None,
    **args: str,
) -> tuple[list[Any], list[Json], WebSite, list[Any]]:
    """A run of one worker that fetches once: its events, the page reader's requests, the site, what was reached."""
    readers: list[Json] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        return tools(("WebFetch", {"url": "http://ok.test/", **args})) if turn == 1 else done(task, turn, body)

    floor = Floor([lay_out({"look": ()}), text("Under way."), text("Done.")], worker)

    def answer(body: Json, number: int) -> Answer:
        if body.get("tools"):
            return floor(body, number)
        readers.append(body)
        return read or text(READ)

    (workspace := base / "workspace").mkdir()
    with (
        WebSite({"/": Page(page.encode(), "text/plain")}) as site,
        MessagesServer(answer) as server,
        web_stub({"ok.test": ["93.184.215.14"]}, {("93.184.215.14", 80): ("127.0.0.1", site.port)}) as web,
    ):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        run = conduct("Look.", quiet=True, workspace=str(workspace), **(options or {}))
        assert run.wait(60).status == "completed"
    return [record.event for record in run._journal.records], readers, site, web.connected


def test_a_page_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A standing rule lets the site pass; what came is recorded, with the rule that let it."""
    add_rule(Rule("allow", "site", "ok.test"))
    events, readers, site, connected = played(tmp_path, monkeypatch)
    [ended] = [event for event in events if isinstance(event, e.ToolEnded) and event.name == "WebFetch"]
    assert (ended.is_error, LONG in ended.content, readers) == (False, True, [])
    [decided] = [event for event in events if isinstance(event, e.PermissionDecided)]
    assert (decided.call, decided.decision, decided.rule) == (ended.call, "allow", "allow site ok.test")
    assert (connected, len(site.requests)) == ([("93.184.215.14", 80)], 1)


def test_a_question_about_a_page_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The haiku tier reads the long page in one request, on the worker's account."""
    add_rule(Rule("allow", "site", "ok.test"))
    events, readers, _, _ = played(tmp_path, monkeypatch, prompt="How many lines?")
    [ended] = [event for event in events if isinstance(event, e.ToolEnded) and event.name == "WebFetch"]
    assert f"from ok.test>\n{READ}\n</page " in ended.content
    [reader] = readers
    assert (reader["model"], LONG in str(reader["messages"][0]["content"][0]["text"])) == ("claude-haiku-5-5", True)
    asked = [event for event in events if isinstance(event, e.RequestEnded) and event.by == "w1"]
    assert [event.aside for event in asked] == [False, True, False]


@pytest.mark.parametrize(
    ("read", "said", "note"),
    [
        (text("I cannot help.", stop_reason="refusal"), LONG, "[The page itself, as the small model gave no answer.]"),
        (text("It has 1,0", stop_reason="max_tokens"), "It has 1,0 [cut]", "[a small model's answer from the page, "),
    ],
)
def test_a_refusal_is_no_answer_from_a_page_and_half_an_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Answer, said: str, note: str
) -> None:
    """A worker must not take either for what the page says."""
    add_rule(Rule("allow", "site", "ok.test"))
    events, _, _, _ = played(tmp_path, monkeypatch, read=read, prompt="How many lines?")
    [ended] = [event for event in events if isinstance(event, e.ToolEnded) and event.name == "WebFetch"]
    assert f"from ok.test>\n{said}\n</page " in ended.content
    assert note in ended.content and "I cannot help." not in ended.content


@pytest.mark.parametrize("cap", ["run.tokens", "haiku.tokens"])
def test_a_question_that_does_not_fit_under_a_cap_reaches_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    """The page itself comes in the answer's place, and the run is completed with most of its cap unused."""
    add_rule(Rule("allow", "site", "ok.test"))
    options: Json = {"budget": "none", "cap": {cap: 150_000}}
    events, readers, _, _ = played(tmp_path, monkeypatch, LONG * 6, options, prompt="How many lines?")
    [ended] = [event for event in events if isinstance(event, e.ToolEnded) and event.name == "WebFetch"]
    assert "[The page itself, as the small model could not answer (" in ended.content
    assert (readers, [event for event in events if isinstance(event, e.CapReached)]) == ([], [])


def test_a_site_without_a_yes_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody there, an unknown site is not reached; the worker is told and goes on."""
    events, _, site, connected = played(tmp_path, monkeypatch)
    [ended] = [event for event in events if isinstance(event, e.ToolEnded) and event.name == "WebFetch"]
    assert ended.is_error
    assert ended.content.startswith("ok.test: needs a yes, and nobody is there to give one.")
    assert (connected, site.connections) == ([], 0)
