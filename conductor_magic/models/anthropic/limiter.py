"""One rate limiter for all workers of a run, so that a busy server hears from one client and not from eight.

Three parts work together:

* **Slots**: at most `limit` requests in flight. The limit starts at `slots`, is halved when the server says that it
  is busy, and grows by one for every `limit` successes (additive increase, multiplicative decrease).
* **One pause** for everybody after 429, 529 or a `retry-after`: never shorter than the server asked, doubled with
  each refusal that follows another, and drawn from the upper half of its range so that a crowd cannot be back at once.
* **A scout**: after a pause one request goes first. The others follow when a request has succeeded, or when the scout
  has gone `scout_seconds` without being refused (refusals come at once; a long reply must not hold up the rest).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from conductor_magic.errors import ModelError

__all__ = ["RateLimiter"]

_BUSY = frozenset({"rate_limited", "overloaded"})


class RateLimiter:
    """Shared by all requests of a run; belongs to one event loop, whose clock it uses.

    Attributes:
        limit: how many requests may be in flight now.
        in_flight: how many are.
    """

    def __init__(
        self,
        slots: int,
        random: Random,
        *,
        first_seconds: float = 1.0,
        longest_seconds: float = 60.0,
        longest_retry_after: float = 86_400.0,
        scout_seconds: float = 2.0,
    ) -> None:
        """Make a limiter that has all its slots free.

        Args:
            slots: the most requests in flight, at least 1.
            random: the source of jitter.
            first_seconds: the range of the first wait; it doubles with each one that follows.
            longest_seconds: where that doubling ends.
            longest_retry_after: the longest wait that a server can ask for.
            scout_seconds: how long a scout may stay unanswered before the others follow.
        """
        self.limit = slots
        self.in_flight = 0
        self._slots = slots
        self._random = random
        self._first = first_seconds
        self._longest = longest_seconds
        self._longest_retry_after = longest_retry_after
        self._scout_seconds = scout_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0
        self._refusals = 0
        self._growth = 0.0
        # While scouting: when the scout left, or None while it has yet to leave.
        self._scouting = False
        self._scout_left: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn, first come first served, and hold a slot for as long as the block runs."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # The turn may have come in the same instant; a turn that was cancelled is skipped where it waits.
            if not turn.cancelled():
                self._release()
            raise
        try:
            yield
        finally:
            self._release()

    def penalty(self, error: ModelError) -> float:
        """Note that a request failed; returns the seconds for which everybody now waits (0.0 if it tells no load)."""
        if error.kind not in _BUSY and error.retry_after is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        if now >= self._paused_until:
            # The first refusal of a crowd that was sent together; the others only lengthen the pause.
            self._refusals += 1
            self._growth = 0.0
            if not self._scouting:
                self.limit = max(1, self.limit // 2)
        self._scouting, self._scout_left = True, None
        self._paused_until = max(self._paused_until, now + self._pause(error))
        self._admit()
        return self._paused_until - now

    def succeeded(self) -> None:
        """Note that a reply came: the scout's work is done, and the limit grows back a little."""
        if asyncio.get_running_loop().time() >= self._paused_until:
            # During a pause it is the reply to a request from before, and says nothing about now.
            self._refusals = 0
            self._scouting = False
        self._growth += 1 / self.limit
        if self._growth >= 1.0 and self.limit < self._slots:
            self.limit += 1
            self._growth = 0.0
        self._admit()

    def backoff(self, attempt: int, error: ModelError) -> float:
        """Seconds that one failed request waits on its own: exponential, with full jitter, never under `retry-after`.

        Args:
            attempt: the attempt that failed, from 1.
            error: how it failed.
        """
        return self._asked(error) + self._random.uniform(0.0, self._range(attempt))

    def _pause(self, error: ModelError) -> float:
        span = self._range(self._refusals)
        return max(self._asked(error) + self._random.uniform(0.0, self._first), self._random.uniform(span / 2, span))

    def _asked(self, error: ModelError) -> float:
        return min(error.retry_after or 0.0, self._longest_retry_after)

    def _range(self, failures: int) -> float:
        return min(self._longest, self._first * 2.0 ** min(failures - 1, 30))

    def _release(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        """Let in whoever may go now; set an alarm where only time is missing."""
        loop = asyncio.get_running_loop()
        while self._waiting and self.in_flight < self.limit:
            now = loop.time()
            opens = self._opens(now)
            if opens > now:
                self._wake_at(loop, opens)
                return
            turn = self._waiting.popleft()
            if turn.done():
                continue
            if self._scouting:
                self._scout_left = now
            self.in_flight += 1
            turn.set_result(None)

    def _opens(self, now: float) -> float:
        """The time from which one more request may go."""
        if now < self._paused_until:
            return self._paused_until
        if self._scouting and self._scout_left is not None:
            follows = self._scout_left + self._scout_seconds
            if now < follows:
                return follows
            self._scouting = False
        return now

    def _wake_at(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._admit)
