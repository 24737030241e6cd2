"""Answers that break off: what was written, and paid for, is shown and says that it is not all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from conductor_magic.api import load, resume
from conductor_magic.limits import Limits
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, MessagesServer, error, text

PLAN = [lay_out({"a": ()}), text("One task is under way.")]
PIECE = text("The first half, ", stop_reason="max_tokens")


def test_an_answer_that_a_cap_cuts_is_shown_and_finished_under_a_larger_one(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """Not what the conductor said before: that is no answer any more. Resumed, it goes on where it stopped."""
    # The plan takes two requests, its worker one, the first half the last.
    result = play(Floor([*PLAN, PIECE, text("never sent")]), cap={"run.turns": 4})
    assert result.status == "partial"
    assert result.answer == f"The first half,\n\n[The answer breaks off here. {result.reason}]"
    assert load(result.id) == result
    serve(Floor([text("and the second.")]))
    whole = resume(result.id, cap={"run.turns": 20}).wait(30)
    assert (whole.status, whole.answer) == ("completed", "The first half, and the second.")


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ([PIECE] * 2, "3 replies in a row broke off (max_tokens)."),
        ([text("No.", stop_reason="refusal")], "The model refused. No."),
        ([error(400, "invalid_request_error", "no such thing")], "no such thing"),
    ],
)
def test_a_conductor_that_is_stuck_in_its_answer_leaves_what_it_wrote(play: Play, then: list[Answer], why: str) -> None:
    """What it says when it refuses is no piece of it."""
    result = play(Floor([*PLAN, PIECE, *then]), limits=Limits(pieces=2))
    assert result.status == "failed"
    pieces = 1 + sum(answer is PIECE for answer in then)
    said, _, told = result.answer.partition("\n\n[The answer breaks off here. ")
    assert said == ("The first half, " * pieces).strip()
    assert why in told and why in result.reason
    assert load(result.id) == result


def test_a_cancel_in_the_middle_of_an_answer_keeps_what_was_there(begin: Begin) -> None:
    """The piece that was still being written is not; it was never whole."""
    asked, over = threading.Event(), threading.Event()
    floor = Floor([*PLAN, PIECE])

    def answer(body: dict[str, Any], number: int) -> Answer:
        if "The first half" in str(body["messages"]):
            asked.set()
            over.wait(10)
        return floor(body, number)

    run = begin(answer)
    assert asked.wait(10)
    run.cancel()
    result = run.wait(10)
    over.set()
    assert result.status == "cancelled"
    assert result.answer == "The first half,\n\n[The answer breaks off here. The run was stopped.]"
