"""The task graph: cycles are explained, orders respect it, critical paths are the heaviest there are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.errors import PlanError
from conductor_magic.plan import Graph, chain_lengths, check_blockers, critical_path, dependents, find_cycle, order


@st.composite
def graphs(draw: st.DrawFn, most: int = 7, *, acyclic: bool = False) -> Graph:
    """Any graph over the ids 1…n; an acyclic one has its edges go from later ids to earlier ones, then is shuffled."""
    ids = [str(number) for number in range(1, draw(st.integers(1, most)) + 1)]
    allowed = [ids[:index] if acyclic else ids for index in range(len(ids))]
    graph = {
        task: tuple(draw(st.lists(st.sampled_from(known), unique=True))) if known else ()
        for task, known in zip(ids, allowed, strict=True)
    }
    return {task: graph[task] for task in draw(st.permutations(ids))}


def chains(graph: Graph) -> list[tuple[str, ...]]:
    """Every chain from a root to a leaf, found the slow way."""
    found = [(task,) for task, blockers in graph.items() if not blockers]
    leaves = set(graph) - {blocker for blockers in graph.values() for blocker in blockers}
    ended = []
    while found:
        chain = found.pop()
        if chain[-1] in leaves:
            ended.append(chain)
        found += [(*chain, task) for task, blockers in graph.items() if chain[-1] in blockers]
    return ended


def reachable(graph: Graph, start: str) -> set[str]:
    """Ids that `start` waits for, directly or not."""
    found: set[str] = set()
    edge = set(graph[start])
    while edge - found:
        found |= edge
        edge = {blocker for task in found for blocker in graph[task]}
    return found


@given(graphs())
def test_a_cycle_is_found_where_there_is_one_and_is_a_real_path(graph: Graph) -> None:
    """The path begins and ends at the task asked for, each step waits for the next, and none is passed twice."""
    for task in graph:
        cycle = find_cycle(graph, task)
        assert bool(cycle) == (task in reachable(graph, task))
        if cycle:
            assert cycle[0] == cycle[-1] == task
            assert all(blocker in graph[waits] for waits, blocker in pairwise(cycle))
            assert len(set(cycle)) == len(cycle) - 1


@given(graphs())
def test_an_order_puts_blockers_first_or_says_which_cycle_forbids_it(graph: Graph) -> None:
    """Every id exactly once, after all that it waits for; a cyclic graph is refused with its cycle."""
    if any(find_cycle(graph, task) for task in graph):
        with pytest.raises(PlanError, match=r"The graph has a cycle: \d+ waits for \d+"):
            order(graph)
        return
    ordered = order(graph)
    assert sorted(ordered) == sorted(graph)
    assert all(ordered.index(blocker) < ordered.index(task) for task in graph for blocker in graph[task])


@given(graphs(acyclic=True), st.data())
def test_the_critical_path_is_as_heavy_as_the_heaviest_chain(graph: Graph, data: st.DataObject) -> None:
    """Against all chains by brute force, with weights and without."""
    weights = data.draw(st.none() | st.fixed_dictionaries({task: st.integers(1, 9) for task in graph}))
    every = chains(graph)
    path = critical_path(graph, weights)
    assert path in every

    def weight(chain: tuple[str, ...]) -> float:
        return sum(1 if weights is None else weights[task] for task in chain)

    assert weight(path) == max(map(weight, every))
    lengths = chain_lengths(graph, weights)
    for task in graph:
        assert lengths[task] == max(weight(chain[chain.index(task) :]) for chain in every if task in chain)


@given(graphs())
def test_dependents_are_the_graph_turned_round(graph: Graph) -> None:
    """The same edges, the other way, and no others."""
    there = {(task, blocker) for task, blockers in graph.items() for blocker in blockers}
    back = {(task, blocker) for blocker, waiting in dependents(graph).items() for task in waiting}
    assert there == back


@given(graphs(acyclic=True), st.data())
def test_blockers_are_taken_exactly_when_the_graph_stays_acyclic(graph: Graph, data: st.DataObject) -> None:
    """What `check_blockers` lets through keeps an order possible; what it refuses would not."""
    task = data.draw(st.sampled_from(list(graph)))
    blockers = data.draw(st.lists(st.sampled_from(list(graph)), max_size=4))
    edited = {**graph, task: (*graph[task], *blockers)}
    try:
        wanted = check_blockers(graph, task, blockers)
    except PlanError as error:
        assert task in reachable(edited, task)
        assert ("itself" in str(error)) == (task in blockers)
    else:
        assert wanted == tuple(dict.fromkeys(blockers))
        assert order(edited)


def test_an_unknown_blocker_is_named_beside_the_known_tasks() -> None:
    """The conductor reads what is wrong and what it may use instead."""
    with pytest.raises(PlanError, match=r"There is no task 7, 8 to wait for. Known tasks: 1, 2."):
        check_blockers({"1": (), "2": ()}, "3", ["7", "2", "8"])
    with pytest.raises(PlanError, match="Known tasks: none yet"):
        check_blockers({}, "1", ["7"])


def test_a_cycle_is_spelled_out() -> None:
    """The whole way round, in the words of the error result."""
    graph = {"1": (), "2": ("1",), "3": ("2",)}
    with pytest.raises(PlanError, match="That would be a cycle: 1 waits for 3 waits for 2 waits for 1"):
        check_blockers(graph, "1", ["3"])


def test_an_empty_graph_has_no_critical_path() -> None:
    """Nothing to do takes no chain of tasks."""
    assert critical_path({}) == ()
    assert order({}) == ()
