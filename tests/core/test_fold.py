"""The fold: random runs give the same state however they are read; a record that does not fit is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record, Unknown
from conductor_magic.fold import apply, fold
from conductor_magic.journal import decode, encode
from conductor_magic.lifecycle import TRANSITIONS
from conductor_magic.patches import diff, patched
from conductor_magic.snapshot import inspect, snapshot
from conductor_magic.state import RunState
from conductor_magic.transcript import rows
from tests.core.simulate import SIMULATIONS, Simulation
from tests.core.words import created, ended, launched, run, slept, started
from tests.golden.script import Script

TREES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 2) | st.lists(st.integers(0, 1), max_size=2), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.integers(0, 2), max_size=3),
    max_leaves=6,
)


@given(SIMULATIONS, st.data())
@settings(max_examples=60)
def test_the_journal_folds_to_the_live_state(simulation: Simulation, data: st.DataObject) -> None:
    """Every prefix of what was written folds to the state that was live then, in one go or piece by piece."""
    steps = simulation.play().steps
    written = [encode(step.record) for step in steps]
    state = RunState()
    records = []
    for seq, (line, step) in enumerate(zip(written, steps, strict=True), start=1):
        record = decode(line, seq)
        assert record is not None
        records.append(record)
        state = apply(state, record)
        assert state == step.after
    cut = data.draw(st.integers(0, len(records)))
    assert fold(records[cut:], fold(records[:cut])) == simulation.state


@given(SIMULATIONS)
@settings(max_examples=40)
def test_snapshots_are_json_and_differences_carry_one_into_the_next(simulation: Simulation) -> None:
    """After every record: the snapshot survives JSON, its patch leads to the next one and leaves the old one alone."""
    before = snapshot(RunState(), 0.0)
    for step in simulation.play().steps:
        after = snapshot(step.after, step.record.at)
        changes = diff(before, after)
        assert json.loads(json.dumps(changes, allow_nan=False)) == changes
        kept = deepcopy(before)
        assert patched(before, changes) == after
        assert before == kept
        before = after
    assert json.loads(json.dumps(before, allow_nan=False)) == before
    assert sum(before["counts"].values()) == len(simulation.state.tasks)
    assert diff(before, before) == []


@given(TREES, TREES)
def test_a_difference_turns_any_tree_into_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Keys that come, go and change kind, at any depth; what both have is not sent."""
    kept = deepcopy(before)
    changes = diff(before, after)
    assert patched(before, changes) == after
    assert before == kept
    assert not [
        change for change in changes if change[0][0] in before and before[change[0][0]] == after.get(change[0][0])
    ]


@given(SIMULATIONS)
@settings(max_examples=25)
def test_everything_about_a_task_can_be_inspected(simulation: Simulation) -> None:
    """Prompt and transcript of each attempt, as JSON; nothing for a task that does not exist."""
    state = simulation.play().state
    for task in state.tasks.values():
        found = inspect(state, task.id)
        assert found is not None
        assert json.loads(json.dumps(found)) == found
        workers = [state.workers[worker] for worker in task.attempts]
        assert [attempt["transcript"] for attempt in found["attempt_list"]] == [rows(worker.log) for worker in workers]
        assert [attempt["prompt"] for attempt in found["attempt_list"]] == [worker.prompt for worker in workers]
        assert [attempt["tools"] for attempt in found["attempt_list"]] == [list(worker.tools) for worker in workers]
        assert (found["prompt"], found["sent"]) == (workers[-1].prompt if workers else task.prompt, bool(workers))
        assert {file["path"] for file in found["files"]} == {file.path for file in state.files if file.task == task.id}
    assert inspect(state, "no such task") is None


@given(SIMULATIONS, st.data())
@settings(max_examples=40)
def test_an_unknown_event_moves_only_the_place(simulation: Simulation, data: st.DataObject) -> None:
    """An event of a newer version, anywhere in a run, changes nothing that is shown."""
    steps = simulation.play().steps
    step = data.draw(st.sampled_from(steps))
    unknown = Record(step.after.seq + 1, step.after.at, Unknown(name="new.kind", data={"a": 1}))
    after = apply(step.after, unknown)
    now = step.after.at
    assert diff(snapshot(step.after, now), snapshot(after, now)) == [[["seq"], unknown.seq]]


@pytest.mark.parametrize("status", ["blocked", "ready", "running", "completed", "failed", "cancelled", "skipped"])
def test_a_step_is_taken_exactly_where_the_table_has_it(status: str) -> None:
    """Each task event meets each status: the table of `lifecycle.py` decides, and a refusal names task and status."""
    state = in_status(status)
    task = "2" if status == "blocked" else "1"
    steps: dict[str, Event] = {
        "launched": launched(task),
        "started": started("w9", task, desk=2),
        "edited": e.TaskEdited(task=task, add_blocked_by=("3",)),
        "deleted": e.TaskDeleted(task=task),
        "cancelled": e.TaskCancelled(task=task, by="person"),
        "skipped": e.TaskSkipped(task=task, reason="r"),
    }
    for step, event in steps.items():
        record = Record(state.seq + 1, state.at, event)
        if status in TRANSITIONS[step]:
            check(apply(state, record))
        else:
            with pytest.raises(TransitionError, match=f"task {task} is {status}: it cannot be {step}"):
                apply(state, record)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (e.RunStarted(run="again", goal="g"), "the run has already started"),
        (created("1"), "task 1 exists already"),
        (created("9", "8"), "there is no task 8"),
        (launched("8"), "there is no task 8"),
        (started("w1", "2", desk=2), "worker w1 exists already"),
        (ended("w8", "1"), "no worker w8 is at work"),
        (e.TaskEdited(task="2", add_blocked_by=("2",)), "cannot wait for itself"),
        (
            e.TaskCreated(task="9", subject="s", description="d", blocked_by=("4",), replaces="3"),
            "cycle: 9 waits for 4",
        ),
        (e.QuestionAnswered(question="q8", answers={}, by="person"), "question q8 does not wait"),
        (e.WorkerTurn(worker="w8", request="r", content=(), stop="end_turn"), "no worker w8 is at work"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_by_name(event: Event, complaint: str) -> None:
    """A contradiction is an error that says what and where; the state before stays as it was."""
    events = (created("1"), created("2"), created("3"), created("4", "3"), *map(launched, "12"), started("w1", "1"))
    state = run(*events)
    kept = deepcopy(state)
    with pytest.raises(TransitionError, match=complaint):
        apply(state, Record(state.seq + 1, 9.0, event))
    assert state == kept


def test_a_record_out_of_its_place_is_refused() -> None:
    """Numbers have no gaps and do not repeat."""
    with pytest.raises(TransitionError, match="record 3 cannot follow record 1"):
        fold([Record(1, 0.0, e.RunStarted(run="r", goal="g")), Record(3, 0.0, e.RunNoted(text="t"))])


def test_a_replacement_takes_over_what_waited_for_the_failed_task() -> None:
    """The dependents wait for the new task, and the old one no longer counts."""
    failed = (created("1"), created("2", "1"), *map(launched, "12"), started("w1", "1"), ended("w1", "1", "failed"))
    state = run(*failed, e.TaskCreated(task="3", subject="Again", description="d", replaces="1"))
    assert state.tasks["2"].blocked_by == ("3",)
    assert state.tasks["1"].replaced_by == ("3",)


def test_what_was_cancelled_waits_for_the_replacement_once_it_is_tried_again() -> None:
    """It would wait for ever for a task whose place another has taken."""
    failed = (created("1"), created("2", "1"), *map(launched, "12"), started("w1", "1"), ended("w1", "1", "failed"))
    again = e.TaskCreated(task="3", subject="Again", description="d", replaces="1")
    state = run(
        *failed, e.TaskCancelled(task="2", by="person"), again, e.TaskLaunched(task="2", prompt="", tier="opus")
    )
    assert (state.tasks["2"].status, state.tasks["2"].blocked_by) == ("blocked", ("3",))


def test_a_record_with_a_second_replacement_and_no_edit_is_read_as_it_was() -> None:
    """What waited had begun when the first one was done."""
    failed = (created("1"), created("2", "1"), *map(launched, "12"), started("w1", "1"), ended("w1", "1", "failed"))
    both = (e.TaskCreated(task=task, subject="Again", description="d", replaces="1") for task in "34")
    state = run(*failed, *both, launched("3"), started("w2", "3"), ended("w2", "3"), started("w3", "2"))
    assert (state.tasks["1"].replaced_by, state.tasks["1"].left_waiting) == (("3", "4"), ("2",))
    assert (state.tasks["2"].status, state.tasks["2"].blocked_by) == ("running", ("3",))


def test_an_automatic_retry_says_what_went_wrong_and_keeps_the_first_start() -> None:
    """A failed attempt that is not final puts the task back among the ready ones, with no notice to the conductor."""
    crashed = e.WorkerEnded(worker="w1", task="1", outcome="failed", cause="crash", final=False, error="it crashed")
    state = run(created("1"), launched("1"), started("w1", "1"), crashed, slept())
    task = state.tasks["1"]
    assert (task.status, task.attempts, task.error, task.started, task.ended) == (
        "ready",
        ("w1",),
        "it crashed",
        5.0,
        None,
    )
    assert state.notices == ()


def test_spend_is_counted_once_for_the_run_and_once_for_its_owner() -> None:
    """Tokens and dollars of each request reach the run and the worker or the conductor; what was reserved is freed."""
    sent = e.RequestSent(request="r1", by="w1", model="m", reserved=0.5)
    paid = e.RequestEnded(request="r1", by="w1", model="m", stop="end_turn", input_tokens=7, output_tokens=2, usd=0.25)
    lost = e.RequestFailed(request="r2", by="conductor", model="m", reason="reset", error="x", held=0.125)
    own = e.RequestEnded(request="r3", by="conductor", model="m", stop="end_turn", cache_read_tokens=5, usd=0.0625)
    before = (created("1"), launched("1"), started("w1", "1"), sent)
    assert run(*before).committed == 0.5
    state = run(*before, paid, lost, own)
    assert (state.workers["w1"].spend.tokens, state.conductor.spend.tokens, state.spend.tokens) == (9, 5, 14)
    assert (state.spend.usd, state.held, state.committed, state.in_flight) == (0.3125, 0.125, 0.4375, {})


def test_a_question_beside_the_conversation_costs_and_says_nothing_of_its_context() -> None:
    """What a worker asks about a page is on its bill; its context is that of its own requests."""
    own = e.RequestEnded(request="r1", by="w1", model="m", stop="tool_use", input_tokens=70, output_tokens=2, usd=0.25)
    page = e.RequestEnded(
        request="r2", by="w1", model="m", stop="end_turn", input_tokens=900, output_tokens=5, usd=0.125, aside=True
    )
    worker = run(created("1"), launched("1"), started("w1", "1"), own, page).workers["w1"]
    assert (worker.context_tokens, worker.peak_tokens) == (72, 72)
    assert (worker.spend.tokens, worker.spend.usd) == (977, 0.375)


def test_a_request_without_a_price_makes_the_sum_unknown() -> None:
    """No figure is better than a wrong one."""
    free = e.RequestEnded(request="r1", by="conductor", model="m", stop="end_turn", usd=0.25)
    unknown = e.RequestEnded(request="r2", by="conductor", model="m", stop="end_turn", usd=None)
    assert run(free, unknown, free).spend.usd is None


def test_reading_calls_with_odd_arguments_do_not_upset_the_fold() -> None:
    """A call is recorded as the model made it, whatever its arguments are."""
    state = run(e.ToolStarted(call="c1", by="conductor", name="Read", input={"file_path": ["not", "a", "path"]}))
    assert state.calls == 1


def in_status(status: str) -> RunState:
    """A run with task 1 in this status (task 2 for `blocked`: it waits for 1) and task 3 that nobody launched."""
    ways: dict[str, tuple[Event, ...]] = {
        "blocked": (),
        "ready": (),
        "running": (launched("1"), started("w1", "1")),
        "completed": (launched("1"), started("w1", "1"), ended("w1", "1")),
        "failed": (launched("1"), started("w1", "1"), ended("w1", "1", "failed")),
        "cancelled": (e.TaskCancelled(task="1", by="person"),),
        "skipped": (e.TaskSkipped(task="1", reason="r"),),
    }
    return run(created("1"), created("2", "1"), created("3"), *ways[status])


def test_a_guide_that_was_read_is_told_with_its_size_and_nothing_else_is() -> None:
    """What was refused, a worker's output and a workspace file are no guides."""
    begun = snapshot(fold(Script().start().records), 0.0)
    assert begun["conductor"]["drafting"].startswith("The conductor works through others alone: it writes no code, ")
    assert begun["conductor"]["drafting"].endswith(" Guides it can read: code-review, data-analysis.")
    script = Script().start().read("guides/data-analysis.md", "x" * 7_000).read("guides/none.md", "no", is_error=True)
    state = fold(script.read("outputs/1.md", "y").read("/ws/notes.md", "z").records)
    assert [(guide.name, guide.tokens) for guide in state.conductor.guides] == [("data-analysis", 2_000)]
    picture = snapshot(state, 0.0)
    assert picture["conductor"]["drafting"].endswith(" It has read data-analysis (about 2.0k tokens).")
    assert [line["text"] for line in picture["tape"]] == ["read the guide data-analysis: about 2.0k tokens"]
