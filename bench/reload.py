"""A page reloaded in mid-run: how long until its board is back, live: `python -m bench.reload [--rounds 5]`.

Times are the page's own, from the start of its navigation: the notebook's cells are there, its kernel is connected, the
board stands under the cell, its pill says Live. Beside it stands a control: the same reload with a plain anywidget
counter under a cell that has ended. What the board is asked to keep is the time from the cells on; what comes before is
JupyterLab's own.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from playwright.sync_api import expect

from bench.lab import Lab, open_lab
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import VERSIONS
from tests.support.lab import Notebook
from tests.support.messages_server import Answer, MessagesServer, text, tools

TASKS = 40
GOAL = 4.0
"""Seconds from the cells to the live board."""

MARKS = ("cells", "connected", "drawn", "live")
WATCH = """
window.marks = {};
const holds = {
  cells: (panel) => document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell") !== null,
  connected: (panel) => panel?.sessionContext?.session?.kernel?.connectionStatus === "connected",
  drawn: () => document.querySelector("[data-conduct-board], .counter") !== null,
  live: () => document.querySelector(".counter") !== null
    || document.querySelector("[data-conduct-board]")?.shadowRoot.querySelector(".pill")?.textContent === "Live",
};
setInterval(() => {
  for (const [name, found] of Object.entries(holds)) {
    if (!(name in marks) && found(window.jupyterapp?.shell.currentWidget)) marks[name] = performance.now() / 1000;
  }
}, 20);
"""
COUNTER = """
import anywidget
class Counter(anywidget.AnyWidget):
    _esm = '''export default { render({ el }) {
      el.innerHTML = "<button class='counter'>0</button>";
    } };'''
Counter()
"""


def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Work that goes on for as long as is measured."""
    if turn > 45:
        return done(task, turn, body)
    return tools(("Glob", {"pattern": "*.md"}), first_seconds=0.5)


def main() -> None:
    """Print a row of medians for each kernel: the board, and the control."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'s from navigation':<18} {'page':<9} {' '.join(f'{name:>9}' for name in MARKS)} {'cells to live':>14}")
    with open_lab(VERSIONS) as lab:
        for version in VERSIONS:
            for page, found in _reloads(lab, version, options.rounds).items():
                medians = {name: statistics.median(marks[name] for marks in found) for name in MARKS}
                rest = statistics.median(marks["live"] - marks["cells"] for marks in found)
                goal = f"   goal: under {GOAL:g} s: {'met' if rest < GOAL else 'MISSED'}" if page == "board" else ""
                print(
                    f"ipykernel {version:<8} {page:<9} {' '.join(f'{medians[name]:>9.2f}' for name in MARKS)} "
                    f"{rest:>14.2f}   medians of {options.rounds}{goal}",
                    flush=True,
                )


def _reloads(lab: Lab, version: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """The marks of each reload, of the board and of the control in turn."""
    conductor = [lay_out({f"t{number}": () for number in range(TASKS)}), text("Under way.")]
    with MessagesServer(Floor(conductor, worker)) as server:
        setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {server.url!r}\n%load_ext conductor_magic"
        with (
            lab.notebook([setup, "%%conduct\nLook around."], version, WATCH) as board,
            lab.notebook([COUNTER], version, WATCH) as counter,
        ):
            board.run(0)
            board.start(1)
            expect(board.cell(1).locator(".pill")).to_have_text("Live", timeout=20_000)
            counter.run(0)
            for notebook in (board, counter):
                notebook.save()
            found: dict[str, list[dict[str, float]]] = {"board": [], "counter": []}
            for _ in range(rounds):
                found["board"].append(_reload(board))
                found["counter"].append(_reload(counter))
            return found


def _reload(notebook: Notebook) -> dict[str, float]:
    notebook.reload()
    notebook.page.wait_for_function(f"Object.keys(marks).length === {len(MARKS)}", timeout=60_000)
    return notebook.page.evaluate("marks")


if __name__ == "__main__":
    main()
