"""A hundred ways in which a server that speaks the Messages API can fail, each with how the asker must come out of it.

A fault is made for some tool calls: wherever it is a reply at all, it is one that would make them if it were whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, Literal

from tests.support.messages_server import Answer, error, events, sse, text, tools

__all__ = ["Calls", "Fault", "table"]

Json = dict[str, Any]
Calls = tuple[tuple[str, Json], ...]
Ends = Literal["retried", "goes on", "fails", "refused", "too long", "stood in", "locked out"]
Make = Callable[[Calls], tuple[Answer, ...]]


@dataclass(frozen=True)
class Fault:
    """One script.

    Attributes:
        name: what goes wrong.
        ends: `retried` below the asker, who hears nothing of it; `goes on` in the conversation; `fails` at once;
            `refused` by the model; `too long` for a window, so that no equal request follows; `stood in` for by
            another model; `locked out`, which ends the run.
        make: the answers before the first good one, for these calls.
    """

    name: str
    ends: Ends
    make: Make


def table(seed: int) -> list[Fault]:
    """All faults; chance decides where streams break."""
    chance = Random(seed)
    return [
        *_busy(),
        *_statuses(),
        *_connections(chance),
        *_no_streams(),
        *_streams(chance),
        *_refusals(),
        *_oddities(),
    ]


def _always(*answers: Answer) -> Make:
    return lambda calls: answers


def _whole(calls: Calls) -> bytes:
    return b"".join(events(tools(*calls, words="Now.")))


def _stream(change: Callable[[bytes], bytes], **options: Any) -> Make:
    return lambda calls: (Answer(raw=change(_whole(calls)), **options),)


def _events(change: Callable[[list[bytes]], list[bytes]]) -> Make:
    return lambda calls: (Answer(raw=b"".join(change(events(tools(*calls, words="Now."))))),)


def _busy() -> Iterator[Fault]:
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)
    waits = ["0", "0.02", "1", "-5", "soon", "inf", "nan", "1e9", "", "Thu, 01 Jan 1970 00:00:00 GMT", soon]
    for wait in waits:
        yield Fault(f"429 retry-after {wait!r}", "retried", _always(error(429, "rate_limit_error", retry_after=wait)))
    yield Fault("429 without a wait", "retried", _always(error(429, "rate_limit_error")))
    yield Fault("429 retry-after-ms", "retried", _always(error(429, "rate_limit_error", retry_after_ms="30")))
    yield Fault("503 retry-after", "retried", _always(error(503, "api_error", retry_after="0.02")))
    for times in (1, 3):
        yield Fault(f"529 {times} times", "retried", _always(*[error(529, "overloaded_error")] * times))


def _statuses() -> Iterator[Fault]:
    bodies = {
        "error": {"body": {"type": "error", "error": {"type": "api_error", "message": "boom"}}},
        "page": {"raw": b"<html><h1>Bad</h1></html>", "headers": {"content-type": "text/html"}},
        "nothing": {"raw": b""},
        "noise": {"raw": bytes(range(256))},
    }
    for status, kinds in [
        (500, ("error", "page", "nothing", "noise")),
        (502, ("page", "nothing")),
        (503, ("page", "noise")),
        (504, ("nothing",)),
        (522, ("page",)),
        (408, ("nothing",)),
        (409, ("nothing",)),
    ]:
        for kind in kinds:
            yield Fault(f"{status} with {kind}", "retried", _always(Answer(status=status, **bodies[kind])))


def _connections(chance: Random) -> Iterator[Fault]:
    for then in ("hang up", "hang up hard", "silence"):
        yield Fault(then, "retried", _always(Answer(then=then)))
    for then, times in (("rst", 4), ("cut", 3), ("eof", 5), ("stall", 3)):
        for share in [0.0, *(chance.random() for _ in range(times - 1))]:
            change = lambda whole, share=share: whole[: int(len(whole) * share)]  # noqa: E731
            yield Fault(f"{then} after {share:.0%}", "retried", _stream(change, then=then))
    yield Fault("eof before the last event", "retried", _events(lambda made: made[:-1]))
    last = _events(lambda made: [*made[:-1], made[-1].rstrip(b"\n")])
    yield Fault("eof before the last line's end", "retried", last)


def _no_streams() -> Iterator[Fault]:
    page = b"<html>Log in to the hotel's network</html>"
    for kind, raw in [
        ("text/html", page),
        ("text/plain", b"ok"),
        ("application/json", b'{"type": "message"}'),
        ("text/event-stream", page),
        ("text/event-stream", b""),
        ("text/event-stream", b"\n\n\n: nothing\n\n"),
    ]:
        answer = Answer(raw=raw, headers={"content-type": kind})
        yield Fault(f"200 {kind} of {len(raw)} bytes", "retried", _always(answer))
    packed = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    yield Fault("said to be gzip", "retried", _stream(lambda whole: whole, headers=packed))


def _streams(chance: Random) -> Iterator[Fault]:
    for kind in ("overloaded_error", "api_error", "rate_limit_error", "timeout_error", "brand_new_error"):
        broken = sse({"type": "error", "error": {"type": kind, "message": "sorry"}})
        share = chance.random()
        change = lambda made, share=share, broken=broken: [*made[: 1 + int(share * (len(made) - 2))], broken]  # noqa: E731
        yield Fault(f"{kind} in the stream", "retried", _events(change))
    inserted = {
        "an event that is no JSON": b"event: content_block_delta\ndata: {not json\n\n",
        "an event that is a list": b"data: [1, 2]\n\n",
        "bytes that are no UTF-8": b'data: {"type": "\xff\xfe"}\n\n',
        "a line of two megabytes": b"data: " + b"x" * 2_000_000 + b"\n\n",
        "a block for no index": sse({"type": "content_block_stop", "index": 7}),
        "a delta of an unknown kind": sse({"type": "content_block_delta", "index": 0, "delta": {"type": "zorp"}}),
        "a second start": sse({"type": "message_start", "message": {"role": "assistant", "content": []}}),
        "an unknown stop reason": sse({"type": "message_delta", "delta": {"stop_reason": "bored"}}),
        "tokens below zero": sse({"type": "message_delta", "delta": {}, "usage": {"output_tokens": -1}}),
        "a key twice": b'data: {"type": "content_block_stop", "index": 0, "index": 0}\n\n',
    }
    for name, event in inserted.items():
        yield Fault(name, "retried", _events(lambda made, event=event: [*made[:3], event, *made[3:]]))
    yield Fault("no start", "retried", _events(lambda made: made[1:]))
    yield Fault("a block that is never closed", "retried", _events(lambda made: [*made[:-3], *made[-2:]]))
    yield Fault("no stop reason", "retried", _events(lambda made: [*made[:-2], made[-1]]))
    yield Fault("more after the end", "retried", _events(lambda made: [*made, made[2]]))
    yield Fault("stopped for a tool without one", "retried", _always(text("Now.", stop_reason="tool_use")))
    ended = lambda calls: (replace(tools(*calls), stop_reason="end_turn"),)  # noqa: E731
    yield Fault("ended with a tool call", "retried", ended)
    for name, arguments in {
        "arguments that are no JSON": '{"command": ls}',
        "arguments with a key twice": '{"a": 1, "a": 2}',
        "arguments that are a list": "[1]",
        "an infinite number": '{"a": 1e999}',
        "arguments twice": "{}{}",
    }.items():
        yield Fault(name, "goes on", lambda calls, arguments=arguments: (_with_arguments(calls, arguments),))
    yield Fault("two calls with one id", "retried", _stream(lambda whole: whole.replace(b"toolu_2", b"toolu_1")))


def _with_arguments(calls: Calls, arguments: str) -> Answer:
    """One call of the first tool with these arguments."""
    start = {"type": "tool_use", "id": "toolu_x", "name": calls[0][0], "input": {}}
    delta = {"type": "input_json_delta", "partial_json": arguments}
    made = events(tools(*calls))
    block = [
        sse({"type": "content_block_start", "index": 0, "content_block": start}),
        sse({"type": "content_block_delta", "index": 0, "delta": delta}),
        sse({"type": "content_block_stop", "index": 0}),
    ]
    return Answer(raw=b"".join([*made[:2], *block, *made[-2:]]))


def _refusals() -> Iterator[Fault]:
    for status in (400, 405, 422):
        yield Fault(f"{status}", "fails", _always(error(status, "invalid_request_error", "no")))
    yield Fault("404 of the address", "fails", _always(error(404, "not_found_error", "no such path")))
    refused = error(429, "rate_limit_error", x_should_retry="false")
    yield Fault("429 that says not to retry", "fails", _always(refused))
    for status in (301, 302, 307, 308):
        there = Answer(status=status, body={}, headers={"location": "http://127.0.0.1:9/v1/messages"})
        yield Fault(f"{status} to elsewhere", "locked out", _always(there))
    for status, kind, said in [
        (400, "invalid_request_error", "prompt is too long: 205351 tokens > 200000 maximum"),
        (413, "request_too_large", "Request exceeds the maximum size"),
    ]:
        yield Fault(f"{status} too long", "too long", _always(error(status, kind, said)))
    window = lambda calls: (replace(tools(*calls), stop_reason="model_context_window_exceeded"),)  # noqa: E731
    yield Fault("the window is full", "too long", window)
    yield Fault("refusal", "refused", lambda calls: (replace(tools(*calls, words="No."), stop_reason="refusal"),))
    yield Fault("404 of the model", "stood in", _always(error(404, "not_found_error", "model: gone")))
    for status, kind in ((401, "authentication_error"), (403, "permission_error"), (402, "billing_error")):
        yield Fault(f"{status}", "locked out", _always(error(status, kind, "not you")))


def _oddities() -> Iterator[Fault]:
    cut = lambda calls: (replace(tools(*calls), stop_reason="max_tokens"),)  # noqa: E731
    yield Fault("max_tokens after tool calls", "goes on", cut)
    yield Fault("max_tokens inside a tool call", "goes on", _inside)
    yield Fault("pause_turn", "goes on", _always(text("Wait.", stop_reason="pause_turn")))
    yield Fault("an unknown tool", "goes on", _always(tools(("Teleport", {"to": "Mars"}), prefix="odd")))
    yield Fault("wrong arguments", "goes on", lambda calls: (tools((calls[0][0], {"zorp": 1}), prefix="odd"),))


def _inside(calls: Calls) -> tuple[Answer, ...]:
    """The last call's arguments are cut, and the reply says why."""
    made = events(tools(*calls))
    end = [event.replace(b'"tool_use"', b'"max_tokens"') for event in made[-2:]]
    return (Answer(raw=b"".join([*made[:-4], made[-3], *end])),)
