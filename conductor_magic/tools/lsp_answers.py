"""A language server's answers as text for a model: places with their source lines, outlines, hover texts, faults.

A server's word is not trusted: what has not the form that it should is passed over, control codes are taken out, and
source lines come through the worker's own reach and gate, so no answer shows what the worker may not read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.destination import destination
from conductor_magic.errors import ToolError
from conductor_magic.lsp import Document
from conductor_magic.lsp.positions import lines_of, path_of_uri, to_column
from conductor_magic.permissions import Access
from conductor_magic.protected import secret
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.files import reach_of
from conductor_magic.tools.output import plain, shortened

__all__ = ["Answers"]

Json = dict[str, Any]

_PLACES = 100
_SYMBOLS = 400
_DEEPEST = 20
_HOVER = 10_000
_LINE = 200
_MESSAGE = 1_000
_READ_BYTES = 5 << 20

_KINDS = (
    "symbol", "file", "module", "namespace", "package", "class", "method", "property", "field", "constructor", "enum",
    "interface", "function", "variable", "constant", "string", "number", "boolean", "array", "object", "key", "null",
    "enum member", "struct", "event", "operator", "type parameter",
)  # fmt: skip
_SEVERITIES = ("", "error", "warning", "information", "hint")


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place as the server names it: a file, and a line and units in it, from 0."""

    uri: str
    line: int
    units: int


class Answers:
    """Makes the texts of one call's answer.

    Args:
        context: the call's; its reach and gate decide which source lines are shown.
        encoding: what the server counts positions in.
        document: the file that was asked about, which the gate has admitted already.
    """

    def __init__(self, context: ToolContext, encoding: str, document: Document | None = None) -> None:
        self._context = context
        self._encoding = encoding
        self._reach = reach_of(context)
        self._files: dict[str, list[str] | None] = {}
        if document is not None:
            self._files[str(document.path)] = lines_of(document.text)
        self._secrets = 0

    async def places(self, found: Any) -> str:
        """Definitions, references or implementations, a line each; empty when there are none."""
        spots = [spot for spot in map(_spot_of, _entries(found)) if spot is not None]
        spots = list(dict.fromkeys(spots))
        lines = [line for spot in spots[:_PLACES] if (line := await self._shown(spot))]
        return self._listed(lines, len(spots) - _PLACES, "ask about a narrower name, or Grep with a `path`")

    async def symbols(self, found: Any) -> str:
        """Symbols anywhere in the workspace, a line each with kind and name."""
        entries = [entry for entry in _entries(found) if isinstance(entry.get("name"), str)]
        lines: list[str] = []
        for entry in entries[:_PLACES]:
            spot = _spot_of(entry.get("location") or entry)
            where = await self._shown(spot, entry["name"]) if spot else None
            if where:
                inside = f" in {_short(entry['containerName'])}" if entry.get("containerName") else ""
                lines.append(f"{_named(entry)}{inside}  {where}")
        return self._listed(lines, len(entries) - _PLACES, "give more of the name")

    async def calls(self, found: Any, item: Json, *, incoming: bool) -> str:
        """The callers of an item, or what it calls, each with where the calls stand."""
        lines: list[str] = []
        calls = _entries(found)
        for call in calls[:_PLACES]:
            other = call.get("from" if incoming else "to")
            spot = _spot_of(other) if isinstance(other, dict) else None
            where = await self._shown(spot) if spot else None
            if where is None or not isinstance(other, dict):
                continue
            ranges = call.get("fromRanges")
            at = [_start(span) for span in ranges if isinstance(span, dict)] if isinstance(ranges, list) else []
            home = str((other if incoming else item).get("uri"))
            spots = [await self._position(_Spot(home, *place)) for place in at if place is not None]
            called = f"\n  called at {', '.join(dict.fromkeys(spots))}" if spots else ""
            lines.append(f"{_named(other)}  {where}{called}")
        return self._listed(lines, len(calls) - _PLACES, "Grep for the name with a `path`")

    def outline(self, found: Any, document: Document) -> str:
        """A file's symbols, indented, each with its place and the lines that it takes."""
        lines = list(self._outlined(_entries(found), lines_of(document.text), 0))
        if not lines:
            return ""
        shown = [str(document.path), *lines[:_SYMBOLS]]
        if len(lines) > _SYMBOLS:
            shown.append(f"[{len(lines) - _SYMBOLS} more symbols; Grep the file for the one that you want]")
        return "\n".join(shown)

    def hover(self, found: Any) -> str:
        """What is known of one name; empty when it is nothing."""
        contents = found.get("contents") if isinstance(found, dict) else None
        pieces = contents if isinstance(contents, list) else [contents]
        texts = [piece.get("value") if isinstance(piece, dict) else piece for piece in pieces]
        text = "\n\n".join(plain(text).strip() for text in texts if isinstance(text, str))
        return shortened(text.strip(), _HOVER, "Read the definition for the rest.")

    async def diagnostics(self, found: list[Any], document: Document, notes: str) -> str:
        """What is wrong in a file, in the order of its lines."""
        source = lines_of(document.text)
        faults = [fault for fault in found if isinstance(fault, dict) and _start(fault.get("range")) is not None]
        faults.sort(key=lambda fault: _start(fault["range"]) or (0, 0))
        lines = [self._fault(fault, document, source) for fault in faults]
        if not lines:
            return f"No diagnostics: nothing was found wrong in {document.path}.{notes}"
        return self._listed(lines, len(lines) - _PLACES, "mend these first") + notes

    def _fault(self, fault: Json, document: Document, source: list[str]) -> str:
        line, units = _start(fault["range"]) or (0, 0)
        text = source[line] if line < len(source) else ""
        severity = fault.get("severity")
        named = severity if isinstance(severity, int) and 0 < severity < len(_SEVERITIES) else 1
        code = fault.get("code")
        rule = f"[{_short(code)}]" if isinstance(code, str | int) else ""
        message = " ".join(plain(str(fault.get("message"))).split())[:_MESSAGE]
        column = to_column(text, units, self._encoding)
        return f"{document.path}:{line + 1}:{column + 1}: {_SEVERITIES[named]}{rule}: {message}"

    def _outlined(self, entries: list[Json], source: list[str], depth: int) -> Iterator[str]:
        for entry in entries:
            location = entry.get("location")
            whole = location.get("range") if isinstance(location, dict) else entry.get("range")
            start, span = _start(entry.get("selectionRange") or whole), _lines(whole)
            if start is None or span is None or not isinstance(entry.get("name"), str):
                continue
            line, units = start
            text = source[line] if line < len(source) else ""
            column = _named_column(text, to_column(text, units, self._encoding), entry["name"])
            inside = f" in {_short(entry['containerName'])}" if entry.get("containerName") else ""
            many = f"  lines {span[0] + 1}-{span[1] + 1}" if span[1] > span[0] else ""
            yield f"{'  ' * depth}{_named(entry)}{inside}  {line + 1}:{column + 1}{many}"
            if depth < _DEEPEST:
                yield from self._outlined(_entries(entry.get("children")), source, depth + 1)

    async def _shown(self, spot: _Spot, name: str = "") -> str | None:
        """A place as `path:line:character: source line`; None when it lies in a file that workers are not shown."""
        path = path_of_uri(spot.uri)
        if path is None:
            return f"{_short(spot.uri)}:{spot.line + 1}:{spot.units + 1}  (no file)"
        if self._is_secret(path):
            self._secrets += 1
            return None
        lines = await self._source(path)
        place = f"{_short(path, 4096)}:{await self._position(spot, name)}"
        if lines is None:
            inside = Path(path).is_relative_to(self._context.workspace)
            return f"{place}  ({'not shown' if inside else 'outside the workspace'})"
        source = lines[spot.line] if spot.line < len(lines) else ""
        return f"{place}: {plain(source).strip()[:_LINE]}".rstrip()

    async def _position(self, spot: _Spot, name: str = "") -> str:
        """`line:character` as people count."""
        path = path_of_uri(spot.uri)
        lines = await self._source(path) if path else None
        column = spot.units
        if lines is not None and spot.line < len(lines):
            column = to_column(lines[spot.line], spot.units, self._encoding)
            column = _named_column(lines[spot.line], column, name)
        return f"{spot.line + 1}:{column + 1}"

    def _is_secret(self, path: str) -> bool:
        workspace = self._context.workspace
        place = Path(path)
        within = place.relative_to(workspace).parts if place.is_relative_to(workspace) else place.parts
        return self._context.walls.confined and secret(within) is not None

    async def _source(self, path: str) -> list[str] | None:
        """The lines of a file that the worker may read without asking; None for others."""
        if path not in self._files:
            self._files[path] = await self._read(path)
        return self._files[path]

    async def _read(self, path: str) -> list[str] | None:
        def read() -> list[str]:
            with self._reach.file(path) as (handle, _), open(handle, "rb", closefd=False) as file:
                return lines_of(file.read(_READ_BYTES).decode("utf-8-sig", errors="replace"))

        try:
            end = await asyncio.to_thread(destination, self._reach, path, writing=False)
            if end.leaves:
                return None  # a line that only helps is not worth a question
            await self._context.gate.admit(Access("read", str(end.real), "LSP"), self._context)
            return await asyncio.to_thread(read)
        except ToolError:
            return None  # gone meanwhile, or a standing rule is against it

    def _listed(self, lines: list[str], more: int, narrow: str) -> str:
        shown = lines[:_PLACES]
        if more > 0:
            shown = [*shown, f"[{more} more; {narrow}]"]
        if self._secrets:
            shown = [*shown, f"[{self._secrets} in files that usually hold secrets: not shown]"]
        return "\n".join(shown)


def _entries(found: Any) -> list[Json]:
    """An answer as a list of objects, whichever of its forms it came in."""
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]


def _spot_of(entry: Json) -> _Spot | None:
    """The place in a Location, LocationLink, symbol or call hierarchy item."""
    if not isinstance(entry, dict):
        return None
    uri = entry.get("targetUri") or entry.get("uri")
    start = _start(entry.get("targetSelectionRange") or entry.get("selectionRange") or entry.get("range")) or (0, 0)
    return _Spot(uri, *start) if isinstance(uri, str) else None


def _start(span: Any) -> tuple[int, int] | None:
    return _point(span.get("start")) if isinstance(span, dict) else None


def _lines(span: Any) -> tuple[int, int] | None:
    """First and last line of a range."""
    start, end = (_point(span.get("start")), _point(span.get("end"))) if isinstance(span, dict) else (None, None)
    return (start[0], end[0]) if start and end else None


def _point(point: Any) -> tuple[int, int] | None:
    if not isinstance(point, dict):
        return None
    line, units = point.get("line"), point.get("character")
    return (line, units) if isinstance(line, int) and isinstance(units, int) and line >= 0 and units >= 0 else None


def _named(entry: Json) -> str:
    kind = entry.get("kind")
    word = _KINDS[kind] if isinstance(kind, int) and 0 < kind < len(_KINDS) else _KINDS[0]
    return f"{word} {_short(entry.get('name'))}"


def _named_column(line: str, column: int, name: str) -> int:
    """Where the name itself stands: some servers point at the word `class` or `def` before it."""
    found = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)").search(line, column) if name else None
    return found.start() if found else column


def _short(text: Any, limit: int = 200) -> str:
    return " ".join(plain(str(text)).split())[:limit]
