"""Caps of a whole run over real HTTP: each scope and unit holds, says so, and lets the rest go on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from conductor_magic.api import resume
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import CapReached, RequestEnded, RequestSent, RunResumed, ToolStarted, WorkerEnded
from conductor_magic.models.anthropic.prices import cost
from conductor_magic.result import ConductResult
from tests.shell.conftest import Play
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, MessagesServer, error, text, tools

PLAN = [lay_out({"a": (), "b": ()}), text("Under way."), *[text("What there is.")] * 4]
GLOB = ("Glob", {"pattern": "*"})


class Dear:
    """Workers that never stop calling a tool, on a server that bills each request's worst case and keeps the bill.

    Attributes:
        usd, tokens, replies: the bill by the model that was asked.
    """

    def __init__(self, plan: Iterable[Answer], turns: int = 1_000) -> None:
        self.floor = Floor(plan, self._work)
        self.usd: dict[str, float] = {}
        self.tokens: dict[str, int] = {}
        self.replies: dict[str, int] = {}
        self._turns = turns
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        answer = self.floor(body, number)
        if answer.usage is None:
            return answer
        with self._lock:
            model = body["model"]
            usage = {"cache_creation_input_tokens": 0, **answer.usage}
            self.usd[model] = self.usd.get(model, 0.0) + (cost(model, usage) or 0.0)
            self.tokens[model] = self.tokens.get(model, 0) + sum(usage.values())
            self.replies[model] = self.replies.get(model, 0) + 1
        return answer

    def _work(self, task: str, turn: int, body: dict[str, Any]) -> Answer:
        usage = {"input_tokens": 2_000, "output_tokens": body["max_tokens"]}
        if turn > self._turns:
            return text(f"Did {task}.\nSTATUS: done", usage=usage)
        # Each looks for something else, so that it is not taken for one that makes no progress.
        return tools(("Glob", {"pattern": f"{task}{turn}*"}), prefix=f"{task}{turn}", usage=usage)


def reached(result: ConductResult) -> list[tuple[str, str | None]]:
    """Which caps were recorded as reached, of the run (None) or a tier."""
    events = [record.event for record in result.events]
    return [(event.cap, event.tier) for event in events if isinstance(event, CapReached)]


WORKER_CAPS = [
    ({"worker.usd": 0.02}, "A worker's cap of $0.02 (worker.usd) is reached"),
    ({"worker.tokens": 60_000}, "A worker's cap of 60,000 tokens (worker.tokens) is reached"),
    ({"worker.turns": 3}, "A worker's cap of 3 turns (worker.turns) is reached"),
    ({"worker.calls": 3}, "A worker's cap of 3 tool calls (worker.calls) is reached"),
]


@pytest.mark.parametrize(("cap", "said"), WORKER_CAPS, ids=[next(iter(cap)) for cap, _ in WORKER_CAPS])
def test_a_cap_of_a_worker_ends_its_attempt(play: Play, cap: dict[str, float], said: str) -> None:
    """Never exceeded; outcome `limit`, with the cap's name; one more attempt as for any limit; no other task minds."""
    floor = Dear(PLAN)
    result = play(floor, cap=cap, workers=2)
    assert result.status == "failed"
    assert reached(result) == []
    for task in result:
        assert [attempt.outcome for attempt in task.attempts] == ["limit", "limit"]
        assert said in task.error
    for worker in {record.event.worker for record in result.events if isinstance(record.event, WorkerEnded)}:
        spend = result_worker(result, worker)
        [(name, limit)] = cap.items()
        assert 0 < spend[name.partition(".")[2]] <= limit


def result_worker(result: ConductResult, worker: str) -> dict[str, float]:
    """What one worker's requests and calls came to, from the record."""
    from conductor_magic.fold import fold

    state = fold(list(result.events)).workers[worker]
    spend = state.spend
    return {"usd": spend.usd or 0.0, "tokens": spend.tokens, "turns": spend.requests, "calls": state.made}


def test_a_cap_of_a_worker_may_be_larger_than_the_limit_without_one(play: Play) -> None:
    """Sixty turns is what a worker gets when nobody says otherwise."""
    result = play(Dear([lay_out({"a": ()}), *PLAN[1:]], turns=65), cap={"worker.turns": 70}, budget="none")
    assert result.status == "completed", result.reason


TIER_CAPS = [
    ({"haiku.usd": 0.03}, "usd", "$0.03 (haiku.usd)"),
    ({"haiku.tokens": 90_000}, "tokens", "90,000 tokens (haiku.tokens)"),
    ({"haiku.turns": 5}, "turns", "5 turns (haiku.turns)"),
    ({"haiku.calls": 5}, "calls", "5 tool calls (haiku.calls)"),
]


def _latest(floor: Floor) -> str:
    """What the conductor was told last."""
    return str(floor.conductor_requests[-1]["messages"][-1]["content"])


@pytest.mark.parametrize(("cap", "unit", "said"), TIER_CAPS, ids=[next(iter(cap)) for cap, _, _ in TIER_CAPS])
def test_a_cap_of_a_tier_ends_its_workers_and_the_conductor_moves_on(
    play: Play, cap: dict[str, float], unit: str, said: str
) -> None:
    """Held by eight workers together; the others go on; the conductor is told at once and takes another tier."""
    graph = {f"t{number}": () for number in range(9)}
    calls = [call for key in graph for call in (create(key), launch(key))]
    refused = ("Task", {"description": "one more", "prompt": "more", "model": "haiku"})
    moved = [launch("t8", model="sonnet"), refused]
    told: list[str] = []

    def plan() -> Iterator[Answer]:
        yield from (tools(*calls), text("Under way."))
        while "is reached" not in _latest(floor.floor):
            told.append(_latest(floor.floor))
            yield text("Let it go on.")
        told.append(_latest(floor.floor))
        yield tools(*moved, prefix="moved")
        told.append(_latest(floor.floor))
        yield from [text("What there is.")] * 9

    floor = Dear(plan())
    haiku = "claude-haiku-5-5"
    sonnet = Floor([], done)

    def serve(body: dict[str, Any], number: int) -> Answer:
        conducting = any(tool["name"] == "TaskCreate" for tool in body["tools"])
        return floor(body, number) if conducting or body["model"] == haiku else sonnet(body, number)

    result = play(serve, cap=cap, workers=8, tiers={"haiku": haiku})
    assert reached(result) == [(unit, "haiku")]
    assert {"usd": floor.usd, "tokens": floor.tokens, "turns": floor.replies}.get(unit, {}).get(haiku, 0) <= cap[
        f"haiku.{unit}"
    ]
    made = [record.event for record in result.events if isinstance(record.event, ToolStarted)]
    if unit == "calls":
        assert sum(event.by != "conductor" for event in made) == 5
    *near, at_once, answered = told
    assert all(f"of all haiku workers of {said.partition(' (')[0]} is nearly reached" in news for news in near)
    assert f"The cap of all haiku workers of {said} is reached" in at_once
    assert "These wait for it: #9." in at_once
    assert "Launch it on another tier." in answered
    assert result["9"].status == "completed" and result["9"].tier == "sonnet"
    assert result.status == "partial"
    assert [attempt.outcome for attempt in result["1"].attempts] == ["limit"]


RUN_CAPS = [
    ({"run.tokens": 150_000}, "tokens", "run.tokens=2000000"),
    ({"run.turns": 12}, "turns", "run.turns=200"),
    ({"run.calls": 26}, "calls", "run.calls=200"),
]


@pytest.mark.parametrize(("cap", "unit", "more"), RUN_CAPS, ids=[next(iter(cap)) for cap, _, _ in RUN_CAPS])
def test_a_cap_of_the_run_ends_it_and_a_larger_one_finishes_it(
    play: Play, serve: Callable[[Any], MessagesServer], cap: dict[str, float], unit: str, more: str
) -> None:
    """Eight workers never exceed it; the result says what was not done; the same cap again is refused by name."""
    graph = {f"t{number}": () for number in range(8)}
    floor = Dear([lay_out(graph), text("Under way."), *[text("Some of it.")] * 9], turns=3)
    capped = play(floor, cap=cap, workers=8, budget="none")
    assert capped.status in ("partial", "failed")
    assert reached(capped) == [(unit, None)]
    assert f"(run.{unit}) is reached" in capped.reason
    events = [record.event for record in capped.events]
    used = {
        "tokens": sum(floor.tokens.values()),
        "turns": capped.usage.total.requests,
        "calls": sum(isinstance(event, ToolStarted) for event in events),
    }
    assert 0.5 * cap[f"run.{unit}"] < used[unit] <= cap[f"run.{unit}"]
    undone = [task for task in capped if task.status != "completed"]
    assert undone and all(task.error for task in undone)
    with pytest.raises(ConductUsageError, match=rf"Give it a new total: .* --cap run\.{unit}="):
        resume(capped.id)
    again = Dear([text("All of it.")] * 9, turns=3)
    serve(again)
    result = resume(capped.id, cap=[more], quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "All of it."), result.reason
    assert all(len(task.attempts) <= 2 for task in result)


def test_a_larger_cap_of_a_tier_lets_its_workers_go_on(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """Where they were, in the same attempts; what waited for the tier starts; a cap may be taken away."""
    plan = [lay_out({"a": (), "b": (), "c": ("a", "b")}), text("Under way."), *[text("Some of it.")] * 4]
    capped = play(Dear(plan, turns=3), cap={"haiku.turns": 3, "worker.calls": 50}, budget="none")
    assert capped.status == "failed" and reached(capped) == [("turns", "haiku")]
    again = Dear([text("All of it.")] * 4, turns=3)
    serve(again)
    result = resume(capped.id, cap={"haiku.turns": 40, "worker.calls": None}, quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "All of it."), result.reason
    assert [len(task.attempts) for task in result] == [1, 1, 1]
    assert sum(again.replies.values()) == 3 * 4 - 3
    resumed = next(record.event for record in result.events if isinstance(record.event, RunResumed))
    assert resumed.caps == {"haiku.turns": 40}


def test_a_worst_case_bill_of_eight_workers_stays_under_half_a_dollar(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """By the server's own bill; the result is partial, says what was not done, and a new total finishes it."""
    graph = {f"t{number}": () for number in range(8)}
    plan = [lay_out(graph), text("Under way."), *[text("Some of it.")] * 9]
    floor = Dear(plan, turns=12)
    original = floor.floor._worker

    def some_are_cheap(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return done(task, turn, body) if task in ("t0", "t1") else original(task, turn, body)

    floor.floor._worker = some_are_cheap
    capped = play(floor, budget=0.5, workers=8)
    assert capped.status == "partial", capped.reason
    assert 0.3 < sum(floor.usd.values()) <= 0.5
    assert "The budget of $0.5 is spent" in capped.reason
    undone = [task.id for task in capped if task.status != "completed"]
    assert undone
    again = Dear([text("All of it.")] * 9, turns=0)
    serve(again)
    result = resume(capped.id, budget=1, quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "All of it."), result.reason
    assert sum(floor.usd.values()) + sum(again.usd.values()) <= 1
    done_before = {task.id for task in capped if task.status == "completed"}
    assert all(result[task].attempts == capped[task].attempts for task in done_before)


def test_requests_say_what_they_reserve(play: Play) -> None:
    """So that the record alone shows that no cap could be exceeded."""
    result = play(Floor(PLAN), cap={"run.tokens": 1_000_000})
    sent = [record.event for record in result.events if isinstance(record.event, RequestSent)]
    assert all(event.reserved_tokens > event.max_tokens > 0 for event in sent)


SILENT = {"input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize("caps", [{"budget": 0.1}, {"budget": "none", "cap": {"run.tokens": 150_000}}])
def test_a_server_that_counts_nothing_is_taken_at_the_worst(play: Play, caps: dict[str, Any]) -> None:
    """Each reply stays counted as what was reserved for it, in dollars and in tokens: caps bind all the same."""

    def endless(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(("Glob", {"pattern": f"{task}{turn}*"}), prefix=f"{task}{turn}", usage=SILENT)

    plan = [replace(answer, usage=SILENT) for answer in PLAN]
    result = play(Floor(plan, endless), tiers={"conductor": "claude-haiku-5-5"}, **caps)
    assert reached(result) == [("budget" if "cap" not in caps else "tokens", None)]
    events = [record.event for record in result.events]
    sent = {event.request: event for event in events if isinstance(event, RequestSent)}
    ended = [event for event in events if isinstance(event, RequestEnded)]
    assert len(ended) > 4
    for event in ended:
        reserved = sent[event.request]
        assert (event.usd, event.held_tokens) == (reserved.reserved, reserved.reserved_tokens)
    taken = sum((event.usd or 0.0) if "cap" not in caps else event.held_tokens for event in ended)
    assert taken <= (0.1 if "cap" not in caps else 150_000)


# --- near the cap ----------------------------------------------------------------------------------------------------


def test_near_the_budget_the_conductor_is_told_and_drops_what_waits(play: Play) -> None:
    """At 80 per cent, with what is left, what runs, what waits and its forecast; it takes the rest out and answers."""

    def dear(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 11:
            return text("Did it.\nSTATUS: done", first_seconds=1.0)
        usage = {"output_tokens": body["max_tokens"]}
        return tools(("Glob", {"pattern": f"{turn}*"}), prefix=f"t{turn}", usage=usage)

    plan = [
        lay_out({"a": (), "b": ("a",)}),
        text("Under way."),
        tools(("TaskUpdate", {"taskId": "2", "status": "deleted"}), prefix="drop"),
        text("Only the first."),
        text("The first is done."),
    ]
    floor = Floor(plan, dear)
    result = play(floor, budget=0.1, tiers={"conductor": "claude-haiku-5-5"})
    told = str(floor.conductor_requests[2]["messages"][-1]["content"])
    assert "The budget of $0.1 is nearly spent: $0.08" in told
    assert "At work: #1 (haiku)." in told
    assert "Waits: #2 Task b · haiku · about $" in told
    assert [task.status for task in result] == ["completed", "cancelled"]
    assert result.status == "completed", result.reason


def test_a_launch_comes_with_its_forecast(play: Play) -> None:
    """Dollars and seconds of the task; and when all launched work is more than what is left, a warning."""
    floor = Floor([lay_out({"a": (), "b": ()}), text("Under way.")])
    play(floor, budget=0.005, tiers={"conductor": "claude-haiku-5-5"})
    results = [block["content"] for block in floor.conductor_requests[1]["messages"][-1]["content"]]
    assert json.loads(results[2])["forecast"] == {"usd": pytest.approx(0.004, abs=0.004), "seconds": 20}
    assert "warning" not in results[2]
    assert "forecast" not in results[3], "one forecast serves all launches of a turn on one tier"
    assert "All launched work together will probably cost $0.0" in results[3]


def test_who_waits_for_room_under_a_cap_keeps_the_pause_that_the_server_asked_for(play: Play) -> None:
    """Two cannot go at once; the first comes back with 429, and the second does not take its place before the time."""
    times: list[float] = []

    def work(task: str, turn: int, body: dict[str, Any]) -> Answer:
        times.append(time.monotonic())
        if len(times) == 1:
            return replace(error(429, "rate_limit_error", retry_after="2"), first_seconds=0.3)
        return done(task, turn, body)

    result = play(Floor(PLAN, work), cap={"haiku.tokens": 40_000}, workers=2)
    assert result.status == "completed", result.reason
    assert times[1] - times[0] >= 2.0
