"""Limits that no option sets: how long, how much and how often one worker or the conductor may go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["EXPECTED_SECONDS", "EXPECTED_USAGE", "Limits"]

EXPECTED_SECONDS: Mapping[str, float] = MappingProxyType({"haiku": 20.0, "sonnet": 60.0, "opus": 120.0})
"""What a task of each tier usually takes: the middle of 10-30, 30-90 and 60-180 seconds."""

EXPECTED_USAGE: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "haiku": {"input": 3_000, "written": 12_000, "read": 50_000, "output": 2_000},
        "sonnet": {"input": 5_000, "written": 30_000, "read": 200_000, "output": 6_000},
        "opus": {"input": 8_000, "written": 50_000, "read": 400_000, "output": 12_000},
    }
)
"""Tokens that a task of each tier usually takes (fresh, written to and read from the cache, output): an assumption.

Some four, eight and twelve turns with tools. Forecasts begin with it, until tasks of the run have shown better.
"""


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
        tool_seconds: how long a call of a tool may take beyond the time that it was given itself (Bash, Python).
        silence_seconds: how long nothing may be heard of a worker's model before the board says so.
        end_seconds: how long a call that is ended may take to end before it is left behind.
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
    tool_seconds: float = 300.0
    silence_seconds: float = 90.0
    end_seconds: float = 5.0
