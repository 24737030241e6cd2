"""What still fits under the caps of a run, a tier, a worker: decided from the state, before anything is sent. Pure.

A request is let go when its worst case fits under every cap that binds who asks: what was spent, what may have been
billed and what is reserved for requests in flight is counted first. What does not fit waits for reservations to come
back, then shrinks, and is not sent at all when even that is too much. So no cap is ever exceeded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from conductor_magic.events import TIERS, CapReached, Tier
from conductor_magic.plain import plain
from conductor_magic.state import Flight, RunState, WorkerState

__all__ = [
    "Ask",
    "Cap",
    "Over",
    "Send",
    "Unit",
    "Wait",
    "amount",
    "call_cap",
    "fitting",
    "held_amount",
    "held_text",
    "reached",
    "run_caps",
    "tier_caps",
    "used",
]

Unit = Literal["usd", "tokens", "turns", "calls", "seconds"]
_COUNTED: tuple[Unit, ...] = get_args(Unit)[:4]
"""All but time."""

_TOLD = {"usd": 0.005, "tokens": 500.0, "turns": 1.0}
"""From so much on, a person is told what is held."""

_LEAST_OUTPUT = 512
"""Tokens; a reply that may be no longer says nothing."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap that binds somebody, and how much of it is taken.

    Attributes:
        scope: `run`, a tier, or `worker`.
        unit: what is counted.
        limit: the cap.
        taken: what was used, what may have been billed, and what is reserved for requests in flight.
        waits: requests are in flight whose reservation may come back.
        held: the part of `taken` that nobody counted, but that may have been billed.
    """

    scope: str
    unit: Unit
    limit: float
    taken: float
    waits: bool = False
    held: float = 0.0

    @property
    def left(self) -> float:
        """What still fits."""
        return self.limit - self.taken

    @property
    def text(self) -> str:
        """What a person and a model are told when it is reached."""
        if (self.scope, self.unit) == ("run", "usd"):
            spent = f"The budget of {amount('usd', self.limit)} is spent: the next step could cost more than is left."
            return f"{spent}{held_text('usd', self.held)}"
        whose = {"run": "The run's cap", "worker": "A worker's cap"}.get(
            self.scope, f"The cap of all {self.scope} workers"
        )
        rest = "the next step could take more than is left" if self.left > 0 else "nothing is left"
        cap = f"{whose} of {amount(self.unit, self.limit)} ({self.scope}.{self.unit})"
        return f"{cap} is reached: {rest}.{held_text(self.unit, self.held)}"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that somebody wants to send.

    Attributes:
        by: `conductor` or a worker's id.
        bound: the most tokens that its prompt can have.
        max_tokens: the most that its reply may have.
        worst: `max_tokens` -> the most that it can cost in USD; None when no price is known.
        largest: USD -> the largest `max_tokens` whose worst case fits.
    """

    by: str
    bound: int
    max_tokens: int
    worst: Callable[[int], float | None]
    largest: Callable[[float], int]


@dataclass(frozen=True, slots=True)
class Send:
    """It may go, with this `max_tokens`."""

    max_tokens: int


@dataclass(frozen=True, slots=True)
class Wait:
    """It may fit when a request in flight has come back."""


@dataclass(frozen=True, slots=True)
class Over:
    """It does not fit under this cap any more."""

    cap: Cap
    text: str


def amount(unit: str, number: float) -> str:
    """`$2`, `$0.1`, `500,000 tokens`, `60 turns`, `300 tool calls`, `90 s`."""
    match unit:
        case "usd":
            return f"${plain(number, ',')}"
        case "seconds":
            return f"{plain(number, ',')} s"
        case _:
            name = "tool calls" if unit == "calls" else unit
            return f"{number:,.0f} {name if number != 1 else name.removesuffix('s')}"


def held_amount(unit: str, held: float) -> str:
    """What may have been billed beside what was counted, in two digits; empty where that is little."""
    return "" if held < _TOLD.get(unit, math.inf) else amount(unit, float(f"{held:.2g}"))


def held_text(unit: str, held: float) -> str:
    """The same as a sentence, after a blank."""
    most = held_amount(unit, held)
    if not most:
        return ""
    was = "was" if unit == "usd" or held == 1 else "were"
    return f" Of it, up to {most} {was} not counted, but may have been billed for replies that broke off."


def fitting(state: RunState, ask: Ask) -> Send | Wait | Over:
    """Whether a request fits under every cap that binds who asks."""
    caps = [cap for cap in _binding(state, ask.by) if cap.unit in ("usd", "tokens", "turns")]
    for cap in caps:
        if cap.unit == "usd" and ask.worst(0) is None:
            return Over(cap, f"Its model has no known price, so the cap of {amount('usd', cap.limit)} cannot be kept.")
    tight = [cap for cap in caps if _needs(cap, ask) > cap.left]
    least = min(_LEAST_OUTPUT, ask.max_tokens)
    for cap in tight:
        if not cap.waits and _largest(cap, ask) < least:
            return Over(cap, cap.text)
    if any(cap.waits for cap in tight):
        return Wait()
    return Send(min([ask.max_tokens, *(_largest(cap, ask) for cap in tight)]))


def call_cap(state: RunState, by: str) -> Cap | None:
    """The cap of tool calls that another call of the asker would exceed; None where it fits."""
    return next((cap for cap in _binding(state, by) if cap.unit == "calls" and cap.left < 1), None)


def reached(state: RunState, cap: Cap, text: str = "") -> CapReached | None:
    """The record that a cap is reached; None when it is there already, or when it concerns one worker only."""
    tier: Tier | None = next((tier for tier in TIERS if tier == cap.scope), None)
    if cap.scope == "worker" or (state.cap if tier is None else tier in state.capped):
        return None
    name = "budget" if tier is None and cap.unit == "usd" else cap.unit
    return CapReached(cap=name, tier=tier, text=text or cap.text)


def run_caps(state: RunState) -> list[Cap]:
    """The caps of the run as a whole that have an end to come to, but for its time."""
    return _caps(state, "run", [state])


def tier_caps(state: RunState, tier: Tier) -> list[Cap]:
    """The caps of all workers of a tier together, but for their time."""
    return _caps(state, tier, _of_tier(state, tier))


def used(state: RunState, unit: Unit, tier: Tier | None = None) -> float:
    """What the run, or all workers of a tier, have used, and what may have been billed; not what is reserved."""
    return _used(unit, [state] if tier is None else _of_tier(state, tier))


# --- what binds whom -----------------------------------------------------------------------------------------------


def _binding(state: RunState, by: str) -> list[Cap]:
    """The caps that bind the conductor (the run's) or a worker (also its tier's and its own)."""
    caps = run_caps(state)
    worker = state.workers.get(by)
    if worker is None or not state.caps:
        return caps
    return [*caps, *tier_caps(state, worker.tier), *_caps(state, "worker", [worker])]


def _of_tier(state: RunState, tier: Tier) -> list[WorkerState]:
    return [worker for worker in state.workers.values() if worker.tier == tier]


def _caps(state: RunState, scope: str, holders: Sequence[RunState | WorkerState]) -> list[Cap]:
    """The caps of a scope, whose spending is that of these workers, or the run's."""
    whole = scope == "run"
    limits: dict[Unit, float] = {
        unit: limit for unit in _COUNTED if (limit := state.caps.get(f"{scope}.{unit}")) is not None
    }
    if whole and state.budget is not None:
        limits = {"usd": state.budget, **limits}
    if not limits:
        return []
    names = {holder.id for holder in holders if isinstance(holder, WorkerState)}
    flights = [flight for flight in state.in_flight.values() if whole or flight.by in names]
    return [
        Cap(
            scope,
            unit,
            limit,
            _used(unit, holders) + _reserved(unit, flights),
            waits=bool(flights),
            held=_held(unit, holders),
        )
        for unit, limit in limits.items()
    ]


def _used(unit: Unit, holders: Sequence[RunState | WorkerState]) -> float:
    match unit:
        case "usd":
            counted = sum(holder.spend.priced_usd for holder in holders)
        case "tokens":
            counted = sum(holder.spend.tokens for holder in holders)
        case "turns":
            counted = sum(holder.spend.requests for holder in holders)
        case _:
            counted = sum(holder.made if isinstance(holder, WorkerState) else holder.calls for holder in holders)
    return counted + _held(unit, holders)


def _held(unit: Unit, holders: Sequence[RunState | WorkerState]) -> float:
    match unit:
        case "usd":
            return sum(holder.held for holder in holders)
        case "tokens":
            return sum(holder.held_tokens for holder in holders)
        case "turns":
            return sum(holder.lost for holder in holders)
        case _:
            return 0.0


def _reserved(unit: Unit, flights: list[Flight]) -> float:
    match unit:
        case "usd":
            return sum(flight.usd or 0.0 for flight in flights)
        case "tokens":
            return sum(flight.tokens for flight in flights)
        case "turns":
            return len(flights)
        case _:
            return 0.0


def _needs(cap: Cap, ask: Ask) -> float:
    match cap.unit:
        case "usd":
            return ask.worst(ask.max_tokens) or 0.0
        case "tokens":
            return ask.bound + ask.max_tokens
        case _:
            return 1.0


def _largest(cap: Cap, ask: Ask) -> int:
    """The largest `max_tokens` that fits under the cap."""
    match cap.unit:
        case "usd":
            return ask.largest(cap.left)
        case "tokens":
            return int(cap.left) - ask.bound
        case _:
            return ask.max_tokens if cap.left >= 1 else 0
