"""Every control of the board registers every press, though a thousand tasks change twenty times a second meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from conductor_magic.controls import control
from conductor_magic.events import Event
from conductor_magic.journal import Journal
from tests.golden.journals import RUNS
from tests.support.board_load import Load
from tests.support.board_page import BoardPage

Json = dict[str, Any]
PRESSES = 15
SECONDS = 5.0
"""How long a press may take to show; what a loaded machine needs, not what a person waits for."""

FAILED, WAITING = "3", "4"
ASK = [
    {"question": "Which charts?", "options": [{"label": "Bars"}, {"label": "Lines"}], "multiSelect": True},
    {"question": "Which store?", "options": [{"label": "Redis"}, {"label": "Postgres"}]},
]


class Presses:
    """Presses controls of a board under load, and counts those that registered, by the control's name."""

    def __init__(self, board: BoardPage, load: Load) -> None:
        self.page = board
        self.board = board.board
        self.at_work = load.first_desk()
        self.made: Counter[str] = Counter()
        self.registered: Counter[str] = Counter()

    def act(self, name: str) -> Locator:
        """The control with this `data-act`."""
        return self.board.locator(f"[data-act={name}]")

    def button(self, name: str, *, within: str = "") -> Locator:
        """The button with exactly this name."""
        place = self.board.locator(within) if within else self.board
        return place.get_by_role("button", name=name, exact=True)

    def press(self, name: str, target: Locator, holds: Callable[[], object]) -> None:
        """Press once; it registered when `holds` comes true."""
        assert not holds(), f"{name}: nothing could be seen of a press"
        self.made[name] += 1
        self.page.press(target)
        self._see(name, holds)

    def sends(self, name: str, target: Locator, kind: str) -> None:
        """Press once; it registered when the kernel got one more command of this kind."""
        self.page.settle()
        before = len(self.page.of(kind))
        self.press(name, target, lambda: len(self.page.of(kind)) == before + 1)

    def chooses(self, name: str, target: Locator, key: str, kind: str) -> None:
        """Press a key in a list; it registered when the kernel got one more command of this kind."""
        self.page.settle()
        before = len(self.page.of(kind))
        self.made[name] += 1
        target.focus()
        self.page.page.keyboard.press(key, delay=80)
        self._see(name, lambda: len(self.page.of(kind)) == before + 1)

    def _see(self, name: str, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not (seen := bool(holds())) and time.monotonic() < deadline:
            self.page.page.wait_for_timeout(10)
        self.registered[name] += seen


def head(on: Presses) -> None:
    """Cancel run and its two answers, a message closed, undo, pause."""
    on.press("Cancel run", on.act("cancel"), on.act("keep").is_visible)
    on.press("Keep going", on.act("keep"), on.act("cancel").is_visible)
    on.page.press(on.act("cancel"))
    on.sends("Cancel run, sure", on.act("cancel-sure"), "cancel")
    expect(on.board.get_by_role("alert")).to_be_visible()
    on.press("Close the message", on.button("Close the message"), lambda: on.board.get_by_role("alert").count() == 0)
    on.page.press(on.act("keep"))
    on.sends("Undo", on.act("undo"), "undo")
    on.page.settle()
    pill = on.board.locator(".pill")
    on.press("Pause view", on.act("pause"), lambda: pill.inner_text() == "View paused")
    on.press("Resume view", on.act("pause"), lambda: pill.inner_text() == "Live")


def question(on: Presses) -> None:
    """Options, the way through two questions, and an answer in own words."""
    bars, redis = (
        on.board.locator(".option").filter(has_text="Bars"),
        on.board.locator(".option").filter(has_text="Redis"),
    )
    for own_words in (False, True):
        on.press("Option of several", bars, lambda: bars.get_attribute("aria-pressed") == "true")
        on.press("Next", on.act("send"), redis.is_visible)
        on.press("Back", on.button("Back"), bars.is_visible)
        on.page.press(on.act("send"))
        if own_words:
            on.board.get_by_role("textbox").fill("Neither")
            on.sends("Send", on.act("send"), "answer")
        else:
            on.sends("Option", redis, "answer")
        # The kernel refuses it, so the form is there again, as it was filled in.
        expect(bars).to_have_attribute("aria-pressed", "true")
        on.page.press(on.button("Close the message"))
        on.page.press(bars)
        expect(bars).to_have_attribute("aria-pressed", "false")


def past(on: Presses) -> None:
    """Replay, single steps, and back."""
    on.press("Replay", on.act("play"), on.act("stop").is_visible)
    on.press("Pause", on.act("stop"), on.act("play").is_visible)
    on.sends("One event on", on.button("One event on"), "moment")
    on.sends("One event back", on.button("One event back"), "moment")
    on.press("Back to live", on.act("live"), lambda: on.board.locator(".pill").inner_text() == "Live")


def pictures(on: Presses) -> None:
    """Which picture, how large, and what is shown in it."""
    plan, table = on.board.locator(".plan"), on.board.get_by_role("table", name="Tasks")
    on.press("Table", on.button("Table"), table.is_visible)
    on.press("Phases", on.button("Phases"), plan.is_visible)
    chip, chain = on.board.locator("[data-chip=running]"), on.button("Mark the longest chain")
    for pressed in ("true", "false"):
        on.press("Chip", chip, lambda pressed=pressed: chip.get_attribute("aria-pressed") == pressed)
        on.press("Longest chain", chain, lambda pressed=pressed: chain.get_attribute("aria-pressed") == pressed)

    def width() -> float:
        return plan.evaluate("(e) => e.scrollWidth")

    for name, grows in (("Larger", True), ("Smaller", False), ("Larger", True), ("Fit", False)):
        before = width()
        on.press(
            name, on.button(name), lambda before=before, grows=grows: (width() - before) * (1 if grows else -1) > 0
        )


def floor(on: Presses) -> None:
    """A desk, a row of the table, the tabs of what they open, and copies of it."""
    inspector = on.board.get_by_role("region", name=f"Task {on.at_work}", exact=True)
    desk = on.board.locator(".desk button").filter(has=on.page.page.get_by_text(f"#{on.at_work}", exact=True))
    on.press("Desk", desk, inspector.is_visible)
    on.press("Close the task", on.button("Close the task"), lambda: inspector.count() == 0)
    on.page.press(on.button("Table"))
    row = on.board.locator(".row").filter(has=on.page.page.locator("[data-task='2']"))
    opened = on.board.get_by_role("region", name="Task 2", exact=True)
    on.press("Row", row, opened.is_visible)
    on.page.press(on.button("Phases"))
    on.page.settle()
    clipboard = on.page.page
    for tab in ("Output", "Transcript", "Prompt"):
        target = on.board.get_by_role("tab", name=tab)
        if target.get_attribute("aria-selected") == "true":
            on.page.press(on.board.get_by_role("tab", name="Transcript" if tab != "Transcript" else "Prompt"))
        on.press(f"Tab {tab}", target, lambda target=target: target.get_attribute("aria-selected") == "true")
    for name, place in (("Copy as text", ".tabs"), ("Copy", ".sheet")):
        clipboard.evaluate("navigator.clipboard.writeText('')")
        on.press(
            name, on.board.locator(f"{place} .copy"), lambda: clipboard.evaluate("navigator.clipboard.readText()") != ""
        )
    on.page.press(on.button("Close the task"))


def tasks(on: Presses) -> None:
    """What can be done to a task that failed, and to one that waits."""
    on.page.inspect(FAILED)
    on.sends("Retry", on.button("Retry"), "retry")
    on.sends("Retry on a higher tier", on.button("Retry on SONNET"), "retry")
    on.sends("Skip", on.act("skip"), "skip")
    on.sends("Cancel task", on.act("cancel_task"), "cancel_task")
    on.page.inspect(WAITING)
    on.sends("Do not wait for", on.act("free"), "free")
    on.chooses("Tier", on.act("tier"), "ArrowDown", "tier")
    on.chooses("Wait for", on.act("wait"), "ArrowDown", "wait")
    on.page.press(on.button("Close the task"))
    on.page.press(on.button("Phases"))


PARTS = (head, question, past, pictures, floor, tasks)


@pytest.fixture(scope="module")
def load() -> Load:
    """The load, with what is pressed held as it is."""
    load = Load()
    row = load.pictures[0]["tasks"][FAILED]
    held = {"launched": True, "worker": None, "started": None, "ended": None, "tier": "haiku", "error": ""}
    load.hold(("tasks", FAILED), {**row, **held, "status": "failed", "shown": "failed", "error": "No data."})
    waits = {"status": "blocked", "shown": "blocked", "blocked_by": ["1"], "waits_for": ["1"]}
    load.hold(("tasks", WAITING), {**row, **held, **waits, "id": WAITING})
    load.hold(("edits",), [{"seq": 3, "task": WAITING, "text": "runs on haiku"}])
    load.hold(
        ("questions",),
        [{"id": "q1", "ask": ASK, "about": "", "by": "conductor", "tasks": [], "asked": 0.0, "answered": None}],
    )
    return load


@pytest.fixture
def board(browser: Browser, load: Load) -> Iterator[BoardPage]:
    """A board that is under load, on a page that may copy; its kernel refuses to cancel and to take an answer."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.route("https://board.test/", lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto("https://board.test/")
    board = BoardPage(page)
    refused = {"error": "Not now."}
    board.show(load.records, commands=lambda kind, payload: refused if kind in ("cancel", "answer") else {})
    load.feed(board)
    yield board
    board.end()
    context.close()


@pytest.mark.slow
def test_every_press_registers(board: BoardPage, load: Load) -> None:
    """Of each control all of them, while the page takes in the whole stream."""
    on = Presses(board, load)
    begun = time.monotonic()
    for part in PARTS:
        for _ in range(PRESSES):
            part(on)
    spent, fed = time.monotonic() - begun, board.page.evaluate("boardPage.fed")
    print(f"{sum(on.made.values())} presses on {len(on.made)} controls in {spent:.0f} s, {fed / spent:.1f} patches/s")
    assert on.registered == on.made
    assert min(on.made.values()) >= PRESSES
    assert fed / spent > 5


def test_a_lost_command_is_sent_again_and_takes_effect_once(browser: Browser, tmp_path: Path) -> None:
    """The first message of every kind gets lost; what a person did is in the journal once all the same."""
    journal = Journal(tmp_path)
    for record in RUNS["running"]().records:
        journal.append(record.event)
    seen = len(journal.records)

    def carry_out(kind: str, payload: Json) -> Json:
        for step in control(journal.state, kind, payload):
            assert isinstance(step, Event)
            journal.append(step)
        return {}

    page = browser.new_page()
    board = BoardPage(page)
    board.show(journal, commands=carry_out)
    lost: set[str] = set()

    def lose(message: Json) -> bool:
        first = message["kind"] not in lost
        lost.add(message["kind"])
        return first

    board.lose = lose
    acts: tuple[tuple[str, str, str], ...] = (
        ("7", "free", "task.edited"),
        ("7", "undo", "task.edit_undone task.edited"),
        ("8", "cancel_task", "task.cancelled"),
        ("8", "retry", "task.launched"),
        ("7", "skip", "task.deleted"),
    )
    for task, act, kinds in acts:
        board.inspect(task)
        board.press(board.board.locator(f"[data-act={act}]").first)
        board.settle()
        while len([one for one in board.sent if one["kind"] == act]) < 2:
            page.wait_for_timeout(50)
        board.settle()
        board.deliver()
        assert [record.event.kind for record in journal.records[seen:]] == kinds.split()
        assert len({one["id"] for one in board.sent if one["kind"] == act}) == 1
        seen = len(journal.records)
    board.end()
    journal.close()
    page.close()
