"""One real agent that does alone what a run's workers did: the same calls, results and words in one conversation.

It speaks through the product's own client to a server that counts; what it is sent for its turns is what the run's
record has of them. So it can be asked what a report only computes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.models.anthropic.client import AnthropicModel
from conductor_magic.models.anthropic.prices import cost
from conductor_magic.models.base import Request, tool_result
from conductor_magic.report.efficiency import efficiency
from conductor_magic.result import ConductResult
from tests.support.counting import Counting
from tests.support.messages_server import Answer, MessagesServer

__all__ = ["Used", "play_alone", "without_cache"]

Json = dict[str, Any]
_CLOSING = "Now give the answer."


@dataclass(frozen=True)
class Used:
    """What the server counted: requests, the largest context, tokens of all prompts, and USD (see `Solo`)."""

    turns: int
    peak: int
    sent: int
    usd: float
    usd_one_model: float


def play_alone(result: ConductResult, worker: Json, tokens: Callable[[str], int]) -> Used:
    """Play the whole conversation and give what it took.

    Args:
        result: the delegated run.
        worker: the body of a request of one of its workers, for the system prompt and the tools.
        tokens: how the server counts.
    """
    steps = list(_steps(result))
    replies = iter([content for kind, content, _ in steps if kind == "reply"])
    models = [model for kind, _, model in steps if kind == "reply"]
    counting = Counting(lambda body, number: Answer(blocks=tuple(next(replies))), tokens)
    conductor = next(r.event.model for r in result.events if isinstance(r.event, e.ConductorStarted))
    with MessagesServer(counting) as server:
        asyncio.run(_converse(server.url, conductor, worker, steps))
    assert len(counting.counted) == len(models)
    prompts = [sum(usage[name] for name in usage if name != "output_tokens") for usage in counting.counted]
    contexts = [prompt + usage["output_tokens"] for prompt, usage in zip(prompts, counting.counted, strict=True)]
    own = [cost(model, usage) for model, usage in zip(models, counting.counted, strict=True)]
    one = [cost(conductor, usage) for usage in counting.counted]
    return Used(len(models), max(contexts), sum(prompts), sum(map(_known, own)), sum(map(_known, one)))


def without_cache(result: ConductResult) -> Json:
    """The report of the same run, had no reply told of a cache."""
    records = [
        replace(record, event=_uncached(record.event)) if isinstance(record.event, e.RequestEnded) else record
        for record in result.events
    ]
    return efficiency(records, fold(records))


def _uncached(event: e.RequestEnded) -> e.RequestEnded:
    prompt = event.input_tokens + event.cache_read_tokens + event.cache_write_tokens
    usd = cost(event.model, {"input_tokens": prompt, "output_tokens": event.output_tokens})
    return event.model_copy(
        update={"input_tokens": prompt, "cache_read_tokens": 0, "cache_write_tokens": 0, "usd": usd, "list_usd": None}
    )


def _known(usd: float | None) -> float:
    assert usd is not None
    return usd


async def _converse(url: str, model: str, worker: Json, steps: list[tuple[str, Any, str]]) -> None:
    client = AnthropicModel(api_key="none", base_url=url)
    messages: list[Json] = []
    system = tuple({"type": "text", "text": block["text"]} for block in worker["system"])
    try:
        for kind, content, _ in steps:
            if kind == "reply":
                request = Request(model, system, tuple(worker["tools"]), tuple(messages), worker["max_tokens"])
                reply = await client.send(request)
                assert list(reply.content) == list(content)
                messages.append({"role": "assistant", "content": list(reply.content)})
            elif messages and messages[-1]["role"] == "user":
                messages[-1]["content"] += content
            else:
                messages.append({"role": "user", "content": list(content)})
    finally:
        await client.aclose()


def _steps(result: ConductResult) -> Iterator[tuple[str, Any, str]]:
    """What is said in turn: (`told`, blocks, ""), or (`reply`, blocks, the model that gave it in the run)."""
    records = [record.event for record in result.events]
    yield "told", [{"type": "text", "text": f"{result.goal}\n\n{records[0].workspace}"}], ""  # type: ignore[attr-defined]
    model = next(event.model for event in records if isinstance(event, e.ConductorStarted))
    decisive = {event.use for event in records if isinstance(event, e.ToolStarted) and _decides(event)}
    launched: dict[str, str] = {}
    for place, event in enumerate(records):
        if isinstance(event, e.TaskLaunched):
            launched[event.task] = event.prompt
        elif isinstance(event, e.WorkerStarted):
            # What was told once is known; another launch brings other words.
            if event.task in launched:
                yield "told", [{"type": "text", "text": launched.pop(event.task)}], ""
            yield from _said(records[place:], event.worker, event.model)
        elif isinstance(event, e.ConductorTurn) and decisive & _uses(event):
            yield "reply", [block for block in event.content if block.get("id", "") in {"", *decisive}], model
            yield "told", list(_results(records[place:], decisive & _uses(event))), ""
    yield "told", [{"type": "text", "text": _CLOSING}], ""
    for event in _closing(records):
        if isinstance(event, e.ConductorTurn):
            yield "reply", event.content, model
        else:
            yield "told", [{"type": "text", "text": event.text}], ""


def _decides(event: e.ToolStarted) -> bool:
    """Whether the conductor asks the person here, or reads a file of the workspace (by its absolute path)."""
    reads = event.name == "Read" and str(event.input.get("file_path", "")).startswith("/")
    return event.by == "conductor" and (event.name == "AskUserQuestion" or reads)


def _uses(turn: e.ConductorTurn) -> set[str]:
    return {str(block["id"]) for block in turn.content if block["type"] == "tool_use"}


def _results(records: list[e.Event], uses: set[str]) -> Iterator[Json]:
    for event in records:
        if isinstance(event, e.ToolEnded) and event.by == "conductor" and event.use in uses:
            uses = uses - {event.use}
            yield tool_result({"id": event.use}, str(event.content), is_error=event.is_error)


def _closing(records: list[e.Event]) -> list[e.ConductorTurn | e.ConductorTold]:
    """The conductor's last turns, which called nothing: the answer, and the value with what asked for it."""
    last: list[e.ConductorTurn | e.ConductorTold] = []
    for event in reversed(records):
        if isinstance(event, (e.ConductorTurn, e.ConductorTold)):
            ends = bool(_uses(event)) if isinstance(event, e.ConductorTurn) else event.about not in ("value", "repair")
            if ends:
                break
            last.insert(0, event)
    return last


def _said(records: list[e.Event], worker: str, model: str) -> Iterator[tuple[str, Any, str]]:
    """A worker's replies, the results of its calls in the order of the calls, and what it was told on the way."""
    results: dict[str, Json] = {}
    waiting: list[str] = []
    for event in records:
        if isinstance(event, e.WorkerTurn) and event.worker == worker:
            yield "reply", event.content, model
            waiting = [block["id"] for block in event.content if block["type"] == "tool_use"]
        elif isinstance(event, e.ToolEnded) and event.by == worker:
            said = event.content if isinstance(event.content, str) else list(event.content)
            results[event.use] = tool_result({"id": event.use}, said, is_error=event.is_error)
            if waiting and all(use in results for use in waiting):
                yield "told", [results[use] for use in waiting], ""
                waiting = []
        elif isinstance(event, e.WorkerTold) and event.worker == worker:
            yield "told", [{"type": "text", "text": event.text}], ""
