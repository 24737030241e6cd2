"""A text file a page at a time, with numbered lines, however long the file or its lines are."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO

__all__ = ["LINES", "encoding_of", "text_page"]

LINES = 2000
"""Lines of a page, unless fewer are asked for."""

_LINE_CHARACTERS = 2000
_PAGE_CHARACTERS = 60_000
_SEARCHED_BYTES = 64 << 20
"""How far into a file an offset may reach: beyond, Bash is the better reader."""


def encoding_of(head: bytes) -> str | None:
    """How to decode a file that begins like this; None when it is not text."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head[:8192] or head.startswith((b"%PDF", b"\x1f\x8b")):
        return None
    return "utf-8-sig"


def text_page(file: BinaryIO | io.BytesIO, encoding: str, offset: int, limit: int, size: int) -> str:
    """Lines of an open file, each with its number, and where to go on.

    Args:
        file: at its beginning.
        encoding: what `encoding_of` said.
        offset: the first line to show, from 1.
        limit: how many lines.
        size: bytes of the file.
    """
    text = io.TextIOWrapper(file, encoding, errors="replace", newline=None)
    lines: list[str] = []
    shown = number = 0
    more = ""
    try:
        for number, line in enumerate(iter(lambda: _line(text), None), 1):
            if number < offset:
                if number % 1000 == 0 and file.tell() > _SEARCHED_BYTES:
                    return f"Line {offset} lies beyond the first {_SEARCHED_BYTES >> 20} MiB: use Bash (sed -n) there."
                continue
            if number >= offset + limit or shown > _PAGE_CHARACTERS:
                more = f"\n[{size:,} bytes in all; go on with offset={number}]"
                break
            numbered = f"{number:>6}\t{line}"
            shown += len(numbered)
            lines.append(numbered)
    finally:
        text.detach()
    if not lines:
        return (
            "[the file is empty]" if number == 0 else f"[the file has only {number} line{'' if number == 1 else 's'}]"
        )
    return "\n".join(lines) + more


def _line(text: io.TextIOWrapper) -> str | None:
    """The next line without its end, cut when it is very long; None at the end of the file."""
    line = text.readline(_LINE_CHARACTERS + 1)
    if not line:
        return None
    if line.endswith("\n"):
        return line[:-1]
    if len(line) <= _LINE_CHARACTERS:
        return line
    skipped = 1
    while (rest := text.readline(1 << 16)) and not rest.endswith("\n"):
        skipped += len(rest)
        if skipped > _SEARCHED_BYTES:
            break
    more = skipped + len(rest.removesuffix("\n"))
    return f"{line[:_LINE_CHARACTERS]} [… the line goes on for {more} more characters]"
