"""Eight workers are told 429 at once: one limiter for all, told and measured where the requests arrive."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from conductor_magic.events import LimiterPaused
from tests.shell.conftest import Play, begin, play  # noqa: F401 - fixtures
from tests.support.floor import done, lay_out, task_text
from tests.support.messages_server import Answer, error, text
from tests.support.quick import quick_limiter

Json = dict[str, Any]
WORKERS = 8
ASKED = 0.25
"""Seconds that the server asks to be left alone."""


class Busy:
    """A server that takes no worker's request for a while, from the first that comes.

    Attributes:
        came: when each request of a worker came, and whether it was refused.
    """

    def __init__(self, outage: float) -> None:
        self.came: list[tuple[float, bool]] = []
        self._outage = outage
        self._until: float | None = None
        self._lock = threading.Lock()

    def answer(self, body: Json) -> Answer:
        """Refuse, or have it done."""
        now = time.monotonic()
        with self._lock:
            if self._until is None:
                self._until = now + self._outage
            refused = now < self._until
            self.came.append((now, refused))
        if refused:
            return error(429, "rate_limit_error", retry_after=str(ASKED))
        return done(task_text(body), 1, body)


@pytest.mark.parametrize("outage", [0.4, pytest.param(1.5, marks=pytest.mark.slow)])
def test_eight_workers_told_429(play: Play, monkeypatch: pytest.MonkeyPatch, outage: float) -> None:  # noqa: F811
    """At most three requests for each that is needed; none while the server asked for quiet; not all back at once."""
    quick_limiter(monkeypatch, first_seconds=0.05, longest_seconds=1.0, longest_retry_after=600.0)
    busy = Busy(outage)
    conductor = iter([lay_out({f"t{n}": () for n in range(WORKERS)}), text("Under way."), text("The end.")])

    def floor(body: Json, number: int) -> Answer:
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return next(conductor)
        return busy.answer(body)

    result = play(floor, workers=WORKERS)
    assert result.status == "completed", result.reason
    assert [len(task.attempts) for task in result] == [1] * WORKERS
    need = WORKERS
    assert len(busy.came) <= 3 * need
    first = busy.came[0][0]
    crowd = sum(came - first < ASKED for came, _ in busy.came)
    # Those that had left before the first answer was there; the server's wait is counted from each refusal.
    assert 1 < crowd <= WORKERS
    quiet = [came for came, _ in busy.came[crowd:]]
    refusals = [came for came, refused in busy.came if refused]
    for came in quiet:
        before = [refused for refused in refusals if refused < came]
        assert came - max(before) >= ASKED - 0.02
    back = [came for came, refused in busy.came if not refused]
    assert back[1] - back[0] > 0.001, "the crowd came back in one instant"
    paused = [record.event for record in result.events if isinstance(record.event, LimiterPaused)]
    assert paused and all(event.seconds >= ASKED - 0.02 for event in paused)
    print(f"outage {outage:g} s: {len(busy.came)} requests for {need}, {len(refusals)} refused")
