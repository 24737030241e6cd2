"""A conversation made shorter: its first message with a record of what was, and its last turns as they were. Pure.

A model's own window may be larger than what is good for it and cheap; what it is held to is set for the run. When a
conversation nears that size its history is replaced. What a model must not forget does not depend on anybody's summary:
it is written anew from the journal (`recaps.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_magic.conversations import GO_ON

__all__ = ["RECAP_SHARE", "SHARE", "TAIL_SHARE", "shortened"]

Json = dict[str, Any]
SHARE = 0.78
"""The share of the window at which a conversation is compacted."""
RECAP_SHARE = 0.2
"""The share of the window that the record of what was may take, if all that must be in it fits into that."""
TAIL_SHARE = 0.15
"""The share of the window that the last turns, kept as they were, may take."""

_LEFT_OUT = "\n[… {count:,} characters left out when the conversation was compacted …]\n"
_RESULT_CHARACTERS = 600


def shortened(messages: Sequence[Json], first: str, room: int, summary: Json | None = None) -> list[Json]:
    """The conversation that takes the place of one that has grown too long.

    Args:
        messages: the conversation; the last of them is a user's.
        first: its first message from now on.
        room: characters that the turns which are kept may have.
        summary: the provider's own block, which has to come before everything, or None.
    """
    kept: list[Json] = []
    for turn in reversed(_turns(messages)):
        size = _size(turn)
        if size > room:
            if not kept:
                kept = _trimmed(turn, room)
            break
        kept, room = [*turn, *kept], room - size
    head: list[Json] = [{"role": "assistant", "content": [summary]}] if summary else []
    opening: Json = {"role": "user", "content": first}
    if kept and kept[0]["role"] == "user":
        opening = {"role": "user", "content": [{"type": "text", "text": first}, *_blocks(kept[0]["content"])]}
        kept = kept[1:]
    return [*head, opening, *kept]


def _turns(messages: Sequence[Json]) -> list[list[Json]]:
    """The conversation after its first message, cut where the model begins to speak; a cut text stays in one piece."""
    turns: list[list[Json]] = []
    goes_on = False
    # A provider's own summary stands before the first message.
    for message in messages[1 + (messages[0]["role"] == "assistant") :]:
        if message["role"] == "assistant" and not goes_on:
            turns.append([])
        if not turns:
            turns.append([])
        turns[-1].append(message)
        goes_on = message["role"] == "assistant" or message["content"] == GO_ON
    return turns


def _trimmed(turn: Sequence[Json], room: int) -> list[Json]:
    """The last turn with its results cut short; only what was said to the model where even that is too much."""
    cut = [{**message, "content": _cut_results(message["content"])} for message in turn]
    if _size(cut) <= room:
        return cut
    last = turn[-1]
    if last["role"] != "user" or _answers(last["content"]):
        # Calls and their results go together: the record tells that they were made.
        return []
    return [last]


def _answers(content: str | Sequence[Json]) -> bool:
    return not isinstance(content, str) and any(block.get("type") == "tool_result" for block in content)


def _cut_results(content: str | Sequence[Json]) -> str | list[Json]:
    if isinstance(content, str):
        return content
    return [_cut_result(block) if block.get("type") == "tool_result" else dict(block) for block in content]


def _cut_result(block: Mapping[str, Any]) -> Json:
    said = block.get("content") or ""
    text = said if isinstance(said, str) else "\n".join(part.get("text", f"[{part.get('type')}]") for part in said)
    spare = len(text) - _RESULT_CHARACTERS
    if spare > 0:
        half = _RESULT_CHARACTERS // 2
        text = text[:half] + _LEFT_OUT.format(count=spare) + text[-half:]
    return {**block, "content": text}


def _blocks(content: str | Sequence[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _size(messages: Sequence[Json]) -> int:
    return len(json.dumps(list(messages), ensure_ascii=False))
