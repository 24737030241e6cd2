"""Markdown as HTML, made from the tree of `report/markdown.py`: no HTML of a model's gets in, nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from conductor_magic.report.html.look import Json, cut, text
from conductor_magic.report.markdown import markdown

__all__ = ["Draw", "draw", "prose"]

Draw = Callable[[str], str]
"""Markdown in, HTML out: `draw`, or one that remembers what it has drawn."""

_CELL = ' style="padding:2px 10px 2px 0;text-align:left"'


def draw(value: str) -> str:
    """The Markdown as HTML."""
    return "".join(map(_block, markdown(value)))


def prose(value: str, limit: int, *, draw: Draw = draw, plain: bool = False, style: str = "") -> str:
    """The text as HTML, cut at `limit` characters; it says how many are left out.

    Args:
        value: Markdown.
        limit: characters.
        draw: what draws the part that is shown.
        plain: leave the text as it was written.
        style: more declarations for the block.
    """
    if plain:
        return f'<div style="white-space:pre-wrap;{style}">{text(value, limit)}</div>'
    shown, left = cut(value.strip(), limit)
    rest = f"<p>… ({left:,} more)</p>" if left else ""
    return f'<div style="white-space:pre-line;{style}">{draw(shown)}{rest}</div>'


def _block(block: Json) -> str:
    match block["kind"]:
        case "heading":
            level = "h4" if block["level"] <= 2 else "h5"
            return f"<{level}>{_parts(block['parts'])}</{level}>"
        case "code":
            return f'<pre style="white-space:pre-wrap">{escape(block["text"])}</pre>'
        case "quote":
            return f"<blockquote>{''.join(map(_block, block['blocks']))}</blockquote>"
        case "list":
            items = "".join(f"<li>{_item(item)}</li>" for item in block["items"])
            if block["start"] is None:
                return f"<ul>{items}</ul>"
            start = "" if block["start"] == 1 else f' start="{block["start"]}"'
            return f"<ol{start}>{items}</ol>"
        case "table":
            head = "".join(f"<th{_CELL}>{_parts(cell)}</th>" for cell in block["head"])
            rows = "".join(
                f"<tr>{''.join(f'<td{_CELL}>{_parts(cell)}</td>' for cell in row)}</tr>" for row in block["rows"]
            )
            return f'<div style="overflow-x:auto"><table><tr>{head}</tr>{rows}</table></div>'
        case "rule":
            return "<hr>"
        case _:
            return f"<p>{_parts(block['parts'])}</p>"


def _item(blocks: list[Json]) -> str:
    """An item of a list; the text that it begins with needs no paragraph of its own."""
    if blocks and blocks[0]["kind"] == "paragraph":
        return _parts(blocks[0]["parts"]) + "".join(map(_block, blocks[1:]))
    return "".join(map(_block, blocks))


def _parts(parts: list[Json]) -> str:
    return "".join(map(_part, parts))


def _part(part: Json) -> str:
    kind = part["kind"]
    if kind == "text":
        return escape(part["text"])
    if kind == "code":
        return f"<code>{escape(part['text'])}</code>"
    inner = _parts(part["parts"])
    if kind == "link":
        # Where it leads is said beside it.
        rel = 'target="_blank" rel="noopener noreferrer"'
        return f'<a href="{escape(part["url"])}" style="color:inherit" {rel}>{inner}</a> ({escape(part["host"])})'
    return f"<{kind}>{inner}</{kind}>"
