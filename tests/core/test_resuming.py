"""What a resumption takes up: which attempts go on, which tasks wait again, which calls are unsure, what is closed."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply, fold
from conductor_magic.resuming import taken_over, what_to_tell
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
    return taken_over(state, owner="process 2", away=1.0, budget=None, timeout=None, caps={}, walls=walls)


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


def test_for_whom_no_desk_is_free_another_attempt_waits() -> None:
    """Where one desk is all there is, whoever sits at it goes on, and the other's task waits."""
    state = run(
        *(event for task in "12" for event in (created(task), launched(task))),
        started("w1", "1", desk=1),
        e.WorkerEnded(worker="w1", task="1", outcome="limit", cause="budget", error="No more calls."),
        started("w2", "2", desk=1),
        workers=1,
    )
    event = resumed(state)
    assert (event.workers, event.tasks) == (("w2",), ("1",))
    on = apply(state, Record(state.seq + 1, state.at, event))
    check(on)
    assert [task.status for task in on.tasks.values()] == ["ready", "running"]
