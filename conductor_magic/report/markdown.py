"""Reads the Markdown that models write into a tree of plain values; whatever is not understood stays text. Pure.

The dialect and the tree are those of the live board (`widgets/src/markdown.ts`); `tests/golden/markdown.json` holds
cases that both are tested against. A block has a `kind`: `heading` (`level`, `parts`), `paragraph` (`parts`), `code`
(`text`), `quote` (`blocks`), `list` (`start`, None for bullets; `items`, each a list of blocks), `table` (`head` and
`rows` of cells, each a list of parts) or `rule`. A part is `text`, `code`, `strong`, `em`, `del` or `link`.
A row has the cells that are written, no more: filled up to its head's width, a short text would make a vast table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.tree import SyntaxTreeNode

__all__ = ["markdown"]

Json = dict[str, Any]

_DEEPEST = 40
_RULES = (
    *("fence", "heading", "hr", "blockquote", "list", "table"),
    *("escape", "backticks", "emphasis", "strikethrough", "link", "image", "newline"),
)
# A plain host, no name or password before it: what a person reads is where the link leads.
_WEB = re.compile(r"https?://((?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?)(?:[/?#]|$)", re.IGNORECASE)
_DASHES = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_BAR = re.compile(r"(?<!\\)\|")
_MARKS = {"strong": "strong", "em": "em", "s": "del"}


def markdown(text: str) -> list[Json]:
    """The text as blocks."""
    from markdown_it.tree import SyntaxTreeNode

    return _blocks(SyntaxTreeNode(_reader().parse(text)).children)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("zero", {"maxNesting": _DEEPEST}).enable(_RULES)
    reader.block.ruler.at("table", _table, {"alt": ["paragraph"]})
    reader.validateLink = lambda url: _WEB.match(url) is not None
    return reader


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule of the reader: a head, dashes below each of its cells, and rows for as long as lines have a `|`."""
    if start + 2 > end or state.sCount[start + 1] < state.blkIndent:
        return False
    head, dashes = _source(state, start), _source(state, start + 1)
    if "|" not in head or not _DASHES.fullmatch(dashes) or len(_cells(head)) != len(_cells(dashes)):
        return False
    if silent:
        return True
    state.push("table_open", "table", 1)
    _row(state, head)
    state.line = start + 2
    others = state.md.block.ruler.getRules("blockquote")
    while (
        state.line < end
        and state.sCount[state.line] >= state.blkIndent
        and "|" in (line := _source(state, state.line))
        and not any(begins(state, state.line, end, True) for begins in others)
    ):
        _row(state, line)
        state.line += 1
    state.push("table_close", "table", -1)
    return True


def _row(state: StateBlock, line: str) -> None:
    state.push("tr_open", "tr", 1)
    for cell in _cells(line):
        state.push("td_open", "td", 1)
        inline = state.push("inline", "", 0)
        inline.content, inline.children = cell, []
        state.push("td_close", "td", -1)
    state.push("tr_close", "tr", -1)


def _source(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def _cells(line: str) -> list[str]:
    found = _BAR.split(line.removeprefix("|"))
    if not found[-1] and len(found) > 1:
        found.pop()
    return [cell.strip().replace("\\|", "|") for cell in found]


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> list[Json]:
    return [_block(node) for node in nodes]


def _block(node: SyntaxTreeNode) -> Json:
    match node.type:
        case "heading":
            return {"kind": "heading", "level": int(node.tag[1:]), "parts": _line(node)}
        case "fence":
            return {"kind": "code", "text": node.content.removesuffix("\n")}
        case "blockquote":
            return {"kind": "quote", "blocks": _blocks(node.children)}
        case "bullet_list" | "ordered_list":
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
            return {"kind": "list", "start": start, "items": [_blocks(item.children) for item in node.children]}
        case "table":
            rows = [[_line(cell) for cell in row.children] for row in node.children]
            return {"kind": "table", "head": rows[0], "rows": rows[1:]}
        case "hr":
            return {"kind": "rule"}
        case _:
            return {"kind": "paragraph", "parts": _line(node)}


def _line(node: SyntaxTreeNode) -> list[Json]:
    """The parts of a block's one line of text."""
    return _parts([part for inline in node.children for part in inline.children])


def _parts(nodes: Sequence[SyntaxTreeNode]) -> list[Json]:
    found: list[Json] = []
    for node in nodes:
        part = _part(node)
        if part["kind"] == "text" and found and found[-1]["kind"] == "text":
            found[-1]["text"] += part["text"]
        elif part.get("text") != "":
            found.append(part)
    return found


def _part(node: SyntaxTreeNode) -> Json:
    match node.type:
        case "code_inline":
            return {"kind": "code", "text": node.content.strip()}
        case "strong" | "em" | "s":
            return {"kind": _MARKS[node.type], "parts": _parts(node.children)}
        case "link":
            url = str(node.attrs["href"])
            host = _WEB.match(url)
            assert host is not None, "the reader takes no other addresses"
            return {"kind": "link", "parts": _parts(node.children), "url": url, "host": host[1].lower()}
        case "image":
            return {"kind": "text", "text": _unloaded(node)}
        case "softbreak" | "hardbreak":
            return {"kind": "text", "text": "\n"}
        case _:
            return {"kind": "text", "text": node.content}


def _unloaded(node: SyntaxTreeNode) -> str:
    """A picture would be loaded from where it is: it stays as it was written."""
    title = node.attrs.get("title")
    named = f' "{title}"' if title else ""
    return f"![{node.content}]({node.attrs['src']}{named})"
