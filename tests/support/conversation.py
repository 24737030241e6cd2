"""What the API takes for a conversation."""

from __future__ import annotations

from typing import Any

__all__ = ["blocks_of", "check_conversation"]

Json = dict[str, Any]


def blocks_of(message: Json) -> list[Json]:
    """The message's blocks; a text is one."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def check_conversation(messages: list[Json]) -> None:
    """It begins with us, and every call is answered once, in the message after it."""
    assert messages[0]["role"] == "user"
    waiting: list[str] = []
    for message in messages:
        blocks = blocks_of(message)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert results == waiting
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert waiting == []
