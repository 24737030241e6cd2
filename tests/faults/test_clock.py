"""The machine's clock jumps in mid-run, a month on or a month back: time limits and durations do not notice."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.shell.conftest import Begin, begin  # noqa: F401 - fixtures
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools

MONTH = 30 * 86_400


@pytest.mark.parametrize("jump", [MONTH, -MONTH], ids=["forwards", "backwards"])
def test_a_jump_of_the_clock(begin: Begin, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:  # noqa: F811
    """The run completes under its limits, each task once, and no duration is negative or a month long."""
    right, ahead = time.time, 0

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        nonlocal ahead
        if turn == 1:
            ahead = jump
            return tools(("Bash", {"command": "sleep 0.1"}), prefix=task)
        return done(task, turn, body)

    monkeypatch.setattr(time, "time", lambda: right() + ahead)
    floor = Floor([lay_out({"a": (), "b": (), "c": ("a", "b")}), text("Under way."), text("The end.")], worker)
    result = begin(floor, timeout=60, cap={"worker.seconds": 30.0}).wait(60)
    assert ahead == jump
    assert (result.status, [len(task.attempts) for task in result]) == ("completed", [1, 1, 1]), result.reason
    assert all(0 <= (task.seconds or 0) < 60 for task in result)
    moments = [record.at for record in result.events]
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] < 60
