"""A run whose process is gone is taken over: what was finished stays, what was in flight goes on, nothing is lost."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load, resume
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import (
    ArtifactSaved,
    QuestionAsked,
    TaskCreated,
    TaskLaunched,
    ToolEnded,
    ToolStarted,
    WorkerEnded,
    WorkerStarted,
    WorkerTurn,
)
from conductor_magic.fold import fold
from conductor_magic.journal import NAME, encode, read_records
from conductor_magic.limits import Limits
from conductor_magic.report.words import warnings
from conductor_magic.result import ConductResult
from conductor_magic.run import resume as resume_run
from tests.shell.conftest import Begin, Play
from tests.support.conversation import check_conversation
from tests.support.floor import WHICH_STORE, Floor, create, done, launch, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools

GRAPH = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Looks twice, the second time at two things at once, and reports."""
    if turn == 1:
        return tools(("Glob", {"pattern": "*.md"}), prefix=f"{task}one")
    if turn == 2:
        return tools(("Glob", {"pattern": "*.py"}), ("Grep", {"pattern": "x"}), prefix=f"{task}two")
    return done(task, turn, body)


class Conducting:
    """A conductor that looks at what was said, as a model does, and so can be met in the middle."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        self.bodies.append(body)
        if not any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return worker(task_text(body), sum(m["role"] == "assistant" for m in body["messages"]) + 1, body)
        match sum(message["role"] == "assistant" for message in body["messages"]):
            case 0:
                return tools(("AskUserQuestion", {"questions": [WHICH_STORE]}), prefix="ask")
            case 1:
                return lay_out(GRAPH, prefix="plan")
            case 2:
                return text("Under way.")
            case _:
                return text("All done.")


def cut(result: ConductResult, records: int, name: str) -> Path:
    """A copy of the run's folder as a kill right after that many records would have left it."""
    folder = Path(result.path).with_name(name)
    shutil.copytree(result.path, folder)
    whole, _ = read_records(folder / NAME)
    (folder / NAME).write_bytes(b"".join(encode(record) for record in whole[:records]))
    return folder


def told(result: ConductResult) -> Any:
    """What a run came to, without moments and money."""
    return (
        result.status,
        result.answer,
        [(task.id, task.subject, task.status, task.output, task.blocked_by) for task in result],
        [question.answers for question in result.questions],
    )


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_killed_after_any_record_comes_to_the_same_end(
    play: Play, serve: Callable[[Any], MessagesServer], step: int
) -> None:
    """No task twice, no reply paid twice but those in flight, every conversation one that the API takes."""
    whole = play(Conducting(), answers={"Which store?": "Redis"}, workers=2)
    assert whole.status == "completed", whole.reason
    records = list(whole.events)
    replies = Counter(type(record.event) for record in records)[WorkerTurn]
    assert replies == 3 * len(GRAPH)
    for kept in range(1, len(records), step):
        handler = Conducting()
        serve(handler)
        folder = cut(whole, kept, f"cut-{kept}")
        before = fold(records[:kept])
        in_flight = len(before.in_flight)
        result = resume(str(folder), answers={"Which store?": "Redis"}, quiet=True).wait(60)
        why = f"after {kept} records, the last a {records[kept - 1].event.kind}: {result.reason}"
        assert told(result) == told(whole), why
        after = list(result.events)
        assert fold(after).status == "completed"
        finished = {task.id for task in before.tasks.values() if task.status == "completed"}
        again = {r.event.task for r in after[kept:] if isinstance(r.event, WorkerStarted)}
        assert not finished & again
        ends = Counter(r.event.task for r in after if isinstance(r.event, WorkerEnded))
        assert set(ends.values()) == {1}
        created = [r.event.task for r in after if isinstance(r.event, TaskCreated)]
        launched = [r.event.task for r in after if isinstance(r.event, TaskLaunched)]
        assert created == sorted(set(created)) == sorted(launched)
        assert len(handler.bodies) <= result.usage.total.requests - whole_requests(before) + in_flight, why
        for body in handler.bodies:
            check_conversation(body["messages"])
        # Killed once more, a little later.
        twice = Conducting()
        serve(twice)
        folder = cut(result, min(len(after) - 1, kept + 1 + kept % 9), f"twice-{kept}")
        assert told(resume(str(folder), answers={"Which store?": "Redis"}, quiet=True).wait(60)) == told(whole), why
        for body in twice.bodies:
            check_conversation(body["messages"])


def whole_requests(state: Any) -> int:
    """Requests that were answered before."""
    return state.spend.requests


# --- what is unsure ------------------------------------------------------------------------------------------------


def effect(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Runs a command that leaves a mark, and reports."""
    return tools(("Bash", {"command": "echo mark >> marks.txt"})) if turn == 1 else done(task, turn, body)


def cut_at(result: ConductResult, kind: type, name: str) -> Path:
    """A copy of the run's folder as a kill right after the first record of this kind would have left it."""
    first = next(
        record.seq for record in result.events if isinstance(record.event, kind) and record.event.by != "conductor"
    )
    return cut(result, first, name)


def test_a_command_that_was_cut_is_not_run_again_unless_a_person_says_so(
    play: Play, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """With nobody there the worker is told that nobody knows; the call that is named is the one that was cut."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], effect))
    marks = tmp_path / "workspace" / "marks.txt"
    assert marks.read_text() == "mark\n"
    floor = Floor([text("The answer.")], effect)
    serve(floor)
    result = resume(str(cut_at(whole, ToolStarted, "cut")), quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert marks.read_text() == "mark\n"
    [asked] = [record.event for record in result.events if isinstance(record.event, QuestionAsked)]
    # True of a crash as of a cancel.
    assert asked.ask[0]["question"].startswith("This call of #1 was under way when the run stopped; nobody knows")
    assert "echo mark >> marks.txt" in asked.ask[0]["question"]
    assert result.questions[0].answered_by == "default"
    [sent] = floor.worker_requests
    [block] = sent["messages"][-2]["content"]
    assert block["is_error"]
    assert "ended your Python process and your background commands" in str(sent["messages"][-1]["content"])
    assert "may have had its effect" in block["content"]


def test_of_two_that_a_run_left_at_one_desk_neither_begins_anew(
    begin: Begin, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """A cap ended the first one, a cancel cut off the second's command: both go on, and it is not run a second time."""
    marks = tmp_path / "workspace" / "marks.txt"

    def works(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task == "a":
            return tools(("Glob", {"pattern": f"*{turn}"}), prefix=f"a{turn}") if turn <= 3 else done(task, turn, body)
        if turn == 1:
            return tools(("Bash", {"command": "echo mark >> marks.txt; sleep 20"}))
        return done(task, turn, body)

    plan = tools(create("a"), create("b"), launch("a"), launch("b", model="sonnet"))
    run = begin(Floor([plan, text("Under way."), text("Go on.")], works), workers=1, cap={"haiku.calls": 2})
    while not (marks.exists() and marks.read_text()):
        time.sleep(0.02)
    run.cancel()
    assert run.wait(10).status == "cancelled"
    floor = Floor([text("The answer.")] * 3, works)
    serve(floor)
    result = resume(run.id, cap={"haiku.calls": 50}, quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert marks.read_text() == "mark\n"
    assert [(task.status, len(task.attempts)) for task in result] == [("completed", 1), ("completed", 1)]
    assert ["echo mark" in question.questions[0]["question"] for question in result.questions] == [True]
    for sent in floor.worker_requests:
        check_conversation(sent["messages"])


def test_a_call_that_only_looks_is_made_again_without_a_word(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """It has no effect that could be there twice."""

    def looks(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(("Glob", {"pattern": "*"})) if turn == 1 else done(task, turn, body)

    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], looks))
    serve(Floor([text("The answer.")], looks))
    result = resume(str(cut_at(whole, ToolStarted, "cut")), quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert result.questions == ()
    ends = [
        record.event for record in result.events if isinstance(record.event, ToolEnded) and record.event.name == "Glob"
    ]
    assert len(ends) == 1


def test_a_file_that_was_read_before_is_read_again_before_it_is_changed(
    play: Play, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """Nobody knows any more what the worker saw; a person may have changed the file since."""
    notes = tmp_path / "workspace" / "notes.txt"
    notes.write_text("of the beginning")
    write = ("Write", {"file_path": "notes.txt", "content": "of the worker"})
    turns = [("Read", {"file_path": "notes.txt"}), write]

    def careful(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(turns[turn - 1]) if turn <= len(turns) else done(task, turn, body)

    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], careful))
    assert notes.read_text() == "of the worker"
    notes.write_text("of a person")
    turns += [("Read", {"file_path": "notes.txt"}), write]
    floor = Floor([text("The answer.")], careful)
    serve(floor)
    result = resume(str(cut_at(whole, ToolEnded, "cut")), quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert notes.read_text() == "of the worker"
    assert "Read it again, then change it." in str(floor.worker_requests[1]["messages"][-1])


# --- who may resume, and what --------------------------------------------------------------------------------------


def test_a_completed_run_has_nothing_to_resume(play: Play) -> None:
    """It says so, and nothing is sent or written."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    before = (Path(whole.path) / NAME).read_bytes()
    with pytest.raises(ConductUsageError, match="is completed: there is nothing to resume"):
        resume(whole.id)
    assert (Path(whole.path) / NAME).read_bytes() == before


def test_a_run_that_goes_on_is_not_taken_over(begin: Begin, serve: Callable[[Any], MessagesServer]) -> None:
    """Of two that resume one run, one wins and the other is told who did."""

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return text("Did it.", first_seconds=5)

    run = begin(Floor([lay_out({"a": ()}), text("Under way.")], slow))
    while not run.state.running:
        time.sleep(0.02)
    with pytest.raises(ConductUsageError, match=rf"Run {run.id} is going on in process {os.getpid()}"):
        resume(run.id)
    run.cancel()
    assert run.done.wait(10)
    serve(Floor([text("The answer.", first_seconds=1)]))
    again = resume(run.id, quiet=True)
    with pytest.raises(ConductUsageError, match="is going on in process"):
        resume(run.id, quiet=True)
    assert again.wait(30).status == "completed"


def test_a_run_that_was_cancelled_goes_on_where_it_was(begin: Begin, serve: Callable[[Any], MessagesServer]) -> None:
    """The worker that the cancel ended goes on with its own conversation; it is the same attempt."""
    hold = threading.Event()

    def slow(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            return tools(("Glob", {"pattern": "*"}))
        return done(task, turn, body) if hold.is_set() else text("Did it.", first_seconds=20)

    run = begin(Floor([lay_out({"a": (), "b": ("a",)}), text("Under way.")], slow))
    while not run.state.workers or len(run.state.workers["w1"].log) < 2:
        time.sleep(0.02)
    run.cancel()
    assert run.wait(10).status == "cancelled"
    hold.set()
    floor = Floor([text("The answer.")], slow)
    serve(floor)
    result = resume(run.id, quiet=True).wait(30)
    assert (result.status, result.answer) == ("completed", "The answer.")
    assert [(task.status, len(task.attempts)) for task in result] == [("completed", 1), ("completed", 1)]
    assert len(floor.worker_requests[0]["messages"]) == 3
    assert "the person resumed it" in str(floor.conductor_requests[0]["messages"][-1]["content"])


def test_a_run_that_was_cancelled_at_its_question_asks_again(
    begin: Begin, serve: Callable[[Any], MessagesServer]
) -> None:
    """The question is put again as it stands, and answered once; the conversation is one that the API takes."""
    run = begin(Conducting(), begin=False)
    run.attend()
    run.begin()
    while not run.state.open_questions:
        time.sleep(0.02)
    run.cancel()
    assert run.wait(10).status == "cancelled"
    handler = Conducting()
    serve(handler)
    result = resume(run.id, answers={"Which store?": "Redis"}, quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert [question.answers for question in result.questions] == [{"Which store?": "Redis"}]
    for body in handler.bodies:
        check_conversation(body["messages"])


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "killed on the way"])
def test_a_run_that_was_cancelled_before_its_plan_begins_anew(
    begin: Begin, serve: Callable[[Any], MessagesServer], *, ended: bool
) -> None:
    """Also where the kill came between the cancel and the last record."""
    run = begin(Floor([text("Too late.", first_seconds=20)]))
    while not run.state.in_flight:
        time.sleep(0.02)
    run.cancel()
    cancelled = run.wait(10)
    assert cancelled.status == "cancelled"
    serve(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    folder = Path(cancelled.path) if ended else cut(cancelled, len(list(cancelled.events)) - 1, "on-the-way")
    result = resume(str(folder), quiet=True).wait(30)
    assert (result.status, result.answer) == ("completed", "The answer.")


def test_a_value_whose_type_is_not_said_again_is_refused(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """A run that gives a value gives one of the same type."""
    answers = [lay_out({"a": ()}), text("Under way."), text("The answer."), text("7")]
    whole = play(Floor(answers), returns=int)
    assert whole.value == 7
    folder = cut(whole, 8, "cut")
    with pytest.raises(ConductUsageError, match="gives a value of a type: say --returns TYPE again"):
        resume(str(folder))
    with pytest.raises(ConductUsageError, match="begun with another --returns"):
        resume(str(folder), returns=str)
    for kept in range(8, len(list(whole.events))):
        serve(Valuing())
        again = resume(str(cut(whole, kept, f"cut-{kept}")), returns=int, quiet=True).wait(30)
        assert (again.status, again.answer, again.value) == ("completed", "The answer.", 7), f"after {kept}"


class Valuing:
    """A conductor that gives its value when it is asked for it, and its answer before."""

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        if not any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return done(task_text(body), 1, body)
        last = body["messages"][-1]["content"]
        said = last if isinstance(last, str) else str(last)
        if "VALUE" in said:
            return text("7")
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        return lay_out({"a": ()}) if turns == 0 else text("Under way." if turns == 1 else "The answer.")


def test_a_budget_that_ended_a_run_is_raised_to_finish_it(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """The cap holds, the result says what was not done, and a new total finishes it; the old one is refused."""
    graph = dict.fromkeys("abcdefgh", ())

    def dear(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task in "efgh" and turn < 24:
            return tools(
                ("Glob", {"pattern": f"{task}{turn}*"}),
                prefix=f"{task}{turn}",
                usage={"output_tokens": min(15_000, body["max_tokens"])},
            )
        return done(task, turn, body)

    plan = [lay_out(graph), text("Under way."), text("Some of it.")]
    capped = play(Floor(plan, dear), budget=0.5, workers=8)
    assert capped.status == "partial", capped.reason
    assert capped.usage.total.usd <= 0.5
    undone = [task.id for task in capped if task.status != "completed"]
    assert undone
    serve(Floor([text("All of it.")] * 3, dear))
    with pytest.raises(ConductUsageError, match="Give it a new total"):
        resume(capped.id)
    result = resume(capped.id, budget=5, quiet=True).wait(60)
    assert (result.status, result.answer) == ("completed", "All of it.")
    assert result.usage.total.usd <= 5


def test_a_conductor_that_used_all_its_turns_gets_as_many_again(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """A run that ended for its limit is not ended by it again at once."""
    limits = Limits(conductor_turns=2)
    short = play(Floor([lay_out({"a": ()}), text("Under way.")]), limits=limits)
    assert "It took 2 turns" in short.reason
    serve(Floor([text("The answer.")]))
    result = resume_run(Path(short.path), {"quiet": True}, limits=limits).wait(60)
    assert (result.status, result.answer) == ("completed", "The answer.")


def test_a_torn_tail_is_kept_aside_and_told(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """The record that was cut short is lost, and nothing else."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    folder = cut(whole, len(list(whole.events)) - 3, "torn")
    with (folder / NAME).open("ab") as file:
        file.write(b'{"sum":"00')
    serve(Floor([text("The answer.")]))
    result = resume(str(folder), quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert any("journal.torn-1" in note for note in result.notes)
    assert (folder / "journal.torn-1").read_bytes() == b'{"sum":"00'


def test_what_concerns_a_run_is_told_once(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """A resumption that meets the same, a server without a list of its models, does not say so again."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    assert [note.partition(":")[0] for note in whole.notes] == ["Model ids are the newest that the SDK knows"]
    serve(Floor([text("The answer.")]))
    again = resume(str(cut(whole, 8, "cut")), quiet=True).wait(30)
    assert (again.status, again.notes) == ("completed", whole.notes)


def test_a_renamed_copy_finds_the_artifacts_that_it_makes(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """None of them is called a stranger's: the record says where they lie in the run's folder."""

    def publishes(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(("Python", {"code": "publish('t', 'hello')"})) if turn == 1 else done(task, turn, body)

    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], publishes))
    folder = cut(whole, 8, "renamed")
    shutil.rmtree(folder / "artifacts")
    serve(Floor([text("The answer.")], publishes))
    result = resume(str(folder), quiet=True).wait(60)
    assert result.artifacts["t"].value == "hello"
    assert Path(result.artifacts["t"].path).parent == folder / "artifacts"
    assert warnings(result.last_snapshot) == warnings(whole.last_snapshot)
    [saved] = [record.event for record in result.events if isinstance(record.event, ArtifactSaved)]
    assert saved.path == f"artifacts/{Path(result.artifacts['t'].path).name}"


def test_no_walls_are_down_for_good(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """A run in mode full goes on in mode workspace, unless the mode is said again."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]), mode="full")
    for mode, given in (("workspace", {}), ("full", {"mode": "full"})):
        serve(Floor([text("The answer.")]))
        folder = cut(whole, 8, f"cut-{mode}")
        run = resume(str(folder), quiet=True, **given)
        assert run.wait(30).status == "completed"
        assert run.state.started is not None
        assert run.state.started.mode == mode


def test_the_variables_of_the_run_are_wanted_again(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """They lived in the old kernel's memory; one that is another now is told."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]), variables={"sales": [1, 2]})
    folder = cut(whole, 8, "cut")
    with pytest.raises(ConductUsageError, match=r"was given sales: make it again .* then resume\.$"):
        resume(str(folder))
    serve(Floor([text("The answer.")]))
    result = resume(str(folder), use={"sales": [1, 2, 3]}, quiet=True).wait(30)
    assert result.status == "completed", result.reason
    assert "sales is not what it was when the run began." in result.notes


def test_what_cannot_change_is_refused_by_name() -> None:
    """One line, before the run is looked for."""
    with pytest.raises(ConductUsageError, match="workers stays as the run began with it"):
        resume("last", workers=3)


def test_the_clock_of_a_run_stands_while_nobody_drives_it(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """Its seconds are those in which it was driven; moments are those on the wall."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    folder = cut(whole, 8, "cut")
    time.sleep(2)
    serve(Floor([text("The answer.")]))
    resume(str(folder), quiet=True).wait(30)
    result = load(str(folder))
    assert result.seconds is not None
    assert result.ended is not None
    away = (result.ended - result.started).total_seconds() - result.seconds
    assert away >= 2
    assert result["1"].seconds is not None
    assert result["1"].seconds < 2


def test_a_record_that_its_workers_could_write_is_not_gone_on_with(
    play: Play, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """A run's folder that was moved into its workspace stays as it is; out of it again, it goes on."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    folder = cut(whole, 8, "cut")
    inside = tmp_path / "workspace" / "records" / "cut"
    inside.parent.mkdir()
    shutil.move(folder, inside)
    (tmp_path / "link").symlink_to(inside)
    content = (inside / NAME).read_bytes()
    for path in (inside, tmp_path / "link"):
        with pytest.raises(ConductUsageError, match=f"lies in its workspace, .*: move {inside} out of it"):
            resume_run(path, {"quiet": True})
    assert (inside / NAME).read_bytes() == content
    shutil.move(inside, folder)
    serve(Floor([text("The answer.")]))
    assert resume(str(folder), quiet=True).wait(30).status == "completed"
