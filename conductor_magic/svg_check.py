"""Is an SVG of a stranger's a drawing of known parts, and is it drawn in a bounded time?

Only what charts are made of is let through, see `svg_words.py`. Each part counts as often as it is drawn, by the names
that parts have for each other; a name is whole, or the picture is not shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache
from xml.parsers import expat

from conductor_magic.svg_words import ATTRIBUTES, ELEMENTS, PAINTS, PROPERTIES, REGIONS, SHAPES

__all__ = ["check_svg"]

_MOST_PARTS = 60_000
"""Elements, each counted as often as it is drawn."""
_LETTERS, _PIXELS = 200, 1_000
"""So much of a path or a text, and so much of a picture, count as one element more."""
_DEEPEST = 200
_MOST_STYLE = 10_000

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_NOTES = frozenset(
    {
        "http://creativecommons.org/ns#",
        "http://purl.org/dc/elements/1.1/",
        "http://web.resource.org/cc/",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    }
)
"""Namespaces of what is said about a picture; nothing of it is drawn."""
_LINKS = frozenset(
    {f"{_XLINK} {name}" for name in ("actuate", "show", "title", "type")} | {f"{_XML} lang", f"{_XML} space"}
)

_HREF = re.compile(r"#([\w:.-]+)")
_URL = re.compile(r"""url\(\s*(["']?)#([\w:.-]+)\1\s*\)""")
_VALUE = re.compile(r"""(?:[\w\s#%.,'"+/!-]|(?:rgb|hsl)a?\([\d\s.,%/]*\))*""")
_RULE = re.compile(r"([\w\s.,#*>:-]+)\{([^{}]*)\}\s*")
_INLINE = re.compile(r"\s*data:image/(?:png|jpeg);base64,", re.IGNORECASE)


def check_svg(content: bytes, check_pixels: Callable[[bytes], int]) -> None:
    """Raise ValueError unless it is a drawing of known parts that a browser can paint.

    Args:
        content: the file.
        check_pixels: gives the number of pixels of a picture within it; raises ValueError for one that is too large.
    """
    parts = _Parts(check_pixels)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = parts.begin
    parser.EndElementHandler = parts.end
    parser.CharacterDataHandler = parts.text
    parser.StartDoctypeDeclHandler = _check_doctype
    parser.ProcessingInstructionHandler = _refuse_instruction
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is not well formed: {error}") from None
    if parts.drawn() > _MOST_PARTS:
        raise ValueError("it is drawn from too many parts")


def _check_doctype(name: str, system: str | None, public: str | None, inner: bool) -> None:
    if inner:
        raise ValueError("it declares entities")


def _refuse_instruction(name: str, text: str) -> None:
    raise ValueError(f"it has an instruction <?{name[:40]}?>")


class _Parts:
    """The elements of an SVG: how many lie in each named one, and which others it draws."""

    def __init__(self, check_pixels: Callable[[bytes], int]) -> None:
        self._check_pixels = check_pixels
        self._open: list[str] = [""]
        self._own: dict[str, int] = {"": 0}
        self._uses: dict[str, list[tuple[str, ...]]] = {"": []}
        self._style: list[str] | None = None

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Count an element to the named one that it lies in; a named one counts for itself where it is named."""
        if self._style is not None:
            raise ValueError("its style sheet holds an element")
        space, _, name = tag.rpartition(" ")
        if not space:
            raise ValueError("it has no xmlns, without which no browser draws it")
        drawn = space == _SVG
        if (name not in ELEMENTS) if drawn else (space not in _NOTES):
            raise ValueError(f"it has an element <{name[:40]}>, which no chart needs")
        if len(self._open) > _DEEPEST:
            raise ValueError("its parts lie too deep in each other")
        around = self._open[-1]
        own = attributes.get("id", "")
        if own and own not in self._own:
            self._own[own], self._uses[own] = 0, []
            self._uses[around].append((own,))
            around = own
        self._open.append(around)
        self._own[around] += 1 + sum(map(len, attributes.values())) // _LETTERS
        if drawn:
            self._style = [] if name == "style" else None
            self._check_attributes(name, attributes)

    def text(self, text: str) -> None:
        """Text counts as what is drawn; that of a style sheet is kept until it is whole."""
        if self._style is None:
            self._own[self._open[-1]] += len(text) // _LETTERS
        else:
            self._style.append(text)

    def end(self, tag: str) -> None:
        """The element is over."""
        self._open.pop()
        if self._style is not None:
            _check_sheet("".join(self._style))
            self._style = None

    def drawn(self) -> int:
        """How many elements are drawn in all; more than the most where it goes round in circles."""
        path: set[str] = set()

        @cache
        def weight(name: str) -> int:
            if name in path or len(path) > _DEEPEST:
                return _MOST_PARTS + 1
            path.add(name)
            found = self._own[name] + sum(map(product, self._uses[name]))
            path.discard(name)
            return found

        def product(names: tuple[str, ...]) -> int:
            found = 1
            for name in names:
                found *= weight(name) if name in self._own else 0
            return found

        return weight("")

    def _check_attributes(self, element: str, attributes: dict[str, str]) -> None:
        uses = self._uses[self._open[-1]]
        targets: list[str] = []
        paints: list[str] = []
        for key, value in attributes.items():
            if key in ("href", f"{_XLINK} href"):
                self._check_link(element, value, targets)
            elif key == "style":
                for declaration in value.split(";"):
                    paints += _named(element, *_halves(declaration))
            elif key in PAINTS | REGIONS | PROPERTIES:
                paints += _named(element, key, value)
            elif key not in ATTRIBUTES | _LINKS and not key.startswith(("aria-", "data-")):
                raise ValueError(f"it has an attribute {key.rpartition(' ')[2][:40]}, which no chart needs")
        uses += [(name,) for name in targets + paints]
        # What is used takes over the paint of its use, and so has it as often as it has parts.
        uses += [(target, paint) for target in targets for paint in paints]

    def _check_link(self, element: str, value: str, targets: list[str]) -> None:
        if element == "a":  # leads elsewhere, and draws nothing
            return
        if element == "image":
            self._own[self._open[-1]] += self._pixels(value) // _PIXELS
            return
        name = _HREF.fullmatch(value)
        if name is None:
            raise ValueError(f"it names {value[:40]!r}, which is no part of it")
        targets.append(name[1])

    def _pixels(self, value: str) -> int:
        head = _INLINE.match(value)
        if head is None:
            raise ValueError("it holds something that is no picture")
        try:
            return self._check_pixels(base64.b64decode(value[head.end() :]))
        except binascii.Error:
            raise ValueError("a picture in it is broken") from None


def _halves(declaration: str) -> tuple[str, str]:
    name, _, value = declaration.partition(":")
    return name.strip().lower(), value


def _named(element: str, name: str, value: str) -> list[str]:
    """The part that a property names, if any; raises ValueError for what is unknown."""
    value = value.strip()
    if not name and not value:
        return []
    if name not in PAINTS | REGIONS | PROPERTIES:
        raise ValueError(f"it has a style {name[:40]}, which no chart needs")
    found = _URL.fullmatch(value)
    if found and (name in REGIONS or (name in PAINTS and element in SHAPES | {"use"})):
        return [found[2]]
    # Else these would be taken over by every element within.
    if (name in REGIONS and value != "none") or not _VALUE.fullmatch(value):
        raise ValueError(f"its style {name} has a value that no chart needs")
    return []


def _check_sheet(text: str) -> None:
    """A style sheet sets plain values by plain selectors, and names no part: it would hide where that is drawn."""
    if len(text) > _MOST_STYLE:
        raise ValueError("its style sheet is too long")
    at, text = 0, text.strip()
    while at < len(text):
        rule = _RULE.match(text, at)
        if rule is None:
            raise ValueError("its style sheet has more than plain rules")
        for declaration in rule[2].split(";"):
            _named("style", *_halves(declaration))
        at = rule.end()
