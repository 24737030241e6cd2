"""Whether a command destroyed what another task had changed. Pure: versions of a file in, losses out.

A task knows a version that it read or made on top of what it knew, that was there when it was launched, or that comes
from a task it waited for. What others have changed since the last version that it knows must survive its own steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conductor_magic.tools.versions import GONE_UNSEEN

__all__ = ["Loss", "Version", "find_loss"]

_MOST_LOST = 4


@dataclass(slots=True)
class Version:
    """One version of a file.

    Attributes:
        number: its place among all versions of all files of the run; 0 is what was there before.
        sha: hash of its content, `UNKNOWN`, `GONE_UNSEEN`, or None when there is no file.
        tasks: those that may have made it: one when it is certain, none when it came from outside the run.
        moment: where the record of the run stood.
        told: it has been part of a conflict.
        credited: a task has been named as its maker.
    """

    number: int
    sha: str | None
    tasks: frozenset[str] = frozenset()
    moment: int = 0
    told: bool = False
    credited: bool = False

    @property
    def sure(self) -> bool:
        """Whether it is certain where it came from."""
        return len(self.tasks) <= 1


@dataclass(frozen=True, slots=True)
class Loss:
    """What was destroyed.

    Attributes:
        base: what the destroyer knew.
        lost: the versions whose changes are gone.
        winner: the version that is without them.
    """

    base: Version
    lost: tuple[Version, ...]
    winner: Version

    @property
    def sure(self) -> bool:
        """Whether it is certain whose versions they are."""
        return all(version.sure for version in (*self.lost, self.winner))


Keeps = Callable[[Version, Version, Version], bool]
"""(base, theirs, mine) -> whether `mine` holds what changed from `base` to `theirs`."""


def find_loss(
    versions: Sequence[Version],
    task: str,
    since: int,
    knows: Callable[[Version], bool],
    keeps: Keeps,
    contested: Callable[[Version], bool],
) -> Loss | None:
    """What the steps of one command destroyed of others' changes to one file, and is still gone at the end.

    Args:
        versions: the file's, in order; the first is what was there before.
        task: whose command it was.
        since: the number of the last version of any file before the command.
        knows: whether the task knew a version.
        keeps: compares contents.
        contested: whether there are signs that several of a version's possible makers are at this file.
    """
    start = max((place for place, version in enumerate(versions) if knows(version)), default=0)
    base, end = versions[start], versions[-1]
    lost: dict[int, Version] = {}
    winner: Version | None = None
    former = base
    for place in range(start + 1, len(versions)):
        mine, before = versions[place], former
        if mine.sha == GONE_UNSEEN:
            continue
        former = mine
        if mine.number <= since or task not in mine.tasks:
            continue
        for theirs in _others(versions[start + 1 : place], task, knows):
            if theirs.sha == GONE_UNSEEN:
                gone = contested(theirs)
            else:
                gone = keeps(base, theirs, before) and not keeps(base, theirs, mine) and not keeps(base, theirs, end)
            if gone and not theirs.told:
                lost[theirs.number] = theirs
                winner = mine
    if winner is None:
        return None
    # A file that was removed and made anew: what its maker left at last is what is in place.
    for later in versions[versions.index(winner) + 1 :]:
        if later.tasks != winner.tasks or later.sha == GONE_UNSEEN:
            break
        winner = later
    gone = tuple(lost[number] for number in sorted(lost))[-_MOST_LOST:]
    earlier = versions[versions.index(gone[0]) - 1]
    # What both still have of others' changes would only hide in the differences what they do not share.
    common = earlier.sha != GONE_UNSEEN and keeps(base, earlier, winner)
    return Loss(earlier if common else base, gone, winner)


def _others(versions: Sequence[Version], task: str, knows: Callable[[Version], bool]) -> list[Version]:
    """The latest version of each other task; of those whose maker is not certain, the last one and the unseen ones."""
    latest: dict[frozenset[str], Version] = {}
    unseen: list[Version] = []
    unsure: list[Version] = []
    for version in versions:
        if version.tasks == {task} or knows(version):
            continue
        if version.sha == GONE_UNSEEN:
            unseen.append(version)
        elif version.sure:
            latest[version.tasks] = version
            unsure = []
        else:
            unsure = [version] if version.sha is not None else []
    return [*latest.values(), *unsure, *unseen]
