"""The token report (`efficiency.py`) in words and as a table, for every picture of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.report.context import PARTS
from conductor_magic.report.words import clean, money, tokens

__all__ = ["token_lines", "token_markdown", "token_table", "token_text"]

Json = Mapping[str, Any]
_HEAD = ("Context", "At most", "All tokens", "From cache", "At list price")
_MOST_ROWS = 40


def token_lines(found: Json) -> list[str]:
    """What a person should know of it, in sentences; none of a run in which nothing was delegated."""
    if found["solo"] is None:
        return []
    return [text for text in (found["context_note"], found["money_note"], _parts(found)) if text]


def token_table(found: Json) -> dict[str, Any]:
    """It as a table: `title`, `head` and `rows` of texts, `lead` above and `note` below (empty where there is none)."""
    workers = found["workers"]
    rows = [["Conductor", *_figures(found["conductor"], found)]]
    rows += [[f"· {PARTS[name]}", f"~{tokens(size)}", "", "", ""] for name, size in found["conductor"]["parts"].items()]
    for worker in workers[:_MOST_ROWS]:
        rows.append([f"#{clean(worker['task'])} {clean(worker['tier']).upper()}", *_figures(worker, found)])
    total = {**found, "peak_tokens": found["widest"]}
    rows.append(["All", *_figures(total, found)])
    if found["usd_with_cache"] is not None:
        rows.append(["All, with a cache", "", "", "", f"~{money(found['usd_with_cache'])}"])
    solo = found["solo"]
    if solo is not None:
        price = "–" if solo["usd"] is None else f"~{money(solo['usd'])}"
        rows.append(
            ["One agent, computed", f"~{tokens(found['solo_context'])}", f"~{tokens(solo['tokens'])}", "", price]
        )
    left = len(workers) - _MOST_ROWS
    notes = [
        f"{left} more workers are in result.efficiency." if left > 0 else "",
        f"Workers used {tokens(found['worker_tokens'], estimated=found['estimated'])} tokens in contexts of their own.",
        f"{found['cache_hit_share']:.0%} of all prompt tokens came from the cache.",
        "What has a ~ is estimated; docs/efficiency.md says how.",
    ]
    return {
        "title": "Token report",
        "lead": clean(found["note"]),
        "head": list(_HEAD),
        "rows": rows,
        "note": " ".join(note for note in notes if note),
    }


def token_text(found: Json) -> str:
    """The table as plain text."""
    table = token_table(found)
    rows = [table["head"], *table["rows"]]
    wide = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, wide, strict=True))
        )
        for row in rows
    ]
    return "\n".join(text.rstrip() for text in (table["lead"], "", *lines, "", table["note"]))


def token_markdown(found: Json) -> str:
    """The table as Markdown."""
    table = token_table(found)
    rows = [table["head"], ["---", *["---:"] * (len(_HEAD) - 1)], *table["rows"]]
    drawn = "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)
    return f"{_cell(table['lead'])}\n\n{drawn}\n\n{_cell(table['note'])}\n"


def _figures(of: Json, found: Json) -> list[str]:
    estimated = found["estimated"]
    return [
        tokens(of["peak_tokens"], estimated=estimated),
        tokens(of["tokens"], estimated=estimated),
        f"{of['cache_hit_share']:.0%}",
        "–" if of["usd"] is None else money(of["usd"]),
    ]


def _parts(found: Json) -> str:
    parts = found["conductor"]["parts"]
    listed = ", ".join(f"{PARTS[name]} {tokens(size)}" for name, size in parts.items() if size)
    return f"The conductor's context at its fullest, about: {listed}." if listed else ""


def _cell(text: str) -> str:
    """The text as Markdown shows it: no cell ends in it, and no two dollar signs make a formula."""
    # An escaped one is plain again when JupyterLab looks for formulas; in elements of their own they begin none.
    return text.replace("|", "\\|").replace("~", "\\~").replace("$", "<span>$</span>")
