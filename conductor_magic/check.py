"""Invariants that hold after every record of every run; tests look at them, the engine does not need to."""

from __future__ import annotations

from conductor_magic.errors import TransitionError
from conductor_magic.plan import order
from conductor_magic.state import RunState

__all__ = ["check"]


def check(state: RunState) -> None:
    """Look for a contradiction in the state.

    Raises:
        TransitionError: there is one, named.
    """
    order(state.graph)
    slots = state.started.workers if state.started else 0
    running = state.running
    _require(len(running) <= slots, f"{len(running)} workers run on {slots} slots")
    _require(len({worker.desk for worker in running}) == len(running), "two workers share a desk")
    _require(all(1 <= worker.desk <= slots for worker in running), "a worker sits at a desk that does not exist")
    at_work = {worker.task for worker in running}
    for task in state.tasks.values():
        _require(
            (task.status == "running") == (task.id in at_work), f"task {task.id} is {task.status} beside its workers"
        )
        done = [
            state.tasks[blocker].status == "completed" or state.tasks[blocker].deleted for blocker in task.blocked_by
        ]
        if task.status in ("ready", "blocked"):
            _require((task.status == "ready") == all(done), f"task {task.id} is {task.status} beside its blockers")
        _require(task.status != "completed" or bool(task.attempts), f"task {task.id} completed without an attempt")
    spent = state.conductor.spend
    for worker in state.workers.values():
        spent = spent + worker.spend
    _require(spent.tokens == state.spend.tokens, "the run's tokens are not the sum of its workers' and conductor's")
    _require(state.conductor.told <= len(state.notices), "the conductor was told notices that do not exist")
    _require(not (state.ended and running), "the run ended with workers at work")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TransitionError(otherwise)
