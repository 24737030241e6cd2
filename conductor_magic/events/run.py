"""The run itself, from its first record to its last, and the hosts that its workers run on."""

from __future__ import annotations

from typing import Any, Literal

from conductor_magic.events.base import FORMAT, Event, Json, Tier

__all__ = [
    "BudgetWarned",
    "CancelRequested",
    "CapReached",
    "HostJoined",
    "HostLost",
    "Milestone",
    "ModelsResolved",
    "RunEnded",
    "RunNoted",
    "RunResumed",
    "RunStarted",
]


class RunStarted(Event, kind="run.started"):
    """First record: everything that the run was asked to do and what it runs on.

    `caps`: caps beyond budget and timeout, as `worker.usd`, `opus.tokens`, `run.calls`.
    """

    run: str
    goal: str
    format: int = FORMAT
    version: str = ""
    guide: str | None = None
    strategy: str = "balanced"
    provider: str = "rehearsal"
    provider_note: str = ""
    workers: int = 8
    mode: str = "workspace"
    budget: float | None = None
    timeout: float | None = None
    caps: dict[str, float] = {}
    workspace: str = ""
    returns: Json | None = None
    variables: tuple[Json, ...] = ()
    isolation: str = "none"
    isolation_note: str = ""
    prices_date: str = ""
    context_window: int = 200_000
    expected: dict[str, float] = {}
    parent: str | None = None


class ModelsResolved(Event, kind="run.models"):
    """Which model id stands behind each tier from now on, and who said so (`models.list`, `offline`, `override` …).

    `standin`: the server did not know one of the former models. `usd`: what a task of each tier usually costs at
    today's prices, where that is known; forecasts begin with it. `prices`: model id -> its steps, each (prompt tokens
    above which it holds, then USD per million tokens of input, output, cache read and cache write); a model without a
    known price is left out.
    """

    tiers: dict[str, str]
    source: str
    usd: dict[str, float] = {}
    prices: dict[str, tuple[tuple[float, ...], ...]] = {}


class RunNoted(Event, kind="run.noted"):
    """Something a person should know about the run (a fallback, a repaired tail), in one sentence."""

    text: str
    level: Literal["info", "warning"] = "info"


class RunResumed(Event, kind="run.resumed"):
    """A new process took the run over, after `away` seconds in which nobody drove it and the run's clock stood still.

    `workers` go on with their attempts; `tasks` wait again for a worker: those of `late` for that one, which goes on as
    soon as a desk is free. `unsure` are calls of which nobody knows whether they had their effect. `budget`, `timeout`
    and `caps` are the run's from now on, as are the mode and the walls. `alone`: the moment on the run's clock by which
    nobody listened to the replies that were under way; None where that is not known.
    """

    owner: str
    away: float = 0.0
    workers: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    alone: float | None = None
    budget: float | None = None
    timeout: float | None = None
    caps: dict[str, float] = {}
    mode: str = "workspace"
    isolation: str = "none"
    isolation_note: str = ""


class CancelRequested(Event, kind="run.cancel_requested"):
    """Someone asked the whole run to stop."""

    by: str
    reason: str = ""


class CapReached(Event, kind="run.cap_reached"):
    """A cap (`budget`, `timeout`, `tokens`, `turns`, `calls`) would be passed by the next step: nothing new starts.

    `tier`: it is the cap of that tier's workers (its `budget` is called `usd`, its time `seconds`); others go on.
    `access`: the provider takes no more requests, and nobody is there to see to it.
    """

    cap: str
    text: str
    tier: Tier | None = None


class BudgetWarned(Event, kind="run.budget_warned"):
    """The conductor is to learn that a cap of the run, or of a `tier`, is nearly reached: `share` of it is used.

    `usd` and `budget` are what is used and the cap, counted in `unit` (`usd`, `tokens`, `turns`, `calls`, `seconds`).
    """

    usd: float
    budget: float
    unit: str = "usd"
    share: float = 0.8
    tier: Tier | None = None


class Milestone(Event, kind="run.milestone"):
    """A phase, or the whole run, completed."""

    scope: Literal["phase", "run"]
    name: str


class RunEnded(Event, kind="run.ended"):
    """Last record of a run that ended."""

    status: Literal["completed", "partial", "failed", "cancelled", "planned"]
    answer: str = ""
    value: Any = None
    reason: str = ""


class HostJoined(Event, kind="host.joined"):
    """A place where workers run was added."""

    host: str
    slots: int


class HostLost(Event, kind="host.lost"):
    """A place where workers run is gone, with these workers."""

    host: str
    workers: tuple[str, ...] = ()
