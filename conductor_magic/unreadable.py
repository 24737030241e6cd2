"""The input of a tool call that is no strict JSON: how it stands in a conversation, and that it is never run."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["is_unreadable", "unreadable"]

# The form in which the API's documentation has such an input sent back.
_FIELD = "INVALID_JSON"
_LONGEST = 2_000


def unreadable(written: str) -> dict[str, str]:
    """An input that stands for what the model wrote."""
    return {_FIELD: written[:_LONGEST]}


def is_unreadable(value: object) -> bool:
    """Whether an input stands for one that could not be read."""
    return isinstance(value, Mapping) and value.keys() == {_FIELD}
