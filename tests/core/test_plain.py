"""Numbers for people, who may copy them."""

from __future__ import annotations

import pytest

from conductor_magic.caps import amount
from conductor_magic.plain import plain


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (2.0, "2"),
        (0.1 + 0.2, "0.3"),
        (0.00001, "0.00001"),
        (1e6, "1000000"),
        (1_234_567, "1234567"),
        (123_456.789, "123456.79"),
        (1e12, "1000000000000"),
        (-1.5, "-1.5"),
    ],
)
def test_a_number_has_neither_an_exponent_nor_idle_noughts(number: float, text: str) -> None:
    """Small ones keep the digits that count, large ones all before the point; an option takes it as it stands."""
    assert plain(number) == text
    assert float(plain(number)) == pytest.approx(number, rel=1e-5)


def test_amounts_are_plain() -> None:
    """A large cap in dollars or seconds is no riddle."""
    assert amount("usd", 1e6) == "$1,000,000"
    assert amount("usd", 0.00001) == "$0.00001"
    assert amount("seconds", 1_500_000.5) == "1,500,000.5 s"
