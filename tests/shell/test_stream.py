"""The stream parser: any split of good bytes gives one reply, and nothing of a bad stream may run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from conductor_magic.errors import BrokenStream, ModelError, RequestRefused, Unreachable
from conductor_magic.models.anthropic.stream import ReplyReader
from conductor_magic.models.base import Reply, Usage
from conductor_magic.tools.schema import check_arguments
from tests.support.messages_server import Answer, events, sse, text, tools

Event = dict[str, Any]
CALLS = [("Bash", {"command": "echo \u00fcber 😀"}), ("Read", {"file_path": "/a", "limit": 3}), ("List", {})]
THREE_TOOLS = tools(*CALLS, words="Looking at three things.")


def read(data: bytes, size: int | None = None) -> Reply:
    """Feed the bytes in pieces of `size` and finish."""
    reader = ReplyReader()
    for start in range(0, len(data), size or len(data)):
        reader.feed(data[start : start + (size or len(data))])
    return reader.finish()


def stream(*made: Event) -> bytes:
    """The bytes of these events."""
    return b"".join(map(sse, made))


def decoded(answer: Answer) -> list[Event]:
    """An answer's events as objects, to be spoilt and written again."""
    return [json.loads(event.split(b"data: ")[1]) for event in events(answer)]


def start(**usage: int) -> Event:
    """A `message_start`."""
    return {"type": "message_start", "message": {"role": "assistant", "model": "m", "content": [], "usage": usage}}


def block(index: int, content: Event, *deltas: Event) -> list[Event]:
    """The events of one block."""
    grown = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *grown,
        {"type": "content_block_stop", "index": index},
    ]


def call(index: int, raw_input: str, name: str = "Bash", call_id: str = "a") -> list[Event]:
    """The events of one tool call whose input is this text."""
    content = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    return block(index, content, {"type": "input_json_delta", "partial_json": raw_input})


def end(reason: str | None) -> list[Event]:
    """The last two events."""
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}}
    return [delta, {"type": "message_stop"}]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_any_split_gives_the_same_reply(size: int, newline: bytes) -> None:
    """A three-tool stream reads alike whole, by single bytes and in between, with either line ending."""
    data = b"".join(events(THREE_TOOLS, prompt_bytes=400)).replace(b"\n", newline)
    reply = read(data, size)
    assert reply.stop_reason == "tool_use"
    assert reply.text == "Looking at three things."
    assert [(made["name"], made["input"]) for made in reply.tool_calls] == CALLS
    assert reply.usage == Usage(input_tokens=100, output_tokens=reply.raw_usage["output_tokens"])


def test_text_is_given_as_it_comes() -> None:
    """`feed` returns each piece of text once, and nothing for other events."""
    reader = ReplyReader()
    pieces = [reader.feed(event) for event in events(text("one two three four five six seven"))]
    assert [piece for piece in pieces if piece] == ["one two three four five ", "six seven"]


def test_no_tool_runs_from_any_cut() -> None:
    """Cut at every byte before its end, a three-tool stream never gives a reply."""
    data = b"".join(events(THREE_TOOLS))
    whole = len(data) - len(b"\n")
    for length in range(whole):
        reader = ReplyReader()
        reader.feed(data[:length])
        with pytest.raises(BrokenStream) as caught:
            reader.finish()
        assert (caught.value.kind, caught.value.retryable) == ("truncated", True)
    assert len(read(data).tool_calls) == 3


def test_a_cut_keeps_the_usage_that_was_reported() -> None:
    """What the server had counted before the cut is in the error, so that the budget can hold it."""
    reader = ReplyReader()
    reader.feed(stream(start(input_tokens=50, cache_read_input_tokens=1000, output_tokens=1)))
    with pytest.raises(BrokenStream) as caught:
        reader.finish()
    assert caught.value.usage == {"input_tokens": 50, "cache_read_input_tokens": 1000, "output_tokens": 1}


def _search(arguments: str) -> list[Event]:
    """A search that the provider makes itself."""
    begun = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    return block(0, begun, {"type": "input_json_delta", "partial_json": arguments})


BAD: dict[str, tuple[str, list[Event]]] = {
    "two calls with one id": ("duplicate_ids", [start(), *call(0, "{}"), *call(1, "{}"), *end("tool_use")]),
    "a key twice in a provider's call": (
        "duplicate_keys",
        [start(), *_search('{"query": 1, "query": 2}'), *end("end_turn")],
    ),
    "a provider's call before another block": ("malformed", [start(), *_search("{"), *call(1, "{}"), *end("tool_use")]),
    "no name": ("malformed", [start(), *call(0, "{}", name=""), *end("tool_use")]),
    "no id": ("malformed", [start(), *call(0, "{}", call_id=""), *end("tool_use")]),
    "stopped for a tool without one": ("stop_mismatch", [start(), *end("tool_use")]),
    "ended its turn with a call": ("stop_mismatch", [start(), *call(0, "{}"), *end("end_turn")]),
    "unknown stop reason": ("unknown_stop_reason", [start(), *end("tired")]),
    "no stop reason": ("no_stop_reason", [start(), *end(None)]),
    "no message_delta": ("no_stop_reason", [start(), {"type": "message_stop"}]),
    "two stop reasons": ("malformed", [start(), *end("end_turn")[:1], *end("max_tokens")]),
    "no message_start": ("malformed", [*call(0, "{}"), *end("tool_use")]),
    "two message_starts": ("malformed", [start(), start(), *end("end_turn")]),
    "a user's message": (
        "malformed",
        [{"type": "message_start", "message": {"role": "user", "model": "m", "content": []}}, *end("end_turn")],
    ),
    "content before its blocks": (
        "malformed",
        [{"type": "message_start", "message": {"model": "m", "content": [{"type": "text", "text": "x"}]}}],
    ),
    "first block is not 0": ("malformed", [start(), *call(1, "{}"), *end("tool_use")]),
    "a block twice": ("malformed", [start(), *call(0, "{}"), *call(0, "{}", call_id="b"), *end("tool_use")]),
    "a block inside a block": ("malformed", [start(), call(0, "{}")[0], call(1, "{}", call_id="b")[0]]),
    "a delta without its block": ("malformed", [start(), *call(0, "{}")[1:], *end("tool_use")]),
    "a block never closed": ("unclosed_block", [start(), *call(0, "{}")[:-1], *end("tool_use")]),
    "text never closed": (
        "unclosed_block",
        [start(), *block(0, {"type": "text", "text": ""})[:-1], *end("max_tokens")],
    ),
    "closed twice": ("malformed", [start(), *call(0, "{}"), call(0, "{}")[-1], *end("tool_use")]),
    "a delta of another kind of block": (
        "malformed",
        [start(), *block(0, {"type": "text", "text": ""}, {"type": "input_json_delta", "partial_json": "{}"})],
    ),
    "an unknown delta": (
        "unknown_delta",
        [start(), *block(0, {"type": "sketch"}, {"type": "stroke_delta", "x": 1}), *end("end_turn")],
    ),
    "a block after the stop reason": ("malformed", [start(), end("tool_use")[0], *call(0, "{}")]),
    "a block after the end": ("malformed", [start(), *end("end_turn"), *call(0, "{}")]),
    "a delta without text": ("malformed", [start(), *block(0, {"type": "text", "text": ""}, {"type": "text_delta"})]),
    "a block without a type": ("malformed", [start(), *block(0, {"text": "x"})]),
    "a negative count": ("malformed", [start(input_tokens=-5), *end("end_turn")]),
    "an index that is true": ("malformed", [start(), {"type": "content_block_stop", "index": True}]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_contradiction_breaks_the_stream(name: str) -> None:
    """Each way in which a stream can contradict itself is one error of a named kind, and may be retried."""
    kind, made = BAD[name]
    with pytest.raises(BrokenStream) as caught:
        read(stream(*made))
    assert (caught.value.kind, caught.value.retryable) == (kind, True)


@pytest.mark.parametrize(
    "written",
    [
        '{"a": 1, "a": 2}',
        '{"a": [{"b": 1, "b": 1}]}',
        '{"command": "rm -r',
        "{} {}",
        '["ls"]',
        '{"a": NaN}',
        '{"a": [1e999]}',
    ],
)
def test_arguments_that_cannot_be_read_fit_no_tool(written: str) -> None:
    """In a whole reply the call is kept as what it is, for an error result, and sent back as valid JSON."""
    reply = read(stream(start(), *call(0, written), *call(1, "{}", call_id="b"), *end("tool_use")))
    bad, good = reply.tool_calls
    assert (bad["input"], good["input"]) == ({"INVALID_JSON": written}, {})
    assert "Nothing was done" in (check_arguments({"type": "object"}, bad["input"]) or "")
    assert check_arguments({"type": "object"}, good["input"]) is None


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: [1]\n\n", b"data: \xff\n\n", b"data: 5\n\n"])
def test_an_event_that_is_no_object_breaks_the_stream(data: bytes) -> None:
    """Every event is strict JSON and an object."""
    with pytest.raises(BrokenStream) as caught:
        read(stream(start()) + data)
    assert caught.value.kind == "malformed"


def test_every_spoilt_event_is_one_of_our_errors() -> None:
    """Each field of each event replaced by a wrong value gives a reply or a ModelError, never another exception."""

    def spoil(value: Any, put: Callable[[Any], None]) -> None:
        for wrong in (None, -1, "x", [], {}, True):
            put(wrong)
            with contextlib.suppress(ModelError):
                read(stream(*made))
        put(value)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in list(items):
            spoil(inner, lambda new, place=key: value.__setitem__(place, new))

    thinking = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    made = decoded(Answer(blocks=(thinking, {"type": "text", "text": "", "citations": None}, *THREE_TOOLS.blocks)))
    cited = {"type": "citations_delta", "citation": {"url": "https://example.org"}}
    made.insert(7, {"type": "content_block_delta", "index": 1, "delta": cited})
    assert len(read(stream(*made)).content[1]["citations"]) == 1
    for event in made:
        for key, value in list(event.items()):
            spoil(value, lambda new, at=event, name=key: at.__setitem__(name, new))
    assert len(read(stream(*made)).tool_calls) == 3


@pytest.mark.parametrize("closed", [True, False])
def test_max_tokens_inside_a_call_drops_the_half_call(closed: bool) -> None:
    """The text before it stays, the half call is gone, and nothing may run."""
    half = call(1, '{"command": "rm -rf /tmp')
    said = block(0, {"type": "text", "text": "Let me"})
    reply = read(stream(start(), *said, *(half if closed else half[:-1]), *end("max_tokens")))
    assert reply.content == ({"type": "text", "text": "Let me"},)
    assert (reply.stop_reason, reply.tool_calls) == ("max_tokens", ())


def test_a_cut_reply_keeps_no_call_that_would_need_an_answer() -> None:
    """A call that was whole before the limit struck is dropped too: it will not run, so it must not be sent back."""
    reply = read(stream(start(), *call(0, "{}"), *call(1, "{", call_id="b"), *end("max_tokens")))
    assert (reply.content, reply.tool_calls) == ((), ())


def test_a_cut_reply_keeps_no_unsigned_thinking() -> None:
    """Thinking that a limit cut before its signature cannot be sent back."""
    half = block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "hm"})
    assert read(stream(start(), *half, *end("max_tokens"))).content == ()


def test_thinking_is_kept_for_sending_back() -> None:
    """Thinking text and signature come together; redacted thinking passes as it came."""
    thinking = {"type": "thinking", "thinking": "first this, then that and more", "signature": "c2ln"}
    redacted = {"type": "redacted_thinking", "data": "opaque"}
    assert read(b"".join(events(Answer(blocks=(thinking, redacted))))).content == (thinking, redacted)


def test_server_blocks_are_kept() -> None:
    """A server's own tool calls, their results, citations and unknown whole blocks come through a pause unchanged."""
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://example.org"}]}
    cited = {"type": "citations_delta", "citation": {"url": "https://example.org"}}
    made = [
        *block(0, search, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
        *block(1, found),
        *block(2, {"type": "text", "text": "", "citations": None}, cited, {"type": "text_delta", "text": "So."}),
        *block(3, {"type": "hologram", "data": "kept"}),
    ]
    reply = read(stream(start(), *made, *end("pause_turn")))
    assert reply.content == (
        {**search, "input": {"query": "x"}},
        found,
        {"type": "text", "text": "So.", "citations": [{"url": "https://example.org"}]},
        {"type": "hologram", "data": "kept"},
    )


def test_compaction_is_kept() -> None:
    """A compaction block's summary arrives in one delta."""
    delta = {"type": "compaction_delta", "content": "so far", "encrypted_content": "e"}
    reply = read(stream(start(), *block(0, {"type": "compaction", "content": None}, delta), *end("compaction")))
    assert reply.content == ({"type": "compaction", "content": "so far", "encrypted_content": "e"},)


def test_what_the_provider_used_for_its_own_summary_is_counted() -> None:
    """The sums of the report leave it out, and it is billed; other rounds are in the sums already."""
    rounds = [
        {"type": "compaction", "input_tokens": 9_000, "output_tokens": 300, "cache_read_input_tokens": 50},
        {"type": "message", "input_tokens": 40, "output_tokens": 7},
    ]
    made = [start(input_tokens=40, output_tokens=1, cache_creation_input_tokens=5), *end("compaction")]
    made[1]["usage"]["iterations"] = rounds
    reply = read(stream(*made))
    assert reply.usage == Usage(9_040, 307, cache_read_tokens=50, cache_write_tokens=5)
    assert {name: reply.raw_usage[name] for name in ("input_tokens", "output_tokens", "cache_read_input_tokens")} == {
        "input_tokens": 9_040,
        "output_tokens": 307,
        "cache_read_input_tokens": 50,
    }


def test_what_is_tolerated() -> None:
    """Comments, pings without JSON, unknown events, a start without usage and OpenAI's end mark do no harm."""
    odd = b": hello\n\nevent: ping\ndata: pong\n\nid: 5\nretry: 10\n\n" + sse({"type": "weather", "sky": "blue"})
    made = {"type": "message_start", "message": {"model": "m"}}
    reply = read(odd + stream(made, *end("end_turn")) + b"data: [DONE]\n\n")
    assert (reply.content, reply.usage) == ((), Usage(output_tokens=7))


def test_counts_are_cumulative() -> None:
    """The last report wins, and a server that repeats zeros at the end does not erase its count."""
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 0}}
    delta["usage"] |= {"output_tokens": 9, "cache_read_input_tokens": None}
    made = [start(input_tokens=40, output_tokens=1, cache_read_input_tokens=6), delta, {"type": "message_stop"}]
    assert read(stream(*made)).usage == Usage(input_tokens=40, output_tokens=9, cache_read_tokens=6)


@pytest.mark.parametrize(
    ("error_type", "expected", "kind"),
    [
        ("overloaded_error", Unreachable, "overloaded"),
        ("rate_limit_error", Unreachable, "rate_limited"),
        ("api_error", Unreachable, "server_error"),
        ("timeout_error", Unreachable, "timeout"),
        ("brand_new_error", Unreachable, "server_error"),
        ("invalid_request_error", RequestRefused, "invalid_request"),
        ("authentication_error", RequestRefused, "authentication"),
        ("permission_error", RequestRefused, "authentication"),
        ("not_found_error", RequestRefused, "not_found"),
        ("request_too_large", RequestRefused, "context_too_long"),
    ],
)
def test_an_error_event_is_classified_by_its_type(error_type: str, expected: type[ModelError], kind: str) -> None:
    """An error inside a stream that began with HTTP 200 is busy or refused by its body, and keeps the usage."""
    event = {"type": "error", "error": {"type": error_type, "message": "sorry"}}
    with pytest.raises(expected) as caught:
        read(stream(start(input_tokens=3), *call(0, "{}"), event))
    assert (caught.value.kind, caught.value.retryable) == (kind, expected is Unreachable)
    assert caught.value.usage == {"input_tokens": 3}


def test_a_stream_has_a_largest_size() -> None:
    """A server that never stops cannot fill the memory."""
    reader = ReplyReader(most_bytes=1000)
    with pytest.raises(BrokenStream) as caught:
        for _ in range(11):
            reader.feed(b"x" * 100)
    assert caught.value.kind == "too_large"
