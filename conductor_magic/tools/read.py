"""Read: text with numbered lines, images, PDFs and notebooks, a page at a time."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.paths import plainly
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.documents import show_document
from conductor_magic.tools.files import LARGEST_EDIT, admitted, remember
from conductor_magic.tools.images import show_image
from conductor_magic.tools.notebooks import NotANotebook, show_notebook
from conductor_magic.tools.opened import Opened
from conductor_magic.tools.text_pages import LINES, encoding_of, text_page
from conductor_magic.web.pictures import media_type

__all__ = ["Read"]

Json = dict[str, Any]

_KINDS = (
    (b"PK\x03\x04", "a ZIP archive (or an office document)"), (b"\x1f\x8b", "gzip data"), (b"ARROW1", "an Arrow file"),
    (b"PAR1", "a Parquet file"), (b"SQLite format 3", "an SQLite database"), (b"\x7fELF", "a program"),
    (b"BM", "a BMP image"), (b"II*\0", "a TIFF image"), (b"MM\0*", "a TIFF image"),
)  # fmt: skip


class Read:
    """The Read tool."""

    name = "Read"
    description = (
        "Read a file. Text: lines numbered as by cat -n. Images (PNG, JPEG, GIF, WebP): shown. PDFs: up to 20 pages a "
        "call. Notebooks: cells with their outputs. Long ones come in parts: go on with `offset`, or `pages` in a PDF. "
        "Paths may be absolute or relative to the workspace."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "The file."},
            "offset": {"type": "integer", "description": "First line (or cell) to show, from 1.", "minimum": 0},
            "limit": {"type": "integer", "description": f"How many (default {LINES} lines).", "minimum": 1},
            "pages": {"type": "string", "description": "Pages of a PDF, such as `3` or `1-5`."},
        },
        "required": ["file_path"],
        "additionalProperties": False,
    }
    repeatable = True

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show one part of a file and remember the file as seen; see `WorkerTool.run`."""
        asked: str = args["file_path"]
        offset, limit = args.get("offset") or 1, args.get("limit")
        reach = await admitted(asked, self.name, context, writing=False)
        with reach.file(asked) as (handle, path), plainly(asked):  # some files of the system can be opened, not read
            file = await asyncio.to_thread(_opened, asked, handle, path)
            if file.content is not None:
                remember(path, file.content, context)
            kind = media_type(file.head) if encoding_of(file.head) is None else ""
            if kind == "application/pdf":
                return ToolResult(await show_document(file, args.get("pages"), context))
            if args.get("pages") is not None:
                raise ToolError(f"{asked}: is no PDF, so it has no `pages`; use `offset` and `limit`.")
            if kind:
                return ToolResult(await show_image(file, kind, context))
            return ToolResult(await asyncio.to_thread(_shown, file, offset, limit, "image" in context.takes))


def _opened(asked: str, handle: int, path: Path) -> Opened:
    size = os.fstat(handle).st_size
    content = None
    if size <= LARGEST_EDIT:
        with open(handle, "rb", closefd=False) as file:
            content = file.read(LARGEST_EDIT + 1)
        content = content if len(content) <= LARGEST_EDIT else None
    return Opened(asked, path, handle, size, content)


def _shown(file: Opened, offset: int, limit: int | None, images: bool) -> str | list[Json]:
    encoding = encoding_of(file.head)
    if encoding is None:
        return f"{file.asked} is {_kind(file.head)}, {file.size:,} bytes: not text, so nothing of it is shown here."
    note = ""
    if file.path.suffix.lower() == ".ipynb" and file.content:
        try:
            return show_notebook(file.content, file.asked, offset, limit, images=images)
        except NotANotebook as error:
            note = f"[shown as text, since it cannot be shown as a notebook: {error}]\n"
    with io.BytesIO(file.content) if file.content is not None else open(file.handle, "rb", closefd=False) as source:
        return note + text_page(source, encoding, offset, limit or LINES, file.size)


def _kind(head: bytes) -> str:
    return next((kind for magic, kind in _KINDS if head.startswith(magic)), "binary data")
