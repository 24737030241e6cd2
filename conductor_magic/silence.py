"""Listens for an asker's model, so that a silence can be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conductor_magic.journal import Journal
from conductor_magic.state import RunState

__all__ = ["Silence"]


class Silence:
    """Notices when nothing has been heard for long of a model that was asked.

    Args:
        journal: knows which requests are under way.
        by: who asks it: `conductor` or a worker's id.
        seconds: how long it may be silent.
    """

    def __init__(self, journal: Journal, by: str, seconds: float) -> None:
        self._journal = journal
        self._by = by
        self._seconds = seconds
        self._heard = 0.0

    def heard(self) -> None:
        """Something came."""
        self._heard = self._journal.now()

    async def watch(self, expected: Callable[[RunState], bool], tell: Callable[[str], None]) -> None:
        """Look on until cancelled.

        Args:
            expected: whether something is to be heard now and no silence was told yet.
            tell: called with the silence in a phrase.
        """
        while True:
            await asyncio.sleep(self._seconds / 6)
            state = self._journal.state
            left = min((flight.at for flight in state.in_flight.values() if flight.by == self._by), default=None)
            if left is not None and expected(state) and self._journal.now() - max(left, self._heard) >= self._seconds:
                tell(f"nothing was heard of its model for {self._seconds:g} s")
