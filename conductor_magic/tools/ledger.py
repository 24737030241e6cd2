"""The run as the custody of its files sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from conductor_magic.events import Event

__all__ = ["Ledger", "Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a task may be taken to know beside what its worker reads.

    Attributes:
        after: the tasks that it waited for, directly or not: their results are in its prompt.
        launched: where the record of the run stood when the conductor launched it.
    """

    after: frozenset[str] = frozenset()
    launched: int = 0


class Ledger(Protocol):
    """The record of the run, and what custody asks of it."""

    def record(self, event: Event) -> None:
        """Append an event."""
        ...

    def moment(self) -> int:
        """Where the record stands."""
        ...

    def standing(self, task: str) -> Standing:
        """What is known of a task."""
        ...

    def conflicts(self) -> int:
        """How many conflicts there have been."""
        ...

    def redacted(self, text: str) -> str:
        """The text without secrets."""
        ...
