"""What the file tools share: where they may reach, and the memory of what a worker has read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conductor_magic.destination import destination
from conductor_magic.errors import ToolError
from conductor_magic.paths import Reach
from conductor_magic.permissions import Access
from conductor_magic.sandbox import python_folders
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.versions import digest

__all__ = ["LARGEST_EDIT", "LARGEST_WRITE", "admitted", "digest", "encoded", "reach_of", "remember"]

LARGEST_EDIT = 10 << 20
"""Bytes of the largest file that can be edited or overwritten."""

LARGEST_WRITE = 10 << 20
"""Bytes that one call may write."""


def reach_of(context: ToolContext) -> Reach:
    """What this worker's file tools may open: the workspace, and for reading the run's artifacts."""
    return Reach(
        context.workspace,
        readable=(context.artifacts,),
        hidden=context.walls.hidden,
        denied=context.walls.denied,
        installed=python_folders(),
        confined=context.walls.confined,
    )


async def admitted(path: str, tool: str, context: ToolContext, *, writing: bool) -> Reach:
    """What the worker's file tools may open, once the gate has let them go to this path.

    Raises:
        ToolError: the path leads nowhere that a worker may go, or the gate refuses.
    """
    reach = reach_of(context)
    end = await asyncio.to_thread(destination, reach, path, writing=writing)
    access = Access("write" if writing else "read", str(end.real), tool, end.leaves, end.protected)
    await context.gate.admit(access, context)
    return reach.allowing(end.real) if end.leaves else reach


def remember(path: Path, content: bytes, context: ToolContext) -> None:
    """The worker has seen all of this file: Write and Edit compare with it."""
    context.seen[str(path)] = digest(content)
    if context.services.custody is not None:
        context.services.custody.saw(path, content, context)


def encoded(text: str) -> bytes:
    """Text as UTF-8.

    Raises:
        ToolError: it holds half of a character (a lone surrogate).
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ToolError(f"The text cannot be written as UTF-8: {error.reason} at character {error.start}.") from None
