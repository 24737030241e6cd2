"""How much longer a run will take and what it will cost, from what it has shown so far. Pure.

    rest = pace × max(longest chain of work left, work left ÷ desks)

The work left of a task is what its tier usually takes (`run.started` says), less what its worker has spent on it.
`pace` is how long finished tasks took beside that, between 0.4 and 2; 1 before the first has finished.

The cost of a task is what finished attempts of its tier cost in this run, on average; before the first, what a task
of the tier usually costs at the prices of `run.models`. It is a forecast and no cap.

A plan's tasks have not begun, so its time and cost are these at pace 1. What the conductor needs comes on top.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from conductor_magic.events import TIERS
from conductor_magic.plan import Graph, chain_lengths, critical_path, order
from conductor_magic.state import RunState, TaskState

__all__ = [
    "Forecast",
    "Outlook",
    "TierOutlook",
    "expected_rest",
    "outlook",
    "plan_forecast",
    "task_forecast",
    "tier_usd",
]

_FASTEST, _SLOWEST = 0.4, 2.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a task will probably cost and take; None where nothing is known."""

    usd: float | None
    seconds: float | None

    @property
    def json(self) -> dict[str, float]:
        """What is known of it."""
        known = {"usd": self.usd, "seconds": self.seconds}
        return {name: round(value, 3 if name == "usd" else 0) for name, value in known.items() if value is not None}

    @property
    def text(self) -> str:
        """`about $0.12 and 60 s`, or that nothing is known."""
        parts = [f"${self.usd:.2f}"] if self.usd else []
        parts += [f"{self.seconds:.0f} s"] if self.seconds else []
        return f"about {' and '.join(parts)}" if parts else "no forecast"


@dataclass(frozen=True, slots=True)
class TierOutlook:
    """The tasks of one tier: how many, the seconds that one of them usually takes, what all will probably cost."""

    tier: str
    tasks: int
    seconds: float | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the tasks of a plan will probably take and cost; None where nothing is known.

    Attributes:
        critical_path: the chain of tasks that will take longest, blockers first.
        seconds: from the first worker's start to the last one's end, with as many at once as the plan says.
        usd: of all tasks together.
        tiers: the same by tier, the cheapest first.
    """

    critical_path: tuple[str, ...]
    seconds: float | None
    usd: float | None
    tiers: tuple[TierOutlook, ...]


def outlook(state: RunState) -> Outlook | None:
    """What a plan that is there will probably take and cost; None of any other run."""
    if state.started is None or state.status != "planned":
        return None
    expected, free = state.started.expected, state.started.provider == "rehearsal"
    tasks = [task for task in state.tasks.values() if not task.over]
    known = all(task.tier in expected for task in tasks)
    left = {task.id: expected.get(task.tier, 0.0) for task in tasks}
    graph = _graph_of(state, left)
    tiers = []
    for tier in TIERS:
        if number := sum(task.tier == tier for task in tasks):
            usd = 0.0 if free else tier_usd(state, tier)
            tiers.append(TierOutlook(tier, number, expected.get(tier), None if usd is None else usd * number))
    prices = [tier.usd for tier in tiers]
    return Outlook(
        critical_path(graph, left if known else None),
        _seconds(graph, left, state.started.workers) if known else None,
        None if None in prices else sum(usd or 0.0 for usd in prices),
        tuple(tiers),
    )


def _graph_of(state: RunState, tasks: Collection[str]) -> Graph:
    graph = state.graph
    return {task: tuple(blocker for blocker in graph[task] if blocker in tasks) for task in tasks}


def _seconds(graph: Graph, left: Mapping[str, float], desks: int) -> float:
    """The longest chain, or all work shared by the desks, whichever is more."""
    return max(*chain_lengths(graph, left).values(), sum(left.values()) / max(1, desks))


def tier_usd(state: RunState, tier: str) -> float | None:
    """What a task of the tier will probably cost; None when no price is known."""
    done = [
        worker.spend.usd for worker in state.workers.values() if worker.tier == tier and worker.outcome == "completed"
    ]
    if done:
        return None if None in done else sum(usd or 0.0 for usd in done) / len(done)
    return state.usual_usd.get(tier)


def task_forecast(state: RunState, task: TaskState) -> Forecast:
    """What a task that has not begun will probably cost and take."""
    expected = state.started.expected.get(task.tier) if state.started else None
    return Forecast(tier_usd(state, task.tier), None if expected is None else _pace(state) * expected)


def plan_forecast(state: RunState, task: str, tier: str) -> dict[str, Any]:
    """What the conductor is told when it launches a task on a tier: its forecast, and whether the plan fits the budget.

    Args:
        state: the run before the launch.
        task: the task's id.
        tier: the tier that it is launched on.
    """
    expected = state.started.expected.get(tier) if state.started else None
    mine = Forecast(tier_usd(state, tier), None if expected is None else _pace(state) * expected)
    told: dict[str, Any] = {"forecast": mine.json} if mine.json else {}
    if state.budget is None:
        return told
    others = [other for other in state.tasks.values() if other.id != task and other.launched and not other.over]
    rest = (mine.usd or 0.0) + sum(_usd_left(state, other) for other in others)
    left = state.budget - state.spend.priced_usd - state.held
    if rest > left:
        told["warning"] = (
            f"All launched work together will probably cost ${rest:.2f}; ${max(0.0, left):.2f} of the budget is left. "
            "Drop what is not worth it, or use cheaper tiers."
        )
    return told


def _usd_left(state: RunState, task: TaskState) -> float:
    """What is still to be paid of a task, less what its attempt has cost so far."""
    whole = tier_usd(state, task.tier) or 0.0
    begun = state.workers[task.attempts[-1]] if task.status == "running" and task.attempts else None
    return whole if begun is None else max(0.0, whole - begun.spend.priced_usd)


def expected_rest(state: RunState, now: float) -> float | None:
    """Seconds until the last task is expected to be done; None when nothing is left, or nothing is known of it."""
    if state.started is None or not state.started.expected or state.ended or state.stopping or state.plans_only:
        return None
    graph = state.graph
    pace = _pace(state)
    left: dict[str, float] = {}
    stuck: set[str] = set()
    for name in order(graph):
        task = state.tasks[name]
        if task.status == "failed" or not stuck.isdisjoint(graph[name]):
            stuck.add(name)  # what waits for it waits until somebody acts
        elif not task.over:
            left[name] = _left(state, task, now, pace)
    if not left:
        return None
    rest = _seconds(_graph_of(state, left), left, state.started.workers)
    return rest if rest >= 1 else None


def _left(state: RunState, task: TaskState, now: float, pace: float) -> float:
    assert state.started is not None
    whole = pace * state.started.expected.get(task.tier, 0.0)
    if task.status != "running" or not task.attempts:
        return whole
    return max(0.0, whole - (now - state.workers[task.attempts[-1]].started))


def _pace(state: RunState) -> float:
    """How long finished attempts took beside what was expected of them."""
    done = [
        worker
        for worker in state.workers.values()
        if worker.outcome == "completed" and worker.ended is not None and worker.expected > 0
    ]
    expected = sum(worker.expected for worker in done)
    if not expected:
        return 1.0
    actual = sum((worker.ended or worker.started) - worker.started for worker in done)
    return min(_SLOWEST, max(_FASTEST, actual / expected))
