"""Any moment of a recorded run: its state, and its picture as what changes in another."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.fold import fold
from conductor_magic.patches import patched
from conductor_magic.replay import EVERY, REMEMBERED, History, Moments
from conductor_magic.snapshot import inspect, snapshot
from tests.core.simulate import SIMULATIONS, Simulation
from tests.golden.journals import RUNS

Json = dict[str, Any]


def records_of(run: Simulation) -> list[Record]:
    """A simulated run's records."""
    return [step.record for step in run.play().steps]


def long_journal() -> list[Record]:
    """More records than lie between checkpoints."""
    first = RUNS["done"]().records
    notes = [e.RunNoted(text=f"note {number}") for number in range(2 * EVERY + 100)]
    start = first[-1]
    return [*first, *(Record(start.seq + n, start.at + n, note) for n, note in enumerate(notes, 1))]


@given(SIMULATIONS, st.data())
@settings(max_examples=40)
def test_a_state_is_the_fold_of_the_records_up_to_it(run: Simulation, data: st.DataObject) -> None:
    """In any order of asking; numbers beyond either end are the nearest there is."""
    records = records_of(run)
    history = History(records)
    for _ in range(4):
        seq = data.draw(st.integers(-3, len(records) + 3))
        assert history.at(seq) == fold(records[: max(0, seq)])


def test_checkpoints_change_nothing_and_may_come_from_whoever_folds_anyway() -> None:
    """Folded here or noted from outside, also while the list of records still grows."""
    records = long_journal()
    asked, noted, growing = History(records), History(records), []
    follows = History(growing)
    state = fold([])
    for record in records:
        state = fold([record], state)
        growing.append(record)
        noted.note(state)
        if record.seq % 37 == 0:
            assert follows.at(record.seq) == state
    for seq in (1, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY, len(records), 7):
        assert asked.at(seq) == noted.at(seq) == fold(records[:seq])


def test_a_moment_is_the_last_record_made_by_then() -> None:
    """Several records may be made at one moment: it is after all of them. Before the first there is nothing."""
    history = History(RUNS["done"]().records)
    records = RUNS["done"]().records
    for record in records:
        assert history.seq_at(record.at) == max(other.seq for other in records if other.at <= record.at)
        assert history.moment(record.seq) == record.at
    assert history.seq_at(records[0].at - 1) == 0
    assert (History([]).moment(5), History([]).seq_at(1.0)) == (0.0, 0)


def test_pictures_follow_each_other_as_changes() -> None:
    """A view that says which picture it has gets what changes; one whose picture is forgotten gets a whole one."""
    records = RUNS["failed"]().records
    moments = Moments(History(records))
    start = records[0].at
    picture, number = {}, 0
    for seconds in (0, 40, 10, 60, 5.5, 1_000):
        found = moments.moment({"at": start + seconds, "base": number})
        picture = found["snapshot"] if not number else patched(picture, found["changes"])
        number = found["n"]
        state = fold(record for record in records if record.at <= start + seconds)
        assert picture == snapshot(state, start + seconds)
        assert (found["seq"], found["at"]) == (state.seq, start + seconds)
    forgotten = number
    for _ in range(REMEMBERED):
        moments.moment({"seq": 3})
    assert "snapshot" in moments.moment({"seq": 3, "base": forgotten})


def test_a_step_goes_to_one_record_and_its_moment() -> None:
    """So that each event can be looked at alone, although several may have one time."""
    records = RUNS["done"]().records
    moments = Moments(History(records))
    for record in records:
        found = moments.moment({"seq": record.seq})
        assert (found["seq"], found["at"]) == (record.seq, record.at)
        assert found["snapshot"]["seq"] == record.seq
    assert moments.moment({"seq": 10_000})["seq"] == len(records)
    assert moments.moment({"seq": "nonsense"})["seq"] == 0


def test_a_task_is_inspected_as_it_was_then() -> None:
    """Its transcript ends at that record; a task that was not made yet is not there."""
    records = RUNS["done"]().records
    moments = Moments(History(records))
    made = next(record.seq for record in records if isinstance(record.event, e.TaskCreated))
    assert moments.inspect("1", made - 1) is None
    for seq in range(made, len(records), 7):
        assert moments.inspect("1", seq) == inspect(fold(records[:seq]), "1")
