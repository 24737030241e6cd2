"""How the parts of the static board look and how much they may say. Pure.

A notebook's ground may be light or dark, and nothing here can ask. So text is in the ground's own ink, a tint is
transparent, and what is filled brings its own ink.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from conductor_magic.report.words import SIGNS, WORDS, clean

__all__ = [
    "CELL",
    "LOOKS",
    "NUMBER",
    "PRE",
    "TABLE",
    "Json",
    "Look",
    "Room",
    "colours",
    "cut",
    "folded",
    "line",
    "sign",
    "text",
    "word",
]

Json = Mapping[str, Any]


class Room(NamedTuple):
    """How much a page may say.

    Attributes:
        tasks: tasks listed; of a run with more, only those that need a look.
        boxes: tasks drawn as boxes; more are drawn as signs.
        phases: columns.
        bars: attempts drawn on the timeline; more are drawn as how many worked at once.
        things: questions, conflicts and warnings.
        title: characters of a title.
        detail: characters of an opened task's output, and half as many of its other texts; 0 for none to open.
        answer: characters of the answer.
        all_open: whether every task opens; else those that need a look.
        plain: whether Markdown is left as it was written, because its marks would take more room.
    """

    tasks: int
    boxes: int
    phases: int
    bars: int
    things: int
    title: int
    detail: int
    answer: int
    all_open: bool = True
    plain: bool = False

    @property
    def rows(self) -> int:
        """Entries of a transcript, the last ones."""
        return min(200, max(2, self.detail // 60))

    @property
    def entry(self) -> int:
        """Characters of an entry of a transcript."""
        return max(40, self.detail // 6)


class Look(NamedTuple):
    """A state's colours: its sign's ground, the ink on it (empty: the page's), its border and the border's style."""

    fill: str
    ink: str
    line: str
    style: str = "solid"


LOOKS: dict[str, Look] = {
    "asking": Look("#ffc233", "#241800", "#a87000"),
    "failed": Look("#c62f25", "#fff", "#c62f25"),
    "running": Look("#1a5fd0", "#fff", "#2f6fdc"),
    "ready": Look("", "", "#2f6fdc"),
    "blocked": Look("", "", "#7c858f", "dashed"),
    "completed": Look("#23886c3d", "", "#23886c"),
    "skipped": Look("", "", "#7c858f", "dotted"),
    "cancelled": Look("#6a737d4d", "", "#7c858f", "dotted"),
}

TABLE = "border-collapse:collapse;margin:0"
CELL = "padding:1px 16px 1px 0;text-align:left;vertical-align:top"
NUMBER = "padding:1px 16px 1px 0;text-align:right;vertical-align:top;white-space:nowrap"
PRE = "white-space:pre-wrap;margin:4px 0 4px 22px"


def cut(value: object, limit: int) -> tuple[str, int]:
    """The beginning of the value as plain text, and how many characters are left out; not yet escaped."""
    raw = str(value)
    # Only what may be shown is cleaned: an output of megabytes costs no more than its beginning.
    plain = clean(raw[: 4 * limit])
    return plain[:limit], max(0, len(raw) - 4 * limit) + max(0, len(plain) - limit)


def text(value: object, limit: int) -> str:
    """The value as harmless text, cut at `limit` characters; it says how many are left out."""
    plain, left = cut(value, limit)
    return escape(f"{plain}… ({left:,} more)" if left else plain)


def line(value: object, limit: int) -> str:
    """The same on one line, cut without a word: for titles, whose whole text is in the task."""
    plain, left = cut(value, limit)
    plain = " ".join(plain.split())
    return escape(f"{plain[: limit - 1]}…" if left else plain)


def word(state: str) -> str:
    """A state's name as the board says it."""
    return WORDS[state].capitalize()


def colours(state: str) -> str:
    """A state's ground and ink, as declarations."""
    look = LOOKS[state]
    ink = f"color:{look.ink};" if look.ink else ""
    return f"background:{look.fill};{ink}" if look.fill else ""


def sign(state: str, style: str = "padding:0 5px") -> str:
    """A state's sign on its own ground."""
    return f'<span style="{colours(state)}{style}">{SIGNS[state]}</span>'


def folded(summary: str, content: str, *, opened: bool = False) -> str:
    """What opens on a click, without a script."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{content}</details>"
