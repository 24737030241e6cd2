"""Takes pages out of a PDF; run by `apart_main.py`, never imported."""

from __future__ import annotations

import io
from typing import Any

FAULT = "no PDF that can be read"
_CHARACTERS = 100_000


def answer(file: Any, first: str, last: str, wanted: str) -> tuple[dict[str, Any], bytes]:
    """The pages from `first` to `last` as `texts`, or as a PDF of their own.

    Args:
        file: the PDF, open.
        first: from 1.
        last: what lies behind the end does not count.
        wanted: `text` or `document`.

    Returns:
        `pages` (of the file), `last`, `texts` (None for a page whose text cannot be taken out), and the bytes of the
        new PDF: none where the pages are the whole file as it is.
    """
    from pypdf import PasswordType, PdfReader, PdfWriter
    from pypdf.errors import DependencyError

    begin, end = int(first), int(last)
    reader = PdfReader(file)
    locked = reader.is_encrypted
    try:
        if locked and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            return {"error": "is a PDF that is locked with a password, so it cannot be read."}, b""
    except DependencyError:
        return {"error": "is a PDF that is encrypted by AES; to read it takes the Python package cryptography."}, b""
    count = len(reader.pages)
    if begin > count:
        return {
            "error": f"has only {count} page{'' if count == 1 else 's'}." if count else "is a PDF without pages."
        }, b""
    end = min(end, count)
    pages = [reader.pages[number] for number in range(begin - 1, end)]
    if wanted == "text":
        return {"pages": count, "last": end, "texts": [_text(page) for page in pages]}, b""
    if len(pages) == count and not locked:
        return {"pages": count, "last": end}, b""
    writer = PdfWriter()
    for page in pages:
        writer.add_page(page)
    made = io.BytesIO()
    writer.write(made)
    return {"pages": count, "last": end}, made.getvalue()


def _text(page: Any) -> str | None:
    try:
        return page.extract_text()[:_CHARACTERS]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - one page that cannot be read does not hide the others
        return None
