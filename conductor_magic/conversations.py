"""A conversation as its record has it: what was said, and what was not finished when its process ended. Pure.

A model gets again exactly what it was sent, so that what its provider has cached still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.models.base import Reply, Usage, tool_result

__all__ = ["GO_ON", "Recorded", "recorded", "said_since"]

Json = dict[str, Any]
GO_ON = "Your reply was cut at its length limit. Go on exactly where it stopped; keep the rest short."


@dataclass(slots=True)
class Recorded:
    """One side of a run, as far as it had come.

    Attributes:
        messages: the conversation; the reply that is `unfinished` is the last of them then.
        unfinished: the last reply, when not everything that it asks for has been done.
        results: what its calls have brought so far, by the id of their block.
        turns: how many replies there were.
        text: what the last reply that had any said.
        to_mend: the report whose value did not fit, once a worker was asked to mend it.
        valuing: the last that the conductor was told, reminders apart, is about the run's value.
        given: what it has said to that, in order, but for the last.
    """

    messages: list[Json]
    unfinished: Reply | None = None
    results: dict[str, Json] = field(default_factory=dict[str, Json])
    turns: int = 0
    text: str = ""
    to_mend: str | None = None
    valuing: bool = False
    given: list[str] = field(default_factory=list[str])


def recorded(prompt: str, log: Iterable[Record]) -> Recorded:
    """What a log holds.

    Args:
        prompt: what the model was sent first.
        log: its replies, the results of its calls and what it was told, as in `WorkerState.log`.
    """
    found = Recorded([_user(prompt)])
    for record in log:
        event = record.event
        if isinstance(event, e.ToolEnded):
            said = event.content if isinstance(event.content, str) else list(event.content)
            found.results[event.use] = tool_result({"id": event.use}, said, is_error=event.is_error)
        elif isinstance(event, e.ToolRefused):
            found.results[event.use] = tool_result({"id": event.use}, event.why, is_error=True)
        elif isinstance(event, e.WorkerTurn | e.ConductorTurn):
            _answer_calls(found)
            found.unfinished = Reply(event.content, event.stop, Usage(), "")
            found.text = found.unfinished.text or found.text
            found.turns += 1
            if event.content:
                found.messages.append({"role": "assistant", "content": list(event.content)})
        elif isinstance(event, e.WorkerTold | e.ConductorTold):
            _answer_calls(found)
            found.unfinished = None
            if event.about == "repair" and found.to_mend is None:
                found.to_mend = said_since(found.messages)
            if isinstance(event, e.ConductorTold) and event.about != "reminder":
                found.valuing = event.about in ("value", "repair")
                found.given = [*found.given, said_since(found.messages).strip()] if event.about == "repair" else []
            found.messages.append(_user(event.text))
        elif isinstance(event, e.ContextCompacted) and event.messages:
            found.messages, found.unfinished, found.results = [dict(message) for message in event.messages], None, {}
    _answer_calls(found)
    return found


def _user(content: str | list[Json]) -> Json:
    return {"role": "user", "content": content}


def _answer_calls(found: Recorded) -> None:
    """Add the message with the results of the last reply's calls, when they are all there."""
    calls = found.unfinished.tool_calls if found.unfinished else ()
    if calls and all(call["id"] in found.results for call in calls):
        found.messages.append(_user([found.results[call["id"]] for call in calls]))
        found.unfinished, found.results = None, {}


def said_since(messages: Sequence[Json]) -> str:
    """The text since our last message: a text that was cut is continued over several replies."""
    pieces: list[str] = []
    for message in reversed(messages):
        if message["role"] == "user" and message["content"] != GO_ON:
            break
        if message["role"] == "assistant":
            blocks = cast("list[Json]", message["content"])
            pieces.append("".join(block["text"] for block in blocks if block.get("type") == "text"))
    return "".join(reversed(pieces))
