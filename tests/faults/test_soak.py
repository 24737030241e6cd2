"""Many runs in one kernel: what a run has used is given back when it is over.

Most runs have two workers that call no kernel; every tenth has a variable and a worker with a Python kernel. Each is a
cell with a live board, as in a notebook that is worked in all day.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.imports import OUR_THREADS
from tests.support.floor import lay_out
from tests.support.kernels import kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools

SOAK = """
import gc, json, os, threading
from pathlib import Path
import psutil

def measured():
    gc.collect()
    me = psutil.Process()
    comms = get_ipython().kernel.comm_manager.comms
    return {
        "memory": me.memory_info().rss,
        "threads": sorted(thread.name.rstrip("0123456789-_") for thread in threading.enumerate()),
        "files": me.num_fds(),
        "children": sorted(child.name() for child in me.children(recursive=True)),
        "comms": len(comms),
        "temporary": len(list(Path(os.environ["TMPDIR"]).iterdir())),
    }

sales = list(range(1000))
def play(first, last, step):
    for number in range(first, last):
        with_kernel = number % step == 0
        line = "out --use sales" if with_kernel else "out"
        goal = "Use the kernel." if with_kernel else "Go on."
        get_ipython().run_cell_magic("conduct", line, goal)
        assert out.status == "completed", (number, out.status, out.tasks["1"].error)
"""


def floor(body: dict[str, Any], number: int) -> Answer:
    """The conductor and the workers of every run: each answers by what it is shown."""
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    first = json.dumps(body["messages"][0])
    if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
        kernels = "Use the kernel." in first
        return (
            [lay_out({"python" if kernels else "look": (), "report": ()}), text("Under way.")][turn]
            if turn < 2
            else text("Done.")
        )
    if turn == 0 and "TASK:\\npython" in first:
        return tools(("Python", {"code": "print(sum(sales))"}))
    if turn == 0 and "TASK:\\nlook" in first:
        return tools(("Glob", {"pattern": "*"}))
    return text("It is so.\nSTATUS: done")


@pytest.mark.parametrize(
    ("settled", "runs", "step"),
    [
        pytest.param(10, 16, 4, id="16 runs"),
        pytest.param(50, 500, 10, id="450 runs and 50 with kernels", marks=pytest.mark.slow),
    ],
)
def test_a_kernel_that_plays_many_runs_does_not_grow(tmp_path: Path, settled: int, runs: int, step: int) -> None:
    """No thread, process, descriptor, comm or folder stays behind; memory settles after the first runs."""
    for name in ("workspace", "tmp"):
        (tmp_path / name).mkdir()
    with MessagesServer(floor) as server:
        env = {
            "CONDUCTOR_HOME": str(tmp_path / "home"),
            "ANTHROPIC_BASE_URL": server.url,
            "TMPDIR": str(tmp_path / "tmp"),
        }
        with started(kernel(env=env)) as session:
            session.run(f"import os\nos.chdir({str(tmp_path / 'workspace')!r})\n%load_ext conductor_magic")
            session.run(SOAK)
            session.run(f"play(0, {settled}, {step})", seconds=120)
            before = json.loads(session.run("print(json.dumps(measured()))"))
            for first in range(settled, runs, 50):
                session.run(f"play({first}, {min(first + 50, runs)}, {step})", seconds=300)
                after = json.loads(session.run("print(json.dumps(measured()))"))
                print(first + 50, {**after, "threads": len(after["threads"])})
    grown = after["memory"] / before["memory"] - 1
    print(f"{runs} runs: memory {before['memory'] / 2**20:.0f} -> {after['memory'] / 2**20:.0f} MiB ({grown:+.1%})")
    # A connection may be idle at one moment and closed at the other; one that stays behind would do so with every run.
    assert after["files"] <= before["files"] + 2
    kept = ("children", "comms", "temporary")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert _but_helpers(after["threads"]) == _but_helpers(before["threads"])
    assert grown < 0.10


def _but_helpers(threads: list[str]) -> list[str]:
    """The threads without those of the loop's pool, which stay for the next run and are never more than it may have."""
    others = [name for name in threads if name != f"{OUR_THREADS}helper"]
    assert len(threads) - len(others) <= min(32, (os.cpu_count() or 1) + 4)
    return others
