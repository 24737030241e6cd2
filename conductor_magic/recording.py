"""A recorded run, offered as a journal offers one: what a board shows of a run that is over, or another process's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conductor_magic.events import Record
from conductor_magic.replay import History
from conductor_magic.state import RunState, replace

__all__ = ["Recording", "interrupted"]


def interrupted(state: RunState, why: str = "") -> RunState:
    """The state of a run that has no end and that nobody drives any more; `why` is what is known of the reason."""
    return replace(state, status="interrupted", end_reason=why)


class Recording:
    """The records of a run and what they fold to.

    Args:
        records: the journal's records.
        state: what they fold to.
        alive: whether the run is still going somewhere; a journal without an end is `interrupted` else.

    Attributes:
        history: the run's states.
        state: the last of them, or `interrupted`.
    """

    def __init__(self, records: Sequence[Record], state: RunState, *, alive: bool) -> None:
        self.records = records
        self.history = History(records, state)
        self.state = state if state.ended or alive else interrupted(state)

    def now(self) -> float:
        """The moment of the last record, in epoch seconds: nothing is known of a later one."""
        return self.state.at

    def subscribe(self, subscriber: Callable[[Record, RunState], None]) -> Callable[[], None]:
        """Nothing more will come."""
        return lambda: None
