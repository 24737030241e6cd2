"""Commands that Bash leaves running: their output goes to a file, and they end with the task at the latest."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from conductor_magic.errors import ToolError
from conductor_magic.sandbox import Outcome, run
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.output import new_file, plain
from conductor_magic.tools.watched import watched

__all__ = ["BackgroundCommand", "end_command", "start_command"]

_AT_ONCE = 4
_LONGEST_LINE = 1 << 16


class BackgroundCommand:
    """A command that is running, or has ended by itself.

    Attributes:
        path: where its output goes; the last line tells how it ended.
    """

    def __init__(self, path: Path, work: asyncio.Task[str]) -> None:
        self.path = path
        self._work = work

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._work.done()

    async def end(self) -> None:
        """Kill it with all that it started; harmless when it has ended."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)


def start_command(
    argv: list[str], seconds: float, cap: int, ending: Callable[[Outcome], str], context: ToolContext
) -> tuple[str, Path]:
    """Start a command and leave it running.

    Args:
        argv: the command, to run inside the walls.
        seconds: how long it may run at most; the task's end ends it anyhow.
        cap: bytes of output after which it is ended.
        ending: the last line of its file, for the way it ended.
        context: whose it is.

    Returns:
        Its name, and the file that its output goes to.

    Raises:
        ToolError: as many as may be are running.
    """
    running = [name for name, command in context.background.items() if command.running]
    if len(running) >= _AT_ONCE:
        raise ToolError(f"{', '.join(running)} are running in the background, and {_AT_ONCE} are the most: `stop` one.")
    name = f"b{len(context.background) + 1}"
    stem = f"{re.sub(r'[^0-9A-Za-z_-]', '_', context.task)}-{name}"
    handle, path = new_file(context.artifacts, stem, ".txt")
    output = _Plain(os.fdopen(handle, "wb"))

    async def work() -> str:
        async with watched(argv[-1], context) as guarded:
            outcome = await run(context.walls, argv, timeout=seconds, cap=cap, on_output=output.take)
        return f"{guarded.note}\n{ending(outcome)}".lstrip("\n")

    working = asyncio.ensure_future(work())
    # Not by the work itself: it may be stopped before it has begun.
    working.add_done_callback(lambda done: output.finish(_last_line(done)))
    context.background[name] = BackgroundCommand(path, working)
    context.opened[name] = context.background[name].end
    return name, path


async def end_command(name: str, context: ToolContext) -> None:
    """End a command of this task.

    Raises:
        ToolError: there is none of this name.
    """
    command = context.background.get(name)
    if command is None:
        known = ", ".join(context.background) or "none"
        raise ToolError(f"stop: there is no background command {name[:40]!r} in this task; there are: {known}.")
    await command.end()


def _last_line(work: asyncio.Task[str]) -> str:
    if work.cancelled():
        return "[ended: it was stopped, or its task was over]"
    error = work.exception()
    if isinstance(error, OSError):
        return f"[could not be started: {error.strerror or error}]"
    return f"[ended: {error}]" if error else work.result()


class _Plain:
    """Writes output as text without terminal codes, a line at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""

    def take(self, chunk: bytes) -> None:
        """One more piece of output."""
        text = self._open + self._decoder.decode(chunk)
        # A code of the terminal may be cut in two, so the last line waits for its end.
        end = text.rfind("\n") + 1 or (len(text) if len(text) > _LONGEST_LINE else 0)
        self._write(text[:end])
        self._open = text[end:]

    def finish(self, last: str) -> None:
        """Write what is left, and the last line; the file is closed."""
        rest = self._open + self._decoder.decode(b"", final=True)
        with self._file:
            self._write(f"{rest}\n{last}\n" if rest else f"{last}\n")

    def _write(self, text: str) -> None:
        if text:
            self._file.write(plain(text).encode(errors="replace"))
            self._file.flush()
