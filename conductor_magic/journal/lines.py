"""A record as a line of the journal, and back."""

from __future__ import annotations

import zlib

import jiter
from pydantic import ValidationError

from conductor_magic.events import Record, dump_json, parse

__all__ = ["decode", "encode", "is_whole", "line_of"]

_HEAD = len(b'{"sum":"00000000",')
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
    if not is_whole(line):
        return None
    try:
        data = jiter.from_json(b"{" + line[_HEAD:-1], catch_duplicate_keys=True)
        at = float(data["at"])
        if data["seq"] != seq or not 0.0 <= at < _LATEST:
            return None
        return Record(seq, at, parse(data["event"]))
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


def is_whole(line: bytes) -> bool:
    """Whether the line has its end and its sum fits: it is as somebody wrote it, whatever it says."""
    return line.endswith(b"\n") and line[:_HEAD] == b'{"sum":"%08x",' % zlib.crc32(line[_HEAD:])
