"""What a record relies on is on the disk, whole and under its name, before the record says so."""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from conductor_magic.durable import write_whole
from conductor_magic.media import keep
from tests.support.media import PNG
from tests.support.tool_bench import ToolBench


class Disk:
    """What was put on the disk: the size of each file, by its inode, and the names in each folder, by its own."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._names: dict[int, set[str]] = {}
        self._fsync = os.fsync

    def fsync(self, handle: int) -> None:
        """Stands for `os.fsync`."""
        self._fsync(handle)
        there = os.fstat(handle)
        if stat.S_ISDIR(there.st_mode):
            self._names[there.st_ino] = set(os.listdir(handle))
        else:
            self._sizes[there.st_ino] = there.st_size

    def has(self, path: Path) -> bool:
        """Whether the file would be there, and whole, if the machine went dark now."""
        there = path.stat()
        named = path.name in self._names.get(path.parent.stat().st_ino, ())
        return there.st_size > 0 and self._sizes.get(there.st_ino) == there.st_size and named


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk below the test."""
    disk = Disk()
    with patch.object(os, "fsync", disk.fsync):
        yield disk


def test_an_artifact_is_on_the_disk_when_its_call_ends(disk: Disk, tmp_path: Path) -> None:
    """Its task may be completed by then, and is never run again."""
    (result,) = ToolBench(tmp_path).calls(("Python", {"code": "publish('n', 7); publish('t', 'word ' * 9_999)"}))
    assert [artifact.name for artifact in result.artifacts] == ["n", "t"]
    assert all(disk.has(Path(artifact.path)) for artifact in result.artifacts)


def test_a_picture_that_a_conversation_refers_to_is_on_the_disk(disk: Disk, tmp_path: Path) -> None:
    """A resumed worker is shown it again."""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    keep([{"type": "image", "source": source}], tmp_path)
    (kept,) = (tmp_path / "seen").iterdir()
    assert disk.has(kept)


def test_of_what_did_not_fit_nothing_is_left(tmp_path: Path) -> None:
    """Half a file would take the room that the record needs to tell of it."""
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch("conductor_magic.durable.os.fsync", side_effect=full), pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "report.md", b"far too much")
    assert list(tmp_path.iterdir()) == []
    with patch.object(Path, "replace", side_effect=full), pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "other.md", b"far too much")
    assert list(tmp_path.iterdir()) == []
