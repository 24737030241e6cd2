"""Limits that no option sets: how long, how much and how often one worker or the conductor may go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["EXPECTED_SECONDS", "Limits"]

EXPECTED_SECONDS: Mapping[str, float] = MappingProxyType({"haiku": 20.0, "sonnet": 60.0, "opus": 120.0})
"""What a task of each tier usually takes: the middle of 10-30, 30-90 and 60-180 seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run.

    Attributes:
        turns: replies that one worker may take.
        worker_tokens: tokens that one worker may use in all its requests together.
        seconds: wall-clock seconds that one attempt may take, by tier.
        conductor_turns: replies that the conductor may take in a run.
        pieces: replies in a row that may break off (`pause_turn`, `max_tokens`) before one that ends.
        reply_tokens: the most tokens that one reply may have.
        hello_seconds: how long an unanswered question waits for a board to show itself before its default is taken.
        stop_seconds: how long a stopped worker may take to clean up.
    """

    turns: int = 60
    worker_tokens: int = 3_000_000
    seconds: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"haiku": 600.0, "sonnet": 1_200.0, "opus": 1_800.0})
    )
    conductor_turns: int = 200
    pieces: int = 10
    reply_tokens: int = 16_000
    hello_seconds: float = 5.0
    stop_seconds: float = 1.5
