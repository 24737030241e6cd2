"""SIGINT at random moments of a cell: the kernel is back within two seconds, nothing runs on, and the run can go on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from conductor_magic.sandbox.ending import MARK
from tests.support.floor import lay_out, task_text
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools

LONGEST_SECONDS = 2.5
"""A run that nobody disturbs takes about two seconds."""

CALLS = {
    "shell": ("Bash", {"command": "setsid -f sleep 300; sleep 0.4; echo over"}),
    "python": ("Python", {"code": "import time; time.sleep(0.4); print('over')"}),
    "look": ("Glob", {"pattern": "*"}),
}


def floor(body: dict[str, Any], number: int) -> Answer:
    """Answers by what it is shown: three workers at once, each with one call, and a fourth after them."""
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
        plan = lay_out({"shell": (), "python": (), "look": (), "last": ("shell", "python", "look")}, first_seconds=0.1)
        return [plan, text("Under way.")][turn] if turn < 2 else text("Done.", first_seconds=0.1)
    call = CALLS.get(task_text(body))
    if call and turn == 0:
        return tools(call, first_seconds=0.1)
    return text("It is so.\nSTATUS: done", first_seconds=0.1, between_seconds=0.01)


def of_the_run(pid: int, workspace: Path) -> list[str]:
    """What is left of a run: processes below the kernel, and those that carry a call's mark wherever they have gone."""
    found = [" ".join(child.cmdline()) for child in psutil.Process(pid).children(recursive=True)]
    for process in psutil.process_iter():
        try:
            if MARK in process.environ() and Path(process.cwd()).is_relative_to(workspace):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def interrupted(session: Session, pid: int, after: float, *, twice: bool) -> float:
    """Run the cell, press after some seconds, and give the seconds until the kernel was idle."""
    request = session.client.execute("get_ipython().run_cell_magic('conduct', 'out', 'Do it.')")
    time.sleep(after)
    pressed = time.monotonic()
    os.kill(pid, signal.SIGINT)
    if twice:
        time.sleep(0.05)
        os.kill(pid, signal.SIGINT)
    session.until_idle(request, 20)
    return time.monotonic() - pressed


@pytest.mark.parametrize(
    ("seed", "points"),
    [pytest.param(1, 2, id="2 points"), pytest.param(2, 100, id="100 points", marks=pytest.mark.slow)],
)
def test_an_interrupt_at_any_moment(tmp_path: Path, seed: int, points: int) -> None:
    """Every third is pressed twice. What was cut short is resumed to its end in the same kernel."""
    chance = Random(seed)
    (tmp_path / "workspace").mkdir()
    took: list[float] = []
    ends: list[str] = []
    with MessagesServer(floor) as server:
        env = {"CONDUCTOR_HOME": str(tmp_path / "home"), "ANTHROPIC_BASE_URL": server.url}
        with started(kernel(env=env)) as session:
            pid = int(session.run(f"import os\nos.chdir({str(tmp_path / 'workspace')!r})\nprint(os.getpid())"))
            session.run("%load_ext conductor_magic")
            session.run("get_ipython().run_cell_magic('conduct', 'out', 'Do it.')")
            for point in range(points):
                seconds = interrupted(session, pid, chance.uniform(0, LONGEST_SECONDS), twice=point % 3 == 0)
                took.append(seconds)
                assert of_the_run(pid, tmp_path) == []
                assert session.run("print(1 + 1)").strip() == "2"
                status = session.run("from conductor_magic import load; print(load('last').status)").strip()
                ends.append(status)
                assert status in ("completed", "cancelled")
                if status == "cancelled":
                    session.run("%conduct resume last out -q", seconds=60)
                    assert session.run("print(load('last').status)").strip() == "completed"
    print(f"{points} interrupts: slowest {max(took):.2f} s, median {sorted(took)[len(took) // 2]:.2f} s")
    print({status: ends.count(status) for status in set(ends)})
    assert max(took) < 2
