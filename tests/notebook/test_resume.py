"""`%conduct resume` in a new kernel, after the one that ran the cell was killed."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools


def kill(session: Session, how: signal.Signals) -> None:
    """Kill the kernel and wait until it is gone; nothing that it started may outlive it."""
    provisioner: Any = session.manager.provisioner
    process = provisioner.process
    below = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, how)
    process.wait()
    _, alive = psutil.wait_procs(below, timeout=5)
    assert alive == []


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGKILL, id="out of memory"),
        pytest.param(signal.SIGTERM, id="restart from the menu", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_goes_on_in_a_new_kernel(tmp_path: Path, how: signal.Signals) -> None:
    """One line, with the variable made again: what was done stays, the worker goes on, and the result is bound."""
    (tmp_path / "workspace").mkdir()
    begun, go_on = threading.Event(), threading.Event()

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task == "slow" and turn == 1:
            return tools(("Glob", {"pattern": "*"}))
        if task == "slow" and not go_on.is_set():
            begun.set()
            return text("Too late.", first_seconds=30)
        return done(task, turn, body)

    plan = [lay_out({"quick": (), "slow": (), "after": ("slow", "quick")}), text("Under way."), text("The answer.")]
    floor = Floor(plan, worker)
    with MessagesServer(floor) as server:
        spec = kernel(env={"CONDUCTOR_HOME": str(tmp_path / "home"), "ANTHROPIC_BASE_URL": server.url})
        setup = f"import os\nos.chdir({str(tmp_path / 'workspace')!r})\n%load_ext conductor_magic"
        with started(spec) as first:
            first.run(setup)
            first.client.execute("sales = [1, 2]\nget_ipython().run_cell_magic('conduct', 'out --use sales', 'Go on.')")
            assert begun.wait(60)
            kill(first, how)
        go_on.set()
        with started(spec) as second:
            second.run(setup)
            assert "interrupted" in second.run("from conductor_magic import load; print(load('last').status)")
            assert "was given sales: make it again" in second.run("%conduct resume last out")
            assert "--workers stays as the run began with it" in second.run("%conduct resume last out --workers 3")
            second.run("sales = [1, 2]\n%conduct resume last out --budget 3", seconds=60)
            assert second.run("print(out.status, out.answer, *((t.status, len(t.attempts)) for t in out))").strip() == (
                "completed The answer. ('completed', 1) ('completed', 1) ('completed', 1)"
            )
            assert "not what it was" not in second.run("print(out.notes)")
            assert "is completed: there is nothing to resume" in second.run("%conduct resume last")
    tasks = [request for request in floor.order if request != "conductor"]
    assert tasks.count("worker quick") == 1
    assert tasks.count("worker slow") == 3
