"""What to do next: `decide(state)` looks at the state of a run and returns commands. Pure.

The shell (`engine.py`) carries each command out and appends the events that say so, then asks again. A command that was
carried out changes the state so that the next `decide` does not return it again.
"""

from __future__ import annotations

import re

from conductor_magic.decisions import (
    Celebrate,
    Command,
    ContinueWorker,
    Finish,
    Resolve,
    Skip,
    StartWorker,
    StopWorker,
    WakeConductor,
    WantMerge,
    Warn,
)
from conductor_magic.events import Cause, Milestone
from conductor_magic.near_caps import nearly_spent
from conductor_magic.plan import chain_lengths
from conductor_magic.state import ConflictState, RunState, TaskState, WorkerState
from conductor_magic.wording import runs

__all__ = ["MAX_ATTEMPTS", "attempts_made", "decide", "is_final"]

MAX_ATTEMPTS = 3
_RETRIED_ONCE: frozenset[Cause] = frozenset({"crash", "timeout", "limit"})


def is_final(cause: Cause, causes_before: tuple[Cause, ...]) -> bool:
    """Whether a failed attempt ends the task until the conductor acts.

    A crash, time-out or limit gets one automatic retry per task; everything else goes straight to the conductor.

    Args:
        cause: why this attempt failed.
        causes_before: why its earlier attempts failed, those left out that only ended with the run.
    """
    retried = any(before in _RETRIED_ONCE for before in causes_before)
    return cause not in _RETRIED_ONCE or retried or len(causes_before) + 1 >= MAX_ATTEMPTS


def attempts_made(state: RunState, task: TaskState) -> int:
    """The attempts that count towards the most that a task gets: not those that a cap or the run's end cut off."""
    return sum(not state.workers[worker].with_run for worker in task.attempts)


def decide(state: RunState) -> list[Command]:
    """Everything that can be done now, in the order in which it should be done."""
    if state.started is None or state.ended:
        return []
    commands: list[Command] = [Celebrate(phase) for phase in _phases_done(state)]
    commands += _resolutions(state)
    conductor = state.conductor
    if state.halted or conductor.status == "failed":
        return [*commands, *_wind_down(state)]
    # A spent budget starts nothing new, but what runs may go on as far as its requests still fit.
    starts = [] if state.cap or state.plans_only else _starts(state)
    commands += starts
    if (warning := nearly_spent(state)) is not None:
        commands.append(Warn(warning))
    commands += [
        StopWorker(worker.id, "engine", state.tasks[worker.task].error or "The task was taken out of the plan.")
        for worker in state.running
        if not worker.stopping and state.tasks[worker.task].deleted
    ]
    commands += [
        StopWorker(worker.id, "engine", state.capped[worker.tier].text)
        for worker in state.running
        if not worker.stopping and not state.tasks[worker.task].deleted and _time_is_up(state, worker)
    ]
    if conductor.status != "sleeping":
        return commands
    busy = bool(starts or state.running)
    fresh = state.notices[conductor.told :]
    left = unlaunched(state)
    # That the budget is nearly spent is news only as long as there is work to decide about.
    fresh = tuple(notice for notice in fresh if busy or notice.about != "budget")
    if any(notice.wakes for notice in fresh):
        return [*commands, WakeConductor(len(state.notices))]
    if not busy:
        undecided = (
            [] if state.cap else [WantMerge(conflict.id) for conflict in state.open_conflicts if not conflict.wanted]
        )
        if undecided:
            return [*commands, *undecided]
        new = tuple(task for task in left if task not in conductor.reminded)
        if fresh or new:
            return [*commands, WakeConductor(len(state.notices), new)]
        return [*commands, *_finish(state)]
    return commands


def _resolutions(state: RunState) -> list[Resolve]:
    """Conflicts that a task has settled: it was launched once the conductor knew of them, and is completed.

    It has changed the file, or its prompt names the conflict or one of its versions: it may have found that the file is
    right as it is. That a prompt names the file says nothing: it may be told to leave that alone.
    """
    found: list[Resolve] = []
    for conflict in state.open_conflicts:
        changed = {file.task for file in state.files if file.path == conflict.event.path}
        for task in state.tasks.values():
            later = conflict.told and task.launched_seq > conflict.told and task.status == "completed"
            if later and (task.id in changed or _names(task.prompt, conflict)):
                found.append(Resolve(conflict.id, task.id))
                break
    return found


def _names(prompt: str, conflict: ConflictState) -> bool:
    versions = [path for path in (conflict.event.base, *conflict.event.kept) if path]
    called = re.search(rf"\bconflict {re.escape(conflict.id)}\b", prompt, re.IGNORECASE)
    return called is not None or any(version in prompt for version in versions)


def unlaunched(state: RunState) -> tuple[str, ...]:
    """Tasks that were created and wait, but that nobody asked to be worked on."""
    return tuple(task.id for task in state.tasks.values() if task.status in ("blocked", "ready") and not task.launched)


def _starts(state: RunState) -> list[StartWorker | ContinueWorker]:
    assert state.started is not None
    taken = {worker.desk for worker in state.running}
    free = [desk for desk in range(1, state.started.workers + 1) if desk not in taken]
    ready = [
        task
        for task in state.tasks.values()
        if task.status == "ready" and task.launched and not task.deleted and task.tier not in state.capped
    ]
    if not ready or not free:
        return []
    lengths = chain_lengths(state.graph) if len(ready) > len(free) else {}
    ready.sort(key=lambda task: -lengths.get(task.id, 0.0))
    return [
        ContinueWorker(task.late, desk) if task.late else StartWorker(task.id, len(task.attempts) + 1, desk)
        for task, desk in zip(ready, free, strict=False)
    ]


def _time_is_up(state: RunState, worker: WorkerState) -> bool:
    """Whether the time of all workers of its tier is used up: it is stopped, where another cap lets it finish."""
    return worker.tier in state.capped and state.capped[worker.tier].cap == "seconds"


def _phases_done(state: RunState) -> list[str]:
    told = {
        record.event.name
        for record in state.milestones
        if isinstance(record.event, Milestone) and record.event.scope == "phase"
    }
    phases: dict[str, bool] = {}
    for task in state.tasks.values():
        if task.phase and not task.deleted and not task.replaced_by:
            phases[task.phase] = phases.get(task.phase, True) and task.status == "completed"
    settled = state.conductor.status in ("sleeping", "asking")
    return [phase for phase, done in phases.items() if done and phase not in told and settled]


def _wind_down(state: RunState) -> list[Command]:
    reason = _why_stopped(state)
    stops: list[Command] = [
        StopWorker(worker.id, state.cancelled_by or "engine", reason) for worker in state.running if not worker.stopping
    ]
    if stops or state.running or state.conductor.status in ("thinking", "asking"):
        return stops
    return _finish(state)


def _why_stopped(state: RunState) -> str:
    if state.cancelled_by:
        return f"The run was cancelled by {'you' if state.cancelled_by == 'person' else 'the ' + state.cancelled_by}."
    return state.cap_text or state.conductor.error


def _finish(state: RunState) -> list[Command]:
    if _is_planned(state):
        return [Finish("planned", "")]
    skips: list[Command] = [
        Skip(task.id, _why_skipped(state, task)) for task in state.tasks.values() if task.status in ("blocked", "ready")
    ]
    return [*skips, _verdict(state)]


def _is_planned(state: RunState) -> bool:
    """Whether the plan that was wanted is there: its tasks keep waiting. One that was cut short is none."""
    whole = state.plans_only and not state.stopping and state.conductor.status != "failed"
    return whole and any(task.status in ("blocked", "ready") for task in state.tasks.values())


def _why_skipped(state: RunState, task: TaskState) -> str:
    if state.stopping or state.conductor.status == "failed":
        return _why_stopped(state)
    if not task.launched:
        return "It was planned but never launched."
    if task.tier in state.capped and task.status == "ready":
        return state.capped[task.tier].text
    waits = _unmet(state, task)
    first, seen = list[TaskState](), {blocker.id: blocker for blocker in waits}
    while waits:
        blocker = waits.pop(0)
        further = _unmet(state, blocker) if blocker.status == "blocked" else []
        waits += [other for other in further if other.id not in seen]
        seen |= {other.id: other for other in further}
        first += [] if further else [blocker]
    direct = _unmet(state, task)
    if all(blocker in first for blocker in direct):
        return f"It waited for {_listed(direct)}."
    names = ", ".join(f"task {blocker.id}" for blocker in direct)
    return f"It waited for {names}, and so for {_listed(first)}."


def _unmet(state: RunState, task: TaskState) -> list[TaskState]:
    waits = [state.tasks[blocker] for blocker in task.blocked_by]
    return [blocker for blocker in waits if blocker.status != "completed" and not blocker.deleted]


def _listed(tasks: list[TaskState]) -> str:
    """Each with how it stands, as far as that keeps another waiting."""
    return ", ".join(
        f"task {task.id} ({task.status if task.launched or task.over else 'never launched'})" for task in tasks
    )


def _unanswered(state: RunState) -> str:
    """That there is no answer, or only words from before the latest news; empty where there is one."""
    conductor = state.conductor
    if not conductor.answer.strip():
        return "No answer was given."
    late = any(notice.about != "budget" for notice in state.notices[conductor.answered :])
    return "No final answer was given." if late else ""


def _verdict(state: RunState) -> Finish:
    """The run's status by the rules of the contract; `--returns` is the shell's to add."""
    if state.cancelled_by:
        return Finish("cancelled", _why_stopped(state))
    if state.cap == "access":
        return Finish("failed", state.cap_text)
    if state.conductor.status == "failed":
        return Finish("failed", f"The conductor could not go on: {state.conductor.error}")
    counted = [task for task in state.tasks.values() if not task.deleted and not task.replaced_by]
    completed = sum(task.status == "completed" for task in counted)
    missed = [task.id for task in counted if task.status != "completed"]
    if not counted:
        return Finish("failed", _why_stopped(state) or "The conductor ended without creating a task.")
    if not completed:
        return Finish("failed", _why_stopped(state) or "No task was completed.")
    if missed or state.stopping:
        undone = f"Not completed: task{'s' * (len(missed) > 1)} {', '.join(runs(missed))}." if missed else ""
        return Finish("partial", " ".join(filter(None, (_why_stopped(state), undone, _unanswered(state)))))
    if not state.conductor.answer.strip():
        return Finish("partial", "The conductor gave no answer.")
    return Finish("completed", "")
