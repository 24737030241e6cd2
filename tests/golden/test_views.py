"""The pictures of scripted runs: what is stored is what the code draws, and nothing hostile gets through."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.report.html import LIMIT, board_html
from conductor_magic.report.text import board_text, progress_line
from conductor_magic.snapshot import diff, inspect, patched, snapshot
from tests.golden.journals import HERE, RUNS, pictures, state_of

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Json = dict[str, Any]


def drawn(name: str) -> tuple[Json, dict[str, Json]]:
    """A run's snapshot and its inspected tasks."""
    state, now = state_of(name)
    return snapshot(state, now), {task: detail for task in state.tasks if (detail := inspect(state, task))}


class Page(HTMLParser):
    """Reads a page as a browser's parser would see it: its elements, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that what is closed is what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data


@pytest.mark.parametrize("name", RUNS)
def test_stored_pictures_are_what_the_code_draws(name: str) -> None:
    """Regenerate with `python -m tests.golden.journals` when a picture is meant to change."""
    stored = {path: (HERE / path).read_text("utf-8") for path in pictures(name)}
    assert pictures(name) == stored


def test_no_picture_is_left_of_a_run_that_is_gone() -> None:
    """What vitest paints is what pytest holds."""
    assert {path.stem for path in (HERE / "snapshots").iterdir()} == set(RUNS)


@pytest.mark.parametrize("before", RUNS)
@pytest.mark.parametrize("after", RUNS)
def test_a_diff_leads_from_any_picture_to_any_other(before: str, after: str) -> None:
    """Applied to the first, the changes give the second, and the first stays as it was."""
    first, second = drawn(before)[0], drawn(after)[0]
    copy = json.loads(json.dumps(first))
    assert patched(first, diff(first, second)) == second
    assert first == copy


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", [40, 80, 132])
def test_text_keeps_to_its_width(name: str, width: int) -> None:
    """No line is longer than the terminal, in either alphabet."""
    for ascii_only in (False, True):
        text = board_text(drawn(name)[0], width, ascii_only)
        assert max(map(len, text.splitlines())) <= width
        assert not ascii_only or text.isascii()


def test_ascii_text_has_a_sign_for_each_state() -> None:
    """A terminal without our signs still tells the states apart."""
    lines = board_text(drawn("failed")[0], ascii=True).splitlines()
    assert [line[2] for line in lines if "#" in line[:6]] == ["v", "v", ">", "x", ">", ".", ".", "."]


def test_the_progress_line_says_where_the_run_stands() -> None:
    """Status, time, tasks, money, tokens and context on one line."""
    assert progress_line(drawn("asking")[0]) == ("Live  1:07  2/8 done  1 running  2 asking  $0.070  23.9k tok  ctx 5%")


def test_the_stand_in_is_called_one_in_every_picture() -> None:
    """Nobody takes the rehearsal for a model; that no walls stand is said as plainly."""
    shown = drawn("planning")[0]
    for picture in (board_text(shown), Page(board_html(shown)).text):
        assert "a rule-based stand-in, not a model" in picture
        assert "No sandbox works here, so Bash and Python are refused." in picture


@pytest.mark.parametrize("name", RUNS)
def test_html_is_whole_plain_and_tells_every_task(name: str) -> None:
    """Well formed, nothing that runs or loads, at most the limit, marked as the copy that a live board hides."""
    shown, details = drawn(name)
    page = board_html(shown, details)
    read = Page(page)
    assert read.open == []
    assert set(read.tags) <= {
        *("div", "p", "strong", "span", "pre", "br", "code", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {attribute for attribute, _ in read.attributes} <= {"style", "class", "data-conduct-fallback", "open"}
    assert len(page.encode()) <= LIMIT
    assert page.startswith('<div data-conduct-fallback=""')
    assert read.text.count("#") >= len(shown["order"])


def test_html_opens_a_task_on_its_prompt_transcript_and_output() -> None:
    """What inspecting shows live is in the copy too."""
    shown, details = drawn("done")
    text = Page(board_html(shown, details)).text
    call, result = "→ Python penguins.isna().sum()", "← 344 rows, 7 columns"
    for part in ("TASK:\nSchema and types", call, result, "344 rows × 7 columns."):
        assert part in text
    assert "TASK:" not in Page(board_html(shown)).text


def test_hostile_text_stays_text() -> None:
    """Markup is escaped; escapes and turned writing are gone; in text and in HTML."""
    shown, details = drawn("hostile")
    read = Page(board_html(shown, details))
    assert "img" not in read.tags
    assert "script" not in read.tags
    assert '<img src=x onerror="window.__xss=1">' in read.text
    for picture in (board_html(shown, details), board_text(shown), progress_line(shown)):
        assert UNSEEN.search(picture) is None


def test_a_large_run_stays_small_and_says_what_it_leaves_out() -> None:
    """A thousand tasks with long details: under the limit, the failed ones named, the rest counted."""
    shown, details = drawn("failed")
    names = [str(number) for number in range(1, 1_001)]
    running, failed = shown["tasks"]["3"], shown["tasks"]["4"]
    tasks = ((name, failed if name == "77" else running) for name in names)
    shown["tasks"] = {name: {**task, "id": name, "subject": "W" * 300} for name, task in tasks}
    shown["order"] = names
    shown["counts"] = {**dict.fromkeys(shown["counts"], 0), "running": 999, "failed": 1}
    big = {name: {**details["4"], "output": "x" * 100_000} for name in names}
    page = board_html(shown, big)
    assert len(page.encode()) <= LIMIT
    assert "999 more tasks" in page
    assert "#77" in page
    assert len(board_text(shown).splitlines()) < 130


def test_the_worst_hundred_tasks_fit() -> None:
    """Long subjects, errors and details of the largest run that is listed whole."""
    shown, details = drawn("failed")
    names = [str(number) for number in range(1, 101)]
    bad = {**shown["tasks"]["4"], "subject": "<&>" * 200, "error": "<&>" * 300}
    shown["tasks"] = {name: {**bad, "id": name} for name in names}
    shown["order"] = names
    shown["run"] = {**shown["run"], "goal": "<&>" * 5_000, "answer": "<&>" * 20_000}
    page = board_html(shown, {name: {**details["4"], "output": "é" * 100_000} for name in names})
    assert len(page.encode()) <= LIMIT
    assert Page(page).open == []


def test_the_bundle_is_what_the_sources_give() -> None:
    """The committed script is there, small, loads nothing and injects no markup."""
    script = (Path(__file__).parents[2] / "conductor_magic" / "static" / "board.js").read_text("utf-8")
    assert set(re.findall(r"https?://[\w./-]+", script)) <= {
        "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"
    }  # fmt: skip
    assert not re.search(r"\beval\(|\bimport\(|new Function", script)
    sources = (Path(__file__).parents[2] / "widgets" / "src").rglob("*.ts*")
    assert not any(
        re.search("innerHTML|dangerouslySet|insertAdjacentHTML", path.read_text("utf-8")) for path in sources
    )
