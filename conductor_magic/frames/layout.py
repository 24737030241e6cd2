"""Do the pieces of an Arrow file or stream lie in it, apart and plain, so that reading it makes no more of it?

pyarrow reads a compressed batch by unpacking it, however much that is, and a footer may name the same bytes a million
times. So the heads of the pieces are looked at first, as the flatbuffers that they are.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["ROOM", "check_layout", "check_stream"]

_MAGIC = b"ARROW1"
_MOST_PIECES = 10_000
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_CONTINUED = 0xFFFFFFFF
ROOM = 1 << 20
"""Bytes that the columns may have beyond the file's, for what Arrow adds to small ones."""


def check_layout(content: Any, size: int) -> None:
    """Raise ValueError unless the pieces of an Arrow file lie in it, apart, and are not compressed."""
    if size < 22 or content[:6] != _MAGIC or content[-6:] != _MAGIC:
        raise ValueError("no Arrow file signature")
    (length,) = struct.unpack_from("<i", content, size - 10)
    start = size - 10 - length
    if length <= 0 or start < 8:
        raise ValueError("its footer is of an impossible length")
    footer = _Table.root(content, start)
    blocks = [*footer.structs(2, 24), *footer.structs(3, 24)]
    if len(blocks) > _MOST_PIECES:
        raise ValueError("it is in too many pieces")
    used = 0
    for place in blocks:
        offset, head, _, body = struct.unpack_from("<qiiq", content, place)
        used += head + body
        if min(offset, head, body) < 0 or offset + head + body > size or used > size:
            raise ValueError("its pieces lie outside of it, or in each other")
        _check_plain(_Table.root(content, _head(content, offset)[0]))


def check_stream(content: bytes) -> None:
    """Raise ValueError unless the pieces of an Arrow stream lie in it and are not compressed."""
    at = 0
    for _ in range(_MOST_PIECES):
        if at == len(content):
            return
        start, length = _head(content, at)
        if length == 0:  # the end, as writers mark it
            return
        message = _Table.root(content, start)
        body = message.number(3, "<q")
        at = start + length + body
        if min(length, body) < 0 or at > len(content):
            raise ValueError("its pieces lie outside of it, or in each other")
        if message.number(1, "<B") != _SCHEMA:
            _check_plain(message)
    raise ValueError("it is in too many pieces")


def _head(content: Any, at: int) -> tuple[int, int]:
    """Where the head of a piece begins, and its length; old writers put no mark before the length."""
    first, second = struct.unpack_from("<Ii", content, at)
    return (at + 8, second) if first == _CONTINUED else (at + 4, struct.unpack_from("<i", content, at)[0])


def _check_plain(message: _Table) -> None:
    kind, header = message.number(1, "<B"), message.table(2)
    if header is None or kind not in (_DICTIONARY, _BATCH):
        raise ValueError("one of its pieces is no batch")
    batch = header.table(1) if kind == _DICTIONARY else header
    if batch is None or batch.table(3) is not None:
        raise ValueError("it is compressed")


class _Table:
    """A table of a flatbuffer: fields by number, each absent or at a place that a table of places names."""

    def __init__(self, content: Any, place: int) -> None:
        self._content = content
        self._place = place
        (back,) = struct.unpack_from("<i", content, place)
        self._fields = place - back
        if self._fields < 0:
            raise ValueError("its head is damaged")
        (self._length,) = struct.unpack_from("<H", content, self._fields)

    @classmethod
    def root(cls, content: Any, start: int) -> _Table:
        """The table that a flatbuffer begins with."""
        return cls(content, start + struct.unpack_from("<I", content, start)[0])

    def number(self, field: int, form: str) -> int:
        """A number that is stored in the table; 0 when it is absent."""
        place = self._at(field)
        return 0 if place is None else struct.unpack_from(form, self._content, place)[0]

    def table(self, field: int) -> _Table | None:
        """A table that a field points to."""
        place = self._at(field)
        if place is None:
            return None
        return _Table(self._content, place + struct.unpack_from("<I", self._content, place)[0])

    def structs(self, field: int, length: int) -> range:
        """The places of the structs in a vector."""
        place = self._at(field)
        if place is None:
            return range(0)
        start = place + struct.unpack_from("<I", self._content, place)[0]
        (count,) = struct.unpack_from("<I", self._content, start)
        return range(start + 4, start + 4 + count * length, length)

    def _at(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + 2 > self._length:
            return None
        (distance,) = struct.unpack_from("<H", self._content, self._fields + slot)
        return self._place + distance if distance else None
