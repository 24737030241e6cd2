"""Conversations held to a window: compacted before it is full, with nothing forgotten, and the same results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conductor_magic import conduct
from conductor_magic.conversations import recorded
from conductor_magic.events import ContextCompacted, RequestEnded
from conductor_magic.fold import fold
from conductor_magic.result import ConductResult
from tests.shell.conftest import Begin, Play
from tests.support.conversation import blocks_of, check_conversation
from tests.support.floor import Floor, create, launch, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, error, text, tools

Json = dict[str, Any]
TASKS = 200
BATCH = 8
QUESTION = "Which store is meant?"
DETAILS = "Measure it as the others are measured: every reading of the last year, gaps named, units kept. " * 4
NOTE = "Write a note to yourself"


def said(message: Json) -> str:
    """All text of a message, of tool results too."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(
        block.get("text") or (block["content"] if isinstance(block.get("content"), str) else "") for block in content
    )


def seen_of(body: Json) -> str:
    return "\n".join(said(message) for message in body["messages"] if message["role"] == "user")


def blockers(number: int) -> list[str]:
    """What a task of the large graph waits for: about every second one for two earlier ones."""
    return sorted({str(number * 7 % number + 1), str(number // 2)} - {"0", str(number)}) if number % 2 == 0 else []


def planner(body: Json) -> Answer:
    """A conductor that lays out a large graph bit by bit, and knows nothing but what its conversation says."""
    seen = seen_of(body)
    if NOTE in said(body["messages"][-1]):
        return text("I lay out the graph in batches of eight, until there are 200 tasks.")
    if QUESTION not in json.dumps(body["messages"]):
        options = [
            {"label": "Berlin (Recommended)", "description": "North."},
            {"label": "Rome", "description": "South."},
        ]
        ask = {"question": QUESTION, "header": "Store", "options": options, "multiSelect": False}
        return tools(("AskUserQuestion", {"questions": [ask]}), prefix="ask")
    made = [
        int(number)
        for pair in re.findall(r'"task": ?\{"id": ?"(\d+)"|^#(\d+) ', seen, re.MULTILINE)
        for number in pair
        if number
    ]
    first = max(made, default=0) + 1
    if first <= TASKS:
        numbers = range(first, min(first + BATCH, TASKS + 1))
        calls = [
            create(f"k{number}", *blockers(number), reason="A plain measurement.", description=DETAILS)
            for number in numbers
        ]
        calls += [launch(f"k{number}", prompt=f"Work on part {number}.\n{DETAILS}") for number in numbers]
        return tools(*calls, prefix=f"plan_{first}")
    if "No work is running" in said(body["messages"][-1]):
        store = re.search(rf"{re.escape(QUESTION)}\W+(Berlin|Rome)", seen)
        return text(f"All {TASKS} parts are done for {store and store[1]}.")
    return text("The plan stands.")


class Planned(Floor):
    """A floor whose conductor is the planner."""

    def __init__(self) -> None:
        super().__init__([])

    def __call__(self, body: Json, number: int) -> Answer:
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            self.conductor_requests.append(body)
            return planner(body)
        return text(f"Part {task_text(body).split()[-1]} is measured.\nSTATUS: done")


def of_interest(result: ConductResult) -> Any:
    tasks = [(task.id, task.subject, task.status, task.blocked_by, task.output) for task in result.tasks]
    return result.status, result.answer, sorted(result.graph.edges), tasks


def compactions(result: ConductResult, by: str = "conductor") -> list[ContextCompacted]:
    found = (record.event for record in result.events if isinstance(record.event, ContextCompacted))
    return [event for event in found if event.by == by]


def without_marks(messages: list[Json]) -> list[Json]:
    """The messages as we hold them: a request marks some blocks for the cache, and texts become blocks for it."""
    return [{**message, "content": [bare(block) for block in blocks_of(message)]} for message in messages]


def bare(block: Json) -> Json:
    return {name: value for name, value in block.items() if name != "cache_control"}


def test_a_narrow_window_changes_no_result(begin: Begin) -> None:
    """200 tasks: a conductor held to 20K tokens ends with the same graph and results as one with 200K."""
    wide = begin(Planned(), window=200_000, workers=16, budget=50, answers={}).wait(60)
    floor = Planned()
    narrow = begin(floor, window=20_000, workers=16, budget=50, answers={}).wait(60)
    assert of_interest(narrow) == of_interest(wide)
    assert (narrow.status, narrow.answer) == ("completed", f"All {TASKS} parts are done for Berlin.")
    assert compactions(wide) == []
    assert len(compactions(narrow)) >= 5
    assert all(event.how == "note" and event.after < event.before for event in compactions(narrow))
    # What a resume would go on from is what was last sent, to the letter.
    conductor = fold(narrow.events).conductor
    rebuilt = recorded(conductor.prompt, conductor.log).messages
    assert without_marks(rebuilt[:-1]) == without_marks(floor.conductor_requests[-1]["messages"])
    check_conversation(rebuilt)
    sizes = [
        record.event.input_tokens + record.event.output_tokens
        for record in narrow.events
        if isinstance(record.event, RequestEnded) and record.event.by == "conductor"
    ]
    reported = narrow.efficiency["compactions"]
    assert [(one["before"], one["after"]) for one in reported] == [(e.before, e.after) for e in compactions(narrow)]
    assert max(sizes) <= 20_000 < sum(len(json.dumps(body)) for body in floor.conductor_requests) // 4


# --- workers ---------------------------------------------------------------------------------------------------------

PAGES = 12


def reader(task: str, turn: int, body: Json) -> Answer:
    """A worker that reads page after page and adds up what they say, as far as its conversation tells."""
    check_conversation(body["messages"])
    seen = seen_of(body)
    noted = re.findall(r"so far make (\d+), page (\d+) was the last", seen)
    total, last = map(int, noted[-1]) if noted else (0, 0)
    fresh = {int(page): int(figure) for page, figure in re.findall(r"PAGE (\d+) FIGURE (\d+)", seen)}
    total += sum(figure for page, figure in fresh.items() if page > last)
    last = max([last, *fresh])
    if NOTE in said(body["messages"][-1]):
        return text(f"The pages so far make {total}, page {last} was the last.")
    if last < PAGES:
        return tools(("Read", {"file_path": f"page{last + 1}.txt"}), prefix=f"read_{last + 1}")
    return text(f"All pages make {total}.\nSTATUS: done")


def write_pages(folder: Path) -> int:
    """Write the pages; gives what they make."""
    for page in range(1, PAGES + 1):
        (folder / f"page{page}.txt").write_text(f"PAGE {page} FIGURE {page * page}\n" + "filler words here\n" * 300)
    return sum(page * page for page in range(1, PAGES + 1))


def test_a_worker_reads_more_than_its_window(tmp_path: Path, begin: Begin) -> None:
    """It is compacted on the way, its calls stay answered, and its figure is right."""
    total = write_pages(tmp_path / "workspace")
    floor = Floor([lay_out({"a": ()}), text("Read.")], reader)
    result = begin(floor, window=10_000).wait(60)
    assert result.tasks["1"].output == f"All pages make {total}."
    assert len(compactions(result, "w1")) >= 2
    assert compactions(result) == []
    state = fold(result.events)
    assert compactions(result, "w1")[-1].kept[0].endswith("calls")
    rebuilt = recorded(state.workers["w1"].prompt, state.workers["w1"].log).messages
    assert without_marks(rebuilt[:-1]) == without_marks(floor.worker_requests[-1]["messages"])
    # The board's transcript says what happened, in words.
    assert any(
        "The conversation was compacted from about" in row["text"]
        for row in result.tasks["1"].transcript
        if "text" in row
    )
    # Notes are asked for with the same prefix, so that what is cached counts: tools and system prompt do not change.
    assert len({json.dumps([body["tools"], body["system"]]) for body in floor.worker_requests}) == 1


def refusing(size: int) -> tuple[Any, list[str]]:
    """A reader whose server takes no prompt of more bytes, and the prompts that it was sent."""
    sent: list[str] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        prompt = json.dumps(body["messages"])
        sent.append(prompt)
        if len(prompt) > size:
            return error(400, "invalid_request_error", f"prompt is too long: {len(prompt)} tokens > {size} maximum")
        return reader(task, turn, body)

    return worker, sent


def test_a_prompt_that_is_too_long_is_compacted_and_never_sent_again(tmp_path: Path, play: Play) -> None:
    """The model's window is smaller than the run's: without a note, as it could not read the request for one."""
    total = write_pages(tmp_path / "workspace")
    worker, sent = refusing(20_000)
    result = play(Floor([lay_out({"a": ()}), text("Read.")], worker))
    assert result.status == "completed"
    assert result.tasks["1"].output.startswith("All pages make")
    assert total >= int(re.findall(r"\d+", result.tasks["1"].output)[0]) > 0
    made = compactions(result, "w1")
    assert made
    assert made[0].how == "record"
    assert len(sent) == len(set(sent))


def test_a_prompt_that_cannot_be_shortened_ends_the_task(play: Play) -> None:
    """The first message alone is too long: told, and not sent twice in one attempt."""
    worker, sent = refusing(10)
    result = play(Floor([lay_out({"a": ()}), text("It did not fit.")], worker))
    assert result.tasks["1"].status == "failed"
    assert "prompt is too long" in result.tasks["1"].error
    assert len(sent) == len(result.tasks["1"].attempts)


def test_a_reply_cut_by_the_window_is_asked_for_again(tmp_path: Path, play: Play) -> None:
    """What was cut is no part of the conversation."""
    write_pages(tmp_path / "workspace")
    cut = iter([True])

    def worker(task: str, turn: int, body: Json) -> Answer:
        if len(json.dumps(body["messages"])) > 20_000 and next(cut, False):
            return text("Half a sent", stop_reason="model_context_window_exceeded")
        return reader(task, turn, body)

    result = play(Floor([lay_out({"a": ()}), text("Read.")], worker))
    assert result.status == "completed"
    assert compactions(result, "w1")[0].how == "record"
    assert not any("Half a sent" in row.get("text", "") for row in result.tasks["1"].transcript)


# --- the provider's own compaction ------------------------------------------------------------------------------------


def listed(model: str, line: str) -> Json:
    """What the list of models says of one whose server compacts conversations."""
    return {
        "id": model,
        "type": "model",
        "display_name": model,
        "created_at": "2026-10-01T00:00:00Z",
        "line": line,
        "capabilities": {"compaction": {"supported": True, "summarize": {"supported": True}}},
    }


MODELS = [listed("claude-haiku-5-5", "haiku"), listed("claude-sonnet-5-5", "sonnet"), listed("claude-opus-5-5", "opus")]
BLOCK = {"type": "compaction", "content": "The pages so far make 14, page 3 was the last.", "signature": "c2lnbmVk"}


@pytest.mark.parametrize("refused", [False, True])
def test_the_provider_compacts_where_its_models_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """Its block is sent back first, unchanged, with the beta named; refused once, a plain note takes its place."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "data"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    total = write_pages(workspace)
    compacted: list[Json] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        messages = body["messages"]
        if messages[0]["role"] == "assistant":
            (block,) = messages[0]["content"]
            assert (block["type"], block["signature"]) == ("compaction", "c2lnbmVk")
            messages = [{"role": "user", "content": block["content"]}, *messages[1:]]
        if "compaction" not in body:
            return reader(task, turn, {**body, "messages": messages})
        compacted.append(body)
        if refused:
            return error(400, "invalid_request_error", "compaction: extra inputs are not permitted")
        noted = reader(task, turn, {**body, "messages": [*messages, {"role": "user", "content": NOTE}]})
        return Answer(blocks=({**BLOCK, "content": noted.blocks[0]["text"]},), stop_reason="compaction")

    with MessagesServer(Floor([lay_out({"a": ()}), text("Read.")], worker), models=MODELS) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = conduct("Read it.", window=10_000, workspace=workspace, quiet=True).wait(60)
        betas = [headers.get("anthropic-beta") for headers in server.headers]
    assert result.tasks["1"].output == f"All pages make {total}."
    made = compactions(result, "w1")
    assert len(made) >= 2
    assert {event.how for event in made} == {"note" if refused else "provider"}
    assert len(compacted) == (1 if refused else len(made))
    assert compacted[0]["compaction"]["type"] == "summarize"
    if not refused:
        first = next(place for place, body in enumerate(server.requests) if "compaction" in body)
        assert betas[:first] == [None] * first
        assert "compact-2026-09-04" in {*betas[first:]}
