"""Every worker tool passes the gate before it does anything: with a gate that refuses all, nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.errors import ToolError
from conductor_magic.permissions import Access
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.worker import worker_tools
from tests.support.tool_bench import ToolBench

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "Read": ("read", {"file_path": "src/a.py"}),
    "Glob": ("read", {"pattern": "*.py"}),
    "Grep": ("read", {"pattern": "def"}),
    "LSP": ("read", {"operation": "documentSymbol", "filePath": "src/a.py"}),
    "WebFetch": ("site", {"url": "https://example.org/"}),
    "WebSearch": ("search", {"query": "anything"}),
    "Write": ("write", {"file_path": "made", "content": "x"}),
    "Edit": ("write", {"file_path": "src/a.py", "old_string": "1", "new_string": "2"}),
    "Bash": ("command", {"command": "touch made"}),
    "Python": ("command", {"code": "open('made', 'w')"}),
}


class Shut:
    """A gate that lets nothing through."""

    def __init__(self) -> None:
        self.seen: list[Access] = []

    async def admit(self, access: Access, context: ToolContext, show: Callable[[], str] | None = None) -> None:
        self.seen.append(access)
        raise ToolError("The gate is shut.")


def test_there_is_a_call_for_every_tool() -> None:
    """A tool that joins the registry must join this test."""
    assert set(worker_tools(read_only=False)) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_happens_behind_a_shut_gate(tmp_path: Path, name: str) -> None:
    """The gate is asked once, about the right kind of thing, and its no is the call's result."""
    kind, args = CALLS[name]
    bench = ToolBench(tmp_path)
    gate = Shut()
    bench.context.gate = gate

    async def call() -> Any:
        try:
            return await bench.call_async(name, **args)
        finally:
            await bench.close()

    before = {path: path.read_bytes() for path in bench.workspace.rglob("*") if path.is_file()}
    result = asyncio.run(call())
    assert (result.is_error, result.content) == (True, "The gate is shut.")
    assert [access.kind for access in gate.seen] == [kind]
    assert {path: path.read_bytes() for path in bench.workspace.rglob("*") if path.is_file()} == before
    assert bench.context.kernels == {}
