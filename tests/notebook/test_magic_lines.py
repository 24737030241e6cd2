"""Bad lines and goals in a real kernel: one line each, no traceback, nothing started, nothing bound."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernels import Session, kernel, started

SETUP = """
import os
os.chdir({workspace!r})
%load_ext conductor_magic
sales, five, replies, odd = [1, 2, 3], 5, {{"Which?": "this"}}, {{1: 2}}
class Model: pass
report = "untouched"
"""

BAD_LINES = {
    "--workers 0": "from 1 to 256, not '0'",
    "--workers 257": "from 1 to 256",
    "--workers three": "not 'three'",
    "--workers -3": "not '-3'",
    "--workers ٣": "whole number",
    "--workers 1e1": "whole number",
    "--workers " + "9" * 400: "whole number",
    "--workers": "needs a value",
    "--workers 2 -w 3": "given twice",
    "--wrokers 3": "Did you mean --workers?",
    "-x": "There is no option '-x'",
    "--pool local": "There is no option '--pool'",
    "--resume nope": "There is no option '--resume'",
    "--mode yolo": "read-only, ask, workspace or full",
    "--mode planing": "Did you mean plan?",
    "--mode workspce": "Did you mean workspace?",
    "--budget $5": "without the currency: 5",
    "--budget {five}": "not '{five}'",
    "--budget nan": "above 0",
    "--budget inf": "above 0",
    "--budget 0": "above 0",
    "--budget -1": "above 0",
    "--budget 1e999": "above 0",
    "--timeout 0": "seconds above 0",
    "--timeout 10m": "seconds above 0",
    "--timeout 1e30": "at most",
    "--guide cooking": "guide must be one of",
    "--tier opus": "TIER=MODEL",
    "--tier gpt=x": "haiku, sonnet, opus or conductor",
    "--tier opus=a --tier opus=b": "two models",
    "--tier opus=a,sonnet=b": "a model id",
    "--workspace /": "--workspace DIR",
    "--workspace ~": "--workspace DIR",
    "--workspace missing": "does not exist",
    "--workspace " + "a" * 5_000: "does not exist",
    "--provider bedrock": "auto, anthropic or rehearsal",
    "--use nothing": "no variable 'nothing'",
    "--use sale": "Did you mean sales?",
    "--use sales,,five": "not ''",
    "--use sales.shape": "Put the value in a variable first",
    "--returns Modle": "Did you mean Model?",
    "--returns five": "must be a type",
    "--returns list[": "is not closed",
    "--returns 1/0": "ZeroDivisionError",
    "--returns Model": "--returns Model",
    "--answers sales": "must be a dict",
    "--answers odd": "1 has 2",
    "--quiet=yes": "takes no value",
    "'unbalanced": "is not closed",
    "first second": "one name",
    "workers 4": "Did you mean --workers?",
    "—workers 4": "Did you mean --workers?",
    "2nd": "cannot be a variable's name",
    "lambda": "belongs to Python",
    "_": "belongs to IPython",
    "_12": "belongs to IPython",
    "__builtins__": "belongs to Python",
}

BAD_GOALS = {
    "": "cell body is empty",  # IPython's own line: it does not call a cell magic without a cell
    "   \n\t\n": "The goal is empty",
    "{str()}": "The goal is empty",
    "Look at {nothing}": "no variable nothing",
    "Look at {sale}": "Did you mean sales?",
    "Look at /users/{id}": "Python's own",
    "Divide {1 / 0}": "ZeroDivisionError",
    "Take {sales[9]}": "IndexError",
    "Wait {await five}": "outside function",
    "Read {open('/nowhere/at/all').read()}": "FileNotFoundError",
}

BAD_COMMANDS = {
    "%conduct hlep": "Did you mean help?",
    "%conduct resume": "Write %conduct resume RUN [NAME]",
    "%conduct resume last": "There is no run 'last'",
    "%conduct resume last out --workers 3": "--workers stays as the run began with it",
    "%conduct Find what drives churn": "A goal goes into a cell of its own",
    "%conduct show": "Write %conduct show RUN",
    "%conduct show last": "There is no run 'last'",
    "%conduct show a b": "Write %conduct show RUN",
    "%conduct doctor now": "Write %conduct doctor",
    "%conduct 'x": "is not closed",
    "%conduct allow": "Write %conduct allow SCOPE WHAT",
    "%conduct allow site": "Write %conduct allow SCOPE WHAT",
    "%conduct allow sites example.org": "Did you mean site?",
    "%conduct allow site https://example.org/": "is a host's name",
    "%conduct allow path a b": "Write %conduct allow SCOPE WHAT",
    "%conduct allow path ''": "The path is empty",
    "%conduct allow path ~nouser/x": "There is no user whose home",
    "%conduct deny path *.py": "is a pattern",
    "%conduct deny path a\0b": "No file can have the name",
    "%conduct deny site a_b": "A site is a host's name",
    "%conduct deny mode full": "The scope must be site, path or command",
    "%conduct forget site example.org": "There is no rule about site 'example.org'",
}


@dataclass(frozen=True)
class Notebook:
    """A kernel with the extension; `server` listens where the provider is said to be, and must not be called."""

    session: Session
    server: socket.socket
    data: Path

    def reply(self, code: str) -> tuple[str, list[dict[str, Any]]]:
        """What the cell printed, and all that it published besides."""
        before = len(self.session.seen)
        printed = self.session.run(code)
        return printed, [message for message in self.session.seen[before:] if message["msg_type"] not in _EXPECTED]


_EXPECTED = ("status", "execute_input", "stream")


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One kernel for all bad lines, with a key and a provider's address in its environment."""
    workspace, data = tmp_path_factory.mktemp("workspace"), tmp_path_factory.mktemp("data")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        env = {
            "CONDUCTOR_HOME": str(data),
            "ANTHROPIC_API_KEY": "placeholder",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
        }
        with started(kernel(env=env)) as session:
            session.run(SETUP.format(workspace=str(workspace)))
            session.run("'the last value'")
            yield Notebook(session, server, data)


def refused(notebook: Notebook, code: str, said: str) -> None:
    """The cell is answered with one line and nothing else."""
    printed, others = notebook.reply(code)
    assert printed.startswith("UsageError: ")
    assert said in printed
    assert printed.count("\n") == 1
    assert printed.rstrip("\n").isprintable()
    assert others == []
    assert not (notebook.data / "runs").exists()


@pytest.mark.parametrize(("line", "said"), BAD_LINES.items())
def test_bad_line(notebook: Notebook, line: str, said: str) -> None:
    """A line that is off is one line of text."""
    refused(notebook, f"%%conduct {line}\nMake hello.py that prints hi", said)


@pytest.mark.parametrize(("goal", "said"), BAD_GOALS.items())
def test_bad_goal(notebook: Notebook, goal: str, said: str) -> None:
    """A goal that is empty, or names what is not there, is one line of text."""
    refused(notebook, f"%%conduct report\n{goal}", said)


@pytest.mark.parametrize(("line", "said"), BAD_COMMANDS.items())
def test_bad_subcommand(notebook: Notebook, line: str, said: str) -> None:
    """A subcommand that is off is one line of text."""
    refused(notebook, line, said)


def test_nothing_is_left_of_bad_lines(notebook: Notebook) -> None:
    """After them NAME and `_` are what they were, and neither the SDK nor the board was loaded, nor anyone called."""
    refused(notebook, "%%conduct report --workers 0\nGo.", "workers")
    assert notebook.session.run("print(report, _)") == "untouched the last value\n"
    loaded = notebook.session.run("import sys; print([n for n in ('anthropic', 'anywidget') if n in sys.modules])")
    assert loaded == "[]\n"
    with pytest.raises(BlockingIOError):
        notebook.server.accept()


@pytest.mark.parametrize(
    "code", ["%conduct", "%conduct help", "%conduct --help", "%%conduct -h\nGo.", "%%conduct x --help\n{no}"]
)
def test_help(notebook: Notebook, code: str) -> None:
    """The help is printed by every way to ask for it, and nothing runs."""
    printed, others = notebook.reply(code)
    assert "-w, --workers N" in printed
    assert "%conduct doctor" in printed
    assert others == []


def test_docstring_is_the_help(notebook: Notebook) -> None:
    """`%%conduct?` shows the table of options."""
    notebook.session.run("text = get_ipython().find_cell_magic('conduct').__doc__")
    assert "--tier TIER=MODEL" in notebook.session.run("print(text)")


def test_standing_rules_are_kept_listed_replaced_and_forgotten(notebook: Notebook) -> None:
    """Each command says what it did; a command is kept as it was typed; the file lies in the data folder."""
    run = notebook.session.run
    assert "no standing rules" in run("%conduct rules")
    assert run("%conduct allow site Docs.Example.org.").startswith("From the next run on: allow site docs.example.org.")
    denied = run("%conduct deny path /etc/../etc/hostname")
    assert "deny path /etc/hostname" in denied and "only in mode full, where there are no walls" in denied
    assert "allow command git  log -1 --format='%H'" in run("%conduct allow command git  log -1 --format='%H'")
    assert "It replaces: allow site docs.example.org." in run("%conduct deny site docs.example.org")
    file = notebook.data / "permissions.json"
    assert run("%conduct rules").splitlines() == [
        "deny   path     /etc/hostname",
        "allow  command  git  log -1 --format='%H'",
        "deny   site     docs.example.org",
        f"Kept in {file}",
    ]
    assert file.stat().st_mode & 0o077 == 0
    for rule in ("site docs.example.org", "path /etc/hostname", "command git  log -1 --format='%H'"):
        assert run(f"%conduct forget {rule}").startswith("Forgotten: ")
    assert "no standing rules" in run("%conduct rules")


def test_rules_that_cannot_be_read_stop_a_run_before_it_begins(notebook: Notebook) -> None:
    """A broken file of rules is named in one line; passing over it could pass over a deny."""
    file = notebook.data / "permissions.json"
    for content in ("[", "{}", '[{"decision": "maybe", "scope": "site", "what": "x"}]'):
        file.write_text(content)
        refused(notebook, "%%conduct\nGo.", "The standing rules in")
    file.unlink()


def test_no_run_yet(notebook: Notebook) -> None:
    """`%conduct runs` says where it looked."""
    assert notebook.session.run("%conduct runs") == f"No run has been recorded in {notebook.data}/runs yet.\n"


def test_doctor_tells_without_telling_secrets(notebook: Notebook) -> None:
    """Each check is a line that begins with how it went; the key itself is not printed."""
    # Its port answers nobody, so the list of models cannot be had: that must be told and not hang.
    printed = notebook.session.run("%conduct doctor", seconds=60)
    lines = {line[6:15].rstrip(): line[:5].rstrip() for line in printed.splitlines()}
    assert list(lines) == [
        "key",
        "provider",
        "models",
        "sandbox",
        "search",
        "languages",
        "subshells",
        "front end",
        "disk",
        "prices",
    ]
    assert set(lines.values()) <= {"ok", "note", "fix"}
    assert lines["models"] == "fix"
    assert lines["subshells"] == "ok"
    assert "python (ty)" in printed
    assert "ANTHROPIC_API_KEY" in printed
    assert "placeholder" not in printed


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"c": {"command": ["no-such-server"], "extensions": [".c"]}}', "server for c (`no-such-server`) is not inst"),
        ("{", "language-servers.json needs mending: line 1"),
    ],
)
def test_doctor_tells_of_language_servers(notebook: Notebook, written: str, said: str) -> None:
    """What is configured and cannot be used stands in a line of its own, with where to mend it."""
    path = notebook.data / "language-servers.json"
    path.write_text(written)
    try:
        printed = notebook.session.run("%conduct doctor", seconds=60)
    finally:
        path.unlink()
    (line,) = [line for line in printed.splitlines() if line[6:15] == "languages"]
    assert line.startswith("fix") and said in line and str(path) in line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ConductMagics.mode = 'full'", "cannot be a default"),
        ("ConductMagics.workers = 0", "from 1 to 256"),
        ("ConductMagics.budget = -1.0", "above 0"),
        ("ConductMagics.cap = {'worker.eur': 1}", "usd, tokens, turns, calls or seconds"),
        ("ConductMagics.tiers = {'gpt': 'x'}", "haiku, sonnet, opus or conductor"),
        ("ConductMagics.final_output = 'none'", "final_output"),
    ],
)
def test_bad_default(notebook: Notebook, line: str, said: str) -> None:
    """A default that cannot be is refused with the reason and changes nothing."""
    read = "m = get_ipython().magics_manager.registry['ConductMagics']; print(m.defaults, m.final_output)"
    before = notebook.session.run(read)
    assert said in notebook.session.run(f"%config {line}")
    assert notebook.session.run(read) == before


def test_default_counts_where_the_line_says_nothing(notebook: Notebook) -> None:
    """A default set by %config is what the line starts from: a bad one of the cell's own is what is refused."""
    notebook.session.run("%config ConductMagics.guide = 'data-analysis'\n%config ConductMagics.answers = 'missing'")
    refused(notebook, "%%conduct\nGo.", "no variable 'missing'")
    refused(notebook, "%%conduct --answers odd\nGo.", "1 has 2")
    notebook.session.run("%config ConductMagics.answers = None\n%config ConductMagics.guide = None")


def complete(session: Session, code: str) -> list[str]:
    """What the front end offers at the end of the code."""
    reply = session.client.complete(code, reply=True, timeout=60)
    return reply["content"]["matches"]


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("%%conduct --wor", ["--workers", "--workspace"]),
        ("%%conduct --cap run.", ["run.calls=", "run.tokens=", "run.turns="]),
        ("%%conduct out --mode ", ["ask", "full", "plan", "read-only", "workspace"]),
        ("%%conduct --provider=reh", ["rehearsal"]),
        ("%%conduct --use sal", ["sales"]),
        ("%%conduct --use five,sal", ["sales"]),
        ("%%conduct --answers repl", ["replies"]),
        ("%%conduct --returns Mod", ["Model"]),
        ("%%conduct --tier op", ["opus="]),
        ("%%conduct --guide data", ["data-analysis"]),
        ("%conduct d", ["doctor", "deny"]),
        ("%conduct g", ["go", "guides"]),
        ("%conduct show la", ["last"]),
    ],
)
def test_completion(notebook: Notebook, code: str, offered: list[str]) -> None:
    """Tab on the line offers options, their values and the notebook's names."""
    assert complete(notebook.session, code) == offered


def test_reload_keeps_the_magic(notebook: Notebook) -> None:
    """%reload_ext leaves one working magic; %unload_ext takes it away."""
    notebook.session.run("%reload_ext conductor_magic")
    refused(notebook, "%%conduct --workers 0\nGo.", "workers")
    notebook.session.run("%unload_ext conductor_magic")
    refused(notebook, "%%conduct --workers 0\nGo.", "Cell magic `%%conduct` not found")
    notebook.session.run("%load_ext conductor_magic")
    refused(notebook, "%%conduct --workers 0\nGo.", "workers")
