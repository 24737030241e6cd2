"""Small pieces of Markdown that the rehearsal's reports are put together from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["KEY_FIGURES", "bullets", "count", "figures_part", "listed", "names", "number", "table"]

KEY_FIGURES = "## Key figures"


def number(value: Any) -> str:
    """A figure exactly as the tool printed it; a dash where there is none."""
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def count(value: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 row`, `3 rows`."""
    return f"{value} {one if value == 1 else many or one + 's'}"


def names(labels: Iterable[object]) -> str:
    """Labels as code, separated by commas."""
    return ", ".join(f"`{label}`" for label in labels)


def listed(parts: Sequence[str]) -> str:
    """Parts joined as in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def bullets(lines: Iterable[str]) -> str:
    """A bullet list; empty lines are left out."""
    return "\n".join(f"- {line}" for line in lines if line)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; empty when it has no rows."""
    body = [[_cell(cell) for cell in row] for row in rows]
    if not body:
        return ""
    lines = [[_cell(cell) for cell in head], ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures_part(rows: Sequence[tuple[str, Any]]) -> list[str]:
    """The last part of a report, its key figures as (name, value); none when there are none."""
    return [KEY_FIGURES, table(("figure", "value"), rows)] if rows else []


def _cell(value: Any) -> str:
    return number(value).replace("|", "\\|").replace("\n", " ")
