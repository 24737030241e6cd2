"""Glob: find files by name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.protected import secret
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.files import reach_of
from conductor_magic.tools.ripgrep import ripgrep

__all__ = ["Glob"]

_SHOWN = 200


class Glob:
    """The Glob tool."""

    name = "Glob"
    description = (
        "Find files by name pattern (`**/*.py`, `src/*.{js,ts}`), newest first; what .gitignore names is left out."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "The pattern, relative to `path`.", "minLength": 1},
            "path": {"type": "string", "description": "The folder to look in (default: the workspace)."},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    repeatable = True

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Look, sort by time of change, cap; see `WorkerTool.run`."""
        pattern = _inside(args["pattern"])
        with reach_of(context).folder(args.get("path") or ".") as (place, folder):
            if not folder.is_dir():
                raise ToolError(f"{args['path']}: is a file; `path` must be a folder.")
            # A pattern given to ripgrep overrides .gitignore, so what it matches is held against the plain listing.
            matching = await ripgrep(["--files", "--null", f"--glob={pattern}"], place)
            listed = await ripgrep(["--files", "--null"], place)
        names = _names(matching.output) & _names(listed.output)
        confined = context.walls.confined
        found = [folder / name for name in names if not (confined and secret(Path(name).parts))]
        return ToolResult(_report(found, matching.complete and listed.complete, args["pattern"]))


def _inside(pattern: str) -> str:
    """The pattern, if no alternative of it starts outside of the folder that is searched."""
    pieces = re.split(r"[{},]", pattern)
    if any(piece.startswith(("/", "~")) or ".." in piece.split("/") for piece in pieces) or "\0" in pattern:
        raise ToolError(f"{pattern}: patterns are relative to `path`; they cannot start at / or ~ or go up by `..`.")
    return pattern


def _names(output: bytes) -> set[str]:
    return {os.fsdecode(name).removeprefix("./") for name in output.split(b"\0") if name}


def _report(found: list[Path], complete: bool, pattern: str) -> str:
    if not found:
        return f"No file matches {pattern}."
    found.sort(key=lambda path: (-_changed(path), str(path)))
    lines = [str(path) for path in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"[{len(found) - _SHOWN} more; narrow the pattern]")
    if not complete:
        lines.append("[the search was cut short; narrow the pattern or the path]")
    return "\n".join(lines)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
