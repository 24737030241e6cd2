"""The rows of the attack corpus, and what stands for their placeholders and repeated text.

`attacks_public.jsonl` came with the project's issue; `own.jsonl` has further rows of the same classes in the same form.
A row is a dict with `id`, `category`, `surface`, `mode`, `setup`, `input`, `expect`, `checks`, `why`, `ref`, `danger`
and `control`. Besides a tool's arguments, `input` may say what the tool was called with before (`granted` with a
person's yes, `first` without) and which paths a standing rule forbids (`deny_paths`). Names in braces (`{WS}`, `{SINK}`
…) stand for the parts of the fixture that the row runs in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PUBLIC = FOLDER / "attacks_public.jsonl"
OWN = FOLDER / "own.jsonl"

CATEGORIES = (
    "path",
    "bash",
    "secret",
    "ssrf",
    "approval",
    "injection",
    "ironlaw",
    "html",
    "ansi",
    "magic",
    "journal",
    "lifecycle",
    "stream",
)
"""The categories that tests run; the others of the file belong to the record and to faults of the engine."""

PLACEHOLDERS = ("WS", "OUT", "HOME", "JOB", "NOTEBOOK", "PID", "SINK", "SINKHOST", "SINKPORT", "CANARY")


@cache
def _all() -> tuple[dict[str, Any], ...]:
    lines = [line for file in (PUBLIC, OWN) if file.exists() for line in file.read_text("ascii").splitlines()]
    return tuple(json.loads(line) for line in lines if line.strip())


def rows(category: str | None = None) -> list[dict[str, Any]]:
    """The rows of one category in the order of the files, public ones first; all rows without a category."""
    return [row for row in _all() if category is None or row["category"] == category]


def payloads(names: Mapping[str, str] | None = None) -> list[str]:
    """Every text of the rows about markup and about codes for terminals, once; halves of characters aside.

    Args:
        names: what stands for placeholders.
    """
    texts = [row["input"]["text"] for category in ("html", "ansi") for row in rows(category)]
    found = [expand(text, names or {}) for text in texts if not _is_bundle(text)]
    return [text for text in dict.fromkeys(found) if text.encode("utf-8", "ignore").decode() == text]


def _is_bundle(text: Any) -> bool:
    """A display of several types, which is a Python value and no text."""
    return isinstance(text, dict) and not text.keys() & {"$repeat", "$concat"}


def expand(value: Any, names: Mapping[str, str]) -> Any:
    """A row's value with its placeholders filled in and its long text made.

    `{"$repeat": [text, n]}`, `{"$concat": [parts]}` and `{"$list_repeat": [item, n]}` become what they describe. A
    brace that names no placeholder of `names` stays as it is: rows hold shell and JSON text.
    """
    if isinstance(value, str):
        for name in PLACEHOLDERS:
            if name in names:
                value = value.replace("{" + name + "}", names[name])
        return value
    if isinstance(value, list):
        return [expand(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$repeat": [text, int(count)]}:
            return expand(text, names) * count
        case {"$concat": list(parts)}:
            return "".join(expand(part, names) for part in parts)
        case {"$list_repeat": [item, int(count)]}:
            return [expand(item, names) for _ in range(count)]
        case _:
            return {expand(key, names): expand(item, names) for key, item in value.items()}
