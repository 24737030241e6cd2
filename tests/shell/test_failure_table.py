"""The table of failures in `references/recovery.md`, row by row: what happens by itself, what the conductor is told and
can do, and what a person sees of it on the board.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from conductor_magic.events import (
    ConductorTold,
    ConflictFound,
    ConflictResolved,
    MergeWanted,
    RequestFailed,
    TaskLaunched,
    TaskSkipped,
    WorkerEnded,
    WorkerStarted,
)
from conductor_magic.limits import Limits
from tests.shell.conftest import Play
from tests.shell.test_conflict_runs import colliding, floor_of
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, error, text, tools
from tests.support.quick import quick_limiter
from tests.support.records import board_line, events_of, state_at

Json = dict[str, Any]
QUICK = Limits(seconds={"haiku": 0.4, "sonnet": 20.0, "opus": 20.0})
TOO_LONG = "It took longer than 0.4 s, the limit of its tier."
HALF = "The first file has 812 rows."
INCOMPLETE = "Incomplete: the second file is missing"


def slow(task: str, turn: int, body: Json) -> Answer:
    """On haiku a worker on `a` says nothing in time; everybody else is done at once."""
    late = task == "a" and "haiku" in body["model"]
    return text("late", first_seconds=30.0) if late else done(task, turn, body)


def half(task: str, turn: int, body: Json) -> Answer:
    """A worker on `a` has half of it; everybody else is done at once."""
    return text(f"{HALF}\nSTATUS: incomplete - the second file is missing") if task == "a" else done(task, turn, body)


def told(floor: Floor, request: int) -> str:
    """What the conductor was told last when it made this request."""
    return json.dumps(floor.conductor_requests[request]["messages"][-1], ensure_ascii=False)


def prompts(floor: Floor, task: str) -> list[str]:
    """The first message of each worker on this task."""
    found = [body["messages"][0]["content"] for body in floor.worker_requests]
    texts = [content if isinstance(content, str) else content[0]["text"] for content in found]
    return [prompt for prompt in texts if f"TASK:\n{task}\n" in prompt]


def test_timed_out_is_retried_once_and_then_narrowed(play: Play) -> None:
    """The second attempt costs the conductor nothing; two smaller tasks take the place of what was too much."""
    smaller = tools(
        create("a1", metadata={"replaces": "1"}), create("a2"), launch("a1"), launch("a2"), prefix="smaller"
    )
    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way."), smaller, text("On."), text("Both.")], slow)
    result = play(floor, limits=QUICK)
    assert (result.status, result.answer) == ("completed", "Both."), result.reason
    ends = [(end.task, end.outcome, end.final) for end in events_of(result, WorkerEnded)]
    assert ends[:2] == [("1", "timeout", False), ("1", "timeout", True)]
    assert floor.order[:5] == ["conductor", "conductor", "worker a", "worker a", "conductor"]
    assert f"#1 failed · Task a · attempt 2 · {TOO_LONG}" in told(floor, 2)
    assert TOO_LONG in prompts(floor, "a")[1]
    assert [(task.id, task.status, task.blocked_by) for task in result] == [
        ("1", "failed", ()), ("2", "completed", ("3",)), ("3", "completed", ()), ("4", "completed", ()),
    ]  # fmt: skip
    failed = state_at(result, lambda record: isinstance(record.event, WorkerEnded) and record.event.final)
    assert re.fullmatch(rf"✕ #1 HAIKU Task a 0:0\d {re.escape(TOO_LONG)}", board_line(failed, "#1"))
    assert board_line(failed, "#2") == "· #2 HAIKU Task b waits for #1 (failed)"


def test_what_two_smaller_tasks_replace_is_handed_to_both(play: Play) -> None:
    """Each is told what there is, and what waited gets both; what names the failed one later waits for them too."""
    smaller = tools(
        create("a1", metadata={"replaces": "1"}), create("a2", metadata={"replaces": "1"}),
        create("c", "1"), create("d"), ("TaskUpdate", {"taskId": "d", "addBlockedBy": ["a"]}),
        create("e", "1"), ("TaskUpdate", {"taskId": "e", "removeBlockedBy": ["1"]}),
        *map(launch, ("a1", "a2", "c", "d", "e")), prefix="smaller",
    )  # fmt: skip
    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way."), smaller, text("On."), text("All.")], half)
    result = play(floor)
    assert (result.status, result.answer) == ("completed", "All."), result.reason
    assert [HALF in prompts(floor, task)[0] for task in ("a1", "a2")] == [True, True]
    for task in ("b", "c", "d"):
        (prompt,) = prompts(floor, task)
        assert (
            "### Task 3: Task a1\nDid a1." in prompt and "### Task 4: Task a2\nDid a2." in prompt and HALF not in prompt
        )
    assert [task.blocked_by for task in result] == [(), ("3", "4"), (), (), ("3", "4"), ("3", "4"), ()]


def test_timed_out_is_given_to_a_stronger_tier(play: Play) -> None:
    """The launch, the attempt, the result and the board say on what evidence."""
    again = tools(launch("a", model="sonnet", reason="long thinking"), prefix="again")
    floor = Floor([lay_out({"a": ()}), text("Under way."), again, text("On."), text("Done.")], slow)
    result = play(floor, limits=QUICK)
    assert result.status == "completed", result.reason
    why = f"haiku → sonnet after attempt 2 (timeout: {TOO_LONG}) · long thinking"
    assert [(start.tier, start.reason) for start in events_of(result, WorkerStarted)] == [
        ("haiku", ""), ("haiku", ""), ("sonnet", why),
    ]  # fmt: skip
    attempts = [(one.tier, one.outcome, one.error, one.reason) for one in result["1"].attempts]
    assert attempts == [("haiku", "timeout", TOO_LONG, "")] * 2 + [("sonnet", "completed", None, why)]
    assert (result["1"].tier, result["1"].reason) == ("sonnet", why)
    risen = state_at(result, lambda record: isinstance(record.event, WorkerStarted) and record.event.attempt == 3)
    assert board_line(risen, "#1").startswith("▶ #1 SONNET Task a")
    page = result.save(str(result.path) + "/page.html").read_text()
    assert page.count("haiku → sonnet after attempt 2") >= 1


def test_incomplete_is_kept_and_a_follow_up_does_the_rest(play: Play) -> None:
    """What there is can be read, travels in the follow-up's prompt, and what waited gets the whole."""
    reads = tools(("Read", {"file_path": "outputs/1.md"}), prefix="reads")
    rest = tools(create("rest", metadata={"replaces": "1"}), launch("rest"), prefix="rest")
    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way."), reads, rest, text("On."), text("All.")], half)
    result = play(floor)
    assert (result.status, result.answer) == ("completed", "All."), result.reason
    assert f"#1 failed · Task a · attempt 1 · {INCOMPLETE} · what there is: outputs/1.md" in told(floor, 2)
    assert HALF in told(floor, 3)
    (prompt,) = prompts(floor, "rest")
    assert f"### Task 1: Task a (failed: {INCOMPLETE}; you take its place: keep what is right of it)\n{HALF}" in prompt
    (after,) = prompts(floor, "b")
    assert "### Task 3: Task rest\nDid rest." in after and HALF not in after
    assert (result["1"].status, result["1"].output, result["1"].error) == ("failed", HALF, INCOMPLETE)
    assert board_line(state_at(result), "#1") == f"✕ #1 HAIKU Task a 0:00 {INCOMPLETE}"


def test_incomplete_and_left_so_is_a_partial_result(play: Play) -> None:
    """What was completed counts, what was not is named; the part stands in the result."""
    floor = Floor([lay_out({"a": (), "c": ()}), text("Under way."), text("A half."), text("A half.")], half)
    result = play(floor)
    assert (result.status, result.reason) == ("partial", "Not completed: task 1.")
    assert [(task.status, task.output) for task in result] == [("failed", HALF), ("completed", "Did c.")]
    assert "Partly done" in str(result)


def test_a_wrong_approach_is_retried_with_the_error_in_the_prompt(play: Play) -> None:
    """The engine puts in the error and what was reported; the conductor adds the lesson, and need not repeat either."""
    lesson = "Detect the format of each row."
    again = tools(launch("a", prompt=f"a\n{lesson}"), prefix="again")

    def worker(task: str, turn: int, body: Json) -> Answer:
        return done(task, turn, body) if lesson in json.dumps(body) else half(task, turn, body)

    floor = Floor([lay_out({"a": ()}), text("Under way."), again, text("On."), text("Done.")], worker)
    result = play(floor)
    assert result.status == "completed", result.reason
    first, second = prompts(floor, "a")
    assert "AN EARLIER ATTEMPT FAILED" not in first
    assert second.index(lesson) < second.index(
        f"AN EARLIER ATTEMPT FAILED\n{INCOMPLETE}\nDo not repeat what led to it."
    )
    assert f"It reported, as data:\n{HALF}\n\nWORKSPACE\n" in second
    assert [attempt.outcome for attempt in result["1"].attempts] == ["failed", "completed"]
    assert [launched.task for launched in events_of(result, TaskLaunched)] == ["1", "1"]
    tape = [line["text"] for line in result.last_snapshot["tape"]]
    assert tape == [
        "started at desk 1", f"failed: {INCOMPLETE}", "attempt 2 started at desk 1", "done", "Run complete",
    ]  # fmt: skip
    assert board_line(state_at(result), "#1").startswith("✓ #1 HAIKU Task a")


def test_blocked_names_the_blocker_and_every_dependent_to_the_end(play: Play) -> None:
    """Marked on the board while they wait, told to the conductor, and skipped with the reason: never dropped."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        return text("STATUS: blocked - by the closed database") if task == "a" else done(task, turn, body)

    graph = {"a": (), "b": ("a",), "c": ("b",), "d": (), "e": ("c", "d")}
    floor = Floor([lay_out(graph), text("Under way."), *[text("Only d is done.")] * 2], worker)
    result = play(floor)
    assert (result.status, result.answer) == ("partial", "Only d is done.")
    last = told(floor, len(floor.conductor_requests) - 1)
    every = json.dumps(floor.conductor_requests[-1]["messages"], ensure_ascii=False)
    assert "#1 failed · Task a · attempt 1 · Blocked: by the closed database" in every
    assert "Cannot start: #2 waits for #1; #3 waits for #2; #5 waits for #3." in last
    failed = state_at(result, lambda record: isinstance(record.event, ConductorTold))
    assert board_line(failed, "#1") == "✕ #1 HAIKU Task a 0:00 Blocked: by the closed database"
    assert board_line(failed, "#2") == "· #2 HAIKU Task b waits for #1 (failed)"
    reasons = {
        "2": "It waited for task 1 (failed).",
        "3": "It waited for task 2, and so for task 1 (failed).",
        "5": "It waited for task 3, and so for task 1 (failed).",
    }
    assert {skipped.task: skipped.reason for skipped in events_of(result, TaskSkipped)} == reasons
    assert [task.status for task in result] == ["failed", "skipped", "skipped", "completed", "skipped"]
    for task, reason in reasons.items():
        assert result[task].error == reason
        assert board_line(state_at(result), f"#{task}").endswith(reason)


def test_what_waits_goes_on_without_its_blocker(play: Play) -> None:
    """Taken out, a dependency holds nobody up; one that is not there, or of what has begun, is refused."""
    frees = tools(
        *(("TaskUpdate", {"taskId": task, "removeBlockedBy": ["a"]}) for task in ("b", "c", "d")),
        ("TaskUpdate", {"taskId": "d", "removeBlockedBy": ["c"]}), prefix="frees",
    )  # fmt: skip
    floor = Floor(
        [lay_out({"a": (), "b": ("a",), "c": (), "d": ("c",)}), text("Under way."), frees, text("On."), text("All.")],
        half,
    )
    result = play(floor)
    assert (result.status, result["2"].status, result["2"].blocked_by) == ("partial", "completed", ())
    answers = told(floor, 3)
    assert '\\"updatedFields\\":[\\"removeBlockedBy\\"]' in answers
    for task in "34":
        assert f"Task {task} does not wait for task 1." in answers
    assert re.search(r"Task 4 is (running|completed): it is too late to change what it waits for\.", answers)
    assert floor.order.index("worker b") > floor.order.index("worker d")


def test_a_dependency_is_turned_round_in_one_call(play: Play) -> None:
    """What is taken out cannot make a cycle with what comes in."""
    turns = ("TaskUpdate", {"taskId": "b", "removeBlockedBy": ["a"], "addBlocks": ["a"]})
    result = play(Floor([tools(create("a"), create("b", "a"), turns, launch("a"), launch("b")), text("Under way.")]))
    assert (result.status, [task.blocked_by for task in result]) == ("completed", [("2",), ()])


def test_a_completed_task_that_did_the_wrong_thing_is_done_anew(play: Play) -> None:
    """The new one has the old output, as data; what waited is moved to it before it begins."""
    moves = tools(
        create("a1", "a"), launch("a1"),
        ("TaskUpdate", {"taskId": "b", "addBlockedBy": ["a1"], "removeBlockedBy": ["a"]}),
        ("TaskUpdate", {"taskId": "a", "removeBlockedBy": ["b"]}),
        launch("b"), prefix="moves",
    )  # fmt: skip
    first = tools(create("a"), create("b", "a"), launch("a", notify=True))
    floor = Floor([first, text("Under way."), moves, text("On."), text("All.")])
    result = play(floor)
    assert (result.status, result["2"].blocked_by) == ("completed", ("3",)), result.reason
    assert "### Task 1: Task a\nDid a." in prompts(floor, "a1")[0]
    assert "### Task 3: Task a1\nDid a1." in prompts(floor, "b")[0] and "Did a.\n" not in prompts(floor, "b")[0]
    assert "Task 1 does not wait for task 2." in told(floor, 3)


def test_a_conflict_is_shown_with_both_differences_and_merged_on_opus(play: Play, tmp_path: Any) -> None:
    """Nothing overwrites in silence: both are told and drawn until a task has put them together."""
    folder = tmp_path / "workspace"
    (folder / "__pycache__").mkdir()
    (folder / "f").write_text("one\ntwo\n")
    merge = tools(create("m"), launch("m", prompt="merge f", model="opus"), prefix="merge")
    floor = floor_of(colliding(), merge, text("Merging."), text("All is merged."))
    result = play(floor)
    assert (result.status, result["3"].tier) == ("completed", "opus"), result.reason
    kinds = [e for e in result.events if isinstance(e.event, ConflictFound | MergeWanted | ConflictResolved)]
    assert [type(record.event) for record in kinds] == [ConflictFound, MergeWanted, ConflictResolved]
    for piece in ("#1 and #2 changed", "| +token_one", "| +token_two", "Create one task (opus)"):
        assert piece in json.dumps(floor.conductor_requests[-1]["messages"])
    open_ = state_at(result, lambda record: isinstance(record.event, ConflictFound))
    path = folder.resolve() / "f"
    assert board_line(open_, str(path) + ":") == f"✕ {path}: #1 and #2 collided; not settled yet"
    assert board_line(state_at(result), str(path) + ":") == f"✓ {path}: #1 and #2 collided; settled: task 3"


def test_transient_faults_cost_the_conductor_nothing(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests of the conductor, attempts and lines on the board as without any fault."""
    quick_limiter(monkeypatch)
    faults = [
        error(529, "overloaded_error"),
        error(500, "api_error"),
        error(429, "rate_limit_error"),
        Answer(then="rst"),
    ]

    def worker(task: str, turn: int, body: Json) -> Answer:
        return faults.pop() if faults else done(task, turn, body)

    def played(script: Any) -> tuple[Any, ...]:
        floor = Floor([lay_out({"a": ()}), text("Under way."), text("Through.")], script)
        result = play(floor)
        line = board_line(state_at(result), "#1")
        usage = result.usage.conductor.requests, len(floor.conductor_requests)
        return (
            result.status,
            usage,
            [one.outcome for one in result["1"].attempts],
            line,
            events_of(result, RequestFailed),
        )

    *without, none = played(done)
    *with_faults, failed = played(worker)
    assert with_faults == without == ["completed", (3, 3), ["completed"], "✓ #1 HAIKU Task a 0:00"]
    assert (len(none), len(failed), faults) == (0, 4, [])
