"""The rehearsal's replies as the Messages API puts them on the wire: a message object, and the same as an event stream.

Token counts are estimates, four bytes to a token; `service_tier: rehearsal` marks them in the usage object.
Ids are digests of the request, so the same request gets the same reply, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from conductor_magic.models.rehearsal.dialogue import Turn

__all__ = ["estimated_tokens", "events", "message"]

Json = dict[str, Any]
_BYTES_PER_TOKEN = 4
_TEXT_CHUNK = 400
_JSON_CHUNK = 2_000
_PROMPT = ("system", "tools", "messages")


def estimated_tokens(value: object) -> int:
    """Tokens that a JSON value may take, from its size in bytes."""
    return -(-len(json.dumps(value, ensure_ascii=False).encode()) // _BYTES_PER_TOKEN)


def message(body: Mapping[str, Any], turn: Turn) -> Json:
    """The whole message that answers a request with a turn; cut like a real one where `max_tokens` is too small."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    content: list[Json] = [{"type": "text", "text": turn.text}] if turn.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{digest[:16]}{at:03}", "name": call.name, "input": call.input}
        for at, call in enumerate(turn.calls)
    ]
    stop, tokens, most = "tool_use" if turn.calls else "end_turn", estimated_tokens(content), body.get("max_tokens")
    if isinstance(most, int) and tokens > most:
        cut = turn.text.encode()[: most * _BYTES_PER_TOKEN].decode(errors="ignore")
        content = [{"type": "text", "text": cut}] if cut else []
        stop, tokens = "max_tokens", most
    return {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", ""),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": estimated_tokens({name: body[name] for name in _PROMPT if name in body}),
            "output_tokens": tokens,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "service_tier": "rehearsal",
        },
    }


def events(reply: Json) -> Iterator[bytes]:
    """The message as a stream of server-sent events, a few pieces to each block."""
    usage = reply["usage"]
    head = {**reply, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield _event("message_start", message=head)
    for index, block in enumerate(reply["content"]):
        if block["type"] == "text":
            empty, whole, size, kind, name = {**block, "text": ""}, block["text"], _TEXT_CHUNK, "text_delta", "text"
        else:
            empty, whole = {**block, "input": {}}, json.dumps(block["input"], ensure_ascii=False)
            size, kind, name = _JSON_CHUNK, "input_json_delta", "partial_json"
        yield _event("content_block_start", index=index, content_block=empty)
        for start in range(0, len(whole), size):
            yield _event("content_block_delta", index=index, delta={"type": kind, name: whole[start : start + size]})
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": reply["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, **fields: object) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()
