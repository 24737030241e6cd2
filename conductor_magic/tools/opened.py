"""A file that Read has opened: what is known of it before it is shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Opened"]

_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file.

    Attributes:
        asked: its name as the model wrote it.
        path: its absolute path, links resolved.
        handle: its descriptor, open for reading.
        size: bytes.
        content: all of it, or None where it is too large to be held.
    """

    asked: str
    path: Path
    handle: int
    size: int
    content: bytes | None

    @property
    def head(self) -> bytes:
        """Its first megabyte."""
        return os.pread(self.handle, _HEAD, 0) if self.content is None else self.content[:_HEAD]
