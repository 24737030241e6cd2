"""What a reply may have used whose end nobody heard. Pure.

A provider bills what it has generated, and to generate takes time. So a reply that broke off has no more tokens than a
fast model writes until the provider notices that nobody listens; its prompt is counted whole.
"""

from __future__ import annotations

import math

__all__ = ["most_output"]

_TOKENS_PER_SECOND = 300
"""Faster than any model of the provider's writes."""

_NOTICED_SECONDS = 2.0
"""Until a provider that has lost its listener stops."""


def most_output(max_tokens: int, seconds: float, heard: int = 0) -> int:
    """The most tokens that a reply can have that broke off.

    Args:
        max_tokens: what it was allowed.
        seconds: from its request to the moment at which nobody listened any more.
        heard: tokens that came, at most.
    """
    return min(max_tokens, max(heard, math.ceil(_TOKENS_PER_SECOND * (max(0.0, seconds) + _NOTICED_SECONDS))))
