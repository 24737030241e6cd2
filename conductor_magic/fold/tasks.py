"""The fold's steps for tasks and the graph they form."""

from __future__ import annotations

from typing import Any

from conductor_magic import events as e
from conductor_magic.errors import PlanError, TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.fold.moves import (
    Step,
    add_notice,
    add_to_tape,
    move,
    put_task,
    settle,
    task_of,
    waiting_for,
    with_entry,
)
from conductor_magic.plan import check_blockers, find_cycle
from conductor_magic.state import PersonEdit, RunState, TaskState, replace

__all__ = ["STEPS"]


def _created(state: RunState, record: Record, event: e.TaskCreated) -> RunState:
    if event.task in state.tasks:
        raise TransitionError(f"task.created: task {event.task} exists already")
    for blocker in event.blocked_by:
        task_of(state, blocker, event)
    task = TaskState(
        id=event.task,
        subject=event.subject,
        description=event.description,
        active_form=event.active_form,
        phase=event.phase,
        tier=event.tier or "sonnet",
        reason=event.reason,
        reason_for=event.tier,
        blocked_by=event.blocked_by,
        metadata=event.metadata,
        created=record.at,
    )
    tasks = with_entry(state.tasks, task.id, task)
    changed = [task.id]
    if event.replaces:
        old = task_of(state, event.replaces, event)
        for other in state.tasks.values():
            if old.id in other.blocked_by and other.status not in ("running", "completed"):
                swapped = tuple(task.id if blocker == old.id else blocker for blocker in other.blocked_by)
                tasks[other.id] = replace(other, blocked_by=swapped)
                changed.append(other.id)
        left = (*old.left_waiting, *changed[1:])
        tasks[old.id] = replace(old, replaced_by=(*old.replaced_by, task.id), left_waiting=left)
        if cycle := find_cycle({known.id: known.blocked_by for known in tasks.values()}, task.id):
            raise TransitionError(f"task.created: that would be a cycle: {' waits for '.join(cycle)}")
    keys = with_entry(state.keys, event.key, task.id) if event.key else state.keys
    return settle(replace(state, ids_used=state.ids_used + 1, keys=keys), tasks, changed)


def _checked(state: RunState, task: str, blockers: tuple[str, ...], event: Event) -> tuple[str, ...]:
    graph = {known.id: known.blocked_by for known in state.tasks.values()}
    try:
        return check_blockers(graph, task, blockers)
    except PlanError as error:
        raise TransitionError(f"{event.kind}: {error}") from error


def _rejected(state: RunState, record: Record, event: e.TaskRejected) -> RunState:
    return replace(state, ids_used=state.ids_used + 1)


def _edited(state: RunState, record: Record, event: e.TaskEdited) -> RunState:
    task = before = task_of(state, event.task, event)
    names = ("subject", "description", "active_form", "phase", "tier", "reason", "owner")
    changes: dict[str, Any] = {name: value for name in names if (value := getattr(event, name)) is not None}
    if event.metadata is not None:
        merged = {**task.metadata, **event.metadata}
        changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
    if event.comment:
        changes["comments"] = (*task.comments, event.comment)
    if event.add_blocked_by or event.remove_blocked_by:
        task = move(task, "edited")
        kept = tuple(blocker for blocker in task.blocked_by if blocker not in event.remove_blocked_by)
        added = _checked(state, task.id, event.add_blocked_by, event)
        changes["blocked_by"] = tuple(dict.fromkeys((*kept, *added)))
    if event.add_blocked_by or event.tier not in (None, task.tier):
        # Its worker began without that, or as another model's: what comes is another attempt.
        changes["late"] = ""
    state = settle(state, with_entry(state.tasks, task.id, replace(task, **changes)), [task.id])
    if event.by == "conductor":
        return state
    edit = _edit(before, record, event)
    if event.by == "person" and (edit.tier or edit.added or edit.removed):
        state = replace(state, edits=(*state.edits, edit))
    return add_to_tape(add_notice(state, record, "edited", task.id, event.words, wakes=True), record)


def _edit(before: TaskState, record: Record, event: e.TaskEdited) -> PersonEdit:
    """What an edit changes of the tier and of what the task waits for."""
    added = tuple(blocker for blocker in event.add_blocked_by if blocker not in before.blocked_by)
    removed = tuple(blocker for blocker in event.remove_blocked_by if blocker in before.blocked_by)
    tier = before.tier if event.tier not in (None, before.tier) else None
    return PersonEdit(record.seq, before.id, event.words, tier, added, removed)


def _undone(state: RunState, record: Record, event: e.EditUndone) -> RunState:
    return replace(state, edits=tuple(edit for edit in state.edits if edit.seq != event.seq))


def _launched(state: RunState, record: Record, event: e.TaskLaunched) -> RunState:
    task = move(task_of(state, event.task, event), "launched")
    # What was said of another tier is no reason for this one.
    reason, reason_for = task.reason, task.reason_for
    if event.reason or reason_for not in (None, event.tier):
        reason, reason_for = event.reason, event.tier
    task = replace(
        task,
        launched=task.launched + 1,
        launched_seq=record.seq,
        prompt=event.prompt,
        tier=event.tier,
        late="",
        reason=reason,
        reason_for=reason_for,
        subagent=event.subagent,
        notify=event.notify,
        error="",
        ended=None,
    )
    state = settle(state, with_entry(state.tasks, task.id, task), [task.id])
    if event.by == "person":
        state = add_notice(state, record, "edited", task.id, event.reason, wakes=False)
        return add_to_tape(state, record)
    return state


def _deleted(state: RunState, record: Record, event: e.TaskDeleted) -> RunState:
    task = task_of(state, event.task, event)
    ended = None if task.status == "running" else record.at
    error = event.reason or f"Deleted by the {event.by}."
    moved = replace(move(task, "deleted"), deleted=True, ended=ended, error=error)
    state = settle(state, with_entry(state.tasks, task.id, moved), waiting_for(state, task.id))
    if event.by == "person":
        state = add_notice(state, record, "cancelled", task.id, moved.error, wakes=True)
        return add_to_tape(state, record)
    return state


def _task_cancelled(state: RunState, record: Record, event: e.TaskCancelled) -> RunState:
    task = move(task_of(state, event.task, event), "cancelled")
    state = put_task(state, replace(task, ended=record.at, error=event.reason))
    state = add_notice(state, record, "cancelled", task.id, event.reason, wakes=event.by == "person")
    return add_to_tape(state, record)


def _skipped(state: RunState, record: Record, event: e.TaskSkipped) -> RunState:
    task = move(task_of(state, event.task, event), "skipped")
    return put_task(state, replace(task, ended=record.at, error=event.reason))


STEPS: dict[str, Step] = {
    "task.created": _created,
    "task.rejected": _rejected,
    "task.edited": _edited,
    "task.edit_undone": _undone,
    "task.launched": _launched,
    "task.deleted": _deleted,
    "task.cancelled": _task_cancelled,
    "task.skipped": _skipped,
}
