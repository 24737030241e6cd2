"""The report of a run as JSON: what it spent by tier, how long its attempts took, and the token report. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from conductor_magic.events import TIERS, Record
from conductor_magic.pictures import spend_json
from conductor_magic.report.efficiency import efficiency
from conductor_magic.report.tokens import token_table
from conductor_magic.state import RunState, Spend, WorkerState

__all__ = ["report"]

Json = dict[str, Any]


def report(records: Iterable[Record], state: RunState) -> Json:
    """The whole report.

    Args:
        records: the run's records.
        state: their fold.

    Returns:
        `spend`: a row for the conductor and for each tier that was used, `who` and the figures of `spend_json`;
        `total` of the run; `time`: a row a tier, from the attempts that completed: `tier`, `attempts`, and in seconds
        `expected` (of one attempt, the median; None when nothing was expected), `median` and `sum`; `others`: how many
        attempts ended in another way; `tokens`: what `efficiency` gives; `token_table`: it as a table.
    """
    workers = list(state.workers.values())
    by_tier = {tier: [worker for worker in workers if worker.tier == tier] for tier in TIERS}
    spend = [("conductor", state.conductor.spend)]
    spend += [(tier, sum((worker.spend for worker in of), Spend())) for tier, of in by_tier.items() if of]
    done = {tier: [worker for worker in of if worker.outcome == "completed"] for tier, of in by_tier.items()}
    tokens = efficiency(records, state)
    ended = sum(worker.ended is not None for worker in workers)
    return {
        "spend": [{"who": who, **spend_json(spent)} for who, spent in spend],
        "total": spend_json(state.spend),
        "time": [_time(tier, of) for tier, of in done.items() if of],
        "others": ended - sum(map(len, done.values())),
        "tokens": tokens,
        "token_table": token_table(tokens),
    }


def _time(tier: str, workers: list[WorkerState]) -> Json:
    took = [(worker.ended or worker.started) - worker.started for worker in workers]
    expected = [worker.expected for worker in workers if worker.expected > 0]
    return {
        "tier": tier,
        "attempts": len(workers),
        "expected": median(expected) if expected else None,
        "median": median(took),
        "sum": sum(took),
    }
