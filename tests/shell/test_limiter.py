"""The shared limiter, on an event loop whose clock jumps to the next alarm: hours of waiting take no time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conductor_magic.errors import ModelError, RequestRefused, Unreachable
from conductor_magic.models.anthropic.client import AnthropicModel
from conductor_magic.models.anthropic.limiter import RateLimiter
from conductor_magic.models.base import Request
from tests.support.messages_server import Answer, MessagesServer, error, text

ATTEMPTS = 10


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: where it would sleep, its clock is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None) -> Any:
            assert timeout is not None, "everybody waits and nothing is due"
            self._now += timeout
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        """The jumping clock."""
        return self._now


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine function on a jumping loop."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(scenario())  # type: ignore[arg-type]


def busy(retry_after: float | None = None, kind: str = "rate_limited") -> Unreachable:
    """The error of a server that says wait."""
    return Unreachable("busy", kind=kind, retryable=True, retry_after=retry_after)


async def persist(limiter: RateLimiter, send: Callable[[], Awaitable[None]]) -> int:
    """One request as the engine makes it: attempts until one succeeds; returns how many there were."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with limiter.slot():
                await send()
        except ModelError as fault:
            limiter.penalty(fault)
            await asyncio.sleep(limiter.backoff(attempt, fault))
        else:
            limiter.succeeded()
            return attempt
    raise AssertionError("ten attempts were not enough")


def test_never_more_than_the_slots_and_first_come_first_served() -> None:
    """Twenty requests over three slots: three at once at most, and in order."""

    async def scenario() -> tuple[int, list[int]]:
        limiter = RateLimiter(3, random.Random(0))
        order: list[int] = []
        peak = 0

        async def one(number: int) -> None:
            nonlocal peak
            async with limiter.slot():
                order.append(number)
                peak = max(peak, limiter.in_flight)
                await asyncio.sleep(1)

        await asyncio.gather(*(one(number) for number in range(20)))
        assert limiter.in_flight == 0
        return peak, order

    assert run(scenario) == (3, list(range(20)))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("outage", "retry_after"), [(5.0, 5.0), (20.0, 4.0), (0.5, None), (10.0, None), (60.0, None), (120.0, None)]
)
def test_eight_workers_told_429(seed: int, outage: float, retry_after: float | None) -> None:
    """Eight workers meet a refusing server: at most three times the needed requests, and never before it asked."""

    async def scenario() -> int:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(8, random.Random(seed))
        told = sent = 0.0

        async def send() -> None:
            nonlocal told, sent
            sent += 1
            assert loop.time() >= told, "sent before the server's wait was over"
            await asyncio.sleep(0.05)
            if loop.time() < outage:
                told = max(told, loop.time() + (retry_after or 0.0))
                raise busy(retry_after)
            await asyncio.sleep(3)

        await asyncio.gather(*(persist(limiter, send) for _ in range(8)))
        return int(sent)

    assert run(scenario) <= 3 * 8


@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_takes_two_at_a_time(seed: int) -> None:
    """Under a lasting limit of two, eighty requests of eight workers need at most three times eighty."""

    async def scenario() -> int:
        limiter = RateLimiter(8, random.Random(seed))
        sent = inside = 0

        async def send() -> None:
            nonlocal sent, inside
            sent += 1
            if inside >= 2:
                await asyncio.sleep(0.05)
                raise busy(kind="overloaded")
            inside += 1
            try:
                await asyncio.sleep(3)
            finally:
                inside -= 1

        async def worker() -> None:
            for _ in range(10):
                await persist(limiter, send)

        await asyncio.gather(*(worker() for _ in range(8)))
        return sent

    assert run(scenario) <= 3 * 80


def test_a_long_reply_does_not_hold_up_the_others() -> None:
    """After a pause one request goes first; the rest follow two seconds later though it still runs."""

    async def scenario() -> list[float]:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(4, random.Random(0))
        pause = limiter.penalty(busy(10.0))
        left: list[float] = []

        async def one() -> None:
            async with limiter.slot():
                left.append(loop.time() - pause)
                await asyncio.sleep(300)

        await asyncio.gather(*(one() for _ in range(2)))
        return left

    assert run(scenario) == pytest.approx([0.0, 2.0])


def test_the_limit_halves_once_for_a_crowd_and_grows_back() -> None:
    """Eight refusals of one crowd halve the limit once; successes bring it back one by one, never over the slots."""

    async def scenario() -> list[int]:
        limiter = RateLimiter(8, random.Random(0))
        for _ in range(8):
            limiter.penalty(busy())
        limits = [limiter.limit]
        await asyncio.sleep(60)
        for _ in range(40):
            limiter.succeeded()
            limits.append(limiter.limit)
        return limits

    limits = run(scenario)
    assert (limits[0], limits[3], limits[4], limits[9], limits[-1]) == (4, 4, 5, 6, 8)


def test_one_refusal_pauses_everybody() -> None:
    """A request of another worker waits for as long as `penalty` said, and no longer."""

    async def scenario() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(8, random.Random(0))
        seconds = limiter.penalty(busy(30.0))
        async with limiter.slot():
            return seconds, loop.time()

    seconds, waited = run(scenario)
    assert 30.0 <= seconds == pytest.approx(waited)


def test_faults_that_tell_no_load_pause_nobody() -> None:
    """A broken stream or a reset is that request's own matter; a 503 with `retry-after` is everybody's."""

    async def scenario() -> list[float]:
        limiter = RateLimiter(8, random.Random(0))
        reset = Unreachable("reset", kind="reset", retryable=True)
        refused = RequestRefused("no", kind="invalid_request", status=400)
        asked = Unreachable("down", kind="server_error", status=503, retryable=True, retry_after=9.0)
        return [limiter.penalty(reset), limiter.penalty(refused), float(limiter.penalty(asked) >= 9.0)]

    assert run(scenario) == [0.0, 0.0, 1.0]


def test_an_hour_that_the_server_asks_for_is_an_hour() -> None:
    """Up to a day: whoever is told to stay away and does not is told so for longer."""

    async def penalties() -> list[float]:
        return [RateLimiter(8, random.Random(1)).penalty(busy(asked)) for asked in (3_600.0, 1e9)]

    hour, ages = run(penalties)
    assert 3_600.0 <= hour <= 3_601.0
    assert 86_400.0 <= ages <= 86_401.0


def test_backoff_doubles_with_full_jitter_and_keeps_retry_after() -> None:
    """Own waits lie anywhere between nothing and a doubling bound, up to a longest one; a server's wish is added."""
    limiter = RateLimiter(8, random.Random(0), first_seconds=1.0, longest_seconds=60.0)
    fault = Unreachable("reset", kind="reset", retryable=True)
    for attempt, bound in [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (10, 60.0), (99, 60.0)]:
        waits = [limiter.backoff(attempt, fault) for _ in range(400)]
        assert 0.0 <= min(waits) < 0.05 * bound
        assert 0.95 * bound < max(waits) <= bound
    assert all(12.0 <= limiter.backoff(1, busy(12.0)) <= 13.0 for _ in range(50))
    assert limiter.backoff(1, busy(1e9)) <= 86_401.0


def test_cancelled_waiters_leave_no_hole() -> None:
    """Cancelling a waiter, also in the instant of its turn, loses no slot."""

    async def scenario() -> int:
        limiter = RateLimiter(1, random.Random(0))

        async def hold() -> None:
            async with limiter.slot():
                await asyncio.sleep(1)

        async with limiter.slot():
            waiter, winner = asyncio.ensure_future(hold()), asyncio.ensure_future(hold())
            await asyncio.sleep(0.5)
            waiter.cancel()
        # Leaving the block has given the slot to `winner`, which has not run since.
        assert limiter.in_flight == 1
        winner.cancel()
        await asyncio.gather(waiter, winner, return_exceptions=True)
        await hold()
        return limiter.in_flight

    assert run(scenario) == 0


def test_eight_workers_told_429_over_http() -> None:
    """The same on the wire: a real server refuses for a while, and counts what it is sent."""
    request = Request("claude-haiku-5-5", (), (), ({"role": "user", "content": "hi"},), 100)
    refusals = 10

    def answer(_body: Any, n: int) -> Answer:
        return error(429, "rate_limit_error", retry_after_ms="60") if n <= refusals else text("ok")

    async def scenario(url: str) -> None:
        limiter = RateLimiter(8, random.Random(1), first_seconds=0.02, longest_seconds=0.2, scout_seconds=0.1)
        model = AnthropicModel(api_key="key", base_url=url)

        async def send() -> None:
            await model.send(request)

        await asyncio.gather(*(persist(limiter, send) for _ in range(8)))
        await model.aclose()

    with MessagesServer(answer) as server:
        asyncio.run(scenario(server.url))
        assert 8 + refusals <= len(server.requests) <= 3 * 8
