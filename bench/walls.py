"""What walls cost: a warm `Bash` call (`echo hi`) beyond a plain process, in a small and a large workspace.

Run it with `python -m bench.walls`. Plain processes and calls alternate, so that what else the machine does falls on
both alike; the overhead is the difference of the medians.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.tool_bench import ToolBench
from tests.support.walls import landlock_walls

CALLS = 40
FILES = (300, 27_000)


def main() -> None:
    """Print one line a kind of walls and size of workspace."""
    print(f"{'walls':<11} {'files':>6} {'plain ms':>9} {'Bash ms':>8} {'overhead ms':>12} {'guard ms':>9}   medians")
    for files in FILES:
        for kind in ("bubblewrap", "landlock", "full"):
            with tempfile.TemporaryDirectory() as scratch:
                bench = _bench(Path(scratch), kind, files)
                plain, called, guarded = asyncio.run(_measure(bench))
            over = called - plain
            print(f"{kind:<11} {files:>6} {plain:>9.1f} {called:>8.1f} {over:>12.1f} {guarded:>9.1f}", flush=True)


def _bench(base: Path, kind: str, files: int) -> ToolBench:
    bench = ToolBench(base, "full" if kind == "full" else "workspace")
    if kind == "landlock":
        bench.context.walls = landlock_walls(bench.context.walls)
    for number in range(files):
        folder = bench.workspace / f"part{number // 1000}" / f"module{number // 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}.py").write_text("x = 1\n")
    subprocess.run(["git", "init", "-q", str(bench.workspace)], check=True)
    return bench


async def _measure(bench: ToolBench) -> tuple[float, float, float]:
    """Medians in milliseconds: a plain process, a call, and the guard's part of a call."""
    plain: list[float] = []
    called: list[float] = []
    guarded: list[float] = []
    guard, aside = bench.context.walls.guard, bench.data / "set-aside"
    await bench.call_async("Bash", command="echo hi")
    for _ in range(CALLS):
        plain.append(_plain())
        began = time.perf_counter()
        result = await bench.call_async("Bash", command="echo hi")
        called.append(time.perf_counter() - began)
        assert result.content == "hi"
        if guard:
            began = time.perf_counter()
            guard.begin(aside)
            guard.finish(aside)
            guarded.append(time.perf_counter() - began)
    await bench.close()
    return tuple(1000 * statistics.median(times or [0.0]) for times in (plain, called, guarded))  # type: ignore[return-value]


def _plain() -> float:
    began = time.perf_counter()
    subprocess.run(["/bin/bash", "-c", "echo hi"], capture_output=True, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
