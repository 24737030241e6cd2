"""The LSP tool with its own server for Python."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.tools.lsp import LSP
from tests.shell.conftest import Play
from tests.support.floor import Floor, lay_out
from tests.support.lsp import SHAPES, ask, closing, fill, servers_in, texts
from tests.support.messages_server import Answer, text, tools
from tests.support.tool_bench import ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace, with a small package."""
    return fill(ToolBench(tmp_path))


def test_places(bench: ToolBench) -> None:
    """Definitions, references and implementations come as absolute places with their source lines."""
    definition, references, implementations, library = bench.calls(
        ask("goToDefinition", "pkg/use.py", 7, 16),
        ask("findReferences", "pkg/shapes.py", 21, 6),
        ask("goToImplementation", "pkg/shapes.py", 7, 10),
        ask("goToDefinition", "pkg/use.py", 11, 9),
    )
    package = bench.context.workspace / "pkg"
    assert definition.content == f"{package}/shapes.py:11:7: class Square(Shape):"
    assert str(references.content).splitlines() == [
        f"{package}/shapes.py:18:16: return double(self.side) * self.side / 2",
        f"{package}/shapes.py:21:5: def double(value: float) -> float:",
        f"{package}/use.py:3:32: from pkg.shapes import Square, double",
        f"{package}/use.py:7:57: return sum(Square(side).area() for side in sides) + double(1)",
    ]
    assert str(implementations.content).splitlines() == [
        f"{package}/shapes.py:7:9: def area(self) -> float:",
        f"{package}/shapes.py:17:9: def area(self) -> float:",
    ]
    assert str(library.content).endswith("/json/__init__.py:1:1  (outside the workspace)")
    assert not any(result.is_error for result in (definition, references, implementations, library))


def test_symbols(bench: ToolBench) -> None:
    """A file's symbols are an outline, the workspace's a line each, and both point at the name itself."""
    outline, found, none = texts(
        bench,
        ask("documentSymbol", "pkg/shapes.py"),
        ask("workspaceSymbol", query="Square"),
        ask("workspaceSymbol", query="Nowhere_at_all"),
    )
    assert outline.splitlines() == [
        "pkg/shapes.py",
        "class Shape  4:7  lines 4-8",
        "  method area  7:9  lines 7-8",
        "class Square  11:7  lines 11-18",
        "  constructor __init__  14:9  lines 14-15",
        "  method area  17:9  lines 17-18",
        "function double  21:5  lines 21-23",
    ]
    assert found == "class Square  pkg/shapes.py:11:7: class Square(Shape):"
    assert none == "No symbol matches 'Nowhere_at_all'. A shorter part of the name may."


def test_hover_and_calls(bench: ToolBench) -> None:
    """Types and docs; who calls a function and whom it calls, with the places of the calls."""
    hover, prepared, incoming, outgoing = texts(
        bench,
        ask("hover", "pkg/use.py", 7, 57),
        ask("prepareCallHierarchy", "pkg/shapes.py", 21, 6),
        ask("incomingCalls", "pkg/shapes.py", 21, 6),
        ask("outgoingCalls", "pkg/shapes.py", 17, 10),
    )
    assert hover.splitlines()[0] == "def double(value: float) -> float"
    assert hover.splitlines()[-1] == "Twice the value."
    assert prepared == "function double  pkg/shapes.py:21:5: def double(value: float) -> float:"
    assert incoming.splitlines() == [
        "method area  pkg/shapes.py:17:9: def area(self) -> float:",
        "  called at 18:16",
        "function total  pkg/use.py:6:5: def total(sides: list[float]) -> float:",
        "  called at 7:57",
    ]
    assert outgoing.splitlines() == [
        "function double  pkg/shapes.py:21:5: def double(value: float) -> float:",
        "  called at 18:16",
    ]


def test_diagnostics(bench: ToolBench) -> None:
    """Faults come with place, severity and rule; a file without any is said to be so."""
    faults, clean = texts(bench, ask("diagnostics", "pkg/use.py"), ask("diagnostics", file_path="pkg/shapes.py"))
    assert faults == (
        'pkg/use.py:10:14: error[invalid-assignment]: Object of type `Literal["text"]` is not assignable to `int`'
    )
    assert clean == "No diagnostics: nothing was found wrong in pkg/shapes.py."


def test_the_place_after_wide_characters(bench: ToolBench) -> None:
    """Characters are counted as Read shows them, also behind an emoji."""
    (bench.workspace / "wide.py").write_text('def f(a: int) -> int:\n    return a\n\n\nx = "🎉é", f(1), "🎉", f(2)\n')
    (references,) = texts(bench, ask("findReferences", "wide.py", 5, 22))
    assert [line.split(": ")[0] for line in references.splitlines()] == ["wide.py:1:5", "wide.py:5:11", "wide.py:5:22"]


def test_nothing_found_is_said_and_helps(bench: ToolBench) -> None:
    """A place without a name, and a name without an answer, are plain results."""
    blank, keyword, uncalled, empty = texts(
        bench,
        ask("hover", "pkg/use.py", 2, 1),
        ask("incomingCalls", "pkg/use.py", 7, 6),
        ask("incomingCalls", "pkg/shapes.py", 7, 9),
        ask("documentSymbol", "pkg/__init__.py"),
    )
    assert blank == (
        "hover found no result at pkg/use.py:2:1 (an empty line). No name stands there: point `character` at the name "
        "itself."
    )
    assert keyword.startswith("incomingCalls found no function at pkg/use.py:7:6: return sum(")
    assert uncalled.startswith("incomingCalls found no calls at pkg/shapes.py:7:9: def area(")
    assert empty == "No symbols in pkg/__init__.py."


def test_answers_are_fresh(bench: ToolBench) -> None:
    """What was written since, by any tool, in any file, new or gone, is in the next answer."""

    async def scenario() -> None:
        async def said(operation: str, *place: Any) -> str:
            _, args = ask(operation, *place)
            result = await bench.call_async("LSP", **args)
            return str(result.content).replace(f"{bench.context.workspace}/", "")

        assert (
            await said("goToDefinition", "pkg/use.py", 7, 57)
            == "pkg/shapes.py:21:5: def double(value: float) -> float:"
        )
        # The file that was asked about, by Edit.
        edited = await bench.call_async("Edit", file_path="pkg/use.py", old_string='"text"', new_string="1")
        assert not edited.is_error
        assert await said("diagnostics", "pkg/use.py") == "No diagnostics: nothing was found wrong in pkg/use.py."
        # A file that was only read from the disk, by Bash, in place and of the same size.
        await bench.call_async("Bash", command="sed -i.bak 's/def double/def twofold/' pkg/shapes.py; rm pkg/*.bak")
        assert (await said("diagnostics", "pkg/use.py")).startswith("pkg/use.py:3:32: error[")
        # A file that was shown to the server and then changed behind its back.
        assert "twofold" in await said("documentSymbol", "pkg/shapes.py")
        await bench.call_async("Bash", command="sed -i 's/def twofold/def double/' pkg/shapes.py")
        assert await said("diagnostics", "pkg/use.py") == "No diagnostics: nothing was found wrong in pkg/use.py."
        # A new file, and one that is gone.
        await bench.call_async("Write", file_path="pkg/more.py", content="from pkg.shapes import double\n\ndouble(3)\n")
        assert "pkg/more.py:3:1: double(3)" in await said("findReferences", "pkg/shapes.py", 21, 6)
        await bench.call_async("Bash", command="rm pkg/more.py")
        assert "more.py" not in await said("findReferences", "pkg/shapes.py", 21, 6)

    asyncio.run(closing(bench, scenario()))


def test_one_server_for_all_workers_and_none_afterwards(bench: ToolBench) -> None:
    """Ten workers that ask at once start one server; it ends with the run."""

    async def scenario() -> None:
        tool = LSP()
        contexts = [replace(bench.context, worker=f"w{number}", seen={}) for number in range(10)]
        _, args = ask("hover", "pkg/use.py", 7, 57)
        results = await asyncio.gather(*(tool.run(args, context) for context in contexts))
        assert [str(result.content).splitlines()[0] for result in results] == ["def double(value: float) -> float"] * 10
        assert len(servers_in(bench.context.workspace)) == 1

    asyncio.run(closing(bench, scenario()))
    assert servers_in(bench.context.workspace) == []
    assert bench.context.services.servers is None


def test_a_dead_server_is_replaced_until_it_dies_too_often(bench: ToolBench) -> None:
    """Killed, it is started anew and answers as before; after the fourth death it is left alone, and that is said."""

    async def scenario() -> None:
        _, args = ask("hover", "pkg/use.py", 7, 57)
        first = await bench.call_async("LSP", **args)
        killed: list[int] = []
        for _ in range(3):
            (pid,) = servers_in(bench.context.workspace)
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)
            assert (await bench.call_async("LSP", **args)).content == first.content
        assert len(set(killed)) == 3
        os.kill(servers_in(bench.context.workspace)[0], signal.SIGKILL)
        late = await bench.call_async("LSP", **args)
        assert late.is_error
        assert str(late.content).startswith(
            "The language server for python (ty) has died 4 times in this run and is not started again: "
        )
        assert str(late.content).endswith(". Use Grep and Read instead.")
        assert servers_in(bench.context.workspace) == []

    asyncio.run(closing(bench, scenario()))


def test_a_cancelled_call_leaves_the_server_usable(bench: ToolBench) -> None:
    """A worker that is stopped while the server starts does not spoil it for the others."""

    async def scenario() -> None:
        _, args = ask("hover", "pkg/use.py", 7, 57)
        for pauses in range(0, 60, 5):
            stopped = asyncio.ensure_future(bench.call_async("LSP", **args))
            for _ in range(pauses):
                await asyncio.sleep(0)
            stopped.cancel()
            await asyncio.gather(stopped, return_exceptions=True)
        assert not (await bench.call_async("LSP", **args)).is_error
        assert len(servers_in(bench.context.workspace)) == 1

    asyncio.run(closing(bench, scenario()))


def test_a_whole_run_shares_one_server_and_leaves_none(play: Play, tmp_path: Path) -> None:
    """Three workers of a real run ask; all get their answer, one server is there meanwhile and none afterwards."""
    workspace = tmp_path / "workspace"
    (workspace / "shapes.py").write_text(SHAPES)
    seen: list[int] = []

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            return tools(ask("goToDefinition", "shapes.py", 18, 16))
        seen.append(len(servers_in(workspace)))
        return text(f"{body['messages'][-1]['content'][0]['content']}\nSTATUS: done")

    result = play(Floor([lay_out({"a": (), "b": (), "c": ()}), text("Under way.")], worker))
    assert result.status == "completed"
    assert [task.output for task in result.tasks] == [
        f"{workspace}/shapes.py:21:5: def double(value: float) -> float:"
    ] * 3
    assert set(seen) == {1}
    assert servers_in(workspace) == []
