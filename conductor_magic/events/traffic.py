"""What goes in and out: requests to the model, tool calls, artifacts, files."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from conductor_magic.events.base import Event, Json

__all__ = [
    "ArtifactSaved",
    "ConflictFound",
    "ConflictResolved",
    "FileChanged",
    "LimiterPaused",
    "MergeWanted",
    "RequestEnded",
    "RequestFailed",
    "RequestSent",
    "ToolEnded",
    "ToolRefused",
    "ToolStarted",
]


class RequestSent(Event, kind="request.sent"):
    """An attempt at an API call leaves; `reserved` USD is its worst case, None when the price is unknown.

    `reserved_tokens`: the most tokens that it can use, prompt and reply; `reply_usd`: the part of `reserved` that a
    reply of `max_tokens` has, None where that is not known.
    """

    request: str
    by: str
    model: str
    attempt: int = 1
    max_tokens: int = 0
    reserved: float | None = Field(default=None, ge=0)
    reserved_tokens: int = Field(default=0, ge=0)
    reply_usd: float | None = Field(default=None, ge=0)


class RequestEnded(Event, kind="request.ended"):
    """The reply came whole: what it used and cost. `list_usd` is the list price where `usd` is not charged."""

    request: str
    by: str
    model: str
    stop: str
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cache_read_tokens: int = Field(default=0, ge=0)
    cache_write_tokens: int = Field(default=0, ge=0)
    usd: float | None = Field(default=None, ge=0)
    list_usd: float | None = Field(default=None, ge=0)
    estimated: bool = False
    seconds: float = 0.0
    aside: bool = False
    """A question beside the asker's conversation (about a page): it costs, and is no measure of its context."""
    held_tokens: int = Field(default=0, ge=0)
    """Tokens that stay counted against caps, where the server did not say how many it used."""


class RequestFailed(Event, kind="request.failed"):
    """The attempt failed. `held` USD and `held_tokens` may have been billed all the same and stay counted.

    `retry_in`: seconds after which it is made again at the soonest; None where that is not known, or it is not.
    """

    request: str
    by: str
    model: str
    reason: str
    error: str
    status: int | None = None
    retry_in: float | None = None
    held: float | None = Field(default=None, ge=0)
    held_tokens: int = Field(default=0, ge=0)
    seconds: float = 0.0


class LimiterPaused(Event, kind="request.paused"):
    """All requests wait: the provider asked for it."""

    seconds: float
    reason: str


class ToolStarted(Event, kind="tool.started"):
    """A call is about to have its effect; `by` is the worker's id or `conductor`."""

    call: str
    by: str
    name: str
    input: Json
    use: str = ""
    repeatable: bool = True


class ToolEnded(Event, kind="tool.ended"):
    """The call's result as the model is told it."""

    call: str
    by: str
    name: str
    content: str | tuple[Json, ...]
    is_error: bool = False
    use: str = ""
    seconds: float = 0.0


class ToolRefused(Event, kind="tool.refused"):
    """A call that was not run: the request did not carry the tool, or the arguments do not fit."""

    by: str
    name: str
    why: str
    use: str = ""


class ArtifactSaved(Event, kind="artifact.saved"):
    """A worker handed something to the notebook; `path` is where it lies in the run's folder.

    Earlier versions recorded where that was on the disk, and a stranger's record may name any file: only the file's
    name is believed.
    """

    name: str
    task: str
    worker: str
    mime: str
    path: str
    size: int
    sha256: str
    shape: tuple[int, ...] | None = None

    @property
    def file(self) -> str:
        """Its name in the run's `artifacts` folder, wherever that lies by now."""
        return PurePosixPath(self.path).name or "_"

    def is_of(self, run: str) -> bool:
        """Whether the path is one that this run's recorder wrote."""
        parts = PurePosixPath(self.path).parts
        return parts[-2:-1] == ("artifacts",) and ".." not in parts and parts[-3:-2] in ((), (run,))


class FileChanged(Event, kind="file.changed"):
    """A worker made or changed a file of the workspace.

    `sure` is false when commands of several tasks ran at the time, and this one is the likeliest.
    """

    path: str
    task: str
    worker: str
    action: Literal["created", "edited"]
    before: str | None = None
    after: str = ""
    sure: bool = True


class ConflictFound(Event, kind="file.conflict"):
    """Versions of one file collided: what an earlier one had changed is not in the last one, which is in place.

    `diffs`, `who` and `kept` go together: each version's difference from what they began from, whose it is, and the
    path where it is kept (empty when it is not). `base` is the path of what they began from. `sure` is false when it
    may be that one task only wrote its own file twice. `shas`: the sha256 of each version, in hex, empty where there is
    none: what is kept of it is without secrets.
    """

    path: str
    tasks: tuple[str, ...]
    diffs: tuple[str, ...]
    conflict: str = ""
    who: tuple[str, ...] = ()
    base: str = ""
    kept: tuple[str, ...] = ()
    sure: bool = True
    shas: tuple[str, ...] = ()


class MergeWanted(Event, kind="file.merge_wanted"):
    """A task is to merge the versions of a conflict: a person said so (`person`), or nobody said otherwise.

    `note` is what the person said beyond that, for the conductor.
    """

    conflict: str
    by: str
    note: str = ""


class ConflictResolved(Event, kind="file.conflict_resolved"):
    """Who settled the conflict, and how."""

    path: str
    by: str
    how: str
    conflict: str = ""
