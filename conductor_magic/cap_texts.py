"""What the conductor is told of caps: a tier's that is reached, and one of the run or a tier that nearly is. Pure."""

from __future__ import annotations

from conductor_magic.caps import amount, held_text, run_caps, tier_caps, used
from conductor_magic.events import TIERS, Tier
from conductor_magic.forecast import task_forecast
from conductor_magic.near_caps import waiting
from conductor_magic.state import RunState, TaskState
from conductor_magic.worked import tier_seconds

__all__ = ["capped_text", "near_cap_text", "nearly_spent_text"]


def capped_text(state: RunState, tier: str) -> str:
    """What became of a tier whose cap is reached, and what waits for it."""
    reached = state.capped.get(tier)
    if reached is None:
        return f"A cap of all {tier} workers was reached; it is a larger one now."
    names = ", ".join(f"#{task.id}" for task in waiting(state) if task.tier == tier)
    rest = (
        f" These wait for it: {names}. Launch them again with Task and another model, or delete them." if names else ""
    )
    return f"{reached.text} No {tier} worker starts or goes on; the other tiers do.{rest}"


def near_cap_text(state: RunState, name: str) -> str:
    """Where the run stands before the cap of this name, as `near_caps.name_of` gives it."""
    scope, _, unit = name.rpartition(".")
    tier: Tier | None = next((tier for tier in TIERS if tier == scope), None)
    if tier is not None:
        return _near_tier_cap(state, tier, unit)
    return _near_time(state) if unit == "seconds" else nearly_spent_text(state, unit)


def _near_tier_cap(state: RunState, tier: Tier, unit: str) -> str:
    limit = state.caps.get(f"{tier}.{unit}")
    if limit is None:
        return f"A cap of all {tier} workers that was nearly reached does not hold any more."
    cap = next((cap for cap in tier_caps(state, tier) if cap.unit == unit), None)
    spent = tier_seconds(state, tier, state.at) if cap is None else used(state, cap.unit, tier)
    head = (
        f"The cap of all {tier} workers of {amount(unit, limit)} is nearly reached: {amount(unit, _short(spent))} used."
    )
    running = [worker.task for worker in state.running if worker.tier == tier]
    lines = [head, *([f"  At work: #{', #'.join(running)}."] if running else [])]
    lines += [_waits(state, task) for task in waiting(state) if task.tier == tier]
    return "\n".join(
        [*lines, "  Decide: launch what waits on another tier, delete it, or let it go on until nothing fits."]
    )


def _near_time(state: RunState) -> str:
    limit = None if state.started is None else state.started.timeout
    if limit is None:
        return "A time limit that was nearly reached does not hold any more."
    left = amount("seconds", round(max(0.0, limit - (state.at - state.started_at))))
    lines = [
        f"The run's time limit of {amount('seconds', limit)} is nearly reached: {left} left. Then all stops at once."
    ]
    lines += _outstanding(state)
    lines.append(
        "  Decide: delete what cannot be done in time; and give the answer as far as there is one, in good time."
    )
    return "\n".join(lines)


def _short(number: float) -> float:
    return round(number, 4) if number < 1 else round(number, 2)


def _waits(state: RunState, task: TaskState) -> str:
    return f"  Waits: #{task.id} {task.subject} · {task.tier} · {task_forecast(state, task).text}"


def nearly_spent_text(state: RunState, unit: str) -> str:
    """Where the run stands before a cap: what the conductor needs to decide what is still worth its price."""
    cap = next((cap for cap in run_caps(state) if cap.unit == unit), None)
    if cap is None:
        return "A cap that was nearly reached does not hold any more."
    money = "The budget" if unit == "usd" else "The run's cap"
    spent, free = round(used(state, cap.unit), 4), max(0.0, round(cap.left, 4))
    state_of_it = f"{amount(unit, spent)} used, {amount(unit, free)} free, the rest reserved for what is under way"
    lines = [f"{money} of {amount(unit, cap.limit)} is nearly spent: {state_of_it}.{held_text(unit, cap.held)}"]
    lines += _outstanding(state)
    lines.append(
        "  Decide: delete what is not worth it, launch it on a cheaper tier, or let it go on until nothing fits."
    )
    return "\n".join(lines)


def _outstanding(state: RunState) -> list[str]:
    running = ", ".join(f"#{worker.task} ({worker.tier})" for worker in state.running)
    at_work = [f"  At work: {running}."] if running else []
    return [*at_work, *(_waits(state, task) for task in waiting(state))]
