"""The fold's steps for the run as a whole."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.fold.moves import Step, add_notice, add_to_tape, go_on, hold, move, settle, task_of, with_entry
from conductor_magic.near_caps import name_of, wakes
from conductor_magic.plain import plain
from conductor_magic.state import ConductorState, RunState, replace

__all__ = ["STEPS"]


def _run_started(state: RunState, record: Record, event: e.RunStarted) -> RunState:
    if state.started is not None:
        raise TransitionError("run.started: the run has already started")
    return replace(state, started=event, started_at=record.at, budget=event.budget, caps=event.caps)


def _models(state: RunState, record: Record, event: e.ModelsResolved) -> RunState:
    workers = {
        name: replace(worker, model=event.tiers.get(worker.tier, worker.model)) if worker.outcome is None else worker
        for name, worker in state.workers.items()
    }
    model = event.tiers.get("conductor", state.conductor.model) if state.conductor.model else ""
    conductor = replace(state.conductor, model=model)
    # Where no price is told, what stays as it was keeps its own.
    kept = {tier: usd for tier, usd in state.usual_usd.items() if event.tiers.get(tier) == state.tiers.get(tier)}
    usual = event.usd or kept
    return replace(
        state, tiers=event.tiers, tiers_source=event.source, usual_usd=usual, workers=workers, conductor=conductor
    )


def _noted(state: RunState, record: Record, event: Event) -> RunState:
    return replace(state, notes=(*state.notes, record))


def _resumed(state: RunState, record: Record, event: e.RunResumed) -> RunState:
    if state.started is None:
        raise TransitionError("run.resumed: no run has begun")
    started = state.started
    stopped = state.ended or state.stopping
    conductor = _awake(state.conductor, anew=stopped)
    planned = state.status == "planned"
    # What was in flight may have been billed: nobody was there to hear.
    for flight in state.in_flight.values():
        state = hold(state, flight.by, *flight.lost(event.alone), lost=1)
    walls = {"mode": event.mode, "isolation": event.isolation, "isolation_note": event.isolation_note}
    state = replace(
        state,
        started=started.model_copy(update={**walls, "timeout": event.timeout}),
        budget=event.budget,
        caps=event.caps,
        capped={},
        warned={},
        unsure=state.unsure | set(event.unsure),
        pauses=(*state.pauses, (record.at, event.away)),
        status="running",
        answer="",
        value=None,
        end_reason="",
        ended_at=None,
        in_flight={},
        paused=None,
        cap="",
        cap_text="",
        cancelled_by="",
        conductor=conductor,
    )
    state = _without_stale_notices(_put_back(_continued(state, record, event), event), event)
    if stopped and conductor.status == "sleeping":
        wakes = not (planned or event.workers or event.tasks)
        state = add_notice(state, record, "resumed", "", _news(event, planned=planned), wakes=wakes)
    return add_to_tape(state, record)


def _awake(conductor: ConductorState, *, anew: bool) -> ConductorState:
    """The conductor as a new process takes it up: awake, where its last turn was cut short.

    Where the run goes on anew, it is reminded anew of what it has not launched; a kill alone changes nothing of that.
    """
    last = conductor.log[-1].event if conductor.log else None
    finished = isinstance(last, e.ConductorTurn) and last.stop not in ("tool_use", "pause_turn", "max_tokens")
    cut = conductor.status == "sleeping" and not finished
    status = "thinking" if cut or conductor.status == "failed" else conductor.status
    return replace(conductor, status=status, error="", reminded=() if anew else conductor.reminded, silent="")


def _continued(state: RunState, record: Record, event: e.RunResumed) -> RunState:
    """The state with the workers back at their desks, or at free ones where others have sat down since."""
    taken = {worker.desk for worker in state.running}
    for name in event.workers:
        worker = state.workers.get(name)
        if worker is None:
            raise TransitionError(f"run.resumed: there is no worker {name}")
        desk = worker.desk
        if worker.ended is not None:
            desk = desk if desk not in taken else next(free for free in range(1, len(taken) + 2) if free not in taken)
            taken.add(desk)
        state = go_on(state, name, desk, record.at)
    return state


def _put_back(state: RunState, event: e.RunResumed) -> RunState:
    """The state with the tasks waiting again."""
    tasks = dict(state.tasks)
    for name in event.tasks:
        tasks[name] = replace(move(task_of(state, name, event), "put back"), ended=None, error="", output="")
    for worker in event.late:
        task = tasks[state.workers[worker].task]
        tasks[task.id] = replace(task, late=worker)
    return settle(state, tasks, event.tasks)


def _without_stale_notices(state: RunState, event: e.RunResumed) -> RunState:
    """The state without what the conductor was still to learn of ends that are none any more."""
    going_on = {*event.tasks, *(state.workers[name].task for name in event.workers)}
    told = state.conductor.told
    fresh = tuple(
        notice
        for notice in state.notices[told:]
        if notice.about == "edited" or (notice.task not in going_on and notice.about not in ("capped", "budget"))
    )
    return replace(state, notices=(*state.notices[:told], *fresh))


def _news(event: e.RunResumed, *, planned: bool) -> str:
    """What the conductor, which saw the run end, is to know."""
    again = f" Wait for a worker again: #{', #'.join(event.tasks)}." if event.tasks else ""
    budget = "" if event.budget is None else f" The budget is ${plain(event.budget, ',')} in all now."
    what = "The person has the plan run: workers do its tasks." if planned else ""
    return f"{what or 'The run had ended and the person resumed it.'}{budget}{again}"


def _cancel_requested(state: RunState, record: Record, event: e.CancelRequested) -> RunState:
    return add_to_tape(replace(state, cancelled_by=event.by), record)


def _cap_reached(state: RunState, record: Record, event: e.CapReached) -> RunState:
    if event.tier is not None:
        untold = state.notices[state.conductor.told :]
        state = replace(state, capped=with_entry(state.capped, event.tier, event))
        # A notice of a tier tells of its latest cap.
        if not any(notice.about == "capped" and notice.text == event.tier for notice in untold):
            state = add_notice(state, record, "capped", "", event.tier, wakes=True)
        return add_to_tape(state, record)
    return add_to_tape(replace(state, cap=event.cap, cap_text=event.text), record)


def _budget_warned(state: RunState, record: Record, event: e.BudgetWarned) -> RunState:
    name = name_of(event)
    state = replace(state, warned=with_entry(state.warned, name, event.share))
    return add_to_tape(add_notice(state, record, "budget", "", name, wakes=wakes(state, event)), record)


def _milestone(state: RunState, record: Record, event: e.Milestone) -> RunState:
    return add_to_tape(replace(state, milestones=(*state.milestones, record)), record)


def _run_ended(state: RunState, record: Record, event: e.RunEnded) -> RunState:
    return replace(
        state,
        status=event.status,
        answer=event.answer,
        value=event.value,
        end_reason=event.reason,
        ended_at=record.at,
        in_flight={},
    )


STEPS: dict[str, Step] = {
    "run.started": _run_started,
    "run.models": _models,
    "run.noted": _noted,
    "run.resumed": _resumed,
    "run.cancel_requested": _cancel_requested,
    "run.budget_warned": _budget_warned,
    "run.cap_reached": _cap_reached,
    "run.milestone": _milestone,
    "run.ended": _run_ended,
}
