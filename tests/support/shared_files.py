"""Several workers on one workspace, with one custody of its files: their real tools, and what the record would hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from conductor_magic.errors import ToolError
from conductor_magic.events import ConflictFound, Event, FileChanged
from conductor_magic.permissions import Access
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.custody import Custody
from conductor_magic.tools.ledger import Standing
from conductor_magic.tools.schema import check_arguments
from conductor_magic.tools.services import Services
from tests.support.tool_bench import BenchGate, ToolBench

__all__ = ["Book", "SharedFiles"]

_E = TypeVar("_E", bound=Event)


@dataclass
class Book:
    """A record in memory; what a task may be taken to know is set by the test."""

    events: list[Event] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def written(self) -> None:
        """Wait until one more event is recorded."""
        self._more.clear()
        await self._more.wait()

    def moment(self) -> int:
        return len(self.events) + 1

    def standing(self, task: str) -> Standing:
        return self.standings.get(task, Standing())

    def conflicts(self) -> int:
        return len(self.all(ConflictFound))

    def redacted(self, text: str) -> str:
        return text.replace("sk-ant-secret", "[redacted]")

    def all(self, kind: type[_E]) -> list[_E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class ThinkingGate(BenchGate):
    """A gate whose person takes a while.

    Attributes:
        thinks: what happens between the question and the answer.
    """

    def __init__(self, mode: str, yes: bool) -> None:
        super().__init__(mode, yes)
        self.thinks: Callable[[], object] = lambda: None

    async def admit(self, access: Access, context: ToolContext, show: Callable[[], str] | None = None) -> None:
        await super().admit(access, context, show)
        self.thinks()


class SharedFiles:
    """A workspace and the workers on it, by the id of their task. Make it inside a running loop.

    Args:
        base: an empty folder.
        mode: the run's mode.
        kept: whether there is a custody at all.

    Attributes:
        held: the tasks whose clock stands.
    """

    def __init__(self, base: Path, mode: str = "workspace", *, yes: bool = False, kept: bool = True) -> None:
        self._bench = ToolBench(base, mode, yes=yes)
        self.workspace = self._bench.workspace
        self.artifacts = self._bench.context.artifacts
        self.gate = ThinkingGate(mode, yes)
        self.held: set[str] = set()
        self.book = Book()
        context = self._bench.context
        self.custody = Custody(self.book, context.workspace, context.walls.hidden, context.artifacts) if kept else None
        self.services = Services(custody=self.custody)
        self._contexts: dict[str, ToolContext] = {}

    def context(self, task: str) -> ToolContext:
        """The worker at a task; it begins with its first call."""
        if task not in self._contexts:
            self._contexts[task] = replace(
                self._bench.context, task=task, worker=f"w{task}", seen={}, opened={}, kernels={}, background={},
                services=self.services, gate=self.gate, hold=lambda: self._hold(task),
            )  # fmt: skip
        return self._contexts[task]

    @contextmanager
    def _hold(self, task: str) -> Iterator[None]:
        self.held.add(task)
        try:
            yield
        finally:
            self.held.discard(task)

    async def call(self, task: str, name: str, **args: Any) -> ToolResult:
        """One call of a worker."""
        tool = self._bench.tools[name]
        assert check_arguments(tool.input_schema, args) is None
        try:
            return await tool.run(args, self.context(task))
        except ToolError as error:
            return ToolResult(str(error), is_error=True)

    async def release(self, task: str) -> None:
        """The worker's attempt is over, but its kernel stays for another one."""
        context = self._contexts[task]
        context.seen.clear()
        if leave := context.opened.pop("custody", None):
            await leave()

    async def done(self, task: str) -> None:
        """The worker is done: what its tools opened is closed."""
        context = self._contexts.pop(task)
        await asyncio.gather(*(close() for close in context.opened.values()))

    async def close(self) -> None:
        """End all workers and the custody."""
        for task in list(self._contexts):
            await self.done(task)
        if self.custody is not None:
            await self.custody.aclose()

    def read(self, name: str) -> str:
        """The content of a file in the workspace."""
        return (self.workspace / name).read_text()

    def write(self, name: str, content: str) -> Path:
        """Somebody outside the run writes a file."""
        path = self.workspace / name
        path.write_text(content)
        return path

    @property
    def conflicts(self) -> list[ConflictFound]:
        """The conflicts that were found."""
        return self.book.all(ConflictFound)

    @property
    def changes(self) -> list[FileChanged]:
        """The changes by commands that were recorded."""
        return self.book.all(FileChanged)
