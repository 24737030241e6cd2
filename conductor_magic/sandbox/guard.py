"""Protected names around each call that can write: what came, changed or went is undone, and told.

Bubblewrap covers what is there when a command starts; a name that is new (`.vscode/`, `.envrc`, the `commondir` of a
repository) cannot be covered. Inside Landlock nothing in the workspace is. So before a call it is taken down what is
protected, and after the call what is different is put back; what stood in its place is moved out of the workspace,
into a folder of the run that no worker can read. Nothing is lost, and the tool's result names it.

Who made a change cannot be told: one that a person makes while a worker's command runs is undone and told as well.

* A new git repository may be made: see `repository`.
* Where a folder was renamed, the protected things in it went along and are fine. Inside Landlock, a protected thing
  that was itself renamed, or a secret that got another name, is moved back.
* Between calls a Python kernel lives on: what runs by itself (not: what is only secret) and is new when the next call
  begins is undone too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conductor_magic.errors import ToolError
from conductor_magic.sandbox.differences import Differences
from conductor_magic.sandbox.kept import Moment, keep
from conductor_magic.sandbox.survey import Survey

if TYPE_CHECKING:
    from conductor_magic.sandbox.walls import Walls

__all__ = ["Guard", "Guarded", "guarded_names"]

_SHOWN = 5
_ROUNDS = 3
"""A folder that was moved back may hold changes too."""


@dataclass(slots=True)
class Guarded:
    """What came of guarding one call.

    Attributes:
        note: one line for the tool's result; empty when nothing was undone.
    """

    note: str = ""


class Guard:
    """Guards the protected names of one workspace for all calls of a run. It looks at files: call it in a thread.

    Args:
        workspace: the folder, resolved.
        survey: finds what is protected in it.
        deep: whether a command can change what is there already, so that its content must be kept.

    Attributes:
        calls: how many calls are being guarded now.
    """

    def __init__(self, workspace: Path, survey: Survey, *, deep: bool) -> None:
        self._workspace = workspace
        self._survey = survey
        self._deep = deep
        self._lock = threading.Lock()
        self._right: Moment | None = None
        self.calls = 0
        self._processes = 0
        self._untold: list[str] = []

    def begin(self, aside: Path) -> None:
        """A call that can write is about to start.

        Args:
            aside: the folder for what is moved out of the workspace.
        """
        with self._lock:
            if self.calls == 0:
                if self._processes and self._right:
                    self._settle(self._right, aside, between=True)
                self._right = self._take_down()
            self.calls += 1

    def finish(self, aside: Path) -> list[str]:
        """A call has ended: undo what is different; what was done, in words.

        Args:
            aside: the folder for what is moved out of the workspace.
        """
        with self._lock:
            self.calls -= 1
            if self._right:
                fine = self._settle(self._right, aside)
                if self.calls:
                    self._right = self._right.renewed(self._take_down(), fine)
            told, self._untold = self._untold, []
            return told

    def tell_later(self, undone: list[str]) -> None:
        """A call has no result to tell it in: the next one will. Does not wait."""
        self._untold += undone

    def accept(self, path: Path) -> None:
        """A file with a protected name was written with a person's yes: what it is now is right."""
        with self._lock:
            if self._right:
                around = {str(path), *map(str, path.parents)}
                self._right = self._right.renewed(self._take_down(), around)

    def process_begins(self) -> None:
        """A process starts inside the walls. For the run's own loop; does not wait."""
        self._processes += 1

    def process_ends(self) -> None:
        """It is gone, with all that it started. For the run's own loop; does not wait."""
        self._processes -= 1

    def _take_down(self) -> Moment:
        return keep(self._survey.look(fresh=True), self._right, contents=self._deep)

    def _settle(self, right: Moment, aside: Path, *, between: bool = False) -> set[str]:
        """Undo what is different; the paths whose difference is fine."""
        fine: set[str] = set()
        for _ in range(_ROUNDS):
            now = self._take_down()
            found = Differences(self._workspace, right, now, deep=self._deep, between=between, find=self._survey.find)
            fine |= found.fine
            undone = found.undo(aside)
            self._untold += [word for word in undone if word not in self._untold]
            if not undone:
                break
        return fine


@asynccontextmanager
async def guarded_names(walls: Walls, aside: Path) -> AsyncIterator[Guarded]:
    """Guard the protected names for the length of one call.

    Args:
        walls: where the call's commands run; without a guard of theirs nothing is done.
        aside: the folder for what is moved out of the workspace; workers must not be able to read it.

    Raises:
        ToolError: the call's own, with the note appended.
    """
    guard, guarded = walls.guard, Guarded()
    if guard is None:
        yield guarded
        return
    beginning = asyncio.ensure_future(asyncio.to_thread(guard.begin, aside))
    try:
        await asyncio.shield(beginning)
        yield guarded
    except ToolError as error:
        note = _note(await _finished(guard, aside), aside)
        raise ToolError(f"{error}\n{note}") if note else error from None
    except BaseException:
        await beginning
        guard.tell_later(await _finished(guard, aside))
        raise
    guarded.note = _note(await _finished(guard, aside), aside)


async def _finished(guard: Guard, aside: Path) -> list[str]:
    """What was undone. The caller's cancellation does not keep it from being undone."""
    finishing = asyncio.ensure_future(asyncio.to_thread(guard.finish, aside))
    try:
        return await asyncio.shield(finishing)
    except asyncio.CancelledError:
        guard.tell_later(await finishing)
        raise


def _note(undone: list[str], aside: Path) -> str:
    if not undone:
        return ""
    more = f" and {len(undone) - _SHOWN} more" if len(undone) > _SHOWN else ""
    return (
        f"[undone: {', '.join(undone[:_SHOWN])}{more}. These names are protected: only a person may change them. "
        f"What stood there was moved to {aside}.]"
    )
