"""Run ripgrep in one folder, under a time limit and a cap, so that it can neither leave the folder nor be configured.

It runs outside of the walls, which is safe for what it is allowed here: it starts in a folder that is already open
(so the folder cannot be swapped for a link), follows no links, reads no configuration and starts no programs.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conductor_magic.beneath import path_of, reopen
from conductor_magic.errors import ToolError
from conductor_magic.paths import plainly
from conductor_magic.protected import KEY_SUFFIXES, SECRET_FOLDERS, SECRET_GLOBS
from conductor_magic.sandbox import clean_environment

__all__ = ["Found", "program", "ripgrep", "without", "without_secrets"]

_SECONDS = 20.0
_BYTES = 4 << 20
_LONGEST = 20_000
_ALWAYS = (
    "--no-config", "--no-messages", "--no-require-git", "--hidden", "--color=never", "--glob=!.git",
    # Not more than a search needs: several workers search at once.
    f"--threads={min(4, os.cpu_count() or 1)}",
)  # fmt: skip

_SIGN, _ESCAPED = re.compile(r"([^\w/])"), r"\\\1"
"""What could mean something in a glob, and how it means itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """What ripgrep wrote.

    Attributes:
        output: what was found, cut at the cap; file by file, in no order unless one was asked for.
        too_much: the cap cut it.
        too_long: the time limit cut it.
        single: the search was limited to one file, so no names stand in the output.
    """

    output: bytes
    too_much: bool
    too_long: bool
    single: bool

    @property
    def complete(self) -> bool:
        """Whether it is all that there is to find."""
        return not (self.too_much or self.too_long)


async def ripgrep(arguments: Sequence[str], place: int) -> Found:
    """Search the folder or file that a descriptor names.

    Args:
        arguments: options and pattern, without a path.
        place: descriptor of a folder (searched with all below it) or of a file.

    Raises:
        ToolError: ripgrep is not installed, or refuses the pattern.
    """
    if not all(_can_be_passed(argument) for argument in arguments):
        raise ToolError("The pattern holds a NUL or half a character, which cannot be searched for.")
    if any(len(argument) > _LONGEST for argument in arguments):
        raise ToolError(f"What is searched for is too long: {_LONGEST:,} characters are the most.")
    single = not stat.S_ISDIR(os.fstat(place).st_mode)
    # A file comes in as the input: what was opened is what is searched. In a folder the search starts at `.`.
    with plainly(str(path_of(place))):
        source = reopen(place, os.O_RDONLY) if single else None
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: ASYNC220  # a fork takes a millisecond; the reading has its thread
                [program(), *_ALWAYS, *arguments, "-" if single else "."],
                cwd=None if single else _name_of(place),
                env=clean_environment(),
                stdin=subprocess.DEVNULL if source is None else source,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"ripgrep could not be started: {error.strerror or error}.") from None
        finally:
            if source is not None:
                os.close(source)
        timer = threading.Timer(_SECONDS, process.kill)
        timer.start()
        try:
            output = await asyncio.to_thread(_read, process)
        finally:
            timer.cancel()
            process.kill()
            code = process.wait()
            if process.stdout:
                process.stdout.close()
        errors.seek(0)
        said = errors.read(2000).decode(errors="replace").strip()
    if code == 2 and not output and said:
        raise ToolError(_refusal(said))
    too_much = len(output) > _BYTES
    return Found(output[:_BYTES], too_much, too_long=not too_much and code not in (0, 1, 2), single=single)


def without_secrets() -> list[str]:
    """Options that keep ripgrep out of files that hold secrets, in any letter case; they win over earlier globs."""
    # Two globs of many alternatives: ripgrep tries each glob on each name.
    folders, files = sorted(SECRET_FOLDERS), (*SECRET_GLOBS, *(f"*{suffix}" for suffix in KEY_SUFFIXES))
    return [f"--iglob=!**/{{{','.join(folders)}}}/**", f"--iglob=!{{{','.join(files)}}}"]


def without(paths: Sequence[Path], folder: Path) -> list[str]:
    """Options that keep ripgrep out of certain files and folders below the one that it searches.

    A name that is no UTF-8 cannot be passed; the caller drops what is found there.
    """
    inside = (str(path.relative_to(folder)) for path in paths if path != folder and path.is_relative_to(folder))
    return [f"--glob=!/{_SIGN.sub(_ESCAPED, name)}" for name in inside if _is_utf8(name)]


def _refusal(said: str) -> str:
    """What ripgrep says of options that it does not take, on one line."""
    first, *more = said.removeprefix("rg: ").splitlines()
    reasons = [line.removeprefix("error: ") for line in more if line.startswith("error: ")]
    if reasons:
        return f"ripgrep: {first.rstrip(':')}: {reasons[0]}."
    return f"ripgrep: {first}{'; set `multiline`' if '--multiline' in said else ''}."


def _can_be_passed(argument: str) -> bool:
    try:
        return b"\0" not in os.fsencode(argument)
    except UnicodeEncodeError:
        return False


def _is_utf8(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    output = process.stdout.read(_BYTES + 1)
    if len(output) <= _BYTES:
        process.wait()
    return output


def _name_of(folder: int) -> str:
    """A name for an open folder that is not looked up again, where the system has one."""
    return f"/proc/self/fd/{folder}" if sys.platform == "linux" else str(path_of(folder))


@cache
def program() -> str:
    """The path of ripgrep: the one of this environment, else one that is installed.

    Raises:
        ToolError: there is none.
    """
    beside = Path(sys.executable).with_name("rg")
    program = str(beside) if beside.is_file() else shutil.which("rg")
    if program is None:
        raise ToolError("ripgrep (rg) is not installed here, so Glob and Grep cannot search; use Bash (find, grep).")
    return program
