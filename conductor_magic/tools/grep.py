"""Grep: search the contents of files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from conductor_magic.protected import secret
from conductor_magic.sandbox import Walls
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.files import admitted
from conductor_magic.tools.ripgrep import Found, ripgrep, without, without_secrets

__all__ = ["Grep"]

_HEAD = 250
_CHARACTERS = 30_000
_MODES = {"files_with_matches": "--files-with-matches", "count": "--count", "content": "--heading"}


def _count(text: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": text}


class Grep:
    """The Grep tool."""

    name = "Grep"
    description = "Search file contents by regular expression (ripgrep syntax); what .gitignore names is left out."
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "The regular expression.", "minLength": 1},
            "path": {"type": "string", "description": "A folder or file (default: the workspace)."},
            "glob": {"type": "string", "description": "Only files whose name matches, such as `*.py`."},
            "output_mode": {
                "type": "string",
                "enum": list(_MODES),
                "description": "`content` shows lines (default: files_with_matches).",
            },
            "-i": {"type": "boolean", "description": "Ignore case."},
            "-n": {"type": "boolean", "description": "Line numbers with content (default true)."},
            "-A": _count("Lines after each match."),
            "-B": _count("Lines before each match."),
            "-C": _count("Lines around each match."),
            "head_limit": _count(f"At most so many lines of output (default {_HEAD})."),
            "multiline": {"type": "boolean", "description": "Let `.` match line ends and patterns span lines."},
            "type": {"type": "string", "description": "Only files of a type that ripgrep knows, such as `py`."},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    repeatable = True

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Search, leave out secrets, cap; see `WorkerTool.run`."""
        walls = context.walls
        reach = await admitted(args.get("path") or ".", self.name, context, writing=False)
        with reach.folder(args.get("path") or ".") as (place, real):
            kept_out = [*without(walls.denied, real), *(without_secrets() if walls.confined else ())]
            options = [*_options(args), *kept_out]
            found = await ripgrep(options, place)
            if found.too_much:
                # Of too much, the same part each time. ripgrep's own order costs it its threads.
                found = await ripgrep([*options, "--sort=path"], place)
        mode = args.get("output_mode") or "files_with_matches"
        lines = await asyncio.to_thread(_lines, found, real, walls, mode)
        return ToolResult(_capped(lines, args.get("head_limit") or _HEAD, found.complete))


def _options(args: dict[str, Any]) -> list[str]:
    mode = args.get("output_mode") or "files_with_matches"
    options = [_MODES[mode], "--null", "--with-filename", "--max-columns=500", "--max-columns-preview"]
    if mode == "content":
        options.append("--line-number" if args.get("-n", True) else "--no-line-number")
        options += [f"{flag}{args[flag]}" for flag in ("-A", "-B", "-C") if args.get(flag)]
    if args.get("-i"):
        options.append("--ignore-case")
    if args.get("multiline"):
        options += ["--multiline", "--multiline-dotall"]
    if args.get("type"):
        options.append(f"--type={args['type']}")
    if glob := args.get("glob"):
        # A plain --glob would override .gitignore; a file type made of it does not, but knows file names only.
        as_type = not args.get("type") and "/" not in glob and not glob.startswith("!")
        options += [f"--type-add=asked:{glob}", "--type=asked"] if as_type else [f"--glob={glob}"]
    return [*options, f"--regexp={args['pattern']}"]


def _lines(found: Found, real: Path, walls: Walls, mode: str) -> list[str]:
    """The output's lines in the order of the files' paths, absolute; those of secrets and denied files dropped."""
    output = os.fsdecode(found.output)
    blocks = _headed(output) if mode == "content" else _named(output, mode)
    # The slash below every other character, so that a folder comes whole.
    blocks.sort(key=lambda block: block[0].replace("/", "\0"))
    lines: list[str] = []
    for name, below in blocks:
        path = _full(name, real, found.single)
        if found.single or not (walls.denies(path) or (walls.confined and secret(name.split("/")))):
            lines += [path, *below] if mode == "content" else [": ".join((path, *below))]
    return lines


def _named(output: str, mode: str) -> list[tuple[str, list[str]]]:
    """`name NUL count LF` for each file, or `name NUL` alone."""
    if mode == "count":
        records = (record.partition("\0") for record in output.split("\n") if record)
        return [(name, [count]) for name, _, count in records]
    return [(name, []) for name in output.split("\0") if name]


def _headed(output: str) -> list[tuple[str, list[str]]]:
    """`content` comes as one block for each file: its name, NUL, its lines, an empty line."""
    blocks: list[tuple[str, list[str]]] = []
    for line in output.split("\n"):
        name, mark, text = line.partition("\0")
        if mark:
            blocks.append((name, []))
        else:
            text = line
        if text and blocks:
            blocks[-1][1].append(text)
    return blocks


def _full(name: str, real: Path, single: bool) -> str:
    return str(real) if single else f"{real}/{name.removeprefix('./')}"


def _capped(lines: list[str], limit: int, complete: bool) -> str:
    if not lines:
        return "No matches." if complete else "No matches in what could be searched in time; narrow the path."
    notes: list[str] = []
    if len(lines) > limit:
        notes.append(f"[{len(lines) - limit} more lines; narrow the search or raise head_limit]")
    if not complete:
        notes.append("[the search was cut short; narrow the path or the pattern]")
    text = "\n".join(lines[:limit])
    if len(text) > _CHARACTERS:
        text, notes = text[:_CHARACTERS], ["[cut here; narrow the search]"]
    return "\n".join([text, *notes]).encode(errors="replace").decode()
