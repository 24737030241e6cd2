"""What the conductor is told of caps: a tier's that is reached, and one of the run that nearly is. Pure."""

from __future__ import annotations

from conductor_magic.caps import amount, held_text, run_caps, used
from conductor_magic.forecast import task_forecast
from conductor_magic.state import RunState, TaskState

__all__ = ["capped_text", "nearly_spent_text"]


def capped_text(state: RunState, tier: str) -> str:
    """What became of a tier whose cap is reached, and what waits for it."""
    reached = state.capped.get(tier)
    if reached is None:
        return f"A cap of all {tier} workers was reached; it is a larger one now."
    waiting = [task for task in _waiting(state) if task.tier == tier]
    names = ", ".join(f"#{task.id}" for task in waiting)
    rest = (
        f" These wait for it: {names}. Launch them again with Task and another model, or delete them." if names else ""
    )
    return f"{reached.text} No {tier} worker starts or goes on; the other tiers do.{rest}"


def nearly_spent_text(state: RunState, unit: str) -> str:
    """Where the run stands before a cap: what the conductor needs to decide what is still worth its price."""
    cap = next((cap for cap in run_caps(state) if cap.unit == unit), None)
    if cap is None:
        return "A cap that was nearly reached does not hold any more."
    money = "The budget" if unit == "usd" else "The run's cap"
    spent, free = round(used(state, cap.unit), 4), max(0.0, round(cap.left, 4))
    state_of_it = f"{amount(unit, spent)} used, {amount(unit, free)} free, the rest reserved for what is under way"
    lines = [f"{money} of {amount(unit, cap.limit)} is nearly spent: {state_of_it}.{held_text(unit, cap.held)}"]
    running = ", ".join(f"#{worker.task} ({worker.tier})" for worker in state.running)
    if running:
        lines.append(f"  At work: {running}.")
    lines += [
        f"  Waits: #{task.id} {task.subject} · {task.tier} · {task_forecast(state, task).text}"
        for task in _waiting(state)
    ]
    lines.append(
        "  Decide: delete what is not worth it, launch it on a cheaper tier, or let it go on until nothing fits."
    )
    return "\n".join(lines)


def _waiting(state: RunState) -> list[TaskState]:
    return [task for task in state.tasks.values() if task.status in ("blocked", "ready") and task.launched]
