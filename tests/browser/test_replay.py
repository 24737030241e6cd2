"""The past of a run in a real page: scrubbed while its cell blocks, played when it is over, shown from its record."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import CONDUCT, NEXT, OpenNotebook, Play, begin, board_of
from tests.support.kernels import VERSIONS

pytestmark = pytest.mark.browser
REPLAY = re.compile(r"Replay \d+:\d\d")


def row(board: Locator, task: str) -> Locator:
    """A task's row in the table."""
    return board.get_by_role("row").filter(has_text=f"Task {task}")


@pytest.mark.parametrize("ipykernel", ["6.31.0", pytest.param(VERSIONS[-1], marks=pytest.mark.slow)])
def test_the_past_is_scrubbed_while_the_cell_runs_and_played_when_it_is_over(
    open_notebook: OpenNotebook, play: Play, ipykernel: str
) -> None:
    """The kernel folds each moment; the run goes on meanwhile; a recorded run is shown by `replay`, live again."""
    notebook, board = begin(open_notebook, play, ipykernel)
    pill = board.locator(".pill")
    notebook.press(board.get_by_role("button", name="Redis"))
    expect(row(board, "slow")).to_contain_text("Running", timeout=20_000)

    scrubber = board.get_by_role("slider", name="Moment of the run")
    scrubber.focus()
    scrubber.press("Home")
    expect(pill).to_have_text("Replay 0:00")
    expect(row(board, "slow")).to_have_count(0)
    expect(board.locator("[data-act=cancel]")).to_have_count(0)
    expect(scrubber).to_have_attribute("aria-valuetext", re.compile(r"0:00 of \d+:\d\d"))
    assert notebook.state(CONDUCT) == "running"
    notebook.press(board.get_by_role("button", name="One event on"))
    expect(pill).to_have_text(REPLAY)
    notebook.press(board.locator("[data-act=live]"))
    expect(pill).to_have_text("Live")
    expect(row(board, "slow")).to_contain_text("Running")

    play.go_on.set()
    notebook.wait(NEXT)
    expect(pill).to_have_text("Closed")
    board.get_by_role("combobox", name="Speed").select_option("32")
    notebook.press(board.locator("[data-act=play]"))
    expect(pill).to_have_text(REPLAY)
    expect(board.locator("[data-act=play]")).to_be_visible(timeout=20_000)
    expect(row(board, "after")).to_contain_text("Done")
    notebook.press(board.locator("[data-act=live]"))
    expect(pill).to_have_text("Closed")
    assert notebook.page_errors == []


@pytest.mark.slow
def test_a_recorded_run_is_shown_again_in_another_notebook(open_notebook: OpenNotebook, play: Play) -> None:
    """From its journal alone, in a kernel that never ran it: inspected as it was, and its board outlives the cell."""
    first, board = begin(open_notebook, play, VERSIONS[-1])
    first.press(board.get_by_role("button", name="Redis"))
    play.go_on.set()
    first.wait(NEXT)
    notebook = open_notebook(["%load_ext conductor_magic\n%conduct replay last"])
    notebook.run(0)
    again = board_of(notebook, 0)
    expect(again.locator(".pill")).to_have_text("Closed", timeout=20_000)
    expect(row(again, "after")).to_contain_text("Done")
    again.get_by_role("slider", name="Moment of the run").press("Home")
    expect(again.locator(".pill")).to_have_text("Replay 0:00")
    expect(row(again, "after")).to_have_count(0)
    again.get_by_role("slider", name="Moment of the run").press("End")
    notebook.press(row(again, "slow"))
    inspector = again.get_by_role("region", name="Task 2")
    notebook.press(inspector.get_by_role("tab", name="Transcript"))
    expect(inspector).to_contain_text("Did slow.")
    # The copy for a later day stands below, hidden as long as the board is there.
    copy = notebook.cell(0).locator("[data-conduct-fallback]")
    expect(copy).to_have_count(1)
    expect(copy).to_be_hidden()
    assert notebook.page_errors == []
