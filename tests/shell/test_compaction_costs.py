"""What a compaction may cost: its note is asked for only where it fits, and ends nothing where it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import CapReached, RequestEnded, RequestFailed, RequestSent
from conductor_magic.models.anthropic.prices import cost
from conductor_magic.models.calls import MOST_ATTEMPTS
from conductor_magic.result import ConductResult
from tests.shell.conftest import Begin, Play
from tests.shell.test_compaction import BLOCK, MODELS, NOTE, compactions, said, write_pages
from tests.shell.test_compaction import reader as pages
from tests.support.floor import Floor, WorkerScript, create, launch, lay_out
from tests.support.messages_server import Answer, error, text, tools
from tests.support.quick import quick_limiter

Json = dict[str, Any]
FILES = 6
COMPACTED = "THE CONVERSATION SO FAR WAS COMPACTED"


def reader(task: str, turn: int, body: Json) -> Answer:
    """A worker that reads a long file a turn until it is compacted, on a server that counts a token for each byte."""
    usage = {"input_tokens": len(json.dumps(body)), "output_tokens": 200}
    if NOTE in said(body["messages"][-1]):
        return text("I read on.", usage=usage)
    if COMPACTED in said(body["messages"][0]):
        return text("Read.\nSTATUS: done", usage=usage)
    return tools(("Read", {"file_path": f"file{turn}.txt"}), prefix=f"read{turn}", usage=usage)


def write_files(folder: Path) -> None:
    for number in range(1, FILES + 1):
        (folder / f"file{number}.txt").write_text(f"FILE {number} of words\n" * 1_200)


def _of(result: ConductResult, kind: type) -> list[Any]:
    return [record.event for record in result.events if isinstance(record.event, kind)]


def test_a_note_that_does_not_fit_ends_nothing(tmp_path: Path, begin: Begin) -> None:
    """The shortened conversation does fit under the cap: the run goes on with the record alone."""
    write_files(tmp_path / "workspace")

    def play(**caps: float) -> ConductResult:
        cap = {name.replace("_", "."): limit for name, limit in caps.items()}
        floor = Floor([lay_out({"a": ()}), text("Read.")], reader)
        return begin(floor, window=100_000, budget="none", cap=cap).wait(60)

    free = play()
    sent, ended = _of(free, RequestSent), _of(free, RequestEnded)
    place, note = next((place, event) for place, event in enumerate(ended) if event.aside)
    spent = sum(event.input_tokens + event.output_tokens for event in ended[:place])
    asked = next(number for number, event in enumerate(sent) if event.request == note.request)
    for_note, after = (event.reserved_tokens - event.max_tokens for event in sent[asked : asked + 2])
    assert [event.how for event in compactions(free, "w1")] == ["note"]
    assert after < 0.5 * for_note
    capped = play(run_tokens=spent + (for_note + after) // 2)
    assert [event.how for event in compactions(capped, "w1")] == ["record"]
    assert _of(capped, CapReached) == []
    assert capped["1"].status == "completed", capped["1"].error


@pytest.mark.parametrize(
    ("stop", "how", "note"), [("refusal", "record", ""), ("max_tokens", "note", "I read on. [cut]")]
)
def test_a_refused_note_is_none_and_half_a_note_says_so(
    tmp_path: Path, begin: Begin, stop: str, how: str, note: str
) -> None:
    """What the model said instead of a note is not what it wanted to remember."""
    write_files(tmp_path / "workspace")

    def worker(task: str, turn: int, body: Json) -> Answer:
        answer = reader(task, turn, body)
        return replace(answer, stop_reason=stop) if NOTE in said(body["messages"][-1]) else answer

    result = begin(Floor([lay_out({"a": ()}), text("Read.")], worker), window=100_000, budget="none").wait(60)
    assert result["1"].status == "completed", result["1"].error
    assert [(event.how, event.summary) for event in compactions(result, "w1")] == [(how, note)]


def test_what_stays_large_is_not_compacted_again_and_again(play: Play) -> None:
    """The task alone nearly fills the window: one note is paid for, not one a turn."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        if NOTE in said(body["messages"][-1]):
            return text("The words are many.")
        return text("Done.\nSTATUS: done") if turn > 4 else tools(("Glob", {"pattern": f"{turn}*"}), prefix=f"g{turn}")

    plan = tools(create("a"), launch("a", prompt="a\n" + "many words " * 4_000))
    result = play(Floor([plan, text("Under way.")], worker), window=10_000)
    assert result["1"].status == "completed", result["1"].error
    assert [event.how for event in compactions(result, "w1")] == ["note"]


# --- the provider's own compaction -----------------------------------------------------------------------------------


SUMMARY = {"type": "compaction", "input_tokens": 9_000, "output_tokens": 300}
"""What the server says that it used for a block; its sums leave it out."""


def by_provider(answer: Callable[[int], Answer | None], asked: list[str], *, takes_block: bool = True) -> WorkerScript:
    """A worker that reads the pages, on a server that compacts conversations, but for what `answer` gives instead.

    Args:
        answer: how many times compaction was asked for -> what comes instead of a block, or None.
        asked: what was asked for beside the conversation goes here: `block` or `note`.
        takes_block: whether the server takes its block back.
    """

    def worker(task: str, turn: int, body: Json) -> Answer:
        messages = body["messages"]
        if messages[0]["role"] == "assistant":
            if not takes_block and "compaction" not in body:
                return error(400, "invalid_request_error", "messages.0: a block of type compaction is not permitted")
            messages = [{"role": "user", "content": messages[0]["content"][0]["content"]}, *messages[1:]]
        if "compaction" not in body:
            asked.extend(["note"] * (NOTE in said(messages[-1])))
            return pages(task, turn, {**body, "messages": messages})
        asked.append("block")
        if (instead := answer(asked.count("block"))) is not None:
            return instead
        noted = pages(task, turn, {**body, "messages": [*messages, {"role": "user", "content": NOTE}]})
        block = {**BLOCK, "content": noted.blocks[0]["text"]}
        return Answer(blocks=(block,), stop_reason="compaction", usage={"input_tokens": 0, "iterations": [SUMMARY]})

    return worker


def test_the_providers_summary_is_on_the_bill(tmp_path: Path, begin: Begin) -> None:
    """It is paid at the model's price for what it read and wrote, and counts as tokens of its worker."""
    write_pages(tmp_path / "workspace")
    worker = by_provider(lambda count: None, [])
    result = begin(Floor([lay_out({"a": ()}), text("Read.")], worker), models=MODELS, window=10_000).wait(60)
    block = next(event for event in _of(result, RequestEnded) if event.stop == "compaction")
    assert (block.input_tokens, block.by) == (9_000, "w1") and block.output_tokens > 300
    paid = cost("claude-haiku-5-5", {"input_tokens": 9_000, "output_tokens": block.output_tokens})
    assert block.usd == pytest.approx(paid)


PASSING = {
    "too long": (error(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), 1),
    "busy": (error(529, "overloaded_error"), MOST_ATTEMPTS),
}


@pytest.mark.parametrize(("fault", "times"), PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_costs_one_note_and_no_more(
    tmp_path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch, fault: Answer, times: int
) -> None:
    """No plain note is asked for in its stead, and the next time the provider is asked again."""
    quick_limiter(monkeypatch)
    write_pages(tmp_path / "workspace")
    asked: list[str] = []
    worker = by_provider(lambda count: fault if count <= times else None, asked)
    result = begin(Floor([lay_out({"a": ()}), text("Read.")], worker), models=MODELS, window=10_000).wait(60)
    made = [event.how for event in compactions(result, "w1")]
    assert result["1"].status == "completed", result["1"].error
    assert made[0] == "record" and len(made) > 1 and {*made[1:]} == {"provider"}
    assert asked == ["block"] * (times + len(made) - 1)


def test_a_block_that_is_refused_gives_way_to_its_words(tmp_path: Path, begin: Begin) -> None:
    """A model that stands in may not take it back: the conversation goes on without, and with notes from then on."""
    total = write_pages(tmp_path / "workspace")
    asked: list[str] = []
    worker = by_provider(lambda count: None, asked, takes_block=False)
    result = begin(Floor([lay_out({"a": ()}), text("Read.")], worker), models=MODELS, window=10_000).wait(60)
    assert result["1"].output == f"All pages make {total}.", result["1"].error
    made = compactions(result, "w1")
    assert [event.how for event in made[:2]] == ["provider", "note"]
    assert made[1].summary == made[0].summary != ""
    assert asked == ["block"] + ["note"] * (len(made) - 2)
    assert sum(isinstance(record.event, RequestFailed) for record in result.events) == 1
