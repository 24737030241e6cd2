"""What a worker hands back, checked as what it is: a stranger's file that claims to be something.

A file is taken from the outbox through its descriptor (no links, no pipes, one name only), copied under a size limit
into the run's artifacts folder, and kept only if its content is what its suffix says. Nothing here is unpickled,
and nothing that could be is let through.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conductor_magic.durable import keep_file
from conductor_magic.errors import ToolError
from conductor_magic.tools.base import NewArtifact, ToolContext
from conductor_magic.tools.output import new_file

__all__ = ["LARGEST_ARTIFACT", "save_from_outbox", "save_image"]

LARGEST_ARTIFACT = 128 << 20
"""Bytes of the largest file that is taken."""

_LARGEST_TEXT = 32 << 20
_FILE_NAME = re.compile(r"[0-9]{4,9}(\.(?:arrow|table\.json|json|npz|png|svg|txt))")


def save_from_outbox(outbox: Path, described: dict[str, Any], context: ToolContext) -> NewArtifact:
    """Take one announced file.

    Args:
        outbox: the folder that the worker could write.
        described: what the kernel said of it: `file`, `name`, and nothing else that is believed.
        context: whose artifacts folder receives it.

    Raises:
        ToolError: it is not what it should be; nothing is kept.
    """
    file, name = described.get("file"), described.get("name")
    matched = _FILE_NAME.fullmatch(file) if isinstance(file, str) else None
    if not matched:
        raise ToolError("an artifact was announced under an impossible file name")
    with _handed_over(outbox, matched.string) as source:
        return _save(name if isinstance(name, str) else "artifact", matched[1], source, context)


def save_image(name: str, content: bytes, suffix: str, context: ToolContext) -> NewArtifact:
    """Keep an image that came as a message.

    Args:
        name: the name to give it.
        content: the bytes.
        suffix: `.png` or `.svg`.
        context: whose artifacts folder receives it.

    Raises:
        ToolError: it is not what it should be.
    """
    pieces = iter((content, b""))
    return _save(name, suffix, lambda: next(pieces), context)


@contextlib.contextmanager
def _handed_over(outbox: Path, file: str) -> Iterator[Callable[[], bytes]]:
    """The reader of a regular file with one name, directly in the outbox; the file is removed afterwards."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        folder = os.open(outbox, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ToolError(f"the folder for artifacts is gone: {error.strerror}") from None
    try:
        with os.fdopen(os.open(file, flags, dir_fd=folder), "rb") as source:
            status = os.fstat(source.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise ToolError("an artifact must be a plain file")
            if status.st_size > LARGEST_ARTIFACT:
                raise ToolError(f"an artifact of {status.st_size:,} bytes is too large ({LARGEST_ARTIFACT:,} at most)")
            yield lambda: source.read(1 << 20)
            os.unlink(file, dir_fd=folder)
    except OSError as error:
        raise ToolError(f"an artifact could not be taken: {error.strerror}") from None
    finally:
        os.close(folder)


def _save(name: str, suffix: str, read: Callable[[], bytes], context: ToolContext) -> NewArtifact:
    name = re.sub(r"[^\w .()+-]", "_", name).strip(" .")[:80] or "artifact"
    stem = f"{re.sub(r'[^0-9A-Za-z_-]', '_', context.task)}-{re.sub(r'[^0-9A-Za-z_-]', '_', name)}"
    handle, path = new_file(context.artifacts, stem, suffix)
    try:
        with os.fdopen(handle, "w+b") as file:
            hashed, size = hashlib.sha256(), 0
            while piece := read():
                size += len(piece)
                if size > LARGEST_ARTIFACT:
                    raise ToolError(f"an artifact is larger than {LARGEST_ARTIFACT:,} bytes")
                hashed.update(piece)
                file.write(piece)
            file.flush()
            mime, check = _FORMATS[suffix]
            try:
                shape = check(file, size)
            except Exception as error:  # noqa: BLE001  # whatever a stranger's file makes a reader raise, it is refused
                said = str(error).partition("\n")[0][:200] or type(error).__name__
                raise ToolError(f"`{name}` is not the {mime} that it says it is ({said})") from None
            # Before the record says that it is there: its task may be completed then, and is never run again.
            keep_file(file.fileno(), path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return NewArtifact(name, mime, str(path), size, hashed.hexdigest(), shape)


Shape = tuple[int, ...] | None


def _png(file: Any, _: int) -> Shape:
    head = os.pread(file.fileno(), 24, 0)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        raise ValueError("no PNG signature")
    return struct.unpack(">II", head[16:24])


def _svg(file: Any, size: int) -> Shape:
    text = _whole_text(file, size).lstrip("\ufeff \t\r\n")
    if not text.startswith("<") or "<svg" not in text[:4000]:
        raise ValueError("no <svg> at its beginning")
    return None


def _text(file: Any, size: int) -> Shape:
    _whole_text(file, size)
    return None


def _json(file: Any, size: int) -> Shape:
    value = json.loads(_whole_text(file, size))
    return (len(value),) if isinstance(value, list) else None


def _json_table(file: Any, size: int) -> Shape:
    value = json.loads(_whole_text(file, size))
    return len(value["data"]), len(value["schema"]["fields"])


def _npz(file: Any, size: int) -> Shape:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > 100 or sum(member.file_size for member in members) > LARGEST_ARTIFACT:
            raise ValueError("it unpacks to too much")
        shapes: list[tuple[int, ...]] = []
        for member in members:
            if not member.filename.endswith(".npy"):
                raise ValueError(f"{member.filename} is no array")
            with archive.open(member) as array:
                shapes.append(_npy(array, member.file_size))
    return shapes[0] if shapes else None


def _npy(array: Any, size: int) -> tuple[int, ...]:
    """The shape of an array, from its head, which must agree with the bytes that there are of it."""
    from numpy.lib import format as npy

    version = npy.read_magic(array)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"an array in the unknown version {version}")
    shape, _, dtype = readers[version](array)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    if any(extent < 0 for extent in shape) or math.prod(shape) * dtype.itemsize > size:
        raise ValueError("an array with less content than its shape needs")
    return shape


def _arrow(file: Any, size: int) -> Shape:
    from conductor_magic.tools.arrow_check import check_arrow

    return check_arrow(file.fileno(), size)


def _whole_text(file: Any, size: int) -> str:
    if size > _LARGEST_TEXT:
        raise ValueError(f"more than {_LARGEST_TEXT:,} bytes of text")
    file.seek(0)
    return file.read().decode()


_FORMATS: dict[str, tuple[str, Callable[[Any, int], Shape]]] = {
    ".arrow": ("application/vnd.apache.arrow.file", _arrow),
    ".table.json": ("application/vnd.dataresource+json", _json_table),
    ".json": ("application/json", _json),
    ".npz": ("application/x-npz", _npz),
    ".png": ("image/png", _png),
    ".svg": ("image/svg+xml", _svg),
    ".txt": ("text/plain", _text),
}
