"""Calls of which nobody knows what they have done: they had begun and not ended when their worker was cut off. Pure."""

from __future__ import annotations

from conductor_magic.events import ToolStarted
from conductor_magic.state import QuestionState, RunState, WorkerState

__all__ = ["main_input", "unsure_calls"]


def unsure_calls(state: RunState, worker: WorkerState) -> tuple[ToolStarted, ...]:
    """The calls of a worker that was cut off of which nobody knows whether they had their effect.

    One that only looks has done nothing, and neither has one that never got the yes that it waited for.
    """
    begun = [record.event for record in worker.calls.values() if isinstance(record.event, ToolStarted)]
    waited = {question.call for question in state.questions.values() if _unanswered(question) or _denied(question)}
    return tuple(event for event in begun if not event.repeatable and event.call not in waited)


def main_input(begun: ToolStarted) -> str:
    """What the call was to run, or the file that it was to change."""
    return next((str(begun.input[key]) for key in ("command", "code", "file_path") if key in begun.input), "")


def _unanswered(question: QuestionState) -> bool:
    """Whether nobody has answered, but for the engine, which closes what nobody waits for any more."""
    return question.answered is None or question.answered_by == "engine"


def _denied(question: QuestionState) -> bool:
    """Whether it was asked for a yes and got none: any other word is a no."""
    labels = [str(option["label"]) for ask in question.ask for option in ask["options"]]
    return labels[:1] == ["No"] and not any(str(said) in labels[1:] for said in question.answers.values())
