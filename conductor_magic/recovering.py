"""What is said of work that failed: why the next attempt is on another tier, what was left, what can still be done.

Pure. The conductor decides what becomes of a failure; these are the facts that it, the next worker and the person get.
"""

from __future__ import annotations

from conductor_magic.events import Tier
from conductor_magic.scheduler import MAX_ATTEMPTS, attempts_made
from conductor_magic.state import RunState, TaskState
from conductor_magic.wording import one_line

__all__ = ["after_failure", "attempt_reason", "in_its_place", "launch_reason", "replaced", "unfinished"]

_ERROR = 200


def attempt_reason(state: RunState, task: TaskState) -> str:
    """Why the attempt that is about to begin is on its tier: the task's reason, and what made the tier change."""
    return _with(_change(state, task, task.tier), task.reason)


def launch_reason(state: RunState, task: TaskState, tier: Tier, given: str) -> str:
    """The reason of another launch: what was given, and the evidence where the tier is not the last attempt's."""
    return _with(_change(state, task, tier), given)


def _change(state: RunState, task: TaskState, tier: Tier) -> str:
    """`haiku → sonnet after attempt 1 (limit: …)`; empty when the tier stays, or nothing was tried yet.

    Before its own first attempt, what was tried is what it replaces: `after attempt 2 of #1`.
    """
    replaced_ones = [old for old in state.tasks.values() if task.id in old.replaced_by]
    tried = next((one for one in (task, *replaced_ones) if one.attempts), None)
    if tried is None:
        return ""
    last = state.workers[tried.attempts[-1]]
    if last.tier == tier:
        return ""
    whose = "" if tried is task else f" of #{tried.id}"
    became = f"{last.outcome}: {one_line(last.error, _ERROR)}" if last.error else str(last.outcome)
    return f"{last.tier} → {tier} after attempt {last.attempt}{whose} ({became})"


def _with(change: str, reason: str) -> str:
    return reason if change in reason else " · ".join(part for part in (change, reason) if part)


def replaced(state: RunState, task: TaskState) -> list[TaskState]:
    """The tasks whose place this one takes and that left something: it is told what."""
    return [old for old in state.tasks.values() if task.id in old.replaced_by and old.output]


def in_its_place(state: RunState, task: str) -> tuple[str, ...]:
    """What stands for the task of this id now: those that took its place, theirs in turn, or it itself."""
    found, left = list[str](), [task]
    while left:
        one = left.pop(0)
        known = state.tasks.get(one)
        if known is not None and known.replaced_by:
            left = [*known.replaced_by, *left]
        else:
            found.append(one)
    return tuple(found)


def unfinished(task: TaskState) -> str:
    """What to know of the report of a task that did not complete, in parentheses; empty for one that did."""
    if task.status == "completed":
        return ""
    return f" ({task.status}: {one_line(task.error, _ERROR)}; you take its place: keep what is right of it)"


def after_failure(state: RunState, task: TaskState) -> str:
    """What the conductor is told of a task that did not complete: where its part lies; that no attempt is left."""
    part = f" · what there is: outputs/{task.id}.md" if task.output.strip() else ""
    last = " · no attempt is left: ask the person (AskUserQuestion), or create another task"
    return part + (last if task.status == "failed" and attempts_made(state, task) >= MAX_ATTEMPTS else "")
