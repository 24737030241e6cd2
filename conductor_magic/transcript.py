"""What a worker or the conductor said, called and was told, as plain rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.wording import one_line

__all__ = ["argument", "compacted_text", "content_text", "input_text", "rows"]

Json = dict[str, Any]
_MAIN_ARGUMENTS = ("file_path", "pattern", "command", "code", "url", "query", "subject", "description", "path")


def rows(log: Iterable[Record]) -> list[Json]:
    """A log as rows: `kind` is `said`, `thought`, `call`, `result`, `refused` or `told`; `at` in epoch seconds."""
    found: list[Json] = []
    for record in log:
        event = record.event
        if isinstance(event, (e.WorkerTurn, e.ConductorTurn)):
            found += [row for block in event.content if (row := _block_row(record.at, block))]
        elif isinstance(event, e.ToolEnded):
            found.append(
                {
                    "at": record.at,
                    "kind": "result",
                    "name": event.name,
                    "text": content_text(event.content),
                    "error": event.is_error,
                    "seconds": event.seconds,
                    "use": event.use,
                }
            )
        elif isinstance(event, e.ToolRefused):
            found.append({"at": record.at, "kind": "refused", "name": event.name, "text": event.why, "use": event.use})
        elif isinstance(event, (e.WorkerTold, e.ConductorTold)):
            found.append({"at": record.at, "kind": "told", "text": event.text})
        elif isinstance(event, e.ContextCompacted):
            found.append({"at": record.at, "kind": "told", "text": compacted_text(event)})
    return found


def compacted_text(event: e.ContextCompacted) -> str:
    """What a compaction did, in words: sizes before and after, what was kept, and the model's own note."""
    sizes = f"The conversation was compacted from about {event.before:,} to {event.after:,} tokens"
    kept = f"; kept: {', '.join(event.kept)}" if event.kept else ""
    return f"{sizes}{kept}." + (f"\n\n{event.summary}" if event.summary else "")


def _block_row(at: float, block: Mapping[str, Any]) -> Json | None:
    kind = block.get("type")
    if kind == "text" and block["text"].strip():
        return {"at": at, "kind": "said", "text": block["text"]}
    if kind == "thinking" and block.get("thinking"):
        return {"at": at, "kind": "thought", "text": block["thinking"]}
    if kind in ("tool_use", "server_tool_use"):
        return {
            "at": at,
            "kind": "call",
            "name": block["name"],
            "input": block["input"],
            "argument": argument(block["input"]),
            "use": block["id"],
        }
    return None


def argument(call_input: Mapping[str, Any], limit: int = 120) -> str:
    """The one argument that tells what a call is about, on one line."""
    for name in _MAIN_ARGUMENTS:
        if isinstance(value := call_input.get(name), str):
            return one_line(value, limit)
    return ""


def input_text(call_input: Mapping[str, Any]) -> str:
    """All arguments of a call, each below its name; texts as they are."""
    told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in call_input.items()}
    return "\n".join(f"{key}:{chr(10) if chr(10) in value else ' '}{value}" for key, value in told.items())


def content_text(content: str | Iterable[Mapping[str, Any]]) -> str:
    """A tool result's content as text; what is no text is named."""
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] if block.get("type") == "text" else _named(block) for block in content)


def _named(block: Mapping[str, Any]) -> str:
    """What a block without text is: `[image/png, 12,345 bytes]`."""
    source = block.get("source")
    if not isinstance(source, Mapping) or not isinstance(size := source.get("size"), int):
        return f"[{block.get('type')}]"
    return f"[{block.get('title') or source.get('media_type')}, {size:,} bytes]"
