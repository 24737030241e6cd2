"""What a worker's report says of its own end: the line that begins with `STATUS:`.

A worker is told to end with that line, and some add a word of thanks, a list of what is missing, a value or a code
fence. What a report quotes in a code fence, or far above its end, is not its status.
"""

from __future__ import annotations

import re

from conductor_magic.prompts.cleaning import fenced_lines

__all__ = ["parse_status"]

_LAST_LINES = 12
"""So many lines at the end of a report, those in code fences not counted, may hold its status."""
_LINE = re.compile(
    r"[ ]{0,3}(?:#+[ ]+)?[*_`]*(?P<name>STATUS)(?![a-z0-9])[*_`]*(?P<colon>:?)[ \t*_`]*(?P<said>.*?)[*_`\s]*",
    re.IGNORECASE,
)
_TOLD = re.compile(r"(?P<word>done|incomplete|blocked)\b[*_`.]*[ \t]*[-–—:]*[ \t]*(?P<reason>.*)", re.IGNORECASE)
_COMPLETED = re.compile(r"completed?\b(?![ \t]*\w).*", re.IGNORECASE)
_FAILED = re.compile(r"(?:not[ ]done|fail(?:ed|ure)|error|partial)\b(?![ \t]*\w).*", re.IGNORECASE)


def parse_status(report: str) -> tuple[str, str, str]:
    """A worker's report as (`done`, `incomplete` or `blocked`; the reason; the report without the status line).

    The last status line decides; none is `done`. A status of other words is `incomplete`, with them as its reason.
    """
    lines = report.strip().split("\n")
    for place in _places(lines):
        found = _said(lines[place].rstrip())
        if found is None:
            continue
        word, reason = found
        after = lines[place + 1 :]
        if word != "done" and not reason:
            reason = " ".join(" ".join(after).replace("`", " ").split())
        return word, reason, "\n".join([*lines[:place], *after]).strip()
    return "done", "", report.strip()


def _said(line: str) -> tuple[str, str] | None:
    """The status and its reason, if the line is one."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    if told := _TOLD.fullmatch(match["said"]):
        return told["word"].lower(), told["reason"]
    if not match["colon"] or not match["said"]:
        return None
    if _COMPLETED.fullmatch(match["said"]):
        return "done", ""
    # Other words in other letters, as `Status: 200`, are the report's own, unless they are plainly no success.
    return ("incomplete", match["said"]) if match["name"] == "STATUS" or _FAILED.fullmatch(match["said"]) else None


def _places(lines: list[str]) -> list[int]:
    """Where the status may stand, the likeliest place first."""
    inside = fenced_lines(lines)
    said = [place for place, line in enumerate(lines) if line.strip()]
    if len(said) > 1 and said[-1] in inside:
        # The last line of a fence that ends the report: a worker may set its status, or all it says, in one.
        inside.discard(said[-2])
    return [place for place in reversed(said) if place not in inside][:_LAST_LINES]
