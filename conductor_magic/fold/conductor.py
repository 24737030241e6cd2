"""The fold's steps for the conductor and for what it is asked, told and granted."""

from __future__ import annotations

from typing import Any

from conductor_magic import events as e
from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.fold.moves import Step, add_to_tape, change_conductor, put_worker, with_entry
from conductor_magic.state import Joined, QuestionState, RunState, replace

__all__ = ["STEPS"]


def _asked(state: RunState, record: Record, event: e.QuestionAsked) -> RunState:
    about = {"call": event.call, "conflict": event.conflict}
    question = QuestionState(event.question, event.ask, event.about, event.by, event.task, record.at, **about)
    state = replace(state, questions=with_entry(state.questions, event.question, question))
    return add_to_tape(change_conductor(state, status="asking") if event.by == "conductor" else state, record)


def _joined(state: RunState, record: Record, event: e.QuestionJoined) -> RunState:
    question = state.questions.get(event.question)
    if question is None or question.answered is not None:
        raise TransitionError(f"question.joined: question {event.question} does not wait for an answer")
    if event.task is None or event.task in question.tasks:
        return state
    question = replace(question, joined=(*question.joined, Joined(event.by, event.task, record.at)))
    return replace(state, questions=with_entry(state.questions, event.question, question))


def _answered(state: RunState, record: Record, event: e.QuestionAnswered) -> RunState:
    question = state.questions.get(event.question)
    if question is None or question.answered is not None:
        raise TransitionError(f"question.answered: question {event.question} does not wait for an answer")
    answered = {"answers": event.answers, "answered_by": event.by, "defaults": event.defaults}
    question = replace(question, answered=record.at, **answered)
    state = replace(state, questions=with_entry(state.questions, event.question, question))
    return add_to_tape(change_conductor(state, status="thinking") if question.by == "conductor" else state, record)


def _conductor_started(state: RunState, record: Record, event: e.ConductorStarted) -> RunState:
    return change_conductor(
        state,
        status="thinking",
        model=event.model,
        system=event.system,
        tools=event.tools,
        prompt=event.prompt,
        offered=event.guides,
    )


def _conductor_turn(state: RunState, record: Record, event: e.ConductorTurn) -> RunState:
    return change_conductor(
        state, status="thinking", turns=state.conductor.turns + 1, log=(*state.conductor.log, record), silent=""
    )


def _slept(state: RunState, record: Record, event: e.ConductorSlept) -> RunState:
    return change_conductor(state, status="sleeping", silent="", **_last_word(state, event.text))


def _last_word(state: RunState, text: str | None) -> dict[str, Any]:
    """What is the answer now, to all that the conductor was told; nothing changes where it gave none."""
    return {} if text is None else {"answer": text, "answered": state.conductor.told}


def _told(state: RunState, record: Record, event: e.ConductorTold) -> RunState:
    conductor = state.conductor
    news = {notice.text for notice in state.notices[conductor.told : event.until] if notice.about == "conflict"}
    if news:
        told = {name: replace(state.conflicts[name], told=record.seq) for name in news}
        state = replace(state, conflicts={**state.conflicts, **told})
    return change_conductor(
        state,
        status="thinking",
        log=(*conductor.log, record),
        told=max(conductor.told, event.until),
        reminded=tuple(dict.fromkeys((*conductor.reminded, *event.unlaunched))),
        nudged=tuple(dict.fromkeys((*conductor.nudged, *event.unread))),
    )


def _conductor_failed(state: RunState, record: Record, event: e.ConductorFailed) -> RunState:
    word = _last_word(state, event.text)
    return add_to_tape(change_conductor(state, status="failed", error=event.error, silent="", **word), record)


def _conductor_stalled(state: RunState, record: Record, event: e.ConductorStalled) -> RunState:
    return add_to_tape(change_conductor(state, silent=event.detail), record)


def _conductor_heard(state: RunState, record: Record, event: e.ConductorHeard) -> RunState:
    return change_conductor(state, silent="")


def _compacted(state: RunState, record: Record, event: e.ContextCompacted) -> RunState:
    state = add_to_tape(replace(state, compactions=(*state.compactions, record)), record)
    if event.by == "conductor":
        contexts = (*state.conductor.contexts, (record.at, event.after))
        log = (*state.conductor.log, record)
        return change_conductor(state, context_tokens=event.after, contexts=contexts, log=log)
    worker = state.workers.get(event.by)
    if worker is None:
        return state
    return put_worker(state, replace(worker, context_tokens=event.after, log=(*worker.log, record)))


def _granted(state: RunState, record: Record, event: Event) -> RunState:
    return replace(state, grants=(*state.grants, record))


STEPS: dict[str, Step] = {
    "question.asked": _asked,
    "question.joined": _joined,
    "question.answered": _answered,
    "conductor.started": _conductor_started,
    "conductor.turn": _conductor_turn,
    "conductor.slept": _slept,
    "conductor.told": _told,
    "conductor.failed": _conductor_failed,
    "conductor.stalled": _conductor_stalled,
    "conductor.heard": _conductor_heard,
    "context.compacted": _compacted,
    "permission.granted": _granted,
}
