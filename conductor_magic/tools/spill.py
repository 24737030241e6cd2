"""Contents that are too large for memory, in a file without a name: nobody can open it, and it never outlives us."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

__all__ = ["Spill"]


class Spill:
    """Keeps contents on the disk until it is closed. Any thread may use it.

    Args:
        folder: on which disk; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._at: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self.size = 0

    def __contains__(self, sha: str) -> bool:
        return sha in self._at

    def put(self, sha: str, content: bytes) -> None:
        """Keep a content under its hash.

        Raises:
            OSError: the disk is full or refuses; nothing is kept then.
        """
        with self._lock:
            if sha in self._at:
                return
            if self._handle is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=self._folder) as file:
                    self._handle = os.dup(file.fileno())
            written = 0
            while written < len(content):
                written += os.pwrite(self._handle, memoryview(content)[written:], self.size + written)
            self._at[sha] = self.size, len(content)
            self.size += len(content)

    def get(self, sha: str) -> bytes | None:
        """The content of this hash, or None when it is not kept or the disk refuses."""
        with self._lock:
            if self._handle is None or sha not in self._at:
                return None
            start, length = self._at[sha]
            try:
                content = os.pread(self._handle, length, start)
            except OSError:
                return None
            return content if len(content) == length else None

    def close(self) -> None:
        """Give the disk space back."""
        with self._lock:
            self._at.clear()
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
