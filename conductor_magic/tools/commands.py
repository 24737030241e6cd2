"""What Bash and Python share: passing the gate with the exact text that is to run, bound to the files that it names."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from conductor_magic.errors import ToolError
from conductor_magic.permissions import Access
from conductor_magic.tools.base import ToolContext

__all__ = ["admit_command", "named_files"]

_LARGEST_READ = 64 << 20
_LOOKS = 1_000_000
"""Names by folders that are looked for, some seconds; a text of more is refused rather than bound to less."""

_SPLITS = (r"[^\s'\"`;&|<>()]+", r"[\w./~+@%-]+", r"\w+")
"""What is taken for a name: up to what ends a word in a shell, and up to less and less; the more names, the better."""

_IMPLIED = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    **dict.fromkeys(("npm", "npx", "pnpm", "yarn"), ("package.json",)),
}
"""Files that a program runs without being told their names."""


async def admit_command(text: str, tool: str, context: ToolContext) -> None:
    """Return once the gate has admitted this exact text.

    Raises:
        ToolError: it is not allowed, or commands cannot run here at all.
    """
    if not context.walls.can_run:
        raise ToolError(f"{tool} is not available: {context.walls.reason}")
    bound: dict[str, str] = {}
    # Only mode `ask` gives grants for commands, and a grant must not outlive the script that it was given for.
    if context.walls.mode == "ask":
        bound = await asyncio.to_thread(named_files, text, context.workspace)
    await context.gate.admit(Access("command", text, tool, bound=bound), context)


def named_files(text: str, workspace: Path) -> dict[str, str]:
    """Path -> sha256 of the workspace's files that a text may mean.

    Nothing is parsed to find out what would run. Every piece of the text that names a file, as it stands or as a
    module, counts: seen from the workspace, and from every folder in it that the text names. So files that are only
    mentioned are bound too; what a script itself goes on to is not.

    Raises:
        ToolError: it names too much to be looked for.
    """
    names = _names(text)
    found: dict[str, str] = {}
    folders = [workspace]
    for folder in folders:  # grows on the way
        if len(names) * len(folders) > _LOOKS:
            raise ToolError(
                "The text is too long, or names too many folders, to find its files. Make it several calls."
            )
        for name in names:
            path = _below(folder, name, workspace)
            if path is None:
                continue
            if path.is_dir():
                if path not in folders:
                    folders.append(path)
            elif (mark := _mark(path)) is not None:
                found[str(path)] = mark
    return found


def _names(text: str) -> set[str]:
    names = {name for split in _SPLITS for name in re.findall(split, text)}
    names |= {name[2:] for name in names if name.startswith("-")}  # `-fbuild.mk`
    names.update(_words(text))
    names |= {implied for name in names & _IMPLIED.keys() for implied in _IMPLIED[name]}
    names |= {f"{name}.py" for name in names} | {"__init__.py", "__main__.py"}
    return names - {"", "."}


def _words(text: str) -> Iterator[str]:
    """The words of a shell, as far as there are any: only they hold names with blanks and quotes."""
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    try:
        yield from words
    except ValueError:
        return  # a quote that does not end


def _below(folder: Path, name: str, workspace: Path) -> Path | None:
    """The real path of what a name in a folder means, if that is there and in the workspace."""
    try:
        path = os.path.join(folder, name)  # noqa: PTH118  # asked a thousand times
        if not os.path.lexists(path):
            return None
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None  # no name of a file
    return real if real.is_relative_to(workspace) else None


def _mark(path: Path) -> str | None:
    """What changes whenever the content of a file does: its sha256; None for what is no file that can be read."""
    try:
        # Nothing waits here: what was a file may have become a pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > _LARGEST_READ:
                # Too large to be read each time. Nobody can set the time of a change of a file's status.
                told = f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
                return hashlib.sha256(told.encode()).hexdigest()
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
