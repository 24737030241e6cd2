"""From the bytes of a page to what they are: Markdown or other text, or a picture or a PDF that is shown as such.

Nothing here opens or asks anything; it is meant to run in a thread, as a large page takes seconds.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from conductor_magic.errors import ToolError
from conductor_magic.web.addresses import WebAddress
from conductor_magic.web.charsets import decoded, looks_like_text
from conductor_magic.web.fetching import Fetched
from conductor_magic.web.hidden import seen
from conductor_magic.web.pictures import media_type

__all__ = ["Page", "page_of"]

_HTML_CHARACTERS = 4_000_000
"""Of a page's source that are turned into Markdown; the most crooked page of this size takes seven seconds."""

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|toml)|application/(json5|x-ndjson|ndjson|jsonl|x-yaml|rtf|sql|graphql"
    r"|javascript|ecmascript|x-javascript|x-sh|x-tex|x-bibtex|csv|x-www-form-urlencoded)|image/svg\+xml|message/.+"
)
_UNTYPED = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page turned out to be.

    Attributes:
        media: the type that its bytes are of.
        title: its title on one line, or empty.
        text: Markdown or plain text, nothing invisible in it; None for a picture or a PDF, whose bytes say it all.
        notes: what the model should know about how this was read.
    """

    media: str
    title: str = ""
    text: str | None = None
    notes: tuple[str, ...] = ()


def page_of(fetched: Fetched) -> Page:
    """Find out what was fetched, and read it where it is text.

    Raises:
        ToolError: it is of a kind that a model cannot be given, or a picture or a PDF that is not whole.
    """
    header = fetched.headers.get("content-type", "")
    said = header.partition(";")[0].strip().lower()
    found = media_type(fetched.body)
    if found and fetched.cut:
        raise ToolError(f"{fetched.final}: {found}, {_size(fetched)}, {fetched.cut}: it needs to be whole.")
    if found:
        return Page(found)
    if said.startswith("image/") and said != "image/svg+xml":
        raise ToolError(
            f"{fetched.final}: {_kind(said)}, {_size(fetched)}: of pictures, PNG, JPEG, GIF and WebP can be shown."
        )
    untyped = said in _UNTYPED
    if not fetched.body:
        return Page(said, text="")
    if not (untyped or said in _HTML or _TEXT.fullmatch(said)) or not looks_like_text(fetched.body):
        raise ToolError(
            f"{fetched.final}: {_kind(said)}, {_size(fetched)}: not text, a picture or a PDF, so it cannot be shown."
        )
    charset = _CHARSET.search(header)
    markup = said in _HTML or said.endswith("xml") or (untyped and _starts_like_html(fetched.body))
    text = decoded(fetched.body, charset[1] if charset else "", markup=markup)
    if said in _HTML or (untyped and markup):
        return _markdown(text, fetched.final)
    text, hidden = seen(text)
    return Page(said or "text/plain", text=text, notes=_notes(hidden))


def _markdown(source: str, base: WebAddress) -> Page:
    from html_to_markdown import ConversionOptions, convert

    notes: tuple[str, ...] = ()
    if len(source) > _HTML_CHARACTERS:
        source, notes = source[:_HTML_CHARACTERS], (f"only the first {_HTML_CHARACTERS:,} characters were read",)
    options = ConversionOptions(
        compact_tables=True, extract_metadata=False, skip_images=True, base_url=str(base), default_title=False
    )
    text, hidden = seen((convert(source, options).content or "").strip())
    title = _TITLE.search(source)
    named = " ".join(seen(html.unescape(title[1]))[0].split())[:200] if title else ""
    if not text:
        notes += ("the page has no text of its own; it may be drawn by a script, which WebFetch does not run",)
    return Page("text/html", named, text, notes=(*notes, *_notes(hidden)))


def _starts_like_html(body: bytes) -> bool:
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _notes(hidden: int) -> tuple[str, ...]:
    return (f"{hidden:,} invisible characters were taken out",) if hidden else ()


def _kind(said: str) -> str:
    return seen(said)[0][:100] or "of no stated type"


def _size(fetched: Fetched) -> str:
    promised = fetched.headers.get("content-length", "")
    size = int(promised) if promised.isascii() and promised.isdigit() and len(promised) < 16 and fetched.cut else None
    return f"{max(size or 0, len(fetched.body)):,} bytes"
