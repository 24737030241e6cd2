"""Bash: one shell command, inside the walls."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.sandbox import Outcome, run
from conductor_magic.tools.background import end_command, start_command
from conductor_magic.tools.base import TIMEOUT_SCHEMA, ToolContext, ToolResult, own_seconds
from conductor_magic.tools.commands import admit_command
from conductor_magic.tools.output import kept, plain, shortened
from conductor_magic.tools.watched import watched

__all__ = ["Bash"]

_SHOWN = 30_000
_KEPT = 16 << 20
"""Bytes of output after which a command is stopped."""


class Bash:
    """The Bash tool."""

    name = "Bash"
    description = (
        "Run a shell command in the workspace: a shell of its own each time, no input. What it leaves running ends "
        "with it, so a server and its client belong in one command. With `run_in_background` it goes on while you "
        "work: its output goes to a file for Read, whose last line tells how it ended. Prefer Read, Glob and Grep to "
        "cat, find and grep."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command."},
            "timeout": {
                **TIMEOUT_SCHEMA,
                "description": TIMEOUT_SCHEMA["description"].replace(").", "; background: no limit)."),
            },
            "description": {"type": "string", "description": "What it does, in five to ten words."},
            "run_in_background": {
                "type": "boolean",
                "description": "Return at once; it runs until it ends, or the task.",
            },
            "stop": {"type": "string", "description": "End this background command (such as `b1`) first."},
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Run the command to its end or its time limit, or start it and leave it running; see `WorkerTool.run`."""
        command = _checked(args["command"])
        await admit_command(command, self.name, context)
        if args.get("stop"):
            await end_command(args["stop"], context)
        argv = ["/bin/bash", "-c", command] if Path("/bin/bash").exists() else ["bash", "-c", command]
        if args.get("run_in_background"):
            return _left_running(argv, args.get("timeout"), context)
        seconds = own_seconds(self, args)

        def on_output(chunk: bytes) -> None:
            if context.on_output:
                context.on_output(plain(chunk))

        try:
            async with watched(command, context) as guarded:
                outcome = await run(context.walls, argv, timeout=seconds, cap=_KEPT, on_output=on_output)
        except OSError as error:
            raise ToolError(f"The command could not be started: {error.strerror or error}.") from None
        return _result(outcome, seconds, guarded.note, context)


def _checked(command: str) -> str:
    if not command.strip():
        raise ToolError("The command is empty.")
    try:
        if b"\0" in command.encode():
            raise ToolError("The command holds a NUL character, which no shell takes.")
    except UnicodeEncodeError:
        raise ToolError("The command holds half a character (a lone surrogate), which no shell takes.") from None
    return command


def _result(outcome: Outcome, seconds: float, undone: str, context: ToolContext) -> ToolResult:
    text = plain(outcome.output).rstrip("\n")
    if len(text) > _SHOWN:
        text = shortened(text, _SHOWN, f"The whole output: {_spilled(text, context)}")
    notes = [note for note in (_ending(outcome, seconds), undone) if note]
    content = "\n".join(part for part in (text, *notes) if part) or "(no output)"
    return ToolResult(content, is_error=outcome.code != 0 or outcome.timed_out or outcome.flooded)


def _left_running(argv: list[str], timeout: int | None, context: ToolContext) -> ToolResult:
    seconds = timeout / 1000 if timeout else math.inf
    name, path = start_command(argv, seconds, _KEPT, lambda end: _ending(end, seconds) or "[exit code 0]", context)
    return ToolResult(f"Started in the background as {name}. Read its output here: {path}")


def _ending(outcome: Outcome, seconds: float) -> str:
    if outcome.timed_out:
        return f"[stopped: still running after {seconds:g} s. Give it a longer `timeout`, or split the work.]"
    if outcome.flooded:
        return f"[stopped: it wrote more than {_KEPT >> 20} MiB. Write to a file, or ask for less.]"
    if outcome.code < 0:
        return f"[ended by signal {-outcome.code}]"
    # A shell, and the walls, tell of a signal by a number above 128.
    signal = f", as by signal {outcome.code - 128}" if 128 < outcome.code <= 128 + 64 else ""
    return f"[exit code {outcome.code}{signal}]" if outcome.code else ""


def _spilled(text: str, context: ToolContext) -> Path:
    stem = f"{re.sub(r'[^0-9A-Za-z_-]', '_', context.task)}-bash-output"
    return kept(context.artifacts, stem, ".txt", text.encode())
