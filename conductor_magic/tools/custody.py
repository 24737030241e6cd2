"""Who is at which file: writers are held apart, every version is known with its maker, and what collides is told.

One for each run, on the engine's loop. Write and Edit take a file before they change it and keep it until their worker
is done; another worker waits for that. Commands cannot be held apart, so what they change is seen by the `Watch`, and
when a command has ended it is judged whether it destroyed what another task had changed (`judging.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.events import RunNoted
from conductor_magic.paths import Target
from conductor_magic.placing import place
from conductor_magic.tools.aftermath import Aftermath, Command
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.collisions import Collision, Collisions, Contender
from conductor_magic.tools.ground import Ground
from conductor_magic.tools.histories import Histories
from conductor_magic.tools.holds import Holds
from conductor_magic.tools.ledger import Ledger
from conductor_magic.tools.versions import Versions, digest
from conductor_magic.tools.watch import Watch

__all__ = ["Custody", "Strangers"]

_HELD_BY_COMMAND = 20
"""Files that one command may change and hold for its worker: a sweep over the whole tree holds nobody apart."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """Who has changed a file behind a worker's back.

    Attributes:
        tasks: the other tasks; none when it came from outside the run.
        known: the last version that the worker knew.
    """

    tasks: frozenset[str]
    known: Contender


class Custody:
    """The custody of one run's files.

    Args:
        ledger: the run.
        workspace: the folder that commands may write, resolved.
        hidden: folders in it that are closed to workers.
        artifacts: the run's artifacts folder: versions that collided are kept in it. What memory has no room for lies
            beside it, where no worker can read.
    """

    def __init__(self, ledger: Ledger, workspace: Path, hidden: Iterable[Path], artifacts: Path) -> None:
        ground = Ground(workspace, hidden)
        self._ledger = ledger
        self._contents = Versions(artifacts.parent)
        self._watch = Watch(ground, self._contents)
        self._starting: asyncio.Task[None] | None = None
        self._told = False
        self._holds = Holds(ledger.record)
        self._histories = Histories(ledger, self._contents)
        self._aftermath = Aftermath(ledger, self._histories)
        self._collisions = Collisions(ledger, artifacts, ground.shown)

    async def aclose(self) -> None:
        """End the watch, and forget the versions that are in no conflict."""
        if self._starting is not None:
            await self._starting
        await asyncio.to_thread(self._watch.close)
        self._contents.close()

    def collision(self, conflict: str) -> Collision | None:
        """The versions of a conflict that was found in this process."""
        return self._collisions.of(conflict)

    # --- files that tools read and write -----------------------------------------------------------------------------

    def saw(self, path: Path, content: bytes, context: ToolContext) -> None:
        """A worker has read this content; called on any thread."""
        sha = digest(content)
        self._watch.saw(str(path), content, sha)
        self._histories.read(path, sha, context)

    @asynccontextmanager
    async def held(self, path: Path, context: ToolContext) -> AsyncIterator[None]:
        """Around a tool's change of one file: alone, once every other worker that has written it is done.

        Raises:
            ToolError: those workers wait for this one.
        """
        self._join(context)
        async with self._holds.taken(str(path), context):
            await asyncio.to_thread(self._watch.catch_up, str(path))
            self._take()
            yield

    def strangers(self, path: Path, context: ToolContext) -> Strangers | None:
        """Whose changes of a file this worker does not know, inside `held`; None when there are none."""
        known, others = self._histories.strangers(str(path), context)
        if not others:
            return None
        tasks = frozenset(task for version in others for task in version.tasks) - {context.task}
        return Strangers(tasks, self._histories.contender(known))

    def kept(self, sha: str) -> bytes | None:
        """The content of this hash, if it is kept."""
        return self._contents.get(sha)

    async def replace(self, target: Target, content: bytes, before: bytes | None, context: ToolContext | None) -> None:
        """Put new content in place of `before`; the file is this worker's from now on.

        Args:
            target: where.
            content: what it shall hold.
            before: what it holds; None when there is no file.
            context: whose change it is; None for the person's.

        Raises:
            Overtaken: it holds something else by now; it is left as it is.
            ToolError: the disk refuses.
        """
        path = str(target.path)
        tasks = frozenset({context.task} if context else ())
        if before is not None:
            self._contents.put(digest(before), before, ours=True)

        def write() -> None:
            sha = None if before is None else digest(before)
            self._watch.write(path, sha, content, tasks, lambda: place(target, content, before))

        try:
            await asyncio.to_thread(write)
        finally:
            self._take()
        if context is not None:
            self._holds.give(path, context.worker, context.task)

    # --- commands ----------------------------------------------------------------------------------------------------

    async def begin(self, text: str, context: ToolContext) -> Command:
        """A command is about to run."""
        self._join(context)
        assert self._starting is not None, "a worker that has joined has set it going"
        await asyncio.shield(self._starting)
        number = await asyncio.to_thread(self._watch.begin, context.task, text)
        self._take()
        command = Command(number, context, text, self._histories.number)
        self._aftermath.add(command)
        return command

    async def end(self, command: Command) -> None:
        """It has ended, with all that it started: what it changed is recorded, and what it destroyed."""
        await asyncio.to_thread(self._watch.end, command.number)
        self._take()
        self._tell_trouble()
        self._aftermath.end(command)
        try:
            self._aftermath.attribute(command)
            certain = self._aftermath.credit(command)
            if len(certain) <= _HELD_BY_COMMAND:
                for path in certain:
                    self._holds.give(path, command.context.worker, command.context.task)
            for collision in [*await self._aftermath.judge(command), *self._aftermath.judge_late(self._watch.late())]:
                await self._collisions.tell(collision)
        finally:
            self._aftermath.close(command)

    # --- both --------------------------------------------------------------------------------------------------------

    def _join(self, context: ToolContext) -> None:
        """A worker's step: from its first on it is at work, until its attempt is over."""
        self._histories.join(context)
        self._holds.join(context.worker)
        if self._starting is None:
            # In a large workspace it takes a while, so it is under way before the first command comes.
            self._starting = asyncio.ensure_future(self._start())

        async def leave() -> None:
            self._holds.release(context.worker)

        context.opened.setdefault("custody", leave)

    async def _start(self) -> None:
        await asyncio.to_thread(self._watch.start)
        self._tell_trouble()

    def _tell_trouble(self) -> None:
        if self._watch.trouble and not self._told:
            self._told = True
            self._ledger.record(RunNoted(text=_COMPARES.format(why=self._watch.trouble), level="warning"))

    def _take(self) -> None:
        """Put what was seen into the histories; here on the loop, so that its order is kept."""
        sightings = list(self._watch.harvest())
        self._histories.add(sightings)
        self._aftermath.touch(sightings)


_COMPARES = (
    "Changes of files by commands are found only after each command ({why}): a version that is overwritten within one "
    "cannot be kept."
)
