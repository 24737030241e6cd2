"""How a number is written for a person, and on a line that a person may copy. Pure."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["plain"]

_DIGITS = 6


def plain(number: float, group: str = "") -> str:
    """The number in digits alone, without an exponent: `2`, `0.5`, `0.00001`, `1000000`.

    Args:
        number: whatever it is; six digits of it count, and all before the point and two behind it.
        group: `,` to write `1,000,000`.
    """
    digits = max(_DIGITS, len(f"{number:.0f}") + 2)
    return f"{Decimal(f'{number:.{digits}g}'):{group}f}"
