"""Every error of this package, split by who can mend it.

::

    ConductorError
    ├── ConductUsageError     the person's line, name or option is off   -> one line, nothing started
    ├── JournalDamaged        a record in the middle of a journal is not what was written
    ├── PlanError             the conductor's edit of the graph is refused -> an error result for the model
    ├── TransitionError       an event does not fit the state            -> our bug, or a foreign journal
    ├── ToolError             a tool cannot do what it was asked         -> an error result for the model
    └── ModelError            one attempt of one request failed
        ├── BrokenStream      the reply did not end well; nothing of it may be acted on
        ├── RequestRefused    the provider rejects the request as it is  -> no retry helps
        └── Unreachable       busy, overloaded, reset, timed out         -> a retry may help

What leaves the package through `%%conduct` is always one line of text; tracebacks are for our own bugs.
"""

from __future__ import annotations

__all__ = [
    "BrokenStream",
    "ConductUsageError",
    "ConductorError",
    "JournalDamaged",
    "ModelError",
    "PlanError",
    "RequestRefused",
    "ToolError",
    "TransitionError",
    "Unreachable",
]


class ConductorError(Exception):
    """The root of the tree; catch it to catch everything this package raises on purpose."""


class ConductUsageError(ConductorError):
    """A bad option, an unknown name, an empty goal: said in one line before anything has started."""


class JournalDamaged(ConductorError):
    """A whole record before the journal's tail fails its checksum or its place; the file is left as it is."""


class PlanError(ConductorError):
    """A change of the task graph that would break it (unknown id, cycle, finished task), explained."""


class TransitionError(ConductorError):
    """An event that the state it meets cannot take; names the event, the thing and its state."""


class ToolError(ConductorError):
    """A tool could not do what it was asked; the message is written for the model that called it."""


class ModelError(ConductorError):
    """One attempt of a request failed.

    Attributes:
        kind: a short stable word for the event (``overloaded``, ``rate_limited``, ``truncated`` …).
        status: the HTTP status, or None where there was none.
        retryable: whether sending the same request again may succeed.
        retry_after: seconds the server asked us to wait, or None.
        usage: tokens that the server had already reported for this attempt, as the API's own usage object.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        usage: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.usage = usage or {}


class BrokenStream(ModelError):
    """The reply's stream was cut, malformed or contradictory: no tool of it may run."""


class RequestRefused(ModelError):
    """The provider refuses this request whatever the moment (bad key, unknown model, invalid request)."""


class Unreachable(ModelError):
    """The provider could not be reached or is too busy now."""
