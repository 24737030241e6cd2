"""Takes out of a page's text what no reader of it would see, so that nothing unseen is said to a model.

Tag characters, zero-width and direction marks, terminal codes and other characters without a glyph can carry whole
sentences. What a script needs stays: one joiner or one variation selector between two visible characters, as Persian
words and emoji have them. New lines and tabs stay too.
"""

from __future__ import annotations

import re

__all__ = ["seen"]

_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # control codes, terminal escapes among them
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags, and selectors beyond what any script needs
)
_OUT = re.compile(f"[{_UNSEEN}]+")
_JOINED = re.compile("[\u200c\u200d\ufe00-\ufe0f]+")
_LINES = re.compile("\r\n|[\r\x85\u2028\u2029]")


def seen(text: str) -> tuple[str, int]:
    """The text as a reader sees it, and how many characters were taken out."""
    text = _LINES.sub("\n", text)
    clean = _JOINED.sub(_needed, _OUT.sub("", text))
    return clean, len(text) - len(clean)


def _needed(joiners: re.Match[str]) -> str:
    """Of a row of joiners, what can do its work: one, behind a character that is not ASCII. The rest carries bits."""
    before = joiners.string[joiners.start() - 1 : joiners.start()]
    if not before or before.isascii():
        return ""
    row = joiners[0]
    return row if row == "\ufe0f\u200d" else row[0]  # the pair that joins two emoji
