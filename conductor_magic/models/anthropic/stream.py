"""Reads the event stream of one Messages reply: strict, pure, without input or output of its own.

Why not the SDK's typed stream: it lets a cut or contradictory reply pass as a good one, and it builds models for
every event. Here a reply is whole or it is a `BrokenStream`:

* `message_start` comes first and once; blocks open and close one after the other, numbered from 0 without a gap;
  a known stop reason and `message_stop` follow, and nothing that belongs to a reply comes after it.
* The input of a provider's tool call is strict JSON: an object, no key twice, no infinite number. No two calls share
  an id.
* `tool_use` stops a reply only if it has a call; `end_turn` never does when it has one.
* A reply cut by a limit or a refusal keeps no tool call of ours: each one sent back would need a result. Nor does it
  keep a last thinking block that has no signature yet.

A call of ours whose input is not such JSON, in a reply that is whole, is the model's slip and not the stream's: it is
kept as unreadable, so that the model is told and nothing runs.

What may vary: events of unknown types (`ping` and others) are skipped, bytes may be split anywhere, usage may be
missing. A block of an unknown type is kept as it came if it came whole in its start event; a delta of an unknown type
breaks the stream, because the block without it would not be what the model wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jiter

from conductor_magic.errors import BrokenStream
from conductor_magic.models.anthropic.faults import fault_of_body
from conductor_magic.models.anthropic.lines import EventLines
from conductor_magic.models.base import Json, Reply, Usage
from conductor_magic.unreadable import unreadable

__all__ = ["ReplyReader"]

_MOST_BYTES = 64 * 2**20
_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_CUT = frozenset({"max_tokens", "model_context_window_exceeded", "refusal", "stop_sequence"})
_STOP_REASONS = _CUT | {"end_turn", "tool_use", "pause_turn", "compaction"}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
# Which block each kind of delta may grow.
_GROWS = {
    "text_delta": frozenset({"text"}),
    "citations_delta": frozenset({"text"}),
    "input_json_delta": _CALLS,
    "thinking_delta": frozenset({"thinking"}),
    "signature_delta": frozenset({"thinking"}),
    "compaction_delta": frozenset({"compaction"}),
}
_T = TypeVar("_T")


@dataclass(slots=True)
class _Growing:
    """The block that is open now, and the pieces that its deltas brought."""

    block: Json
    kind: str
    pieces: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)


class ReplyReader:
    """Takes the bytes of one reply as they come, and gives the `Reply` when they have ended well.

    Attributes:
        usage: the API's usage object, as far as it has been reported.
        events: events of the reply so far; pings and other unknown events do not count.
        progress: how many of them brought the reply on. Empty deltas, like pings, only keep a connection.
        ended: whether `message_stop` has been read.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self.usage: Json = {}
        self.events = 0
        self.progress = 0
        self.ended = False
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lines = EventLines()
        self._said: list[str] = []
        self._model: str | None = None
        self._blocks: list[Json] = []
        self._open: _Growing | None = None
        self._ids: set[str] = set()
        self._bad_input: BrokenStream | None = None
        self._stop_reason: str | None = None
        self._on: dict[str, Callable[[Json], None]] = {
            "message_start": self._message_start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
        }

    def feed(self, data: bytes) -> str:
        """Take the next bytes; returns the text that they brought, for showing only.

        Raises:
            BrokenStream: the stream contradicts itself or the protocol.
            Unreachable, RequestRefused: it carried an `error` event.
        """
        self._bytes += len(data)
        if self._bytes > self._most_bytes:
            raise self._broken("too_large", f"it is larger than {self._most_bytes:,} bytes")
        for event, content in self._lines.feed(data):
            # Some compatible servers end their streams with OpenAI's mark.
            if event != b"ping" and content.strip() != b"[DONE]":
                self._dispatch(event, content)
        said = "".join(self._said)
        self._said.clear()
        return said

    def finish(self) -> Reply:
        """The whole reply, after the last byte.

        Raises:
            BrokenStream: the bytes ended before the reply did.
        """
        if not self.ended or self._stop_reason is None or self._model is None:
            raise self._broken("truncated", f"it ended early, after {self._bytes:,} bytes and {self.events} events")
        self._add_compactions()
        count = {name: self.usage.get(name) or 0 for name in _COUNTS}
        usage = Usage(
            input_tokens=count["input_tokens"],
            output_tokens=count["output_tokens"],
            cache_read_tokens=count["cache_read_input_tokens"],
            cache_write_tokens=count["cache_creation_input_tokens"],
        )
        return Reply(tuple(self._blocks), self._stop_reason, usage, self._model, raw_usage=self.usage)

    def _add_compactions(self) -> None:
        """Count what the provider used for its own summary, which it leaves out of the sums."""
        iterations = self.usage.get("iterations")
        for iteration in iterations if isinstance(iterations, list) else ():
            if isinstance(iteration, dict) and iteration.get("type") == "compaction":
                for name in _COUNTS:
                    more = iteration.get(name)
                    self.usage[name] = (self.usage.get(name) or 0) + (more if isinstance(more, int) else 0)

    # Events

    def _dispatch(self, event: bytes, data: bytes) -> None:
        body = self._json(data, "an event")
        if not isinstance(body, dict):
            raise self._malformed("an event is not a JSON object")
        kind = body.get("type")
        if kind == "error" or event == b"error":
            raise fault_of_body(body, usage=self.usage)
        handle = self._on.get(kind) if isinstance(kind, str) else None
        if handle is None:
            return
        if self._model is None and kind != "message_start":
            raise self._malformed(f"{kind} came before message_start")
        if self.ended:
            raise self._malformed(f"{kind} came after message_stop")
        self.events += 1
        handle(body)
        if kind != "message_delta" and (kind != "content_block_delta" or _brings(body["delta"])):
            self.progress += 1

    def _message_start(self, body: Json) -> None:
        message = self._need(body, "message", dict)
        if self._model is not None or message.get("content"):
            raise self._malformed("a second message starts, or one that has content already")
        if message.get("role", "assistant") != "assistant":
            raise self._malformed("the message is not the assistant's")
        self._count(message.get("usage"))
        self._model = self._need(message, "model", str)

    def _block_start(self, body: Json) -> None:
        block = self._need(body, "content_block", dict)
        kind = self._need(block, "type", str)
        if self._open or self._need(body, "index", int) != len(self._blocks) or self._stop_reason:
            raise self._malformed(f"block {body['index']} starts out of order")
        if self._bad_input:
            raise self._bad_input
        self._open = growing = _Growing(block, kind)
        if kind == "text":
            self._grow(growing, self._need(block, "text", str))
        elif kind == "thinking":
            growing.pieces.append(self._need(block, "thinking", str))
            growing.signature.append(self._need({"signature": "", **block}, "signature", str))
        elif kind in _CALLS:
            name, call = self._need(block, "name", str), self._need(block, "id", str)
            if not name or not call:
                raise self._malformed("a tool call has no name or no id")
            if call in self._ids:
                raise self._broken("duplicate_ids", f"two tool calls have the id {call!r}")
            self._ids.add(call)

    def _block_delta(self, body: Json) -> None:
        growing = self._growing(body)
        delta = self._need(body, "delta", dict)
        kind = self._need(delta, "type", str)
        if kind not in _GROWS:
            raise self._broken("unknown_delta", f"a block grows by {kind!r}, which is not known")
        if growing.kind not in _GROWS[kind]:
            raise self._malformed(f"{kind} in a block of type {growing.kind!r}")
        if kind == "text_delta":
            self._grow(growing, self._need(delta, "text", str))
        elif kind == "input_json_delta":
            growing.pieces.append(self._need(delta, "partial_json", str))
        elif kind == "thinking_delta":
            growing.pieces.append(self._need(delta, "thinking", str))
        elif kind == "signature_delta":
            growing.signature.append(self._need(delta, "signature", str))
        elif kind == "citations_delta":
            cited = growing.block.get("citations")
            growing.block["citations"] = [*(cited if isinstance(cited, list) else ()), delta.get("citation")]
        else:
            growing.block.update({name: value for name, value in delta.items() if name != "type"})

    def _block_stop(self, body: Json) -> None:
        growing = self._growing(body)
        block, whole = growing.block, "".join(growing.pieces)
        if growing.kind == "text":
            block["text"] = whole
        elif growing.kind == "thinking":
            block["thinking"] = whole
            block["signature"] = "".join(growing.signature)
        elif growing.kind in _CALLS:
            try:
                block["input"] = self._input(block, whole)
            except BrokenStream as fault:
                if growing.kind == "tool_use":
                    block["input"] = unreadable(whole or str(block.get("input")))
                else:
                    # A limit may have cut the reply inside this input; only the stop reason tells.
                    self._bad_input = fault
        self._blocks.append(block)
        self._open = None

    def _message_delta(self, body: Json) -> None:
        self._count(body.get("usage"))
        reason = self._need(body, "delta", dict).get("stop_reason")
        if reason is None:
            return
        if not isinstance(reason, str) or reason not in _STOP_REASONS:
            raise self._broken("unknown_stop_reason", f"it stopped for {reason!r}, which is not known")
        if self._stop_reason not in (None, reason):
            raise self._malformed(f"it stopped for {self._stop_reason!r} and for {reason!r}")
        self._stop_reason = reason

    def _message_stop(self, _body: Json) -> None:
        reason = self._stop_reason
        if reason is None:
            raise self._broken("no_stop_reason", "it ended without a stop reason")
        cut = reason in _CUT
        if self._open and not (cut and self._open.kind == "tool_use"):
            raise self._broken("unclosed_block", f"block {len(self._blocks)} was never closed")
        if cut:
            self._drop_what_was_cut()
        elif self._bad_input:
            raise self._bad_input
        calls = any(block["type"] == "tool_use" for block in self._blocks)
        if (reason == "tool_use" and not calls) or (reason == "end_turn" and calls):
            raise self._broken(
                "stop_mismatch", f"it stopped for {reason!r} {'with' if calls else 'without'} a tool call"
            )
        self.ended = True

    def _drop_what_was_cut(self) -> None:
        if self._bad_input:
            self._blocks.pop()
        self._blocks = [block for block in self._blocks if block["type"] != "tool_use"]
        if self._blocks and self._blocks[-1]["type"] == "thinking" and not self._blocks[-1]["signature"]:
            self._blocks.pop()

    # Pieces

    def _growing(self, body: Json) -> _Growing:
        if self._open is None or self._need(body, "index", int) != len(self._blocks):
            raise self._malformed(f"an event for block {body.get('index')}, which is not open")
        return self._open

    def _grow(self, growing: _Growing, text: str) -> None:
        growing.pieces.append(text)
        self._said.append(text)

    def _input(self, block: Json, pieces: str) -> Json:
        """A tool call's input: the pieces if there are any, else what the block's start said (mostly `{}`)."""
        given = block.get("input") or {}
        value = self._json(pieces.encode(), f"the input of {block['name']}") if pieces.strip() else given
        if not isinstance(value, dict) or (given and value is not given):
            raise self._malformed(f"the input of {block['name']} is not one JSON object")
        if _infinite(value):
            raise self._malformed(f"the input of {block['name']} has a number that is too large")
        return value

    def _json(self, data: bytes, what: str) -> Any:
        try:
            return jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True)
        except ValueError as error:
            kind = "duplicate_keys" if "duplicate key" in str(error) else "malformed"
            raise self._broken(kind, f"{what} is not strict JSON ({error})") from None

    def _count(self, usage: object) -> None:
        """Merge a usage report. Counts are cumulative, so the largest is the last (some servers repeat zeros)."""
        if usage is None:
            return
        if not isinstance(usage, dict):
            raise self._malformed("a usage report is not an object")
        for name, value in usage.items():
            if name in _COUNTS and value is not None and (type(value) is not int or value < 0):
                raise self._malformed(f"the usage reports {name} = {value!r}")
            old = self.usage.get(name)
            if value is not None and not (isinstance(old, int) and isinstance(value, int) and value < old):
                self.usage[name] = value

    def _need(self, body: Json, name: str, kind: type[_T]) -> _T:
        value = body.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self._malformed(f"{name!r} is missing or of the wrong kind")
        return value

    def _malformed(self, what: str) -> BrokenStream:
        return self._broken("malformed", what)

    def _broken(self, kind: str, what: str) -> BrokenStream:
        return BrokenStream(f"The model's reply is broken: {what}.", kind=kind, retryable=True, usage=self.usage)


def _brings(delta: Json) -> bool:
    """Whether a delta has more in it than its type."""
    return any(value for name, value in delta.items() if name != "type")


def _infinite(value: object) -> bool:
    """Whether a number in the value overflowed (`1e999`), which no JSON text of ours could carry on."""
    if isinstance(value, dict):
        return any(map(_infinite, value.values()))
    if isinstance(value, list):
        return any(map(_infinite, value))
    return isinstance(value, float) and math.isinf(value)
