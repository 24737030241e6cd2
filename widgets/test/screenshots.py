"""Takes pictures of the built board: of each golden run, of one in replay, of a thousand tasks; each width and theme.

`python -m widgets.test.screenshots FOLDER`, in the project's folder, with a Chromium (`$CHROMIUM`, or on the PATH).
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.board_run import Play
from conductor_magic import events as e
from conductor_magic.events import Record
from tests.golden.journals import RUNS
from tests.support.board_page import THEMES, BoardPage
from tests.support.lab import chromium_browser

WIDTHS = (600, 900, 1400)
LINES = {"w3": "bill_length_mm and flipper_length_mm both have two peaks", "w5": "r = 0.87 for mass"}
# What to open before the picture is taken, by run.
SELECT = {"running": "3", "failed": "4", "done": "7", "hostile": "1"}


def drawn(records: list[Record], folder: Path) -> list[Record]:
    """The records, their one artifact being a picture that is there."""
    bars = "".join(f"<rect x='{40 * n}' y='{90 - n * n}' width='30' height='{10 + n * n}'/>" for n in range(9))
    chart = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 360 100' fill='#1a5fd0'>{bars}</svg>"
    (folder / "artifacts").mkdir(exist_ok=True)
    (folder / "artifacts" / "bills.svg").write_text(chart)
    is_there = {"mime": "image/svg+xml", "path": "artifacts/bills.svg", "size": len(chart)}
    return [
        replace(record, event=record.event.model_copy(update=is_there))
        if isinstance(record.event, e.ArtifactSaved)
        else record
        for record in records
    ]


def main(folder: Path) -> None:
    """Write all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    many = Play(1_000, 200, 300.0)
    many.until(150)
    with tempfile.TemporaryDirectory() as scratch, chromium_browser() as browser:
        board = BoardPage(browser.new_page())
        for theme in THEMES:
            for width in WIDTHS:
                board.dress(theme, width)
                for name, make in RUNS.items():
                    script = make()
                    records = drawn(script.records, Path(scratch))
                    for select in dict.fromkeys(("", SELECT.get(name, ""))):
                        board.show(records, now=script.clock, folder=Path(scratch), lines=LINES)
                        if select:
                            board.inspect(select)
                            board.page.keyboard.press("g")
                        board.page.wait_for_timeout(100)
                        opened = f"-{select}" if select else ""
                        board.page.screenshot(path=folder / f"{name}-{width}-{theme}{opened}.png")
                done = RUNS["done"]()
                board.show(done.records, now=done.clock)
                board.board.locator(".scrubber").press("Home")
                for _ in range(5):
                    board.board.locator(".scrubber").press("PageUp")
                board.settle()
                board.page.screenshot(path=folder / f"replay-{width}-{theme}.png")
                board.show([], state=many.state, now=many.clock, lines=many.lines)
                board.page.wait_for_timeout(300)
                board.page.screenshot(path=folder / f"thousand-{width}-{theme}.png")
        board.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
