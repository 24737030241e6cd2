"""Runs that end in odd ways: stopped at a bad moment, hit by a crash or a cap. Each ends, and says why."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_magic import assemble, conductor
from conductor_magic.api import load
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import CapReached
from conductor_magic.journal import NAME, is_open
from conductor_magic.limits import Limits
from conductor_magic.option_checks import check_options
from conductor_magic.result import ConductResult
from conductor_magic.run import start
from conductor_magic.settings import run_folders
from conductor_magic.tools.base import ToolContext, ToolResult
from tests.shell.conftest import Begin, Play, Use
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.wire import View

ONE = lay_out({"a": ()})
ASK: dict[str, Any] = {
    "questions": [
        {
            "question": "Which?",
            "header": "Which",
            "options": [{"label": "A", "description": ""}, {"label": "B", "description": ""}],
        }
    ]
}


def _calls_odd(task: str, turn: int, body: dict[str, Any]) -> Answer:
    return tools(("Odd", {})) if turn == 1 else done(task, turn, body)


def _same_from_the_journal(result: ConductResult) -> bool:
    return load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_a_run_cancelled_at_once_ends(begin: Begin) -> None:
    """A cancel that comes before the run took its first step is obeyed, and the workspace is free again."""
    for _ in range(3):
        run = begin(Floor([ONE]))
        run.cancel()
        result = run.wait(5)
        assert result.status == "cancelled" and _same_from_the_journal(result)


def test_a_cancel_while_a_worker_tidies_up_waits_for_it(begin: Begin, odd_tool: Use) -> None:
    """A worker stopped between its report and its end keeps what it brought; what it opened is closed."""
    closing, closed = threading.Event(), threading.Event()

    async def opens(args: Any, context: ToolContext) -> ToolResult:
        async def close() -> None:
            closing.set()
            await asyncio.sleep(0.3)
            closed.set()

        context.opened["odd"] = close
        return ToolResult("ok")

    odd_tool(opens)
    run = begin(Floor([ONE, text("Under way.")], _calls_odd))
    assert closing.wait(10)
    run.cancel()
    result = run.wait(5)
    assert closed.is_set()
    assert result.status == "cancelled" and result["1"].status == "completed"
    assert _same_from_the_journal(result)


def test_a_tool_that_crashes_costs_its_task_alone(play: Play, odd_tool: Use) -> None:
    """An error of ours inside a tool is a crash of the attempt: retried once, then the conductor's to handle."""

    async def crashes(args: Any, context: ToolContext) -> ToolResult:
        raise ValueError("boom")

    odd_tool(crashes)
    result = play(Floor([ONE, text("Under way."), text("It broke.")], _calls_odd))
    assert result.status == "failed" and result.answer == "It broke."
    assert [(attempt.outcome, attempt.error) for attempt in result["1"].attempts] == [
        ("failed", "ValueError: boom")
    ] * 2


def test_a_crash_of_the_conductor_is_no_success(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tasks done and something said: a run whose conductor then crashes has failed all the same."""

    def crashes(*args: Any) -> str:
        raise RuntimeError("lost the score")

    monkeypatch.setattr(conductor.read, "read", crashes)
    result = play(Floor([ONE, text("Under way."), tools(("Read", {"file_path": "outputs/1.md"}))]))
    assert result.status == "failed" and "lost the score" in result.reason
    assert _same_from_the_journal(result)


def test_work_launched_while_the_value_is_asked_for_is_done(play: Play) -> None:
    """A task that the conductor launches in the value's round completes before the run does."""
    answers = [
        ONE,
        text("Under way."),
        text("Ready."),
        tools(create("b"), launch("b")),
        text('{"n": 1}'),
        text("Done."),
    ]
    result = play(Floor(answers), returns=dict[str, int])
    assert result.status == "completed" and result.value == {"n": 1}
    assert [task.status for task in result] == ["completed", "completed"]
    assert result.answer == "Done."


def test_time_runs_out_after_the_money_too(begin: Begin, odd_tool: Use) -> None:
    """A worker that goes on after the budget was spent is still stopped by the time limit."""
    spent = CapReached(cap="budget", text="Spent.")

    async def hangs(args: Any, context: ToolContext) -> ToolResult:
        run._journal.append(spent)
        await asyncio.Event().wait()
        raise AssertionError

    odd_tool(hangs)
    run = begin(Floor([ONE, text("Under way.")], _calls_odd), timeout=1.5)
    result = run.wait(10)
    assert result.status == "failed" and "time limit" in result.reason


def test_the_time_limit_counts_while_connecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never says which models it has cannot hold a run beyond its time limit."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "data"))

    async def silent(*args: Any) -> Any:
        await asyncio.Event().wait()

    (tmp_path / "w").mkdir()
    options = check_options({"quiet": True, "workspace": str(tmp_path / "w"), "timeout": 0.2, "provider": "rehearsal"})
    result = start("Do it.", options, connector=silent).wait(5)
    assert result.status == "failed" and "time limit of 0.2 s" in result.reason
    assert _same_from_the_journal(result)


def test_an_await_that_is_given_up_leaves_nothing_behind(begin: Begin) -> None:
    """`wait_for(run)` times out and its event loop ends at once, while the run goes on; it can be awaited again."""
    go = threading.Event()

    def waits(task: str, turn: int, body: dict[str, Any]) -> Answer:
        assert go.wait(20)
        return done(task, turn, body)

    run = begin(Floor([ONE, text("Under way.")], waits))

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run, 0.1)

    began = time.monotonic()
    asyncio.run(give_up())
    assert time.monotonic() - began < 5 and not run.done.is_set()
    go.set()

    async def again() -> ConductResult:
        return await run

    assert asyncio.run(again()).status == "completed"


def test_a_data_folder_that_takes_no_files_is_a_usage_error(
    tmp_path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no run can be recorded none is started, and one line says what to do."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "file" / "data"))
    with pytest.raises(ConductUsageError, match="CONDUCTOR_HOME"):
        begin(Floor([]))


def test_the_run_folder_is_the_owners_alone(begin: Begin) -> None:
    """Also when variables are handed over, which are put there before the journal."""
    run = begin(Floor([ONE, text("Under way.")]), variables={"secret": [1, 2]})
    run.wait(20)
    for folder in (run.folder, run.folder / "artifacts"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in run_folders()] == [run.id]


def test_nobody_is_waited_for_twice(play: Play) -> None:
    """Once no board has shown itself in time, later questions take their default at once."""
    asks = tools(("AskUserQuestion", ASK))
    began = time.monotonic()
    result = play(
        Floor([tools(create("a"), launch("a"), ("AskUserQuestion", ASK)), asks, asks, asks, text("Under way.")]),
        quiet=False,
        limits=Limits(hello_seconds=1.5),
    )
    assert [question.answered_by for question in result.questions] == ["default"] * 4
    assert time.monotonic() - began < 4.5


def test_replies_in_pieces_are_one_answer(play: Play) -> None:
    """A reply that pauses or is cut goes on in the next one; together they are the answer."""
    pieces = [text("One, ", stop_reason="pause_turn"), text("two, ", stop_reason="max_tokens"), text("three.")]
    assert play(Floor([ONE, text("Under way."), *pieces])).answer == "One, two, three."


def test_a_bare_status_line_is_a_report(play: Play) -> None:
    """`STATUS: done` and nothing else: the task is done."""
    result = play(Floor([ONE, text("Under way.")], lambda task, turn, body: text("STATUS: done")))
    assert result.status == "completed" and result["1"].output == "STATUS: done"


def test_a_worker_asks_for_no_more_than_its_model_can_say(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_tokens` of a worker's request is never above what the model behind its tier can reply."""
    make = assemble.Bench
    monkeypatch.setattr(assemble, "Bench", lambda **parts: make(**{**parts, "reply_tokens": {"haiku": 1_000}}))
    floor = Floor([ONE, text("Under way.")])
    begin(floor).wait(20)
    assert [body["max_tokens"] for body in floor.worker_requests] == [1_000]


def test_ids_are_never_taken_for_something_else(play: Play) -> None:
    """A prompt for an unknown task starts nothing, and no key stands in for another task's id."""
    calls = [
        ("Task", {"description": "do it now", "prompt": "TaskId 9: do it"}),
        create("2"),
        create("b"),
        launch("2", prompt="b"),
    ]
    floor = Floor([tools(*calls), text("Under way.")])
    result = play(floor)
    first, second, *_ = floor.conductor_requests[1]["messages"][-1]["content"]
    assert first["is_error"] and "no task 9" in str(first["content"])
    assert second["is_error"] and "looks like the id" in str(second["content"])
    assert [(task.id, task.subject) for task in result] == [("2", "Task b")]
    assert result.status == "completed"


@pytest.mark.parametrize("failing", ["board", "kernels"])
def test_what_cannot_be_tidied_up_keeps_nothing_else(
    begin: Begin, view: View, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failing: str
) -> None:
    """A board that fails in its last moment leaves no kernel alive, and neither keeps the record taken."""
    run = begin(Floor([ONE, text("Under way."), text("The answer.")]), quiet=False, begin=False)
    closed: list[str] = []
    aclose = run._driver._means.kernels.aclose

    async def close() -> None:
        closed.append("kernels")
        await aclose()
        if failing == "kernels":
            raise RuntimeError("kernels that fail")

    def detach(last: object) -> None:
        if failing == "board":
            raise RuntimeError("a board that fails")

    monkeypatch.setattr(run._driver._means.kernels, "aclose", close)
    monkeypatch.setattr(run.board, "detach", detach)
    run.begin()
    assert run.wait(30).status == "completed"
    assert closed == ["kernels"]
    assert not is_open(run.folder / NAME)
    assert f"run {run.id} could not be tidied up" in caplog.text
