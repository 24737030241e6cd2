"""A plan: what it will probably take and cost, by tier."""

from __future__ import annotations

from html import escape

from conductor_magic.report.html.look import CELL, NUMBER, TABLE, Json, line
from conductor_magic.report.words import clock, count, money, plan_lines

__all__ = ["plan"]


def plan(snapshot: Json) -> str:
    """The plan of a run that ends with it; nothing of any other."""
    found = snapshot["plan"]
    if found is None:
        return ""
    rows = [("", "", "One takes", "All cost")]
    rows += [
        (line(tier["tier"], 12).upper(), count(tier["tasks"], "task"), _time(tier["seconds"]), money(tier["usd"]))
        for tier in found["tiers"]
    ]
    styles = (CELL, *(NUMBER for _ in rows[0][1:]))
    drawn = "".join(
        '<tr style="background:none">'
        + "".join(f'<td style="{style}">{cell}</td>' for style, cell in zip(styles, row, strict=True))
        + "</tr>"
        for row in rows
    )
    told = "".join(f"<p>{escape(text)}</p>" for text in plan_lines(snapshot))
    table = f'<div style="overflow-x:auto"><table style="{TABLE}">{drawn}</table></div>'
    return f"<p><strong>Plan</strong></p>{told}{table}"


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"about {clock(seconds)}"
