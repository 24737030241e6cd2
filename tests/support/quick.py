"""Runs that meet a hundred faults a second: the same parts with short waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from conductor_magic import assemble
from conductor_magic.connect import Connection, connect
from conductor_magic.models.anthropic.client import AnthropicModel
from conductor_magic.models.anthropic.limiter import RateLimiter

__all__ = ["PATIENCE", "impatient", "quick_limiter"]

PATIENCE = 0.3
"""Seconds of silence, or of pings alone, after which a request is given up."""


def quick_limiter(monkeypatch: pytest.MonkeyPatch, seed: int = 0, **waits: float) -> None:
    """Give runs a limiter whose waits are a hundredth as long; the rules are its own.

    Args:
        monkeypatch: undoes it.
        seed: of its jitter.
        **waits: arguments of `RateLimiter` that are to differ.
    """
    short: dict[str, Any] = {
        "first_seconds": 0.01,
        "longest_seconds": 0.03,
        "longest_retry_after": 0.05,
        "scout_seconds": 0.05,
        **waits,
    }
    monkeypatch.setattr(
        assemble, "RateLimiter", lambda slots, _random: partial(RateLimiter, **short)(slots, Random(seed))
    )


async def impatient(provider: str, tiers: Mapping[str, str], budget: float | None) -> Connection:
    """Connect as a run does, to a model that gives a silent server up at once."""
    connection = await connect(provider, tiers, budget)
    await connection.model.aclose()
    return replace(connection, model=AnthropicModel(stall_seconds=PATIENCE, quiet_seconds=PATIENCE))
