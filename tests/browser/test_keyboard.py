"""The whole board by keyboard alone, while its cell blocks: a question, a task opened, the run cancelled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import CONDUCT, NEXT, OpenNotebook, Play, begin
from tests.support.kernels import VERSIONS

pytestmark = pytest.mark.browser
FOCUSED = "(board) => board.getRootNode().activeElement?.textContent ?? ''"


def tab_to(page: Page, board: Locator, name: str) -> None:
    """Press Tab until an element whose text begins with `name` has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if board.evaluate(FOCUSED).startswith(name):
            return
    raise AssertionError(f"no way leads to {name!r}")


def test_a_question_an_inspect_and_a_cancel_without_a_mouse(open_notebook: OpenNotebook, play: Play) -> None:
    """Letters lead, figures answer, arrows and Enter open a task, Tab finds buttons; no key reaches the notebook."""
    notebook, board = begin(open_notebook, play, VERSIONS[-1])
    keyboard = notebook.page.keyboard
    cells = notebook.page.locator(".jp-Notebook-cell").count()
    expect(board.get_by_role("button", name="Redis")).to_be_visible(timeout=20_000)
    board.focus()
    keyboard.press("q")
    expect(board.get_by_role("button", name="Redis")).to_be_focused()
    keyboard.press("1")
    expect(board.locator(".question")).to_have_count(0, timeout=20_000)
    expect(board.get_by_role("row").filter(has_text="Task slow")).to_contain_text("Running", timeout=20_000)

    keyboard.press("g")  # the plan as a picture
    plan = board.get_by_role("application")
    plan.focus()
    keyboard.press("Home")
    keyboard.press("ArrowDown")
    expect(board.locator("#cursor")).to_contain_text("Task 2, Task slow, Running")
    keyboard.press("]")
    expect(board.locator("#cursor")).to_contain_text("Task 3, Task after, Blocked, HAIKU, waiting on #2")
    keyboard.press("[")
    keyboard.press("Enter")
    inspector = board.get_by_role("region", name="Task 2")
    expect(inspector).to_be_visible()
    tab_to(notebook.page, board, "Transcript")
    keyboard.press("ArrowLeft")
    expect(inspector).to_contain_text("CONTEXT: You are a WORKER agent, not an orchestrator.")
    keyboard.press("Escape")
    expect(inspector).to_have_count(0)

    board.focus()
    tab_to(notebook.page, board, "Cancel run")
    keyboard.press("Enter")
    tab_to(notebook.page, board, "Cancel run")
    keyboard.press("Enter")
    notebook.wait(NEXT)
    expect(board.locator(".pill")).to_have_text("Closed, cancelled")
    assert notebook.text(NEXT).startswith("next cancelled {'Which store?': 'Redis'} person ")
    for key in ("a", "b", "d", "d", "x", "z", "m", "0", "0", "ArrowUp"):
        keyboard.press(key)
    assert notebook.page.locator(".jp-Notebook-cell").count() == cells
    assert notebook.outputs(CONDUCT) != []
    assert notebook.page_errors == []
