"""The conductor's turns, and what it is told."""

from __future__ import annotations

from typing import Literal

from conductor_magic.events.base import Cause, Event, Json

__all__ = [
    "ConductorFailed",
    "ConductorHeard",
    "ConductorSlept",
    "ConductorStalled",
    "ConductorStarted",
    "ConductorTold",
    "ConductorTurn",
    "ContextCompacted",
]


class ConductorStarted(Event, kind="conductor.started"):
    """The conductor took the stand: its exact system prompt, tools and first message, and the guides it was offered.

    `schema_bytes`: of the tools' definitions as JSON; 0 in a record of a version that did not tell.
    """

    model: str
    system: str
    tools: tuple[str, ...]
    prompt: str
    guides: tuple[str, ...] = ()
    schema_bytes: int = 0


class ConductorTurn(Event, kind="conductor.turn"):
    """A whole reply of the conductor."""

    request: str
    content: tuple[Json, ...]
    stop: str


class ConductorSlept(Event, kind="conductor.slept"):
    """The conductor ended its turn; `text` is its last word, None where the turn gave none on purpose.

    Of a word that was cut short it is what there was, and says so.
    """

    text: str | None


class ConductorTold(Event, kind="conductor.told"):
    """A message of ours to the conductor: the notices up to `until` (a count), in one text.

    `unlaunched` and `unread`: the tasks that it is reminded of, because nobody launched them or read their reports.
    """

    text: str
    about: Literal["notices", "value", "repair", "reminder"] = "notices"
    until: int = 0
    unlaunched: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class ConductorFailed(Event, kind="conductor.failed"):
    """The conductor cannot go on; `text` is what there is of an answer that breaks off here, None where nothing is."""

    error: str
    cause: Cause = "api"
    text: str | None = None


class ConductorStalled(Event, kind="conductor.stalled"):
    """Nothing has been heard of the conductor's model for long, `detail` says how long."""

    detail: str


class ConductorHeard(Event, kind="conductor.heard"):
    """The conductor's model, which had been silent, is heard again."""


class ContextCompacted(Event, kind="context.compacted"):
    """The conversation of the conductor or a worker was replaced by a shorter one; sizes in tokens, `after` estimated.

    `messages` is that conversation, exactly as it goes on. `summary` is the model's own note, written before (`note`)
    or by its provider (`provider`); a compaction that the provider's refusal called for has none (`record`).
    """

    by: str
    before: int
    after: int
    summary: str
    kept: tuple[str, ...] = ()
    messages: tuple[Json, ...] = ()
    how: Literal["note", "provider", "record"] = "record"
