"""A recorded run, offered as a journal offers one: what a board shows of a run that is over, or another process's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conductor_magic.events import Record
from conductor_magic.state import RunState

__all__ = ["Recording"]


class Recording:
    """The records of a run and what they fold to.

    Args:
        records: the journal's records.
        state: their fold.
    """

    def __init__(self, records: Sequence[Record], state: RunState) -> None:
        self.records = records
        self.state = state

    def now(self) -> float:
        """The moment of the last record, in epoch seconds: nothing is known of a later one."""
        return self.state.at

    def subscribe(self, subscriber: Callable[[Record, RunState], None]) -> Callable[[], None]:
        """Nothing more will come."""
        return lambda: None
