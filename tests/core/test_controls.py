"""What a person may do to the plan at the board, what is recorded of it, and what is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.controls import CONTROLS, control
from conductor_magic.decisions import StartWorker, StopWorker
from conductor_magic.errors import PlanError
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply
from conductor_magic.prompts import notice_text
from conductor_magic.recovering import attempt_reason
from conductor_magic.scheduler import decide
from conductor_magic.snapshot import snapshot
from conductor_magic.state import RunState
from tests.core.words import created, ended, launched, run, slept, started

PLAN = (created("1"), created("2", "1"), created("3"), launched("1"), launched("2"), launched("3"))


def do(state: RunState, kind: str, **args: Any) -> RunState:
    """The state after a control was carried out."""
    for step in control(state, kind, args):
        event: Event = (
            e.WorkerStopping(worker=step.worker, by=step.by, reason=step.reason)
            if isinstance(step, StopWorker)
            else step
        )
        state = apply(state, Record(state.seq + 1, state.at + 1.0, event))
        check(state)
    return state


def told(state: RunState) -> str:
    """What the conductor would be told now."""
    return notice_text(state, state.notices[state.conductor.told :], ())


def test_a_running_task_is_cancelled_by_stopping_its_worker() -> None:
    """The stop is the person's; the end of the attempt makes the task cancelled, and what waits stays."""
    state = run(*PLAN, started("w1", "1"))
    assert control(state, "cancel_task", {"task": "1"}) == [StopWorker("w1", "person", "Cancelled by you.")]
    state = do(state, "cancel_task", task="1")
    assert (state.tasks["1"].status, state.workers["w1"].stopping) == ("running", "Cancelled by you.")


@pytest.mark.parametrize("task", ["2", "3"])
def test_a_task_that_has_not_started_is_cancelled(task: str) -> None:
    """Whether it waits or is ready; the conductor is woken, and can be told in a line."""
    state = do(run(*PLAN, slept()), "cancel_task", task=task)
    assert (state.tasks[task].status, state.tasks[task].error) == ("cancelled", "Cancelled by you.")
    assert f"#{task} cancelled · Task {task}" in told(state)


def test_what_waited_for_a_skipped_task_goes_on() -> None:
    """It is out of the graph, and does not keep the run from being complete."""
    state = do(run(*PLAN), "skip", task="1")
    assert (state.tasks["2"].status, state.tasks["1"].error) == ("ready", "Skipped by you.")
    assert [command.task for command in decide(state) if isinstance(command, StartWorker)] == ["2", "3"]
    assert "#1 cancelled" in told(state)


def test_a_skipped_task_that_runs_has_its_worker_stopped() -> None:
    """By the engine, with the person's reason."""
    state = do(run(*PLAN, started("w1", "1")), "skip", task="1")
    assert StopWorker("w1", "engine", "Skipped by you.") in decide(state)


@pytest.mark.parametrize(("tier", "said"), [(None, "Tried again by you."), ("opus", "Tried again by you on opus.")])
def test_a_failed_task_is_tried_again(tier: str | None, said: str) -> None:
    """With the prompt that it had, on the same tier or another; the conductor is told, but need not act."""
    state = run(*PLAN, slept(), started("w1", "1"), ended("w1", "1", "failed"))
    state = do(state, "retry", task="1", **({"tier": tier} if tier else {}))
    task = state.tasks["1"]
    assert (task.status, task.prompt, task.tier, task.reason) == ("ready", "do it", tier or "sonnet", said)
    assert state.notices[-1].wakes is False
    assert said in told(state)
    risen = f"sonnet → {tier} after attempt 1 (failed: it failed) · " if tier else ""
    assert attempt_reason(state, task) == f"{risen}{said}"


def test_a_cancelled_task_is_tried_again_and_a_skipped_one_is_not() -> None:
    """Skipped means out of the graph."""
    assert do(do(run(*PLAN), "cancel_task", task="1"), "retry", task="1").tasks["1"].status == "ready"
    with pytest.raises(PlanError, match="no task 1 any more"):
        control(do(run(*PLAN), "skip", task="1"), "retry", {"task": "1"})


def test_edits_of_a_task_that_has_not_started_are_taken_back_one_by_one() -> None:
    """Tier and dependencies; each is shown with what it did until it is undone, and the state is as before then."""
    before = run(*PLAN, slept())
    state = do(before, "tier", task="2", tier="haiku")
    state = do(state, "wait", task="2", blocker="3")
    state = do(state, "free", task="2", blocker="1")
    assert (state.tasks["2"].tier, state.tasks["2"].blocked_by) == ("haiku", ("3",))
    assert [edit["text"] for edit in snapshot(state, 0.0)["edits"]] == [
        "it is haiku now", "it waits for #3", "it waits no longer for #1",
    ]  # fmt: skip
    assert "The person changed #2 · Task 2: it waits for #3" in told(state)
    for edit in reversed(state.edits):
        state = do(state, "undo", edit=edit.seq)
    assert (state.tasks["2"].tier, state.tasks["2"].blocked_by, state.edits) == ("sonnet", ("1",), ())
    assert snapshot(state, 0.0)["tape"][-1]["text"] == "taken back: it is sonnet now"
    with pytest.raises(PlanError, match="no such edit any more"):
        control(state, "undo", {"edit": before.seq + 1})


def test_an_edit_is_not_offered_and_not_taken_back_once_its_task_has_started() -> None:
    """It would change nothing any more."""
    state = do(run(*PLAN), "tier", task="1", tier="opus")
    edit = state.edits[0].seq
    for event in (started("w1", "1"),):
        state = apply(state, Record(state.seq + 1, state.at + 1.0, event))
    assert snapshot(state, 0.0)["edits"] == []
    with pytest.raises(PlanError, match="#1 is running: that can only be changed before it starts"):
        control(state, "undo", {"edit": edit})


REFUSED = {
    "a cycle": ("wait", {"task": "1", "blocker": "2"}, "That would be a cycle: 1 waits for 2 waits for 1"),
    "itself": ("wait", {"task": "1", "blocker": "1"}, "cannot wait for itself"),
    "twice": ("wait", {"task": "2", "blocker": "1"}, "waits for #1 already"),
    "not waited for": ("free", {"task": "2", "blocker": "3"}, "does not wait for #3"),
    "unknown task": ("tier", {"task": "9", "tier": "opus"}, "There is no task 9 any more"),
    "unknown tier": ("tier", {"task": "2", "tier": "gpt"}, "There is no tier gpt"),
    "same tier": ("tier", {"task": "2", "tier": "sonnet"}, "is sonnet already"),
    "retry of what waits": ("retry", {"task": "2"}, "only what failed or was cancelled"),
    "nothing named": ("skip", {}, "There is no task None any more"),
}


@pytest.mark.parametrize(("kind", "args", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_with_its_reason(kind: str, args: dict[str, Any], said: str) -> None:
    """Nothing is recorded."""
    with pytest.raises(PlanError, match=said):
        control(run(*PLAN), kind, args)


@pytest.mark.parametrize(("kind", "args"), [("wait", {"task": "2", "blocker": "3"}), ("retry", {"task": "3"})])
def test_what_was_replaced_is_neither_waited_for_nor_tried_again(kind: str, args: dict[str, Any]) -> None:
    """It would never be done; the person is told what stands for it now."""
    again = (e.TaskCreated(task=task, subject="Again", description="d", replaces="3") for task in "45")
    state = run(*PLAN, started("w1", "3"), ended("w1", "3", "failed"), *again)
    with pytest.raises(PlanError, match=r"^#4, #5 have taken the place of #3\.$"):
        control(state, kind, args)


@pytest.mark.parametrize("kind", CONTROLS)
def test_nothing_can_be_done_to_a_run_that_is_over(kind: str) -> None:
    """And in one that is being stopped, work can only be cancelled."""
    over = run(*PLAN, e.RunEnded(status="cancelled", answer=""))
    with pytest.raises(PlanError, match="The run is over"):
        control(over, kind, {"task": "1"})
    stopping = run(*PLAN, e.CancelRequested(by="person"))
    if kind != "cancel_task":
        with pytest.raises(PlanError, match="being stopped"):
            control(stopping, kind, {"task": "1"})


@pytest.mark.parametrize("kind", ["cancel_task", "skip"])
def test_a_completed_task_is_neither_cancelled_nor_skipped(kind: str) -> None:
    """What is done is done."""
    state = run(*PLAN, started("w1", "1"), ended("w1", "1"))
    with pytest.raises(PlanError, match="#1 is completed already"):
        control(state, kind, {"task": "1"})
