"""Plan first: a run that ends with its plan, and the runs that are made of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import BaseModel

from conductor_magic.api import conduct, go, load, resume
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RunStarted, TaskCreated, TaskLaunched, WorkerStarted
from conductor_magic.fold import fold
from conductor_magic.journal import NAME, encode, read_records
from conductor_magic.result import ConductResult
from conductor_magic.settings import run_folders
from tests.shell.conftest import Begin, Play
from tests.support.conversation import check_conversation
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, MessagesServer, text, tools

GRAPH = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
ASK = {
    "question": "Which?",
    "header": "Which",
    "options": [{"label": "One", "description": ""}, {"label": "Two", "description": ""}],
}
Serve = Callable[[Any], MessagesServer]


def planning(*more: Answer, graph: dict[str, tuple[str, ...]] | None = None) -> Floor:
    """A floor whose conductor lays a graph out and describes it."""
    return Floor([lay_out(graph or GRAPH), text("First a, then b and c, then d."), *more])


def shape(result: ConductResult) -> list[Any]:
    """Each task as it was planned."""
    return [(task.id, task.subject, task.description, task.tier, task.reason, task.blocked_by) for task in result]


def contents(folder: str) -> dict[str, bytes]:
    """All files in a folder."""
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# --- the plan ------------------------------------------------------------------------------------------------------


def test_a_plan_ends_planned_and_no_worker_was_asked(play: Play) -> None:
    """Graph, tiers and reasons are in the result; the tasks still wait; what is loaded is what was live."""
    reasons = tools(create("a", model="opus", reason="Hard."), launch("a", model="opus", reason="Hard."),
                    create("b", "a"), launch("b", reason="Easy."))  # fmt: skip
    floor = Floor([reasons, text("First a, then b.")])
    result = play(floor, mode="plan")
    assert (result.status, result.reason, result.answer) == ("planned", "", "First a, then b.")
    assert [(task.tier, task.reason, task.status, task.attempts) for task in result] == [
        ("opus", "Hard.", "ready", ()),
        ("haiku", "Easy.", "blocked", ()),
    ]
    assert result.graph.edges == (("1", "2"),)
    assert floor.worker_requests == []
    assert len(floor.conductor_requests) == 2
    assert load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_a_plan_is_forecast_and_what_is_made_of_it_is_not(play: Play, serve: Serve, tmp_path: Path) -> None:
    """Critical path, time and cost are in the result and the same on the board, shown and saved."""
    result = play(planning(), mode="plan", workers=2)
    forecast = result.forecast
    assert forecast is not None
    assert (forecast.seconds, forecast.critical_path) == (60.0, ("1", "2", "4"))
    assert result.graph.critical_path == forecast.critical_path
    [tier] = forecast.tiers
    assert (tier.tier, tier.tasks, tier.seconds) == ("haiku", 4, 20.0)
    assert forecast.usd == tier.usd
    assert forecast.usd is not None
    assert forecast.usd > 0
    board = result.last_snapshot
    assert board["plan"] == forecast.model_dump(mode="json")
    assert board["critical"] == list(forecast.critical_path)
    page = result.save(tmp_path / "plan.html").read_text("utf-8")
    for picture in (page, result.show().data, result._repr_html_(), repr(result)):
        assert "4 tasks with up to 2 workers at once in about 1:00" in picture
    serve(Floor([text("The answer.")]))
    assert go(quiet=True).wait(60).forecast is None


def test_without_a_known_price_no_cost_is_forecast(play: Play) -> None:
    """It is None, and the board says so."""
    result = play(planning(), mode="plan", budget=None, tiers={"haiku": "claude-unheard-of"})
    assert result.forecast is not None
    assert result.forecast.usd is None
    assert "its price is not known" in repr(result)


def test_the_conductor_knows_that_only_the_plan_is_made_and_is_told_the_truth(play: Play) -> None:
    """Its first message says so, what it launches is queued, and nothing else of the request differs."""
    floor, other = planning(), planning()
    play(floor, mode="plan")
    play(other)
    first, usual = floor.conductor_requests[0], other.conductor_requests[0]
    assert "PLAN ONLY" in str(first["messages"])
    assert "PLAN ONLY" not in str(usual["messages"])
    assert {name: first[name] for name in ("system", "tools")} == {name: usual[name] for name in ("system", "tools")}
    answers = [block["content"] for block in floor.conductor_requests[1]["messages"][-1]["content"]]
    launches = [answer for answer in answers if "waitsFor" in answer]
    assert len(launches) == 4
    assert all('"status":"queued"' in answer for answer in launches)


def test_what_was_never_launched_is_told_once_and_then_stays_in_the_plan(play: Play) -> None:
    """The reminder says what becomes of it."""
    floor = Floor([tools(create("a"), create("b", "a"), launch("b")), text("A plan."), text("A plan all the same.")])
    result = play(floor, mode="plan")
    assert (result.status, result.answer) == ("planned", "A plan all the same.")
    assert [task.status for task in result] == ["ready", "blocked"]
    told = str(floor.conductor_requests[-1]["messages"][-1]["content"])
    assert "Created but never launched: #1." in told
    assert "what is left is launched with its description" in told
    assert "No worker starts in this run." in told
    assert len(floor.conductor_requests) == 3


def test_a_plan_without_tasks_has_failed(play: Play) -> None:
    """And go says so."""
    result = play(Floor([text("Nothing to do.")]), mode="plan")
    assert (result.status, result.reason) == ("failed", "The conductor ended without creating a task.")
    with pytest.raises(ConductUsageError, match=rf"The last plan, of run {result.id}, has no tasks. Plan again"):
        go()


def test_plans_share_a_workspace_with_a_run_that_writes(begin: Begin, play: Play) -> None:
    """The plan is made while a worker is at work there; a second writing run is refused."""
    hold = threading.Event()

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        hold.wait(20)
        return done(task, turn, body)

    writing = begin(Floor([lay_out({"a": ()}), text("Under way.")], slow))
    while not writing.state.running:
        assert not writing.done.wait(0.02)
    try:
        assert play(planning(), mode="plan").status == "planned"
        before = run_folders()
        with pytest.raises(ConductUsageError, match=f"Run {writing.id} is working in"):
            go()
        assert run_folders() == before
    finally:
        hold.set()


def test_variables_are_described_and_no_kernel_is_started(play: Play, tmp_path: Path) -> None:
    """The conductor knows them; they are handed over only when the plan is run."""
    seen: list[list[psutil.Process]] = []

    class Watched(Floor):
        def __call__(self, body: dict[str, Any], number: int) -> Answer:
            seen.append(psutil.Process().children(recursive=True))
            return super().__call__(body, number)

    before = psutil.Process().children(recursive=True)
    floor = Watched([lay_out(GRAPH, first_seconds=1), text("The plan.")])
    result = play(floor, mode="plan", use=["sales"], variables={"sales": [1, 2, 3]})
    assert seen == [before, before]
    assert "`sales`: list" in str(floor.conductor_requests[0]["messages"][0])
    assert not (Path(result.path) / "variables").exists()
    with pytest.raises(ConductUsageError, match=r"was given sales: make it again .* then go\.$"):
        go(quiet=True)


def test_the_conductor_asks_its_own_questions_while_it_plans(play: Play) -> None:
    """The answer is in the plan's record, and go does not ask again."""
    floor = Floor([tools(("AskUserQuestion", {"questions": [ASK]})), lay_out(GRAPH), text("The plan.")])
    result = play(floor, mode="plan", answers={"Which?": "Two"})
    assert (result.status, result.questions[0].answers) == ("planned", {"Which?": "Two"})


# --- the run that is made of it ------------------------------------------------------------------------------------


def test_go_runs_exactly_the_planned_graph(play: Play, serve: Serve) -> None:
    """Under a new id; the conductor keeps its conversation and is woken once, when all is done."""
    plan = play(planning(), mode="plan")
    before = contents(plan.path)
    floor = Floor([text("The answer.")])
    serve(floor)
    result = go(quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "The answer.")
    assert result.id > plan.id
    assert shape(result) == shape(plan)
    assert result.graph.edges == plan.graph.edges
    assert floor.order[0] == "worker a"
    assert sorted(floor.order[1:3]) == ["worker b", "worker c"]
    assert floor.order[3:] == ["worker d", "conductor"]
    [body] = floor.conductor_requests
    check_conversation(body["messages"])
    assert "First a, then b and c, then d." in str(body["messages"][-2])
    assert "The person has the plan run: workers do its tasks." in str(body["messages"][-1])
    events = [record.event for record in result.events]
    assert isinstance(events[0], RunStarted)
    assert (events[0].run, events[0].parent) == (result.id, plan.id)
    assert fold(list(result.events)).started.mode != "plan"  # pyright: ignore[reportOptionalMemberAccess]
    assert contents(plan.path) == before
    assert load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_what_the_plan_cost_is_counted_and_said(play: Play, serve: Serve) -> None:
    """One total for both, and a note."""
    plan = play(planning(), mode="plan")
    serve(Floor([text("The answer.")]))
    result = go(quiet=True).wait(60)
    assert plan.usage.total.requests == 2
    assert result.usage.total.requests == 2 + len(GRAPH) + 1
    assert result.usage.conductor.requests == 3
    spent = f"${plan.usage.total.usd:.2f}"
    assert f"The plan was made in run {plan.id}; what that cost, {spent}, is counted in this one." in result.notes


def test_go_twice_makes_two_runs_of_one_plan(play: Play, serve: Serve) -> None:
    """The plan is not used up, and the runs are no plans themselves."""
    plan = play(planning(), mode="plan")
    serve(Floor([text("Once."), text("Twice.")]))
    first, second = go(quiet=True).wait(60), go(quiet=True).wait(60)
    assert (first.status, second.status) == ("completed", "completed")
    assert (first.answer, second.answer) == ("Once.", "Twice.")
    assert len({plan.id, first.id, second.id}) == 3
    assert shape(first) == shape(second) == shape(plan)


def test_what_was_never_launched_is_run_with_its_description(play: Play, serve: Serve) -> None:
    """What a person saw in the plan is what runs."""
    play(Floor([tools(create("a", model="opus"), create("b", "a"), launch("b")), text("A plan.")]), mode="plan")
    floor = Floor([text("The answer.")])
    serve(floor)
    result = go(quiet=True).wait(60)
    assert result.status == "completed"
    assert floor.order == ["worker Do a.", "worker b", "conductor"]
    assert [task.tier for task in result] == ["opus", "haiku"]


def test_go_takes_the_plans_options_but_for_what_it_is_given(play: Play, serve: Serve) -> None:
    """Workers at once, budget and caps stay; mode is workspace; each can be said anew."""
    play(planning(), mode="plan", workers=3, budget=2.5, cap={"run.calls": 50})
    serve(Floor([]))
    run = go(quiet=True)
    run.wait(60)
    started = run.state.started
    assert started is not None
    assert (started.workers, run.state.budget, dict(run.state.caps)) == (3, 2.5, {"run.calls": 50})
    assert started.mode in ("workspace", "ask")
    run = go(quiet=True, mode="read-only", workers=1, budget=None)
    run.wait(60)
    started = run.state.started
    assert started is not None
    assert (started.mode, started.workers, run.state.budget) == ("read-only", 1, None)
    assert {record.event.desk for record in run.result().events if isinstance(record.event, WorkerStarted)} == {1}


def test_the_plans_caps_hold_for_both(play: Play) -> None:
    """A total that the plan has used up is refused with what to type; no folder is left."""
    plan = play(planning(), mode="plan", cap={"run.turns": 2})
    before = run_folders()
    with pytest.raises(ConductUsageError, match=r"has used 2 turns of 2 turns\..*%conduct go --cap run.turns=4"):
        go()
    assert run_folders() == before == [Path(plan.path)]


class Answers(BaseModel):
    """A value."""

    count: int


def test_this_kernels_plan_keeps_its_type_and_its_answers(play: Play, serve: Serve, tmp_path: Path) -> None:
    """A plan of this kernel need not be told them again; of two plans it is the one that is run."""
    serve(planning())
    options: dict[str, Any] = {"workspace": str(tmp_path / "workspace"), "quiet": True}
    plan = conduct("Plan.", mode="plan", returns=Answers, answers={"Which?": "Two"}, **options).wait(60)
    assert plan.status == "planned", plan.reason
    play(planning(), mode="plan")  # of a kernel that is not this one, for all that is remembered
    serve(Floor([tools(("AskUserQuestion", {"questions": [ASK]})), text("The answer."), text('{"count": 3}')]))
    result = go(quiet=True).wait(60)
    assert result.value == Answers(count=3)
    assert result.questions[0].answers == {"Which?": "Two"}


# --- what cannot be run --------------------------------------------------------------------------------------------


def test_without_a_plan_there_is_nothing_to_run(play: Play) -> None:
    """A run that is no plan is not one either."""
    play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    with pytest.raises(ConductUsageError, match=r"There is no plan yet: %%conduct --mode plan makes one\."):
        go()


def test_go_itself_is_no_plan(play: Play) -> None:
    """Mode plan is refused, and so is an option that the plan has settled."""
    play(planning(), mode="plan")
    with pytest.raises(ConductUsageError, match="give go a mode in which workers run"):
        go(mode="plan")
    with pytest.raises(ConductUsageError, match="provider stays as the run began with it"):
        go(provider="rehearsal")
    assert len(run_folders()) == 1


def test_a_workspace_that_is_gone_is_named(play: Play, tmp_path: Path) -> None:
    """Nothing is left of the attempt."""
    play(planning(), mode="plan")
    shutil.rmtree(tmp_path / "workspace")
    with pytest.raises(ConductUsageError, match=r"workspace must be an existing folder; .* does not exist"):
        go()
    assert len(run_folders()) == 1


def test_the_last_plan_counts_even_if_it_came_to_nothing(begin: Begin, play: Play) -> None:
    """One that is being made and one that was cancelled are named, and no older plan is run in their place."""
    play(planning(), mode="plan")
    run = begin(Floor([text("Later.", first_seconds=20)]), mode="plan")
    with pytest.raises(ConductUsageError, match=f"The plan of run {run.id} is still being made"):
        go()
    run.cancel()
    assert run.wait(10).status == "cancelled"
    with pytest.raises(ConductUsageError, match=f"of run {run.id}, has no tasks"):
        go()


def test_a_plan_that_a_cap_cut_short_is_none(play: Play) -> None:
    """Nobody knows what would have been in it."""
    result = play(Floor([tools(create("a"), launch("a"))]), mode="plan", cap={"run.turns": 1})
    assert result.status == "failed"
    assert [task.status for task in result] == ["skipped"]
    with pytest.raises(ConductUsageError, match=r"came to nothing \(failed: The run's cap of 1 turn"):
        go()


# --- resuming ------------------------------------------------------------------------------------------------------


def test_a_plan_cut_short_by_a_kill_is_finished_as_a_plan(play: Play, serve: Serve) -> None:
    """Resume makes the rest of it, and starts no worker; a plan that is there has nothing to resume."""
    plan = play(planning(), mode="plan")
    records, _ = read_records(Path(plan.path) / NAME)
    cut = next(record.seq for record in records if isinstance(record.event, TaskLaunched))
    (Path(plan.path) / NAME).write_bytes(b"".join(encode(record) for record in records[:cut]))
    with pytest.raises(ConductUsageError, match=rf"was cut short: %conduct resume {plan.id}"):
        go()
    with pytest.raises(ConductUsageError, match="only plans: resume it without --mode"):
        resume(plan.id, mode="workspace")
    floor = Floor([text("The plan.")])
    serve(floor)
    again = resume(plan.id, quiet=True).wait(60)
    assert (again.status, shape(again)) == ("planned", shape(plan))
    assert floor.worker_requests == []
    with pytest.raises(ConductUsageError, match=rf"Run {plan.id} is a plan, and it is there: %conduct go"):
        resume(plan.id)


def test_a_run_of_a_plan_is_resumed_like_any_other(begin: Begin, play: Play, serve: Serve) -> None:
    """Cancelled on the way, it goes on; mode plan is not for it."""
    play(planning(), mode="plan")

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return text("Late.", first_seconds=20)

    serve(Floor([], slow))
    run = go(quiet=True)
    while not run.state.running:
        assert not run.done.wait(0.02)
    run.cancel()
    assert run.wait(10).status == "cancelled"
    with pytest.raises(ConductUsageError, match="Mode plan is for a new run's cell"):
        resume(run.id, mode="plan")
    serve(Floor([text("The answer.")]))
    result = resume(run.id, quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "The answer.")
    assert len([record for record in result.events if isinstance(record.event, TaskCreated)]) == len(GRAPH)


def test_a_go_that_is_killed_at_once_goes_on_by_resume(play: Play, serve: Serve) -> None:
    """The copy of the plan is no second plan, and nothing of it is lost."""
    plan = play(planning(), mode="plan")
    serve(Floor([text("Once.")]))
    run = go(quiet=True).wait(60)
    records, _ = read_records(Path(run.path) / NAME)
    copied = len(list(plan.events))
    (Path(run.path) / NAME).write_bytes(b"".join(encode(record) for record in records[:copied]))
    serve(Floor([text("Twice."), text("Thrice.")]))
    result = resume(run.id, quiet=True).wait(60)
    assert (result.status, result.answer, shape(result)) == ("completed", "Twice.", shape(plan))
    assert go(quiet=True).wait(60).status == "completed"
