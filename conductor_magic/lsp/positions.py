"""Where something stands in a text: the protocol counts units of an encoding, people count characters."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

__all__ = ["ENCODINGS", "lines_of", "path_of_uri", "to_column", "to_units"]

ENCODINGS = ("utf-32", "utf-16", "utf-8")
"""What a server may count in, best first: with utf-32 nothing needs to be converted."""

_LINE_END = re.compile(r"\r\n|\n|\r")


def lines_of(text: str) -> list[str]:
    """The lines as the protocol counts them (a form feed, say, ends none)."""
    return _LINE_END.split(text)


def to_units(line: str, column: int, encoding: str) -> int:
    """Units of an encoding before a column.

    Args:
        line: the line's text.
        column: characters before the place.
        encoding: one of `ENCODINGS`.
    """
    before = line[:column]
    match encoding:
        case "utf-8":
            return len(before.encode(errors="replace"))
        case "utf-16":
            return len(before) + sum(char > "\uffff" for char in before)
    return len(before)


def to_column(line: str, units: int, encoding: str) -> int:
    """Characters before a place that is given in units of an encoding; the line's length when it lies beyond."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    taken = 0
    for column, char in enumerate(line):
        if taken >= units:
            return column
        taken += to_units(char, 1, encoding)
    return len(line)


def path_of_uri(uri: str) -> str | None:
    """The absolute path that a `file:` URI names, or None for any other."""
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="surrogateescape")
    except ValueError:
        return None
    return path if parts.scheme == "file" and path.startswith("/") and "\0" not in path else None
