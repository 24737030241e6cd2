"""What it means to take a run over from a process that is gone: what goes on, what waits again, what is unsure. Pure.

Finished tasks keep their results. Workers that were in flight, or that only the end of the run ended, go on with their
attempts where the record ends; tasks that were skipped, or failed because the provider did, wait for a worker again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conductor_magic.caps import amount, held_text, run_caps
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import Event, QuestionAnswered, RunNoted, RunResumed, TaskLaunched
from conductor_magic.plain import plain
from conductor_magic.state import RunState, TaskState, WorkerState
from conductor_magic.unsure import unsure_calls

__all__ = [
    "alone_from",
    "check_mode",
    "check_resumable",
    "check_returns",
    "check_variables",
    "taken_over",
    "what_to_tell",
]


def check_mode(state: RunState, name: str, mode: str) -> None:
    """See to it that a run that only plans stays one to its end, and that no other becomes one.

    Raises:
        ConductUsageError: it is not so, or the plan is there.
    """
    assert state.started is not None
    planned = state.status == "planned"
    if planned and state.started.parent is None:
        raise ConductUsageError(f"Run {name} is a plan, and it is there: %conduct go runs the last plan.")
    if state.plans_only and not planned and mode != "plan":
        raise ConductUsageError(f"Run {name} only plans: resume it without --mode, then run the plan: %conduct go")
    if mode == "plan" and (planned or not state.plans_only):
        raise ConductUsageError("Mode plan is for a new run's cell: what has a plan already can only be run.")


def check_resumable(
    state: RunState,
    name: str,
    budget: float | None,
    timeout: float | None,
    caps: Mapping[str, float],
    command: str = "",
    alone: float | None = None,
) -> None:
    """See to it that resuming can lead anywhere.

    Args:
        state: of the run.
        name: its id.
        budget: the total that it may cost from now on, in USD; None for no cap.
        timeout: the seconds that it may take in all; None for no cap.
        caps: its further caps from now on.
        command: what a person types to go on with it; `%conduct resume` and its name by default.
        alone: see `alone_from`.

    Raises:
        ConductUsageError: there is nothing left to do, or nothing left to do it with.
    """
    command = command or f"%conduct resume {name}"
    if state.ended and state.status == "completed":
        raise ConductUsageError(f"Run {name} is completed: there is nothing to resume. See: %conduct show {name}")
    state = _as_left(state, alone)
    spent = state.committed
    if budget is not None and (budget <= spent or (state.cap == "budget" and budget <= (state.budget or 0.0))):
        raise ConductUsageError(
            f"Run {name} has used {amount('usd', round(spent, 4))} of {amount('usd', budget)}."
            f"{held_text('usd', state.held)} "
            f"Give it a new total that leaves something: {command} --budget {_more(budget, spent)}"
        )
    took = state.at - state.started_at
    if timeout is not None and took >= timeout:
        raise ConductUsageError(
            f"Run {name} has taken {amount('seconds', round(took, 1))} of its {amount('seconds', timeout)}. "
            f"Give it a new total: {command} --timeout {_more(timeout, took)}"
        )
    for cap in run_caps(replace(state, budget=None, caps=caps)):
        same = state.cap == cap.unit and cap.limit <= state.caps.get(f"run.{cap.unit}", 0.0)
        if cap.left < 1 or same:
            used = amount(cap.unit, cap.taken)
            raise ConductUsageError(
                f"Run {name} has used {used} of {amount(cap.unit, cap.limit)}.{held_text(cap.unit, cap.held)} "
                f"Give it a new total: {command} --cap run.{cap.unit}={_more(cap.limit, cap.taken)}"
            )


def _as_left(state: RunState, alone: float | None) -> RunState:
    """The state with what was under way counted as what may have been billed for it."""
    lost = [flight.lost(alone) for flight in state.in_flight.values()]
    held, tokens = sum(usd for usd, _ in lost), sum(tokens for _, tokens in lost)
    return replace(state, in_flight={}, held=state.held + held, held_tokens=state.held_tokens + tokens)


def _more(limit: float, used: float) -> str:
    """A total to propose: twice what it was, or what was used, in three digits."""
    return plain(float(f"{2 * max(limit, used):.3g}"))


def taken_over(
    state: RunState,
    *,
    owner: str,
    away: float,
    alone: float | None,
    budget: float | None,
    timeout: float | None,
    caps: Mapping[str, float],
    walls: tuple[str, str, str],
) -> RunResumed:
    """The record with which a new process takes the run over.

    Args:
        state: of the run.
        owner: the new process, in words.
        away: seconds in which nobody drove the run.
        alone: see `alone_from`.
        budget: the total that it may cost from now on, in USD; None for no cap.
        timeout: the seconds that it may take in all; None for no cap.
        caps: its further caps from now on.
        walls: the mode from now on, the kind of walls, and why they are so.
    """
    mode, isolation, why = walls
    workers, late = _back_at_desks(state)
    left, busy = {worker.task for worker in late}, {worker.task for worker in workers}
    return RunResumed(
        owner=owner,
        away=max(0.0, away),
        alone=alone,
        workers=tuple(worker.id for worker in workers),
        tasks=tuple(
            task.id
            for task in state.tasks.values()
            if task.id in left or (task.id not in busy and _waits_again(state, task))
        ),
        late=tuple(worker.id for worker in late),
        unsure=tuple(begun.call for worker in (*workers, *late) for begun in unsure_calls(state, worker)),
        budget=budget,
        timeout=timeout,
        caps=dict(caps),
        mode=mode,
        isolation=isolation,
        isolation_note=why,
    )


def alone_from(state: RunState, touched: float, often: float) -> float | None:
    """The moment on the run's clock by which nobody listened any more to the replies that were under way.

    Args:
        state: of the run as it was left.
        touched: when its journal was touched last, in epoch seconds by the wall clock.
        often: seconds from one touch to the next.

    Returns:
        None where the two clocks do not fit each other.
    """
    after = touched - state.moment(state.at)
    return None if after < -often else state.at + max(0.0, after) + often


def check_returns(name: str, asked: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> None:
    """See to it that the run's value has the type that it began with; both are JSON schemas.

    Raises:
        ConductUsageError: the type is missing, or is another one.
    """
    if asked is not None and given is None:
        raise ConductUsageError(f"Run {name} gives a value of a type: say --returns TYPE again.")
    if given is not None and asked != given:
        what = "was begun without --returns" if asked is None else "was begun with another --returns"
        raise ConductUsageError(f"Run {name} {what}: its value cannot be of this type.")


def check_variables(name: str, asked: Sequence[str], found: Mapping[str, object], then: str = "resume") -> None:
    """See to it that the run gets the variables that it began with.

    Raises:
        ConductUsageError: some are not there; they are named, and `then` says what to do once they are.
    """
    missing = [variable for variable in asked if variable not in found]
    if missing:
        raise ConductUsageError(
            f"Run {name} was given {', '.join(missing)}: make {'it' if len(missing) == 1 else 'them'} again in this "
            f"notebook under the same name (from Python: hand it over with use=), then {then}."
        )


def what_to_tell(state: RunState, torn: Sequence[str], described: Sequence[Mapping[str, Any]]) -> list[Event]:
    """What follows the record of the resumption: stale questions closed, a plan launched, what a person is to know.

    Args:
        state: of the run before it.
        torn: names of the files to which torn tails of the journal were moved.
        described: the variables as they are handed over now.
    """
    events: list[Event] = []
    for question in state.open_questions:
        # The conductor's is put again as it stands. A call that waited for a yes will ask anew.
        if question.by != "conductor":
            no = {str(ask["question"]): str([*ask["options"], {"label": "No"}][0]["label"]) for ask in question.ask}
            events.append(QuestionAnswered(question=question.id, answers=no, by="engine"))
    told = " ".join(str(getattr(record.event, "text", "")) for record in state.notes)
    events += [
        RunNoted(
            text=f"The journal's last record was cut short: what was there of it is kept in {name}.", level="warning"
        )
        for name in torn
        if f"{name}." not in told
    ]
    before = {variable["name"]: variable for variable in state.started.variables} if state.started else {}
    events += [
        RunNoted(text=f"{now['name']} is not what it was when the run began.", level="warning")
        for now in described
        if before.get(now["name"]) != now
    ]
    return events + (_from_the_plan(state) if state.status == "planned" else [])


def _from_the_plan(state: RunState) -> list[Event]:
    """What makes a run of a plan: all of its tasks are launched, and what it has cost counts to this run."""
    made = f"The plan was made in run {state.started.parent}; " if state.started else ""
    cost = "" if state.spend.usd is None else f", ${state.spend.usd:.2f},"
    launches = [
        TaskLaunched(task=task.id, prompt=task.description, tier=task.tier, by="engine")
        for task in state.tasks.values()
        if task.status in ("blocked", "ready") and not task.launched
    ]
    return [RunNoted(text=f"{made}what that cost{cost} is counted in this one."), *launches]


def _back_at_desks(state: RunState) -> tuple[list[WorkerState], list[WorkerState]]:
    """The workers that go on now, and those that go on later, for which no desk is free.

    Who was cut off in flight has a desk. Whom the end of the run ended had given it up, and others may have sat down:
    who had it last has it again.
    """
    back = [worker for worker in state.workers.values() if _goes_on(state, worker)]
    ended = [worker for worker in back if worker.outcome is not None]
    desks = state.started.workers if state.started else 0
    ended.sort(key=lambda worker: -(worker.ended or 0.0))
    late = ended[max(0, desks - (len(back) - len(ended))) :]
    return [worker for worker in back if worker not in late], late


def _goes_on(state: RunState, worker: WorkerState) -> bool:
    task = state.tasks[worker.task]
    if worker.outcome is None:
        return True
    # Where it was launched again since, another attempt is on its way.
    undone = task.status in ("failed", "cancelled") and not task.deleted and not task.replaced_by
    return worker.with_run and undone and task.attempts[-1] == worker.id


def _waits_again(state: RunState, task: TaskState) -> bool:
    if task.deleted or task.replaced_by:
        return False
    if task.status == "skipped":
        return True
    # Its provider failed, not its worker: an expired key, no credit.
    return task.status == "failed" and bool(task.attempts) and state.workers[task.attempts[-1]].cause == "api"
