"""Grep and Glob over 27,000 files, beside ripgrep itself: `python -m bench.search`. Medians of eleven rounds."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

from conductor_magic.tools.ripgrep import program
from tests.support.tool_bench import ToolBench

FILES = 27_000
ROUNDS = 11
GOAL = 0.2
"""Seconds for a Grep, of the issue."""

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Grep", {"pattern": "needle"}),
    ("Grep", {"pattern": "needle", "output_mode": "content", "-C": 2}),
    ("Grep", {"pattern": "needle", "glob": "*.py"}),
    ("Grep", {"pattern": "a", "output_mode": "count"}),
    ("Glob", {"pattern": "**/*.py"}),
    ("Glob", {"pattern": "p0*/**/*.txt"}),
)


def main() -> None:
    """Print one line a call."""
    with tempfile.TemporaryDirectory() as scratch:
        bench = ToolBench(Path(scratch))
        make_files(bench.workspace)
        plain = [program(), "--no-config", "--files-with-matches", "needle", "."]
        print(f"{FILES:,} files; the goal for a Grep is {GOAL * 1000:.0f} ms")
        asyncio.run(_measure(bench, plain))


def make_files(folder: Path) -> None:
    """A tree of small files, the same each time; one in 500 holds the word that is looked for."""
    random = Random(1)
    words = ["".join(random.choices("abcdefghij", k=6)) for _ in range(2000)]
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    for number in range(FILES):
        place = folder / f"p{number % 30:02}" / f"q{number // 30 % 30:02}"
        place.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(random.choices(words, k=8)) for _ in range(15)]
        lines += ["the needle is here"] if number % 500 == 0 else []
        (place / f"f{number}.{'py' if number % 2 else 'txt'}").write_text("\n".join(lines))


async def _measure(bench: ToolBench, plain: list[str]) -> None:
    def bare() -> Awaitable[Any]:
        return asyncio.to_thread(
            subprocess.run, plain, cwd=bench.workspace, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
        )

    rows: dict[str, Callable[[], Awaitable[Any]]] = {"ripgrep itself, unsorted": bare}
    for name, args in CALLS:
        shown = " ".join(f"{key}={value}" for key, value in args.items())
        rows[f"{name} {shown}"] = lambda name=name, args=args: bench.call_async(name, **args)
    seconds: dict[str, list[float]] = {row: [] for row in rows}
    # In turn, so that what else the machine does falls on all alike.
    for _ in range(ROUNDS):
        for row, call in rows.items():
            began = time.perf_counter()
            await call()
            seconds[row].append(time.perf_counter() - began)
    for row, found in seconds.items():
        median, best = statistics.median(found) * 1000, min(found) * 1000
        print(f"{row:<50} {median:>6.0f} ms, best {best:>6.0f} ms", flush=True)


if __name__ == "__main__":
    main()
