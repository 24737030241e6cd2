"""A record as a line of the journal, and back."""

from __future__ import annotations

import re
import zlib

from conductor_magic.events import Record, dump_json, parse_text

__all__ = ["decode", "encode", "ends_whole", "line_of"]

_BEGIN = re.compile(rb'\{"sum":"')
_HEAD = b'{"sum":"00000000",'
_EVENT = b',"event":'
_BEGUN = re.compile(
    rb'\{"sum":"([0-9a-f]{8})","seq":([1-9][0-9]{0,14}),"at":([0-9][0-9.e+-]*),"event":\{"kind":"([^"\\]*)"[,}]'
)
_LATEST = 1e11
"""Far beyond any moment of a run, and still one that a calendar knows."""


def encode(record: Record) -> bytes:
    """The record's line."""
    return line_of(record.seq, record.at, dump_json(record.event))


def line_of(seq: int, at: float, event: bytes) -> bytes:
    """The line of a record whose event is JSON already."""
    body = b'"seq":%d,"at":%b,"event":%b}\n' % (seq, repr(at).encode(), event)
    return b'{"sum":"%08x",' % zlib.crc32(body) + body


def decode(line: bytes, seq: int) -> Record | None:
    """The record of a whole line, or None when the line is not exactly what `encode` wrote for number `seq`."""
    begun = _BEGUN.match(line)
    if begun is None or line[-2:] != b"}\n":
        return None
    checksum, number, moment, kind = begun.groups()
    if int(checksum, 16) != zlib.crc32(line[len(_HEAD) :]) or int(number) != seq:
        return None
    try:
        at = float(moment)
        event = parse_text(kind.decode(), line[begun.end(3) + len(_EVENT) : -2])
    except ValueError:
        return None
    return Record(seq, at, event) if 0.0 <= at < _LATEST else None


def ends_whole(line: bytes) -> bool:
    """Whether the line ends with a whole record, itself or one behind it: what was cut short does not."""
    return any(_is_whole(line[begun.start() :]) for begun in _BEGIN.finditer(line))


def _is_whole(line: bytes) -> bool:
    """Whether the line has its end and its sum fits: it is as somebody wrote it, whatever it says."""
    return line.endswith(b"\n") and line[: len(_HEAD)] == b'{"sum":"%08x",' % zlib.crc32(line[len(_HEAD) :])
