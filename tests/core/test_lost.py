"""Replies whose end nobody heard: what may have been billed for them stays counted, is bounded, and is told."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic import events as e
from conductor_magic.caps import held_text, run_caps
from conductor_magic.errors import ConductUsageError
from conductor_magic.lost import most_output
from conductor_magic.pictures import strange_json
from conductor_magic.resuming import alone_from, check_resumable
from tests.core.test_caps import _run

SENT = e.RequestSent(
    request="r1", by="w1", model="m", max_tokens=16_000, reserved=0.18, reserved_tokens=18_000, reply_usd=0.16
)


def resumed(alone: float | None, **given: Any) -> e.RunResumed:
    return e.RunResumed(owner="o", workers=("w1",), alone=alone, **{"budget": 5.0, **given})


def test_a_reply_that_broke_off_has_no_more_than_a_model_writes_until_it_is_noticed() -> None:
    """And no less than came of it; never more than it was allowed."""
    assert most_output(16_000, 0.0) == 600
    assert most_output(16_000, 10.0) == 3_600
    assert most_output(16_000, 0.5, heard=4_000) == 4_000
    assert most_output(500, 10.0) == 500
    assert most_output(16_000, -5.0) == 600


def test_what_a_kill_cut_off_is_held_for_as_long_as_somebody_listened() -> None:
    """The prompt whole, the reply up to then; all of it where nobody knows until when, as in an old record."""
    state = _run(SENT)
    (flight,) = state.in_flight.values()
    short = _run(SENT, resumed(flight.at + 1.0))
    assert (short.held, short.held_tokens) == (pytest.approx(0.02 + 0.16 * 900 / 16_000), 2_000 + 900)
    assert (short.lost, short.workers["w1"].lost, short.in_flight) == (1, 1, {})
    for whole in (_run(SENT, resumed(None)), _run(SENT.model_copy(update={"reply_usd": None}), resumed(flight.at))):
        assert (whole.held, whole.held_tokens) == (0.18, 18_000)


def test_until_when_somebody_listened_is_told_by_the_files_date() -> None:
    """On the run's clock; a date from before the last record is that of another clock."""
    state = _run(SENT)
    last = state.moment(state.at)
    assert alone_from(state, last + 3.5, 1.0) == state.at + 4.5
    assert alone_from(state, last - 0.5, 1.0) == state.at + 1.0
    assert alone_from(state, last - 60.0, 1.0) is None


def test_a_resume_is_refused_for_what_is_held_only_as_far_as_that_goes() -> None:
    """What was reserved for whole replies is no reason; the refusal says what was not counted."""
    state = _run(SENT, budget=0.1)
    (flight,) = state.in_flight.values()
    check_resumable(state, "r", 0.1, None, {}, alone=flight.at + 1.0)
    with pytest.raises(ConductUsageError, match=r"used \$0.18 of \$0.1. Of it, up to \$0.18 was not counted, but may"):
        check_resumable(state, "r", 0.1, None, {})


def test_a_person_is_told_what_was_not_counted() -> None:
    """With a cap that is reached, and as a warning of the board from half a cent on; a lost reply is a turn, too."""
    lost = e.RequestFailed(request="r1", by="w1", model="m", reason="reset", error="x", held=0.12, held_tokens=9_000)
    state = _run(SENT, lost, budget=1.0, caps={"run.turns": 3, "run.tokens": 20_000})
    texts = {cap.unit: cap.text for cap in run_caps(state)}
    assert texts["usd"].endswith(
        " Of it, up to $0.12 was not counted, but may have been billed for replies that broke off."
    )
    assert "up to 9,000 tokens was" not in texts["tokens"] and "up to 9,000 tokens were not counted" in texts["tokens"]
    assert {cap.unit: cap.taken for cap in run_caps(state)}["turns"] == 1
    (note,) = strange_json(state)
    assert note["text"] == "Up to $0.12 more may have been billed: 1 reply broke off. It counts against the caps."
    assert note["level"] == "warning"
    little = lost.model_copy(update={"held": 0.004})
    assert strange_json(_run(SENT, little)) == []
    assert held_text("usd", 0.004) == held_text("calls", 9.0) == ""
