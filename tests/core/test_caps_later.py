"""Caps of a later budget or a resume: what was spent before, or may have been, stays counted against them."""

from __future__ import annotations

import pytest

from conductor_magic import events as e
from conductor_magic.caps import Over, Send, fitting, used
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import Record
from conductor_magic.fold import apply
from conductor_magic.forecast import plan_forecast
from conductor_magic.resuming import check_resumable
from tests.core.test_caps import ASK, _ended, _run


def test_what_was_in_flight_when_a_run_was_lost_stays_counted() -> None:
    """Nobody heard what it cost: it binds the run and its worker from the resume on, in dollars and in tokens."""
    sent = e.RequestSent(request="r1", by="w1", model="m", reserved=0.05, reserved_tokens=1_000)
    resumed = e.RunResumed(owner="o", workers=("w1",), budget=0.058, caps={"worker.tokens": 1_650})
    state = _run(sent, resumed, budget=0.058)
    held = state.workers["w1"]
    assert (state.held, state.held_tokens, held.held, held.held_tokens) == (0.05, 1_000, 0.05, 1_000)
    assert (state.committed, state.in_flight) == (0.05, {})
    assert fitting(state, ASK) == Send(550)
    assert fitting(_run(sent, e.RunResumed(owner="o", budget=0.058), budget=0.058), ASK) == Send(700)
    assert isinstance(fitting(_run(sent, e.RunResumed(owner="o", budget=0.051), budget=0.1), ASK), Over)


UNPRICED = e.RequestEnded(request="r2", by="w1", model="m", stop="end_turn", input_tokens=5)


@pytest.mark.parametrize("cap", [{"run.usd": 1.0}, {"opus.usd": 1.0}, {"worker.usd": 1.0}])
def test_a_reply_without_a_price_takes_nothing_off_what_the_others_cost(cap: dict[str, float]) -> None:
    """The sum that is shown is unknown; what is known of it stays counted against every cap that comes later."""
    budget = cap.pop("run.usd", None)
    state = _run(*_ended(3.0), UNPRICED, budget=budget, caps=cap)
    assert (state.spend.usd, state.committed, used(state, "usd")) == (None, 3.0, 3.0)
    assert isinstance(fitting(state, ASK), Over)


def test_a_reply_without_a_price_frees_no_budget_at_a_resume() -> None:
    """A total below what is known to be spent is refused, and a launch is told how little of a larger one is left."""
    state = _run(*_ended(3.0), UNPRICED, budget=3.5)
    with pytest.raises(ConductUsageError, match=r"has used \$3 of \$1"):
        check_resumable(state, "r", 1.0, None, {})
    dear = apply(state, Record(state.seq + 1, 9.0, e.ModelsResolved(tiers={}, source="s", usd={"opus": 4.0})))
    assert "$0.50 of the budget is left" in plan_forecast(dear, "2", "opus")["warning"]
    # What its attempt has cost so far is not to be paid again.
    assert "will probably cost $5.00;" in plan_forecast(dear, "2", "opus")["warning"]
