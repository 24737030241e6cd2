"""The task graph: which task waits for which. Pure functions over `{id: ids it is blocked by}`.

Ids are strings; every id that a task is blocked by is a key of the mapping (`check_blockers` keeps it so).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from conductor_magic.errors import PlanError

__all__ = [
    "Graph",
    "ancestors",
    "chain_lengths",
    "check_blockers",
    "critical_path",
    "dependents",
    "find_cycle",
    "order",
]

Graph = Mapping[str, tuple[str, ...]]


def check_blockers(graph: Graph, task: str, blockers: Iterable[str]) -> tuple[str, ...]:
    """Blockers that `task` may wait for, without repeats, in the order given.

    Raises:
        PlanError: an unknown id, the task itself, or a cycle, spelled out.
    """
    wanted = tuple(dict.fromkeys(blockers))
    unknown = [blocker for blocker in wanted if blocker not in graph and blocker != task]
    if unknown:
        known = ", ".join(graph) or "none yet"
        raise PlanError(f"There is no task {', '.join(unknown)} to wait for. Known tasks: {known}.")
    if task in wanted:
        raise PlanError(f"Task {task} cannot wait for itself.")
    cycle = find_cycle({**graph, task: tuple(dict.fromkeys((*graph.get(task, ()), *wanted)))}, task)
    if cycle:
        raise PlanError(f"That would be a cycle: {' waits for '.join(cycle)}. Remove one of these dependencies first.")
    return wanted


def find_cycle(graph: Graph, start: str) -> tuple[str, ...]:
    """A cycle through `start` as a path `start … start`, each waiting for the next; empty when there is none."""
    came_from: dict[str, str] = {}
    stack = [start]
    while stack:
        node = stack.pop()
        for blocker in graph.get(node, ()):
            if blocker == start:
                path = [start]
                while node != start:
                    path.append(node)
                    node = came_from[node]
                return (start, *reversed(path))
            if blocker not in came_from:
                came_from[blocker] = node
                stack.append(blocker)
    return ()


def ancestors(graph: Graph, task: str) -> frozenset[str]:
    """All that `task` waits for, directly or by way of others."""
    found: set[str] = set()
    stack = list(graph.get(task, ()))
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += graph.get(node, ())
    return frozenset(found)


def dependents(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The graph turned round: for each id, the ids that wait for it, in the graph's order."""
    waiting: dict[str, list[str]] = {task: [] for task in graph}
    for task, blockers in graph.items():
        for blocker in blockers:
            waiting[blocker].append(task)
    return {task: tuple(found) for task, found in waiting.items()}


def order(graph: Graph) -> tuple[str, ...]:
    """Every id after all the ids it waits for; otherwise in the graph's own order.

    Raises:
        PlanError: the graph has a cycle.
    """
    missing = {task: len(blockers) for task, blockers in graph.items()}
    waiting = dependents(graph)
    ready = [task for task, count in missing.items() if not count]
    for task in ready:
        for dependent in waiting[task]:
            missing[dependent] -= 1
            if not missing[dependent]:
                ready.append(dependent)
    if len(ready) < len(graph):
        stuck = next(task for task in graph if find_cycle(graph, task))
        raise PlanError(f"The graph has a cycle: {' waits for '.join(find_cycle(graph, stuck))}.")
    return tuple(ready)


def chain_lengths(graph: Graph, weights: Mapping[str, float] | None = None) -> dict[str, float]:
    """For each id, the weight of the heaviest chain that begins with it and runs through what waits for it.

    Args:
        graph: an acyclic graph.
        weights: seconds (or any cost) per id; 1 each when None.
    """
    waiting = dependents(graph)
    lengths: dict[str, float] = {}
    for task in reversed(order(graph)):
        own = 1.0 if weights is None else weights.get(task, 0.0)
        lengths[task] = own + max((lengths[dependent] for dependent in waiting[task]), default=0.0)
    return lengths


def critical_path(graph: Graph, weights: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """The heaviest chain from a root to a leaf, blockers first; empty for an empty graph."""
    if not graph:
        return ()
    lengths = chain_lengths(graph, weights)
    waiting = dependents(graph)
    node = max((task for task, blockers in graph.items() if not blockers), key=lengths.__getitem__)
    path = [node]
    while waiting[node]:
        node = max(waiting[node], key=lengths.__getitem__)
        path.append(node)
    return tuple(path)
