"""What is to be told before a cap or a time limit is reached: once at each share of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_magic.caps import Cap, amount, run_caps, tier_caps, used
from conductor_magic.events import TIERS, BudgetWarned, CapReached, Tier
from conductor_magic.state import RunState, TaskState
from conductor_magic.worked import tier_seconds

__all__ = ["SHARES", "name_of", "nearly_spent", "next_time_warning", "waiting", "waits_too_long", "wakes"]

SHARES = (0.8, 0.95)
"""Shares of a cap at which the conductor is told."""

_TURN_SECONDS = 10.0
"""With less time than that, a turn of the conductor would come too late."""


def nearly_spent(state: RunState) -> BudgetWarned | None:
    """What is to be told now: how much of a cap of the run or of a tier is used up; of time, see `next_time_warning`.

    Only while work is outstanding; what is merely reserved does not count, as most of it comes back.
    """
    if not _outstanding(state):
        return None
    for tier, cap in _caps(state):
        spent = used(state, cap.unit, tier)
        shares = [share for share in SHARES if spent >= share * cap.limit]
        event = BudgetWarned(usd=spent, budget=cap.limit, unit=cap.unit, share=shares[-1] if shares else 0.0, tier=tier)
        if event.share > state.warned.get(name_of(event), 0.0):
            return event
    return None


def next_time_warning(state: RunState, now: float) -> tuple[BudgetWarned, float] | None:
    """What is to be told next of the run's time or a tier's, and in how many seconds, if as many work as now."""
    if not _outstanding(state):
        return None
    due: list[tuple[float, BudgetWarned]] = []
    for tier, limit, spent, speed in _times(state, now):
        told = state.warned.get("seconds" if tier is None else f"{tier}.seconds", 0.0)
        shares = [share for share in SHARES if share > told]
        if shares:
            share = max((share for share in shares if spent >= share * limit), default=shares[0])
            event = BudgetWarned(usd=spent, budget=limit, unit="seconds", share=share, tier=tier)
            due.append((max(0.0, (share * limit - spent) / speed), event))
    if not due:
        return None
    seconds, event = min(due, key=lambda one: one[0])
    return event, seconds


def waits_too_long(state: RunState) -> CapReached | None:
    """The record that the provider's wait outlasts the run's time, once nothing else can come of it any more."""
    started, paused = state.started, state.paused
    if started is None or started.timeout is None or paused is None or state.halted:
        return None
    busy = state.in_flight or state.open_questions or any(worker.calls for worker in state.running)
    if busy or paused.until < state.started_at + started.timeout:
        return None
    wait, limit = amount("seconds", round(paused.until - paused.since)), amount("seconds", started.timeout)
    text = f"The provider asks for a wait of {wait}, longer than what is left of the run's time limit of {limit}."
    return CapReached(cap="timeout", text=text)


def name_of(event: BudgetWarned) -> str:
    """The cap that it is about: `tokens` or `seconds` of the run, `haiku.usd` of a tier."""
    return event.unit if event.tier is None else f"{event.tier}.{event.unit}"


def wakes(state: RunState, event: BudgetWarned) -> bool:
    """Whether the conductor can still decide something: what waits may be moved to another tier, or taken out.

    The run's time is up with no answer, so near its end it is woken whatever waits; its other caps leave it a turn.
    """
    if event.unit == "seconds" and event.budget - event.usd < _TURN_SECONDS:
        return False
    if event.tier is not None:
        return any(task.tier == event.tier for task in waiting(state))
    return event.unit != "seconds" or event.share == SHARES[-1] or any(waiting(state))


def _outstanding(state: RunState) -> bool:
    return not state.stopping and bool(state.running or any(waiting(state)))


def waiting(state: RunState) -> Iterator[TaskState]:
    """The tasks that were launched and wait for a worker or for others."""
    return (task for task in state.tasks.values() if task.status in ("blocked", "ready") and task.launched > 0)


def _caps(state: RunState) -> Iterator[tuple[Tier | None, Cap]]:
    """The caps that may be near, and whose they are; a tier's only while it has work."""
    yield from ((None, cap) for cap in run_caps(state))
    if not state.caps:
        return
    busy = {worker.tier for worker in state.running} | {task.tier for task in waiting(state)}
    for tier in TIERS:
        if tier in busy and tier not in state.capped:
            for cap in tier_caps(state, tier):
                yield tier, cap


def _times(state: RunState, now: float) -> Iterator[tuple[Tier | None, float, float, int]]:
    """Of the run and of each tier that is at work: its limit, what is used of it, and how fast it is used."""
    if state.started is not None and state.started.timeout is not None:
        yield None, state.started.timeout, now - state.started_at, 1
    for tier in TIERS:
        limit, speed = state.caps.get(f"{tier}.seconds"), sum(worker.tier == tier for worker in state.running)
        if limit is not None and speed and tier not in state.capped:
            yield tier, limit, tier_seconds(state, tier, now), speed
