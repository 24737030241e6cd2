"""A worker's tools on a real folder: the workspace, what lies beside it, and a call that checks its arguments first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.permissions import Access, Rule, verdict
from conductor_magic.sandbox import choose_walls
from conductor_magic.standing import denied_paths
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.schema import check_arguments
from conductor_magic.tools.worker import worker_tools
from tests.support.walls import landlock_walls

__all__ = ["CANARY", "BenchGate", "ToolBench", "processes_with"]

CANARY = "CANARY-d41d8cd9"


class BenchGate:
    """The pure verdict with a ready answer: what would be asked is noted, and answered with no unless told otherwise.

    Attributes:
        yes: what a person who is there would say.
        rules: standing rules.
        asked: every access that would have been asked, with what a person would have been shown.
    """

    def __init__(self, mode: str, yes: bool = False, rules: Iterable[Rule] = ()) -> None:
        self.mode, self.yes, self.rules = mode, yes, tuple(rules)
        self.asked: list[tuple[Access, str]] = []

    async def admit(self, access: Access, context: ToolContext, show: Callable[[], str] | None = None) -> None:
        found = verdict(access, self.mode, self.rules)
        if found.decision == "ask":
            self.asked.append((access, show() if show else ""))
        if found.decision == "deny" or (found.decision == "ask" and not self.yes):
            because = f" It {access.leaves}." if access.leaves else ""
            raise ToolError(f"{access.what}: not allowed ({found.rule}).{because}")


class ToolBench:
    """A workspace with a few files, an outside with a secret, and one worker's context.

    Args:
        base: an empty folder.
        mode: the run's permission mode.
        yes: what a person would say to every question.
        rules: standing rules.
    """

    def __init__(self, base: Path, mode: str = "workspace", *, yes: bool = False, rules: Iterable[Rule] = ()) -> None:
        self.workspace, self.outside, self.data = base / "ws", base / "out", base / "data"
        for folder in (self.workspace / "src", self.outside, self.data / "artifacts", base / "ws-evil"):
            folder.mkdir(parents=True)
        (self.workspace / "src" / "a.py").write_text("def f():\n    return 1\n")
        (self.outside / "secret.txt").write_text(CANARY)
        (base / "ws-evil" / "secret.txt").write_text(CANARY)
        self.tools = worker_tools(mode == "read-only")
        self.gate = BenchGate(mode, yes, rules)
        self.context = ToolContext(
            task="1",
            worker="w1",
            gate=self.gate,
            workspace=self.workspace.resolve(),
            artifacts=(self.data / "artifacts").resolve(),
            walls=choose_walls(mode, self.workspace, self.data, denied_paths(self.gate.rules)),
            read_only=mode == "read-only",
        )

    def keep(self, files: Mapping[str, str]) -> None:
        """Write files into the workspace, with their folders."""
        for name, content in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def inside(self, kind: str) -> ToolBench:
        """The same bench, inside walls of this kind."""
        if kind == "landlock":
            self.context.walls = landlock_walls(self.context.walls)
        return self

    async def call_async(self, name: str, **args: Any) -> ToolResult:
        """One call; what the tool refuses comes back as an error result, as the worker's loop makes it."""
        tool = self.tools[name]
        if trouble := check_arguments(tool.input_schema, args):
            return ToolResult(trouble, is_error=True)
        try:
            return await tool.run(args, self.context)
        except ToolError as error:
            return ToolResult(str(error), is_error=True)

    def call(self, name: str, **args: Any) -> ToolResult:
        """The same from a test that is no coroutine; kernels are closed afterwards."""
        return self.calls((name, args))[-1]

    def calls(self, *wanted: tuple[str, dict[str, Any]]) -> list[ToolResult]:
        """Several calls one after another in one task; kernels are closed afterwards."""

        async def all_of_them() -> list[ToolResult]:
            try:
                return [await self.call_async(name, **args) for name, args in wanted]
            finally:
                await self.close()

        return asyncio.run(all_of_them())

    async def close(self) -> None:
        """End the task: close what its tools have opened."""
        for close in self.context.opened.values():
            await close()
        await self.context.services.aclose()

    def read(self, name: str) -> str:
        """The content of a file in the workspace."""
        return (self.workspace / name).read_text()


def processes_with(text: str) -> list[str]:
    """The command lines of living processes that hold a text."""
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in line:
                found.append(line)
    return found
