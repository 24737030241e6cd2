"""Time limits that stand still while somebody else is waited for, and work that is left behind when it will not end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["Clock", "TimeUp", "within"]

_log = logging.getLogger(__name__)
_left_behind: set[asyncio.Future[Any]] = set()
_T = TypeVar("_T")


class TimeUp(Exception):
    """The clock ran out."""


class Clock:
    """Counts down while its block runs; a context manager that raises `TimeUp` out of the block.

    Args:
        seconds: how long the block may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watch = asyncio.timeout(None)
        self._holds = 0
        self._left = 0.0
        self._over = True

    async def __aenter__(self) -> None:
        self._watch = asyncio.timeout(self._seconds)
        await self._watch.__aenter__()
        self._over = False

    async def __aexit__(self, *exc: object) -> None:
        self._over = True
        try:
            await self._watch.__aexit__(*exc)  # pyright: ignore[reportArgumentType]
        except TimeoutError:
            raise TimeUp from None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Stop the clock as long as at least one caller is inside; a clock that has ended stays as it is."""
        now = asyncio.get_running_loop().time
        if self._holds == 0 and self._runs:
            self._left = (self._watch.when() or now()) - now()
            self._watch.reschedule(None)
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if self._holds == 0 and self._runs:
                self._watch.reschedule(now() + self._left)

    @property
    def _runs(self) -> bool:
        return not self._over and not self._watch.expired()


async def within(clock: Clock, work: Coroutine[Any, Any, _T], patience: float) -> _T:
    """What the work gives, if it comes back in time.

    Work that is cancelled, by the clock or by the caller, and does not end even so is left behind: it holds up nobody.

    Args:
        clock: how long it may take.
        work: it.
        patience: seconds that it may take to end once it is cancelled.

    Raises:
        TimeUp: it did not come back in time.
    """
    task = asyncio.ensure_future(work)
    try:
        async with clock:
            await asyncio.wait({task})
    except BaseException:
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        try:
            await asyncio.wait({task}, timeout=patience)
        finally:
            if not task.done():
                _log.warning("left behind, as it does not end when it is cancelled: %r", work)
                _left_behind.add(task)
                task.add_done_callback(_left_behind.discard)
        raise
    return task.result()
