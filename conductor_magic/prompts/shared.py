"""What conductor and workers are both told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["cut", "repair_text", "variables_text"]


def variables_text(variables: Iterable[Mapping[str, Any]]) -> str:
    """What describes the notebook variables, to stand below its heading; empty when there are none.

    Args:
        variables: descriptors of the variables handed over; each has a `text`.
    """
    texts = ["- " + str(variable["text"]).replace("\n", "\n  ") for variable in variables]
    return "\n".join([*texts, "They are in the Python tool, by name."]) if texts else ""


def repair_text(error: str) -> str:
    """The message that gives a value which does not fit one more chance."""
    return f"VALUE\nThat does not fit the schema:\n{error}\nReturn the corrected JSON only."


def cut(text: str, limit: int) -> str:
    """The text, or its first `limit` characters and how many more there are."""
    text = text.strip()
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: {len(text) - limit:,} more characters]"
