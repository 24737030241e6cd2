"""What the file tools share: where they may reach, and the memory of what a worker has read."""

from __future__ import annotations

import hashlib

from conductor_magic.errors import ToolError
from conductor_magic.paths import Reach, Target
from conductor_magic.tools.base import FileChange, ToolContext

__all__ = ["LARGEST_EDIT", "LARGEST_WRITE", "current_content", "digest", "encoded", "reach_of", "replace"]

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
        confined=context.walls.confined,
    )


def digest(content: bytes) -> str:
    """The sha256 of some content, in hex."""
    return hashlib.sha256(content).hexdigest()


def current_content(target: Target, asked: str, context: ToolContext) -> bytes:
    """What an existing file holds, provided that it has not changed since this worker last read or wrote it.

    Reading first is not asked for: Edit's `old_string` must match what is there anyhow, and Write says what it wants.

    Raises:
        ToolError: it has changed, or is too large.
    """
    content = target.read(LARGEST_EDIT + 1)
    if len(content) > LARGEST_EDIT:
        raise ToolError(f"{asked}: is larger than {LARGEST_EDIT >> 20} MiB; change it with Bash or Python.")
    seen = context.seen.get(str(target.path))
    if seen is not None and seen != digest(content):
        raise ToolError(f"{asked}: has changed since you read it. Read it again, then repeat this change.")
    return content


def replace(target: Target, content: bytes, before: bytes | None, context: ToolContext) -> FileChange:
    """Put new content in place and remember it as seen.

    Args:
        target: where.
        content: what it shall hold.
        before: what it held, or None when the file is new.
        context: whose memory is updated.
    """
    target.replace(content)
    after = digest(content)
    context.seen[str(target.path)] = after
    if before is None:
        return FileChange(str(target.path), "created", None, after)
    return FileChange(str(target.path), "edited", digest(before), after)


def encoded(text: str) -> bytes:
    """Text as UTF-8.

    Raises:
        ToolError: it holds half of a character (a lone surrogate).
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ToolError(f"The text cannot be written as UTF-8: {error.reason} at character {error.start}.") from None
