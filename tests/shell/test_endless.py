"""Models that never come to an end: a limit ends the task or the run, soon, and the reason says which."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic.events import WorkerTurn
from conductor_magic.result import ConductResult
from tests.shell.conftest import Play
from tests.support.floor import Floor, WorkerScript, done, lay_out
from tests.support.messages_server import Answer, events, sse, text, tools
from tests.support.quick import impatient, quick_limiter

Json = dict[str, Any]
TWO = lay_out({"a": (), "b": ()})
ALIVE = events(text("x"))[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    quick_limiter(monkeypatch)


def piece(stop: str, number: int) -> Answer:
    """A reply that breaks off; each says something else."""
    return text(f"Part {number} …", stop_reason=stop)


def _only_a(stop: str) -> WorkerScript:
    return lambda task, turn, body: piece(stop, turn) if task == "a" else done(task, turn, body)


def _turns(result: ConductResult) -> int:
    return sum(isinstance(record.event, WorkerTurn) and record.event.worker == "w1" for record in result.events)


@pytest.mark.parametrize("stop", ["pause_turn", "max_tokens"])
def test_a_worker_that_never_ends(play: Play, stop: str) -> None:
    """Its attempt ends by a limit, once more by the automatic retry; the other task is not touched."""
    reason = f"11 replies in a row broke off ({stop})"
    floor = Floor([TWO, text("Under way."), text("a did not end.")], _only_a(stop))
    result = play(floor)
    assert [task.status for task in result] == ["failed", "completed"] and result.status == "partial"
    assert [attempt.outcome for attempt in result["1"].attempts] == ["limit", "limit"]
    assert reason in (result["1"].error or "")
    assert _turns(result) == 11
    assert reason in str(floor.conductor_requests[-1]["messages"])


@pytest.mark.parametrize("stop", ["pause_turn", "max_tokens"])
def test_a_conductor_that_never_ends(play: Play, stop: str) -> None:
    """The run fails after the same number, and says so."""
    floor = Floor(piece(stop, number) for number in range(50))
    result = play(floor)
    assert result.status == "failed" and "11 replies in a row broke off" in result.reason
    assert len(floor.conductor_requests) == 11


def test_pauses_with_work_between_are_no_fault(play: Play) -> None:
    """Only what comes in a row counts."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        said = sum(message["role"] == "assistant" for message in body["messages"])
        if said >= 30:
            return done(task, turn, body)
        note = {"file_path": f"note{said}.txt", "content": "so far"}
        return piece("pause_turn", said) if said % 6 else tools(("Write", note), prefix=f"t{said}")

    assert play(Floor([lay_out({"a": ()}), text("Under way.")], worker)).status == "completed"


def test_endless_signs_of_life(play: Play) -> None:
    """Each attempt at the request ends, ten of them end the task, and the others go on."""
    beats = {
        "comments": b": still here\n\n",
        "pings": b'event: ping\ndata: {"type": "ping"}\n\n',
        "deltas": sse({"type": "message_delta", "delta": {"stop_reason": None}}),
    }

    def worker(task: str, turn: int, body: Json) -> Answer:
        return Answer(raw=ALIVE, then="pings", beat=beats[task]) if task in beats else done(task, turn, body)

    floor = Floor([lay_out(dict.fromkeys([*beats, "a"], ())), text("Under way.")], worker)
    result = play(floor, connector=impatient)
    assert [task.status for task in result] == ["failed", "failed", "failed", "completed"]
    assert ["only signs of life" in (task.error or "") for task in result] == [True, True, True, False]
    assert len(floor.worker_requests) == 31
