"""PDFs as a model is given them: pages of the document itself where the model takes documents, else their text."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.apart import answer_apart
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.opened import Opened

__all__ = ["show_document"]

Json = dict[str, Any]

_PAGES = 20
_MOST_BYTES = 10 << 20
"""Of a document in one result: a request may carry 32 MB, and base64 makes four bytes of three."""

_MOST_CHARACTERS = 60_000
_RANGE = re.compile(r"\s*([1-9][0-9]{0,6})\s*(?:(-)\s*([1-9][0-9]{0,6})?\s*)?")


async def show_document(file: Opened, pages: str | None, context: ToolContext) -> list[Json]:
    """Pages of a PDF as content blocks.

    Args:
        file: the PDF.
        pages: `3`, `1-5` or `7-`; None for the first ones.
        context: whose model it is for.

    Raises:
        ToolError: it is broken, locked or too large, or the pages are no pages of it.
    """
    first, last = _range(pages)
    wanted = "document" if "document" in context.takes else "text"
    arguments = [str(first), str(last), wanted]
    answer, made = await answer_apart("pdf", file.handle, arguments, context.walls, file.asked)
    count, last = int(answer["pages"]), int(answer["last"])
    said = f"{file.asked}: PDF, {count} page{'' if count == 1 else 's'}, {file.size:,} bytes"
    if wanted == "text":
        return [{"type": "text", "text": _text(said, answer["texts"], first, count)}]
    document = made or file.content or b""
    if not document or len(document) > _MOST_BYTES:
        raise ToolError(
            f"{said}; {_span(first, last)}: more than the {_MOST_BYTES >> 20} MiB that fit into one call. "
            "Ask for fewer with `pages`, or take the text out with Python."
        )
    title = f"{Path(file.asked).name[:200]}, {_span(first, last)} of {count}"
    data = base64.b64encode(document).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    return [
        {"type": "text", "text": f"{said}; {_span(first, last)}{_more(last, count)}"},
        {"type": "document", "title": title, "source": source},
    ]


def _range(pages: str | None) -> tuple[int, int]:
    if pages is None:
        return 1, _PAGES
    matched = _RANGE.fullmatch(pages)
    first = int(matched[1]) if matched else 0
    last = 0 if matched is None else int(matched[3]) if matched[3] else first + _PAGES - 1 if matched[2] else first
    if not first <= last or matched is None:
        raise ToolError(f"pages: {pages[:40]!r} is no range of pages; write it as 3, 1-5 or 7-.")
    if last - first >= _PAGES:
        raise ToolError(f"pages: {first}-{last} are {last - first + 1} pages; one call takes {_PAGES} at most.")
    return first, last


def _text(said: str, texts: list[str | None], first: int, count: int) -> str:
    """The pages as text, as many of them as fit."""
    parts: list[str] = []
    shown = 0
    for number, text in enumerate(texts, first):
        if parts and shown + len(text or "") > _MOST_CHARACTERS:
            break
        body = (text or "").strip() or ("[no text: it may be a scan]" if text is not None else "[unreadable]")
        if len(body) > _MOST_CHARACTERS:
            body = f"{body[:_MOST_CHARACTERS]}\n[… the page goes on; take the rest out with Python]"
        parts.append(f"--- page {number} ---\n{body}")
        shown += len(body)
    last = first + len(parts) - 1
    head = f"{said}; the text of {_span(first, last)} (no layout and no pictures){_more(last, count)}"
    return "\n\n".join([head, *parts])


def _span(first: int, last: int) -> str:
    return f"page {first}" if first == last else f"pages {first}-{last}"


def _more(last: int, count: int) -> str:
    return "." if last == count else f'. Go on with pages="{last + 1}-{min(count, last + _PAGES)}".'
