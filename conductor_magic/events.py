"""Every event that a run can record: what happened, in the past tense, with all that is needed to fold it.

An event is a frozen value without time or place. The journal gives it both: a `Record` is an event with its
gap-free sequence number and the moment it was written. State, board, result, report and replay are folds of records.

Words used in the fields: `task` "1", "2" …; `worker` "w1", "w2" … (one attempt at one task); `request` "r1" … (one
attempt at one API call); `call` "c1" … (one tool call); `question` "q1" …; `by` is who did it: `conductor`, `person`,
`engine`, `worker`, `answers` (the `--answers` dict) or `default`. Money is USD, sizes are bytes, times are seconds.

A kind that this version does not know (written by a newer one) is kept as `Unknown` and folded as a no-op.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticSerializationError, to_json

__all__ = ["FORMAT", "KINDS", "Event", "Record", "Unknown", "dump", "dump_json", "parse", "parse_json"]

FORMAT = 1
"""Version of the record format; a journal names it in its first record."""

Json = dict[str, Any]
Tier = Literal["haiku", "sonnet", "opus"]
Outcome = Literal["completed", "failed", "timeout", "limit", "refused", "cancelled"]
Cause = Literal["", "crash", "timeout", "limit", "refusal", "schema", "status", "api", "budget", "cancelled"]
KINDS: dict[str, type[Event]] = {}


class Event(BaseModel):
    """The base of all events; a subclass names its `kind`."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, kind: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind:
            cls.kind = kind
            KINDS[kind] = cls


class Unknown(Event):
    """An event of a kind that this version does not know; carried along unchanged."""

    name: str
    data: Json


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place (`seq`, from 1, without gaps) and moment (`at`, seconds since the epoch)."""

    seq: int
    at: float
    event: Event


def dump(event: Event) -> Json:
    """The event as JSON data, its kind first; `parse` is its inverse."""
    if isinstance(event, Unknown):
        return {"kind": event.name, **event.data}
    return {"kind": event.kind, **event.model_dump(mode="json")}


def dump_json(event: Event) -> bytes:
    """`dump` as JSON text. Half a surrogate pair, which no UTF-8 can hold, becomes a question mark.

    Raises:
        ValueError: the event holds something that JSON cannot.
    """
    try:
        fields = event.__pydantic_serializer__.to_json(event)
    except PydanticSerializationError:
        return json.dumps(dump(event), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8", "replace"
        )
    if isinstance(event, Unknown):
        return to_json(dump(event))
    head = b'{"kind":"%b"' % event.kind.encode()
    return head + (b"}" if fields == b"{}" else b"," + fields[1:])


def parse_json(event: Event, data: bytes) -> Event:
    """What `parse` makes of the event's own `dump_json`."""
    return event if isinstance(event, Unknown) else type(event).model_validate_json(data)


def parse(data: Json) -> Event:
    """The event that `dump` wrote.

    Raises:
        pydantic.ValidationError: a known kind whose fields do not fit.
    """
    fields = dict(data)
    kind = fields.pop("kind")
    event_class = KINDS.get(kind)
    if event_class is None:
        return Unknown(name=kind, data=fields)
    return event_class.model_validate(fields)


# --- the run ---------------------------------------------------------------------------------------------------------


class RunStarted(Event, kind="run.started"):
    """First record: everything that the run was asked to do and what it runs on."""

    run: str
    goal: str
    format: int = FORMAT
    version: str = ""
    guide: str | None = None
    provider: str = "rehearsal"
    provider_note: str = ""
    workers: int = 8
    mode: str = "workspace"
    budget: float | None = None
    timeout: float | None = None
    workspace: str = ""
    returns: Json | None = None
    variables: tuple[Json, ...] = ()
    isolation: str = "none"
    isolation_note: str = ""
    prices_date: str = ""
    context_window: int = 200_000
    parent: str | None = None


class ModelsResolved(Event, kind="run.models"):
    """Which model id stands behind each tier, and who said so (`models.list`, `offline`, `option` …)."""

    tiers: dict[str, str]
    source: str


class RunNoted(Event, kind="run.noted"):
    """Something a person should know about the run (a fallback, a repaired tail), in one sentence."""

    text: str
    level: Literal["info", "warning"] = "info"


class RunResumed(Event, kind="run.resumed"):
    """A new process took the run over; `lost` are the workers that were in flight."""

    owner: str
    lost: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    budget: float | None = None


class CancelRequested(Event, kind="run.cancel_requested"):
    """Someone asked the whole run to stop."""

    by: str
    reason: str = ""


class CapReached(Event, kind="run.cap_reached"):
    """A cap (`budget`, `timeout`, `tokens`, `turns`, `calls`) will be passed by the next step; nothing new starts."""

    cap: str
    text: str


class BudgetWarned(Event, kind="run.budget_warned"):
    """The conductor was told that the budget is nearly spent."""

    usd: float
    budget: float


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


# --- tasks -----------------------------------------------------------------------------------------------------------


class TaskCreated(Event, kind="task.created"):
    """A task joined the graph."""

    task: str
    subject: str
    description: str
    active_form: str = ""
    phase: str = ""
    blocked_by: tuple[str, ...] = ()
    tier: Tier | None = None
    reason: str = ""
    key: str | None = None
    metadata: Json = Field(default_factory=dict)
    replaces: str | None = None
    by: str = "conductor"


class TaskRejected(Event, kind="task.rejected"):
    """A `TaskCreate` was refused; its id is used up so that guessed ids do not shift."""

    task: str
    error: str


class TaskEdited(Event, kind="task.edited"):
    """Fields or dependencies of a task changed; fields left as None did not."""

    task: str
    subject: str | None = None
    description: str | None = None
    active_form: str | None = None
    phase: str | None = None
    tier: Tier | None = None
    reason: str | None = None
    owner: str | None = None
    metadata: Json | None = None
    add_blocked_by: tuple[str, ...] = ()
    remove_blocked_by: tuple[str, ...] = ()
    comment: str | None = None
    by: str = "conductor"


class EditUndone(Event, kind="task.edit_undone"):
    """A person took back the edit recorded at `seq`; the edits that do so follow as records of their own."""

    seq: int
    by: str = "person"


class TaskLaunched(Event, kind="task.launched"):
    """The conductor asked for the task to be worked on; it starts when its blockers are done and a slot is free."""

    task: str
    prompt: str
    tier: Tier
    reason: str = ""
    subagent: str = "general-purpose"
    notify: bool = False
    by: str = "conductor"


class TaskDeleted(Event, kind="task.deleted"):
    """The task was taken out of the graph: it blocks nothing any more and does not count against the run."""

    task: str
    by: str = "conductor"
    reason: str = ""


class TaskCancelled(Event, kind="task.cancelled"):
    """The task will not be worked on (any more)."""

    task: str
    by: str
    reason: str = ""


class TaskSkipped(Event, kind="task.skipped"):
    """The run ended without the task having been worked on."""

    task: str
    reason: str
    by: str = "engine"


# --- workers ---------------------------------------------------------------------------------------------------------


class WorkerStarted(Event, kind="worker.started"):
    """A worker took the task: one attempt, at one desk, with exactly this prompt."""

    worker: str
    task: str
    attempt: int
    desk: int
    tier: Tier
    model: str
    prompt: str
    system: str = ""
    tools: tuple[str, ...] = ()
    expected: float = 0.0
    host: str = "local"


class WorkerTurn(Event, kind="worker.turn"):
    """A whole reply of the worker's model, its blocks as the API gave them."""

    worker: str
    request: str
    content: tuple[Json, ...]
    stop: str


class WorkerTold(Event, kind="worker.told"):
    """A message of ours to the worker beyond its prompt and tool results (a repair, a reminder)."""

    worker: str
    text: str


class WorkerStopping(Event, kind="worker.stopping"):
    """The worker was told to stop; its end follows."""

    worker: str
    by: str
    reason: str


class WorkerStalled(Event, kind="worker.stalled"):
    """The worker makes no progress (`repeats`, `silence`, `nothing_new`)."""

    worker: str
    sign: str
    detail: str = ""


class WorkerEnded(Event, kind="worker.ended"):
    """The attempt is over. `final` = the rules give the task no further attempt by themselves."""

    worker: str
    task: str
    outcome: Outcome
    cause: Cause = ""
    final: bool = True
    output: str = ""
    value: Any = None
    error: str = ""


# --- requests to the model -------------------------------------------------------------------------------------------


class RequestSent(Event, kind="request.sent"):
    """An attempt at an API call leaves; `reserved` USD is its worst case, None when the price is unknown."""

    request: str
    by: str
    model: str
    attempt: int = 1
    max_tokens: int = 0
    reserved: float | None = None


class RequestEnded(Event, kind="request.ended"):
    """The reply came whole: what it used and cost. `list_usd` is the list price where `usd` is not charged."""

    request: str
    by: str
    model: str
    stop: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: float | None = None
    list_usd: float | None = None
    estimated: bool = False
    seconds: float = 0.0


class RequestFailed(Event, kind="request.failed"):
    """The attempt failed. `held` USD may have been billed all the same and stay counted against the budget."""

    request: str
    by: str
    model: str
    reason: str
    error: str
    status: int | None = None
    retry_in: float | None = None
    held: float | None = None
    seconds: float = 0.0


class LimiterPaused(Event, kind="request.paused"):
    """All requests wait: the provider asked for it."""

    seconds: float
    reason: str


# --- tools -----------------------------------------------------------------------------------------------------------


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
    """A worker handed something to the notebook; `path` is relative to the run's folder."""

    name: str
    task: str
    worker: str
    mime: str
    path: str
    size: int
    sha256: str
    shape: tuple[int, ...] | None = None


class FileChanged(Event, kind="file.changed"):
    """A worker made or changed a file of the workspace."""

    path: str
    task: str
    worker: str
    action: Literal["created", "edited"]
    before: str | None = None
    after: str = ""


class ConflictFound(Event, kind="file.conflict"):
    """Two workers changed one file; both differences are kept."""

    path: str
    tasks: tuple[str, ...]
    diffs: tuple[str, ...]


class ConflictResolved(Event, kind="file.conflict_resolved"):
    """Who settled the conflict, and how."""

    path: str
    by: str
    how: str


# --- questions and permissions ---------------------------------------------------------------------------------------


class QuestionAsked(Event, kind="question.asked"):
    """The conductor (`scope`) or a worker's tool (`permission`) waits for an answer; `ask` as in AskUserQuestion."""

    question: str
    ask: tuple[Json, ...]
    about: Literal["scope", "permission"] = "scope"
    by: str = "conductor"
    task: str | None = None
    call: str | None = None


class QuestionAnswered(Event, kind="question.answered"):
    """The answers, by question text: a label, several, or free text."""

    question: str
    answers: dict[str, Any]
    by: str


class PermissionDecided(Event, kind="permission.decided"):
    """The gate's verdict on one call: which rule, and who."""

    call: str
    decision: Literal["allow", "deny"]
    rule: str
    by: str


class PermissionGranted(Event, kind="permission.granted"):
    """From now on, for this run, exactly this string, site or path is allowed."""

    scope: Literal["command", "site", "path"]
    what: str
    by: str


# --- the conductor ---------------------------------------------------------------------------------------------------


class ConductorStarted(Event, kind="conductor.started"):
    """The conductor took the stand: its exact system prompt, tools and first message."""

    model: str
    system: str
    tools: tuple[str, ...]
    prompt: str


class ConductorTurn(Event, kind="conductor.turn"):
    """A whole reply of the conductor."""

    request: str
    content: tuple[Json, ...]
    stop: str


class ConductorSlept(Event, kind="conductor.slept"):
    """The conductor ended its turn; `text` is what it said last."""

    text: str


class ConductorTold(Event, kind="conductor.told"):
    """A message of ours to the conductor: the notices up to `until` (a count), in one text."""

    text: str
    about: Literal["notices", "value", "repair", "reminder"] = "notices"
    until: int = 0
    unlaunched: tuple[str, ...] = ()


class ConductorFailed(Event, kind="conductor.failed"):
    """The conductor cannot go on."""

    error: str
    cause: Cause = "api"


class ContextCompacted(Event, kind="context.compacted"):
    """The history of the conductor or a worker was replaced by a summary; sizes in tokens."""

    by: str
    before: int
    after: int
    summary: str
    kept: tuple[str, ...] = ()


# --- hosts -----------------------------------------------------------------------------------------------------------


class HostJoined(Event, kind="host.joined"):
    """A place where workers run was added."""

    host: str
    slots: int


class HostLost(Event, kind="host.lost"):
    """A place where workers run is gone, with these workers."""

    host: str
    workers: tuple[str, ...] = ()
