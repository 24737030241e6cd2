"""Is this file the Arrow file that it claims to be, and no more when it is unpacked than it is now?

pyarrow reads a compressed batch by unpacking it, however much that is, and a footer may name the same bytes a million
times. So the footer and the heads of the batches are looked at first, as the flatbuffers that they are; only then is
the file given to pyarrow, which checks the rest.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any

__all__ = ["check_arrow", "check_layout"]

_MAGIC = b"ARROW1"
_MOST_BATCHES = 10_000
_DICTIONARY, _BATCH = 2, 3
_ROOM = 1 << 20
"""Bytes that the columns may have beyond the file's, for what Arrow adds to small ones."""


def check_arrow(descriptor: int, size: int) -> tuple[int, ...]:
    """The shape of the frame in an Arrow file.

    Args:
        descriptor: of the file.
        size: its bytes.

    Raises:
        ValueError: it is no Arrow file, is compressed, or is not what it says.
    """
    import pyarrow as arrow

    content = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)  # closed with the last array that looks into it
    try:
        check_layout(content, size)
        return _check_content(arrow, arrow.py_buffer(content), size)
    except (
        arrow.ArrowException,
        OSError,
        MemoryError,
        OverflowError,
        TypeError,
        AttributeError,
        struct.error,
    ) as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _check_content(arrow: Any, buffer: Any, size: int) -> tuple[int, ...]:
    reader = arrow.ipc.open_file(buffer)
    batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    for batch in batches:
        batch.validate(full=True)
    # Columns that share bytes of the file would each be a copy of them in a frame.
    if sum(batch.nbytes for batch in batches) > size + _ROOM:
        raise ValueError("it unpacks to more than it is")
    from conductor_magic.frames.files import shape_of

    return shape_of(reader.schema, sum(batch.num_rows for batch in batches))


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
    if len(blocks) > _MOST_BATCHES:
        raise ValueError("it is in too many pieces")
    used = 0
    for place in blocks:
        offset, head, _, body = struct.unpack_from("<qiiq", content, place)
        used += head + body
        if min(offset, head, body) < 0 or offset + head + body > size or used > size:
            raise ValueError("its pieces lie outside of it, or in each other")
        _check_head(content, offset)


def _check_head(content: Any, offset: int) -> None:
    (first,) = struct.unpack_from("<I", content, offset)
    message = _Table.root(content, offset + (8 if first == 0xFFFFFFFF else 4))
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
