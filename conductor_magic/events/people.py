"""Questions and permissions: what people are asked and what they allow."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from conductor_magic.events.base import Event, Json

__all__ = [
    "PermissionDecided",
    "PermissionGranted",
    "QuestionAnswered",
    "QuestionAsked",
    "QuestionJoined",
]


class QuestionAsked(Event, kind="question.asked"):
    """The conductor (`scope`) or a worker's call (`permission`) waits for an answer; `ask` as in AskUserQuestion.

    `conflict`: the one that the engine asks about.
    """

    question: str
    ask: tuple[Json, ...]
    about: Literal["scope", "permission"] = "scope"
    by: str = "conductor"
    task: str | None = None
    call: str | None = None
    conflict: str = ""


class QuestionJoined(Event, kind="question.joined"):
    """Another worker's call waits for the answer to an open question, which is the same."""

    question: str
    by: str
    task: str | None = None
    call: str | None = None


class QuestionAnswered(Event, kind="question.answered"):
    """The answers, by question text: a label, several, or free text.

    `defaults`: the questions among them that nobody answered, when `by` is `answers and defaults`.
    """

    question: str
    answers: dict[str, Any]
    by: str
    defaults: tuple[str, ...] = ()


class PermissionDecided(Event, kind="permission.decided"):
    """The gate's verdict on one call: which rule, and who."""

    call: str
    decision: Literal["allow", "deny"]
    rule: str
    by: str


class PermissionGranted(Event, kind="permission.granted"):
    """From now on, for this run, exactly this string, site or path is allowed.

    `bound`: path -> sha256 of the files that a command names; the grant holds while they are so.
    """

    scope: Literal["command", "site", "path"]
    what: str
    by: str
    bound: dict[str, str] = Field(default_factory=dict)
