"""The token report's arithmetic on small records; `tests/shell/test_counterfactual.py` holds it to a server's count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.report.efficiency import efficiency
from conductor_magic.report.measured import message_size
from conductor_magic.report.tokens import token_lines, token_markdown, token_table, token_text
from conductor_magic.result_efficiency import Efficiency
from tests.golden.script import Script

Json = dict[str, Any]
PRICES = {
    "big": ((0.0, 4.0, 20.0, 0.4, 5.0),),
    "small": ((0.0, 1.0, 5.0, 0.1, 1.25), (1_000.0, 10.0, 50.0, 1.0, 12.5)),
}
MILLION = 1_000_000


class Run(Script):
    """A run of two models, whose texts are so short that what is estimated of them is nothing or little."""

    def __init__(self, prices: dict[str, Any] | None = None, goal: str = "") -> None:
        super().__init__()
        self.number = 0
        self.at(0).add(
            e.RunStarted(run="r", goal=goal, context_window=2_000),
            e.ModelsResolved(tiers={}, source="s", prices=PRICES if prices is None else prices),
            e.ConductorStarted(model="big", system="", tools=("Task",), prompt=""),
        )

    def turn(self, by: str, model: str, prompt: int, output: int, *blocks: Json, read: int = 0, **how: Any) -> Run:
        """A request that was answered, and its reply."""
        self.number += 1
        name = f"r{self.number}"
        self.add(
            e.RequestEnded(
                request=name, by=by, model=model, stop="end_turn", input_tokens=prompt - read, output_tokens=output,
                cache_read_tokens=read, usd=how.get("usd", 0.0), list_usd=how.get("usd", 0.0),
                aside=how.get("aside", False),
            )
        )  # fmt: skip
        if how.get("aside"):
            return self
        calls = sum(len(to_json(block)) for block in blocks)
        content = (*blocks, {"type": "text", "text": "x" * max(1, round(3.5 * output) - message_size("") - calls)})
        turn = {"request": name, "content": content, "stop": "end_turn"}
        if by == "conductor":
            self.add(e.ConductorTurn.model_validate(turn))
        else:
            self.add(e.WorkerTurn.model_validate({"worker": by, **turn}))
        return self

    def works(self, worker: str, task: str = "1", *, launched: str = "", prompt: str = "", attempt: int = 1) -> Run:
        """A worker begins at a task, which is launched first where it is told something."""
        if attempt == 1:
            self.add(e.TaskCreated(task=task, subject="s", description=""))
            self.add(e.TaskLaunched(task=task, prompt=launched, tier="haiku"))
        started = {"worker": worker, "task": task, "attempt": attempt, "desk": 1, "tier": "haiku", "model": "small"}
        self.add(e.WorkerStarted.model_validate({**started, "prompt": prompt}))
        return self

    def report(self) -> Json:
        return efficiency(self.records, fold(self.records))


def call(name: str, use: str, **given: Any) -> Json:
    return {"type": "tool_use", "id": use, "name": name, "input": given}


def near(tokens: int) -> Any:
    """Give or take what the empty texts and the one short line to the agent are estimated at."""
    return pytest.approx(tokens, abs=60)


def test_one_agent_sends_everything_again_with_each_turn() -> None:
    """Peak, prompts and dollars of two workers' turns and the answer, each at its own model's price."""
    run = Run().turn("conductor", "big", 300, 50, call("Task", "t1"), read=1, usd=1e-4)
    run.works("w1").turn("w1", "small", 100, 10).turn("w1", "small", 150, 20)
    run.works("w2", "2").turn("w2", "small", 100, 10).turn("w2", "small", 400, 100)
    run.turn("conductor", "big", 700, 30)
    report = run.report()
    # Prompts: 100, 150, then what w1 said last, then what w2 got: 170, 470, 570; the answer's reply is the last.
    assert report["solo"]["turns"] == 5
    assert report["solo_context"] == near(570 + 30)
    assert report["solo"]["sent_tokens"] == pytest.approx(100 + 150 + 170 + 470 + 570, rel=0.1)
    assert report["solo"]["output_tokens"] == 10 + 20 + 10 + 100 + 30
    small = 470 * 1.25 + (100 + 150 + 170) * 0.1 + 140 * 5
    answer = 100 * 5 + 470 * 0.4 + 30 * 20
    assert report["solo"]["usd"] == pytest.approx((small + answer) / MILLION, rel=0.3)
    one = 570 * 5 + (100 + 150 + 170 + 470) * 0.4 + 170 * 20
    assert report["solo"]["usd_one_model"] == pytest.approx(one / MILLION, rel=0.1)
    assert (report["conductor"]["peak_tokens"], report["widest"], report["saved"]) == (
        730, 730, report["solo_context"] - 730,
    )  # fmt: skip
    assert (report["context"], report["money"]) == ("lost", "won")
    assert report["context_note"].startswith("Delegation did not pay in context: the conductor's reached 730 tokens;")
    assert report["money_note"].startswith("Delegation paid in money: $0.000100 were spent;")


def words(tokens: int, around: str = "") -> str:
    """A text that a message has this many tokens with, three and a half bytes each; `around` stands there as well."""
    return "x" * (round(3.5 * tokens) - message_size(around))


def test_the_example_of_the_docs() -> None:
    """Its figures are what comes out."""
    prices = {"big": ((0.0, 4.0, 20.0, 0.4, 5.0),), "small": ((0.0, 1.0, 5.0, 0.1, 1.25),)}
    run = Run(prices, goal=words(100, "GOAL\n\n\nWORKSPACE\n\n\n"))
    run.turn("conductor", "big", 4_000, 100, call("Task", "t1"), read=1)
    for worker, task, given, whole, turns in (
        ("w1", "1", 300, 400, ((3_000, 200), (9_000, 500))),
        ("w2", "2", 350, 500, ((3_100, 200), (6_100, 400))),
    ):
        run.works(worker, task, launched=words(given), prompt=words(whole))
        for prompt, output in turns:
            run.turn(worker, "small", prompt, output)
    run.add(e.ConductorTold(text="No work is running."))
    report = run.turn("conductor", "big", 5_000, 600).report()
    solo = report["solo"]
    assert (solo["base_tokens"], report["solo_context"], solo["sent_tokens"]) == (2_700, 13_863, 47_963)
    assert (round(solo["usd"], 4), round(solo["usd_one_model"], 3)) == (0.0440, 0.118)
    text = (Path(__file__).parents[2] / "docs" / "efficiency.md").read_text("utf-8")
    assert all(figure in text for figure in ("13,863", "47,963", "$0.0440", "$0.118"))


def test_a_long_prompt_pays_the_rate_of_its_size() -> None:
    """Above a threshold one agent pays at the higher rate."""
    run = Run().turn("conductor", "big", 10, 1, call("Task", "t1"))
    run.works("w1").turn("w1", "small", 900, 0).turn("w1", "small", 3_000, 10)
    report = run.report()
    usd = 900 * 1.25 + 900 * 1 + 2_100 * 12.5 + 10 * 50
    assert report["solo"]["usd"] == pytest.approx(usd / MILLION, rel=0.02)
    assert report["solo_overflows"]
    assert "more than the window of 2,000" in report["note"]


def test_a_run_without_a_cache_is_compared_as_it_would_have_been_billed_with_one() -> None:
    """Workers of one kind share their system prompt and tools, a compacted conversation keeps those, and it is said."""
    run = Run().turn("conductor", "big", 1_000, 100, call("Task", "t1"), usd=0.006)
    run.works("w1").turn("w1", "small", 700, 10, usd=0.00075).turn("w1", "small", 900, 20, usd=0.001)
    run.turn("w1", "small", 920, 10, aside=True, usd=0.00097)
    run.add(e.ContextCompacted(by="w1", before=900, after=750, summary=""))
    run.turn("w1", "small", 750, 10, usd=0.0008)
    run.works("w2", "2").turn("w2", "small", 800, 10, usd=0.00085)
    report = run.report()
    # The conductor's prompt is new, the second worker's and the compacted one begin with what the first one's had.
    small = (700 + 200 + 220 + 50 + 100) * 1.25 + (700 + 700 + 700 + 700) * 0.1 + 60 * 5
    assert report["usd_with_cache"] == pytest.approx((1_000 * 5 + 100 * 20 + small) / MILLION, rel=0.01)
    assert report["usd"] == pytest.approx(0.01037)
    assert report["solo"]["cached"] is False
    assert report["solo"]["usd"] < report["usd_with_cache"] < report["usd"]
    # At its own price, none of it from a cache, it would have lost.
    assert report["money"] == "even"
    assert ": with a cache, which it had not, the run would have cost about $0.00" in report["money_note"]
    cached = Run().turn("conductor", "big", 10, 1, call("Task", "t1"), read=1).works("w1").turn("w1", "small", 100, 10)
    assert cached.report()["usd_with_cache"] is None


def test_a_retry_tells_nothing_new_and_a_new_order_does() -> None:
    """The same words count once; another launch brings other words."""

    def solo(*launches: str) -> int:
        run = Run().turn("conductor", "big", 10, 1, call("Task", "t1"))
        run.works("w1", launched=launches[0]).turn("w1", "small", 100, 10)
        failed = {"task": "1", "outcome": "failed", "cause": "status", "error": "blocked"}
        for attempt, text in enumerate(launches[1:], 2):
            run.add(e.WorkerEnded.model_validate({"worker": f"w{attempt - 1}", **failed}))
            run.add(e.TaskLaunched(task="1", prompt=text, tier="haiku"))
            run.works(f"w{attempt}", attempt=attempt).turn(f"w{attempt}", "small", 100, 10)
        return run.report()["solo_context"]

    words, others = "x" * 2_000, "y" * 2_000
    again = solo(words, words) - solo(words)
    assert again == near(10)
    assert solo(words, others) - solo(words) > again + 200


def test_growth_goes_from_the_first_prompt_that_was_counted_after_a_compaction() -> None:
    """What it was estimated to leave, larger or smaller, has no part in it; neither has the note's own request."""
    for estimate in (10, 5_000):
        run = Run().works("w1").turn("w1", "small", 100, 10).turn("w1", "small", 500, 20)
        run.turn("w1", "small", 520, 50, aside=True)
        run.add(e.ContextCompacted(by="w1", before=900, after=estimate, summary=""))
        run.turn("w1", "small", 200, 5).turn("w1", "small", 300, 10)
        report = run.report()
        row = report["workers"][0]
        assert (row["peak_tokens"], row["tokens"]) == (520, 110 + 520 + 570 + 205 + 310)
        assert report["solo_context"] == near(520 + 100 + 10)
        assert report["solo"]["turns"] == 4
        assert report["compactions"] == [{"by": "w1", "before": 900, "after": estimate, "kept": []}]


def test_a_page_that_a_tool_asked_about_is_asked_about_by_one_agent_too() -> None:
    """A question beside a conversation is no note when a call was running: it costs, and fills no context."""

    def solo(*, aside: bool) -> Json:
        run = Run().works("w1").turn("w1", "small", 100, 10, call("WebFetch", "t1"))
        run.add(e.ToolStarted(call="c1", by="w1", name="WebFetch", input={}, use="t1"))
        if aside:
            run.turn("w1", "small", 5_000, 7, aside=True, usd=0.5)
        run.add(e.ToolEnded(call="c1", by="w1", name="WebFetch", content="x", use="t1"))
        return run.turn("w1", "small", 200, 10).report()

    with_page, without = solo(aside=True), solo(aside=False)
    assert with_page["solo_context"] == without["solo_context"]
    assert with_page["solo"]["sent_tokens"] - without["solo"]["sent_tokens"] == 5_000
    assert with_page["solo"]["usd"] - without["solo"]["usd"] == pytest.approx(0.5)


def test_an_old_record_has_no_prices_and_says_so() -> None:
    """What can be computed is: contexts are, dollars are not; without work of workers there is nothing to compare."""
    run = Run(prices={}).works("w1").turn("w1", "small", 100, 10)
    report = run.report()
    assert report["solo"]["usd"] is None
    assert report["money_note"] == "Money: not compared, as the run's record does not have all its prices."
    assert report["solo_context"] == near(110)
    alone = Run().turn("conductor", "big", 100, 10).report()
    assert (alone["solo"], alone["note"], alone["solo_context"]) == (None, "Nothing was delegated.", 110)
    assert token_lines(alone) == []


def test_what_the_conductors_context_is_made_of() -> None:
    """Each thing has its part, they add up to the largest context, and after a compaction it is what was kept."""
    run = Run()
    ask, task, reads = call("AskUserQuestion", "a"), call("TaskCreate", "b"), call("Read", "c", file_path="guides/x.md")
    run.turn("conductor", "big", 400, 300, ask, task, reads, {"type": "text", "text": "x" * 300})
    for use, name in (("a", "AskUserQuestion"), ("b", "TaskCreate"), ("c", "Read")):
        run.add(e.ToolEnded(call=use, by="conductor", name=name, content="x" * 1_000, use=use))
    run.turn("conductor", "big", 2_200, 10)
    run.add(e.ConductorTold(text="x" * 2_000, until=0))
    parts = run.turn("conductor", "big", 3_000, 10).report()["conductor"]["parts"]
    assert sum(parts.values()) == 3_010
    assert set(parts) == {"tools", "prompt", "management", "notices", "decisions", "reading", "replies"}
    assert parts["notices"] == pytest.approx(parts["decisions"] + parts["reading"], rel=0.2)
    assert parts["tools"] > 300
    kept = ({"role": "user", "content": "x" * 4_000}, {"role": "assistant", "content": [task]})
    run.add(e.ContextCompacted(by="conductor", before=3_000, after=900, summary="", messages=kept))
    parts = run.turn("conductor", "big", 5_000, 10).report()["conductor"]["parts"]
    assert sum(parts.values()) == 5_010
    assert set(parts) == {"tools", "prompt", "management", "record", "replies"}
    assert parts["record"] > 10 * parts["management"] > 0


def test_the_tools_have_their_share_of_the_first_prompt() -> None:
    """By the bytes of their definitions; a record that does not tell those is read all the same."""

    def tools(**recorded: int) -> int:
        run = Run()
        run.add(e.ConductorStarted(model="big", system="x" * 1_000, tools=("Task",), prompt="x" * 970, **recorded))
        return run.turn("conductor", "big", 4_000, 10).report()["conductor"]["parts"]["tools"]

    assert tools(schema_bytes=6_000) == pytest.approx(3_000, rel=0.02)
    assert tools() == pytest.approx(4_000 - 2_000 / 3.5, rel=0.02)


@pytest.fixture
def told() -> Efficiency:
    """The report of a run with one worker."""
    run = Run().turn("conductor", "big", 300, 50, call("Task", "t1"), usd=0.1)
    return Efficiency(run.works("w1").turn("w1", "small", 100, 10).report())


def test_the_report_in_words(told: Efficiency) -> None:
    """Sentences, a table, Markdown and plain text say the same."""
    context, money, parts = token_lines(told)
    assert told["note"] == f"{context} {money}"
    assert parts.startswith("The conductor's context at its fullest, about: tool schemas ")
    table = token_table(told)
    assert [row[0] for row in table["rows"] if not row[0].startswith("·")] == [
        "Conductor", "#1 HAIKU", "All", "All, with a cache", "One agent, computed",
    ]  # fmt: skip
    assert table["rows"][0][1:] == ["350", "350", "0%", "$0.10"]
    assert str(told) == token_text(told)
    for row in table["rows"]:
        assert all(cell in str(told) for cell in row)
    shown = told._repr_markdown_()  # pyright: ignore[reportPrivateUsage]
    assert shown == token_markdown(told)
    assert "| Conductor | 350 | 350 | 0% | <span>$</span>0.10 |" in shown.splitlines()
    assert "$" not in shown.replace("<span>$</span>", "")
    assert len({line.count(" | ") for line in shown.splitlines() if line.startswith("|")}) == 1


def test_many_workers_make_a_table_that_can_be_read() -> None:
    """The first forty, and how many others there are."""
    run = Run()
    for number in range(1, 51):
        run.works(f"w{number}", str(number)).turn(f"w{number}", "small", 100, 10)
    table = token_table(run.report())
    assert len(table["rows"]) == 1 + 40 + 3
    assert table["note"].startswith("10 more workers are in result.efficiency. ")
