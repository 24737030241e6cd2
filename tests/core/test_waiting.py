"""What is shown of a provider that asks for a wait, and of a conductor that is not heard of."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.events import Event
from conductor_magic.report.html import board_html
from conductor_magic.report.text import board_text
from conductor_magic.report.words import warnings
from conductor_magic.snapshot import snapshot
from conductor_magic.worked import worked_seconds
from tests.core.test_caps import _run
from tests.core.words import run

SENT = e.RequestSent(request="r1", by="conductor", model="m")
FAILED = e.RequestFailed(request="r1", by="conductor", model="m", reason="rate_limited", error="x", status=429)


def paused(seconds: float, reason: str = "rate_limited") -> Event:
    return e.LimiterPaused(seconds=seconds, reason=reason)


def test_a_wait_is_drawn_until_its_moment_or_a_request_that_leaves() -> None:
    """With how long it still takes and why, in each picture; the refusals of a crowd are one line of the tape."""
    state = run(SENT, FAILED, paused(2.0), paused(151.0, "overloaded"))
    now = state.at + 60
    shown = snapshot(state, now)
    assert shown["paused"] == {"until": state.at + 151.0, "reason": "overloaded"}
    said = "waits for the provider, 1:31 more (overloaded)"
    assert said in board_text(shown, 120).splitlines()[1]
    assert f"The run {said}." in board_html(shown, {})
    assert [line["text"] for line in shown["tape"]] == ["all requests wait 151 s for the provider: overloaded"]
    assert snapshot(state, state.at + 151)["paused"] is None
    assert run(SENT, FAILED, paused(151.0), SENT).paused is None
    over = run(SENT, FAILED, paused(151.0), e.RunEnded(status="cancelled"))
    assert snapshot(over, over.at)["paused"] is None
    assert run(SENT, FAILED, paused(151.0), e.RunResumed(owner="o")).paused is None


def test_a_silent_conductor_is_a_warning_until_it_is_heard_or_its_turn_ends() -> None:
    """As of a worker, the last word is the one that counts."""
    silent = e.ConductorStalled(detail="nothing was heard of its model for 90 s")
    ends = (
        e.ConductorHeard(),
        e.ConductorTurn(request="r1", content=(), stop="end_turn"),
        e.ConductorSlept(text=None),
        e.ConductorFailed(error="gone"),
        e.RunResumed(owner="o"),
    )
    state = run(SENT, silent)
    assert warnings(snapshot(state, state.at)) == ["The conductor: nothing was heard of its model for 90 s."]
    assert [run(SENT, silent, end).conductor.silent for end in ends] == [""] * len(ends)


def test_a_wait_for_the_provider_is_nobodys_time() -> None:
    """From the refusal until the moment that it named, or until a request left before."""
    refused = e.LimiterPaused(seconds=10.0, reason="rate_limited")
    state = _run(refused)
    assert worked_seconds(state, state.workers["w1"], 9.0) == 1.0
    assert worked_seconds(state, state.workers["w1"], 30.0) == 1.0 + 15.0
    sent = _run(refused, e.RequestSent(request="r1", by="w1", model="m"))
    assert worked_seconds(sent, sent.workers["w1"], 30.0) == 1.0 + 24.0
