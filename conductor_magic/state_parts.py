"""What a run's state is made of beside its tasks, workers and conductor: spend, requests on their way, questions, news.

Values only; `fold` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conductor_magic.events import ConflictFound, Tier
from conductor_magic.lost import most_output

__all__ = [
    "NO_SPEND",
    "ConflictState",
    "Flight",
    "GuideRead",
    "Joined",
    "Notice",
    "Pause",
    "PersonEdit",
    "QuestionState",
    "Spend",
]


@dataclass(frozen=True)
class Spend:
    """Tokens and money of some requests.

    `usd` is None once a request without a known price is among them; `priced_usd` is the sum of the others, which caps
    go by.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: float | None = 0.0
    list_usd: float = 0.0
    estimated: bool = False
    priced_usd: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        total = object.__new__(Spend)
        object.__setattr__(
            total,
            "__dict__",
            {
                "requests": self.requests + other.requests,
                "input_tokens": self.input_tokens + other.input_tokens,
                "output_tokens": self.output_tokens + other.output_tokens,
                "cache_read_tokens": self.cache_read_tokens + other.cache_read_tokens,
                "cache_write_tokens": self.cache_write_tokens + other.cache_write_tokens,
                "usd": None if self.usd is None or other.usd is None else self.usd + other.usd,
                "list_usd": self.list_usd + other.list_usd,
                "estimated": self.estimated or other.estimated,
                "priced_usd": self.priced_usd + other.priced_usd,
            },
        )
        return total

    @property
    def tokens(self) -> int:
        """All tokens, in and out, cached or not."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


NO_SPEND = Spend()


@dataclass(frozen=True, slots=True)
class Pause:
    """All requests wait for the provider: from when and until when by the run's clock, and what it said."""

    since: float
    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class Flight:
    """A request under way: who asked, the most that it can cost (None: no price is known) and use, when it left.

    `reply_tokens` and `reply_usd` are the reply's parts of that; the latter is None where the record does not tell.
    """

    by: str
    usd: float | None = None
    tokens: int = 0
    at: float = 0.0
    reply_tokens: int = 0
    reply_usd: float | None = None

    def lost(self, alone: float | None) -> tuple[float, int]:
        """USD and tokens that it may have been billed, when nobody listened from this moment on (None: not known)."""
        if alone is None or self.usd is None or self.reply_usd is None or not self.reply_tokens:
            return self.usd or 0.0, self.tokens
        spared = self.reply_tokens - most_output(self.reply_tokens, alone - self.at)
        return self.usd - self.reply_usd * spared / self.reply_tokens, self.tokens - spared


@dataclass(frozen=True, slots=True)
class GuideRead:
    """A guide that the conductor read, about how many tokens it took, and the number of the record that says so."""

    name: str
    tokens: int
    seq: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the conductor is to learn; `wakes` = at once, not only when all work has drained.

    `text` of a `conflict` is its id, of a `budget` its unit; `resumed`, `capped` (a tier) and `budget` (nearly spent)
    are about the run, not about a task.
    """

    about: Literal["completed", "failed", "cancelled", "edited", "conflict", "resumed", "capped", "budget"]
    task: str
    text: str
    wakes: bool
    at: float


@dataclass(frozen=True, slots=True)
class PersonEdit:
    """A person's edit of a task that can be taken back: the record `seq`, and what was there before.

    `tier` is the one before (None: it did not change); `added` and `removed` are what is waited for since, and no more.
    """

    seq: int
    task: str
    text: str
    tier: Tier | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Another one who waits for an answer: the worker, its task, since when."""

    by: str
    task: str
    at: float


@dataclass(frozen=True)
class QuestionState:
    """A question and, once there, its answers by question text.

    `defaults`: those that took their default while others were answered; `call`: the call that waits for it; `joined`:
    whose calls do besides; `conflict`: the one that it is about.
    """

    id: str
    ask: tuple[Mapping[str, Any], ...]
    about: str
    by: str
    task: str | None
    asked: float
    answered: float | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    answered_by: str = ""
    defaults: tuple[str, ...] = ()
    call: str | None = None
    joined: tuple[Joined, ...] = ()
    conflict: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks whose work waits for the answer."""
        return (*((self.task,) if self.task else ()), *(one.task for one in self.joined))

    @property
    def said(self) -> dict[str, str]:
        """The answers as text by question: a label or own words as they are, several as JSON."""
        return {
            asked: given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            for asked, given in self.answers.items()
        }

    def since(self, worker: str) -> float | None:
        """When this worker began to wait for the answer; None when it never did."""
        if self.by == worker:
            return self.asked
        return next((one.at for one in self.joined if one.by == worker), None)


@dataclass(frozen=True)
class ConflictState:
    """Versions of one file that collided.

    `wanted`: who said that a task is to merge them, and in `note`, how; `told`: the record with which the conductor
    learnt it, 0 before.
    """

    id: str
    event: ConflictFound
    found: float
    wanted: str = ""
    note: str = ""
    told: int = 0
    resolved: float | None = None
    by: str = ""
    how: str = ""
