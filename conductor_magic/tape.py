"""The tape of a run: one line for each thing that has just happened, as every picture of the run shows it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_magic import events as e
from conductor_magic.caps import amount
from conductor_magic.events import Record
from conductor_magic.state import RunState

__all__ = ["tape_line"]

Line = tuple[str, str, str]
"""The task, the state whose sign stands before the line, and the text."""

_MARKS = {"completed": "completed", "cancelled": "cancelled"}


def tape_line(state: RunState, record: Record) -> dict[str, Any]:
    """What the record says, in a line."""
    describe = _LINES.get(type(record.event))
    if describe:
        task, mark, text = describe(state, record.event)
    elif guide := next((guide for guide in state.conductor.guides if guide.seq == record.seq), None):
        task, mark, text = "", "completed", f"read the guide {guide.name}: about {guide.tokens / 1_000:.1f}k tokens"
    else:
        task, mark, text = "", "running", record.event.kind
    return {"seq": record.seq, "at": record.at, "mark": mark, "task": task, "text": text}


def _worker_started(state: RunState, event: e.WorkerStarted) -> Line:
    again = f"attempt {event.attempt} " if event.attempt > 1 else ""
    change = f": {event.reason}" if again and "→" in event.reason else ""
    return event.task, "running", f"{again}started at desk {event.desk}{change}"


def _worker_continued(state: RunState, event: e.WorkerContinued) -> Line:
    return state.workers[event.worker].task, "running", f"goes on at desk {event.desk}"


def _worker_ended(state: RunState, event: e.WorkerEnded) -> Line:
    mark = _MARKS.get(event.outcome, "failed")
    if mark == "completed":
        return event.task, mark, "done"
    return event.task, mark, f"{event.outcome}: {event.error}" if event.error else event.outcome


def _task_edited(state: RunState, event: e.TaskEdited) -> Line:
    return event.task, "ready", f"{'taken back: ' * (event.by == 'undo')}{event.words}"


def _compacted(state: RunState, event: e.ContextCompacted) -> Line:
    worker = state.workers.get(event.by)
    whose = "the conductor's context" if worker is None else "context"
    sizes = f"from about {event.before / 1_000:.0f}k to {event.after / 1_000:.0f}k tokens"
    return "" if worker is None else worker.task, "running", f"{whose} was compacted {sizes}"


def _nearly_spent(state: RunState, event: e.BudgetWarned) -> Line:
    whose = "" if event.tier is None else f"{event.tier} workers: "
    if event.unit == "usd":
        return "", "asking", f"{whose}${event.usd:.2f} of ${event.budget:.2f} is spent"
    return "", "asking", f"{whose}{event.usd:,.0f} of {amount(event.unit, event.budget)} are used"


def _paused(state: RunState, event: e.LimiterPaused) -> Line:
    reason = event.reason.replace("_", " ")
    return "", "asking", f"all requests wait {max(1, round(event.seconds)):,} s for the provider: {reason}"


def _asked(state: RunState, event: e.QuestionAsked) -> Line:
    return event.task or "", "asking", "asks: " + str(event.ask[0].get("question", ""))


_LINES: dict[type, Callable[[RunState, Any], Line]] = {
    e.WorkerStarted: _worker_started,
    e.WorkerContinued: _worker_continued,
    e.WorkerEnded: _worker_ended,
    e.WorkerStalled: lambda state, event: (state.workers[event.worker].task, "failed", event.detail),
    e.TaskEdited: _task_edited,
    e.TaskLaunched: lambda state, event: (event.task, "ready", event.reason),
    e.TaskDeleted: lambda state, event: (event.task, "skipped", event.reason or "deleted"),
    e.TaskCancelled: lambda state, event: (event.task, "cancelled", event.reason or "cancelled"),
    e.QuestionAsked: _asked,
    e.QuestionAnswered: lambda state, event: ("", "completed", f"answered by {event.by}"),
    e.ConflictFound: lambda state, event: ((event.tasks or ("",))[0], "failed", f"conflict over {event.path}"),
    e.ConflictResolved: lambda s, event: ("", "completed", f"conflict over {event.path} settled: {event.how}"),
    e.Milestone: lambda state, event: ("", "completed", f"{event.name} complete"),
    e.CancelRequested: lambda state, event: ("", "cancelled", "the run was asked to stop"),
    e.BudgetWarned: _nearly_spent,
    e.ContextCompacted: _compacted,
    e.RunResumed: lambda state, event: ("", "running", "the run was resumed"),
    e.CapReached: lambda state, event: ("", "failed", event.text),
    e.ConductorFailed: lambda state, event: ("", "failed", event.error),
    e.ConductorStalled: lambda state, event: ("", "failed", f"the conductor: {event.detail}"),
    e.LimiterPaused: _paused,
}
