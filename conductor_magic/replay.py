"""A recorded run, or the past of one that goes on, at any moment. Pure.

`History` gives states over time, each folded from the last checkpoint before it, so that any moment of a long run is
near. `Moments` gives a view the pictures of them: whole, or as what changes in the picture that it shows already.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_magic.events import Record
from conductor_magic.fold import apply, fold
from conductor_magic.patches import diff
from conductor_magic.snapshot import Drawn, draw, inspect
from conductor_magic.state import RunState

__all__ = ["History", "Moments"]

Json = dict[str, Any]

EVERY = 500
"""Records between two checkpoints. A step of the fold takes some microseconds."""

REMEMBERED = 8
"""Pictures that are kept to tell differences from: two views may look at two moments."""


class History:
    """The states of a run after each of its records.

    Args:
        records: the run's records so far; the list may grow, at its end.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._checkpoints = [RunState()]

    def note(self, state: RunState) -> None:
        """Keep a state that somebody has folded anyway, if it makes a good checkpoint."""
        if state.seq == len(self._checkpoints) * EVERY:
            self._checkpoints.append(state)

    def at(self, seq: int) -> RunState:
        """The state after record number `seq`; the nearest there is."""
        seq = min(max(seq, 0), len(self._records))
        while len(self._checkpoints) <= seq // EVERY:
            base = self._checkpoints[-1]
            self._checkpoints.append(fold(self._records[base.seq : base.seq + EVERY], base))
        state = self._checkpoints[seq // EVERY]
        for record in self._records[state.seq : seq]:
            state = apply(state, record)
        return state

    def moment(self, seq: int) -> float:
        """When record number `seq` was made, in epoch seconds; the nearest there is. 0 without records."""
        if not self._records:
            return 0.0
        return self._records[min(max(seq, 1), len(self._records)) - 1].at

    def seq_at(self, moment: float) -> int:
        """The number of the last record made at or before `moment`; 0 before the first."""
        return bisect_right(self._records, moment, key=lambda record: record.at)


class Moments:
    """What a view asks of a run's past.

    Args:
        history: the run's states.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._pictures: dict[int, Drawn] = {}
        self._number = 0

    def moment(self, asked: Mapping[str, Any]) -> Json:
        """The picture of a moment.

        Args:
            asked: `at`, a moment in epoch seconds, or `seq`, the number of a record; and `base`, the number `n` of the
                picture that the view shows, if any.

        Returns:
            `{n, seq, at, base, changes}`, or `{n, seq, at, snapshot}` when that picture is not remembered any more.
        """
        at, seq = asked.get("at"), asked.get("seq")
        if isinstance(at, int | float):
            at, seq = float(at), self.history.seq_at(at)
        else:
            seq = seq if isinstance(seq, int) else 0
            at = self.history.moment(seq)
        state = self.history.at(seq)
        before = self._pictures.get(base) if isinstance(base := asked.get("base"), int) else None
        picture = draw(state, at, before)
        self._number += 1
        self._pictures[self._number] = picture
        while len(self._pictures) > REMEMBERED:
            del self._pictures[next(iter(self._pictures))]
        found = {"n": self._number, "seq": state.seq, "at": at}
        if before is None:
            return {**found, "snapshot": picture.json}
        return {**found, "base": base, "changes": diff(before.json, picture.json)}

    def inspect(self, task: str, seq: int) -> Json | None:
        """What `snapshot.inspect` gives of a task after record number `seq`."""
        return inspect(self.history.at(seq), task)
