"""Blocks a cell until its run has ended, in slices short enough for clicks and for the stop button.

Waiting in one piece would be simpler, but then ipykernel 6 could receive nothing, and an interrupt would tear the wait
open with a traceback at a random line. Here an interrupt is counted by a signal handler of our own and acted on
between two slices, where raising is safe.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .live import LiveChannel

__all__ = ["RunInterrupted", "held_interrupts", "hold_interrupts", "wait_blocking"]

SLICE_SECONDS = 0.02


class RunInterrupted(KeyboardInterrupt):
    """A person stopped the cell; its message is all that is shown, as one red line.

    Raise it after the result is bound. Being a ``KeyboardInterrupt`` it ends the cell with an error, so that the cells
    queued behind it do not run.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31m{self}\x1b[0m"]


def wait_blocking(
    done: threading.Event,
    channel: LiveChannel,
    on_interrupt: Callable[[int], None],
    *,
    timeout: float | None = None,
) -> bool:
    """Block until ``done`` is set, letting the channel's messages in meanwhile.

    Args:
        done: set, from any thread, when there is nothing left to wait for.
        channel: started by the caller; polled between slices.
        on_interrupt: called in this thread with 1 for the first interrupt, 2 for the second, and so on. Waiting goes
            on unless it raises; what it raises leaves this function.
        timeout: seconds to wait at most, or None for no limit.

    Returns:
        Whether ``done`` was set (False only when the time was up).

    In the main thread interrupts come here instead of raising ``KeyboardInterrupt``; the former handler is back when
    this returns or raises. In another thread there are no interrupts to handle.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    handled = 0
    with held_interrupts() as presses:
        while True:
            channel.poll()
            # Interrupts go first: a press in the last slice must not be lost because the run ended in it.
            while handled < presses[0]:
                handled += 1
                on_interrupt(handled)
            if done.is_set():
                return True
            rest = SLICE_SECONDS if deadline is None else min(SLICE_SECONDS, deadline - time.monotonic())
            if rest <= 0:
                return False
            done.wait(rest)


class _Counter:
    """A handler of SIGINT that counts it, or, as long as it is `passing`, leaves it to whoever handled it before."""

    def __init__(self, former: Callable[[int, FrameType | None], object] | int, *, passing: bool) -> None:
        self.presses = [0]
        self.passing = passing
        self._former = former

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.passing and callable(self._former):
            self._former(number, frame)
        else:
            self.presses[0] += 1


@contextmanager
def held_interrupts(*, later: bool = False) -> Iterator[list[int]]:
    """Count SIGINT in the one-item list that this gives, in place of whatever handled it before; may be nested.

    Args:
        later: not before `hold_interrupts` is called; until then interrupts raise as they did.
    """
    former = signal.getsignal(signal.SIGINT)
    # Python allows handlers in the main thread only; one that was not set from Python could not be put back.
    if former is None or threading.current_thread() is not threading.main_thread():
        yield [0]
        return
    counter = _Counter(former, passing=later)
    try:
        signal.signal(signal.SIGINT, counter)
        yield counter.presses
    finally:
        counter.passing = False
        signal.signal(signal.SIGINT, former)


def hold_interrupts() -> None:
    """Let the caller's `held_interrupts(later=True)` count from here on; nothing happens where there is none."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Counter) and threading.current_thread() is threading.main_thread():
        handler.passing = False
