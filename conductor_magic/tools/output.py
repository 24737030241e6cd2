"""Text from commands, made fit for a model: no terminal codes, no broken characters, head and tail of what is long."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

__all__ = ["kept", "new_file", "plain", "shortened"]

_TERMINAL = re.compile(
    r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?"  # operating system commands: titles, clipboard
    r"|\x1b[P^_X][^\x1b]{0,4096}(?:\x1b\\)?"  # device and privacy strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor, colour, erase
    r"|\x1b[ -/]*[0-~]"  # the rest of the escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]"
)


def plain(output: bytes | str) -> str:
    """Text without terminal control codes; bytes that are not UTF-8 become replacement characters."""
    text = output.decode(errors="replace") if isinstance(output, bytes) else output
    text = _TERMINAL.sub("", text.replace("\r\n", "\n"))
    # A progress bar rewrites its line: what stood there last is what a person would see.
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def shortened(text: str, limit: int, where: str = "") -> str:
    """The first and last parts of a long text, with a note of what is left out.

    Args:
        text: the whole text.
        limit: characters to keep.
        where: a sentence that says where the whole text is.
    """
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 2 // 3], text[-(limit - limit * 2 // 3) :]
    note = f"[… {len(text) - limit:,} characters left out here. {where}".rstrip() + "]"
    return f"{head}\n{note}\n{tail}"


def new_file(folder: Path, stem: str, suffix: str) -> tuple[int, Path]:
    """Make a file of a name that is not taken yet: its descriptor, open for reading and writing, and its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return next((handle, path) for path in _names(folder, stem, suffix) if (handle := _made(path)) is not None)


def kept(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """The file that holds a content: a new one, named as by `new_file`, unless it is there already.

    A result that names another file each time would be news to a worker that gets nowhere (`progress.py`).
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return next(path for path in _names(folder, stem, suffix) if _is_kept(path, content))


def _names(folder: Path, stem: str, suffix: str) -> Iterator[Path]:
    yield folder / f"{stem}{suffix}"
    yield from (folder / f"{stem}-{number}{suffix}" for number in count(2))


def _made(path: Path) -> int | None:
    """The descriptor of a new file; None where the name is taken."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return None


def _is_kept(path: Path, content: bytes) -> bool:
    """Write the content there; False where another one is."""
    handle = _made(path)
    if handle is None:
        return _holds(path, content)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return True


def _holds(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as file:
        return os.fstat(handle).st_size == len(content) and file.read() == content
