"""Whole runs in which two workers are at one file: who waits, what the conductor is told, who settles a conflict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import FileChanged, MergeWanted, QuestionAnswered, WorkerWaits
from conductor_magic.result import ConductResult
from conductor_magic.settling import MERGE
from conductor_magic.state import QuestionState
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.person import Person

BASE = "one\ntwo\n"
MERGED = "one\ntwo\ntoken_one\ntoken_two\n"


@pytest.fixture(autouse=True)
def workspace(begin: Begin, tmp_path: Path) -> Path:
    """The workspace of the run, with one file and a folder for signals that nobody watches."""
    folder = tmp_path / "workspace"
    (folder / "__pycache__").mkdir()
    (folder / "f").write_text(BASE)
    return folder


def bash(command: str) -> Answer:
    """A turn with one Bash call."""
    return tools(("Bash", {"command": command}))


def colliding(then: str = "true") -> dict[str, list[Answer]]:
    """`b` reads the file, `a` adds to it, `b` overwrites it with what it had read, and then does something more."""
    return {
        "a": [bash("until [ -e __pycache__/go ]; do sleep 0.01; done; echo token_one >> f; touch __pycache__/added")],
        "b": [
            tools(("Read", {"file_path": "f"})),
            bash("touch __pycache__/go; until [ -e __pycache__/added ]; do sleep 0.01; done"),
            bash("printf 'one\\ntwo\\ntoken_two\\n' > f"),
            bash(then),
        ],
        "merge f": [
            tools(("Read", {"file_path": "f"})),
            tools(("Edit", {"file_path": "f", "old_string": "token_two", "new_string": "token_one\ntoken_two"})),
        ],
    }


def floor_of(turns: dict[str, list[Answer]], *conductor: Answer) -> Floor:
    """A floor whose workers take these turns and then report."""

    def work(task: str, turn: int, body: dict[str, Any]) -> Answer:
        mine = turns.get(task, [])
        return mine[turn - 1] if turn <= len(mine) else done(task, turn, body)

    return Floor([lay_out({"a": (), "b": ()}), text("Under way."), *conductor], work)


def merging() -> tuple[Answer, ...]:
    """The conductor has a task merge, and ends."""
    return tools(create("m"), launch("m", prompt="merge f")), text("Merging."), text("All is merged.")


def told(floor: Floor) -> str:
    """All that the conductor was told."""
    return json.dumps(floor.conductor_requests[-1]["messages"])


def events(result: ConductResult, kind: type) -> list[Any]:
    """The events of one kind."""
    return [record.event for record in result.events if isinstance(record.event, kind)]


def test_a_conflict_is_merged_by_a_task_where_nobody_is_asked(play: Play, workspace: Path) -> None:
    """The conductor is told with both differences and where the versions lie; the task's end settles the conflict."""
    floor = floor_of(colliding(), *merging())
    result = play(floor)
    assert (result.status, result.answer) == ("completed", "All is merged.")
    (conflict,) = result.conflicts
    assert (conflict.tasks, conflict.resolved_by, conflict.how) == (("1", "2"), "worker", "task 3")
    assert [diff.splitlines()[-1] for diff in conflict.diffs] == ["+token_one", "+token_two"]
    assert [Path(path).read_text() for path in (conflict.base, *conflict.kept)] == [
        BASE, f"{BASE}token_one\n", f"{BASE}token_two\n",
    ]  # fmt: skip
    for piece in ("#1 and #2 changed", "| +token_one", "| +token_two", *conflict.kept):
        assert piece in told(floor)
    assert (workspace / "f").read_text() == MERGED
    assert [(event.by, event.note) for event in events(result, MergeWanted)] == [("default", "")]
    assert events(result, QuestionAnswered)[0].by == "default"
    assert not any("settled" in note for note in result.notes)


def test_files_that_commands_change_stand_in_the_result_once(play: Play, workspace: Path) -> None:
    """Commands and tools alike, each change by the task that made it."""
    result = play(floor_of(colliding(), *merging()))
    path = str(workspace / "f")
    assert [(file.path, file.task, file.action) for file in result.files] == [
        (path, "1", "edited"), (path, "2", "edited"), (path, "3", "edited"),
    ]  # fmt: skip
    assert [event.worker for event in events(result, FileChanged)] == ["w1", "w2", "w3"]


@pytest.mark.parametrize(("said", "content"), [("#1", "token_one\n"), ("#2", "token_two\n")])
def test_a_person_keeps_one_of_the_versions(begin: Begin, workspace: Path, said: str, content: str) -> None:
    """It is put in place (or stays), while the others work on; the conductor has nothing to do with it."""

    def says(question: QuestionState) -> str:
        return f"Keep {said}'s version"

    answered = "until [ -e __pycache__/answered ]; do sleep 0.01; done"
    run = begin(floor_of(colliding(answered), text("Done.")), begin=False)
    person = Person(run, lambda question: _and_tell(workspace, says(question)))
    result = run.wait(60)
    person.join()
    assert result.status == "completed", result.reason
    (question,) = person.asked
    assert question.by == "engine" and question.tasks == ()
    ask = question.ask[0]
    assert [option["label"] for option in ask["options"]] == [MERGE, "Keep #1's version", "Keep #2's version"]
    assert "+token_one" in ask["detail"] and "+token_two" in ask["detail"]
    (conflict,) = result.conflicts
    assert (conflict.resolved_by, conflict.how) == ("person", f"kept {said}'s version")
    assert (workspace / "f").read_text() == f"{BASE}{content}"


def _and_tell(workspace: Path, said: str) -> str:
    (workspace / "__pycache__" / "answered").touch()
    return said


def test_a_persons_own_words_go_to_the_conductor(begin: Begin, workspace: Path) -> None:
    """They are part of what it is told, and a task merges accordingly."""
    answered = "until [ -e __pycache__/answered ]; do sleep 0.01; done"
    floor = floor_of(colliding(answered), *merging())
    run = begin(floor, begin=False)
    person = Person(run, lambda question: _and_tell(workspace, "Both, in this order."))
    result = run.wait(60)
    person.join()
    assert [(event.by, event.note) for event in events(result, MergeWanted)] == [("person", "Both, in this order.")]
    assert "The person says: Both, in this order." in told(floor)
    assert result.conflicts[0].how == "task 3" and (workspace / "f").read_text() == MERGED


def test_a_person_who_does_not_answer_holds_nobody_up(begin: Begin) -> None:
    """When all other work is done it is merged, and the question is closed."""
    floor = floor_of(colliding(), *merging())
    run = begin(floor, begin=False)
    person = Person(run, lambda question: None)
    result = run.wait(60)
    person.join()
    assert result.status == "completed" and result.conflicts[0].how == "task 3"
    (answer,) = events(result, QuestionAnswered)
    assert answer.by == "engine" and list(answer.answers.values()) == [MERGE]


def test_a_version_is_not_put_over_what_has_come_since(begin: Begin, workspace: Path) -> None:
    """The person picks too late: the file stays as it is, and the conductor learns what was wanted."""
    later = "echo later >> f; touch __pycache__/later; until [ -e __pycache__/answered ]; do sleep 0.01; done"
    floor = floor_of(colliding(later), *merging())
    run = begin(floor, begin=False)

    def says(question: QuestionState) -> str | None:
        changed = (workspace / "__pycache__" / "later").exists()
        return _and_tell(workspace, "Keep #1's version") if changed else None

    person = Person(run, says)
    result = run.wait(60)
    person.join()
    assert "Keep #1's version, but the file has changed since" in told(floor)
    assert (workspace / "f").read_text() == f"{MERGED}later\n"
    assert result.conflicts[0].resolved_by == "worker"


def test_ready_answers_settle_a_conflict_too(play: Play, workspace: Path) -> None:
    """By the question's header, as every question that the conductor might ask."""
    result = play(floor_of(colliding(), text("Done.")), answers={"Conflict": "Keep #1's version"})
    assert (result.conflicts[0].resolved_by, (workspace / "f").read_text()) == ("answers", f"{BASE}token_one\n")


def test_a_conflict_that_is_left_is_told_at_the_end(play: Play, workspace: Path) -> None:
    """The status is as it would be without it; a warning and both differences stand in the result and its pictures."""
    result = play(floor_of(colliding(), text("I leave it.")))
    assert (result.status, result.conflicts[0].resolved_by) == ("completed", None)
    assert result.notes[-1].startswith("Not settled: #1 and #2 changed")
    assert "+token_one" in str(result) and "+token_two" in str(result)
    page = result.save(workspace / "page.html").read_text()
    assert "<strong>Conflict:</strong>" in page and "+token_one" in page and "+token_two" in page


def test_a_worker_waits_for_another_and_both_complete(play: Play, workspace: Path) -> None:
    """The second edit waits until the first worker's attempt is over; both are in the file."""
    a = [
        tools(("Edit", {"file_path": "f", "old_string": "one", "new_string": "ONE"})),
        bash("touch __pycache__/edited; sleep 0.3"),
    ]
    b = [
        bash("until [ -e __pycache__/edited ]; do sleep 0.01; done"),
        tools(("Edit", {"file_path": "f", "old_string": "two", "new_string": "TWO"})),
    ]  # fmt: skip
    result = play(floor_of({"a": a, "b": b}, text("Done.")))
    assert result.status == "completed" and (workspace / "f").read_text() == "ONE\nTWO\n"
    (waits,) = events(result, WorkerWaits)
    assert (waits.worker, waits.tasks) == ("w2", ("1",))
    assert result.conflicts == ()
