"""Read: a text file with numbered lines, a page at a time."""

from __future__ import annotations

import asyncio
import codecs
import io
import os
from typing import Any, BinaryIO

from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.files import LARGEST_EDIT, digest, reach_of

__all__ = ["Read"]

_LINES = 2000
_LINE_CHARACTERS = 2000
_PAGE_CHARACTERS = 60_000
_SEARCHED_BYTES = 64 << 20
"""How far into a file an offset may reach: beyond, Bash is the better reader."""

_KINDS = (
    (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"), (b"\x1f\x8b", "gzip data"), (b"ARROW1", "an Arrow file"),
    (b"PAR1", "a Parquet file"), (b"SQLite format 3", "an SQLite database"), (b"\x7fELF", "a program"),
)  # fmt: skip


class Read:
    """The Read tool."""

    name = "Read"
    description = (
        "Read a text file; lines come numbered as by cat -n. Large files come in pages: continue with `offset`. "
        "Paths may be absolute or relative to the workspace."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "The file."},
            "offset": {"type": "integer", "description": "First line to show, from 1.", "minimum": 0},
            "limit": {"type": "integer", "description": f"How many lines (default {_LINES}).", "minimum": 1},
        },
        "required": ["file_path"],
        "additionalProperties": False,
    }
    repeatable = True

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Read one page and remember the file as seen; see `WorkerTool.run`."""
        offset, limit = args.get("offset") or 1, args.get("limit") or _LINES
        return ToolResult(await asyncio.to_thread(_read, args["file_path"], offset, limit, context))


def _read(asked: str, offset: int, limit: int, context: ToolContext) -> str:
    with reach_of(context).file(asked) as (handle, path), open(handle, "rb", closefd=False) as file:
        size = os.fstat(handle).st_size
        head = file.read(8192)
        file.seek(0)
        encoding = _encoding(head)
        if encoding is None:
            return f"{asked} is {_kind(head)}, {size:,} bytes: not text, so nothing of it is shown here."
        if size > LARGEST_EDIT:
            return _page(file, encoding, offset, limit, size)
        content = file.read(LARGEST_EDIT + 1)
        context.seen[str(path)] = digest(content)
        return _page(io.BytesIO(content), encoding, offset, limit, size)


def _encoding(head: bytes) -> str | None:
    """How to decode a file that begins like this; None when it is not text."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head or head.startswith((b"%PDF", b"\x1f\x8b")):
        return None
    return "utf-8-sig"


def _kind(head: bytes) -> str:
    return next((kind for magic, kind in _KINDS if head.startswith(magic)), "binary data")


def _page(file: BinaryIO | io.BytesIO, encoding: str, offset: int, limit: int, size: int) -> str:
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
        return "[the file is empty]" if number == 0 else f"[the file has only {number} lines]"
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
