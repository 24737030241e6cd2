"""How many pages a PDF has, without reading them.

Its page tree says it; newer writers pack the tree into compressed streams of objects, which are opened for it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import islice

__all__ = ["page_count"]

_TREE = re.compile(rb"/Type\s*/Pages\b")
_ANY_TYPE = re.compile(rb"/Type\b")
_COUNT = re.compile(rb"/Count\s+(\d{1,7})\b")
_PACKED = re.compile(rb"/Type\s*/ObjStm\b")
_STREAM = re.compile(rb"stream\r?\n")
_REACH = 1 << 16
_UNPACKED = 32 << 20
"""Bytes that are unpacked of one document."""

_LOOKED_AT = 5_000
"""Nodes and streams that are looked at: a document may be made to waste time."""


def page_count(pdf: bytes) -> int | None:
    """How many pages a PDF says it has; None when it does not tell."""
    nodes = ((part, tree) for part in (pdf, *_unpacked(pdf)) for tree in _TREE.finditer(part))
    counts = [count for part, tree in islice(nodes, _LOOKED_AT) for count in _counts(part, tree)]
    return max(counts, default=None)


def _counts(part: bytes, tree: re.Match[bytes]) -> list[int]:
    """The count of one node of the page tree: behind its type, else before it, but never another object's."""
    following = _ANY_TYPE.search(part, tree.end(), tree.end() + _REACH)
    end = _end(part, tree.end(), following.start() if following else tree.end() + _REACH)
    if found := _COUNT.search(part, tree.end(), end):
        return [int(found[1])]
    start = max(0, tree.start() - _REACH)
    start = max(start, part.rfind(b"/Type", start, tree.start()), part.rfind(b"endobj", start, tree.start()))
    before = _COUNT.findall(part, start, tree.start())
    return [int(before[-1])] if before else []


def _end(part: bytes, start: int, end: int) -> int:
    closed = part.find(b"endobj", start, end)
    return closed if closed >= 0 else end


def _unpacked(pdf: bytes) -> Iterator[bytes]:
    left, end, view = _UNPACKED, 0, memoryview(pdf)
    for packed in islice(_PACKED.finditer(pdf), _LOOKED_AT):
        begun = _STREAM.search(pdf, packed.end(), packed.end() + 400)
        if begun is None or begun.end() < end:
            continue
        end = pdf.find(b"endstream", begun.end())
        if end < 0 or left <= 0:
            return
        try:
            part = zlib.decompressobj().decompress(view[begun.end() : end], left)
        except zlib.error:
            continue
        left -= len(part)
        yield part
