"""Why what waits to the end was not worked on: each time down to what failed or was never begun."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.decisions import Skip
from conductor_magic.events import Record
from conductor_magic.fold import apply
from conductor_magic.scheduler import decide, unlaunched
from conductor_magic.state import RunState
from tests.core.words import created, ended, launched, run, slept, started


def skipped(state: RunState) -> dict[str, str]:
    """The reason for each task that is skipped now."""
    return {command.task: command.reason for command in decide(state) if isinstance(command, Skip)}


def heard(state: RunState) -> RunState:
    """The same once the conductor has heard of everything and has nothing to add."""
    for event in (
        e.ConductorTold(text="news", until=len(state.notices), unlaunched=unlaunched(state)),
        e.ConductorSlept(text="The answer."),
    ):
        state = apply(state, Record(state.seq + 1, state.at + 1.0, event))
    return state


def test_a_chain_names_what_it_waited_for_and_the_root() -> None:
    """Whoever reads the last line of a chain learns what broke."""
    chain = [created("1"), created("2", "1"), created("3", "2"), *map(launched, "123")]
    state = heard(run(*chain, started("w1", "1"), ended("w1", "1", "failed"), slept()))
    assert skipped(state) == {
        "2": "It waited for task 1 (failed).",
        "3": "It waited for task 2, and so for task 1 (failed).",
    }


def test_what_was_never_launched_is_a_root_too() -> None:
    """It keeps others waiting as a failure does."""
    state = run(created("1"), created("2", "1"), launched("2"), slept())
    state = heard(state)
    assert skipped(state)["2"] == "It waited for task 1 (never launched)."


def test_a_wide_net_is_told_in_one_line_and_at_once() -> None:
    """Thirty layers in which each waits for all of the layer before: every root once, and no path twice."""
    layers = [[f"{layer * 3 + place + 1}" for place in range(3)] for layer in range(30)]
    tasks = [
        created(task, *(layers[layer - 1] if layer else ())) for layer, names in enumerate(layers) for task in names
    ]
    names = [task for layer in layers for task in layer]
    roots = [event for n in "123" for event in (started(f"w{n}", n, int(n)), ended(f"w{n}", n, "failed"))]
    state = heard(run(*tasks, *map(launched, names), *roots, slept(), workers=3))
    assert skipped(state)["90"] == (
        "It waited for task 85, task 86, task 87, and so for task 1 (failed), task 2 (failed), task 3 (failed)."
    )
