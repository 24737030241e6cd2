"""The lifecycle rows in which a part of ours fails beside healthy ones, or two workers are at one file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.events import WorkerWaits
from conductor_magic.result import ConductResult
from conductor_magic.worker import Worker
from tests.corpus.rows import rows
from tests.shell.conftest import Begin, Play, begin, play, view  # noqa: F401 - fixtures
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.wire import View

Json = dict[str, Any]
TWO = lay_out({"a": (), "b": ()})


def _row(name: str) -> Json:
    return next(row for row in rows("lifecycle") if row["id"] == name)


def _journal_is_whole(result: ConductResult) -> bool:
    return load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_a_worker_that_raises(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """P-LIF-005: a bug in a worker fails its task after one retry, is told, and the other task completes."""
    row = _row("P-LIF-005")
    assert (row["input"]["fault"], row["expect"]) == ("worker coroutine raises", "task_fails")
    work = Worker.work

    async def raises(self: Worker) -> Any:
        if self._context.task == "1":
            await asyncio.sleep(0)
            raise RuntimeError("a bug of ours")
        return await work(self)

    monkeypatch.setattr(Worker, "work", raises)
    floor = Floor([TWO, text("Under way."), text("a broke.")])
    result = play(floor)
    assert [task.status for task in result] == ["failed", "completed"] and result.status == "partial"
    assert [attempt.error for attempt in result["1"].attempts] == ["RuntimeError: a bug of ours"] * 2
    assert "a bug of ours" in str(floor.conductor_requests[-1]["messages"])
    assert _journal_is_whole(result)


@pytest.mark.parametrize("when", ["from the start", "later"])
def test_a_display_that_raises(begin: Begin, view: View, when: str) -> None:  # noqa: F811
    """P-LIF-008: whatever the board's channel throws, the run completes and its record is whole."""
    row = _row("P-LIF-008")
    assert (row["input"]["fault"], row["expect"]) == ("display channel raises", "completes")
    view.broken = when == "from the start"
    run = begin(Floor([TWO, text("Under way."), text("The end.")]), quiet=False, begin=False)
    view.broken = True
    run.begin()
    result = run.wait(30)
    assert (result.status, result.answer) == ("completed", "The end."), result.reason
    told = "the connection is gone" in str([record.event for record in result.events])
    assert told is (when == "from the start")
    assert _journal_is_whole(result)


def test_two_workers_edit_one_file(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """P-LIF-009: the second waits until the first is done, both edits are in the file, and the waiting is told."""
    row = _row("P-LIF-009")
    assert (row["input"]["fault"], row["expect"]) == ("two workers edit one file", "completes")
    (tmp_path / "workspace" / "__pycache__").mkdir()
    (tmp_path / "workspace" / "f.py").write_text("one\n\ntwo\n")
    turns = {
        "a": [
            ("Edit", {"file_path": "f.py", "old_string": "one", "new_string": "one, by a"}),
            ("Bash", {"command": "touch __pycache__/edited; sleep 0.3"}),
        ],
        "b": [
            ("Bash", {"command": "until [ -e __pycache__/edited ]; do sleep 0.01; done"}),
            ("Edit", {"file_path": "f.py", "old_string": "two", "new_string": "two, by b"}),
        ],
    }

    def worker(task: str, turn: int, body: Json) -> Answer:
        return tools(turns[task][turn - 1], prefix=f"{task}{turn}") if turn <= 2 else done(task, turn, body)

    result = play(Floor([TWO, text("Under way."), text("Both did it.")], worker))
    assert result.status == "completed", result.reason
    assert (tmp_path / "workspace" / "f.py").read_text() == "one, by a\n\ntwo, by b\n"
    (waits,) = (record.event for record in result.events if isinstance(record.event, WorkerWaits))
    assert (waits.worker, waits.tasks) == ("w2", ("1",))
    assert _journal_is_whole(result)
