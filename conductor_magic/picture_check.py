"""Is a picture of a stranger's small enough to be painted by a browser, however it is packed?

A page shows it as an image, where nothing in it runs or loads. What is left to it is to be huge when it is unpacked:
a PNG of a hundred million pixels, or an SVG whose parts name each other until they are a billion. Both are looked for.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from urllib.parse import unquote
from xml.parsers import expat

from conductor_magic.web.pictures import media_type, pixels

__all__ = ["check_picture"]

_MOST_PIXELS = 40_000_000
_MOST_PARTS = 200_000
"""Elements of an SVG, each counted as often as it is drawn."""

_NAMED = re.compile(r"#([^\s\"')]+)")
_INLINE = re.compile(r"\s*data:image/(?:png|jpeg|gif|webp);base64,", re.IGNORECASE)


def check_picture(content: bytes) -> str:
    """The media type of a picture that a browser can paint.

    Raises:
        ValueError: it is none, or would take too much.
    """
    found = media_type(content)
    if found.startswith("image/"):
        _check_pixels(content)
        return found
    if b"<svg" not in content[:4096]:
        raise ValueError("it is no picture that is known here")
    _check_svg(content)
    return "image/svg+xml"


def _check_pixels(content: bytes) -> None:
    width, height = pixels(content) or (0, 0)
    if not width or not height:
        raise ValueError("it is broken or cut off")
    if width * height > _MOST_PIXELS:
        raise ValueError(f"it has {width:,} × {height:,} pixels")


def _check_svg(content: bytes) -> None:
    parts = _Parts()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = parts.begin
    parser.EndElementHandler = parts.end
    parser.CharacterDataHandler = parts.text
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is not well formed: {error}") from None
    if parts.drawn() > _MOST_PARTS:
        raise ValueError("it is drawn from too many parts")


def _refuse_entity(*_: object) -> None:
    raise ValueError("it declares entities")


class _Parts:
    """The elements of an SVG: how many lie in each named one, and which others it names."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._own: dict[str, int] = {"": 0}
        self._uses: dict[str, list[str]] = {"": []}
        self._in_style = False

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Count an element to the named one that it lies in; a named one counts for itself where it is named."""
        around = self._open[-1] if self._open else ""
        name = attributes.get("id", "")
        self._own[around] += 1
        if name and name not in self._own:
            self._own[name], self._uses[name] = 0, []
            self._uses[around].append(name)
            around = name
        self._open.append(around)
        self._in_style = tag.rpartition(":")[2] == "style"
        for key, text in attributes.items():
            if text.lstrip()[:5].lower() == "data:":
                _check_inline(text)
            elif "\\" in text and "(" in text:
                raise ValueError("what it names is written in a hidden way")
            elif key != "id" and "#" in text:
                self._uses[around] += map(unquote, _NAMED.findall(text))

    def text(self, text: str) -> None:
        """A style sheet that names parts would hide from the count where they are drawn."""
        if self._in_style and ("url" in text.lower() or "\\" in text):
            raise ValueError("its style sheet names other things")

    def end(self, tag: str) -> None:
        """The element is over."""
        self._open.pop()
        self._in_style = False

    def drawn(self) -> int:
        """How many elements are drawn in all; more than the most where it goes round in circles."""
        path: set[str] = set()

        @cache
        def weight(name: str) -> int:
            if name in path or len(path) > 200:
                return _MOST_PARTS + 1
            path.add(name)
            found = self._own[name] + sum(weight(used) for used in self._uses[name] if used in self._own)
            path.discard(name)
            return found

        return weight("")


def _check_inline(text: str) -> None:
    """A picture within the SVG is one of pixels, and no larger than one that stands alone."""
    head = _INLINE.match(text)
    if head is None:
        raise ValueError("it holds something that is no picture")
    try:
        _check_pixels(base64.b64decode(text[head.end() :]))
    except binascii.Error:
        raise ValueError("a picture in it is broken") from None
