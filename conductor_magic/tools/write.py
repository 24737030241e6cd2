"""Write: make a file, or replace one that has not changed behind this worker's back."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.files import LARGEST_WRITE, current_content, encoded, reach_of, replace

__all__ = ["Write"]


class Write:
    """The Write tool."""

    name = "Write"
    description = (
        "Write a file whole, with its folders; an existing one is replaced, unless it has changed since you last read "
        "it. Prefer Edit for changes."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "The file, absolute or relative to the workspace."},
            "content": {"type": "string", "description": "All that it shall hold."},
        },
        "required": ["file_path", "content"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Write the file in one step, whole or not at all; see `WorkerTool.run`."""
        content = encoded(args["content"])
        if len(content) > LARGEST_WRITE:
            raise ToolError(f"The content has {len(content):,} bytes; one call may write {LARGEST_WRITE:,}.")
        with reach_of(context).target(args["file_path"]) as target:
            before = None if target.now is None else current_content(target, args["file_path"], context)
            change = replace(target, content, before, context)
        lines = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
        return ToolResult(f"{change.path}: {change.action}, {lines} lines.", files=(change,))
