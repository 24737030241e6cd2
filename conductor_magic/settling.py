"""Settles what collided: a person picks a version or wants a merge; where nobody says otherwise, a task merges.

Nothing waits for the answer. When all other work is done and nobody has decided, `decide` has it merged. A resumed run
does what was said, and asks again where nothing was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.events import ConflictFound, ConflictResolved, Event, MergeWanted, Record
from conductor_magic.journal import Journal
from conductor_magic.paths import Reach, Target
from conductor_magic.placing import Overtaken
from conductor_magic.plan import ancestors
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.state import RunState
from conductor_magic.tools.custody import Custody
from conductor_magic.tools.ledger import Standing
from conductor_magic.tools.versions import LARGEST_KEPT, digest
from conductor_magic.wording import path_text

__all__ = ["MERGE", "JournalLedger", "Settler"]

Json = dict[str, Any]
MERGE = "Merge them in a task of its own (Recommended)"
_PICKED = 3
"""Versions that a question offers beside the merge."""


class JournalLedger:
    """The journal as the custody of the run's files sees it.

    Args:
        journal: the run's.
        redactor: takes secrets out of what is kept and told.
    """

    def __init__(self, journal: Journal, redactor: Redactor) -> None:
        self._journal = journal
        self._redactor = redactor

    def record(self, event: Event) -> None:
        """Append an event."""
        self._journal.append(event)

    def moment(self) -> int:
        """The number of the last record."""
        return self._journal.state.seq

    def standing(self, task: str) -> Standing:
        """What the task waited for, and when it was launched."""
        state = self._journal.state
        found = state.tasks.get(task)
        return Standing() if found is None else Standing(ancestors(state.graph, task), found.launched_seq)

    def conflicts(self) -> int:
        """How many conflicts there have been."""
        return len(self._journal.state.conflicts)

    def redacted(self, text: str) -> str:
        """The text without secrets."""
        return self._redactor.text(text)


class Settler:
    """Puts the conflicts of one run to whoever can decide; lives on the engine's loop.

    Args:
        journal: tells of conflicts.
        questions: asks a person, if there is one.
        custody: has the versions.
        reach: what may be written.
    """

    def __init__(self, journal: Journal, questions: Questions, custody: Custody, reach: Reach) -> None:
        self._journal = journal
        self._questions = questions
        self._custody = custody
        self._reach = reach
        self._open: dict[str, asyncio.Task[None]] = {}
        self._unsubscribe = journal.subscribe(self._heard)

    async def take_up(self) -> None:
        """Ask again about what an earlier process left open; comes back once what was said to that one is done."""
        for conflict in self._journal.state.open_conflicts:
            if conflict.event.conflict and conflict.event.sure and not conflict.wanted:
                self._open[conflict.id] = asyncio.ensure_future(self._settle(conflict.event))
        said = [task for name, task in self._open.items() if self._said(name)]
        if said:
            await asyncio.wait(said)

    async def aclose(self) -> None:
        """Ask no more."""
        self._unsubscribe()
        asking = list(self._open.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _heard(self, record: Record, state: RunState) -> None:
        event = record.event
        if isinstance(event, ConflictFound) and event.sure and not state.ended:
            self._open[event.conflict] = asyncio.ensure_future(self._settle(event))
        elif isinstance(event, (MergeWanted, ConflictResolved)) and event.conflict in self._open:
            # Decided elsewhere; when it was decided here, there is nothing left to stop.
            asyncio.get_running_loop().call_soon(self._open.pop(event.conflict).cancel)

    async def _settle(self, event: ConflictFound) -> None:
        question, picks = _question(event)
        said, by = self._said(event.conflict) or await self._questions.put_aside(question, event.conflict)
        if said in picks:
            trouble = await self._keep(event, picks[said])
            if not trouble:
                how = f"kept {event.who[picks[said]]}'s version"
                self._journal.append(ConflictResolved(conflict=event.conflict, path=event.path, by=by, how=how))
                return
            said = f"{said}, but {trouble}"
        self._journal.append(MergeWanted(conflict=event.conflict, by=by, note="" if said == MERGE else said))

    def _said(self, conflict: str) -> tuple[str, str] | None:
        """What was said in an earlier process, and by whom; None when nothing was."""
        for question in reversed(tuple(self._journal.state.questions.values())):
            # One that the engine closed is one to which nobody has said anything.
            if question.conflict == conflict and question.answered_by not in ("", "engine"):
                return str(next(iter(question.answers.values()))), question.answered_by
        return None

    async def _keep(self, event: ConflictFound, number: int) -> str:
        """Put one of the versions in place; empty when it is there, else why it could not be."""
        if number == len(event.who) - 1:
            return ""
        collision = self._custody.collision(event.conflict)
        try:
            with self._reach.target(event.path) as target:
                if collision is None:
                    wanted, now = await asyncio.to_thread(self._recorded, event, number, target)
                else:
                    wanted, now = collision.contenders[number].content, collision.contenders[-1].content
                assert wanted is not None, "only versions that are kept can be picked"
                if wanted != now:
                    await self._custody.replace(target, wanted, now, None)
        except Overtaken:
            return "the file has changed since"
        except ToolError as error:
            return str(error)
        return ""

    def _recorded(self, event: ConflictFound, number: int, target: Target) -> tuple[bytes, bytes | None]:
        """A version as an earlier process has kept it, and what its file holds.

        Raises:
            Overtaken: that is neither the last version nor this one, which may have been put in place already.
            ToolError: the version is not there, or not as it was: what is kept is without secrets.
        """
        folder = self._journal.path.parent / "artifacts" / "conflicts" / event.conflict
        try:
            wanted = (folder / Path(event.kept[number]).name).read_bytes()
        except OSError:
            wanted = b""
        if not event.shas or digest(wanted) != event.shas[number]:
            raise ToolError("that version is not kept as it was")
        now = None if target.now is None else target.read(LARGEST_KEPT + 1)
        if ("" if now is None else digest(now)) not in (event.shas[number], event.shas[-1]):
            raise Overtaken(now)
        return wanted, now


def _question(event: ConflictFound) -> tuple[Json, dict[str, int]]:
    """What a person is asked, and which label picks which version."""
    kept = [number for number, path in enumerate(event.kept) if path]
    picks = {f"Keep {event.who[number]}'s version": number for number in kept[-_PICKED:]}
    options = [{"label": MERGE, "description": "A worker puts into the file what each of them meant."}]
    for label, number in picks.items():
        last = number == len(event.who) - 1
        options.append(
            {"label": label, "description": "It is in place now." if last else "It takes the other's place."}
        )
    if len(options) == 1:
        options.append({"label": "Leave it", "description": "The conductor decides."})
    question = (
        f"{' and '.join(event.who)} changed {path_text(event.path)} at once; "
        "the last version is without the rest. What now?"
    )
    return {
        "question": question,
        "header": "Conflict",
        "options": options,
        "multiSelect": False,
        "detail": "\n\n".join(event.diffs),
    }, picks
