"""Settles what collided: a person picks a version or wants a merge; where nobody says otherwise, a task merges.

Nothing waits for the answer. When all other work is done and nobody has decided, `decide` has it merged.
"""

from __future__ import annotations

import asyncio
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.events import ConflictFound, ConflictResolved, Event, MergeWanted, Record
from conductor_magic.journal import Journal
from conductor_magic.paths import Reach
from conductor_magic.placing import Overtaken
from conductor_magic.plan import ancestors
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.state import RunState
from conductor_magic.tools.custody import Custody
from conductor_magic.tools.ledger import Standing
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
        said, by = await self._questions.put_aside(question)
        if said in picks:
            trouble = await self._keep(event, picks[said])
            if not trouble:
                how = f"kept {event.who[picks[said]]}'s version"
                self._journal.append(ConflictResolved(conflict=event.conflict, path=event.path, by=by, how=how))
                return
            said = f"{said}, but {trouble}"
        self._journal.append(MergeWanted(conflict=event.conflict, by=by, note="" if said == MERGE else said))

    async def _keep(self, event: ConflictFound, number: int) -> str:
        """Put one of the versions in place; empty when it is there, else why it could not be."""
        collision = self._custody.collision(event.conflict)
        assert collision is not None, "a conflict that was found in this process has its versions"
        wanted, now = collision.contenders[number], collision.contenders[-1]
        if wanted is now:
            return ""
        assert wanted.content is not None, "only versions that are kept can be picked"
        try:
            with self._reach.target(event.path) as target:
                await self._custody.replace(target, wanted.content, now.content, None)
        except Overtaken:
            return "the file has changed since"
        except ToolError as error:
            return str(error)
        return ""


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
