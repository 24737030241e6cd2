"""A picture drawn with the help of an earlier one is the picture drawn anew, and shares what has not changed."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.fold import apply, fold
from conductor_magic.patches import diff, patched
from conductor_magic.snapshot import draw, snapshot
from tests.core.simulate import SIMULATIONS, Simulation
from tests.golden.journals import RUNS
from tests.golden.script import Script


@given(SIMULATIONS, st.data())
@settings(max_examples=60)
def test_a_picture_drawn_from_another_is_the_one_drawn_anew(run: Simulation, data: st.DataObject) -> None:
    """From any state to any other, on or back; and the picture that helped stays as it was."""
    steps = run.play().steps
    picks = data.draw(st.lists(st.integers(0, len(steps) - 1), min_size=2, max_size=6))
    drawn = None
    for pick in picks:
        state = steps[pick].after
        before = None if drawn is None else copy.deepcopy(drawn.json)
        now = state.at + 1
        after = draw(state, now, drawn)
        assert after.json == snapshot(state, now)
        if drawn is not None:
            assert drawn.json == before
            assert patched(drawn.json, diff(drawn.json, after.json)) == after.json
        drawn = after


def test_what_has_not_changed_is_taken_over_as_it_is() -> None:
    """So that nothing has to be compared in it: the tasks and workers that an event does not touch."""
    records = RUNS["done"]().records
    shared = 0
    state = fold(records[:20])
    drawn = draw(state, state.at)
    for record in records[20:]:
        state = fold([record], state)
        after = draw(state, state.at, drawn)
        shared += sum(task is drawn.json["tasks"].get(name) for name, task in after.json["tasks"].items())
        drawn = after
    assert shared > 0.8 * len(records[20:]) * len(drawn.json["tasks"])


@pytest.mark.parametrize("name", RUNS)
def test_each_step_of_a_golden_run_is_drawn_from_the_one_before_and_back(name: str) -> None:
    """Questions, artifacts, conflicts and edits too, which a simulation does not have."""
    records = RUNS[name]().records
    states = [fold([])]
    for record in records:
        states.append(apply(states[-1], record))
    drawn = draw(states[0], 0.0)
    for state in [*states, *reversed(states)]:
        drawn = draw(state, state.at, drawn)
        assert drawn.json == snapshot(state, state.at)


def test_an_artifacts_name_changes_when_another_task_makes_one_of_that_name() -> None:
    """Nothing of the first task has changed then but what its artifact is called."""
    script = Script().start().plan()
    drawn = None
    state = fold(script.records)
    for task in ("1", "2"):
        saved = e.ArtifactSaved(
            name="chart", task=task, worker="w1", mime="image/png", path="/a", size=1, sha256="0" * 64
        )
        state = apply(state, Record(state.seq + 1, state.at, saved))
        drawn = draw(state, state.at, drawn)
    assert drawn is not None
    assert [drawn.json["tasks"][task]["artifacts"] for task in ("1", "2")] == [["1/chart"], ["2/chart"]]
