"""The journal of a very long run: `python -m bench.journal [--rounds 5]`.

A thousand tasks in a hundred thousand records, written by our own recorder. Measured are one record's append, reading
and folding the whole file in a process of its own, and in a real kernel how long `%conduct replay` takes from the
request to the board's first snapshot, and `%conduct show` to its card. What the first of them imports is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.kernels import Session, kernel, started
from tests.support.long_history import EVENTS, TASKS, write_long_history

GOAL = 2.0
"""Seconds to fold, and again to show."""

FOLD = """
import sys, time
from pathlib import Path
from conductor_magic.journal import read_state
began = time.perf_counter()
records, state, tail = read_state(Path(sys.argv[1]))
print(time.perf_counter() - began, len(records), len(state.tasks))
"""


def main() -> None:
    """Print a line for each figure: medians, and the goal beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        short = write_long_history(Path(scratch, "short"), 10, 1_000)
        began = time.perf_counter()
        path = write_long_history(Path(scratch, "long"))
        each = (time.perf_counter() - began) / EVENTS
        records, folds = _folds(path, rounds)
        size = path.stat().st_size / 1e6
        print(f"{records:,} records of {TASKS:,} tasks, {size:.0f} MB; medians of {rounds}")
        print(f"{'append a record':<34} {each * 1e6:>7.0f} µs")
        _say("read, check and fold the file", folds)
        with started(kernel()) as session:
            session.run("%load_ext conductor_magic")
            for command in ("show", "replay"):
                _shown(session, command, short)
            # Both read and fold the file first.
            for command, picture in (("show", "card"), ("replay", "snapshot")):
                seconds = [_shown(session, command, path) for _ in range(rounds)]
                _say(f"%conduct {command}, to its {picture}", seconds, 2 * GOAL)


def _say(what: str, seconds: list[float], goal: float = GOAL) -> None:
    median = statistics.median(seconds)
    verdict = "met" if median <= goal else "MISSED"
    print(f"{what:<34} {median:>7.2f} s   goal: {goal:g} s: {verdict}", flush=True)


def _folds(path: Path, rounds: int) -> tuple[int, list[float]]:
    found: list[list[str]] = []
    for _ in range(rounds):
        said = subprocess.run([sys.executable, "-c", FOLD, str(path)], capture_output=True, text=True, check=True)
        found.append(said.stdout.split())
    return int(found[0][1]), [float(seconds) for seconds, *_ in found]


def _shown(session: Session, command: str, path: Path) -> float:
    """Seconds until the first picture has left the kernel."""
    began = time.perf_counter()
    request = session.client.execute(f"%conduct {command} {path}")
    session.until(lambda message: message["parent_header"].get("msg_id") == request and _is_picture(message), 60)
    took = time.perf_counter() - began
    session.until_idle(request, 60)
    session.seen.clear()
    return took


def _is_picture(message: dict[str, Any]) -> bool:
    content = message["content"]
    if message["msg_type"] == "execute_result":
        return "text/html" in content["data"]
    sent = content.get("data", {}) if message["msg_type"] in ("comm_open", "comm_msg") else {}
    return bool(sent.get("state", {}).get("snap", {}).get("snapshot")) or "snapshot" in sent.get("content", {})


if __name__ == "__main__":
    main()
