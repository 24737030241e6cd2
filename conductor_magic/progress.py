"""Whether a worker gets anywhere: a ledger of what its turns brought, made from its recorded log alone. Pure.

A turn brings news when one of its calls, or its result, has not been there before in this attempt: to poll a file that
changes is progress, and so is the same test after an edit. Turns without news in a row are a stall:

* `repeats`: the same calls brought the same results again, also when they take turns with each other.
* `nothing_new`: the calls are others, but all that came back was known, and none of them can have changed anything.

At the first sign the worker is told, once; when it goes on like that, its attempt ends.

A compaction takes from the worker what it has read, but nothing from the ledger: each call that was known then may
bring its result once more, which is neither news nor a repeat. The second time counts, however often it is compacted:
what is too large for the window would be read for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from conductor_magic.events import ContextCompacted, Record, ToolEnded, ToolRefused, WorkerTold, WorkerTurn

__all__ = ["Stall", "is_stalled", "stall"]

_TOLD = {"repeats": 3, "nothing_new": 8}
"""Turns without news after which the worker is told."""
_ENDED = {"repeats": 8, "nothing_new": 16}
"""Turns without news after which its attempt ends."""
_LOOKS = frozenset({"Glob", "Grep", "LSP", "Read", "WebFetch", "WebSearch"})
_SHOWN = 160

Result = tuple[str, bool, str]
"""The tool's name, whether it failed, what it said."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A worker makes no progress.

    Attributes:
        sign: what shows it.
        detail: what it does, in a phrase that follows its name.
        ends: it was told, and went on: the attempt ends.
    """

    sign: Literal["repeats", "nothing_new"]
    detail: str
    ends: bool


@dataclass(slots=True)
class _Ledger:
    """What was seen so far, and how many turns in a row brought nothing."""

    pairs: set[tuple[str, Any]] = field(default_factory=set[tuple[str, Any]])
    results: set[Result] = field(default_factory=set[Result])
    lost: set[tuple[str, Any]] = field(default_factory=set[tuple[str, Any]])
    """What a compaction took from the worker, and it has not looked at again."""
    again: set[tuple[str, Any]] = field(default_factory=set[tuple[str, Any]])
    """What it has looked at again for that reason."""
    repeats: int = 0
    nothing_new: int = 0
    told: bool = False
    last: str = ""
    same: int = 0
    """Turns in a row that made the calls of the last one."""


def stall(log: Iterable[Record]) -> Stall | None:
    """What is to be done about a worker with this log now: tell it, end it, or nothing (None)."""
    ledger = _kept(log)
    counts = {"repeats": ledger.repeats, "nothing_new": ledger.nothing_new}
    for sign in ("repeats", "nothing_new"):
        turns = counts[sign]
        ends = ledger.told and turns >= _ENDED[sign]
        if ends or (not ledger.told and turns >= _TOLD[sign]):
            return Stall(sign, _detail(ledger, sign, turns), ends)
    return None


def _detail(ledger: _Ledger, sign: str, turns: int) -> str:
    if sign == "nothing_new":
        return f"learns nothing new, {turns} turns in a row"
    if ledger.same > turns:
        return f"repeats {ledger.last} with the same result, {ledger.same} turns in a row"
    return f"repeats earlier calls with the same results, as {ledger.last}, {turns} turns in a row"


def is_stalled(log: Iterable[Record]) -> bool:
    """Whether nothing new has come since the worker was found to make no progress."""
    ledger = _kept(log)
    return bool(ledger.repeats or ledger.nothing_new)


def _kept(log: Iterable[Record]) -> _Ledger:
    ledger, turn, results = _Ledger(), None, dict[str, Result]()
    for record in log:
        event = record.event
        if isinstance(event, WorkerTurn):
            _close(ledger, turn, results)
            turn, results = event, {}
        elif isinstance(event, ToolEnded):
            results[event.use] = (event.name, event.is_error, _text(event.content))
        elif isinstance(event, ToolRefused):
            results[event.use] = (event.name, True, event.why)
        elif isinstance(event, ContextCompacted):
            # What was read before is gone from the conversation: the worker is told to look again for what it needs.
            _close(ledger, turn, results)
            turn, ledger.lost = None, ledger.pairs - ledger.again
        elif isinstance(event, WorkerTold) and event.about == "stalled":
            _close(ledger, turn, results)
            turn, ledger.told = None, True
    _close(ledger, turn, results)
    return ledger


def _close(ledger: _Ledger, turn: WorkerTurn | None, results: dict[str, Result]) -> None:
    """Enter a turn and what came of it."""
    if turn is None:
        return
    calls = [block for block in turn.content if block.get("type") == "tool_use"] if turn.stop == "tool_use" else []
    if calls and not results:
        return  # nothing has come back yet
    if turn.stop in ("pause_turn", "max_tokens"):
        return  # it broke off, of which there is a limit of its own
    pairs = {(_call(call), results[call["id"]]) for call in calls if call["id"] in results}
    if not calls:
        pairs = {("", json.dumps(turn.content, sort_keys=True))}
    _count(ledger, pairs, set(results.values()))
    last = " and ".join(dict.fromkeys(_call(call) for call in calls))[:_SHOWN] if calls else "itself"
    ledger.same = ledger.same + 1 if last == ledger.last else 1
    ledger.last = last


def _count(ledger: _Ledger, pairs: set[tuple[str, Any]], came: set[Result]) -> None:
    """Enter whether a turn brought news."""
    again = pairs & ledger.lost
    ledger.lost -= again
    ledger.again |= again
    if again and pairs <= ledger.pairs:
        return
    ledger.repeats = 0 if pairs - ledger.pairs else ledger.repeats + 1
    known = came and came <= ledger.results and all(failed or name in _LOOKS for name, failed, _ in came)
    ledger.nothing_new = ledger.nothing_new + 1 if known else 0
    if not ledger.repeats and not ledger.nothing_new:
        ledger.told = False
    ledger.pairs |= pairs
    ledger.results |= came


def _call(call: dict[str, Any]) -> str:
    return f"{call['name']} {json.dumps(call['input'], sort_keys=True, ensure_ascii=False)}"


def _text(content: str | tuple[dict[str, Any], ...]) -> str:
    return content if isinstance(content, str) else json.dumps(content, sort_keys=True)
