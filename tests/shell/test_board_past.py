"""A run's past on the board: moments and tasks as they were, and a recorded run shown again."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.board import Board
from conductor_magic.board_view import ReplayView, keep_alive
from conductor_magic.errors import ConductUsageError
from conductor_magic.fold import fold
from conductor_magic.journal import NAME, Journal, encode
from conductor_magic.loop import engine_loop
from conductor_magic.patches import patched
from conductor_magic.recording import Recording
from conductor_magic.replay import EVERY, History, Moments
from conductor_magic.snapshot import inspect, snapshot
from tests.golden.journals import RUNS
from tests.support.wire import View, press

Json = dict[str, Any]


def refuse(kind: str, payload: Json) -> Json:
    """Every command of a live run fails here: the past is answered by the board itself."""
    raise AssertionError(f"{kind} was asked of the run")


def test_a_board_answers_what_was(tmp_path: Path, view: View) -> None:
    """Moments by time and by number, as changes once a picture is known; a task's transcript up to then."""

    async def main() -> None:
        journal = Journal(tmp_path)
        board = Board(refuse)
        records = RUNS["done"]().records
        journal.append(records[0].event)
        board.attach(journal, asyncio.get_running_loop())
        for record in records[1:]:
            journal.append(record.event)
        made = list(journal.records)
        press(board, kind="moment", id="m-1", payload={"seq": 20})
        await view.until(lambda: view.of("ack"))
        press(board, kind="moment", id="m-2", payload={"at": made[-1].at, "base": 1})
        press(board, kind="inspect", id="m-3", payload={"task": "1", "seq": 30})
        press(board, kind="inspect", id="m-4", payload={"task": "1", "seq": 1})
        await view.until(lambda: len(view.of("ack")) == 4)
        first, second, third, fourth = sorted(view.of("ack"), key=lambda ack: ack["id"])
        state = fold(made[:20])
        assert first["moment"]["snapshot"] == snapshot(state, state.at)
        end = fold(made)
        assert patched(first["moment"]["snapshot"], second["moment"]["changes"]) == snapshot(end, end.at)
        known = inspect(fold(made[:30]), "1")
        assert known is not None
        assert third["detail"]["status"] == known["status"]
        assert [len(a["transcript"]) for a in third["detail"]["attempt_list"]] == [
            len(a["transcript"]) for a in known["attempt_list"]
        ]
        assert fourth["error"] == "There was no task 1 then."
        board.detach()
        journal.close()

    asyncio.run(main())


def test_the_same_moment_asked_twice_is_answered_twice(tmp_path: Path, view: View) -> None:
    """A question about the past is no command: asked again because its answer was late, it gets a fresh one."""
    board = Board(refuse)
    records = RUNS["done"]().records
    board.attach(Recording(records, fold(records), alive=False), engine_loop())

    async def ask() -> None:
        for count in (1, 2):
            press(board, kind="moment", id="m-1", payload={"seq": 5})
            await view.until(lambda count=count: len(view.of("ack")) == count)

    asyncio.run(ask())
    assert [ack["moment"]["n"] for ack in view.of("ack")] == [1, 2]


def recorded(name: str, home: Path, *, ended: bool = True) -> Path:
    """The folder of a run that was recorded."""
    folder = home / "runs" / "20260101-000000-abcd"
    folder.mkdir(parents=True)
    records = RUNS[name]().records
    (folder / NAME).write_bytes(b"".join(encode(record) for record in records[: None if ended else -1]))
    return folder


def test_a_recorded_run_is_replayed_from_its_journal(
    tmp_path: Path, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its id or from its result; nothing can be changed in it; in a terminal it is a picture in text."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    recorded("done", tmp_path)
    replay = load("2026").replay()
    assert isinstance(replay, ReplayView)
    assert "Completed" in repr(replay)
    assert replay._command("hello", {}) == {"recorded": True}
    detail = replay._command("inspect", {"task": "1"})
    assert isinstance(detail, dict)
    assert detail["detail"]["id"] == "1"
    assert replay._command("cancel", {}) == {
        "error": "This is a recording of run 20260101-000000-abcd: nothing can be changed in it."
    }
    with pytest.raises(ConductUsageError):
        load("nothing")


def test_a_run_without_an_end_is_shown_as_interrupted(
    tmp_path: Path, view: View, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its board does not claim that somebody still works; the plain text says so too."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    recorded("running", tmp_path)
    replay = load("last").replay()
    assert replay._picture()["run"]["status"] == "interrupted"
    replay._ipython_display_()  # no kernel here, as in a terminal
    assert "Interrupted" in capsys.readouterr().out


def test_a_long_run_keeps_checkpoints_while_it_is_recorded(tmp_path: Path, view: View) -> None:
    """So that no moment is far, although nobody folds the journal again."""

    async def main() -> None:
        journal, board = Journal(tmp_path), Board(refuse)
        first = RUNS["running"]().records
        journal.append(first[0].event)
        board.attach(journal, asyncio.get_running_loop())
        from conductor_magic.events import RunNoted

        for number in range(2 * EVERY):
            journal.append(RunNoted(text=f"note {number}"))
        assert board._answers.moments is not None
        assert [*board._answers.moments.history._checkpoints] == [0, EVERY, 2 * EVERY]
        board.detach()
        journal.close()

    asyncio.run(main())


def test_a_result_whose_record_is_gone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, not a traceback of files."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    folder = recorded("done", tmp_path)
    result = load("last")
    (folder / NAME).unlink()
    for ask in (result.replay, lambda: result.events):
        with pytest.raises(ConductUsageError, match="The record of run 20260101-000000-abcd is gone"):
            ask()


def test_a_run_that_was_going_on_when_it_was_loaded_is_replayed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record counts, not what was known once; an interrupted run stays one at its last moment."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    folder = recorded("done", tmp_path, ended=False)
    before = load("last")
    assert before.status == "interrupted"
    assert before.replay()._picture()["run"]["status"] == "interrupted"
    records = RUNS["done"]().records
    moments = Moments(History(records[:-1]), Recording(records[:-1], fold(records[:-1]), alive=False).state)
    assert moments.moment({"seq": len(records)})["snapshot"]["run"]["status"] == "interrupted"
    assert moments.moment({"seq": len(records) - 2})["snapshot"]["run"]["status"] == "running"
    (folder / NAME).write_bytes(b"".join(encode(record) for record in records))
    assert before.replay()._picture()["run"]["status"] == "completed"


def test_old_replays_are_taken_away(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that looks at many runs keeps the last few alive; the others free what they hold."""
    monkeypatch.setattr("conductor_magic.board_view._MOST", 2)
    monkeypatch.setattr("conductor_magic.board_view._shown", deque())
    records = RUNS["running"]().records
    boards = [Board(refuse) for _ in range(3)]
    for board in boards:
        board.attach(Recording(records, fold(records), alive=False), engine_loop())
        keep_alive(board)
    assert [board.widget.comm is None for board in boards] == [True, False, False]


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -float("inf"), 10**400, True, "now", None])
def test_an_odd_moment_is_the_beginning_or_an_end(at: object) -> None:
    """And always one that a message can carry."""
    records = RUNS["done"]().records
    found = Moments(History(records)).moment({"at": at})
    json.dumps(found, allow_nan=False)
    assert found["seq"] == 0
