"""The fold's steps for the run as a whole."""

from __future__ import annotations

from dataclasses import replace

from conductor_magic import events as e
from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.fold.moves import Step, add_to_tape
from conductor_magic.state import RunState

__all__ = ["STEPS"]


def _run_started(state: RunState, record: Record, event: e.RunStarted) -> RunState:
    if state.started is not None:
        raise TransitionError("run.started: the run has already started")
    return replace(state, started=event, started_at=record.at, budget=event.budget)


def _models(state: RunState, record: Record, event: e.ModelsResolved) -> RunState:
    return replace(state, tiers=event.tiers, tiers_source=event.source)


def _noted(state: RunState, record: Record, event: Event) -> RunState:
    return replace(state, notes=(*state.notes, record))


def _resumed(state: RunState, record: Record, event: e.RunResumed) -> RunState:
    state = replace(state, status="running", ended_at=None, cap="", cap_text="", cancelled_by="", in_flight={})
    return state if event.budget is None else replace(state, budget=event.budget)


def _cancel_requested(state: RunState, record: Record, event: e.CancelRequested) -> RunState:
    return add_to_tape(replace(state, cancelled_by=event.by), record)


def _cap_reached(state: RunState, record: Record, event: e.CapReached) -> RunState:
    return add_to_tape(replace(state, cap=event.cap, cap_text=event.text), record)


def _budget_warned(state: RunState, record: Record, event: e.BudgetWarned) -> RunState:
    return add_to_tape(state, record)


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
