"""What is told near a cap or a time limit: once at each share, and the conductor is woken where it can decide."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.cap_texts import near_cap_text
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply
from conductor_magic.near_caps import nearly_spent, next_time_warning, waits_too_long, wakes
from conductor_magic.snapshot import snapshot
from conductor_magic.state import RunState
from tests.core.test_caps import _ended, _run

WAITS = (
    e.TaskCreated(task="2", subject="Next", description="d", blocked_by=("1",)),
    e.TaskLaunched(task="2", prompt="p", tier="opus"),
)
"""A task of the tier of the one that is at work."""


def after(state: RunState, event: Event) -> RunState:
    """The state with one thing more, at 9.0."""
    return apply(state, Record(state.seq + 1, 9.0, event))


def test_the_conductor_is_warned_of_a_tier_as_of_the_run() -> None:
    """Once at each share of what its workers used; woken where tasks of it wait; not once the cap is reached."""
    state = _run(*_ended(0.0, 850), *WAITS, caps={"opus.tokens": 1_000, "haiku.tokens": 10})
    first = nearly_spent(state)
    assert first == e.BudgetWarned(usd=850, budget=1_000, unit="tokens", share=0.8, tier="opus")
    told = after(state, first)
    assert nearly_spent(told) is None
    assert [(notice.about, notice.text, notice.wakes) for notice in told.notices] == [("budget", "opus.tokens", True)]
    assert snapshot(told, 9.0)["tape"][-1]["text"] == "opus workers: 850 of 1,000 tokens are used"
    alone = _run(*_ended(0.0, 960), caps={"opus.tokens": 1_000})
    last = nearly_spent(alone)
    assert last == e.BudgetWarned(usd=960, budget=1_000, unit="tokens", share=0.95, tier="opus")
    assert [notice.wakes for notice in after(alone, last).notices] == [False]
    assert nearly_spent(after(state, e.CapReached(cap="tokens", tier="opus", text="No more."))) is None


def test_the_next_warning_of_time_is_the_one_that_comes_first() -> None:
    """The time of a tier goes the faster the more of its workers are at work; of shares that have passed, the last."""
    state = _run(caps={"opus.seconds": 100.0})
    due = e.BudgetWarned(usd=40.0, budget=100.0, unit="seconds", share=0.8, tier="opus")
    assert next_time_warning(state, 44.0) == (due, 40.0)
    late = next_time_warning(state, 104.0)
    assert late is not None and (late[0].share, late[1]) == (0.95, 0.0)
    assert next_time_warning(after(state, late[0]), 104.0) is None
    run = _run(timeout=1_000.0)
    near = next_time_warning(run, 500.0)
    assert near is not None and (near[0].tier, near[0].share, near[1]) == (None, 0.8, 300.0 + run.started_at)
    assert next_time_warning(after(run, e.CapReached(cap="budget", text="Spent.")), 900.0) is None
    over = after(run, e.WorkerEnded(worker="w1", task="1", outcome="completed"))
    assert next_time_warning(over, 900.0) is None


def test_the_conductor_is_left_asleep_where_there_is_nothing_to_decide_or_no_time_for_it() -> None:
    """At 80 per cent of the run's time it may take out what waits; at 95 it is its last chance to answer."""

    def warned(share: float, limit: float = 1_000.0) -> e.BudgetWarned:
        return e.BudgetWarned(usd=share * limit, budget=limit, unit="seconds", share=share)

    alone, waiting = _run(), _run(*WAITS)
    assert not wakes(alone, warned(0.8))
    assert wakes(waiting, warned(0.8))
    assert wakes(alone, warned(0.95))
    assert not wakes(waiting, warned(0.95, 100.0))


def test_what_it_is_told_names_the_limit_what_runs_and_what_waits() -> None:
    """Of a tier only its own work; what no longer holds is said to be none."""
    state = _run(*_ended(0.0, 850), *WAITS, caps={"opus.tokens": 1_000, "opus.seconds": 8.0})
    told = near_cap_text(state, "opus.tokens")
    assert told.startswith("The cap of all opus workers of 1,000 tokens is nearly reached: 850 tokens used.\n")
    assert "  At work: #1.\n  Waits: #2 Next · opus · no forecast\n" in told
    assert told.endswith("  Decide: launch what waits on another tier, delete it, or let it go on until nothing fits.")
    seconds = near_cap_text(state, "opus.seconds").partition("\n")[0]
    assert seconds == f"The cap of all opus workers of 8 s is nearly reached: {state.at - 4:g} s used."
    assert "does not hold any more" in near_cap_text(state, "haiku.tokens")
    run = _run(*WAITS, timeout=100.0)
    left = 100 - round(run.at - run.started_at)
    said = near_cap_text(run, "seconds")
    assert said.startswith(f"The run's time limit of 100 s is nearly reached: {left} s left. Then all stops at once.\n")
    assert "  At work: #1 (opus).\n  Waits: #2 Next" in said
    assert "does not hold any more" in near_cap_text(state, "seconds")


def test_a_wait_that_outlasts_the_run_ends_it_once_nothing_else_goes_on() -> None:
    """A request under way, a call or a question may still bring something."""
    refused = e.LimiterPaused(seconds=3_600.0, reason="rate_limited")
    text = "The provider asks for a wait of 3,600 s, longer than what is left of the run's time limit of 60 s."
    assert waits_too_long(_run(refused, timeout=60.0)) == e.CapReached(cap="timeout", text=text)
    assert waits_too_long(_run(refused, timeout=4_000.0)) is None
    assert waits_too_long(_run(refused)) is None
    sent = e.RequestSent(request="r1", by="w1", model="m")
    call = e.ToolStarted(call="c1", by="w1", name="Bash", input={})
    asked = e.QuestionAsked(question="q1", ask=({"question": "May it?"},), about="permission", by="w1", task="1")
    for event in (sent, call, asked):
        assert waits_too_long(_run(event, refused, timeout=60.0)) is None
    assert waits_too_long(_run(refused, sent, timeout=60.0)) is None
