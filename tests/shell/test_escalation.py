"""Retries and tiers: how many, on what evidence, and what there is to know when no attempt is left."""

from __future__ import annotations

import json
from typing import Any

from conductor_magic.events import QuestionAsked, WorkerEnded, WorkerStarted
from conductor_magic.snapshot import inspect
from tests.shell.conftest import Play
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.records import board_line, events_of, state_at

Json = dict[str, Any]
QUESTION = {
    "question": "Go on without the last record?",
    "header": "Import",
    "options": [
        {"label": "Go on without it (Recommended)", "description": "99.9 % of the rows; the report says so"},
        {"label": "Wait for a new file", "description": "everything behind it waits"},
    ],
}
NO_MORE = "Task 1 had 3 attempts, the most a task gets. Ask the person, or create another task."


def fails(task: str, turn: int, body: Json) -> Answer:
    """Whoever is at `a` has miscounted, each tier in its own way."""
    tier = next(tier for tier in ("haiku", "sonnet", "opus") if tier in body["model"])
    return text(f"STATUS: incomplete - {tier} miscounted") if task == "a" else done(task, turn, body)


def again(model: str, **fields: Any) -> Answer:
    """Another launch of `a`."""
    return tools(launch("a", model=model, **fields), prefix=f"again_{model}")


def said(floor: Floor, request: int) -> str:
    """All that the conductor was told last when it made this request."""
    return json.dumps(floor.conductor_requests[request]["messages"][-1], ensure_ascii=False)


def test_after_two_failed_retries_the_person_is_asked(play: Play) -> None:
    """The notice of the third failure says so, a fourth launch is refused with what to do, and the question is put."""
    asks = tools(("AskUserQuestion", {"questions": [QUESTION]}), prefix="ask")
    end = tools(create("rest", metadata={"replaces": "1"}), launch("rest"), prefix="rest")
    floor = Floor(
        [
            lay_out({"a": (), "b": ("a",)}), text("Under way."), again("sonnet"), text("On."), again("opus"),
            text("On."), again("opus"), asks, end, text("On."), text("Without it."),
        ],
        fails,
    )  # fmt: skip
    result = play(floor)
    assert (result.status, result.answer) == ("completed", "Without it."), result.reason
    notices = [said(floor, request) for request in (2, 4, 6)]
    assert ["no attempt is left" in notice for notice in notices] == [False, False, True]
    assert (
        "attempt 3 · Incomplete: opus miscounted · no attempt is left: ask the person (AskUserQuestion)" in notices[2]
    )
    assert all(piece in said(floor, 7) for piece in (NO_MORE, '"is_error": true'))
    assert [asked.ask[0]["header"] for asked in events_of(result, QuestionAsked)] == ["Import"]
    assert len(result["1"].attempts) == 3
    assert board_line(state_at(result), "#1") == "✕ #1 OPUS Task a 0:00 Incomplete: opus miscounted"


def test_a_tier_that_rises_carries_the_evidence(play: Play) -> None:
    """Each start says what became of the attempt before; the result, the inspection and the tape say it too."""
    floor = Floor(
        [
            lay_out({"a": ()}), text("Under way."), again("sonnet", reason="it takes judgement"), text("On."),
            again("opus"), text("On."), text("No."),
        ],
        fails,
    )  # fmt: skip
    result = play(floor)
    reasons = [
        "",
        "haiku → sonnet after attempt 1 (failed: Incomplete: haiku miscounted) · it takes judgement",
        "sonnet → opus after attempt 2 (failed: Incomplete: sonnet miscounted)",
    ]
    assert [start.reason for start in events_of(result, WorkerStarted)] == reasons
    assert [(one.tier, one.reason) for one in result["1"].attempts] == list(
        zip(("haiku", "sonnet", "opus"), reasons, strict=True)
    )
    assert [one.error for one in result["1"].attempts] == [end.error for end in events_of(result, WorkerEnded)]
    assert result["1"].reason == reasons[2]
    detail = inspect(state_at(result), "1")
    assert detail is not None
    assert [attempt["reason"] for attempt in detail["attempt_list"]] == reasons
    started = [line["text"] for line in result.last_snapshot["tape"] if "started at desk" in line["text"]]
    assert started == ["started at desk 1", *(f"attempt {n} started at desk 1: {reasons[n - 1]}" for n in (2, 3))]


def test_a_tier_before_the_first_attempt_is_free_to_choose(play: Play) -> None:
    """Nothing has failed, so there is no evidence to name: the conductor's own reason stands as it is."""
    calls = (create("a", model="haiku", reason="a list"), launch("a", model="opus", reason="an ambiguous one"))
    result = play(Floor([tools(*calls), text("Under way.")]))
    assert [start.reason for start in events_of(result, WorkerStarted)] == ["an ambiguous one"]
    assert (result["1"].tier, result["1"].reason) == ("opus", "an ambiguous one")


def test_a_replacement_on_a_higher_tier_carries_the_evidence(play: Play) -> None:
    """What it replaces is what was tried; its own attempts count from then on."""
    rest = tools(create("rest", metadata={"replaces": "1"}), launch("rest", prompt="a", model="opus"), prefix="rest")
    floor = Floor(
        [
            lay_out({"a": ()}), text("Under way."), rest, text("On."),
            tools(launch("rest", prompt="rest", model="sonnet", reason="simpler now"), prefix="again"), text("On."),
            text("All."),
        ],
        fails,
    )  # fmt: skip
    result = play(floor)
    assert [start.reason for start in events_of(result, WorkerStarted)] == [
        "",
        "haiku → opus after attempt 1 of #1 (failed: Incomplete: haiku miscounted)",
        "opus → sonnet after attempt 1 (failed: Incomplete: opus miscounted) · simpler now",
    ]


def test_a_reason_for_another_tier_is_not_kept(play: Play) -> None:
    """One that was given with no tier is for whichever it becomes."""
    first = tools(
        create("a", model="haiku", reason="a list"), create("b", reason="a list"),
        launch("a", model="opus"), launch("b", model="opus"),
    )  # fmt: skip
    result = play(Floor([first, text("Under way.")]))
    assert [(task.tier, task.reason) for task in result] == [("opus", ""), ("opus", "a list")]


def test_what_was_replaced_is_not_launched_again(play: Play) -> None:
    """It would be done and count for nothing: what waited for it waits for the other one now."""
    both = tools(create("rest", metadata={"replaces": "1"}), launch("a", prompt="again"), launch("rest"), prefix="both")
    floor = Floor([lay_out({"a": ()}), text("Under way."), both, text("On."), text("All.")], fails)
    result = play(floor)
    assert "Task 1 was replaced by task 2: launch that." in said(floor, 3)
    assert [len(task.attempts) for task in result] == [1, 1]
    assert result.status == "completed", result.reason


def test_a_replacement_that_failed_is_replaced_itself(play: Play) -> None:
    """A second replacement of the first one would leave what waits waiting for ever; nor can it wait for that."""
    floor = Floor(
        [
            lay_out({"a": (), "b": ("a",)}), text("Under way."),
            tools(create("a1", metadata={"replaces": "1"}), launch("a1", prompt="a"), prefix="first"), text("On."),
            tools(
                create("a2", metadata={"replaces": "1"}), create("a3", metadata={"replaces": "3"}),
                create("a4", "b", metadata={"replaces": "3"}), launch("a3"), prefix="second",
            ), text("On."), text("All."),
        ],
        fails,
    )  # fmt: skip
    result = play(floor)
    assert "Task 3 took the place of task 1 and is failed: replace that one." in said(floor, 5)
    assert "A task that replaces task 3 cannot wait for it, nor for what waits for it." in said(floor, 5)
    assert [(task.id, task.status, task.blocked_by) for task in result] == [
        ("1", "failed", ()), ("2", "completed", ("5",)), ("3", "failed", ()), ("5", "completed", ()),
    ]  # fmt: skip
    assert result.status == "completed", result.reason


def test_a_retry_on_the_same_tier_keeps_its_reason(play: Play) -> None:
    """Only another tier needs evidence."""
    first = tools(create("a"), launch("a", reason="a list"))
    floor = Floor([first, text("Under way."), again("haiku"), text("On."), text("No.")], fails)
    result = play(floor)
    assert [start.reason for start in events_of(result, WorkerStarted)] == ["a list", "a list"]
