"""What turns cost at the prices that a run's record names, and what a run without a cache would have cost. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from conductor_magic.report.measured import Measured, Thread, Turn

__all__ = ["beyond_tokens", "overhead", "total", "turn_usd", "usd_with_cache", "used_cache"]

_MILLION = 1_000_000
_STEP = 5


def used_cache(found: Measured) -> bool:
    """Whether any reply told of a cache; a rehearsal's do not."""
    return any(turn.read or turn.written for thread in found.threads.values() for turn in thread.all)


def usd_with_cache(found: Measured, ratio: float) -> float | None:
    """What the run would have cost had a cache held what it sent again, in USD; None when a price is not known.

    Each prompt begins with the one before of its conversation. The first one, the one after a compaction, and one
    that asks for a note begin with the system prompt and tools that another conversation on the same model had.

    Args:
        found: the run's conversations.
        ratio: tokens of a byte of text.
    """
    prefixes: dict[Any, float] = {}
    usd: float | None = 0.0
    for thread in found.threads.values():
        usd = total((usd, *(turn.usd for turn in thread.asides)))
        latest: Turn | None = None
        for turn in sorted((*thread.turns, *thread.notes), key=lambda turn: turn.seq):
            noting = turn in thread.notes
            if latest is not None and not noting and not latest.compacted:
                before = latest.prompt
            else:
                before = prefixes.get((turn.model, *thread.prefix), 0.0)
                prefixes.setdefault((turn.model, *thread.prefix), overhead(thread, ratio))
            usd = total(
                (usd, turn_usd(found, turn.model, turn.prompt, before, turn.output, beyond_tokens(found, turn)))
            )
            # The marks of what asks for a note stand beyond the place that the turn before left in the cache.
            latest = latest if noting else turn
    return usd


def overhead(thread: Thread, ratio: float) -> float:
    """Tokens of a conversation's system prompt and tools: its first prompt, less its first message."""
    return max(0.0, thread.turns[0].prompt - ratio * thread.opening) if thread.turns else 0.0


def turn_usd(
    found: Measured, model: str, prompt: float, before: float, output: float, beyond: float | None
) -> float | None:
    """What a turn costs, in USD; None when its price is not known.

    Args:
        found: the run's conversations, with its prices.
        model: who takes it.
        prompt: tokens of its prompt.
        before: tokens of it that the cache has.
        output: tokens of its reply.
        beyond: what it costs beyond its tokens.
    """
    rates = _rates(found, model, prompt)
    if rates is None or beyond is None:
        return None
    _, out, read, written = rates
    before = min(before, prompt)
    return before * read + (prompt - before) * written + output * out + beyond


def beyond_tokens(found: Measured, turn: Turn) -> float | None:
    """What a turn cost beyond its tokens, as the provider's searches of the web."""
    rates = _rates(found, turn.model, turn.prompt)
    if rates is None or turn.usd is None:
        return None
    fresh, output, read, written = rates
    tokens = turn.fresh * fresh + turn.output * output + turn.read * read + turn.written * written
    return max(0.0, turn.usd - tokens)


def total(prices: Iterable[float | None]) -> float | None:
    """Their sum; None when one is not known."""
    known: Any = list(prices)
    return None if None in known else float(sum(known))


def _rates(found: Measured, model: str, prompt: float) -> tuple[float, ...] | None:
    """Input, output, cache read and cache write for a prompt of this size, in USD per token."""
    steps = [step for step in found.prices.get(model, ()) if _is_step(step) and step[0] < max(prompt, 1)]
    return tuple(rate / _MILLION for rate in steps[-1][1:]) if steps else None


def _is_step(step: tuple[float, ...]) -> bool:
    """Whether it is as our recorder writes it: a stranger's record may hold anything."""
    return len(step) == _STEP and all(isfinite(figure) and figure >= 0 for figure in step)
