"""Attempts at one request: the record says of each that failed when it is made again, if it is."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic.events import LimiterPaused, RequestFailed, RequestSent
from conductor_magic.fold import fold
from conductor_magic.limits import Limits
from conductor_magic.models.calls import MOST_ATTEMPTS
from conductor_magic.report.text import progress_line
from conductor_magic.snapshot import snapshot
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, error, text
from tests.support.quick import quick_limiter

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("fault", "fails"),
    [
        (error(529, "overloaded_error"), 3),
        (error(429, "rate_limit_error", retry_after="0.05"), 2),
        (error(500, "api_error"), MOST_ATTEMPTS),
        (error(400, "invalid_request_error"), 1),
    ],
)
def test_a_failed_attempt_says_when_it_is_made_again(
    play: Play, monkeypatch: pytest.MonkeyPatch, fault: Answer, fails: int
) -> None:
    """Never sooner than it says; nothing is said of the last attempt, or of one that no retry helps."""
    quick_limiter(monkeypatch)
    sent: list[str] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        sent.append(task)
        return fault if len(sent) <= fails else done(task, turn, body)

    result = play(Floor([lay_out({"a": ()}), text("Under way.")], worker))
    records = [record for record in result.events if getattr(record.event, "by", "") == "w1"]
    tries = [record for record in records if isinstance(record.event, RequestSent | RequestFailed)]
    failed = [record for record in tries if isinstance(record.event, RequestFailed)][:fails]
    assert len(failed) == fails
    over = fails in (1, MOST_ATTEMPTS)
    for record in failed[: fails - over]:
        again = record.event.retry_in
        assert again is not None and again >= (0.05 if record.event.status == 429 else 0.0)
        assert tries[tries.index(record) + 1].at - record.at >= again - 0.005
    if over:
        assert failed[-1].event.retry_in is None


def test_a_wait_that_the_provider_asks_for_is_shown_until_a_request_leaves(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the state of the run as it goes, and in its record."""
    quick_limiter(monkeypatch, longest_retry_after=60.0)
    plan = [error(429, "rate_limit_error", retry_after="1.2"), lay_out({"a": ()})]
    run = begin(Floor(plan))
    while run.state.paused is None:
        assert not run.done.wait(0.02)
    assert "waits for the provider, 0:01 more (rate limited)" in progress_line(snapshot(run.state, run.now()))
    result = run.wait(20)
    assert result.status == "completed"
    records = list(result.events)
    refused = next(place for place, record in enumerate(records) if isinstance(record.event, LimiterPaused))
    leaves = next(place for place in range(refused, len(records)) if isinstance(records[place].event, RequestSent))
    assert fold(records[:leaves]).paused is not None
    assert fold(records[: leaves + 1]).paused is None


def test_no_workers_time_runs_while_the_provider_lets_nobody_send(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of the one that was refused nor that of one that waits its turn."""
    quick_limiter(monkeypatch, longest_retry_after=60.0)
    refused: list[str] = []

    def busy(task: str, turn: int, body: Json) -> Answer:
        if not refused:
            refused.append(task)
            return error(429, "rate_limit_error", retry_after="2")
        return done(task, turn, body)

    floor = Floor([lay_out({"a": (), "b": ("a",), "c": ()}), text("Under way."), text("The answer.")], busy)
    result = play(floor, limits=Limits(seconds={"haiku": 1.5, "sonnet": 1.5, "opus": 1.5}))
    assert result.status == "completed", result.reason
    assert [len(task.attempts) for task in result] == [1, 1, 1]
    assert result.seconds is not None and result.seconds >= 2.0


def test_a_wait_longer_than_the_run_may_take_ends_it_at_once(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the provider said; nobody waits for what cannot come any more."""
    quick_limiter(monkeypatch, longest_retry_after=86_400.0)
    busy = error(429, "rate_limit_error", retry_after="3600")
    result = play(Floor([lay_out({"a": ()}), text("Under way.")], lambda *asked: busy), timeout=60)
    assert result.status == "failed" and result.reason.startswith("The provider asks for a wait of 3,6"), result.reason
    assert result.seconds is not None and result.seconds < 20
