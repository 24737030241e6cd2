"""A board outlives its page, its kernel and its notebook server: reloaded, reopened, exported, watched by two."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import CONDUCT, NEXT, Lab, OpenNotebook, Play, begin, board_of
from tests.support.kernels import VERSIONS
from tests.support.lab import Notebook

pytestmark = pytest.mark.browser
COPY = "[data-conduct-fallback]"


def row(board: Locator, task: str) -> Locator:
    """A task's row in the table."""
    return board.get_by_role("row").filter(has_text=f"Task {task}")


def at_work(open_notebook: OpenNotebook, play: Play, ipykernel: str) -> tuple[Notebook, Locator]:
    """A run in the middle: its question is answered, and its slow task runs until it is let go."""
    notebook, board = begin(open_notebook, play, ipykernel)
    notebook.press(board.get_by_role("button", name="Redis"))
    expect(row(board, "slow")).to_contain_text("Running", timeout=20_000)
    return notebook, board


@pytest.mark.parametrize("ipykernel", ["6.31.0", pytest.param(VERSIONS[-1], marks=pytest.mark.slow)])
def test_a_page_reloaded_in_mid_run_has_its_board_back(open_notebook: OpenNotebook, play: Play, ipykernel: str) -> None:
    """The board is there again and live; a press arrives, and its effect lasts too. How soon: `bench.reload`."""
    notebook, board = at_work(open_notebook, play, ipykernel)
    notebook.save()
    notebook.reload()
    expect(notebook.cell(CONDUCT).locator(".pill")).to_have_text("Live", timeout=20_000)
    board = board_of(notebook, CONDUCT)
    notebook.press(board.locator("[data-act=cancel]"))
    notebook.press(board.locator("[data-act=cancel-sure]"))
    expect(board.locator(".pill")).to_have_text("Closed, cancelled", timeout=20_000)
    notebook.save()
    notebook.reload()
    board = board_of(notebook, CONDUCT)
    expect(board.locator(".pill")).to_have_text("Closed, cancelled", timeout=20_000)
    expect(row(board, "slow")).to_contain_text("Cancelled")
    notebook.run(NEXT)
    assert notebook.text(NEXT).strip() == (
        "next cancelled {'Which store?': 'Redis'} person "
        "['question.answered', 'run.cancel_requested', 'worker.stopping'] recorded"
    )
    assert notebook.page_errors == []


@pytest.mark.slow
@pytest.mark.parametrize("ipykernel", ["6.31.0", VERSIONS[-1]])
def test_a_run_goes_on_without_its_browser(open_notebook: OpenNotebook, play: Play, ipykernel: str) -> None:
    """The page is closed in mid-run and opened when all is over: the board is whole, the result is in the kernel."""
    notebook, _ = at_work(open_notebook, play, ipykernel)
    notebook.save()
    notebook.page.goto("about:blank")
    play.go_on.set()
    notebook.page.wait_for_timeout(8_000)
    notebook.reload()
    board = board_of(notebook, CONDUCT)
    expect(board.locator(".pill")).to_have_text("Closed", timeout=20_000)
    for task in ("quick", "slow", "after"):
        expect(row(board, task)).to_contain_text("Done")
    notebook.run(NEXT)
    assert notebook.text(NEXT).startswith("next completed {'Which store?': 'Redis'} person")
    assert notebook.page_errors == []


def test_a_saved_notebook_shows_its_final_board_without_the_kernel_and_offline(
    open_notebook: OpenNotebook, play: Play, lab: Lab, browser: Browser, tmp_path: Path
) -> None:
    """Reopened with a fresh kernel, and as nbconvert's HTML on a page that may load nothing."""
    notebook, board = at_work(open_notebook, play, VERSIONS[-1])
    play.go_on.set()
    notebook.wait(NEXT)
    expect(board.locator(".pill")).to_have_text("Closed")
    expect(notebook.cell(CONDUCT).locator(COPY)).to_be_hidden()
    notebook.save()
    notebook.end_kernel()
    notebook.reload()
    copy = notebook.cell(CONDUCT).locator(COPY)
    expect(copy).to_be_visible(timeout=20_000)
    for words in ("Completed", "Go <b>on</b>.", "Task quick", "Task slow", "Task after", "Redis"):
        expect(copy).to_contain_text(words)
    assert notebook.page_errors == []

    [path] = [path for path in lab.root.glob("*.ipynb") if path.name == notebook.name]
    page, _ = HTMLExporter().from_notebook_node(nbformat.read(path, as_version=4))
    exported = tmp_path / "exported.html"
    exported.write_text(page, "utf-8")
    with browser.new_context(offline=True) as context:
        offline = context.new_page()
        offline.goto(exported.as_uri())
        board = offline.locator(COPY)
        expect(board).to_be_visible()
        for words in ("Completed", "Task slow", "Did after."):
            expect(board).to_contain_text(words)


@pytest.mark.slow
@pytest.mark.parametrize("ipykernel", ["6.31.0", VERSIONS[-1]])
def test_two_browsers_on_one_kernel_both_stay_right(
    open_notebook: OpenNotebook, play: Play, browser: Browser, ipykernel: str
) -> None:
    """What one person does, the other sees; each looks at what they like; one page may close in mid-run."""
    notebook, board = at_work(open_notebook, play, ipykernel)
    notebook.save()
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        other = notebook.open_again(context.new_page())
        theirs = board_of(other, CONDUCT)
        expect(theirs.locator(".pill")).to_have_text("Live", timeout=20_000)
        other.press(row(theirs, "after"))
        other.press(theirs.get_by_role("button", name="Cancel task"))
        for seen in (board, theirs):
            expect(row(seen, "after")).to_contain_text("Cancelled")
        expect(board.locator(".inspector")).to_have_count(0)
        board.get_by_role("slider", name="Moment of the run").press("Home")
        expect(board.locator(".pill")).to_have_text("Replay 0:00")
        expect(theirs.locator(".pill")).to_have_text("Live")
        assert other.page_errors == []
    notebook.press(board.locator("[data-act=live]"))
    play.go_on.set()
    notebook.wait(NEXT)
    expect(board.locator(".pill")).to_have_text("Closed, partly done")
    expect(row(board, "slow")).to_contain_text("Done")
    assert notebook.page_errors == []


@pytest.mark.slow
def test_a_board_whose_kernel_is_gone_says_so(open_notebook: OpenNotebook, play: Play) -> None:
    """It does not claim that anybody still works, and offers nothing that could not take effect."""
    notebook, board = at_work(open_notebook, play, VERSIONS[-1])
    notebook.kill_kernel()
    expect(board.locator(".pill")).to_have_text("Kernel gone", timeout=30_000)
    expect(board.locator("[data-act=cancel]")).to_have_count(0)
