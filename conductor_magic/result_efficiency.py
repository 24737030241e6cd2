"""The part of a `ConductResult` that holds the token report: plain data that shows itself as a table."""

from __future__ import annotations

from typing import Any

from conductor_magic.report.tokens import token_markdown, token_text

__all__ = ["Efficiency"]


class Efficiency(dict[str, Any]):
    """What `report.efficiency.efficiency` gives; a table in a notebook and at a terminal's prompt."""

    def _repr_markdown_(self) -> str:
        return token_markdown(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        return token_text(self)
