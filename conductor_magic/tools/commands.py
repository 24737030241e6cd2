"""What Bash and Python share: passing the gate with the exact text that is to run."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from conductor_magic.errors import ToolError
from conductor_magic.permissions import Access
from conductor_magic.tools.base import ToolContext

__all__ = ["admit_command"]

_LARGEST_SCRIPT = 1 << 20


async def admit_command(text: str, tool: str, context: ToolContext) -> None:
    """Return once the gate has admitted this exact text.

    Raises:
        ToolError: it is not allowed, or commands cannot run here at all.
    """
    if not context.walls.can_run:
        raise ToolError(f"{tool} is not available: {context.walls.reason}")
    # Only mode `ask` gives grants for commands, and a grant must not outlive the script that it was given for.
    bound = _scripts(text, context.workspace) if context.walls.mode == "ask" else {}
    await context.gate.admit(Access("command", text, tool, bound=bound), context)


def _scripts(text: str, workspace: Path) -> dict[str, str]:
    """Path -> sha256 of the workspace's files that the words of a command name."""
    try:
        words = shlex.split(text, comments=False)
    except ValueError:
        words = text.split()
    found: dict[str, str] = {}
    for word in words:
        try:
            path = (workspace / word).resolve()
            if path.is_relative_to(workspace) and path.is_file() and path.stat().st_size <= _LARGEST_SCRIPT:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError):
            continue  # no name of a file
    return found
