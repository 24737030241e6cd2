"""A recorded run, or the past of one that goes on, at any moment. Pure.

`History` gives states over time, each folded from the last checkpoint before it, so that any moment of a long run is
near. `Moments` gives a view the pictures of them: whole, or as what changes in the picture that it shows already.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_magic.events import Record
from conductor_magic.fold import fold
from conductor_magic.patches import diff
from conductor_magic.snapshot import Drawn, draw, inspect
from conductor_magic.state import RunState

__all__ = ["History", "Moments"]

Json = dict[str, Any]

EVERY = 500
"""Records between two checkpoints. A step of the fold takes some microseconds."""

_LATEST = 1e12
"""Far beyond any moment in seconds and any number of records: what is greater, or no number, is nonsense."""

REMEMBERED = 8
"""Pictures that are kept to tell differences from: two views may look at two moments."""


class History:
    """The states of a run after each of its records.

    One may ask at a time; checkpoints may be noted from another thread meanwhile.

    Args:
        records: the run's records so far; the list may grow, at its end.
        last: what they fold to, if somebody knows.
    """

    def __init__(self, records: Sequence[Record], last: RunState | None = None) -> None:
        self._records = records
        self._checkpoints = {0: RunState()}
        self._last = last or RunState()

    def note(self, state: RunState) -> None:
        """Keep a state that somebody has folded anyway, if it makes a good checkpoint."""
        if state.seq % EVERY == 0:
            self._checkpoints[state.seq] = state

    def at(self, seq: int) -> RunState:
        """The state after record number `seq`; the nearest there is."""
        seq = min(max(seq, 0), len(self._records))
        nearest = seq - seq % EVERY
        while nearest not in self._checkpoints:
            nearest -= EVERY
        state = self._checkpoints[nearest]
        # Who plays a run goes on from where they are.
        if state.seq < self._last.seq <= seq:
            state = self._last
        while state.seq < seq:
            state = fold(self._records[state.seq : min(seq, state.seq - state.seq % EVERY + EVERY)], state)
            self.note(state)
        self._last = state
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
    """What a view asks of a run's past. One may ask at a time.

    Args:
        history: the run's states.
        end: the state to show after the last record, where it says more than the fold: that the run was interrupted.
    """

    def __init__(self, history: History, end: RunState | None = None) -> None:
        self.history = history
        self._end = end
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
        if isinstance(at, int | float) and abs(at) < _LATEST:
            at, seq = float(at), self.history.seq_at(at)
        else:
            seq = seq if isinstance(seq, int) and abs(seq) < _LATEST else 0
            at = self.history.moment(seq)
        return self._picture(self._at(seq), at, asked)

    def _picture(self, state: RunState, at: float, asked: Mapping[str, Any]) -> Json:
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
        return inspect(self._at(seq), task)

    def _at(self, seq: int) -> RunState:
        state = self.history.at(seq)
        return self._end if self._end is not None and state.seq == self._end.seq else state
