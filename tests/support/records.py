"""Looking into what a run recorded: its events by kind, and the board as it stood at any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from conductor_magic.events import Event, Record
from conductor_magic.fold import fold
from conductor_magic.report.text import board_text
from conductor_magic.result import ConductResult
from conductor_magic.snapshot import snapshot
from conductor_magic.state import RunState

__all__ = ["board_line", "events_of", "state_at"]

E = TypeVar("E", bound=Event)


def events_of(result: ConductResult, kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [record.event for record in result.events if isinstance(record.event, kind)]


def state_at(result: ConductResult, holds: Callable[[Record], bool] = lambda record: False) -> RunState:
    """The state after the first record of which something holds; after the last where it holds of none."""
    records = list(result.events)
    at = next((record.seq for record in records if holds(record)), len(records))
    return fold(records[:at])


def board_line(state: RunState, about: str) -> str:
    """The line of the text board on a task (`#1`) or anything else that it begins with, blanks as one."""
    lines = [" ".join(line.split()) for line in board_text(snapshot(state, state.at), 200).splitlines()]
    return next(line for line in lines if f"{line} ".partition(" ")[2].startswith(f"{about} "))
