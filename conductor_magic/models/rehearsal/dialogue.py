"""What the rehearsal reads in a Messages request, and what it says back. Pure; the request is its only memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "Dialogue", "Outcome", "Turn", "read_dialogue", "section"]

Json = dict[str, Any]
_HEADINGS = (
    "GOAL",
    "WORKSPACE",
    "WORKERS AT ONCE",
    "NOTEBOOK VARIABLES",
    "GUIDES",
    "PLAN ONLY",
    "RESULTS OF EARLIER TASKS",
    "AN EARLIER ATTEMPT FAILED",
    "RETURN",
)
_HEADING = re.compile(rf"^(?:{'|'.join(_HEADINGS)})\b[^\n]*$|^(?:GUIDE|STRATEGY): .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the rehearsal makes."""

    name: str
    input: Json


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply: text, then calls. With calls it stops for them, else it ends the turn."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call of an earlier turn, and the text that came back."""

    name: str
    input: Json
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A request, read.

    Attributes:
        tools: names of the tools that it carries.
        first: the text of its first user message.
        told: the texts of all later user messages that are not tool results.
        outcomes: every earlier call with its result, in order.
        latest: the last user message's text; empty when it holds only tool results.
        schema: the JSON schema that the reply must follow, or None.
    """

    tools: frozenset[str]
    first: str
    told: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    latest: str
    schema: Json | None = field(default=None)


def read_dialogue(body: Mapping[str, Any]) -> Dialogue:
    """Read the body of a `POST /v1/messages`."""
    messages: Sequence[Json] = body.get("messages") or ()
    calls: dict[str, Json] = {}
    outcomes: list[Outcome] = []
    texts: list[str] = []
    for message in messages:
        blocks = _blocks(message.get("content"))
        for block in blocks:
            if block.get("type") == "tool_use":
                calls[block["id"]] = block
            elif block.get("type") == "tool_result" and (call := calls.get(block.get("tool_use_id", ""))):
                text = _text(_blocks(block.get("content")))
                outcomes.append(Outcome(call["name"], call["input"], text, bool(block.get("is_error"))))
        if message.get("role") == "user":
            texts.append(_text(blocks))
    tools = frozenset(str(tool.get("name", "")) for tool in body.get("tools") or ())
    output_format = (body.get("output_config") or {}).get("format") or {}
    return Dialogue(
        tools=tools,
        first=texts[0] if texts else "",
        told=tuple(text for text in texts[1:] if text.strip()),
        outcomes=tuple(outcomes),
        latest=texts[-1] if texts else "",
        schema=output_format.get("schema"),
    )


def section(text: str, heading: str) -> str:
    """The part of an engine's message below a heading line, up to the next heading; empty when there is none.

    Where a heading occurs twice (results may quote anything), the first one counts, except for the sections that the
    engine puts after all quoted text: of those the last.
    """
    marks = list(_HEADING.finditer(text))
    found = [at for at, mark in enumerate(marks) if mark.group().startswith(heading)]
    if not found:
        return ""
    at = found[-1] if heading in ("WORKSPACE", "RETURN") else found[0]
    end = marks[at + 1].start() if at + 1 < len(marks) else len(text)
    return text[marks[at].end() : end].strip()


def _blocks(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text(blocks: Sequence[Json]) -> str:
    return "\n".join(block["text"] for block in blocks if block.get("type") == "text")
