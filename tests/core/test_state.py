"""The states' own `replace`."""

from __future__ import annotations

import dataclasses

import pytest

from conductor_magic.state import ConductorState, RunState, TaskState, WorkerState, replace


@pytest.mark.parametrize("state", [RunState(seq=3), TaskState("1", "s", "d"), ConductorState(turns=2)])
def test_replace_does_what_that_of_dataclasses_does(state: RunState | TaskState | ConductorState) -> None:
    """Another value with one field changed; the first stays as it was."""
    field = dataclasses.fields(state)[0].name
    before = repr(state)
    assert replace(state, **{field: "new"}) == dataclasses.replace(state, **{field: "new"})
    assert repr(state) == before


def test_replace_knows_the_fields() -> None:
    """A name that is misspelt changes nothing and is told."""
    worker = WorkerState("w1", "1", 1, 1, "haiku", "m", "p", 0.0)
    with pytest.raises(TypeError, match="WorkerState has no such field: outcom"):
        replace(worker, outcom="completed")
