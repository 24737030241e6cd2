"""The board for everybody: axe-core finds nothing, in both themes, and it can be read in the system's own colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bench.board_run import Play
from conductor_magic.events import QuestionAsked
from tests.golden.journals import RUNS
from tests.golden.script import START
from tests.support.board_page import THEMES, BoardPage

Json = dict[str, Any]
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
FRAME = {
    # Of the page around the board, which is the notebook's.
    "page-has-heading-one": {"enabled": False},
}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page for all of this module."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def plain(page: Page) -> Iterator[BoardPage]:
    """A board on it."""
    board = BoardPage(page)
    yield board
    board.end()


def golden(board: BoardPage, name: str) -> None:
    """Show a golden run."""
    script = RUNS[name]()
    board.show(script.records, now=script.clock, lines={"w3": "Half of it is read."})


def tab(name: str) -> Callable[[BoardPage], None]:
    """Open a tab of the task that failed."""

    def look(board: BoardPage) -> None:
        golden(board, "failed")
        board.inspect("4", name)

    return look


def asking(board: BoardPage) -> None:
    """A question that waits, open."""
    golden(board, "asking")
    board.board.press("q")
    expect(board.board.locator(".question")).to_be_visible()


def trouble(board: BoardPage) -> None:
    """A press that the kernel refused, and a plan that was changed."""
    script = RUNS["edited"]()
    board.show(script.records, now=script.clock, commands=lambda kind, payload: {"error": "#7 is running already."})
    board.inspect("7")
    board.board.locator("[data-act=skip]").click()
    expect(board.board.get_by_role("alert")).to_be_visible()


def bell(board: BoardPage) -> None:
    """The end, with every table of the report open."""
    golden(board, "done")
    for name in board.board.get_by_role("button", name="Closing bell").all():
        name.click()
    board.settle()
    board.board.locator(".reports").evaluate("(e) => e.querySelectorAll('details').forEach((d) => { d.open = true; })")


def past(board: BoardPage) -> None:
    """A moment of the past, with the task of then opened."""
    golden(board, "done")
    for _ in range(2):
        board.board.get_by_role("button", name="One event back").click()
    expect(board.board.locator(".pill")).to_contain_text("Replay")
    board.inspect("8")


@cache
def large() -> Play:
    """A run with a thousand tasks."""
    play = Play(1_000, 200, 300)
    play.until(10)
    return play


def many(board: BoardPage) -> None:
    """A thousand tasks, as a table, with one of them opened."""
    play = large()
    board.show([], state=play.state, now=play.clock, lines=play.lines)
    board.inspect("1")


LOOKS: dict[str, tuple[int, Callable[[BoardPage], None]]] = {
    "running": (600, lambda board: golden(board, "running")),
    "flow": (900, lambda board: (golden(board, "running"), board.board.locator("[data-book=Flow]").click())[0]),
    "conflict": (1400, lambda board: golden(board, "conflict")),
    "asking": (1400, asking),
    "asking, narrow": (600, asking),
    "prompt": (900, tab("Prompt")),
    "transcript": (1400, tab("Transcript")),
    "output": (600, tab("Output")),
    "trouble": (1400, trouble),
    "bell": (1400, bell),
    "bell, narrow": (600, bell),
    "past": (1400, past),
    "many": (900, many),
}


def violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, and where it is broken."""
    options = {"runOnly": list(RULES), "rules": FRAME, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing(plain: BoardPage, theme: str) -> None:
    """Not in any look of the board; the one that takes longest is for `make test-all`."""
    looks = {name: LOOKS[name] for name in LOOKS if name != "many" or theme == "light"}
    found: dict[str, list[str]] = {}
    for name, (width, look) in looks.items():
        plain.dress(theme, width)
        look(plain)
        found[name] = violations(plain.page)
    assert found == {name: [] for name in looks}


COLOURS = """(place) => {
  const canvas = document.querySelector("[data-conduct-board]").shadowRoot.querySelector(place);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""
TIER = """(tiers) => tiers.map((tier) => getComputedStyle(tier).color)"""


@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read_in_the_systems_own_colours(plain: BoardPage, theme: str) -> None:
    """Also where the system is dark and the notebook light: pictures are painted, no word is hidden in its ground."""
    for scheme in ("light", "dark"):
        plain.page.emulate_media(forced_colors="active", color_scheme=scheme)
        plain.dress(theme, 1400)
        tab("Output")(plain)
        ink = plain.board.evaluate("(e) => getComputedStyle(e).color")
        assert set(plain.board.locator(".tier").evaluate_all(TIER)) == {ink}
        plain.board.locator("[data-book=Phases]").click()
        expect(plain.board.locator("[data-book=Phases]")).to_have_css("outline-style", "solid")
        plain.settle()
        assert min(plain.page.evaluate(COLOURS, place) for place in (".plan canvas", ".lanes canvas")) > 50
    plain.page.emulate_media(forced_colors="none", color_scheme="light")


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_whoever_asked_for_that(plain: BoardPage, motion: Any, moves: bool) -> None:
    """A phase that has just been completed is swept with light, but for a person who wants less motion."""
    plain.page.emulate_media(reduced_motion=motion)
    plain.dress("light", 1400)
    script = RUNS["running"]()
    plain.show(script.records, now=START + 31)
    names = "(board) => board.getAnimations({ subtree: true }).map((one) => one.animationName ?? '')"
    assert ("sweep" in plain.board.evaluate(names)) is moves
    assert moves or plain.board.evaluate(names) == []


def test_the_line_of_the_moment_is_painted_where_the_handle_is(plain: BoardPage) -> None:
    """One move into the past of a finished run, after which nothing else happens; then the same painted anew."""
    plain.dress("light", 1400)
    golden(plain, "done")
    plain.board.locator(".scrubber").press("Home")
    expect(plain.board.locator(".pill")).to_have_text("Replay 0:00")
    plain.settle()
    canvas = plain.board.locator(".lanes canvas")
    painted = canvas.evaluate("(sheet) => sheet.toDataURL()")
    # A pointer on a bar, and below all bars again, has it painted anew.
    box = canvas.bounding_box()
    assert box is not None
    plain.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 50)
    expect(plain.board.locator(".lanes .tip")).to_be_visible()
    plain.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] - 4)
    expect(plain.board.locator(".lanes .tip")).to_have_count(0)
    plain.settle()
    assert canvas.evaluate("(sheet) => sheet.toDataURL()") == painted


def test_what_stands_over_a_question_does_not_run_into_it(plain: BoardPage) -> None:
    """Several workers are asked about at once, on a board so low that the question cannot have all its room."""
    plain.dress("light", 1100)
    script = RUNS["running"]()
    words = {"question": "A crash cut this call. Run it again?\n" + "long " * 200, "header": "Again", "options": []}
    options = [{"label": label, "description": "What comes of it. " * 20} for label in ("Leave it", "Run it again")]
    ask = ({**words, "options": options},)
    for number, task in enumerate(("3", "5"), 1):
        question = QuestionAsked(question=f"q{number}", ask=ask, by=f"w{task}", task=task)
        script.at(script.clock - START + 1).add(question)
    plain.show(script.records, now=script.clock)
    asker = plain.board.locator(".asker")
    expect(asker).to_contain_text("and 1 more")
    assert asker.evaluate("(e) => e.scrollHeight <= e.clientHeight")
