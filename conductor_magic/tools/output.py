"""Text from commands, made fit for a model: no terminal codes, no broken characters, head and tail of what is long."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["new_file", "plain", "shortened"]

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
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    number = 1
    while True:
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            return os.open(path, flags, 0o600), path
        except FileExistsError:
            number += 1
