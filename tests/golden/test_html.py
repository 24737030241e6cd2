"""The static board: whole, plain, small, and telling of every task what the live one tells."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from conductor_magic.report.html import LIMIT, board_html, card_html
from conductor_magic.report.html.look import LOOKS, word
from conductor_magic.snapshot import inspect_all, snapshot
from tests.golden.journals import RUNS, state_of
from tests.golden.test_views import UNSEEN

Json = dict[str, Any]
TAGS = {
    *("div", "p", "strong", "small", "span", "pre", "br", "code", "details", "summary", "table", "tr", "th", "td"),
    *("ul", "ol", "li", "h4", "h5", "em", "del", "blockquote", "hr", "a"),
}
ATTRIBUTES = {"style", "class", "data-conduct-fallback", "open", "start", "href", "target", "rel"}
# What JupyterLab leaves of the styles of a notebook that is not trusted; `var()`, `calc()` and `color-mix()` it drops.
STYLES = {
    *("background", "color", "opacity", "border", "border-left", "border-radius", "border-collapse", "display", "flex"),
    *("flex-shrink", "gap", "align-items", "width", "min-width", "height", "overflow", "overflow-x", "margin"),
    *("margin-left", "padding", "padding-left", "box-sizing", "font-family", "font-size", "font-weight", "line-height"),
    *("letter-spacing", "text-align", "vertical-align", "white-space", "word-break", "word-wrap", "table-layout"),
}
VOID = {"br", "hr"}


class Page(HTMLParser):
    """Reads a page as a browser's parser would see it: its elements, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that what is closed is what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data

    @property
    def declarations(self) -> list[tuple[str, str]]:
        """Every property that is set, with its value."""
        styles = [value for name, value in self.attributes if name == "style"]
        pairs = [part.split(":", 1) for style in styles for part in style.split(";") if part]
        return [(name.strip(), value.strip()) for name, value in pairs]


def drawn(name: str) -> tuple[Json, dict[str, Json]]:
    """A run's snapshot and its inspected tasks."""
    state, now = state_of(name)
    return snapshot(state, now), inspect_all(state)


def many(number: int, *, live: int = 1) -> tuple[Json, dict[str, Json]]:
    """The failed run, its tasks multiplied: #4 has failed, `live` of the others run, the rest is done."""
    shown, details = drawn("failed")
    names = [str(place) for place in range(1, number + 1)]
    done, running, failed = (shown["tasks"][task] for task in ("1", "3", "4"))
    kinds = {"4": failed, **dict.fromkeys(names[4 : 4 + live], running)}
    phases = [phase["name"] for phase in shown["phases"]]
    shown["tasks"] = {
        name: {
            **kinds.get(name, done),
            "id": name,
            "subject": f"Task {name}",
            "phase": phases[int(name) * 3 // (number + 1)],
        }
        for name in names
    }
    shown["order"] = names
    shown["counts"] = {
        **dict.fromkeys(shown["counts"], 0),
        "running": live,
        "failed": 1,
        "completed": number - live - 1,
    }
    shown["phases"] = [{**phase, "total": number // 3, "done": number // 4} for phase in shown["phases"]]
    worker = shown["workers"]["w1"]
    shown["workers"] = {
        f"w{name}": {**worker, "id": f"w{name}", "task": name, "desk": int(name) % 8 + 1, "outcome": None}
        for name in names
    }
    return shown, {name: {**details["4"], "id": name, "output": f"Output {name}. " * 100} for name in names}


def check_whole(page: str) -> Page:
    """The page, read; that it is well formed and has nothing that runs, loads, or is styled from elsewhere."""
    read = Page(page)
    assert read.open == []
    assert set(read.tags) <= TAGS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    assert {name for name, _ in read.declarations} <= STYLES
    assert not any(re.search(r"url|var\(|calc|color-mix|@", value) for _, value in read.declarations)
    assert len(page.encode()) <= LIMIT
    assert UNSEEN.search(page) is None
    return read


@pytest.mark.parametrize("name", RUNS)
def test_a_page_is_whole_and_tells_every_task_twice(name: str) -> None:
    """In the picture and in the list: number, title, state, tier, and what it comes after."""
    shown, details = drawn(name)
    page = board_html(shown, details)
    read = check_whole(page)
    assert page.startswith('<div data-conduct-fallback=""')
    for task in shown["tasks"].values() if name != "hostile" else ():
        box = f"#{task['id']} {task['subject']} {task['tier'].upper()}"
        after = " ".join(f"#{blocker}" for blocker in task["blocked_by"])
        assert f"{box} · after {after}" in read.text if after else box in read.text
        assert f"#{task['id']} {task['subject']} {word(task['shown'])} · {task['tier'].upper()}" in read.text
        if task["waits_for"]:
            assert f"waits for {' '.join(f'#{blocker}' for blocker in task['waits_for'])}" in read.text


@pytest.mark.parametrize("name", RUNS)
def test_a_card_is_whole(name: str) -> None:
    """What stands under the cell is as plain."""
    check_whole(card_html(drawn(name)[0]))


def test_the_head_says_how_the_run_stands() -> None:
    """Status, goal, who plays, six figures, the states."""
    text = Page(board_html(drawn("asking")[0])).text
    assert text.startswith(
        "LiveExplore the penguins: what sets the three species apart, and can a chart show it?Claude"
    )
    assert "ElapsedDesks busyParallelTokensSpendConductor context" in text
    assert "1:07 3 of 63.0× 23.9k $0.070 of $5.005% of 200.0k✓ 2 done" in text
    for figure in ("1:07", "3 of 6", "3.0×", "23.9k", "$0.070 of $5.00", "5% of 200.0k", "✓ 2 done", "? 2 asking"):
        assert figure in text


def test_what_is_asked_stands_open_and_what_was_answered_folds() -> None:
    """Question, options, what it holds up; then the answer and who gave it."""
    shown, _ = drawn("asking")
    text = Page(board_html(shown)).text
    for part in (
        "The conductor asks",
        "Eleven birds have no sex recorded. How should they count?",
        "Leave them out (Recommended): Only where sex is compared.",
        "#4 asks for 0:09, holds up #4 #5",
        "+Three heavy Gentoos.",
    ):
        assert part in text
    asked = shown["questions"][0]
    answers = {asked["ask"][0]["question"]: "Leave them out", asked["ask"][1]["question"]: ["Scatter", "Violin"]}
    asked.update(answered=asked["asked"] + 5, answered_by="person", answers=answers)
    text = Page(board_html(shown)).text
    assert "1 question answered" in text
    assert (
        "How should they count? Leave them outWhich charts do you want? Scatter, Violin answered by you at 1:00" in text
    )


def test_a_conflict_that_is_not_settled_stands_open() -> None:
    """Both differences are there to be read; the settled one opens on a click."""
    page = board_html(drawn("conflict")[0])
    assert "+Three outliers." in Page(page).text
    assert re.findall(r"<details( open)?><summary><strong>Conflict", page) == ["", " open"]


def test_a_task_opens_on_all_that_inspecting_shows() -> None:
    """Reason, prompt, attempts with calls and results, output as Markdown, artifacts; the preamble once."""
    shown, details = drawn("done")
    page = board_html(shown, details)
    text = Page(page).text
    for part in (
        "Why HAIKU Routine reading.",
        "Prompt\nSchema and types: work on the frame `penguins`.",
        "Attempt 1 done · claude-haiku-5 · desk 1 · 0:09 of about 0:20 · $0.010",
        "0:05 → Python penguins.isna().sum()\n0:14 ← 344 rows, 7 columns",
        "Output344 rows × 7 columns.",
        "made bills",
    ):
        assert part in text
    assert "<h4>What sets them apart</h4>" in page
    assert text.count("CONTEXT: You are a WORKER agent") == 1
    assert "Routine reading." not in Page(board_html(shown)).text


def test_an_attempt_that_failed_says_why() -> None:
    """Each attempt has its outcome; a failed call is named one."""
    text = Page(board_html(*drawn("failed"))).text
    assert "Attempt 1 timeout" in text
    assert "Attempt 2 failed" in text
    assert "← error: Traceback: KeyError: 'bill'\nThe frame has no column `bill`." in text


def test_the_timeline_has_a_row_for_each_desk_and_names_milestones() -> None:
    """Without styles it reads as who did what for how long."""
    text = Page(board_html(drawn("done")[0])).text.replace("\u200b", "")
    assert "Desk 1 #1 0:09 #2 0:16 #7 0:24 #8 0:29" in text
    assert "⚑ Survey 0:31 ⚑ Explore 1:35 ⚑ Report 2:30" in text
    assert "⚑ run" not in text


def test_bars_lie_inside_their_row() -> None:
    """Gaps and widths of a desk's bars come to no more than the row."""
    for row in re.findall(r"Desk \d+</span> <span[^>]*>(.*?)</div>", board_html(drawn("done")[0])):
        places = re.findall(r"(?:margin-left|width):([\d.]+)%", row)
        assert 0 < sum(map(float, places)) <= 100.5


def test_very_many_attempts_are_drawn_as_how_many_worked_at_once() -> None:
    """A bar each would be neither small nor readable."""
    shown, details = many(400)
    text = check_whole(board_html(shown, details)).text
    assert "Desk 1" not in text
    assert "400 attempts at 8 desks: up to 400 at once" in text


def test_a_run_that_is_over_is_accounted_for() -> None:
    """Time, tokens and money by who used them; and the answer as Markdown."""
    shown, _ = drawn("done")
    page = board_html(shown)
    text = Page(page).text
    for row in ("Conductor0 turns24.0k$0.020", "HAIKU2 attempts0:120:203.9k$0.020", "All11 requests46.2k$0.11"):
        assert row in text
    assert "2:38 of wall time, 4:09 of worker time: 1:48 saved by working in parallel." in text
    assert "The conductor's context: at most 14.8k of 200.0k." in text
    assert "<strong>Bill depth and length together</strong> part the species" in page
    assert "Closing bell" not in board_html(drawn("running")[0])


def test_the_closing_bell_says_what_delegation_cost() -> None:
    """Its sentences stand below the figures, as text; a run that goes on has no bell and says none."""
    said = ["Delegation did not pay in context: <b>", "Delegation paid in money: $0.10 were spent."]
    text = Page(board_html(drawn("done")[0], tokens=said)).text
    assert text.index("Closing bell") < text.index(said[0]) < text.index(said[1])
    assert said[0] not in Page(board_html(drawn("running")[0], tokens=said)).text


def test_an_answer_that_stands_beside_the_board_folds() -> None:
    """Nobody reads it twice."""
    shown, _ = drawn("done")
    assert "<details><summary><strong>Answer</strong></summary>" in board_html(shown, fold_answer=True)
    assert "<summary><strong>Answer" not in board_html(shown)


def test_hostile_text_stays_text() -> None:
    """Markup is escaped wherever it stands."""
    shown, details = drawn("hostile")
    read = check_whole(board_html(shown, details))
    assert '<img src=x onerror="window.__xss=1">' in read.text
    assert [value for name, value in read.attributes if name == "href"] == []


def test_forty_tasks_open_and_fit() -> None:
    """The size that the board is made for: every task opens on what it gave."""
    shown, details = many(40)
    read = check_whole(board_html(shown, details))
    assert all(f"Output {name}." in read.text for name in shown["order"])


def test_above_seventy_two_tasks_a_phase_shows_a_sign_each() -> None:
    """As on the live board."""
    assert "#72 Task 72 HAIKU · " not in board_html(many(73)[0])
    few, lots = Page(board_html(many(72)[0])).text, Page(board_html(many(73)[0])).text
    assert few.count("#72 Task 72") == 2
    assert lots.count("#72 Task 72") == 1
    assert lots.count("✓") >= 71


def test_a_large_run_stays_small_and_says_what_it_leaves_out() -> None:
    """A thousand tasks: the failed one is named and opens, the rest counted."""
    shown, details = many(1_000, live=200)
    read = check_whole(
        board_html(shown, {name: {**detail, "output": "x" * 100_000} for name, detail in details.items()})
    )
    assert "999 more tasks" in read.text
    assert "#4 Task 4 Failed" in read.text
    assert "799 done" in read.text
    assert "The frame has no column `bill`." in read.text
    assert read.text.count("✓") > 790


def test_of_ten_thousand_tasks_a_sign_stands_for_several() -> None:
    """Which is said."""
    assert "A sign stands for 9 tasks." in check_whole(board_html(many(10_000)[0])).text


def test_the_worst_hundred_tasks_fit() -> None:
    """Everything long, everything in need of escaping, at once."""
    shown, details = many(100)
    bad = {**shown["tasks"]["4"], "subject": '"' * 600, "error": '"' * 900}
    shown["tasks"] = {name: {**bad, "id": name} for name in shown["order"]}
    shown["run"] = {**shown["run"], "goal": '"' * 5_000, "answer": "|a|\n|-|\n" + "[a](https://b.c)|" * 5_000}
    shown["notes"] = [{"at": 0, "level": "warning", "text": f"{number}" + '"' * 3_000} for number in range(20)]
    question = drawn("asking")[0]["questions"][0]
    ask = {**question["ask"][0], "question": '"' * 3_000, "detail": '"' * 9_000}
    shown["questions"] = [{**question, "ask": [ask] * 4}] * 30
    conflict = drawn("conflict")[0]["conflicts"][0]
    shown["conflicts"] = [{**conflict, "path": '"' * 3_000, "diffs": ['"' * 4_000] * 2}] * 20
    shown["phases"] = [{"name": f"{number}" + '"' * 200, "done": 1, "total": 2, "failed": 0} for number in range(100)]
    shown["tasks"] = {
        name: {**task, "phase": shown["phases"][int(name) - 1]["name"]} for name, task in shown["tasks"].items()
    }
    check_whole(board_html(shown, {name: {**details["4"], "output": "é" * 100_000} for name in shown["order"]}))


@pytest.mark.parametrize(
    "answer",
    [
        "|a" * 200 + "\n" + "|-" * 200 + "\n" + "|b\n" * 6_400,
        pytest.param("|a" * 20 + "\n" + "|-" * 20 + "\n" + "|b\n" * 6_600, marks=pytest.mark.slow),
        pytest.param("|a\n|-\n" + ("|" * 200 + "\n") * 100, marks=pytest.mark.slow),
    ],
    ids=["wide", "short rows", "empty cells"],
)
def test_a_vast_table_of_little_text_takes_no_time(answer: str) -> None:
    """In the answer and in every output, board and card are drawn at once, and say how much they leave out."""
    shown, details = many(100)
    shown["run"] = {**shown["run"], "answer": answer}
    began = time.process_time()
    board = check_whole(board_html(shown, {name: {**detail, "output": answer} for name, detail in details.items()}))
    card = check_whole(card_html(shown))
    assert time.process_time() - began < 10
    assert "more)" in board.text
    assert "more)" in card.text


def test_the_roomiest_page_that_fits_is_taken() -> None:
    """Of outputs that do not fit whole, as much is shown as in a page of more than half the limit."""
    shown, details = many(40)
    page = board_html(shown, {name: {**detail, "output": "**word** " * 1_000} for name, detail in details.items()})
    check_whole(page)
    assert len(page.encode()) > LIMIT / 2


def test_an_unknown_price_has_no_list_price_beside_it() -> None:
    """What is not known is not called $0.00."""
    shown, _ = drawn("done")
    shown["spend"] = {**shown["spend"], "usd": 0.0, "list_usd": 0.5}
    assert "At list price: $0.50." in Page(board_html(shown)).text
    shown["spend"] = {**shown["spend"], "usd": None, "list_usd": 0.0}
    text = Page(board_html(shown)).text
    assert "price unknown" in text
    assert "list price" not in text


def test_an_attempt_of_which_nothing_is_expected_says_no_time_for_it() -> None:
    """Neither in its line nor in the closing figures; what is known of others of its tier counts."""
    shown, details = drawn("done")
    haiku = [worker for worker in shown["workers"].values() if worker["tier"] == "haiku"]
    haiku[0]["expected"] = 0.0
    assert "HAIKU2 attempts0:120:203.9k" in Page(board_html(shown)).text
    haiku[1]["expected"] = 0.0
    for attempt in details["1"]["attempt_list"]:
        attempt["expected"] = 0.0
    text = Page(board_html(shown, details)).text
    assert "HAIKU2 attempts0:12–3.9k" in text
    assert "desk 1 · 0:09 · $0.010" in text


def _light(colour: str) -> float:
    """Relative luminance, as WCAG has it."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue))
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


def _over(fill: str, ground: str) -> str:
    """A fill on a ground, with its transparency."""
    if not fill:
        return ground
    alpha = int(fill[7:9], 16) / 255 if len(fill) == 9 else 1.0
    places = (1, 3, 5)
    mixed = (alpha * int(fill[p : p + 2], 16) + (1 - alpha) * int(ground[p : p + 2], 16) for p in places)
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


@pytest.mark.parametrize(("ground", "ink"), [("#ffffff", "#111111"), ("#111111", "#dddddd")])
@pytest.mark.parametrize("state", LOOKS)
def test_every_state_reads_on_light_and_on_dark_ground(state: str, ground: str, ink: str) -> None:
    """WCAG AA: 4.5 for what is read, 3 for borders."""
    look = LOOKS[state]
    own = {"": ink, "#fff": "#ffffff"}.get(look.ink, look.ink)
    assert _contrast(own, _over(look.fill, ground)) >= 4.5
    assert _contrast(look.line, ground) >= 3
