"""How messages travel to and from a language server: a header with the length, an empty line, JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

__all__ = ["LARGEST_MESSAGE", "Garbled", "framed", "read_message"]

Json = dict[str, Any]

LARGEST_MESSAGE = 32 << 20
"""Bytes that one message of a server may have."""

_HEADER_LINES = 20


class Garbled(Exception):
    """What came is no message of the protocol; nothing that follows can be understood."""


def framed(message: Json) -> bytes:
    """A message as it is sent."""
    body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def read_message(stream: asyncio.StreamReader) -> Json:
    """The next message.

    Raises:
        EOFError: the server has closed its output.
        Garbled: this is not the protocol, or the message is too large.
    """
    length = await _length(stream)
    if length > LARGEST_MESSAGE:
        raise Garbled(f"a message of {length:,} bytes, more than the {LARGEST_MESSAGE >> 20} MiB that are taken")
    try:
        body = await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        raise EOFError from None
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Garbled("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise Garbled("a message that is no object")
    return message


async def _length(stream: asyncio.StreamReader) -> int:
    """Read the header; how long the body is."""
    length: int | None = None
    for _ in range(_HEADER_LINES):
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            raise EOFError from None
        except asyncio.LimitOverrunError:
            raise Garbled("a header line without an end") from None
        name, colon, value = line.strip().partition(b":")
        if not name:
            break
        if not colon:
            raise Garbled(f"{line[:80].decode(errors='replace').strip()!r}")
        if name.strip().lower() == b"content-length":
            # Its own limit: Python refuses to read numbers of thousands of digits, with an error of its own.
            if not value.strip().isdigit() or len(value) > 20:
                raise Garbled("a Content-Length that is no number")
            length = int(value)
    if length is None:
        raise Garbled("a header without Content-Length")
    return length
