"""How long workers have worked, and when a limit of time is reached. Pure."""

from __future__ import annotations

from conductor_magic.caps import amount
from conductor_magic.events import TIERS, CapReached, Tier
from conductor_magic.state import RunState, WorkerState

__all__ = ["next_tier_alarm", "out_of_time", "tier_seconds", "worked_seconds"]


def out_of_time(seconds: float) -> CapReached:
    """The record that the run has taken all the time that it may take."""
    return CapReached(cap="timeout", text=f"The run's time limit of {amount('seconds', seconds)} was reached.")


def worked_seconds(state: RunState, worker: WorkerState, now: float) -> float:
    """Seconds that an attempt has taken, but for those in which it could not go on.

    A person was asked, the provider let nobody send, or nobody drove the run.
    """
    end = now if worker.ended is None else worker.ended
    waits = [
        (since, end if question.answered is None else question.answered)
        for question in state.questions.values()
        if (since := question.since(worker.id)) is not None
    ]
    paused = [] if state.paused is None else [(state.paused.since, min(end, state.paused.until))]
    worked, free = 0.0, worker.started
    # Several calls of one turn may wait at once, also when the run ends: no second is taken off twice.
    for since, until in sorted([*waits, *worker.breaks, *state.waits, *paused]):
        worked += max(0.0, min(since, end) - free)
        free = max(free, min(until, end))
    return worked + max(0.0, end - free)


def tier_seconds(state: RunState, tier: Tier, now: float) -> float:
    """Seconds that all workers of a tier have taken together."""
    return sum(worked_seconds(state, worker, now) for worker in state.workers.values() if worker.tier == tier)


def next_tier_alarm(state: RunState, now: float) -> tuple[Tier, float] | None:
    """The tier whose workers' time is up first, and in how many seconds, as long as as many of them work as now."""
    alarms: list[tuple[float, Tier]] = []
    for tier in TIERS:
        limit = state.caps.get(f"{tier}.seconds")
        if limit is None or _out_of_time(state, tier):
            continue
        running = sum(worker.tier == tier for worker in state.running)
        if running:
            left = limit - tier_seconds(state, tier, now)
            alarms.append((max(0.0, left / running), tier))
    if not alarms:
        return None
    seconds, tier = min(alarms)
    return tier, seconds


def _out_of_time(state: RunState, tier: Tier) -> bool:
    """Whether its time is up. Another cap lets its workers finish what still fits, so their time counts after it."""
    return tier in state.capped and state.capped[tier].cap == "seconds"
