"""What a resumption takes up: which attempts go on, which tasks wait again, which calls are unsure, what is closed."""

from __future__ import annotations

import pytest

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.decisions import ContinueWorker, StartWorker
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply, fold
from conductor_magic.prompts import worker_prompt
from conductor_magic.resuming import taken_over, what_to_tell
from conductor_magic.scheduler import attempts_made, decide
from conductor_magic.state import RunState
from tests.core.words import created, launched, run, started

BASH = e.ToolStarted(call="c1", by="w1", name="Bash", input={"command": "make"}, repeatable=False)
ASK = ({"question": "May it?", "options": [{"label": "No"}, {"label": "Yes, once"}]},)


def after(*events: Event) -> RunState:
    """The state of a run with a task at work, and these events."""
    begun = (
        e.RunStarted(run="r", goal="g"),
        e.TaskCreated(task="1", subject="Task 1", description=""),
        e.TaskLaunched(task="1", prompt="Do.", tier="sonnet"),
        attempt("w1", 1),
    )
    return fold([Record(seq, float(seq), event) for seq, event in enumerate((*begun, *events), 1)])


def attempt(worker: str, number: int) -> e.WorkerStarted:
    return e.WorkerStarted(worker=worker, task="1", attempt=number, desk=1, tier="sonnet", model="m", prompt="Do.")


def ended(worker: str, cause: e.Cause, outcome: e.Outcome = "failed") -> e.WorkerEnded:
    return e.WorkerEnded(worker=worker, task="1", outcome=outcome, cause=cause, error="It ended.", final=True)


def resumed(state: RunState) -> e.RunResumed:
    walls = ("workspace", "none", "")
    return taken_over(state, owner="process 2", away=1.0, alone=None, budget=None, timeout=None, caps={}, walls=walls)


def asked(by: str = "w1") -> e.QuestionAsked:
    return e.QuestionAsked(question="q1", ask=ASK, about="permission", by=by, task="1", call="c1")


def test_a_call_that_waited_for_its_yes_is_not_unsure() -> None:
    """It has done nothing; one that had its yes, or needed none, may have done anything."""
    yes = e.QuestionAnswered(question="q1", answers={"May it?": "Yes, once"}, by="person")
    closed = e.QuestionAnswered(question="q1", answers={"May it?": "No"}, by="engine")
    assert resumed(after(BASH)).unsure == ("c1",)
    assert resumed(after(BASH, asked())).unsure == ()
    assert resumed(after(BASH, asked(), closed)).unsure == ()
    assert resumed(after(BASH, asked(), yes)).unsure == ("c1",)


@pytest.mark.parametrize("said", ["No", "No, move it away instead"])
def test_a_call_that_was_denied_is_not_unsure(said: str) -> None:
    """It has not run; of one that nobody was sure of before, "Leave it" says nothing about what it has done."""
    no = e.QuestionAnswered(question="q1", answers={"May it?": said}, by="person")
    assert resumed(after(BASH, asked(), no)).unsure == ()
    again = ({"question": "Run it again?", "options": [{"label": "Leave it"}, {"label": "Run it again"}]},)
    unsure = e.QuestionAsked(question="q1", ask=again, about="permission", by="w1", task="1", call="c1")
    left = e.QuestionAnswered(question="q1", answers={"Run it again?": "Leave it"}, by="person")
    assert resumed(after(BASH, unsure, left)).unsure == ("c1",)


def test_questions_of_workers_are_closed_with_a_no_and_the_conductors_stay() -> None:
    """A call that waited for its yes asks anew; nobody waits for the old answer any more."""
    closed = e.QuestionAnswered(question="q1", answers={"May it?": "No"}, by="engine")
    assert what_to_tell(after(BASH, asked()), [], []) == [closed]
    assert what_to_tell(after(asked(by="conductor")), [], []) == []


def test_only_the_last_attempt_goes_on() -> None:
    """A cap ended the first one; where the task was launched again since, that one stays ended."""
    first = ended("w1", "budget")
    assert (resumed(after(first)).workers, resumed(after(first)).tasks) == (("w1",), ())
    again = (first, e.TaskLaunched(task="1", prompt="Do.", tier="sonnet"), attempt("w2", 2))
    assert resumed(after(*again, ended("w2", "budget"))).workers == ("w2",)
    assert resumed(after(*again, ended("w2", "status"))).workers == ()


def test_a_task_whose_provider_failed_waits_again() -> None:
    """Its worker did nothing wrong; one that failed of itself does not."""
    assert resumed(after(ended("w1", "api"))).tasks == ("1",)
    assert resumed(after(ended("w1", "status"))).tasks == ()


def test_a_worker_that_goes_on_sits_down_where_nobody_sits() -> None:
    """A cap ended its attempt, another took its desk, and then the process was gone: both go on, at a desk each."""
    state = run(
        *(event for task in "12" for event in (created(task), launched(task))),
        started("w1", "1", desk=1),
        e.WorkerEnded(worker="w1", task="1", outcome="limit", cause="budget", error="No more calls."),
        started("w2", "2", desk=1),
    )
    event = resumed(state)
    assert event.workers == ("w1", "w2")
    on = apply(state, Record(state.seq + 1, state.at, event))
    check(on)
    assert {worker.id: worker.desk for worker in on.running} == {"w1": 2, "w2": 1}


def test_for_whom_no_desk_is_free_goes_on_when_one_is() -> None:
    """Where one desk is all there is, whoever sits at it goes on; the other does when it is done: no other attempt."""
    state = run(
        *(event for task in "12" for event in (created(task), launched(task))),
        started("w1", "1", desk=1),
        e.WorkerEnded(worker="w1", task="1", outcome="limit", cause="budget", error="No more calls."),
        started("w2", "2", desk=1),
        workers=1,
    )
    event = resumed(state)
    assert (event.workers, event.tasks, event.late) == (("w2",), ("1",), ("w1",))
    on = then(state, event)
    assert [task.status for task in on.tasks.values()] == ["ready", "running"]
    on = then(on, e.WorkerEnded(worker="w2", task="2", outcome="completed"))
    assert decide(on) == [ContinueWorker("w1", desk=1)]
    on = then(on, e.WorkerContinued(worker="w1", desk=1))
    assert [(worker.id, worker.breaks != ()) for worker in on.running] == [("w1", True)]
    assert on.tasks["1"].attempts == ("w1",)


def cut_twice() -> RunState:
    """One desk: a cap ended its first worker long before the run's end cut off the second in the midst of a call."""
    bash = e.ToolStarted(call="c1", by="w2", name="Bash", input={"command": "make deploy"}, repeatable=False)
    return run(
        *(event for task in "12" for event in (created(task), launched(task))),
        started("w1", "1", desk=1),
        e.ToolStarted(call="c0", by="w1", name="Python", input={"code": "pay()"}, repeatable=False),
        e.WorkerEnded(worker="w1", task="1", outcome="limit", cause="budget", error="No more calls.", output="Half."),
        started("w2", "2", desk=1),
        bash,
        e.CancelRequested(by="person"),
        e.WorkerStopping(worker="w2", by="person", reason="The run was cancelled by you."),
        e.WorkerEnded(worker="w2", task="2", outcome="cancelled", cause="cancelled", error="The run was cancelled."),
        workers=1,
    )


def test_who_had_the_desk_last_has_it_again_and_no_cut_call_is_forgotten() -> None:
    """Also a call of the worker that goes on later is named as unsure, and it is there when that one goes on."""
    event = resumed(cut_twice())
    assert (event.workers, event.late) == (("w2",), ("w1",))
    assert set(event.unsure) == {"c0", "c1"}
    on = then(cut_twice(), event)
    on = then(on, e.WorkerEnded(worker="w2", task="2", outcome="completed"))
    on = then(on, e.WorkerContinued(worker="w1", desk=1))
    assert set(on.workers["w1"].calls) == {"c0"}
    # Cut off once more before its turn came, it is still that one.
    again = then(on := then(cut_twice(), event), resumed(on))
    again = then(again, e.WorkerEnded(worker="w2", task="2", outcome="completed"))
    assert decide(again) == [ContinueWorker("w1", desk=1)]


def test_an_attempt_that_only_the_end_cut_off_is_no_failed_one() -> None:
    """The next one, on another tier, is told what may have been done, not of a failure; and it counts for nothing."""
    on = then(cut_twice(), resumed(cut_twice()))
    moved = then(on, e.TaskLaunched(task="1", prompt="Do.", tier="opus"))
    assert attempts_made(moved, moved.tasks["1"]) == 0
    prompt = worker_prompt(moved, moved.tasks["1"])
    assert "AN EARLIER ATTEMPT FAILED" not in prompt
    cut = prompt.split("AN EARLIER ATTEMPT WAS CUT OFF\n")[1]
    assert "may have had their effect" in cut
    assert "pay()" in cut
    assert "Half." in cut
    moved = then(moved, e.WorkerEnded(worker="w2", task="2", outcome="completed"))
    assert decide(moved) == [StartWorker("1", attempt=2, desk=1)]


@pytest.mark.parametrize(("by", "run_stops"), [("person", False), ("person", True), ("engine", False)])
def test_a_task_that_a_person_stopped_stays_stopped(by: str, run_stops: bool) -> None:
    """Its worker does not go on; one that a cap or the end of the run stopped does, where that holds no more."""
    cancel = [e.CancelRequested(by="person")] if run_stops else []
    stop = e.WorkerStopping(worker="w1", by=by, reason="Cancelled by you.")
    on = then(after(*cancel, stop), resumed(after(*cancel, stop)))
    stays = by == "person" and not run_stops
    assert on.workers["w1"].stopping == ("Cancelled by you." if stays else "")


def then(state: RunState, event: Event) -> RunState:
    """The state after one more event."""
    after = apply(state, Record(state.seq + 1, state.at + 1.0, event))
    check(after)
    return after
