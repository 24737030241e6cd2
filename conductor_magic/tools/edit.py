"""Edit: replace one exact piece of a file that has not changed behind this worker's back."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.changing import Change, change_file
from conductor_magic.tools.files import encoded

__all__ = ["Edit"]


class Edit:
    """The Edit tool."""

    name = "Edit"
    description = (
        "Replace `old_string` by `new_string` in a file. `old_string` must occur exactly once, copied exactly "
        "(without line numbers), unless `replace_all` is true. Refused when the file has changed since you last read "
        "it. Waits while another worker is at the file."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "The file, absolute or relative to the workspace."},
            "old_string": {"type": "string", "description": "The text to replace.", "minLength": 1},
            "new_string": {"type": "string", "description": "The text to put in its place."},
            "replace_all": {"type": "boolean", "description": "Replace every occurrence (default false)."},
        },
        "required": ["file_path", "old_string", "new_string"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Make the replacement in one step; see `WorkerTool.run`."""
        path, old, new = args["file_path"], args["old_string"], args["new_string"]
        if old == new:
            raise ToolError("`old_string` and `new_string` are equal: nothing would change.")
        count = 0

        def edited(before: bytes | None) -> bytes:
            nonlocal count
            if before is None:
                raise ToolError(f"{path}: does not exist.")
            after, count = _replaced(_text(before, path), old, new, bool(args.get("replace_all")), path)
            return encoded(after)

        change = await change_file(Change(path, self.name, edited, blind=False), context)
        places = "1 place" if count == 1 else f"{count} places"
        return ToolResult(f"{change.path}: changed in {places}.", files=(change,))


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path}: is not UTF-8 text; change it with Bash or Python.") from None


def _replaced(text: str, old: str, new: str, everywhere: bool, path: str) -> tuple[str, int]:
    if "\r\n" in text and old not in text:
        # Read shows Windows line ends as plain ones; what the model copied must match all the same.
        old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
    count = text.count(old)
    if count == 0:
        raise ToolError(
            f"{path}: `old_string` does not occur. Read the file and copy the text exactly, blanks included."
        )
    if count > 1 and not everywhere:
        raise ToolError(
            f"{path}: `old_string` occurs {count} times. Add lines around it until it is unique, or set `replace_all`."
        )
    return text.replace(old, new), count
