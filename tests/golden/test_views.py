"""The pictures of scripted runs: what is stored is what the code draws, and nothing hostile gets through."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.patches import diff, patched
from conductor_magic.report.html import board_html, card_html
from conductor_magic.report.text import board_text, progress_line
from conductor_magic.snapshot import inspect_all, snapshot
from tests.golden.journals import HERE, RUNS, pictures, state_of

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Json = dict[str, Any]


def drawn(name: str) -> tuple[Json, dict[str, Json]]:
    """A run's snapshot and its inspected tasks."""
    state, now = state_of(name)
    return snapshot(state, now), inspect_all(state)


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


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("running", "── ◈ Conducting ── 3 at work ──"),
        ("asking", "── ◈ Conducting ── 3 at work · 2 asking ──"),
        ("planning", "── ◈ Conducting ──"),
        ("planned", "── ◈ Planned ──"),
        ("done", "── ◈ Complete ──"),
        ("cancelled", "── ◈ Cancelled ──"),
    ],
)
def test_a_line_at_the_end_says_how_the_work_stands(name: str, line: str) -> None:
    """In each picture once, below the answer and never in it."""
    picture, details = drawn(name)
    assert board_text(picture).splitlines()[-1] == line
    assert "*" in board_text(picture, ascii=True).splitlines()[-1]
    for page in (board_html(picture, details), card_html(picture)):
        assert page.count(line) == 1
    assert "◈" not in picture["run"]["answer"]


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
    for picture in (board_text(shown), board_html(shown)):
        assert "a rule-based stand-in, not a model" in picture
        assert "No sandbox works here, so Bash and Python are refused." in picture


def test_every_picture_of_a_plan_forecasts_it_and_says_how_to_run_it() -> None:
    """Time, cost and the chain that takes longest, on each board and under the cell; of other runs none of it."""
    shown, details = drawn("planned")
    for picture in (board_text(shown, 132), board_html(shown, details), card_html(shown)):
        text = html.unescape(re.sub("<[^>]*>", "", picture))
        assert "8 tasks with up to 6 workers at once in about 6:20; about $1.96 without the conductor." in text
        assert "Takes longest: #1 → #3 → #6 → #7 → #8." in text
        assert "%conduct go runs this plan." in text
        assert "Closing bell" not in text
    assert "SONNET4 tasksabout 1:00$0.72" in re.sub("<[^>]*>", "", board_html(shown, details))
    assert "%conduct go" not in board_html(*drawn("done")) + card_html(drawn("done")[0])
    unknown = {**shown, "plan": {**shown["plan"], "seconds": None, "usd": None}}
    assert "in a time that is not known; its price is not known." in board_text(unknown, 132)


def test_hostile_text_stays_text() -> None:
    """Escapes and turned writing are gone."""
    shown, _ = drawn("hostile")
    for picture in (board_text(shown), progress_line(shown)):
        assert UNSEEN.search(picture) is None


def test_a_large_run_is_a_short_text() -> None:
    """Of a thousand tasks only those are listed that need a look."""
    shown, _ = drawn("failed")
    names = [str(number) for number in range(1, 1_001)]
    shown["tasks"] = {name: {**shown["tasks"]["3"], "id": name} for name in names}
    shown["order"] = names
    assert len(board_text(shown).splitlines()) < 130


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
