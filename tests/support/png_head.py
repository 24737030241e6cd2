"""Pictures by their heads alone."""

from __future__ import annotations

import struct
import zlib

__all__ = ["png"]


def png(width: int, height: int) -> bytes:
    """The head of a PNG of this size, which is all that is looked at."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
