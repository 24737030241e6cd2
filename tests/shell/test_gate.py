"""The gate in whole runs: what is asked, who waits, what an answer is worth, and what happens when nobody is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic import events as e
from conductor_magic.gate import NO, ONCE, THIS_RUN
from conductor_magic.limits import Limits
from conductor_magic.permissions import Rule
from conductor_magic.run import Run
from conductor_magic.standing import add_rule
from conductor_magic.state import QuestionState
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.person import Person

Json = dict[str, Any]


def _steps(scripts: dict[str, list[tuple[str, Json]]]) -> Callable[[str, int, Json], Answer]:
    """Workers that make their calls one a turn and then report."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        calls = scripts.get(task, [])
        return tools(calls[turn - 1]) if turn <= len(calls) else done(task, turn, body)

    return worker


def _floor(scripts: dict[str, list[tuple[str, Json]]]) -> Floor:
    return Floor([lay_out(dict.fromkeys(scripts, ())), text("Under way."), text("Done.")], _steps(scripts))


def _bash(command: str) -> tuple[str, Json]:
    return "Bash", {"command": command}


def _results(run: Run) -> list[tuple[str, bool]]:
    """What the workers' calls gave, in order."""
    ended = (record.event for record in run._journal.records)
    return [
        (str(event.content), event.is_error)
        for event in ended
        if isinstance(event, e.ToolEnded) and event.by != "conductor"
    ]


def _of(run: Run, kind: type[e.Event]) -> list[Any]:
    return [record.event for record in run._journal.records if isinstance(record.event, kind)]


def test_with_nobody_there_the_answer_is_no_and_the_task_goes_on(play: Play, tmp_path: Path) -> None:
    """A protected name, a place outside and a site: asked, answered no by default, told to the model, nothing done."""
    (tmp_path / "outside.txt").write_text("OUTSIDE")
    calls: list[tuple[str, Json]] = [
        ("Write", {"file_path": ".git/hooks/pre-commit", "content": "x"}),
        ("Read", {"file_path": str(tmp_path / "outside.txt")}),
        ("Read", {"file_path": "/proc/self/environ"}),
    ]
    floor = _floor({"a": calls})
    result = play(floor)
    assert result.status == "completed"
    assert [(asked.answered_by, list(asked.answers.values())) for asked in result.questions] == [("default", [NO])] * 2
    told = [body["messages"][-1]["content"][0] for body in floor.worker_requests[1:]]
    assert [block["is_error"] for block in told] == [True] * 3
    assert "nobody is there to give one" in str(told[0]["content"]) and "OUTSIDE" not in str(told)
    assert not (tmp_path / "workspace" / ".git").exists()


def test_a_yes_lets_one_file_through_and_no_other(begin: Begin, tmp_path: Path) -> None:
    """A person allows one file outside; its neighbour is asked for anew, and refused in their own words."""
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(f"content of {name}\n")
    one, two = str(tmp_path / "one.txt"), str(tmp_path / "two.txt")
    run = begin(_floor({"a": [("Read", {"file_path": name}) for name in (one, one, two)]}), begin=False)
    person = Person(run, lambda q: THIS_RUN if "one.txt" in q.ask[0]["question"] else "Use the copy in data/ instead.")
    result = run.wait(60)
    person.join()
    assert result.status == "completed"
    assert [len(asked.ask[0]["question"].splitlines()) for asked in person.asked] == [3, 3]
    (first, second, third) = _results(run)
    assert first == second == ("     1\tcontent of one.txt", False)
    assert third[1] and "They say: Use the copy in data/ instead." in third[0]
    assert [(grant.scope, grant.what, grant.by) for grant in _of(run, e.PermissionGranted)] == [("path", one, "person")]
    assert [(verdict.decision, verdict.by) for verdict in _of(run, e.PermissionDecided)] == [
        ("allow", "person"),
        ("allow", "grant"),
        ("deny", "person"),
    ]


def test_in_mode_ask_exactly_the_granted_command_runs_again(begin: Begin, tmp_path: Path) -> None:
    """The granted command is not asked again; the same with something behind it is, and does not run on a no."""
    commands = ["echo hi", "echo hi", "echo hi && touch made", "echo hi "]
    run = begin(_floor({"a": [_bash(command) for command in commands]}), begin=False, mode="ask")
    person = Person(run, lambda q: THIS_RUN if q.ask[0]["question"].endswith("\necho hi") else NO)
    assert run.wait(60).status == "completed"
    person.join()
    assert [asked.ask[0]["question"].partition("\n")[2] for asked in person.asked] == [
        "echo hi",
        "echo hi && touch made",
        "echo hi ",
    ]
    assert [is_error for _, is_error in _results(run)] == [False, False, True, True]
    assert not (tmp_path / "workspace" / "made").exists()


def test_a_yes_for_once_is_for_once(begin: Begin) -> None:
    """The same command is asked about again."""
    run = begin(_floor({"a": [_bash("echo hi"), _bash("echo hi")]}), begin=False, mode="ask")
    answers = iter([ONCE, NO])
    person = Person(run, lambda q: next(answers))
    run.wait(60)
    person.join()
    assert [is_error for _, is_error in _results(run)] == [False, True]


def test_a_grant_ends_when_the_script_it_was_given_for_changes(begin: Begin, tmp_path: Path) -> None:
    """A grant for a command is bound to the content of the workspace's files that it names."""
    script = tmp_path / "workspace" / "run.sh"
    script.write_text("echo first\n")
    calls = [_bash("sh run.sh"), ("Write", {"file_path": "run.sh", "content": "echo second\n"}), _bash("sh run.sh")]
    run = begin(_floor({"a": calls}), begin=False, mode="ask")
    person = Person(run, lambda q: THIS_RUN)
    run.wait(60)
    person.join()
    asked = [question.ask[0]["question"].partition("\n") for question in person.asked]
    assert [what for _, _, what in asked] == ["sh run.sh", str(script), "sh run.sh"]
    assert [content for content, _ in _results(run)][::2] == ["first", "second"]


def test_equal_questions_of_several_workers_are_one_and_others_work_on(begin: Begin) -> None:
    """Two workers want the same command and wait for one answer; a third, which wants nothing, is done before it."""
    scripts: dict[str, list[tuple[str, Json]]] = {"a": [_bash("echo hi")], "b": [_bash("echo hi")], "c": []}
    run = begin(_floor(scripts), begin=False, mode="ask")
    shown: list[tuple[str, ...]] = []

    def says(question: QuestionState) -> str | None:
        tasks = run.state.tasks
        if len(question.tasks) < 2 or tasks["3"].status != "completed":
            return None
        shown.append(tuple(sorted(question.tasks)))
        return ONCE

    person = Person(run, says)
    assert run.wait(60).status == "completed"
    person.join()
    assert shown == [("1", "2")] and len(person.asked) == 1
    assert _results(run) == [("hi", False)] * 2
    assert [verdict.decision for verdict in _of(run, e.PermissionDecided)] == ["allow"] * 2


def test_the_clock_of_a_task_stands_while_it_waits_for_a_person(begin: Begin) -> None:
    """An answer that takes longer than the task's time limit does not end the task."""
    limits = Limits(seconds={"haiku": 0.8, "sonnet": 0.8, "opus": 0.8})
    run = begin(_floor({"a": [_bash("echo hi")]}), begin=False, mode="ask", limits=limits)
    person = Person(run, lambda q: ONCE if time.time() > q.asked + 1.2 else None)
    assert [attempt.outcome for attempt in run.wait(60).tasks["1"].attempts] == ["completed"]
    person.join()


def test_a_cancel_closes_the_question(begin: Begin) -> None:
    """A run that is cancelled while somebody is asked ends at once, its question closed with a no."""
    run = begin(_floor({"a": [_bash("echo hi")]}), begin=False, mode="ask")
    asked = threading.Event()

    def says(question: QuestionState) -> None:
        asked.set()

    person = Person(run, says)
    assert asked.wait(30)
    run.cancel()
    result = run.wait(10)
    person.join()
    assert result.status == "cancelled"
    assert [(question.answered_by, list(question.answers.values())) for question in result.questions] == [
        ("engine", [NO])
    ]


def test_the_answers_dict_gives_no_permission(begin: Begin) -> None:
    """`--answers` answers the conductor's questions only; a permission is no at once, even with somebody there."""
    everything = {"Permission": THIS_RUN, "Run this command?\necho hi": THIS_RUN}
    run = begin(_floor({"a": [_bash("echo hi")]}), begin=False, mode="ask", answers=everything)
    run.attend()
    run.begin()
    result = run.wait(30)
    assert [(asked.answered_by, list(asked.answers.values())) for asked in result.questions] == [("default", [NO])]


def test_standing_rules_spare_the_question_or_forbid(play: Play, tmp_path: Path) -> None:
    """The person's own rules hold in every run: an allowed command runs unasked, a denied file is closed."""
    (tmp_path / "workspace" / "closed.txt").write_text("CLOSED")
    add_rule(Rule("allow", "command", "echo hi"))
    add_rule(Rule("deny", "path", str(tmp_path / "workspace" / "closed.txt")))
    calls = [_bash("echo hi"), ("Read", {"file_path": "closed.txt"})]
    floor = _floor({"a": calls})
    result = play(floor, mode="ask")
    assert result.questions == ()
    told = [body["messages"][-1]["content"][0] for body in floor.worker_requests[1:]]
    assert (told[0]["content"], told[0].get("is_error", False)) == ("hi", False)
    assert "standing rule" in told[1]["content"] and "CLOSED" not in str(told)


@pytest.mark.parametrize("mode", ["workspace", "read-only"])
def test_plain_work_inside_asks_nothing_and_records_no_verdict(begin: Begin, mode: str) -> None:
    """What a mode gives freely costs no question and no record."""
    run = begin(_floor({"a": [_bash("echo hi"), ("Glob", {"pattern": "*"})]}), mode=mode)
    assert run.wait(60).questions == ()
    assert _of(run, e.PermissionDecided) == []
