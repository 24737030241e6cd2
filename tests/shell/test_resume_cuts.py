"""A run killed between two records that belong together: what was done, decided or paid for is not done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import resume
from conductor_magic.events import (
    ArtifactSaved,
    ConductorTold,
    ConflictFound,
    FileChanged,
    QuestionAnswered,
    QuestionAsked,
    Record,
    RequestEnded,
    RunEnded,
    TaskRejected,
    ToolEnded,
    ToolStarted,
    WorkerStopping,
)
from conductor_magic.fold import fold
from conductor_magic.result import ConductResult
from conductor_magic.run import resume as resume_run
from conductor_magic.state import QuestionState
from tests.shell.conftest import Begin, Play
from tests.shell.test_conflict_runs import BASE, colliding, floor_of
from tests.shell.test_resume import cut, told
from tests.support.floor import Floor, create, done, launch, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools
from tests.support.person import Person


def first(result: ConductResult, kind: type, **fields: Any) -> Record:
    """The first record of an event of this kind with these fields."""
    return next(
        record
        for record in result.events
        if isinstance(record.event, kind) and all(getattr(record.event, name) == is_ for name, is_ in fields.items())
    )


def test_a_task_that_was_rejected_before_the_kill_uses_up_one_id(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """The ids that the model guessed for later tasks of its turn stay right."""
    plan = tools(
        create("a"),
        create("nowhere", "99"),
        create("c", "1"),
        ("Task", {"description": "work on a", "prompt": "a", "taskId": "1"}),
        ("Task", {"description": "work on c", "prompt": "c", "taskId": "3"}),
    )
    whole = play(Floor([plan, text("Under way."), text("The answer.")]))
    assert [(task.id, task.blocked_by, task.status) for task in whole] == [
        ("1", (), "completed"), ("3", ("1",), "completed"),
    ]  # fmt: skip
    serve(Floor([text("Under way."), text("The answer.")]))
    result = resume(str(cut(whole, first(whole, TaskRejected).seq, "cut")), quiet=True).wait(30)
    assert told(result) == told(whole), result.reason
    assert sum(isinstance(record.event, TaskRejected) for record in result.events) == 1


class Mending:
    """A conductor that leaves a task unlaunched, and whose value fits when it is asked to mend it."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        self.requests += 1
        if not any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return done(task_text(body), 1, body)
        told = str(body["messages"][-1]["content"])
        if "VALUE" in told:
            return text("7" if "does not fit" in told else "seven")
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        if turns == 0:
            return tools(create("a"), create("never"), launch("a"))
        return text("Under way." if turns == 1 else f"Answer {turns}.")


def test_what_the_conductor_said_to_the_end_is_not_paid_twice(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """Its value, the one that did not fit, its last answer: a run that was only killed takes them from the record."""
    handler = Mending()
    whole = play(handler, returns=int)
    assert (whole.status, whole.value, whole.answer) == ("partial", 7, "Answer 2.")
    records = list(whole.events)
    reminded = first(whole, ConductorTold, unlaunched=("2",)).seq
    for kept in range(reminded, first(whole, RunEnded).seq):
        again = Mending()
        serve(again)
        result = resume(str(cut(whole, kept, f"cut-{kept}")), returns=int, quiet=True).wait(30)
        why = f"after {kept} records, the last a {records[kept - 1].event.kind}: {result.reason}"
        assert (told(result), result.value) == (told(whole), 7), why
        # A reply whose record is not there is lost; what was counted of it stays counted.
        lost = isinstance(records[kept - 1].event, RequestEnded)
        assert again.requests == handler.requests - fold(records[:kept]).spend.requests + lost, why


# --- what a call has brought --------------------------------------------------------------------------------------


def test_what_a_call_brings_is_recorded_in_one_piece_with_its_end(play: Play) -> None:
    """No kill comes between two files or artifacts of one call, or between them and its end."""

    def works(task: str, turn: int, body: dict[str, Any]) -> Answer:
        made = ("Python", {"code": "publish('numbers', [1, 2])\npublish('more', {'a': 1})"})
        calls = [made, ("Write", {"file_path": "report.md", "content": "# Report\n"})]
        return tools(calls[turn - 1], prefix=f"a{turn}") if turn <= len(calls) else done(task, turn, body)

    records = list(play(Floor([lay_out({"a": ()}), text("Under way.")], works)).events)
    kinds = [record.event.kind for record in records]
    assert kinds.count("artifact.saved") == 2
    assert kinds.count("file.changed") == 1
    for record, following in pairwise(records):
        if isinstance(record.event, (ArtifactSaved, FileChanged)):
            assert isinstance(following.event, (ArtifactSaved, ToolEnded))
            assert following.at == record.at


@pytest.mark.parametrize("stands", [True, False], ids=["stands there", "another"])
def test_a_file_that_was_written_before_the_kill_is_in_the_result(
    play: Play, serve: Callable[[Any], MessagesServer], tmp_path: Path, *, stands: bool
) -> None:
    """Nobody is asked about a file that holds what it was to hold; of any other nobody knows, and it stays as it is."""

    def writes(task: str, turn: int, body: dict[str, Any]) -> Answer:
        write = ("Write", {"file_path": "report.md", "content": "# Report\n"})
        return tools(write) if turn == 1 else done(task, turn, body)

    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], writes))
    file = tmp_path / "workspace" / "report.md"
    content = "# Report\n" if stands else "# Report\nof a person\n"
    file.write_text(content)
    serve(Floor([text("The answer.")], writes))
    result = resume(str(cut(whole, first(whole, ToolStarted, name="Write").seq, "cut")), quiet=True).wait(30)
    assert (result.status, file.read_text()) == ("completed", content)
    assert [change.path for change in result.files] == ([str(file)] if stands else [])
    assert len(result.questions) == (not stands)


# --- what a person has decided ------------------------------------------------------------------------------------

KEEP = "Keep #1's version"


@pytest.fixture
def settled(begin: Begin, tmp_path: Path) -> ConductResult:
    """A run in which a person kept the first of two versions, while the second one's worker was still at work."""
    workspace = tmp_path / "workspace"
    (workspace / "__pycache__").mkdir()
    (workspace / "f").write_text(BASE)
    floor = floor_of(colliding("until [ -e __pycache__/answered ]; do sleep 0.01; done"), text("Done."))
    run = begin(floor, begin=False)

    def says(question: QuestionState) -> str:
        (workspace / "__pycache__" / "answered").touch()
        return KEEP

    person = Person(run, says)
    result = run.wait(60)
    person.join()
    assert [(conflict.resolved_by, conflict.how) for conflict in result.conflicts] == [("person", "kept #1's version")]
    return result


@pytest.mark.parametrize("placed", [False, True], ids=["not in place", "in place"])
def test_the_version_that_a_person_kept_is_put_in_place_after_a_kill(
    settled: ConductResult, serve: Callable[[Any], MessagesServer], tmp_path: Path, *, placed: bool
) -> None:
    """It was said and recorded; the kill came before the conflict was settled, and nobody is there to say it again."""
    answered = first(settled, QuestionAnswered, by="person").seq
    file = tmp_path / "workspace" / "f"
    file.write_text(f"{BASE}token_{'one' if placed else 'two'}\n")
    serve(Floor([text("Done.")]))
    result = resume(str(cut(settled, answered, "cut")), quiet=True).wait(60)
    assert [(conflict.resolved_by, conflict.how) for conflict in result.conflicts] == [("person", "kept #1's version")]
    assert file.read_text() == f"{BASE}token_one\n"
    assert (result.status, len(result.tasks)) == ("completed", 2)


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not yet asked"])
def test_a_person_who_had_not_decided_on_a_conflict_is_asked_again(
    settled: ConductResult, serve: Callable[[Any], MessagesServer], tmp_path: Path, *, asked: bool
) -> None:
    """After a resume, with the versions that were kept; what has come since is not overwritten."""
    file = tmp_path / "workspace" / "f"
    kind = QuestionAsked if asked else ConflictFound
    for now, kept in ((f"{BASE}token_two\n", True), ("of somebody else\n", False)):
        file.write_text(now)
        serve(Floor([text("Done."), text("Done.")]))
        folder = cut(settled, first(settled, kind).seq, f"cut-{kept}")
        run = resume_run(folder, {"quiet": True}, begin=False)

        def says(question: QuestionState) -> str | None:
            if question.ask[0]["header"] == "Conflict":
                return KEEP
            # The worker goes on when the conflict is settled.
            return None if any(not c.wanted for c in run.state.open_conflicts) else "Leave it (Recommended)"  # noqa: B023

        person = Person(run, says)
        result = run.wait(60)
        person.join()
        assert KEEP in [option["label"] for question in person.asked for option in question.ask[0]["options"]]
        assert file.read_text() == (f"{BASE}token_one\n" if kept else now)
        assert [c.how for c in result.conflicts] == (["kept #1's version"] if kept else [""])


def test_a_task_that_a_person_stopped_is_cancelled_after_a_kill(
    begin: Begin, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """The kill came before its worker had ended: nothing more is done, asked or paid for it."""
    mark = tmp_path / "workspace" / "mark"
    run = begin(
        floor_of(
            {"a": [tools(("Bash", {"command": "touch mark; sleep 20"}))]}, text("The answer."), text("The answer.")
        )
    )
    while not mark.exists():
        time.sleep(0.02)
    run.loop.call_soon_threadsafe(run._driver.command, "cancel_task", {"task": "1"})
    whole = run.wait(30)
    assert [task.status for task in whole] == ["cancelled", "completed"]
    floor = Floor([text("The answer.")] * 3)
    serve(floor)
    result = resume(str(cut(whole, first(whole, WorkerStopping).seq, "cut")), quiet=True).wait(30)
    assert [(task.status, task.error) for task in result] == [("cancelled", "Cancelled by you."), ("completed", None)]
    assert result.questions == ()
    assert not any(task_text(body) == "a" for body in floor.worker_requests)
