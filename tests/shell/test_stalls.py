"""Workers that get nowhere, in whole runs: shown, told once, ended long before the turn limit, told on."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import (
    ConductorHeard,
    ConductorStalled,
    ContextCompacted,
    ToolEnded,
    WorkerHeard,
    WorkerStalled,
    WorkerTold,
)
from conductor_magic.fold import fold
from conductor_magic.limits import Limits
from conductor_magic.report.words import warnings
from conductor_magic.snapshot import snapshot
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, text, tools

READ = ("Read", {"file_path": "a.py"})


def test_two_hundred_equal_calls_end_the_task_and_the_conductor_goes_on(play: Play, tmp_path: Any) -> None:
    """Told at the fourth, ended at the ninth, tried once more, then the conductor does it otherwise."""
    (tmp_path / "workspace" / "a.py").write_text("print(1)\n")

    def stuck(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task != "a" or turn > 200:
            return done(task, turn, body)
        return tools(READ, prefix=f"toolu_{turn}")

    other = tools(create("b"), launch("b"), prefix="other")
    floor = Floor([lay_out({"a": ()}), text("Under way."), other, text("Wait."), text("Otherwise.")], stuck)
    result = play(floor)
    first, second = result["1"].attempts
    assert first.outcome == second.outcome == "limit"
    assert "It made no progress: it repeats Read" in first.error and "9 turns in a row" in first.error
    assert len(floor.worker_requests) == 9 + 9 + 1
    assert "NO PROGRESS" in str(floor.worker_requests[4]["messages"][-1])
    assert sum("NO PROGRESS" in str(message) for message in floor.worker_requests[8]["messages"]) == 1
    told = str(floor.conductor_requests[2]["messages"][-1]["content"])
    assert "#1 failed" in told and "It made no progress" in told
    assert result["2"].status == "completed" and result.answer == "Otherwise."
    events = [record.event for record in result.events]
    assert sum(isinstance(event, WorkerStalled) for event in events) == 2
    assert sum(isinstance(event, WorkerTold) for event in events) == 2


def test_large_results_end_a_stall_as_well_though_they_are_compacted_away(play: Play, tmp_path: Any) -> None:
    """Two files that fill the window, read for ever: told once and ended, not by the tokens that it costs."""
    for name in ("a.py", "b.py"):
        (tmp_path / "workspace" / name).write_text(f"print({name!r})\n" * 1_500)
    pair = (READ, ("Read", {"file_path": "b.py"}))
    # Its turns are counted here: a compaction takes them out of what it sends.
    turns = itertools.count()
    floor = Floor(
        [lay_out({"a": ()}), text("Under way."), text("Stuck.")],
        lambda task, turn, body: tools(*pair, prefix=f"t{next(turns)}"),
    )
    result = play(floor, window=20_000, budget="none")
    assert "It made no progress" in result["1"].error
    assert [attempt.outcome for attempt in result["1"].attempts] == ["limit", "limit"]
    events = [record.event for record in result.events]
    assert sum(isinstance(event, ContextCompacted) for event in events) > 4
    assert sum(isinstance(event, WorkerTold) and event.about == "stalled" for event in events) == 2
    assert sum(isinstance(event, ToolEnded) and event.by != "conductor" for event in events) <= 2 * 2 * 10


def test_an_output_that_is_kept_in_a_file_is_no_news_the_second_time(play: Play) -> None:
    """The same command with the same long output: one file holds it, so the results are equal."""
    floor = Floor(
        [lay_out({"a": ()}), text("Under way."), text("Stuck.")],
        lambda task, turn, body: tools(("Bash", {"command": "seq 1 10000"}), prefix=f"t{turn}"),
    )
    result = play(floor, budget="none")
    assert "It made no progress" in result["1"].error and "9 turns in a row" in result["1"].error
    # The second attempt finds the file of the first.
    assert [path.name for path in (Path(result.path) / "artifacts").iterdir()] == ["1-bash-output.txt"]


def test_two_calls_that_take_turns_end_as_well(play: Play) -> None:
    """Of either there is always another between."""
    pair = [("Glob", {"pattern": "*"}), ("Glob", {"pattern": "*.py"})]
    floor = Floor(
        [lay_out({"a": ()}), text("Under way."), text("Stuck.")],
        lambda task, turn, body: tools(pair[turn % 2], prefix=f"t{turn}"),
    )
    result = play(floor)
    assert result["1"].status == "failed" and "It made no progress" in result["1"].error
    assert len(floor.worker_requests) <= 22


def test_a_worker_that_polls_what_changes_is_left_alone_and_one_that_recovers_is_unstalled(
    play: Play, tmp_path: Any
) -> None:
    """The board says `no progress` from the event until something new has come, and no longer."""
    file = tmp_path / "workspace" / "a.py"
    file.write_text("0\n")

    def polls(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn > 24:
            return done(task, turn, body)
        if turn > 6:
            file.write_text(f"{turn}\n")
        return tools(READ, prefix=f"toolu_{turn}")

    result = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], polls))
    assert result.status == "completed", result.reason
    records = list(result.events)
    shown = [snapshot(fold(records[:n]), 0.0)["workers"].get("w1", {}).get("stalled", "") for n in range(len(records))]
    stalled = [at for at, text_ in enumerate(shown) if text_]
    assert stalled and shown[stalled[0]].startswith("repeats Read")
    assert stalled == list(range(stalled[0], stalled[-1] + 1))
    assert not any(shown[stalled[-1] + 1 :])
    news = records[stalled[-1]].event
    assert isinstance(news, ToolEnded) and "7" in str(news.content)
    told = [record.event for record in records if isinstance(record.event, WorkerTold)]
    assert [event.about for event in told] == ["stalled"]


@pytest.mark.parametrize("words", [True, False])
def test_a_silent_model_is_shown_by_an_event_until_it_is_heard(begin: Begin, *, words: bool) -> None:
    """By its words or by a call without any. No one is told: the time-out of a reply is the client's."""
    heard = threading.Event()

    def silent(task: str, turn: int, body: dict[str, Any]) -> Answer:
        heard.wait(10)
        return done(task, turn, body) if words or turn > 1 else tools(("Glob", {"pattern": "*"}))

    run = begin(
        Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], silent), limits=Limits(silence_seconds=0.3)
    )
    while not any(worker.stalled for worker in run.state.workers.values()):
        assert not run.done.wait(0.02)
    assert run.state.workers["w1"].stalled == "nothing was heard of its model for 0.3 s"
    heard.set()
    result = run.wait(20)
    assert result.status == "completed"
    kinds = [type(record.event) for record in result.events]
    assert kinds.count(WorkerStalled) == 1
    assert kinds.count(WorkerHeard) == 1
    assert WorkerTold not in kinds
    records = list(result.events)
    first = next(record.seq for record in records if isinstance(record.event, WorkerHeard))
    assert fold(records[:first]).workers["w1"].stalled == ""


def test_a_silent_conductor_is_told_of_until_it_is_heard(begin: Begin) -> None:
    """On the board as a worker is; nobody wakes it, and its answer counts."""
    heard = threading.Event()
    script = Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")])

    def silent(body: dict[str, Any], number: int) -> Answer:
        conducting = any(tool["name"] == "TaskCreate" for tool in body["tools"])
        if conducting and script.conductor_requests:
            heard.wait(10)
        return script(body, number)

    run = begin(silent, limits=Limits(silence_seconds=0.3))
    while not run.state.conductor.silent:
        assert not run.done.wait(0.02)
    shown = snapshot(run.state, run.now())
    assert warnings(shown) == ["The conductor: nothing was heard of its model for 0.3 s."]
    assert "the conductor: nothing was heard of its model for 0.3 s" in [line["text"] for line in shown["tape"]]
    heard.set()
    result = run.wait(20)
    assert (result.status, result.answer) == ("completed", "The answer.")
    records = list(result.events)
    kinds = [type(record.event) for record in records]
    assert kinds.count(ConductorStalled) == kinds.count(ConductorHeard) > 0
    assert fold(records[: kinds.index(ConductorHeard) + 1]).conductor.silent == ""


def test_a_model_that_writes_a_long_file_is_not_silent(play: Play) -> None:
    """What streams is the input of a call, not words."""

    def writes(task: str, turn: int, body: dict[str, Any]) -> Answer:
        long = ("Write", {"file_path": "a.txt", "content": "word " * 200})
        return tools(long, between_seconds=0.03) if turn == 1 else done(task, turn, body)

    floor = Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], writes)
    result = play(floor, limits=Limits(silence_seconds=0.6))
    assert result.status == "completed", result.reason
    assert not any(isinstance(record.event, WorkerStalled) for record in result.events)


def test_a_slow_tool_is_no_silence(play: Play) -> None:
    """While a call runs, nobody expects to hear of the model."""

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(("Bash", {"command": "sleep 1"})) if turn == 1 else done(task, turn, body)

    floor = Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], slow)
    result = play(floor, limits=Limits(silence_seconds=0.3))
    assert result.status == "completed"
    assert not any(isinstance(record.event, WorkerStalled) for record in result.events)
