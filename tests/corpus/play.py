"""Plays tool calls in a world by a whole run: conductor, worker, gate, walls, journal; only the model is a script.

The conductor lays out one task, its worker makes the calls, one a turn, and reports. What the worker was told of each
call is taken from the next request, so it is what would have gone over the wire.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor_magic.connect import Connection
from conductor_magic.events import dump
from conductor_magic.limits import Limits
from conductor_magic.option_checks import check_options
from conductor_magic.prompting import ask_at_prompt
from conductor_magic.result import ConductResult
from conductor_magic.run import Run, start
from conductor_magic.testing import Request, ScriptedModel, tool_reply
from tests.corpus.world import World

__all__ = ["Answerer", "Played", "Told", "play"]

Json = dict[str, Any]
Call = tuple[str, Json]
Answerer = Callable[[Json], str | None]
"""A person: the question that waits -> what is said, or None to say nothing (and so to stop the run)."""

_TIERS = ("haiku", "sonnet", "opus", "conductor")
_MODEL = "claude-haiku-5-5"
_LONGEST = 90.0


@dataclass(frozen=True)
class Told:
    """What the worker was told of one call."""

    text: str
    is_error: bool


@dataclass
class Played:
    """What came of it.

    Attributes:
        result: the run's result.
        told: of each call, in order.
        asked: the permission questions that were put, as they were put.
        sent: everything that went to a model, as text.
        recorded: everything in the run's folder, as text.
        events: the journal's events as JSON, in order.
        seconds: wall time of the run.
    """

    result: ConductResult
    told: list[Told] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    sent: str = ""
    recorded: str = ""
    events: list[Json] = field(default_factory=list)
    seconds: float = 0.0


def play(
    world: World,
    mode: str,
    calls: Callable[[], Sequence[Sequence[Call]]],
    *,
    person: Answerer | None = None,
    before: Callable[[Run], None] | None = None,
) -> Played:
    """Play the calls to their end.

    Args:
        world: where; it is told the run's folder.
        mode: the run's permission mode.
        calls: asked once the run's folder is known: the calls of each of the worker's turns.
        person: who answers permission questions; nobody is there without one.
        before: called when the run is prepared but not yet begun.
    """
    turns: list[Sequence[Call]] = []
    model = ScriptedModel(lambda request: _said(request, turns))
    options = check_options({"quiet": True, "workspace": str(world.ws), "mode": mode, "budget": None})
    run = start("Do it.", options, connector=_connector(model), begin=False, limits=Limits(turns=200))
    world.at_job(run.folder)
    turns.extend(calls())
    if before is not None:
        before(run)
    if person is not None:
        run.attend()
    began = time.monotonic()
    run.begin()
    _wait(run, person)
    played = Played(run.result(), seconds=time.monotonic() - began)
    for request in model.requests:
        results = [block for block in request.messages[-1]["content"] if isinstance(block, dict)]
        if not _is_conductor(request):
            played.told += [_told(block) for block in results if block.get("type") == "tool_result"]
    played.asked = [
        {"id": asked.id, **ask, "about": asked.about}
        for asked in run.state.questions.values()
        if asked.about == "permission"
        for ask in asked.ask
    ]
    played.events = [dump(record.event) for record in played.result.events]
    played.sent = json.dumps([request.messages for request in model.requests], ensure_ascii=False, default=str)
    files = sorted(path for path in run.folder.rglob("*") if path.is_file())
    played.recorded = "\n".join(path.read_bytes().decode(errors="replace") for path in files)
    return played


def _wait(run: Run, person: Answerer | None) -> None:
    """Wait for the run's end; meanwhile a person, if there is one, answers whatever waits."""
    news = threading.Event()
    leave = run._journal.subscribe(lambda record, state: news.set())
    deadline = time.monotonic() + _LONGEST
    try:
        while not run.done.is_set():
            assert time.monotonic() < deadline, f"the run did not end within {_LONGEST:g} s"
            news.wait(0.05)
            news.clear()
            if person is None:
                continue
            for asked in list(run.state.questions.values()):
                if asked.answered_by:
                    continue
                said = person({"id": asked.id, **asked.ask[0]})
                if said is None:
                    run.cancel()
                elif run.answer(asked.id, {asked.ask[0]["question"]: said}):
                    # The board goes on asking; at a terminal's prompt the same line is an answer.
                    run.answer(asked.id, ask_at_prompt(asked, lambda _, line=said: line))
    finally:
        leave()
        if not run.done.is_set():
            run.cancel()
            run.done.wait(10)


def _connector(model: ScriptedModel) -> Callable[..., Any]:
    async def connect(provider: str, tiers: object, budget: object) -> Connection:
        models = dict.fromkeys(_TIERS, _MODEL)
        return Connection(model, models, "the script", False, dict.fromkeys(_TIERS, 4_000))

    return connect


def _is_conductor(request: Request) -> bool:
    return any(tool["name"] == "TaskCreate" for tool in request.tools)


def _said(request: Request, turns: Sequence[Sequence[Call]]) -> Any:
    """The script of both roles, by whose request it is and how far its conversation has come."""
    turn = sum(message["role"] == "assistant" for message in request.messages)
    if _is_conductor(request):
        if turn:
            return "All done."
        task = {"subject": "The row", "description": "Play it.", "key": "row"}
        launch = {"description": "play the row", "prompt": "Play it.", "taskId": "row", "model": "haiku"}
        return tool_reply(("TaskCreate", task), ("Task", launch))
    if turn < len(turns):
        ids = [f"call_{turn}_{place}" for place, _ in enumerate(turns[turn])]
        return tool_reply(*turns[turn], ids=ids)
    return "Played.\nSTATUS: done"


def _told(block: Json) -> Told:
    content = block["content"]
    if not isinstance(content, str):
        content = "\n".join(str(part.get("text", f"[{part['type']}]")) for part in content)
    return Told(content, bool(block.get("is_error")))
