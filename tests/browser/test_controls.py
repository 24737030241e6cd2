"""The plan changed by hand on the board, while the cell blocks: each press is an event, in the result, and lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import CONDUCT, NEXT, OpenNotebook, board_of, told
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import VERSIONS
from tests.support.lab import Notebook
from tests.support.messages_server import Answer, MessagesServer, text, tools

pytestmark = pytest.mark.browser

PLAN = {"slow": (), "stuck": (), "bad": (), "x": ("slow",), "y": ("slow",), "z": ("stuck", "slow")}


@pytest.fixture
def floor_url() -> Iterator[tuple[str, threading.Event]]:
    """`slow` and `stuck` work until they are let go, `bad` fails twice; the rest is done at once."""
    go_on = threading.Event()
    failures = iter(["no data", "no data still"])

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task in ("slow", "stuck") and turn < 50 and not go_on.is_set():
            # The first call brings something new each time: who only repeats itself is ended for that.
            return tools(("Bash", {"command": f"echo {turn}"}), ("Glob", {"pattern": "*.md"}), first_seconds=1)
        if task == "bad" and (reason := next(failures, "")):
            return text(f"It did not work.\nSTATUS: blocked - {reason}")
        return done(task, turn, body)

    conductor = [lay_out(PLAN), *(text("Under way.") for _ in range(12))]
    with MessagesServer(Floor(conductor, worker)) as server:
        yield server.url, go_on
        go_on.set()


def opened(notebook: Notebook, board: Locator, task: str) -> Locator:
    """The inspector of a task, by its subject."""
    notebook.press(board.get_by_role("row").filter(has_text=f"Task {task}"))
    inspector = board.locator(".inspector")
    expect(inspector.locator("h3")).to_have_text(f"Task {task}")
    return inspector


@pytest.mark.parametrize("ipykernel", ["6.31.0", pytest.param(VERSIONS[-1], marks=pytest.mark.slow)])
def test_the_plan_is_changed_by_hand(
    open_notebook: OpenNotebook, floor_url: tuple[str, threading.Event], ipykernel: str
) -> None:
    """Retry, tier, dependencies with a cycle refused, undo, cancel, skip; it is all there after a reload."""
    url, go_on = floor_url
    setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {url!r}\n%load_ext conductor_magic"
    follow = told("out.status, *((t.status, t.tier, len(t.attempts), t.blocked_by) for t in out)")
    notebook = open_notebook([setup, "%%conduct out\nGo on.", follow], ipykernel=ipykernel)
    notebook.run(0)
    notebook.start(CONDUCT)
    board = board_of(notebook, CONDUCT)
    row = board.get_by_role("row")
    expect(row.filter(has_text="Task bad")).to_contain_text("Failed", timeout=20_000)

    inspector = opened(notebook, board, "bad")
    notebook.press(inspector.get_by_role("button", name="Retry", exact=True))
    expect(inspector).to_contain_text("no data still", timeout=20_000)
    notebook.press(inspector.get_by_role("button", name="Retry on SONNET"))
    expect(row.filter(has_text="Task bad")).to_contain_text("Done", timeout=20_000)

    inspector = opened(notebook, board, "x")
    inspector.locator("[data-act=tier]").select_option("opus")
    expect(row.filter(has_text="Task x")).to_contain_text("OPUS")
    inspector.locator("[data-act=wait]").select_option("5")
    expect(inspector.locator(".blocker")).to_have_count(2)

    inspector = opened(notebook, board, "y")
    inspector.locator("[data-act=wait]").select_option("4")
    expect(
        board.get_by_role("alert").filter(has_text="That would be a cycle: 5 waits for 4 waits for 5")
    ).to_be_visible()
    expect(inspector.locator(".blocker")).to_have_count(1)

    notebook.press(board.locator("[data-act=undo]"))
    expect(opened(notebook, board, "x").locator(".blocker")).to_have_count(1)

    notebook.press(opened(notebook, board, "y").get_by_role("button", name="Cancel task"))
    expect(row.filter(has_text="Task y")).to_contain_text("Cancelled")
    inspector = opened(notebook, board, "z")
    notebook.press(inspector.get_by_role("button", name="Do not wait for 1"))
    expect(inspector.locator(".blocker")).to_have_count(1)
    notebook.press(opened(notebook, board, "stuck").get_by_role("button", name="Skip"))
    expect(row.filter(has_text="Task z")).to_contain_text("Done", timeout=20_000)

    notebook.save()
    notebook.reload()
    board = board_of(notebook, CONDUCT)
    row = board.get_by_role("row")
    for task, shown in {"bad": "Done", "x": "OPUS", "y": "Cancelled", "z": "Done", "stuck": "Cancelled"}.items():
        expect(row.filter(has_text=f"Task {task}")).to_contain_text(shown)
    expect(opened(notebook, board, "x").locator(".blocker")).to_have_count(1)
    go_on.set()
    notebook.run(NEXT)
    assert notebook.text(NEXT).strip() == (
        "next partial ('completed', 'haiku', 1, ()) ('cancelled', 'haiku', 1, ()) ('completed', 'sonnet', 3, ()) "
        "('completed', 'opus', 1, ('1',)) ('cancelled', 'haiku', 0, ('1',)) ('completed', 'haiku', 1, ('2',)) "
        "['task.launched', 'task.launched', 'task.edited', 'task.edited', 'task.edit_undone', 'task.edited', "
        "'task.cancelled', 'task.edited', 'task.deleted'] recorded"
    )
    assert notebook.page_errors == []
