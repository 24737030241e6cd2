"""How two versions of a file differ, and whether a third one still holds what was changed. Pure.

A version is its bytes, or None where there is no file. Lines are compared, not characters, so that a difference reads
as a person would write it down.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

__all__ = ["difference", "is_text", "keeps"]

Version = bytes | None
_Op = tuple[bool, int, int, int, int]
"""(equal, from and to in the old lines, from and to in the new ones)"""

_AROUND = 3
_FEW = 400
"""Lines of a changed part up to which every line is compared with every other."""

_WORD = re.compile(r"\w+|[^\w\s]")
_LAYOUT = b" \t\n\r\v\f\"'`,;()\\"


def difference(before: Version, after: Version, old: str, new: str, limit: int = 4_000) -> str:
    """A unified difference; empty when the versions are equal.

    Args:
        before: the one version.
        after: the other.
        old: what stands behind `---`.
        new: what stands behind `+++`.
        limit: characters; what is left out is counted: the middle of very long lines, then what comes last.
    """
    if before == after:
        return ""
    head = (
        f"--- {old}{'' if before is not None else ' (no file)'}\n+++ {new}{'' if after is not None else ' (no file)'}"
    )
    if not (is_text(before) and is_text(after)):
        return f"{head}\nBinary: {_size(before)} became {_size(after)}."
    lines = [head, *(list(_hunks(_lines(before), _lines(after))) or ["(only line ends differ)"])]
    text = "\n".join(lines)
    if len(text) <= limit:
        return text
    text = "\n".join(_shortened(line, limit // 8) for line in lines)
    if len(text) <= limit:
        return text
    shown = text[:limit].rpartition("\n")[0] or text[:limit]
    return f"{shown}\n[cut: {text.count(chr(10)) - shown.count(chr(10)):,} more lines]"


def keeps(base: Version, theirs: Version, mine: Version) -> bool:
    """Whether `mine` still holds all that changed from `base` to `theirs`.

    It does when every line that was added is there, at its place, and none that was removed has come back. A line that
    was only added to may have been added to further. A file that was merely laid out anew (blanks, quotes, commas)
    holds what it held.
    """
    if theirs in (base, mine):
        return True
    if not (is_text(base) and is_text(theirs) and is_text(mine)):
        return False
    if _squeezed(mine) == _squeezed(theirs) != _squeezed(base):
        return True
    a, t, m = _lines(base), _lines(theirs), _lines(mine)
    places = _Places(t, m)
    return all(places.hold(t[j1:j2], j1, j2, a[i1:i2]) for equal, i1, i2, j1, j2 in _operations(a, t) if not equal)


def is_text(version: Version) -> bool:
    """Whether a version is UTF-8 text (no file counts as empty text)."""
    if version is None:
        return True
    try:
        version.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in version


class _Places:
    """Where the lines of one text stand in another."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._new = new
        self._in_old, self._in_new = Counter(old), Counter(new)
        self._at: dict[int, int] = {}
        for equal, i1, i2, j1, _ in _operations(old, new):
            if equal:
                self._at.update(zip(range(i1, i2), range(j1, j1 + i2 - i1), strict=True))
        self._last = len(old)

    def hold(self, added: Sequence[str], start: int, end: int, removed: Sequence[str]) -> bool:
        """Whether one changed part is kept: `added` stood at `start:end` in place of `removed`."""
        if any(self._in_new[line] > self._in_old[line] for line in removed if line.strip()):
            return False
        if all(start + number in self._at for number, line in enumerate(added) if line.strip()):
            return True
        return _grew(removed, added) and _holds_each(self._region(start, end), added)

    def _region(self, start: int, end: int) -> Sequence[str]:
        """The new lines between the nearest lines around `start:end` that are in both."""
        before = next((self._at[line] + 1 for line in range(start - 1, -1, -1) if line in self._at), 0)
        after = next((self._at[line] for line in range(end, self._last) if line in self._at), len(self._new))
        return self._new[before:after]


def _grew(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether the new lines have all words of the old ones, in order: nothing was taken away."""
    words = iter([word for line in new for word in _WORD.findall(line)])
    return all(word in words for line in old for word in _WORD.findall(line))


def _holds_each(lines: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether each wanted line stands, in order, in a line of its own, word for word, alone or with more around it."""
    rest = iter([f" {' '.join(_WORD.findall(line))} " for line in lines])
    texts = [" ".join(_WORD.findall(line)) for line in wanted]
    return all(any(f" {text} " in line for line in rest) for text in texts if text)


def _squeezed(version: Version) -> bytes:
    return (version or b"").translate(None, _LAYOUT)


def _lines(version: Version) -> list[str]:
    lines = (version or b"").decode().replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _operations(a: Sequence[str], b: Sequence[str], at: tuple[int, int] = (0, 0)) -> Iterator[_Op]:
    """What to do to the lines of `a` to get those of `b`: equal and changed parts in turn.

    Lines that occur once in each are anchors, so that the work grows with the length and not with its square.
    """
    i, j = at
    shorter = min(len(a), len(b))
    head = next((number for number in range(shorter) if a[number] != b[number]), shorter)
    shorter -= head
    tail = next((number for number in range(shorter) if a[-1 - number] != b[-1 - number]), shorter)
    end_a, end_b = len(a) - tail, len(b) - tail
    if head:
        yield True, i, i + head, j, j + head
    yield from _inside(a[head:end_a], b[head:end_b], i + head, j + head)
    if tail:
        yield True, i + end_a, i + len(a), j + end_b, j + len(b)


def _inside(a: Sequence[str], b: Sequence[str], i: int, j: int) -> Iterator[_Op]:
    """The same where neither the first nor the last lines are equal."""
    if max(len(a), len(b)) <= _FEW and a and b:
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            yield tag == "equal", i + i1, i + i2, j + j1, j + j2
        return
    anchors = _anchors(a, b)
    if not anchors:
        if a or b:
            yield False, i, i + len(a), j, j + len(b)
        return
    from_a = from_b = row = 0
    for to_a, to_b in (*anchors, (len(a), len(b))):
        if (from_a, from_b) != (to_a, to_b) or to_a == len(a):
            # Anchors in a row are one equal part.
            if row:
                yield True, i + from_a - row, i + from_a, j + from_b - row, j + from_b
            yield from _operations(a[from_a:to_a], b[from_b:to_b], (i + from_a, j + from_b))
            row = 0
        row += 1
        from_a, from_b = to_a + 1, to_b + 1


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Places of lines that occur once in `a` and once in `b`: the longest run of them that is in order in both."""
    in_a, in_b = Counter(a), Counter(b)
    at = {line: number for number, line in enumerate(b) if in_b[line] == 1}
    pairs = [(number, at[line]) for number, line in enumerate(a) if in_a[line] == 1 and line in at]
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        pile = bisect_left(ends, place)
        ends[pile : pile + 1] = [place]
        tops[pile : pile + 1] = [number]
        before.append(tops[pile - 1] if pile else -1)
    chain: list[tuple[int, int]] = []
    number = tops[-1] if tops else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _joined(operations: Iterable[_Op]) -> Iterator[_Op]:
    """Neighbours of one kind as one."""
    last: _Op | None = None
    for operation in operations:
        if last is not None and last[0] == operation[0]:
            last = (last[0], last[1], operation[2], last[3], operation[4])
            continue
        if last is not None:
            yield last
        last = operation
    if last is not None:
        yield last


def _hunks(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    group: list[_Op] = []
    for operation in _joined(_operations(a, b)):
        equal, i1, i2, j1, j2 = operation
        if equal and i2 - i1 > 2 * _AROUND and group:
            yield from _hunk(a, b, [*group, (True, i1, i1 + _AROUND, j1, j1 + _AROUND)])
            group = []
        if equal:
            cut = max(i1, i2 - _AROUND) if not group else i1
            group.append((True, cut, i2, j1 + cut - i1, j2))
        else:
            group.append(operation)
    if any(not equal for equal, *_ in group):
        equal, i1, i2, j1, j2 = group[-1]
        if equal:
            group[-1] = (True, i1, min(i2, i1 + _AROUND), j1, min(j2, j1 + _AROUND))
        yield from _hunk(a, b, group)


def _hunk(a: Sequence[str], b: Sequence[str], group: Sequence[_Op]) -> Iterator[str]:
    (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
    yield f"@@ -{_span(i1, i2)} +{_span(j1, j2)} @@"
    for equal, a1, a2, b1, b2 in group:
        if equal:
            yield from (f" {line}" for line in a[a1:a2])
        else:
            yield from (f"-{line}" for line in a[a1:a2])
            yield from (f"+{line}" for line in b[b1:b2])


def _shortened(line: str, longest: int) -> str:
    """A line whose middle is left out where it is too long for its neighbours to be shown."""
    if len(line) <= longest:
        return line
    end = longest // 2
    return f"{line[:end]}[cut: {len(line) - 2 * end:,} characters]{line[-end:]}"


def _span(start: int, end: int) -> str:
    return f"{start + 1 if end > start else start},{end - start}"


def _size(version: Version) -> str:
    return "no file" if version is None else f"{len(version):,} bytes"
