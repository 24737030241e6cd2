"""A run's folder as one zip file, and back: each file and folder with its mode and its moment, in pieces.

What somebody else packed is not believed: a file that leads out of the folder, is no plain file, or swells beyond
reason is refused before anything is written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from conductor_magic.errors import ConductUsageError
from conductor_magic.wording import shown

__all__ = ["check_packed", "pack", "unpack"]

_SMALL = 100_000_000
_MOST_TIMES = 100
"""More bytes than `_SMALL` may not be so many times those of their archive: so much only a bomb holds."""
_BROKEN = (zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)
"""What `zipfile` raises, beside its own error, for a file that is no whole zip or not of a kind that is read here."""


def pack(folder: Path, file: BinaryIO) -> None:
    """Write all that is in a folder into a zip file, below the folder's name.

    Raises:
        ConductUsageError: there is something in it that no archive can hold.
        OSError: it could not be read or written.
    """
    # A moment before 1980, which no zip knows, becomes 1980.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
        for path in _below(folder):
            packed.write(path, _name(path, folder))


def check_packed(file: Path, folder: Path) -> None:
    """Read a zip file back, and compare it with the folder that was packed into it.

    Raises:
        zipfile.BadZipFile: it holds something else, or `unpack` would refuse it; the reason, in words.
        OSError: it could not be read.
    """
    there: dict[str, str] = {}
    for path in _below(folder):
        with (Path(os.devnull) if path.is_dir() else path).open("rb") as content:
            there[_name(path, folder)] = _digest(content)
    with _whole(file, folder.name) as (packed, entries):
        found: dict[str, str] = {}
        for info in entries:
            with packed.open(info) as content:
                found[info.filename] = _digest(content)
    if found != there:
        raise zipfile.BadZipFile("it is not what was packed")


def unpack(file: Path, run: str, into: Path) -> None:
    """Take the folder of a run out of its zip file; all of it is on the disk then.

    Args:
        file: the zip file.
        run: the folder's name in it.
        into: an empty folder, which the run's folder is made in.

    Raises:
        zipfile.BadZipFile: it is broken, or holds something else; the reason, in words.
        OSError: it could not be read, or the disk did not take it.
    """
    folders: dict[Path, zipfile.ZipInfo] = {}
    with _whole(file, run) as (packed, entries):
        for info in entries:
            path = into / info.filename
            if info.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                folders[path] = info
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as target, packed.open(info) as source:
                shutil.copyfileobj(source, target)
                target.flush()
                _settle(handle, info, 0o600)
    for place, _, _ in os.walk(into, topdown=False):
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _settle(handle, folders.get(Path(place)), 0o700)
        finally:
            os.close(handle)


@contextmanager
def _whole(file: Path, run: str) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """The zip file and what it holds, checked; whatever is found to be broken in it is one error."""
    try:
        with zipfile.ZipFile(file) as packed:
            entries = packed.infolist()
            _check(entries, run, file.stat().st_size)
            yield packed, entries
    except _BROKEN as error:
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from None


def _check(entries: list[zipfile.ZipInfo], run: str, size: int) -> None:
    seen: set[str] = set()
    for info in entries:
        top, *parts = info.filename.removesuffix("/").split("/")
        if top != run or not (parts or info.is_dir()) or {"", ".", ".."}.intersection(parts):
            raise zipfile.BadZipFile(f"{shown(info.filename)} does not lie in a folder {shown(run)}")
        if info.filename in seen:
            raise zipfile.BadZipFile(f"{shown(info.filename)} is there twice")
        seen.add(info.filename)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise zipfile.BadZipFile(f"{shown(info.filename)} is neither a file nor a folder")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"{shown(info.filename)} is packed in a way that is not read here")
    total = sum(info.file_size for info in entries)
    if total > max(_SMALL, _MOST_TIMES * size):
        raise zipfile.BadZipFile(f"{size} bytes that unpack to {total} are too good to be true")


def _below(folder: Path) -> Iterator[Path]:
    """All files and folders below a folder.

    Raises:
        ConductUsageError: there is something else, or a name that no zip file can hold.
        OSError: a folder cannot be listed.
    """
    for place, folders, names in os.walk(folder, onerror=_refuse):
        for path in (Path(place, name) for name in sorted(folders + names)):
            if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
                raise ConductUsageError(f"{shown(str(path), 300)} is neither a file nor a folder: take it out first.")
            if not _is_text(path.name):
                raise ConductUsageError(f"The name of {shown(str(path), 300)} is not UTF-8: rename the file first.")
            yield path


def _refuse(error: OSError) -> None:
    raise error


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name(path: Path, folder: Path) -> str:
    return f"{path.relative_to(folder.parent)}{'/' if path.is_dir() else ''}"


def _settle(handle: int, info: zipfile.ZipInfo | None, usual: int) -> None:
    """Give an open file or folder the mode and the moment that its entry says, and put it on the disk."""
    if info is not None:
        os.fchmod(handle, (info.external_attr >> 16 & 0o777) or usual)
        moment = time.mktime((*info.date_time, 0, 0, -1))
        os.utime(handle, (moment, moment))
    else:
        os.fchmod(handle, usual)
    os.fsync(handle)


def _digest(content: object) -> str:
    return hashlib.file_digest(content, "sha256").hexdigest()  # pyright: ignore[reportArgumentType] - zipfile's own reader
