"""`state = fold(records)`: the one way in which a run's state comes about. Pure, and total over valid journals.

`apply` is a table of one small function per event kind, kept by subject in this package's modules. A kind that is not
in the table (an unknown one, or one that changes nothing shown) moves only the place and the moment.
"""

from __future__ import annotations

from collections.abc import Iterable

from conductor_magic.errors import TransitionError
from conductor_magic.events import Record
from conductor_magic.fold import conductor, conflicts, run, tasks, traffic, workers
from conductor_magic.state import Draft, RunState, replace

__all__ = ["apply", "fold"]

_STEPS = {**run.STEPS, **tasks.STEPS, **workers.STEPS, **traffic.STEPS, **conductor.STEPS, **conflicts.STEPS}


def fold(records: Iterable[Record], state: RunState | None = None) -> RunState:
    """The state after all `records`, beginning with `state` (a new run's when None).

    Raises:
        TransitionError: a record, which is named, does not fit the state that it meets.
    """
    state = RunState() if state is None else state
    # Nobody sees the states in between, and copies of a thousand workers for each of them would take the longest.
    state = Draft(**{**state.__dict__, "workers": dict(state.workers)})
    number = state.seq
    try:
        for record in records:
            number = record.seq
            state = apply(state, record)
    except TransitionError as error:
        raise TransitionError(f"record {number} does not follow from those before it: {error}") from None
    return RunState(**state.__dict__)


def apply(state: RunState, record: Record) -> RunState:
    """The state after one more record.

    Raises:
        TransitionError: the record's number is not the next, or its event does not fit.
    """
    if record.seq != state.seq + 1:
        raise TransitionError(f"record {record.seq} cannot follow record {state.seq}")
    step = _STEPS.get(record.event.kind)
    after = state if step is None else step(state, record, record.event)
    if after is state and type(state) is not Draft:
        return replace(state, seq=record.seq, at=record.at)
    # Nobody else has this value yet: the step made it just now, or it is a draft. To set two fields costs no copy.
    fields = after.__dict__
    fields["seq"], fields["at"] = record.seq, record.at
    return after
