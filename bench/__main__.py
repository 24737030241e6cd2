"""Makespan over the ideal and CPU per call, beside a plain program, interleaved: medians of five rounds."""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5


def main() -> None:
    """Print one line a graph and program."""
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch, "workspace")
        workspace.mkdir()
        (workspace / "note.txt").write_text("one line\n")
        os.environ["CONDUCTOR_HOME"] = str(Path(scratch, "data"))
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            os.environ["ANTHROPIC_BASE_URL"] = server.stdout.readline().strip()
            _measure(workspace)
        finally:
            server.communicate()


def _measure(workspace: Path) -> None:
    from bench.server import GRAPHS, LATENCY

    print(
        f"{'graph':<12} {'program':<10} {'makespan s':>10} {'over ideal':>10} {'CPU ms/call':>12}   medians of {ROUNDS}"
    )
    for name, (count, shape, calls, slots) in GRAPHS.items():
        rounds = count if shape == "chain" else math.ceil(count / slots)
        ideal = rounds * calls * LATENCY
        rows: dict[str, list[tuple[float, float]]] = {"conductor": [], "plain": []}
        _conductor(name, calls, slots, workspace)
        _plain(name, calls, slots, workspace)
        for _ in range(ROUNDS):
            rows["conductor"].append(_conductor(name, calls, slots, workspace))
            rows["plain"].append(_plain(name, calls, slots, workspace))
        for program, figures in rows.items():
            makespan = statistics.median(figure[0] for figure in figures)
            cpu = statistics.median(figure[1] for figure in figures)
            print(
                f"{name:<12} {program:<10} {makespan:>10.3f} {makespan / ideal:>10.3f} {cpu * 1000:>12.2f}", flush=True
            )


def _conductor(name: str, calls: int, slots: int, workspace: Path) -> tuple[float, float]:
    """Seconds from the first worker's start to the last one's end, and CPU seconds per request of the whole run."""
    from conductor_magic import conduct

    goal = f"Play graph {name}."
    began = time.process_time()
    run = conduct(goal, workers=slots, workspace=str(workspace), quiet=True, budget=None, returns=None)
    result = run.wait(120)
    cpu = time.process_time() - began
    assert result.status == "completed", result.reason
    ends = [interval.end for interval in result.timeline if interval.end]
    makespan = (max(ends) - min(interval.start for interval in result.timeline)).total_seconds()
    return makespan, cpu / result.usage.total.requests


def _plain(name: str, calls: int, slots: int, workspace: Path) -> tuple[float, float]:
    from bench.plain import play
    from bench.server import graph_of

    began, cpu = time.perf_counter(), time.process_time()
    made = asyncio.run(play(graph_of(name), calls, slots, workspace, os.environ["ANTHROPIC_BASE_URL"]))
    return time.perf_counter() - began, (time.process_time() - cpu) / made


if __name__ == "__main__":
    main()
