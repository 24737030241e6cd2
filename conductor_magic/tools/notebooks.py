"""Notebooks cell by cell: what each holds, and what it showed when it was last run."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.images import image_block
from conductor_magic.tools.output import plain, shortened

__all__ = ["NotANotebook", "show_notebook"]

Json = dict[str, Any]

_CELLS = 200
_MOST_CHARACTERS = 60_000
_SOURCE_CHARACTERS = 20_000
_OUTPUT_CHARACTERS = 4_000
_IMAGES = 8
_SHOWN_AS_IMAGE = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SHOWN_AS_TEXT = ("text/plain", "text/markdown", "text/latex", "application/json", "image/svg+xml", "text/html")


class NotANotebook(ValueError):
    """The content is no notebook of format 4; says why."""


def show_notebook(content: bytes, asked: str, offset: int, limit: int | None, *, images: bool) -> list[Json]:
    """Cells of a notebook as content blocks.

    Args:
        content: the file.
        asked: its name, for the references to what is left out.
        offset: first cell, from 1.
        limit: how many cells, or None for as many as fit.
        images: whether images are shown, or only named.

    Raises:
        NotANotebook: it cannot be read as one.
        ToolError: it has no such cell.
    """
    notebook = _parsed(content)
    cells: list[Json] = notebook["cells"]
    if cells and offset > len(cells):
        raise ToolError(f"{asked}: has only {len(cells)} cell{'' if len(cells) == 1 else 's'}.")
    page = _Page(asked, images)
    last = offset - 1
    for number, cell in enumerate(cells[offset - 1 : offset - 1 + min(limit or _CELLS, _CELLS)], offset):
        if last >= offset and page.characters > _MOST_CHARACTERS:
            break
        page.add_cell(number, cell)
        last = number
    kernel = _text(_mapping(_mapping(notebook.get("metadata")).get("kernelspec")).get("name")) or "no kernel named"
    more = f"; go on with offset={last + 1}" if last < len(cells) else ""
    span = f"; cells {offset}-{last} follow{more}" if cells else ""
    return page.blocks(f"{asked}: notebook ({kernel}), {len(cells)} cell{'' if len(cells) == 1 else 's'}{span}.")


def _parsed(content: bytes) -> Json:
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotANotebook(f"it is no JSON: {error}") from None
    if not isinstance(notebook, dict) or not isinstance(cells := notebook.get("cells"), list):
        raise NotANotebook("it has no list of cells, as format 4 has")
    if not all(isinstance(cell, dict) for cell in cells):
        raise NotANotebook("one of its cells is no cell")
    return notebook


class _Page:
    """Collects text and images in their order."""

    def __init__(self, asked: str, images: bool) -> None:
        self.characters = 0
        self._asked = asked
        self._images = images
        self._shown = 0
        self._parts: list[str | Json] = []

    def blocks(self, head: str) -> list[Json]:
        """All of it, neighbouring text in one block."""
        found: list[Json] = []
        text = head
        for part in self._parts:
            if isinstance(part, str):
                text += f"\n{part}"
            else:
                found += [{"type": "text", "text": text}, part]
                text = ""
        return [*found, {"type": "text", "text": text.lstrip("\n")}] if text else found

    def add_cell(self, number: int, cell: Json) -> None:
        run = cell.get("execution_count")
        facts = [_text(cell.get("cell_type")) or "cell of no type"]
        facts += [f"id {name}"] if (name := _text(cell.get("id"))) else []
        facts += [f"run {run}"] if isinstance(run, int) else []
        self._add(f"\n=== cell {number}: {', '.join(facts)} ===")
        place = f"['cells'][{number - 1}]"
        self._add(self._cut(_text(cell.get("source")), _SOURCE_CHARACTERS, f"{place}['source']"))
        outputs = cell.get("outputs")
        for index, output in enumerate(outputs if isinstance(outputs, list) else ()):
            self._add_output(index + 1, _mapping(output), f"{place}['outputs'][{index}]")

    def _add_output(self, number: int, output: Mapping[str, Any], place: str) -> None:
        kind = _text(output.get("output_type"))
        head = f"--- output {number}"
        if kind == "stream":
            self._add(f"{head}: {_text(output.get('name')) or 'stream'} ---")
            self._add(self._cut(plain(_text(output.get("text"))), _OUTPUT_CHARACTERS, place))
        elif kind == "error":
            self._add(f"{head}: error ---")
            self._add(self._cut(_traceback(output), _OUTPUT_CHARACTERS, place))
        else:
            self._add_data(head, _mapping(output.get("data")), place)

    def _add_data(self, head: str, data: Mapping[str, Any], place: str) -> None:
        for mime in _SHOWN_AS_IMAGE:
            if mime in data:
                self._add_image(head, mime, _text(data[mime]))
                return
        for mime in _SHOWN_AS_TEXT:
            if mime in data:
                value = data[mime]
                text = _text(value) or json.dumps(value, ensure_ascii=False)
                self._add(f"{head}: {mime} ---")
                self._add(self._cut(plain(text), _OUTPUT_CHARACTERS, place))
                return
        self._add(f"{head}: {', '.join(data) or 'nothing'}, not shown ---"[:200])

    def _add_image(self, head: str, mime: str, data: str) -> None:
        try:
            if not self._images:
                raise ToolError("this model takes no images")
            if self._shown == _IMAGES:
                raise ToolError(f"{_IMAGES} images are shown already; ask for fewer cells")
            block = image_block(base64.b64decode(data), mime)
        except (ToolError, binascii.Error) as error:
            why = error if isinstance(error, ToolError) else "broken"
            self._add(f"{head}: {mime}, not shown: {why} ---")
            return
        self._shown += 1
        self._add(f"{head}: {mime} ---")
        self._parts.append(block)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self.characters += len(text)

    def _cut(self, text: str, limit: int, place: str) -> str:
        where = f"In Python: json.load(open({self._asked!r})){place}"
        return shortened(text.rstrip("\n"), limit, where)


def _traceback(output: Mapping[str, Any]) -> str:
    lines = output.get("traceback")
    text = "\n".join(map(str, lines)) if isinstance(lines, list) else ""
    return plain(text) or f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"


def _text(value: Any) -> str:
    """Text, which a notebook may write as a list of lines; empty for all else."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
