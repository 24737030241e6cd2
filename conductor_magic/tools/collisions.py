"""Tells what collided: the record gets both differences, the run's artifacts folder gets every version."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.differences import difference, is_text
from conductor_magic.events import ConflictFound
from conductor_magic.tools.ledger import Ledger
from conductor_magic.tools.output import new_file
from conductor_magic.tools.versions import digest

__all__ = ["Collision", "Collisions", "Contender"]

_SHOWN = 8_000
"""Characters of each difference that the record keeps."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the versions that collided.

    Attributes:
        tasks: those that may have made it; none when it came from outside the run.
        content: what it holds; None when there is no file, or when it is not `kept`.
        kept: its content is known.
        commands: where it is not, the commands that may have made it, as (task, text).
    """

    tasks: frozenset[str]
    content: bytes | None
    kept: bool = True
    commands: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Collision:
    """Versions that began from one and could not both stay.

    Attributes:
        path: the file.
        base: what both began from.
        contenders: the versions; the last one is the one that is in place.
        sure: it is certain that they are of different tasks.
    """

    path: str
    base: Contender
    contenders: tuple[Contender, ...]
    sure: bool


class Collisions:
    """Keeps and tells the collisions of one run.

    Args:
        ledger: the run.
        artifacts: where versions are kept, in a folder `conflicts`.
        shown: whether the content of a path may be shown.
    """

    def __init__(self, ledger: Ledger, artifacts: Path, shown: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._folder = artifacts / "conflicts"
        self._shown = shown
        self._told: dict[str, Collision] = {}
        self._lock = asyncio.Lock()

    def of(self, conflict: str) -> Collision | None:
        """The collision that was told under this name in this process."""
        return self._told.get(conflict)

    async def tell(self, collision: Collision) -> None:
        """Keep its versions and record it."""
        async with self._lock:
            name = f"k{self._ledger.conflicts() + 1}"
            who = _labels(collision.contenders)
            shown = self._shown(collision.path)
            kept = await asyncio.to_thread(self._keep, name, collision, who) if shown else []
            diffs = [self._difference(collision, contender, label) for contender, label in zip(
                collision.contenders, who, strict=True)] if shown else [_HIDDEN] * len(who)  # fmt: skip
            self._told[name] = collision
            self._ledger.record(
                ConflictFound(
                    path=collision.path,
                    tasks=tuple(sorted(_tasks(collision.contenders), key=_by_number)),
                    diffs=tuple(diffs),
                    conflict=name,
                    who=tuple(who),
                    base=kept[0] if kept else "",
                    kept=tuple(kept[1:]),
                    sure=collision.sure,
                    shas=tuple(map(_sha, collision.contenders)) if shown else (),
                )
            )

    def _difference(self, collision: Collision, contender: Contender, label: str) -> str:
        if not contender.kept:
            made = "".join(f"\n#{task} ran:\n{text[:_COMMAND]}" for task, text in contender.commands)
            return self._ledger.redacted(f"{label}: {_LOST}{made}")
        base = collision.base.content if collision.base.kept else None
        old = "before" if collision.base.kept else "before (not known)"
        return self._ledger.redacted(difference(base, contender.content, old, label, _SHOWN))

    def _keep(self, name: str, collision: Collision, who: Sequence[str]) -> list[str]:
        """Write the versions; their paths, empty where there is none. The first is the base."""
        paths: list[str] = []
        for contender, label in zip((collision.base, *collision.contenders), ("before", *who), strict=True):
            if not contender.kept or contender.content is None:
                paths.append("")
                continue
            stem = label.replace("#", "task ").replace(" ", "-")
            handle, path = new_file(
                self._folder / name, f"{stem}-{Path(collision.path).stem}", Path(collision.path).suffix
            )
            with os.fdopen(handle, "wb") as file:
                file.write(self._without_secrets(contender.content))
            paths.append(str(path))
        return paths

    def _without_secrets(self, content: bytes) -> bytes:
        return self._ledger.redacted(content.decode()).encode() if is_text(content) else content


_HIDDEN = "The name of the file is one that usually holds secrets: nothing of it is shown or kept."
_LOST = "a version that was overwritten before it could be read, if there was one, or that could not be kept."
_COMMAND = 2_000


def _sha(contender: Contender) -> str:
    return "" if contender.content is None else digest(contender.content)


def _tasks(contenders: Iterable[Contender]) -> set[str]:
    return {task for contender in contenders for task in contender.tasks}


def _by_number(task: str) -> tuple[int, str]:
    return (int(task), "") if task.isdecimal() else (0, task)


def _labels(contenders: Sequence[Contender]) -> list[str]:
    """Whose each version is, in a word or two. Whose the one certainly is, the others are not likely to be."""
    certain = [contender.tasks if len(contender.tasks) == 1 else frozenset[str]() for contender in contenders]
    labels: list[str] = []
    for contender in contenders:
        others = frozenset[str]().union(*(tasks for tasks in certain if tasks != contender.tasks))
        names = [f"#{task}" for task in sorted(contender.tasks - others or contender.tasks, key=_by_number)]
        label = " or ".join(names) or "outside the run"
        labels.append(label if label not in labels else f"{label}, later")
    return labels
