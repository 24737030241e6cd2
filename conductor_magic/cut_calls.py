"""What becomes of a call that was under way when its run stopped: made again where that is harmless, else asked about.

Nobody can know whether such a call had its effect, but where a file holds what it was to hold. Where nobody is there to
say so, it is not made again: the worker is told, and looks at what there is.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.events import ToolEnded, ToolStarted, WorkerTold
from conductor_magic.journal import Journal
from conductor_magic.models.base import tool_result
from conductor_magic.permissions import visible
from conductor_magic.questions import Questions
from conductor_magic.state import WorkerState
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.files import reach_of
from conductor_magic.unsure import main_input

__all__ = ["CutCalls"]

Json = dict[str, Any]
_LEAVE, _REPEAT = "Leave it (Recommended)", "Run it again"
_SHOWN = 2_000
_UNSURE = (
    "An interruption cut this call: it may have had its effect, wholly or in part. It was not made again. "
    "Look at what is there before you repeat it."
)
_LOST = (
    "An interruption ended your Python process and your background commands. What you had defined there is gone; "
    "files and the notebook's variables are as they were. A new process starts with your next call."
)


class CutCalls:
    """The calls of one worker that had begun when its process ended.

    Args:
        worker: as the record has it.
        unsure: which of them nobody can be sure of, by their names in the journal.
        journal: where the question and the result are recorded.
        questions: puts the question.

    Attributes:
        lost: what the worker is to know of the process that it had; empty when it had none.
    """

    def __init__(self, worker: WorkerState, unsure: frozenset[str], journal: Journal, questions: Questions) -> None:
        begun = [record.event for record in worker.calls.values() if isinstance(record.event, ToolStarted)]
        self._begun = {event.use: event for event in begun if event.call in unsure}
        self._journal = journal
        self._questions = questions
        used: set[str] = set()
        for record in worker.log:
            if isinstance(record.event, ToolEnded):
                used.add(record.event.name)
            elif isinstance(record.event, WorkerTold) and record.event.about == "resumed":
                used.clear()  # it knows of that process
        used |= {event.name for event in begun}
        self.lost = _LOST if not used.isdisjoint({"Python", "Bash"}) else ""

    async def result(self, call: Json, context: ToolContext) -> Json | None:
        """What the model is told instead of the call's result; None when the call is to be made (again)."""
        begun = self._begun.pop(call["id"], None)
        if begun is None or (begun.name == "Write" and await asyncio.to_thread(_is_written, call["input"], context)):
            return None
        with context.hold():
            name = self._questions.ask_permission(
                _question(begun, context.task), by=context.worker, task=context.task, call=begun.call
            )
            said, _ = await self._questions.permission(name, _LEAVE)
        if said == _REPEAT:
            return None
        told = _UNSURE if said == _LEAVE else f"{_UNSURE} The person says: {said}"
        self._journal.append(
            ToolEnded(call=begun.call, by=context.worker, name=begun.name, content=told, is_error=True, use=begun.use)
        )
        return tool_result(call, told, is_error=True)


def _is_written(args: Json, context: ToolContext) -> bool:
    """Whether the file holds what the call was to write: made again, it changes nothing, and says what it did."""
    wanted = str(args.get("content", "")).encode(errors="replace")
    try:
        with reach_of(context).file(str(args.get("file_path", ""))) as (handle, _):
            return os.pread(handle, len(wanted) + 1, 0) == wanted
    except (ToolError, OSError):
        return False


def _question(begun: ToolStarted, task: str) -> Json:
    return {
        "question": f"This call of #{task} was under way when the run stopped; nobody knows how far it had come. "
        f"Run it again?\n"
        f"{begun.name}: {visible(main_input(begun))[:_SHOWN]}",
        "header": "Unsure",
        "options": [
            {"label": _LEAVE, "description": "The worker is told, and looks at what there is."},
            {"label": _REPEAT, "description": "Its effect may then be there twice."},
        ],
    }
