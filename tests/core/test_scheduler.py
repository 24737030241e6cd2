"""`decide`: random runs keep the rules of the contract; single rules by example."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.decisions import Celebrate, Finish, StartWorker, StopWorker, WakeConductor
from conductor_magic.events import Event
from conductor_magic.scheduler import MAX_ATTEMPTS, attempts_made, decide, is_final, unlaunched
from tests.core.simulate import PLANS, SIMULATIONS, Simulation
from tests.core.words import created, ended, launched, run, slept, started


@given(SIMULATIONS)
@settings(max_examples=150)
def test_a_random_run_ends_and_never_breaks_a_rule(simulation: Simulation) -> None:
    """No more workers than slots, no task before its blockers, no start after a stop, no contradiction."""
    resumed: set[str] = set()  # what a person takes up again may have used all its attempts
    for step in simulation.play().steps:
        check(step.after)
        assert len(step.after.running) <= simulation.slots
        assert len(step.after.tape) <= 12
        event = step.record.event
        if isinstance(event, e.RunResumed):
            resumed |= set(event.tasks)
        if isinstance(event, e.WorkerStarted):
            task = step.before.tasks[event.task]
            blockers = [step.before.tasks[blocker] for blocker in task.blocked_by]
            assert all(blocker.status == "completed" or blocker.deleted for blocker in blockers)
            assert task.launched and not task.deleted
            assert event.attempt == len(task.attempts) + 1
            assert attempts_made(step.before, task) < MAX_ATTEMPTS or event.task in resumed
            assert not step.before.stopping
            assert task.tier not in step.before.capped


@given(SIMULATIONS)
@settings(max_examples=100)
def test_a_random_run_ends_with_the_verdict_of_the_contract(simulation: Simulation) -> None:
    """`completed`, `partial`, `failed` and `cancelled` mean what design part 6 says, and no task is left waiting."""
    state = simulation.play().state
    assert all(task.over for task in state.tasks.values())
    statuses = [task.status for task in state.tasks.values() if not task.deleted and not task.replaced_by]
    if state.cancelled_by:
        expected = "cancelled"
    elif state.cap == "access" or state.conductor.status == "failed" or "completed" not in statuses:
        expected = "failed"
    elif set(statuses) == {"completed"} and state.answer and not state.cap:
        expected = "completed"
    else:
        expected = "partial"
    assert state.status == expected, state.end_reason
    assert (state.end_reason == "") == (state.status == "completed")


@given(PLANS)
@settings(max_examples=150)
def test_a_random_plan_starts_nobody_before_it_is_run(simulation: Simulation) -> None:
    """In mode plan no worker starts; it ends planned exactly if tasks wait and nothing cut it short."""
    for step in simulation.play().steps:
        check(step.after)
        event, before = step.record.event, step.before
        if before.plans_only:
            assert not isinstance(event, e.WorkerStarted)
        if isinstance(event, e.RunEnded) and before.plans_only:
            whole = not before.stopping and before.conductor.status != "failed"
            waits = any(not task.over for task in before.tasks.values())
            assert (event.status == "planned") == (whole and waits)
            assert all(task.over for task in before.tasks.values()) or event.status == "planned"
        if isinstance(event, e.RunEnded) and not before.plans_only:
            assert event.status != "planned"


@given(SIMULATIONS)
@settings(max_examples=100)
def test_the_conductor_is_woken_only_for_news(simulation: Simulation) -> None:
    """Each wake-up brings a notice or a never-launched task that it had not been told of, and none is told twice."""
    for step in simulation.play().steps:
        if isinstance(step.record.event, e.ConductorTold):
            told, event = step.before.conductor, step.record.event
            assert told.status == "sleeping"
            news = step.before.notices[told.told : event.until]
            assert news or set(event.unlaunched) - set(told.reminded)
            assert step.before.running or event.unlaunched or {notice.about for notice in news} != {"budget"}
            assert not set(event.unlaunched) & set(told.reminded)
    if not simulation.state.stopping and simulation.state.conductor.status != "failed":
        untold = simulation.state.notices[simulation.state.conductor.told :]
        assert {notice.about for notice in untold} <= {"budget"}


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 12))
@example(seed=0, slots=16, tasks=6)
@settings(max_examples=50)
def test_a_graph_launched_at_once_runs_through_without_the_conductor(seed: int, slots: int, tasks: int) -> None:
    """One turn lays out and launches everything: one wake-up, after the last worker; the run completes."""
    simulation = Simulation(seed, slots, tasks, failures=0.0, troubles=0, whims=False).play()
    kinds = [step.record.event.kind for step in simulation.steps]
    assert kinds.count("conductor.told") == 1
    last_end = max(index for index, kind in enumerate(kinds) if kind == "worker.ended")
    assert kinds.index("conductor.told") > last_end
    assert kinds.count("worker.started") == tasks
    assert {task.status for task in simulation.state.tasks.values()} == {"completed"}


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=50)
def test_a_free_desk_is_never_left_empty_beside_a_ready_task(seed: int, slots: int) -> None:
    """After the commands are carried out, either all desks are taken or no launched task is ready."""
    for step in Simulation(seed, slots, troubles=0).play().steps:
        state = step.after
        starts = [command for command in decide(state) if isinstance(command, StartWorker)]
        ready = [task for task in state.tasks.values() if task.status == "ready" and task.launched]
        assert len(starts) == (0 if state.ended else min(len(ready), slots - len(state.running)))
        assert len({start.desk for start in starts} | {worker.desk for worker in state.running}) == len(starts) + len(
            state.running
        )


def test_the_longest_chain_starts_first_when_desks_are_few() -> None:
    """Of three ready tasks on one desk, the one with most work behind it goes first."""
    state = run(created("1"), created("2"), created("3"), created("4", "2"), *map(launched, "1234"), workers=1)
    assert decide(state) == [StartWorker("2", attempt=1, desk=1)]


def test_a_deleted_task_has_its_worker_stopped_and_frees_what_waited() -> None:
    """Deleting a running task stops its worker; its dependents start at once."""
    state = run(created("1"), created("2", "1"), *map(launched, "12"), started("w1", "1"), e.TaskDeleted(task="1"))
    assert decide(state) == [StartWorker("2", 1, desk=2), StopWorker("w1", "engine", "Deleted by the conductor.")]


def test_a_deleted_task_counts_as_cancelled_even_when_its_worker_had_just_finished() -> None:
    """The worker's last word does not bring a deleted task back, nor does its failure make the task wait again."""
    before = (created("1"), launched("1"), started("w1", "1"), e.TaskDeleted(task="1"))
    for outcome, final in (("completed", True), ("failed", False), ("failed", True), ("cancelled", True)):
        state = run(*before, e.WorkerEnded(worker="w1", task="1", outcome=outcome, final=final))
        assert (state.tasks["1"].status, state.notices) == ("cancelled", ())


def test_a_failure_wakes_the_conductor_at_once_and_a_success_does_not() -> None:
    """With other work still running, a completed task is no reason to wake; a task failed for good is."""
    before = (created("1"), created("2"), *map(launched, "12"), started("w1", "1"), started("w2", "2", desk=2), slept())
    assert decide(run(*before, ended("w1", "1"))) == []
    assert decide(run(*before, ended("w1", "1", "failed"))) == [WakeConductor(1)]


def test_a_task_that_asks_for_it_wakes_the_conductor_when_it_completes() -> None:
    """`notify` on the launch turns a completion into a reason to wake."""
    notify = e.TaskLaunched(task="1", prompt="p", tier="haiku", notify=True)
    before = (
        created("1"),
        created("2"),
        notify,
        launched("2"),
        started("w1", "1"),
        started("w2", "2", desk=2),
        slept(),
    )
    assert decide(run(*before, ended("w1", "1"))) == [WakeConductor(1)]


def test_tasks_never_launched_are_told_once_and_then_skipped() -> None:
    """One reminder, then the run ends and says why the task was not worked on."""
    state = run(created("1"), slept())
    assert unlaunched(state) == ("1",)
    assert decide(state) == [WakeConductor(0, ("1",))]
    state = run(created("1"), slept(), e.ConductorTold(text="t", unlaunched=("1",)), slept())
    skip, finish = decide(state)
    assert skip == type(skip)("1", "It was planned but never launched.")
    assert finish == Finish("failed", "No task was completed.")


def test_a_plan_ends_with_its_tasks_waiting() -> None:
    """Nobody starts; what was never launched is told once, and what a cap cut short is no plan."""
    before = (created("1"), created("2", "1"), launched("1"))
    assert decide(run(*before, mode="plan")) == []
    assert decide(run(*before, slept(), mode="plan")) == [WakeConductor(0, ("2",))]
    told = (*before, slept(), e.ConductorTold(text="t", unlaunched=("2",)), slept())
    assert decide(run(*told, mode="plan")) == [Finish("planned", "")]
    capped = decide(run(*told, e.CapReached(cap="turns", text="No more turns."), mode="plan"))
    assert capped[-1] == Finish("failed", "No more turns.")
    assert len(capped) == 3


def test_a_plan_that_is_run_starts_at_once_and_the_conductor_hears_of_it_when_all_is_done() -> None:
    """The first ready task gets a desk; that the plan is run is no reason to wake anybody."""
    turn = e.ConductorTurn(request="r1", content=({"type": "text", "text": "The answer."},), stop="end_turn")
    planned = (created("1"), launched("1"), turn, slept(), e.RunEnded(status="planned", answer="The answer."))
    resumed = e.RunResumed(owner="process 2", mode="workspace")
    state = run(*planned, resumed, mode="plan")
    assert decide(state) == [StartWorker("1", 1, desk=1)]
    assert [notice.text for notice in state.notices] == ["The person has the plan run: workers do its tasks."]
    after = run(*planned, resumed, started("w1", "1"), ended("w1", "1"), mode="plan")
    assert decide(after) == [WakeConductor(2)]


def test_a_run_without_tasks_has_failed() -> None:
    """A conductor that answers without delegating leaves a failed run that says so."""
    assert decide(run(slept())) == [Finish("failed", "The conductor ended without creating a task.")]


def test_a_cancelled_run_stops_its_workers_and_waits_for_them() -> None:
    """Cancel: each worker is told once, nothing starts, and the run ends when the last one has."""
    before = (
        created("1"),
        created("2"),
        *map(launched, "12"),
        started("w1", "1"),
        slept(),
        e.CancelRequested(by="person"),
    )
    reason = "The run was cancelled by you."
    assert decide(run(*before)) == [StopWorker("w1", "person", reason)]
    stopping = e.WorkerStopping(worker="w1", by="person", reason=reason)
    assert decide(run(*before, stopping)) == []
    assert decide(run(*before, stopping, ended("w1", "1", "cancelled")))[-1] == Finish("cancelled", reason)


def test_a_spent_budget_lets_running_workers_finish() -> None:
    """The budget's cap starts nothing new and stops nobody; the run is partial at best."""
    cap = e.CapReached(cap="budget", text="The budget of 1 USD is spent.")
    before = (created("1"), created("2"), *map(launched, "12"), started("w1", "1"), slept(), cap)
    assert decide(run(*before)) == []
    told = e.ConductorTold(text="t", until=1)
    assert decide(run(*before, ended("w1", "1"), told, slept()))[-1] == Finish(
        "partial", f"{cap.text} Not completed: task 2."
    )


def test_a_capped_run_says_what_was_not_done_and_whether_there_is_an_answer() -> None:
    """Beside the cap; words from before the latest news are no answer, a warning that money is short is no news."""
    cap = e.CapReached(cap="turns", text="The turns are used up.")
    under_way = e.ConductorSlept(text="Four tasks are under way.")
    before = (*map(created, "1234"), *map(launched, "1234"), started("w1", "1"), started("w2", "2", 2))
    capped = (*before, under_way, cap, ended("w1", "1"))
    unpaid = e.ConductorSlept(text=None)

    def verdict(*events: Event) -> str:
        [*_, last] = decide(run(*events))
        assert isinstance(last, Finish) and last.status == "partial", last
        return last.reason

    undone = (*capped, ended("w2", "2", "failed"), e.ConductorTold(text="t", until=2))
    assert verdict(*undone, unpaid) == f"{cap.text} Not completed: tasks 2-4. No final answer was given."
    assert verdict(*undone, slept()) == f"{cap.text} Not completed: tasks 2-4."
    warned = e.BudgetWarned(usd=95, budget=100, unit="turns", share=0.95)
    assert verdict(*undone, slept(), warned) == f"{cap.text} Not completed: tasks 2-4."
    pair = (*map(created, "12"), *map(launched, "12"), *before[-2:])
    wordless = (*pair, cap, ended("w1", "1"), ended("w2", "2"), e.ConductorTold(text="t", until=2), unpaid)
    assert verdict(*wordless) == f"{cap.text} No answer was given."


def test_is_final_gives_one_retry_for_accidents_and_none_for_refusals() -> None:
    """A crash, time-out or limit is retried once; all else, a second one and a third attempt go to the conductor."""
    assert [is_final(cause, ()) for cause in ("crash", "timeout", "limit")] == [False, False, False]
    assert [is_final(cause, ()) for cause in ("refusal", "schema", "status", "api")] == [True, True, True, True]
    assert is_final("crash", ("timeout",))
    assert not is_final("crash", ("status",))
    assert is_final("crash", ("status", "status"))


def test_a_phase_that_is_complete_has_its_moment_once() -> None:
    """Not while one of its tasks is open, and not again when the next phase is."""

    def moments(*further: e.Event) -> list[str]:
        one = [
            e.TaskCreated(task=task, subject=task, description="d", phase="Survey" if task < "3" else "Report")
            for task in "123"
        ]
        begun = (*one, *(launched(task) for task in "123"), slept(), *further)
        return [command.phase for command in decide(run(*begun, workers=3)) if isinstance(command, Celebrate)]

    first, second = (started("w1", "1"), ended("w1", "1")), (started("w2", "2", 2), ended("w2", "2"))
    third = (started("w3", "3", 3), ended("w3", "3"))
    told = e.Milestone(scope="phase", name="Survey")
    assert moments(*first) == []
    assert moments(*first, *second) == ["Survey"]
    assert moments(*first, *second, told) == []
    assert moments(*first, *second, told, *third) == ["Report"]
