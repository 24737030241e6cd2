"""Bash: one shell command, inside the walls."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.sandbox import Outcome, run
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.output import new_file, plain, shortened

__all__ = ["Bash"]

_SHOWN = 30_000
_KEPT = 16 << 20
"""Bytes of output after which a command is stopped."""

_TIMEOUT_MS = 120_000
_LONGEST_MS = 600_000


class Bash:
    """The Bash tool."""

    name = "Bash"
    description = (
        "Run a shell command in the workspace: own process each time, no input, nothing stays running. "
        "Prefer Read, Glob and Grep to cat, find and grep."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command."},
            "timeout": {
                "type": "integer",
                "minimum": 1,
                "description": f"Milliseconds (default {_TIMEOUT_MS}, at most {_LONGEST_MS}).",
            },
            "description": {"type": "string", "description": "What it does, in five to ten words."},
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Run the command to its end or its time limit; see `WorkerTool.run`."""
        command = _checked(args["command"])
        if not context.walls.can_run:
            raise ToolError(f"Bash is not available: {context.walls.reason}")
        seconds = min(args.get("timeout") or _TIMEOUT_MS, _LONGEST_MS) / 1000

        def on_output(chunk: bytes) -> None:
            if context.on_output:
                context.on_output(plain(chunk))

        argv = ["/bin/bash", "-c", command] if Path("/bin/bash").exists() else ["bash", "-c", command]
        try:
            outcome = await run(context.walls, argv, timeout=seconds, cap=_KEPT, on_output=on_output)
        except OSError as error:
            raise ToolError(f"The command could not be started: {error.strerror or error}.") from None
        return _result(outcome, seconds, context)


def _checked(command: str) -> str:
    if not command.strip():
        raise ToolError("The command is empty.")
    try:
        if b"\0" in command.encode():
            raise ToolError("The command holds a NUL character, which no shell takes.")
    except UnicodeEncodeError:
        raise ToolError("The command holds half a character (a lone surrogate), which no shell takes.") from None
    return command


def _result(outcome: Outcome, seconds: float, context: ToolContext) -> ToolResult:
    text = plain(outcome.output).rstrip("\n")
    if len(text) > _SHOWN:
        text = shortened(text, _SHOWN, f"The whole output: {_spilled(text, context)}")
    notes = [note for note in (_ending(outcome, seconds),) if note]
    content = "\n".join(part for part in (text, *notes) if part) or "(no output)"
    return ToolResult(content, is_error=outcome.code != 0 or outcome.timed_out or outcome.flooded)


def _ending(outcome: Outcome, seconds: float) -> str:
    if outcome.timed_out:
        return f"[stopped: still running after {seconds:g} s. Give it a longer `timeout`, or split the work.]"
    if outcome.flooded:
        return f"[stopped: it wrote more than {_KEPT >> 20} MiB. Write to a file, or ask for less.]"
    if outcome.code < 0:
        return f"[ended by signal {-outcome.code}]"
    return f"[exit code {outcome.code}]" if outcome.code else ""


def _spilled(text: str, context: ToolContext) -> Path:
    stem = f"{re.sub(r'[^0-9A-Za-z_-]', '_', context.task)}-bash-output"
    handle, path = new_file(context.artifacts, stem, ".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path
