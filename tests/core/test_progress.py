"""The progress ledger: what is a stall, what is none, and what makes it end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.events import Event, Record
from conductor_magic.progress import is_stalled, stall

Call = tuple[str, dict[str, Any], str]
"""A tool, its arguments, what came back; a result that begins with "!" is an error."""

READ: Call = ("Read", {"file_path": "a.py"}, "text")
COMPACTED = e.ContextCompacted(by="w1", before=9_000, after=900, summary="")
TOLD = e.WorkerTold(worker="w1", text="Do something else.", about="stalled")


def log(*turns: Iterable[Call] | Event) -> list[Record]:
    """The log of a worker that took these turns; every reply names its calls anew as u0, u1, …"""
    made: list[Event] = []
    for turn in turns:
        if isinstance(turn, Event):
            made.append(turn)
            continue
        calls = list(turn)
        blocks = [{"type": "tool_use", "id": f"u{n}", "name": c[0], "input": c[1]} for n, c in enumerate(calls)]
        made.append(e.WorkerTurn(worker="w1", request="r", content=tuple(blocks), stop="tool_use"))
        made += [
            e.ToolEnded(call="c", by="w1", name=c[0], content=c[2], is_error=c[2].startswith("!"), use=f"u{n}")
            for n, c in enumerate(calls)
        ]
    return [Record(number, 0.0, event) for number, event in enumerate(made, 1)]


def test_the_same_call_with_the_same_result_is_told_at_the_fourth_time_and_ended_at_the_ninth() -> None:
    """Not before; told once; the end comes only after it was told."""
    assert [stall(log(*[[READ]] * n)) is not None for n in range(1, 5)] == [False, False, False, True]
    found = stall(log(*[[READ]] * 4))
    assert found is not None
    assert (found.sign, found.ends) == ("repeats", False)
    assert found.detail == 'repeats Read {"file_path": "a.py"} with the same result, 4 turns in a row'
    before = [[READ]] * 4
    assert stall(log(*before, TOLD)) is None
    assert [stall(log(*before, TOLD, *[[READ]] * n)) is not None for n in range(1, 6)] == [*[False] * 4, True]
    end = stall(log(*before, TOLD, *[[READ]] * 5))
    assert end is not None and end.ends


def test_calls_that_take_turns_with_each_other_are_repeats_too() -> None:
    """Two, three, side by side or one after the other."""
    other: Call = ("Grep", {"pattern": "x"}, "none")
    found = stall(log([READ], [other], [READ], [other], [READ]))
    assert found is not None and found.sign == "repeats"
    assert (
        found.detail == 'repeats earlier calls with the same results, as Read {"file_path": "a.py"}, 3 turns in a row'
    )
    assert stall(log([READ, other], [other], [READ], [other, READ])) is not None


def test_what_a_compaction_threw_away_may_be_read_again() -> None:
    """The worker is told to; only who repeats itself after that is stuck."""
    reads: list[list[Call]] = [[("Read", {"file_path": f"{n}.txt"}, f"text {n}")] for n in range(9)]
    assert stall(log(*reads, *reads)) is not None
    assert stall(log(*reads, COMPACTED, *reads)) is None
    assert stall(log(*reads, COMPACTED, *reads, *reads[:3])) is not None


def test_what_was_looked_at_again_is_forgiven_once_however_often_it_is_compacted() -> None:
    """The second time is a repeat, and what was counted before the compaction still counts after it."""
    reads: list[list[Call]] = [[("Read", {"file_path": f"{n}.txt"}, f"text {n}")] for n in range(9)]
    assert stall(log(*reads, COMPACTED, *reads, COMPACTED, *reads[:2])) is None
    assert stall(log(*reads, COMPACTED, *reads, COMPACTED, *reads[:3])) is not None
    assert stall(log(*[[READ]] * 3, COMPACTED, [READ])) is None
    assert stall(log(*[[READ]] * 3, COMPACTED, [READ], [READ])) is not None


def test_a_compaction_and_what_it_forgives_are_no_news() -> None:
    """A worker that was told stays told, and is shown as stalled until something new comes."""
    stuck = log(*[[READ]] * 4, TOLD, COMPACTED, [READ])
    assert is_stalled(stuck) and stall(stuck) is None
    end = stall(log(*[[READ]] * 4, TOLD, COMPACTED, *[[READ]] * 6))
    assert end is not None and end.ends


@pytest.mark.parametrize("every", [1, 2, 3, 7])
@pytest.mark.parametrize(("files", "last"), [(1, 10), (2, 12), (9, 26)])
def test_an_endless_round_is_told_once_and_ended_at_any_window(every: int, files: int, last: int) -> None:
    """Results so large that every few turns a compaction takes them away: two looks at each file, then eight more."""
    turns: list[list[Call] | Event] = []
    for turn in range(200):
        turns.append([("Read", {"file_path": f"{turn % files}.txt"}, f"text {turn % files}")])
        if (found := stall(log(*turns))) is not None:
            if found.ends:
                break
            turns.append(TOLD)
        if turn % every == every - 1:
            turns.append(COMPACTED)
    assert turns.count(TOLD) == 1
    assert sum(isinstance(turn, list) for turn in turns) <= last


def test_a_file_that_changes_may_be_polled_for_ever() -> None:
    """Equal calls with results that were not there before are progress; so is the same test after an edit."""
    assert stall(log(*[[("Bash", {"command": "cat log"}, f"line {n}")] for n in range(60)])) is None
    failing: Call = ("Bash", {"command": "pytest"}, "!1 failed")
    turns = [turn for n in range(20) for turn in ([("Edit", {"new_string": str(n)}, "edited")], [failing])]
    assert stall(log(*turns)) is None


def test_other_calls_that_all_bring_what_is_known_are_a_stall_in_the_end() -> None:
    """Sooner or later: different searches may well find nothing for a while."""
    searches = [[("Grep", {"pattern": str(n)}, "No matches")] for n in range(40)]
    assert stall(log(*searches[:8])) is None
    found = stall(log(*searches[:9]))
    assert found is not None
    assert (found.sign, found.detail) == ("nothing_new", "learns nothing new, 8 turns in a row")
    assert stall(log(*searches[:9], TOLD, *searches[9:16])) is None
    end = stall(log(*searches[:9], TOLD, *searches[9:17]))
    assert end is not None and end.ends
    errors = [[("Bash", {"command": str(n)}, "!no network")] for n in range(9)]
    assert stall(log(*errors)) is not None


def test_commands_that_say_nothing_may_have_done_something() -> None:
    """`mkdir` and edits bring the same words each time, and are work."""
    assert stall(log(*[[("Bash", {"command": f"mkdir {n}"}, "(no output)")] for n in range(40)])) is None
    assert stall(log(*[[("Edit", {"new_string": str(n)}, "Edited a.py")] for n in range(40)])) is None


def test_refused_calls_are_turns_as_well_and_paused_ones_are_not() -> None:
    """A tool that does not exist, asked for again and again; pauses of a provider have a limit of their own."""
    call = {"type": "tool_use", "id": "u", "name": "Teleport", "input": {}}
    asked = e.WorkerTurn(worker="w1", request="r", content=(call,), stop="tool_use")
    refused = e.ToolRefused(by="w1", name="Teleport", why="There is no such tool.", use="u")
    assert stall(log(*[asked, refused] * 4)) is not None
    pause = e.WorkerTurn(worker="w1", request="r", content=({"type": "text", "text": "…"},), stop="pause_turn")
    assert stall(log(*[pause] * 4)) is None


def test_news_ends_a_stall_and_another_one_is_told_again() -> None:
    """What the board says of the worker is taken back as soon as something new comes."""
    news: Call = ("Read", {"file_path": "b.py"}, "other text")
    stuck = log(*[[READ]] * 4, TOLD)
    assert is_stalled(stuck)
    after = log(*[[READ]] * 4, TOLD, [news])
    assert not is_stalled(after)
    again = stall(log(*[[READ]] * 4, TOLD, [news], *[[READ]] * 3))
    assert again is not None and not again.ends


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=3), max_size=30))
def test_whoever_always_does_something_new_is_never_stalled(turns: list[list[int]]) -> None:
    """Whatever it repeats beside it."""
    fresh = [
        [*[("Read", {"n": n}, f"t{n}") for n in turn], ("Read", {"new": at}, f"new {at}")]
        for at, turn in enumerate(turns)
    ]
    assert stall(log(*fresh)) is None
