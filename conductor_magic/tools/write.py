"""Write: make a file, or replace one that has not changed behind this worker's back."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.changing import Change, change_file
from conductor_magic.tools.files import LARGEST_WRITE, encoded

__all__ = ["Write"]


class Write:
    """The Write tool."""

    name = "Write"
    description = (
        "Write a file whole, with its folders; an existing one is replaced, unless it has changed since you last read "
        "it. Waits while another worker is at the file. Prefer Edit for changes."
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
        change = await change_file(Change(args["file_path"], self.name, lambda _: content, blind=True), context)
        lines = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
        return ToolResult(f"{change.path}: {change.action}, {lines} lines.", files=(change,))
