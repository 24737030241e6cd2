"""What a command leaves behind once it has ended: the files that it changed, and what it destroyed of others' work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

from conductor_magic.differences import keeps as keeps_changes
from conductor_magic.events import FileChanged, RunNoted
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.collisions import Collision, Contender
from conductor_magic.tools.formers import Former
from conductor_magic.tools.histories import Histories
from conductor_magic.tools.judging import Loss, Version, find_loss
from conductor_magic.tools.ledger import Ledger
from conductor_magic.tools.looking import Sighting
from conductor_magic.tools.versions import GONE_UNSEEN

__all__ = ["Aftermath", "Command"]

_WORD = re.compile(rb"\w{4,}")
_ATTRIBUTED, _WORDY = 200, 1 << 16
"""Files of one command, and bytes of each, whose words are looked at."""

_RECORDED = 500
"""Files that the record names for one command."""


@dataclass(slots=True)
class Command:
    """A command that runs, or has run beside one that still does.

    Attributes:
        number: the watch's number for it.
        context: whose it is.
        text: what runs.
        since: the number of the last version before it began.
        touched: the files that have changed meanwhile.
        ended: the number of the last version before it ended; None while it runs.
        judged: nothing more is to be found out about it.
    """

    number: int
    context: ToolContext
    text: str
    since: int
    touched: dict[str, None] = field(default_factory=dict[str, None])
    ended: int | None = None
    judged: bool = False


class Aftermath:
    """Looks at commands that have ended.

    Args:
        ledger: the run.
        histories: all versions of all files.
    """

    def __init__(self, ledger: Ledger, histories: Histories) -> None:
        self._ledger = ledger
        self._histories = histories
        self._commands: list[Command] = []
        self._named: set[tuple[str, str]] = set()

    @property
    def running(self) -> list[Command]:
        """The commands that run now."""
        return [command for command in self._commands if command.ended is None]

    def add(self, command: Command) -> None:
        """It has begun."""
        self._commands.append(command)

    def touch(self, sightings: Iterable[Sighting]) -> None:
        """Note what has changed while commands ran."""
        running = self.running
        for sighting in sightings:
            for command in running:
                if command.context.task in sighting.tasks:
                    command.touched[sighting.path] = None

    def end(self, command: Command) -> None:
        """It has ended; to be judged now."""
        command.ended = self._histories.number

    def close(self, command: Command) -> None:
        """It has been judged. It is remembered as long as one that ran beside it has not been."""
        command.judged = True
        task = command.context.task
        self._named.update((path, task) for path in command.touched if Path(path).name in command.text)
        oldest = min((one.since for one in self._commands if not one.judged), default=self._histories.number + 1)
        self._commands = [one for one in self._commands if not one.judged or (one.ended or 0) >= oldest]

    # --- what it changed ---------------------------------------------------------------------------------------------

    def attribute(self, command: Command) -> None:
        """Find out who made what while several commands ran: the one whose text alone has all words that are new."""
        for path in islice(command.touched, _ATTRIBUTED):
            versions = self._histories.files[path]
            for former, version in pairwise(versions):
                if version.number > command.since and not version.sure:
                    fresh = self._words(version) - self._words(former)
                    ran = (one for one in self._commands if one.context.task in version.tasks)
                    makers = {one.context.task for one in ran if fresh and fresh <= _words(one.text.encode())}
                    if len(makers) == 1:
                        self._histories.attribute(path, version, makers.pop())

    def _words(self, version: Version) -> frozenset[bytes]:
        content = self._histories.contender(version).content
        return _words(content) if content and len(content) <= _WORDY else frozenset()

    def credit(self, command: Command) -> list[str]:
        """Record the files that it changed, also by the likeliest guess; those that are certain are returned."""
        task, recorded = command.context.task, 0
        certain: list[str] = []
        for path in command.touched:
            versions = self._histories.files[path]
            mine = [v for v in versions if v.number > command.since and task in v.tasks and not v.credited]
            if not mine or not self._is_credited(path, mine[-1], task):
                continue
            for version in mine:
                version.credited = True
            before, after = versions[versions.index(mine[0]) - 1].sha, mine[-1].sha
            if after is None or after in (GONE_UNSEEN, before):
                continue
            recorded += 1
            if recorded <= _RECORDED:
                self._ledger.record(_file_changed(path, before, after, command.context, sure=mine[-1].sure))
            if mine[-1].sure:
                certain.append(path)
        if recorded > _RECORDED:
            text = f"A command of #{task} changed {recorded:,} files; {_RECORDED} of them are named in the record."
            self._ledger.record(RunNoted(text=text))
        return certain

    def _is_credited(self, path: str, version: Version, task: str) -> bool:
        """Whether a change is taken for this task's: certain, or the likeliest of those whose commands ran."""
        likely = [other for other in version.tasks if self._is_at(path, other)]
        return version.sure or task in likely or not likely

    def _is_at(self, path: str, task: str) -> bool:
        """Whether there are signs that a task is at a file: it has read or changed it, or a command names it."""
        texts = (command.text for command in self._commands if command.context.task == task)
        named = (path, task) in self._named or any(Path(path).name in text for text in texts)
        return named or self._histories.is_at(path, task)

    def _contested(self, path: str, tasks: Iterable[str]) -> bool:
        return sum(self._is_at(path, task) for task in tasks) > 1

    # --- what it destroyed -------------------------------------------------------------------------------------------

    async def judge(self, command: Command) -> list[Collision]:
        """What it destroyed of what others had changed; each of it once, whichever command is judged first."""
        found: list[Collision] = []
        for path in list(command.touched):
            versions = list(self._histories.files[path])
            if all(version.tasks == {command.context.task} for version in versions[1:]):
                continue
            loss = await asyncio.to_thread(self._loss, path, versions, command)
            lost = [version for version in loss.lost if not version.told] if loss else []
            if loss is not None and lost:
                found.append(self._collision(path, loss, lost))
        return found

    def judge_late(self, late: Iterable[tuple[Former, str]]) -> Iterator[Collision]:
        """What was written to a file that had been replaced by another, and is not in that one."""
        contender = self._histories.contender
        for former, sha in late:
            now = self._histories.files[former.path][-1]
            base, theirs = Version(0, former.sha), Version(0, sha, former.tasks)
            if not self._keeps(former.path, base, theirs, now):
                mine = replace(contender(now), tasks=former.successors or now.tasks)
                yield Collision(former.path, contender(base), (contender(theirs), mine), sure=True)

    def _collision(self, path: str, loss: Loss, lost: Sequence[Version]) -> Collision:
        for version in (loss.base, *lost):
            version.told = True
        involved = loss.winner.tasks.union(*(version.tasks for version in lost))
        certain = all(version.sure for version in (*lost, loss.winner))
        contenders = tuple(self._contender(path, version) for version in (*lost, loss.winner))
        base = self._histories.contender(loss.base)
        return Collision(path, base, contenders, certain or self._contested(path, involved))

    def _contender(self, path: str, version: Version) -> Contender:
        """A version; where nobody could read it, with the commands that may have made it."""
        contender = self._histories.contender(version)
        if contender.kept:
            return contender
        ran = [command for command in self._commands if command.context.task in version.tasks]
        named = [command for command in ran if Path(path).name in command.text]
        return replace(contender, commands=tuple((one.context.task, one.text) for one in named or ran))

    def _loss(self, path: str, versions: list[Version], command: Command) -> Loss | None:
        knows = self._histories.knowledge(path, command.context)

        def contested(version: Version) -> bool:
            return self._contested(path, version.tasks)

        keeps = partial(self._keeps, path)
        return find_loss(versions, command.context.task, command.since, knows, keeps, contested)

    def _keeps(self, path: str, base: Version, theirs: Version, mine: Version) -> bool:
        if theirs.sha == mine.sha:
            return True
        if mine.sha is None and (
            # Moved, or a file that somebody made only for a moment.
            self._histories.lives_on(theirs) or not (mine.sure or self._contested(path, mine.tasks))
        ):
            return True
        changed, now = self._histories.contender(theirs), self._histories.contender(mine)
        if not (changed.kept and now.kept):
            return False
        # Somebody's own file is empty for a moment each time that it is written anew.
        emptied = not theirs.sure and not changed.content
        return emptied or keeps_changes(self._histories.contender(base).content, changed.content, now.content)


def _words(content: bytes | None) -> frozenset[bytes]:
    return frozenset(_WORD.findall(content or b""))


def _file_changed(path: str, before: str | None, after: str, context: ToolContext, *, sure: bool) -> FileChanged:
    return FileChanged(
        path=path,
        task=context.task,
        worker=context.worker,
        action="created" if before is None else "edited",
        before=None if before is None else _as_hash(before),
        after=_as_hash(after),
        sure=sure,
    )


def _as_hash(sha: str) -> str:
    return sha if len(sha) == 64 else ""
