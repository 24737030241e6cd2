"""The board in a real page, while its cell blocks the kernel: what a person presses takes effect at once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CONDUCT, NEXT, OpenNotebook, Play, begin, board_of, told
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import BETWEEN, VERSIONS
from tests.support.messages_server import Answer, MessagesServer, text, tools

pytestmark = pytest.mark.browser

# The oldest and the newest at every change, the rest with `make test-all`.
KERNELS = [
    ("6.31.0", ""),
    (VERSIONS[-1], "disabled"),
    *(pytest.param(*one, marks=pytest.mark.slow) for one in ((BETWEEN, ""), (BETWEEN, "disabled"), (VERSIONS[-1], ""))),
]


@pytest.mark.parametrize("ipykernel", ["6.31.0", pytest.param(VERSIONS[-1], marks=pytest.mark.slow)])
def test_answer_and_inspect_while_the_cell_runs(open_notebook: OpenNotebook, play: Play, ipykernel: str) -> None:
    """The question is answered by a button, a running task shows its prompt; then the run ends, the next cell runs."""
    notebook, board = begin(open_notebook, play, ipykernel)
    notebook.press(board.get_by_role("button", name="Redis"))
    row = board.get_by_role("row").filter(has_text="Task slow")
    expect(row).to_contain_text("Running", timeout=20_000)
    expect(board).to_contain_text("Glob")
    notebook.press(row)
    inspector = board.get_by_role("region", name="Task 2")
    notebook.press(inspector.get_by_role("tab", name="Prompt"))
    expect(inspector).to_contain_text("CONTEXT: You are a WORKER agent, not an orchestrator.")
    assert notebook.state(CONDUCT) == "running"
    play.go_on.set()
    notebook.wait(NEXT)
    assert notebook.text(NEXT).strip() == (
        "next completed {'Which store?': 'Redis'} person ['question.answered'] recorded"
    )
    expect(board).to_contain_text("Closed")
    expect(board.get_by_role("row").filter(has_text="Task after")).to_contain_text("Done")
    assert notebook.page_errors == []


@pytest.mark.parametrize(("ipykernel", "comms"), KERNELS)
def test_answer_and_cancel_while_the_cell_runs(
    open_notebook: OpenNotebook, play: Play, ipykernel: str, comms: str
) -> None:
    """Own words and Enter answer the question; two presses cancel the run; its cell ends normally, the next runs."""
    notebook, board = begin(open_notebook, play, ipykernel, comms)
    words = board.get_by_role("textbox", name="Answer in your own words")
    words.press_sequentially("A file, 1 2")
    words.press("Enter")
    expect(board.get_by_role("row").filter(has_text="Task slow")).to_contain_text("Running", timeout=20_000)
    assert notebook.state(CONDUCT) == "running"
    notebook.press(board.locator("[data-act=cancel]"))
    notebook.press(board.locator("[data-act=cancel-sure]"))
    notebook.wait(NEXT)
    assert notebook.text(NEXT).strip() == (
        "next cancelled {'Which store?': 'A file, 1 2'} person "
        "['question.answered', 'run.cancel_requested', 'worker.stopping'] recorded"
    )
    expect(board).to_contain_text("Closed, cancelled")
    expect(board.get_by_role("row").filter(has_text="Task slow")).to_contain_text("Cancelled")
    assert notebook.page_errors == []


@pytest.mark.parametrize("ipykernel", [pytest.param("6.31.0", marks=pytest.mark.slow), VERSIONS[-1]])
def test_a_permission_is_asked_and_given_on_the_board(open_notebook: OpenNotebook, ipykernel: str) -> None:
    """In mode ask a write waits with its difference on the board, hidden characters spelled out; a press lets it go.

    The next question is there after a reload too, and the first does not come back.
    """
    calls = [
        ("Write", {"file_path": "note.md", "content": "one\u200bline\n"}),
        ("Bash", {"command": "cat note.md"}),
    ]

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(calls[turn - 1]) if turn <= len(calls) else done(task, turn, body)

    with MessagesServer(Floor([lay_out({"write": ()}), text("Under way."), text("Done.")], worker)) as server:
        setup = (
            f"import os, pathlib\nos.environ['ANTHROPIC_BASE_URL'] = {server.url!r}\n"
            f"pathlib.Path('room-{ipykernel}').mkdir()\n%load_ext conductor_magic"
        )
        follow = told("[(q.answered_by, *q.answers.values()) for q in out.questions], out.files[0].action")
        cells = [setup, f"%%conduct out --mode ask --workspace room-{ipykernel}\nWrite.", follow]
        notebook = open_notebook(cells, ipykernel=ipykernel)
        notebook.run(0)
        notebook.start(CONDUCT)
        board = board_of(notebook, CONDUCT)
        question = board.get_by_role("region", name="Question")
        expect(question).to_contain_text("Let a worker write this file?", timeout=20_000)
        expect(question.locator(".difference")).to_contain_text("+one\\u200bline")
        expect(board.get_by_role("row").filter(has_text="Task write")).to_contain_text("Asking")
        notebook.press(question.get_by_role("button", name="Yes, once"))
        expect(question).to_contain_text("cat note.md", timeout=20_000)
        notebook.save()
        notebook.reload()
        expect(board_of(notebook, CONDUCT).get_by_role("region", name="Question")).to_contain_text("cat note.md")
        notebook.press(question.get_by_role("button", name="No", exact=False).first)
        notebook.run(NEXT)
        assert notebook.text(NEXT).strip() == (
            "next [('person', 'Yes, once'), ('person', 'No')] created "
            "['question.answered', 'permission.decided', 'question.answered', 'permission.decided'] recorded"
        )
        assert notebook.page_errors == []
