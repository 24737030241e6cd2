"""The fold's steps for workers: one attempt at one task, from start to end."""

from __future__ import annotations

from typing import Any

from conductor_magic import events as e
from conductor_magic.errors import TransitionError
from conductor_magic.events import Record
from conductor_magic.fold.moves import (
    Step,
    add_notice,
    add_to_tape,
    go_on,
    move,
    put_task,
    put_worker,
    settle,
    task_of,
    waiting_for,
    with_entry,
    worker_at_work,
)
from conductor_magic.progress import is_stalled
from conductor_magic.state import RunState, WorkerState, replace

__all__ = ["STEPS"]


def _worker_started(state: RunState, record: Record, event: e.WorkerStarted) -> RunState:
    task = move(task_of(state, event.task, event), "started")
    if event.worker in state.workers:
        raise TransitionError(f"worker.started: worker {event.worker} exists already")
    worker = WorkerState(
        id=event.worker,
        task=event.task,
        attempt=event.attempt,
        desk=event.desk,
        tier=event.tier,
        model=event.model,
        prompt=event.prompt,
        system=event.system,
        tools=event.tools,
        started=record.at,
        expected=event.expected,
        reason=event.reason,
    )
    first = record.at if task.started is None else task.started
    task = replace(task, attempts=(*task.attempts, worker.id), started=first, ended=None)
    return add_to_tape(put_worker(put_task(state, task), worker), record)


def _worker_continued(state: RunState, record: Record, event: e.WorkerContinued) -> RunState:
    if not any(task.late == event.worker for task in state.tasks.values()):
        raise TransitionError(f"worker.continued: no task waits for worker {event.worker}")
    return add_to_tape(go_on(state, event.worker, event.desk, record.at), record)


def _worker_log(state: RunState, record: Record, event: Any) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    log = (*worker.log, record)
    stalled = worker.stalled if worker.stalled and not worker.silent and is_stalled(log) else ""
    return put_worker(state, replace(worker, log=log, stalled=stalled, silent=False))


def _worker_stopping(state: RunState, record: Record, event: e.WorkerStopping) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    # A spent budget lets workers go on: whoever is stopped then is stopped for its own sake.
    ending = state.halted or state.conductor.status == "failed"
    return put_worker(state, replace(worker, stopping=event.reason, stopped_by=event.by, with_run=ending))


def _worker_stalled(state: RunState, record: Record, event: e.WorkerStalled) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    worker = replace(worker, stalled=event.detail or event.sign, silent=event.sign == "silence")
    return add_to_tape(put_worker(state, worker), record)


def _worker_heard(state: RunState, record: Record, event: e.WorkerHeard) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    return put_worker(state, replace(worker, stalled="", silent=False)) if worker.silent else state


def _worker_ended(state: RunState, record: Record, event: e.WorkerEnded) -> RunState:
    worker = worker_at_work(state, event.worker, event)
    task = task_of(state, event.task, event)
    # Only the end of the run ended it: nobody told this worker to stop, or the money was spent.
    with_run = event.cause == "budget" or (event.outcome == "cancelled" and (worker.with_run or not worker.stopping))
    over = replace(
        worker,
        ended=record.at,
        outcome=event.outcome,
        cause=event.cause,
        error=event.error,
        output=event.output,
        # A call that the run's end cut short is what a resumed worker begins with.
        calls=worker.calls if with_run else {},
        waits={},
        stalled="",
        silent=False,
        with_run=with_run,
    )
    state = add_to_tape(put_worker(state, over), record)
    if task.deleted:
        # Whatever its worker still brought, the task is out of the graph: it is shown, and counts, as cancelled.
        return put_task(state, replace(move(task, "stopped"), output=event.output, ended=record.at))
    if event.outcome == "completed":
        moved = replace(move(task, "ended well"), output=event.output, value=event.value, error="", ended=record.at)
        state = settle(state, with_entry(state.tasks, task.id, moved), waiting_for(state, task.id))
        return add_notice(state, record, "completed", task.id, "", wakes=task.notify)
    if event.outcome == "cancelled":
        state = put_task(state, replace(move(task, "stopped"), error=event.error, output=event.output, ended=record.at))
        return add_notice(state, record, "cancelled", task.id, event.error, wakes=worker.stopping != "")
    if not event.final:
        moved = replace(move(task, "ended for now"), error=event.error)
        return settle(state, with_entry(state.tasks, task.id, moved), [task.id])
    moved = replace(move(task, "ended for good"), error=event.error, output=event.output, ended=record.at)
    return add_notice(put_task(state, moved), record, "failed", task.id, event.error, wakes=True)


STEPS: dict[str, Step] = {
    "worker.started": _worker_started,
    "worker.continued": _worker_continued,
    "worker.turn": _worker_log,
    "worker.told": _worker_log,
    "worker.stopping": _worker_stopping,
    "worker.stalled": _worker_stalled,
    "worker.heard": _worker_heard,
    "worker.ended": _worker_ended,
}
