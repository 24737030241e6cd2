"""A run whose page is closed in mid-run, beside the same run with the page open: `python -m bench.closing`.

The same scripted run in a cell of a real JupyterLab, each time in a fresh kernel: A with its page open to the end, B
with its page closed when a third of the tasks is done; in turn A B B A …, so that noise falls on both alike. Compared
are the run's own seconds, from its journal, by medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from bench.lab import Lab, open_lab
from conductor_magic import load
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import VERSIONS
from tests.support.messages_server import Answer, MessagesServer, text, tools

TASKS, WORKERS = 40, 8
LATENCY = 0.25
"""Seconds from a request to the first byte of its reply."""

CALLS = (("Glob", {"pattern": "*.md"}), ("Grep", {"pattern": "line"}), ("Read", {"file_path": "note.md"}))
GOAL = 1.05
CONDUCT = 1
_LIMIT_SECONDS = 120


def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Three calls one after the other, each with a word on it, then a report."""
    if turn > len(CALLS):
        return done(task, turn, body)
    name, arguments = CALLS[turn - 1]
    words = f"I look into {task} with {name}, and then I will see what comes of it."
    return tools((name, arguments), words=words, first_seconds=LATENCY)


def main() -> None:
    """Print a line a round, then the medians beside the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="runs with the page open, and as many with it closed")
    parser.add_argument("--ipykernel", default=VERSIONS[-1], help=f"{', '.join(VERSIONS)} …")
    options = parser.parse_args()
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with open_lab([options.ipykernel]) as lab:
        (lab.root / "note.md").write_text("one line\n")
        for number in range(options.rounds):
            for closed in (False, True) if number % 2 == 0 else (True, False):
                seconds[closed].append(_seconds(lab, options.ipykernel, closed=closed))
            print(f"round {number + 1}: open {seconds[False][-1]:.2f} s, closed {seconds[True][-1]:.2f} s", flush=True)
    open_median, closed_median = statistics.median(seconds[False]), statistics.median(seconds[True])
    ratio = closed_median / open_median
    print(
        f"{TASKS} tasks, ipykernel {options.ipykernel}, medians of {options.rounds}: page open {open_median:.2f} s, "
        f"closed at a third {closed_median:.2f} s, ratio {ratio:.3f} "
        f"(goal: under {GOAL}: {'met' if ratio < GOAL else 'MISSED'})"
    )


def _seconds(lab: Lab, ipykernel: str, *, closed: bool) -> float:
    """Play one run; its own seconds."""
    plan = lay_out({f"t{number}": () for number in range(TASKS)})
    with MessagesServer(Floor([plan, text("Under way."), text("Done.")], worker)) as server:
        # What the first run of a kernel imports is no part of the run that is measured.
        setup = (
            f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {server.url!r}\n"
            "import anthropic, anywidget\n%load_ext conductor_magic"
        )
        with lab.notebook([setup, f"%%conduct --workers {WORKERS}\nLook around."], ipykernel) as notebook:
            notebook.run(0)
            before = set(lab.runs.glob("*"))
            notebook.start(CONDUCT)
            pill = notebook.cell(CONDUCT).locator(".pill")
            expect(pill).to_have_text("Live", timeout=20_000)
            [folder] = set(lab.runs.glob("*")) - before
            _until(folder, "worker.ended", TASKS // 3)
            if closed:
                notebook.page.close()
            _until(folder, "run.ended", 1)
            if not closed:
                expect(pill).to_have_text("Closed", timeout=20_000)
            while any(session["kernel"]["execution_state"] != "idle" for session in lab.sessions()):
                time.sleep(0.1)
    result = load(str(folder))
    assert result.status == "completed", result.reason
    assert len(result) == TASKS
    assert result.seconds is not None
    return result.seconds


def _until(folder: Path, kind: str, count: int) -> None:
    """Return when so many events of a kind are in the run's journal: it is told so when no page is there to tell."""
    mark, end = f'"kind":"{kind}"'.encode(), time.monotonic() + _LIMIT_SECONDS
    while (folder / "journal.jsonl").read_bytes().count(mark) < count:
        assert time.monotonic() < end, f"{kind} did not come {count} times within {_LIMIT_SECONDS} s"
        time.sleep(0.05)


if __name__ == "__main__":
    main()
