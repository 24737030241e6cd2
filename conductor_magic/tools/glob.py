"""Glob: find files by name."""

from __future__ import annotations

import asyncio
import heapq
import os
import re
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.protected import secret
from conductor_magic.sandbox import Walls
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.files import admitted
from conductor_magic.tools.ripgrep import Found, ripgrep, without

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
        reach = await admitted(args.get("path") or ".", self.name, context, writing=False)
        with reach.folder(args.get("path") or ".") as (place, folder):
            if not folder.is_dir():
                raise ToolError(f"{args['path']}: is a file; `path` must be a folder.")
            always = ["--files", "--null", *without(context.walls.denied, folder)]
            listings = await asyncio.gather(*(ripgrep([*always, *more], place) for more in _asked(pattern)))
        report = await asyncio.to_thread(_report, listings, folder, context.walls, args["pattern"])
        return ToolResult(report)


def _asked(pattern: str) -> list[list[str]]:
    """The listings whose common names are the answer, as options.

    A pattern given as a glob overrides .gitignore, so what it matches is held against the plain listing. A file type
    made of it does not, but knows file names only.
    """
    name = pattern.removeprefix("**/")
    if "/" in name or ":" in name or name.startswith("!"):
        return [[f"--glob={pattern}"], []]
    return [[f"--type-add=asked:{name}", "--type=asked"]]


def _inside(pattern: str) -> str:
    """The pattern, if no alternative of it starts outside of the folder that is searched."""
    pieces = re.split(r"[{},]", pattern)
    if any(piece.startswith(("/", "~")) or ".." in piece.split("/") for piece in pieces) or "\0" in pattern:
        raise ToolError(f"{pattern}: patterns are relative to `path`; they cannot start at / or ~ or go up by `..`.")
    return pattern


def _report(listings: list[Found], folder: Path, walls: Walls, pattern: str) -> str:
    found = set.intersection(*(_names(listing.output) for listing in listings))
    found = {name for name in found if not walls.denies(f"{folder}/{name}")}
    if walls.confined:
        found = {name for name in found if not secret(name.split("/"))}
    if not found:
        return f"No file matches {pattern}."
    paths = [f"{folder}/{name}" for name in found]
    newest = heapq.nsmallest(_SHOWN, paths, key=lambda path: (-_changed(path), path))
    if len(found) > _SHOWN:
        newest.append(f"[{len(found) - _SHOWN} more; narrow the pattern]")
    if not all(listing.complete for listing in listings):
        newest.append("[the search was cut short; narrow the pattern or the path]")
    return "\n".join(newest)


def _names(output: bytes) -> set[str]:
    return {os.fsdecode(name).removeprefix("./") for name in output.split(b"\0") if name}


def _changed(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0
