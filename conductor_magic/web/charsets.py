"""Bytes of a page to text, as browsers decide it: a byte order mark, the header, the page itself, else a good guess."""

from __future__ import annotations

import codecs
import re

__all__ = ["decoded", "looks_like_text"]

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_:.-]{1,40})")
_LOOKED_AT = 4096
# The encodings of the web. Python knows others, some of which (`zip`, `utf-7`, `unicode_escape`) are no way to write
# a page and a way to hide one.
_OF_THE_WEB = re.compile(
    r"ascii|utf-8|utf-16(-le|-be)?|iso8859-\d{1,2}|cp125\d|cp866|cp874|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|euc_jp|iso2022_jp|shift_jis|cp932|euc_kr|cp949"
)
# What pages that name the first mean is the second.
_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
          "shift_jis": "cp932", "euc_kr": "cp949"}  # fmt: skip


def decoded(body: bytes, header: str = "", *, markup: bool = False) -> str:
    """The text of a body; what cannot be read becomes replacement characters.

    Args:
        body: the bytes.
        header: the charset of the Content-Type header, or empty.
        markup: it is HTML or XML, which may name its own encoding.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    named = _known(header)
    if named is None and markup:
        head = body[:_LOOKED_AT]
        found = _XML.search(head) or _META.search(head)
        named = _known(found[1].decode("ascii")) if found else None
        # A page whose ASCII bytes could be read is not in UTF-16, whatever it says.
        named = "utf-8" if named is not None and named.startswith("utf-16") else named
    if named is not None:
        return body.decode(named, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        # The cap may have cut the last character.
        if error.start >= len(body) - 3 and error.reason == "unexpected end of data":
            return body[: error.start].decode("utf-8")
        return body.decode("cp1252", errors="replace")


def looks_like_text(body: bytes) -> bool:
    """Whether bytes of an unknown type are text."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    head = body[:_LOOKED_AT]
    odd = sum(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head)
    return b"\0" not in head and odd * 50 <= len(head)


def _known(label: str) -> str | None:
    """Python's name of an encoding of the web, or None."""
    try:
        name = codecs.lookup(label.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name) if _OF_THE_WEB.fullmatch(name) else None
