"""When a file was made: with its inode this names one file for good, for inodes are used again."""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache

__all__ = ["birth"]

_HERE, _NOT_FOLLOWED, _BIRTH = -100, 0x100, 0x800  # AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_BTIME
_SIZE, _MASK_AT, _TIME_AT = 256, 0, 80


def birth(path: str) -> int:
    """Nanoseconds since 1970, which nobody can set; 0 where the system does not tell."""
    statx = _statx()
    buffer = ctypes.create_string_buffer(_SIZE)
    if statx is None or statx(_HERE, os.fsencode(path), _NOT_FOLLOWED, _BIRTH, buffer) != 0:
        return 0
    (mask,) = struct.unpack_from("=I", buffer, _MASK_AT)
    seconds, part = struct.unpack_from("=qI", buffer, _TIME_AT)
    return seconds * 1_000_000_000 + part if mask & _BIRTH else 0


@cache
def _statx() -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), "statx", None)
