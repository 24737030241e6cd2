"""Caps of time over real HTTP: they hold beside other caps, and are told of before they are reached."""

from __future__ import annotations

from typing import Any

from conductor_magic.events import BudgetWarned
from tests.shell.conftest import Play
from tests.shell.test_caps import reached
from tests.support.floor import Floor, create, launch, lay_out
from tests.support.messages_server import Answer, text, tools


def test_the_time_of_a_worker_is_capped(play: Play) -> None:
    """It is a time-out, as the limit of its tier is one; the cap takes that limit's place."""

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return text("late", first_seconds=20.0)

    result = play(Floor([lay_out({"a": ()}), *[text("Gone.")] * 3], slow), cap={"worker.seconds": 0.4})
    assert [attempt.outcome for attempt in result["1"].attempts] == ["timeout", "timeout"]
    assert "It took longer than 0.4 s, a worker's cap (worker.seconds)." in result["1"].error


def test_the_time_of_a_tier_is_capped(play: Play) -> None:
    """Two workers use it up twice as fast; they are stopped and not tried again, those of other tiers go on."""

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return text("late", first_seconds=20.0) if task != "c" else text("Did c.\nSTATUS: done", first_seconds=1.0)

    calls = [create("a"), create("b"), create("c"), launch("a"), launch("b"), launch("c", model="sonnet")]
    result = play(Floor([tools(*calls), *[text("Gone.")] * 5], slow), cap={"haiku.seconds": 1.2})
    assert reached(result) == [("seconds", "haiku")]
    assert [task.status for task in result] == ["failed", "failed", "completed"]
    assert [(a.outcome, a.error) for a in result["1"].attempts] == [
        ("limit", "The cap of all haiku workers of 1.2 s (haiku.seconds) is reached.")
    ]
    assert result.seconds is not None and result.seconds < 5


def test_the_time_of_a_tier_is_capped_after_another_of_its_caps(play: Play) -> None:
    """What another cap lets finish is stopped when the tier's time is up, and that is recorded too."""

    def work(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task == "b":
            return text("late", first_seconds=20.0)
        return tools(("Glob", {"pattern": f"{turn}*"}), prefix=f"a{turn}")

    floor = Floor([lay_out({"a": (), "b": ()}), *[text("Gone.")] * 5], work)
    result = play(floor, cap={"haiku.calls": 2, "haiku.seconds": 1.2}, workers=2)
    assert reached(result) == [("calls", "haiku"), ("seconds", "haiku")]
    assert [(a.outcome, a.error) for a in result["2"].attempts] == [
        ("limit", "The cap of all haiku workers of 1.2 s (haiku.seconds) is reached.")
    ]
    assert result.seconds is not None and result.seconds < 15


def test_near_a_limit_of_time_that_is_recorded_once_at_each_share(play: Play) -> None:
    """Of the run and of a tier; the conductor sleeps on where it could not answer before the time is up."""

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return text("late", first_seconds=20.0)

    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way.")], slow)
    result = play(floor, cap={"haiku.seconds": 9.0}, timeout=5.0)
    assert reached(result) == [("timeout", None)]
    warned = [record.event for record in result.events if isinstance(record.event, BudgetWarned)]
    assert [(event.tier, event.unit, event.share) for event in warned] == [
        (None, "seconds", 0.8),
        (None, "seconds", 0.95),
    ]
    assert [(event.budget, event.usd >= event.share * 5.0) for event in warned] == [(5.0, True)] * 2
    assert len(floor.conductor_requests) == 2
    floor = Floor([lay_out({"a": ()}), *[text("Under way.")] * 3], slow)
    result = play(floor, cap={"haiku.seconds": 1.0})
    warned = [record.event for record in result.events if isinstance(record.event, BudgetWarned)]
    assert [(event.tier, event.unit, event.share) for event in warned] == [
        ("haiku", "seconds", 0.8),
        ("haiku", "seconds", 0.95),
    ]
