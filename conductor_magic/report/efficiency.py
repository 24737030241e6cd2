"""The token report: what each context held, what was used, and what one agent would have used instead. Pure.

Tokens and dollars come from `request.ended` records. What a part of a prompt has is estimated, and so is the
counterfactual (`solo.py`); `docs/efficiency.md` states how, and how far off it may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10
from typing import Any

from conductor_magic.events import ContextCompacted, Record
from conductor_magic.report.context import context_parts
from conductor_magic.report.measured import Thread, measured, tokens_per_byte
from conductor_magic.report.priced import usd_with_cache
from conductor_magic.report.solo import Solo, solo
from conductor_magic.state import RunState

__all__ = ["CLOSE", "efficiency"]

Json = dict[str, Any]
CLOSE = 0.05
"""The share within which two figures are told to be about the same: the counterfactual is not known any better."""


def efficiency(records: Iterable[Record], state: RunState) -> Json:
    """The report as JSON.

    Returns:
        `conductor`: `peak_tokens`, `tokens`, `usd`, `cache_hit_share`, and `parts` of its largest context (estimated;
        see `context.PARTS`); `workers`: a row for each, with the same figures, `worker`, `task` and `tier`;
        `compactions`: sizes and what was kept; `worker_tokens` of all workers; `tokens` and `usd` of the run (its list
        price, None when one is not known); `usd_with_cache`: what the run would have cost with a cache, where none of
        its replies told of one (a rehearsal), else None; `cache_hit_share` of all prompts; `widest`: the largest
        context of all.

        Of one agent doing the same turns: `solo_context`, its peak; `solo_overflows`, whether that is more than the
        run's window; `saved`, how much more it is than the conductor's peak; `solo`: further figures (`Solo`), and
        `window`. Without work of workers `solo` is None and `solo_context` the conductor's own peak.

        `context` and `money`: `won`, `lost`, `even` (within `CLOSE`), or `unknown`; `context_note` and `money_note` say
        it in words, `note` both. `money` compares `usd_with_cache` where that is there, else `usd`, with `solo.usd`.
        `estimated`: the run's own tokens are estimates (a rehearsal).
    """
    records = list(records)
    found = measured(records)
    ratio = tokens_per_byte(found)
    conductor = found.of("conductor")
    workers = {by: thread for by, thread in found.threads.items() if by != "conductor"}
    every = [conductor, *workers.values()]
    alone = solo(records, state, found, ratio)
    window = state.started.context_window if state.started else 0
    widest = max(thread.peak for thread in every)
    solo_context = alone.peak if alone else conductor.peak
    usd = _usd(every)
    reckoned = usd_with_cache(found, ratio) if alone and not alone.cached else None
    # One agent is reckoned with a cache: a run that had none is compared as it would be billed.
    ours = usd if reckoned is None else reckoned
    context = _verdict(widest, alone and alone.peak)
    spent = _verdict(ours, alone and alone.usd)
    context_note = _context_note(context, conductor.peak, widest, alone, window)
    money_note = _money_note(
        spent, _spent(ours or 0.0, state, reckoned=reckoned is not None), alone, state.conductor.model
    )
    return {
        "conductor": {**_figures([conductor]), "parts": context_parts(conductor, ratio)},
        "workers": [
            {"worker": name, "task": state.workers[name].task, "tier": state.workers[name].tier, **_figures([thread])}
            for name, thread in workers.items()
            if name in state.workers
        ],
        "compactions": [
            {"by": event.by, "before": event.before, "after": event.after, "kept": list(event.kept)}
            for record in state.compactions
            if isinstance(event := record.event, ContextCompacted)
        ],
        "worker_tokens": _tokens(list(workers.values())),
        "tokens": _tokens(every),
        "usd": usd,
        "usd_with_cache": reckoned,
        "cache_hit_share": _hits(every),
        "widest": widest,
        "solo_context": solo_context,
        "solo_overflows": solo_context > window,
        "saved": solo_context - conductor.peak,
        "solo": alone and _solo(alone),
        "window": window,
        "estimated": state.spend.estimated,
        "context": context,
        "money": spent,
        "context_note": context_note,
        "money_note": money_note,
        "note": f"{context_note} {money_note}".strip(),
    }


def _figures(threads: Sequence[Thread]) -> Json:
    return {
        "peak_tokens": max(thread.peak for thread in threads),
        "tokens": _tokens(threads),
        "usd": _usd(threads),
        "cache_hit_share": _hits(threads),
    }


def _tokens(threads: Sequence[Thread]) -> int:
    return sum(turn.context for thread in threads for turn in thread.all)


def _usd(threads: Sequence[Thread]) -> float | None:
    prices = [turn.usd for thread in threads for turn in thread.all]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _hits(threads: Sequence[Thread]) -> float:
    prompts = sum(turn.prompt for thread in threads for turn in thread.all)
    return sum(turn.read for thread in threads for turn in thread.all) / prompts if prompts else 0.0


def _solo(alone: Solo) -> Json:
    return {
        "turns": alone.turns,
        "base_tokens": alone.base,
        "tokens": alone.sent + alone.output,
        "sent_tokens": alone.sent,
        "output_tokens": alone.output,
        "usd": alone.usd,
        "usd_one_model": alone.usd_one_model,
        "cached": alone.cached,
    }


def _verdict(ours: float | None, alone: float | None) -> str:
    if not ours or not alone:
        return "unknown"
    if abs(ours - alone) <= CLOSE * alone:
        return "even"
    return "won" if ours < alone else "lost"


def _context_note(verdict: str, conductor: int, widest: int, alone: Solo | None, window: int) -> str:
    if alone is None:
        return "Nothing was delegated."
    said = {
        "won": "Delegation paid in context",
        "lost": "Delegation did not pay in context",
        "even": "In context, delegation made no difference",
        "unknown": "Contexts were not counted",
    }[verdict]
    held = f"the conductor's reached {conductor:,} tokens"
    if widest > conductor:
        held += f", the largest of a worker {widest:,}"
    fits = f", more than the window of {window:,}" if alone.peak > window else ""
    return f"{said}: {held}; one agent doing the same turns would have reached about {alone.peak:,}{fits}."


def _money_note(verdict: str, spent: str, alone: Solo | None, model: str) -> str:
    if alone is None:
        return ""
    if verdict == "unknown" or alone.usd is None:
        return "Money: not compared, as the run's record does not have all its prices."
    said = {
        "won": "Delegation paid in money",
        "lost": "Delegation did not pay in money",
        "even": "In money, delegation made no difference",
    }[verdict]
    one = (
        ""
        if alone.usd_one_model in (None, alone.usd)
        else f", on {model} throughout about {_dollars(alone.usd_one_model)}"
    )
    return f"{said}: {spent}; one agent on the same models would have cost about {_dollars(alone.usd)}{one}."


def _spent(usd: float, state: RunState, *, reckoned: bool) -> str:
    """What the run's side is, in words."""
    if not reckoned:
        return f"{_dollars(usd)} {'were spent' if state.spend.usd != 0.0 else 'by the list'}"
    counts = ", by estimated tokens," if state.spend.estimated else ""
    return f"with a cache, which it had not,{counts} the run would have cost about {_dollars(usd)}"


def _dollars(usd: float) -> str:
    """Two digits, and below a dollar three that count: figures that a sentence compares must differ where they do."""
    digits = 2 if usd >= 1 or usd < 1e-9 else min(9, 2 - floor(log10(usd)))
    return f"${usd:,.{digits}f}"
