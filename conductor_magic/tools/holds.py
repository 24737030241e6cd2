"""Which worker has which file: a second one waits until the first is done, unless they would wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

from conductor_magic.errors import ToolError
from conductor_magic.events import Event, WorkerWaits
from conductor_magic.tools.base import ToolContext

__all__ = ["Holds"]


class Holds:
    """The holds of one run; lives on the engine's loop.

    Args:
        record: appends an event to the run's record.
    """

    def __init__(self, record: Callable[[Event], None]) -> None:
        self._record = record
        self._at_work: set[str] = set()
        self._holders: dict[str, tuple[str, str]] = {}
        self._waiting: dict[str, list[str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._bell = asyncio.Event()

    @asynccontextmanager
    async def taken(self, path: str, context: ToolContext) -> AsyncIterator[None]:
        """Around one change of a file. It is the worker's for good only once it is given.

        Raises:
            ToolError: the worker that has it waits, by way of others or not, for this one.
        """
        lock = self._locks.setdefault(path, asyncio.Lock())
        told = False
        while True:
            while (holder := self._other(path, context)) is not None:
                self._refuse_circle(path, holder, context)
                if not told:
                    told = True
                    self._record(
                        WorkerWaits(
                            worker=context.worker, call=context.call, path=path, tasks=(self._holders[path][1],)
                        )
                    )
                await self._until_changed(path, context)
            # Somebody at work on it may be waiting for a person: that time is not this worker's either.
            with context.hold() if lock.locked() else nullcontext():
                await lock.acquire()
            try:
                if self._other(path, context) is None:
                    yield
                    return
            finally:
                lock.release()

    def join(self, worker: str) -> None:
        """The worker is at work from now on."""
        self._at_work.add(worker)

    def give(self, path: str, worker: str, task: str) -> None:
        """The file is this worker's until it is done, unless it is done already, or the file is another's."""
        if worker in self._at_work:
            self._holders.setdefault(path, (worker, task))

    def release(self, worker: str) -> None:
        """The worker is done: who waits for its files goes on."""
        self._at_work.discard(worker)
        self._holders = {path: holder for path, holder in self._holders.items() if holder[0] != worker}
        self._ring()

    def _other(self, path: str, context: ToolContext) -> str | None:
        worker, _ = self._holders.get(path, (context.worker, ""))
        return None if worker == context.worker else worker

    async def _until_changed(self, path: str, context: ToolContext) -> None:
        waiting = self._waiting.setdefault(context.worker, [])
        waiting.append(path)
        try:
            with context.hold():
                await self._bell.wait()
        finally:
            waiting.remove(path)

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    def _refuse_circle(self, path: str, holder: str, context: ToolContext) -> None:
        seen: set[str] = set()
        asked = [holder]
        while asked:
            worker = asked.pop()
            if worker in seen:
                continue
            seen.add(worker)
            for wanted in self._waiting.get(worker, ()):
                other, _ = self._holders.get(wanted, ("", ""))
                if other == context.worker:
                    raise ToolError(
                        f"{path}: task {self._holders[path][1]} has it, and waits itself for {wanted}, which you have "
                        "changed: waiting would never end. Finish without this file, and say in your report what "
                        "remains to be changed in it (STATUS: incomplete)."
                    )
                asked.append(other)
