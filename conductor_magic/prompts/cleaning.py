"""A worker's prompt as the conductor wrote it, without what we say ourselves: nothing is to be said twice.

A conductor may copy a prompt that a worker was sent, our sections included, write our preamble from memory, or put a
section of its own below a heading that is ours. Its own words are kept, each below the one heading that it belongs to.
What stands in a closed code fence is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["HEADINGS", "fenced_lines", "merged", "parted", "quoted", "strip_preamble", "task_id_prefix"]

HEADINGS = (
    "NOTEBOOK VARIABLES",
    "RESULTS OF EARLIER TASKS",
    "AN EARLIER ATTEMPT FAILED",
    "AN EARLIER ATTEMPT WAS CUT OFF",
    "WORKSPACE",
    "RETURN",
)
"""The sections below a worker's task, in their order."""

_MARKS = r"[ \t>*_#`~\"-]*"
_CONTEXT_LINE = re.compile(
    rf"{_MARKS}CONTEXT{_MARKS}:{_MARKS}You(?:'re|’re|[ ]are)[ ]an?[ ]{_MARKS}WORKER\b.*", re.IGNORECASE
)
_RULES_LINE = re.compile(rf"{_MARKS}(?:THE )?RULES{_MARKS}:?{_MARKS}", re.IGNORECASE)
_RULE = re.compile(r"[ \t>]*(?:[-*•+]|\d+[.)])[ \t].*")
_TASK_LINE = re.compile(rf"{_MARKS}(?:YOUR )?TASK{_MARKS}:[ \t*_`]*", re.IGNORECASE)
_HEADING = re.compile(rf"{_MARKS}({'|'.join(HEADINGS)})[ \t*_:`~#]*")
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_OPENING = re.compile(
    rf"{_MARKS}(?:CONTEXT{_MARKS}:{_MARKS}You\b.*|(?:THE )?RULES{_MARKS}:?{_MARKS}|(?:YOUR )?TASK{_MARKS}:.*)"
)
"""A line of the preamble's as it passes for ours in a report, where `Rules` and `Task: x` are a worker's own words."""
_FURTHER_TASK = "To be done:"
_TASK_ID = re.compile(r"\s*TaskId\s+#?([\w-]+)\s*:\s*", re.IGNORECASE)


def strip_preamble(prompt: str) -> str:
    """The prompt without blocks of the preamble's form, in whatever spelling, and without a heading `TASK:` above it.

    Such a block begins a paragraph with `CONTEXT: You are a WORKER`, or is followed by rules; `TASK:` ends it.
    """
    lines = prompt.split("\n")
    fenced = fenced_lines(lines)
    kept: list[str] = []
    place = 0
    while place < len(lines):
        begins = not kept or not kept[-1].strip() or _is(_RULES_LINE, lines, _next(lines, place + 1))
        if begins and place not in fenced and _is(_CONTEXT_LINE, lines, place):
            place, rest = _after_preamble(lines, place + 1)
            kept += rest
            continue
        # Ours is the heading of the whole.
        further = place not in fenced and any(kept) and _is(_TASK_LINE, lines, place)
        kept.append(_FURTHER_TASK if further else lines[place])
        place += 1
    text = "\n".join(kept).strip()
    while match := _TASK_LINE.match(text):
        text = text[match.end() :].strip()
    return text


def _after_preamble(lines: list[str], place: int) -> tuple[int, list[str]]:
    """The first line after the block whose first line is behind, and what its `TASK:` line says besides."""
    end = place
    while end < len(lines) and (not lines[end].strip() or any(_is(form, lines, end) for form in (_RULES_LINE, _RULE))):
        end += 1
    if end < len(lines) and (task := _TASK_LINE.match(lines[end])):
        rest = lines[end][task.end() :].strip()
        return end + 1, [rest] if rest else []
    # Without a task's heading, only what stands directly below the rules' heading is rules.
    place = _next(lines, place)
    if _is(_RULES_LINE, lines, place):
        place = _next(lines, place + 1)
        while _is(_RULE, lines, place):
            place += 1
    return place, []


def _next(lines: list[str], place: int) -> int:
    """The next line that says something."""
    while place < len(lines) and not lines[place].strip():
        place += 1
    return place


def _is(form: re.Pattern[str], lines: list[str], place: int) -> bool:
    return place < len(lines) and form.fullmatch(lines[place].rstrip()) is not None


def task_id_prefix(prompt: str) -> tuple[str | None, str]:
    """The id that a prompt beginning `TaskId N:` names, and the prompt without it."""
    match = _TASK_ID.match(prompt)
    return (match.group(1), prompt[match.end() :]) if match else (None, prompt)


def parted(prompt: str) -> tuple[str, dict[str, str]]:
    """The task, and what stands below each heading that is ours; sections of one heading are joined.

    Args:
        prompt: without a preamble.
    """
    lines = prompt.split("\n")
    fenced = fenced_lines(lines)
    found: dict[str, list[str]] = {"": []}
    below = ""
    for place, line in enumerate(lines):
        begins = place == 0 or not lines[place - 1].strip()
        heading = _HEADING.fullmatch(line.rstrip()) if begins and place not in fenced else None
        if heading is None:
            found[below].append(line)
        else:
            below = heading.group(1)
            found.setdefault(below, []).append("")
    texts = {heading: "\n".join(said).strip() for heading, said in found.items()}
    return texts.pop(""), {heading: text for heading, text in texts.items() if text}


def merged(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """One section for each heading: what we say, and of what the conductor says what is not the same.

    Its word on what to return comes before ours, which ends with the last line of all.
    """
    sections: list[str] = []
    for heading in HEADINGS:
        own = ours.get(heading, "")
        known = set(_paragraphs(own))
        more = [part for part in _paragraphs(theirs.get(heading, "")) if part not in known]
        parts = [*more, own] if heading == "RETURN" else [own, *more]
        if said := "\n\n".join(filter(None, parts)):
            sections.append(f"{heading}\n{said}")
    return sections


def quoted(text: str) -> str:
    """Words that are not ours: a line in them that would pass for a heading of ours begins with a bar."""
    lines = re.sub(r"\r\n?", "\n", text).splitlines(keepends=True)
    return "".join(f"| {line}" if _passes_for_ours(line.rstrip()) else line for line in lines)


def _passes_for_ours(line: str) -> bool:
    return any(form.fullmatch(line) for form in (_HEADING, _OPENING, _CONTEXT_LINE))


def _paragraphs(text: str) -> list[str]:
    """The paragraphs; a code fence is in one piece with what it stands in."""
    lines = text.split("\n")
    fenced = fenced_lines(lines)
    parts: list[list[str]] = [[]]
    for place, line in enumerate(lines):
        if line.strip() or place in fenced:
            parts[-1].append(line.rstrip())
        elif parts[-1]:
            parts.append([])
    return ["\n".join(part) for part in parts if part]


def fenced_lines(lines: list[str]) -> set[int]:
    """The numbers of the lines in code fences, the fences' own included. A fence that nothing closes is none."""
    inside: set[int] = set()
    place = 0
    while place < len(lines):
        if opens := _FENCE.match(lines[place]):
            mark = opens.group(1)
            closing = (
                later
                for later in range(place + 1, len(lines))
                if lines[later].strip().startswith(mark) and not lines[later].strip().strip(mark[0])
            )
            if (end := next(closing, None)) is not None:
                inside.update(range(place, end + 1))
                place = end
        place += 1
    return inside
