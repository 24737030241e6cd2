"""The plan changed by hand on the board, while the cell blocks: each press is an event, in the result, and lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook, board_of
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import VERSIONS
from tests.support.lab import Notebook
from tests.support.messages_server import Answer, MessagesServer, text, tools

pytestmark = pytest.mark.browser

CONDUCT, NEXT = 1, 2
PLAN = {"slow": (), "stuck": (), "bad": (), "x": ("slow",), "y": ("slow",), "z": ("stuck", "slow")}
FOLLOW = """
kinds = ("task.edited", "task.edit_undone", "task.deleted", "task.cancelled", "task.launched", "worker.stopping")
done = [f"{r.event.kind} {r.event.by}" for r in out.events if r.event.kind in kinds and r.event.by != "conductor"]
print(out.status, {name: (out[name].status, out[name].tier) for name in "123456"}, done)
"""


@pytest.fixture
def floor_url() -> Iterator[tuple[str, threading.Event]]:
    """`slow` and `stuck` work until they are let go, `bad` fails once; the rest is done at once."""
    go_on = threading.Event()
    failed = threading.Event()

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task in ("slow", "stuck") and turn < 400 and not go_on.is_set():
            return tools(("Glob", {"pattern": "*.md"}), first_seconds=0.1)
        if task == "bad" and not failed.is_set():
            failed.set()
            return text("It did not work.\nSTATUS: blocked - no data")
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


@pytest.mark.parametrize("ipykernel", ["6.31.0", VERSIONS[-1]])
def test_the_plan_is_changed_by_hand(
    open_notebook: OpenNotebook, floor_url: tuple[str, threading.Event], ipykernel: str
) -> None:
    """Tier, dependencies with a cycle refused, undo, retry, skip, cancel; after a reload it is all there."""
    url, go_on = floor_url
    setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {url!r}\n%load_ext conductor_magic"
    notebook = open_notebook([setup, "%%conduct out\nGo on.", FOLLOW], ipykernel=ipykernel)
    notebook.run(0)
    notebook.start(CONDUCT)
    board = board_of(notebook, CONDUCT)
    row = board.get_by_role("row")
    expect(row.filter(has_text="Task bad")).to_contain_text("Failed", timeout=20_000)

    notebook.press(opened(notebook, board, "bad").get_by_role("button", name="Retry on SONNET"))
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
    notebook.press(opened(notebook, board, "stuck").get_by_role("button", name="Skip"))
    expect(row.filter(has_text="Task stuck")).to_contain_text("Cancelled", timeout=20_000)

    if ipykernel == VERSIONS[-1]:
        notebook.save()
        notebook.reload()
        board = board_of(notebook, CONDUCT)
        expect(board.get_by_role("row").filter(has_text="Task x")).to_contain_text("OPUS", timeout=20_000)
    go_on.set()
    notebook.run(NEXT)
    printed = notebook.text(NEXT)
    assert "'4': ('completed', 'opus')" in printed and "'3': ('completed', 'sonnet')" in printed
    assert "'5': ('cancelled', 'haiku')" in printed and "'6': ('completed', 'haiku')" in printed
    assert printed.strip().endswith(
        "['task.launched person', 'task.edited person', 'task.edited person', 'task.edit_undone person', "
        "'task.edited undo', 'task.cancelled person', 'task.deleted person', 'worker.stopping engine']"
    )
    assert notebook.page_errors == []
