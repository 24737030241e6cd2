"""The LSP tool with a server that a person has configured: a small real one, with good and bad habits."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.lsp import LanguageServers, known_languages
from tests.support.lsp import TOY_SERVER as SERVER
from tests.support.lsp import at, write_configuration
from tests.support.tool_bench import CANARY, ToolBench, processes_with

Configure = Callable[..., None]


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace, with a file in a language of its own."""
    bench = ToolBench(tmp_path)
    (bench.workspace / "a.toy").write_text("def one\none 🎉 one\nbad 🎉 bad\nmany odd log\n")
    return bench


@pytest.fixture
def configure(own_home: Path) -> Configure:
    """Writes the person's configuration: the toy server with a habit."""
    return functools.partial(write_configuration, own_home)


def log_of(answer: object) -> list[Any]:
    """What the server was told, from its hover over the word `log`; on a busy machine a note stands below it."""
    return json.JSONDecoder().raw_decode(str(answer))[0]


def test_a_second_language(bench: ToolBench, configure: Configure) -> None:
    """A configured server works beside Python's; each file goes to its own."""
    configure()
    definition, outline, hover, python = bench.calls(
        at("goToDefinition", 2, 1),
        at("documentSymbol"),
        at("hover", 2, 1),
        at("documentSymbol", path="src/a.py"),
    )
    workspace = bench.context.workspace
    assert definition.content == f"{workspace}/a.toy:1:5: def one"
    assert outline.content == f"{workspace}/a.toy\nfunction flat in box  1:1"
    assert hover.content == "def one\n\na wo?rd"
    assert python.content == f"{workspace}/src/a.py\nfunction f  1:5  lines 1-2"
    assert processes_with(str(bench.context.workspace)) == []


def test_what_the_server_asks_is_answered(bench: ToolBench, configure: Configure) -> None:
    """Each request of a server gets an answer: settings, folders, progress, edits, refreshes, things unheard of."""
    configure(languageId="toytoy")
    said = log_of(bench.calls(at("hover", 2, 1), at("hover", 4, 10))[-1].content)
    assert said.pop(0) == ["process", None]
    said.remove(["open", "toytoy", 1])
    assert [entry for entry in said if not isinstance(entry, list) or entry[:1] != ["files"]] == [
        [None, None],
        None,
        None,
        {"applied": False, "failureReason": "This client only looks."},
        [{"uri": bench.context.workspace.as_uri(), "name": "ws"}],
        None,
        {"success": False},
        {"code": -32601, "message": "This client has no toy/unheard."},
    ]


def test_published_diagnostics(bench: ToolBench, configure: Configure) -> None:
    """A server that publishes by itself is waited for; its faults are of the present content, columns in characters."""
    configure()

    async def scenario() -> None:
        first = await bench.call_async("LSP", operation="diagnostics", filePath="a.toy")
        again = await bench.call_async("LSP", operation="diagnostics", filePath="a.toy")
        (bench.workspace / "a.toy").write_text("fine\n🎉 bad\n")
        changed = await bench.call_async("LSP", operation="diagnostics", filePath="a.toy")
        (bench.workspace / "a.toy").write_text("fine\n")
        clean = await bench.call_async("LSP", operation="diagnostics", filePath="a.toy")
        path = bench.context.workspace / "a.toy"
        assert first.content == again.content == f"{path}:3:1: warning: this is bad"
        assert changed.content == f"{path}:2:3: warning: this is bad"
        assert clean.content == f"No diagnostics: nothing was found wrong in {path}."
        await bench.close()

    asyncio.run(scenario())


def test_it_is_told_what_changes(bench: ToolBench, configure: Configure) -> None:
    """What is new, changed or gone is told before the next question; a file that was shown is closed then."""
    configure()
    others = {name: bench.workspace / name for name in ("b.toy", "c.toy", "toy.json")}
    others["c.toy"].write_text("def three\n")

    async def scenario() -> list[Any]:
        await bench.call_async("LSP", operation="hover", filePath="c.toy", line=1, character=5)
        others["b.toy"].write_text("def two\n")
        others["toy.json"].write_text("{}")
        (bench.workspace / "node_modules").mkdir()
        (bench.workspace / "node_modules" / "d.toy").write_text("def four\n")
        others["c.toy"].write_text("def drei\n")
        await bench.call_async("LSP", operation="hover", filePath="a.toy", line=1, character=5)
        others["b.toy"].unlink()
        (bench.workspace / "a.toy").write_text("log\n")
        said = await bench.call_async("LSP", operation="hover", filePath="a.toy", line=1, character=1)
        await bench.close()
        return [
            entry
            for entry in log_of(said.content)
            if isinstance(entry, list) and entry[0] in ("files", "open", "change", "close")
        ]

    told = asyncio.run(scenario())
    assert ["close", "c.toy"] in told
    assert ["change", 2] in told
    events = [event for entry in told if entry[0] == "files" for event in entry[1]]
    assert ["b.toy", 1] in events and ["b.toy", 3] in events
    assert ["toy.json", 1] in events
    assert ["c.toy", 2] in events
    assert "d.toy" not in str(events)


def test_answers_are_not_trusted(bench: ToolBench, configure: Configure) -> None:
    """Odd shapes are passed over, foreign schemes shown as they are, many places cut, secrets and links kept back."""
    configure()
    workspace = bench.context.workspace
    (bench.workspace / ".env").write_text(CANARY)
    (bench.workspace / "key.pem").write_text(f"-----BEGIN PRIVATE KEY-----{CANARY}")
    (bench.workspace / "away.toy").symlink_to(bench.outside / "secret.txt")
    places = [
        workspace / ".env",
        workspace / "key.pem",
        workspace / "away.toy",
        bench.outside / "secret.txt",
        Path("/etc/passwd"),
    ]
    (bench.workspace / "b.toy").write_text("\n".join(f"at:{place}" for place in places))
    odd, many, *shown = bench.calls(
        at("goToDefinition", 4, 6),
        at("goToDefinition", 4, 1),
        *(at("goToDefinition", number, 1, "b.toy") for number in range(1, 6)),
    )
    assert odd.content == f"jdt://library/Odd.class:1:5  (no file)\n{workspace}/a.toy:1:1: def one"
    assert len(str(many.content).splitlines()) == 101
    assert str(many.content).endswith("\n[30 more; ask about a narrower name, or Grep with a `path`]")
    assert [result.content for result in shown] == [
        "[1 in files that usually hold secrets: not shown]",
        f"{workspace}/key.pem:1:1  (not shown)",
        f"{workspace}/away.toy:1:1  (not shown)",
        f"{bench.outside}/secret.txt:1:1  (outside the workspace)",
        "/etc/passwd:1:1  (outside the workspace)",
    ]


def test_the_walls_hold_for_configured_servers(bench: ToolBench, configure: Configure, kind: str) -> None:
    """A server reads neither a secret nor the outside, and writes nothing, inside walls of either kind."""
    configure()
    bench.inside(kind)
    (bench.workspace / ".env").write_text(CANARY)
    ws, out = bench.context.workspace, bench.outside
    words = (f"read:{ws}/.env", f"read:{out}/secret.txt", f"write:{ws}/new", f"write:{ws}/a.toy", f"read:{SERVER}")
    (bench.workspace / "b.toy").write_text("\n".join(words))
    secret, outside, *written, itself = bench.calls(*(at("hover", number, 1, "b.toy") for number in range(1, 6)))
    assert secret.content in ("(empty)", "Permission denied")
    assert outside.content in ("No such file or directory", "Permission denied")
    assert {str(result.content) for result in written} <= {"Read-only file system", "Permission denied"}
    assert str(itself.content).startswith('"""A small language server over stdio')
    assert not (ws / "new").exists()


def test_servers_have_no_network(bench: ToolBench, configure: Configure) -> None:
    """Inside bubblewrap there is no device but the loopback one of its own."""
    configure()
    (bench.workspace / "b.toy").write_text("network\n")
    (network,) = bench.calls(at("hover", 1, 1, "b.toy"))
    assert [row.split(":")[0].strip() for row in str(network.content).splitlines()[2:]] == ["lo"]


def test_a_server_learns_the_kernel_s_process_only_without_walls(tmp_path: Path, configure: Configure) -> None:
    """Inside the walls the number would be another process, and a server that looks for it would end itself."""
    configure()
    found: list[Any] = []
    for mode in ("workspace", "full"):
        bench = ToolBench(tmp_path / mode, mode)
        (bench.workspace / "a.toy").write_text("log\n")
        found.append(log_of(bench.calls(at("hover", 1, 1))[0].content)[0])
    assert found == [["process", None], ["process", os.getpid()]]


def test_workspace_symbols_of_all_languages(bench: ToolBench, configure: Configure) -> None:
    """Without a file every language that the workspace has is asked, and one that fails is told below the others."""
    configure()
    (bench.workspace / "src" / "one.py").write_text("def only_one():\n    pass\n")
    workspace = bench.context.workspace
    _, both = bench.calls(at("hover", 1, 5), ("LSP", {"operation": "workspaceSymbol", "query": "one"}))
    assert str(both.content).splitlines() == [
        f"function only_one  {workspace}/src/one.py:1:5: def only_one():",
        f"function one  {workspace}/a.toy:1:5: def one",
    ]
    configure("refuse")
    failed = bench.call("LSP", operation="workspaceSymbol", query="only_one")
    assert str(failed.content).splitlines() == [
        f"function only_one  {workspace}/src/one.py:1:5: def only_one():",
        "[The language server for toy (python) could not answer workspaceSymbol: no project is loaded]".replace(
            "(python)", f"({Path(sys.executable).name})"
        ),
    ]


def test_a_loading_server_is_given_time(bench: ToolBench, configure: Configure) -> None:
    """A “nothing” from a server that is still loading is asked again when it has loaded; a changed file is too."""
    for habit in ("loading", "modified"):
        configure(habit)
        (found,) = bench.calls(at("goToDefinition", 2, 1))
        assert found.content == f"{bench.context.workspace}/a.toy:1:5: def one"


def test_a_server_that_dies_once(bench: ToolBench, configure: Configure) -> None:
    """Whoever asked does not notice."""
    pipe = bench.outside / "pipe"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(handle, b"!")
        command = [sys.executable, str(SERVER), "crash-when-told", str(pipe)]
        configure(command=command, readable=[str(SERVER), str(pipe)])
        (found,) = bench.calls(at("goToDefinition", 2, 1))
        with pytest.raises(BlockingIOError):
            os.read(handle, 1)
    finally:
        os.close(handle)
    assert found.content == f"{bench.context.workspace}/a.toy:1:5: def one"


def test_a_late_answer_is_called_off(bench: ToolBench, configure: Configure) -> None:
    """A server is told that nobody waits for its answer any more, and the next question is answered."""
    configure("mute-once")
    bench.context.services.servers = servers = LanguageServers(bench.context.walls, patience=1)
    bench.context.services.closers.append(servers.aclose)
    late, said = bench.calls(at("hover", 4, 10), at("hover", 4, 10))
    assert late.is_error
    assert ["cancel"] in log_of(said.content)


def test_a_server_is_shown_few_files_at_once(bench: ToolBench, configure: Configure) -> None:
    """The file that was shown longest ago is closed when too many are open."""
    configure()
    names = [f"f{number}.toy" for number in range(40)]
    for name in names:
        (bench.workspace / name).write_text("log\n")
    *_, said = bench.calls(*(at("hover", 1, 1, name) for name in names), at("hover", 4, 10))
    assert [entry for entry in log_of(said.content) if isinstance(entry, list) and entry[0] == "close"] == [
        ["close", "f0.toy"]
    ]


def test_a_program_outside_is_made_visible(bench: ToolBench, configure: Configure) -> None:
    """A server's program that the walls do not show by themselves is shown, and nothing beside it."""
    program = bench.outside / "toy-server"
    program.write_text(f"#!{sys.executable}\n{SERVER.read_text()}")
    program.chmod(0o755)
    configure(command=[str(program)], readable=[])
    (bench.workspace / "b.toy").write_text(f"read:{program} read:{bench.outside}/secret.txt\n")
    line = (bench.workspace / "b.toy").read_text()
    itself, beside = bench.calls(
        *(at("hover", 1, line.index(f"read:{name}") + 1, "b.toy") for name in (program, f"{bench.outside}/s"))
    )
    assert str(itself.content).startswith("#!")
    assert beside.content == "No such file or directory"


def test_a_language_that_is_not_there_is_not_started(bench: ToolBench, configure: Configure) -> None:
    """Symbols are looked for only in languages that the workspace has files of."""
    configure("exit")
    (bench.workspace / "a.toy").unlink()
    found = bench.call("LSP", operation="workspaceSymbol", query="f")
    assert found.content == f"function f  {bench.context.workspace}/src/a.py:1:5: def f():"


def test_a_server_that_never_answers_is_replaced(bench: ToolBench, configure: Configure) -> None:
    """After three silences in a row a new one is started; it is told to stop what nobody waits for."""
    configure("mute")
    bench.context.services.servers = servers = LanguageServers(bench.context.walls, patience=0.2)
    bench.context.services.closers.append(servers.aclose)

    async def scenario() -> None:
        for _ in range(3):
            await bench.call_async("LSP", operation="hover", filePath="a.toy", line=1, character=5)
        before = processes_with(str(bench.context.workspace))
        configure()
        servers.languages = known_languages()
        answer = await bench.call_async("LSP", operation="hover", filePath="a.toy", line=1, character=5)
        assert before and answer.content == "def one\n\na wo?rd"
        await bench.close()

    asyncio.run(scenario())


def test_another_server_for_python(bench: ToolBench, configure: Configure, own_home: Path) -> None:
    """A person may name another server for a language that has one."""
    configure()
    entries = json.loads((own_home / "language-servers.json").read_text())
    (own_home / "language-servers.json").write_text(json.dumps({"python": {**entries["toy"], "extensions": [".py"]}}))
    assert [(language.name, language.extensions) for language in known_languages().values()] == [("python", (".py",))]
    assert bench.call("LSP", operation="documentSymbol", filePath="src/a.py").content == (
        f"{bench.context.workspace}/src/a.py\nfunction flat in box  1:1"
    )
