"""What the custody of files costs runs whose workers do not meet: `python -m bench.files [FILES …]`.

Four workers, each with files of its own, take turns of a model that answers in 0.1 s and call Read, Edit, Write and
Bash. The same is played with and without custody, in turn; medians, and what one warm Bash call costs more.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.shared_files import SharedFiles

ROUNDS = 9
WORKERS = "1234"
TURNS = 5
LATENCY = 0.1


async def _work(shared: SharedFiles, task: str) -> None:
    """One worker's turns, on files that nobody else touches."""
    name = f"own-{task}.txt"
    for turn in range(TURNS):
        calls = (
            ("Write", {"file_path": name, "content": "".join(f"line {n}\n" for n in range(200))}),
            ("Read", {"file_path": name}),
            ("Edit", {"file_path": name, "old_string": "line 7\n", "new_string": f"line seven {turn}\n"}),
            ("Bash", {"command": f"wc -l {name}; echo {turn} >> log-{task}.txt"}),
        )
        for tool, args in calls:
            await asyncio.sleep(LATENCY)
            result = await shared.call(task, tool, **args)
            assert not result.is_error, result.content
    await shared.done(task)


def _make_tree(folder: Path, files: int) -> None:
    for number in range(files):
        path = folder / f"folder{number // 20}" / f"file{number}.txt"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"{number}\n")


async def _play(folder: Path, tree: Path, *, kept: bool) -> tuple[float, float]:
    """Seconds of the whole, and of one warm Bash call."""
    shared = SharedFiles(folder, kept=kept)
    # Names of the same files: far quicker than copies, and nobody writes to them.
    subprocess.run(["cp", "-al", tree, shared.workspace / "tree"], check=True)  # noqa: ASYNC221 - nothing runs yet
    try:
        began = time.perf_counter()
        await asyncio.gather(*(_work(shared, task) for task in WORKERS))
        whole = time.perf_counter() - began
        calls: list[float] = []
        for _ in range(15):
            began = time.perf_counter()
            await shared.call("5", "Bash", command="true")
            calls.append(time.perf_counter() - began)
    finally:
        await shared.close()
    return whole, statistics.median(calls)


def main() -> None:
    """Print one line for each size of workspace."""
    for files in [int(argument) for argument in sys.argv[1:]] or [300, 27_000]:
        _measure(files)


def _measure(files: int) -> None:
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        _make_tree(tree, files)
        for number in range(ROUNDS):
            for kept, rows in found.items():
                folder = Path(scratch, f"{number}-{kept}")
                rows.append(asyncio.run(_play(folder, tree, kept=kept)))
                shutil.rmtree(folder)
    (with_it, bash_with), (without, bash_without) = (
        tuple(statistics.median(column) for column in zip(*found[kept], strict=True)) for kept in (True, False)
    )
    print(
        f"{files:,} files: {with_it:.3f} s with custody, {without:.3f} s without: {with_it / without - 1:+.1%}; "
        f"a warm Bash call {bash_with * 1000:.1f} ms with, {bash_without * 1000:.1f} ms without   medians of {ROUNDS}",
        flush=True,
    )


if __name__ == "__main__":
    main()
