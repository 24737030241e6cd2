"""The fold's steps for files that two tasks are at: what collided, who waits, how it was settled."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.fold.moves import Step, add_notice, add_to_tape, put_worker, with_entry, worker_at_work
from conductor_magic.state import ConflictState, RunState, replace

__all__ = ["STEPS"]


def _found(state: RunState, record: Record, event: e.ConflictFound) -> RunState:
    name = event.conflict or f"k{len(state.conflicts) + 1}"
    if name in state.conflicts:
        raise TransitionError(f"file.conflict: conflict {name} exists already")
    conflict = ConflictState(name, event, record.at)
    return add_to_tape(replace(state, conflicts=with_entry(state.conflicts, name, conflict)), record)


def _open(state: RunState, name: str, event: Event) -> ConflictState:
    conflict = state.conflicts.get(name)
    if conflict is None or conflict.resolved is not None:
        raise TransitionError(f"{event.kind}: there is no open conflict {name}")
    return conflict


def _merge_wanted(state: RunState, record: Record, event: e.MergeWanted) -> RunState:
    conflict = replace(_open(state, event.conflict, event), wanted=event.by, note=event.note)
    state = replace(state, conflicts=with_entry(state.conflicts, conflict.id, conflict))
    task = conflict.event.tasks[0] if conflict.event.tasks else ""
    return add_notice(state, record, "conflict", task, conflict.id, wakes=True)


def _resolved(state: RunState, record: Record, event: e.ConflictResolved) -> RunState:
    # A record of an older version names only the path.
    name = event.conflict or next((c.id for c in state.open_conflicts if c.event.path == event.path), "")
    conflict = replace(_open(state, name, event), resolved=record.at, by=event.by, how=event.how)
    return add_to_tape(replace(state, conflicts=with_entry(state.conflicts, name, conflict)), record)


def _waits(state: RunState, record: Record, event: e.WorkerWaits) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    return put_worker(state, replace(worker, waits=with_entry(worker.waits, event.call, event)))


STEPS: dict[str, Step] = {
    "file.conflict": _found,
    "file.merge_wanted": _merge_wanted,
    "file.conflict_resolved": _resolved,
    "worker.waits": _waits,
}
