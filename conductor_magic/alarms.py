"""The time limits of a run, on the engine's loop: when one is nearly reached, and when it is, that is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conductor_magic.caps import amount
from conductor_magic.events import CapReached
from conductor_magic.journal import Journal
from conductor_magic.near_caps import next_time_warning, waits_too_long
from conductor_magic.worked import next_tier_alarm, out_of_time

__all__ = ["Alarms"]

_QUIET_SECONDS = 1.0


class Alarms:
    """The alarm of the whole run, that of the tier whose workers will have used up their time first, and what warns.

    Args:
        journal: what is recorded of the run, and where a reached limit is.
        look_again: called when a tier's alarm went off.
    """

    def __init__(self, journal: Journal, look_again: Callable[[], None]) -> None:
        self._journal = journal
        self._look_again = look_again
        self._run: asyncio.TimerHandle | None = None
        self._tier: asyncio.TimerHandle | None = None
        self._warning: asyncio.TimerHandle | None = None
        self._wait: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Set the run's alarm; once."""
        started = self._journal.state.started
        if started is not None and started.timeout is not None:
            left = started.timeout - (self._journal.now() - self._journal.state.started_at)
            self._run = asyncio.get_running_loop().call_later(max(0.0, left), self._run_is_over, started.timeout)

    def set_tier(self) -> None:
        """Set the tiers' alarm and the warning anew: how fast time is used up changes with how many work."""
        for timer in (self._tier, self._warning, self._wait):
            if timer is not None:
                timer.cancel()
        state, now, loop = self._journal.state, self._journal.now(), asyncio.get_running_loop()
        due = next_tier_alarm(state, now)
        self._tier = None if due is None else loop.call_later(due[1], self._tier_is_over)
        near = next_time_warning(state, now)
        self._warning = None if near is None else loop.call_later(near[1], self._time_is_short)
        # Between a reply and what is recorded of it nothing seems to go on.
        vain = waits_too_long(state) is not None
        self._wait = loop.call_later(_QUIET_SECONDS, self._wait_is_vain) if vain else None

    def cancel(self) -> None:
        """Call all of it off."""
        for timer in (self._run, self._tier, self._warning, self._wait):
            if timer is not None:
                timer.cancel()

    def _run_is_over(self, seconds: float) -> None:
        state = self._journal.state
        # A spent budget lets workers go on, so time still counts after it.
        if not state.ended and not state.cancelled_by:
            self._journal.append(out_of_time(seconds))

    def _wait_is_vain(self) -> None:
        state = self._journal.state
        event = waits_too_long(state)
        if event is not None and not state.ended:
            self._journal.append(event)

    def _time_is_short(self) -> None:
        state = self._journal.state
        near = next_time_warning(state, self._journal.now())
        if near is not None and near[1] <= 0 and not state.ended:
            self._journal.append(near[0])
        self._look_again()

    def _tier_is_over(self) -> None:
        state = self._journal.state
        due = next_tier_alarm(state, self._journal.now())
        if due is not None and due[1] <= 0 and not state.ended:
            tier, limit = due[0], state.caps[f"{due[0]}.seconds"]
            text = f"The cap of all {tier} workers of {amount('seconds', limit)} ({tier}.seconds) is reached."
            self._journal.append(CapReached(cap="seconds", tier=tier, text=text))
        self._look_again()
