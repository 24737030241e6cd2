"""The expected rest of a run: from what its tiers usually take, at the pace that finished tasks have shown."""

from __future__ import annotations

import pytest

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.forecast import Outlook, TierOutlook, expected_rest, outlook, tier_usd
from conductor_magic.state import RunState
from tests.golden.script import START, Script

USUAL = {"haiku": 20.0, "sonnet": 60.0, "opus": 120.0}


def plan(workers: int, *tasks: tuple[str, str, tuple[str, ...]], expected: dict[str, float] | None = None) -> Script:
    """A run with these tasks (id, tier, blockers), all launched."""
    script = Script().start(workers=workers, expected=USUAL if expected is None else expected).at(0)
    for task, tier, blockers in tasks:
        script.add(
            e.TaskCreated(task=task, subject=f"Task {task}", description="", tier=tier, blocked_by=blockers),
            e.TaskLaunched(task=task, prompt="", tier=tier),
        )
    return script


def rest(script: Script, seconds: float) -> float | None:
    """The rest at a moment after the start."""
    return expected_rest(state(script), START + seconds)


def state(script: Script) -> RunState:
    """What the script's records fold to."""
    return fold(script.records)


def begin(script: Script, task: str, tier: str, desk: int = 1) -> Script:
    """A worker takes the task."""
    return script.add(
        e.WorkerStarted(
            worker=f"w{task}", task=task, attempt=1, desk=desk, tier=tier, model="m", prompt="p", expected=USUAL[tier]
        )
    )


def end(script: Script, task: str, outcome: str = "completed") -> Script:
    """Its worker is done with it."""
    cause = "" if outcome == "completed" else "status"
    return script.add(
        e.WorkerEnded(worker=f"w{task}", task=task, outcome=outcome, cause=cause, final=True, output="", error="")
    )


def test_the_longest_chain_or_the_work_for_the_desks_whichever_is_more() -> None:
    """With desks for all, the chain; with one desk, everything after each other."""
    tasks = (("1", "haiku", ()), ("2", "sonnet", ("1",)), ("3", "opus", ("1",)))
    assert rest(plan(8, *tasks), 0) == pytest.approx(20 + 120)
    assert rest(plan(1, *tasks), 0) == pytest.approx(20 + 60 + 120)


def test_time_spent_counts_until_it_is_used_up() -> None:
    """A task that takes longer than expected is expected to end now, not in the past."""
    script = begin(plan(4, ("1", "sonnet", ()), ("2", "haiku", ("1",))).at(10), "1", "sonnet")
    assert rest(script, 40) == pytest.approx(30 + 20)
    assert rest(script, 400) == pytest.approx(20)


@pytest.mark.parametrize(("took", "pace"), [(30, 0.5), (90, 1.5), (1, 0.4), (1_000, 2.0)])
def test_finished_tasks_set_the_pace_within_bounds(took: float, pace: float) -> None:
    """Half as long as expected halves the rest; one very odd task does not make it absurd."""
    script = plan(4, ("1", "sonnet", ()), ("2", "opus", ("1",)))
    end(begin(script, "1", "sonnet").at(took), "1")
    assert rest(script, took) == pytest.approx(120 * pace)


def test_what_waits_for_a_failed_task_is_not_counted() -> None:
    """It goes on only when somebody acts."""
    script = plan(4, ("1", "haiku", ()), ("2", "opus", ("1",)), ("3", "opus", ("2",)), ("4", "sonnet", ()))
    end(begin(script, "1", "haiku").at(10), "1", "failed")
    assert rest(script, 10) == pytest.approx(60)


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No tasks, all done, a run that is stopped, a journal that does not say what to expect."""
    assert rest(plan(4), 0) is None
    script = plan(4, ("1", "haiku", ()))
    assert rest(plan(4, ("1", "haiku", ()), expected={}), 0) is None
    stopped = plan(4, ("1", "haiku", ())).add(e.CancelRequested(by="person"))
    assert rest(stopped, 0) is None
    assert rest(end(begin(script, "1", "haiku").at(10), "1"), 10) is None


def test_a_model_that_is_another_now_has_no_price_of_the_former() -> None:
    """Where the record of a change tells no prices, the tiers that kept their models keep theirs."""
    tiers = {"haiku": "h", "sonnet": "s"}
    script = plan(4).add(e.ModelsResolved(tiers=tiers, source="models.list", usd={"haiku": 0.1, "sonnet": 0.2}))
    script.add(e.ModelsResolved(tiers={**tiers, "haiku": "other"}, source="standin"))
    assert [tier_usd(state(script), tier) for tier in e.TIERS] == [None, 0.2, None]


def planned(script: Script) -> Outlook:
    """The outlook of a plan, at its end."""
    script.add(e.RunEnded(status="planned", answer="The plan."))
    found = outlook(state(script))
    assert found is not None
    return found


PRICES = e.ModelsResolved(tiers={}, source="models.list", usd={"haiku": 0.25, "sonnet": 0.5, "opus": 1.0})


@pytest.mark.parametrize(("workers", "seconds"), [(8, 140.0), (1, 260.0)])
def test_a_plan_is_forecast_whole(workers: int, seconds: float) -> None:
    """The chain that takes longest by the tiers' times, or all of it at the desks there are; what each tier costs."""
    tasks = (("1", "haiku", ()), ("2", "sonnet", ("1",)), ("3", "opus", ("1",)), ("4", "sonnet", ()))
    script = plan(workers, *tasks).add(PRICES)
    assert outlook(state(script)) is None
    assert planned(script) == Outlook(
        ("1", "3"),
        seconds,
        2.25,
        (TierOutlook("haiku", 1, 20, 0.25), TierOutlook("sonnet", 2, 60, 1.0), TierOutlook("opus", 1, 120, 1.0)),
    )


def test_what_a_person_took_out_of_a_plan_is_not_forecast() -> None:
    """Neither a deleted task nor a cancelled one; what waits for the latter is."""
    script = plan(8, ("1", "opus", ()), ("2", "haiku", ("1",)), ("3", "haiku", ("2",)), ("4", "opus", ())).add(PRICES)
    script.add(e.TaskCancelled(task="1", by="person"), e.TaskDeleted(task="4", by="person"))
    found = planned(script)
    assert (found.critical_path, found.seconds, found.usd) == (("2", "3"), 40.0, 0.5)


def test_of_what_is_not_known_nothing_is_said() -> None:
    """Without a tier's price there is no cost, without its time no time; the longest chain is one of the most tasks."""
    tasks = (("1", "haiku", ()), ("2", "haiku", ("1",)), ("3", "opus", ()))
    found = planned(plan(8, *tasks, expected={"haiku": 20.0}).add(PRICES.model_copy(update={"usd": {"haiku": 0.25}})))
    assert (found.critical_path, found.seconds, found.usd) == (("1", "2"), None, None)
    assert found.tiers == (TierOutlook("haiku", 2, 20, 0.5), TierOutlook("opus", 1, None, None))


def test_a_rehearsal_of_a_plan_costs_nothing() -> None:
    """That much is known of it."""
    script = Script().start(provider="rehearsal", expected=USUAL)
    script.add(e.TaskCreated(task="1", subject="Task 1", description="", tier="opus"))
    assert planned(script).usd == 0.0


def test_while_a_plan_is_made_no_end_of_work_is_foretold() -> None:
    """Nobody is going to start in that run."""
    script = Script().start(mode="plan", expected=USUAL)
    script.add(e.TaskCreated(task="1", subject="Task 1", description="", tier="opus"))
    assert rest(script, 0) is None
