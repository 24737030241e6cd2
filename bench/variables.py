"""A large frame for four workers: how long it takes, and how much memory; a frame back; kernels warm and cold.

`python -m bench.variables [BYTES]`, 2,000,000,000 by default. Linux only: memory is summed from /proc/*/smaps_rollup.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, MessagesServer, text, tools

WORKERS = 4
BACK = 50_000_000
ROUNDS = 5
FIRST = "print(len(df), df.iloc[0].sum() > 0, float(df['c0'].sum()) > 0)"
WHOLE = "print(sum(float(df[name].sum()) for name in df) > 0)"
WAIT = "import os, time\nwhile not os.path.exists('measured'): time.sleep(0.05)"
PUBLISH = (
    "import numpy as np, pandas as pd\n"
    f"n = {BACK} // 40\n"
    "made = pd.DataFrame({'a': np.random.default_rng(0).random(n), 'b': np.arange(n), 'c': np.arange(n) / 3,\n"
    "'d': pd.date_range('2020', periods=n, freq='s'), 'e': [f'text {i % 1000}' for i in range(n)]})"
)


def main() -> None:
    """Print one line a figure."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000_000
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch, "workspace")
        workspace.mkdir()
        os.environ["CONDUCTOR_HOME"] = str(Path(scratch, "data"))
        _kernels(workspace)
        _there(size, workspace)
        _back(workspace)


def _say(what: str, figure: float, unit: str) -> None:
    print(f"{what:<58} {figure:>10.3f} {unit}", flush=True)


def _work(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """A worker that reads a little, then all, and then keeps its kernel until the memory has been measured."""
    codes = (FIRST, WHOLE, WAIT)
    return tools(("Python", {"code": codes[turn - 1]})) if turn <= len(codes) else text("Read.\nSTATUS: done")


def _there(size: int, workspace: Path) -> None:
    """Hand a frame to four workers at once."""
    import numpy
    import pandas

    from conductor_magic import conduct

    columns, rows = 8, size // 64
    rng = numpy.random.default_rng(0)
    df = pandas.DataFrame({f"c{number}": rng.random(rows) for number in range(columns)})
    before = _hash(df)
    calls = [create(f"t{number}") for number in range(WORKERS)] + [launch(f"t{number}") for number in range(WORKERS)]
    with MessagesServer(Floor([tools(*calls), text("Done.")], _work)) as server:
        os.environ["ANTHROPIC_BASE_URL"] = server.url
        _warm_up_sdk(workspace)
        base = _memory()
        began = time.monotonic()
        run = conduct("Read it.", workers=WORKERS, use={"df": df}, workspace=str(workspace), quiet=True, budget=None)
        _say(f"a frame of {size:,} bytes: from the call to the run's start", time.monotonic() - began, "s")
        while sum(call.event.input == {"code": WAIT} for call in _running(run)) < WORKERS:
            assert not run.done.wait(0.1), run.result().reason
        beyond = _memory() - base
        (workspace / "measured").touch()
        result = run.wait(60)
    assert result.status == "completed", result.reason
    started = next(record.at for record in result.events if record.event.kind == "run.started")
    firsts = [calls[0] for calls in _calls(result).values()]
    _say("each worker's first cell: slowest of four", max(seconds for _, seconds in firsts), "s")
    _say("each worker's first cell: median of four", statistics.median(seconds for _, seconds in firsts), "s")
    _say("from the run's start to the end of the last first cell", max(at for at, _ in firsts) - started, "s")
    _say("memory of all processes beyond the base", beyond / 1e9, "GB")
    _say("  over the frame", beyond / size, "x")
    _say("the frame's hash is unchanged (1: yes)", float(_hash(df) == before), "")
    longest = max(len(task.prompt.encode()) for task in result.tasks if task.prompt)
    _say("longest prompt of a worker", longest, "bytes")


def _running(run: Any) -> list[Any]:
    """The calls that workers are in."""
    return [call for worker in run.state.running for call in worker.calls.values()]


def _warm_up_sdk(workspace: Path) -> None:
    """Load what every first run loads, so that it is part of the base."""
    from conductor_magic import conduct

    with MessagesServer(Floor([tools(create("a"), launch("a")), text("Done.")])) as server:
        url, os.environ["ANTHROPIC_BASE_URL"] = os.environ["ANTHROPIC_BASE_URL"], server.url
        assert conduct("Warm up.", workspace=str(workspace), quiet=True, budget=None).wait(60).status == "completed"
        os.environ["ANTHROPIC_BASE_URL"] = url


def _back(workspace: Path) -> None:
    """A worker publishes a frame; the notebook loads it."""
    from conductor_magic import conduct

    def work(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            return tools(("Python", {"code": PUBLISH}))
        if turn <= ROUNDS + 1:
            return tools(("Python", {"code": f"publish('made{turn}', made)"}))
        return text("Made.\nSTATUS: done")

    with MessagesServer(Floor([tools(create("a"), launch("a")), text("Done.")], work)) as server:
        os.environ["ANTHROPIC_BASE_URL"] = server.url
        result = conduct("Make it.", workspace=str(workspace), quiet=True, budget=None).wait(120)
    assert result.status == "completed", result.reason
    seconds = [seconds for _, seconds in next(iter(_calls(result).values()))[1:]]
    loads: list[float] = []
    for artifact in result.artifacts.values():
        began = time.monotonic()
        assert len(artifact.value) == BACK // 40
        loads.append(time.monotonic() - began)
    size = next(iter(result.artifacts.values())).size
    _say(f"publish a frame of {size:,} bytes, median of {ROUNDS}", statistics.median(seconds), "s")
    _say("  and `.value` in the notebook", statistics.median(loads), "s")


def _calls(result: Any) -> dict[str, list[tuple[float, float]]]:
    """Worker -> (when, how many seconds) of each of its calls' ends."""
    ends: dict[str, list[tuple[float, float]]] = {}
    for record in result.events:
        if record.event.kind == "tool.ended" and record.event.name == "Python":
            assert not record.event.is_error, record.event.content
            ends.setdefault(record.event.by, []).append((record.at, record.event.seconds))
    return ends


def _kernels(workspace: Path) -> None:
    """A task's first call, with a kernel of the warm pool and without."""
    import pandas

    from conductor_magic.notebook import export_variables
    from conductor_magic.sandbox import choose_walls
    from conductor_magic.tools.kernel_pool import KernelPool

    walls = choose_walls("workspace", workspace, workspace.parent / "data")
    values = {"df": pandas.DataFrame({"c0": [1.0, 2.0]})}

    async def first_cell(take: Any) -> float:
        began = time.monotonic()
        kernel = take()
        await kernel.ready()
        await kernel.execute(FIRST, 60, lambda kind, content: None)
        seconds = time.monotonic() - began
        await kernel.aclose()
        return seconds

    async def rounds() -> tuple[list[float], list[float]]:
        cold, warm = [], []
        for _ in range(ROUNDS):
            pool = KernelPool(walls, export_variables(values, values, workspace.parent / "variables"))
            cold.append(await first_cell(pool.take))
            await pool.aclose()
            pool = KernelPool(walls, export_variables(values, values, workspace.parent / "variables"))
            pool.warm_up()
            await asyncio.wait([pool._filling])  # noqa: SLF001  # nothing but a benchmark waits for it
            warm.append(await first_cell(pool.take))
            await pool.aclose()
        return cold, warm

    cold, warm = asyncio.run(rounds())
    _say(f"a task's first cell without the warm pool, median of {ROUNDS}", statistics.median(cold), "s")
    _say(f"a task's first cell with it, median of {ROUNDS}", statistics.median(warm), "s")


def _hash(frame: Any) -> str:
    digest = hashlib.sha256()
    for name in frame:
        digest.update(memoryview(frame[name].to_numpy()))
    return digest.hexdigest()


def _memory() -> int:
    """Summed PSS of this process and all that it has started."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(_pss(pid) for pid in ours)


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
