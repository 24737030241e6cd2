"""How much longer a run will take, from what it has shown so far. Pure.

    rest = pace × max(longest chain of work left, work left ÷ desks)

The work left of a task is what its tier usually takes (`run.started` says), less what its worker has spent on it.
`pace` is how long finished tasks took beside that, between 0.4 and 2; 1 before the first has finished.
"""

from __future__ import annotations

from conductor_magic.plan import chain_lengths, order
from conductor_magic.state import RunState, TaskState

__all__ = ["expected_rest"]

_FASTEST, _SLOWEST = 0.4, 2.0


def expected_rest(state: RunState, now: float) -> float | None:
    """Seconds until the last task is expected to be done; None when nothing is left, or nothing is known of it."""
    if state.started is None or not state.started.expected or state.ended or state.stopping:
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
    chains = chain_lengths({task: tuple(b for b in graph[task] if b in left) for task in left}, left)
    rest = max(*chains.values(), sum(left.values()) / max(1, state.started.workers))
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
