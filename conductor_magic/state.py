"""The state of a run: what a fold of its records gives. Values only; `fold` moves them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from conductor_magic.events import (
    ArtifactSaved,
    CapReached,
    Cause,
    FileChanged,
    Outcome,
    Record,
    RunStarted,
    Tier,
    WorkerWaits,
)
from conductor_magic.lifecycle import TaskStatus
from conductor_magic.plan import Graph
from conductor_magic.state_parts import (
    NO_SPEND,
    ConflictState,
    Flight,
    GuideRead,
    Joined,
    Notice,
    Pause,
    PersonEdit,
    QuestionState,
    Spend,
)

__all__ = [
    "ConductorState",
    "ConflictState",
    "Draft",
    "Flight",
    "GuideRead",
    "Joined",
    "Notice",
    "Pause",
    "PersonEdit",
    "QuestionState",
    "RunState",
    "Spend",
    "TaskState",
    "WorkerState",
    "replace",
]

_T = TypeVar("_T")


def replace(state: _T, **changes: Any) -> _T:
    """The state, or a part of it, with these fields changed: `dataclasses.replace` in a fraction of its time.

    A fold does little else. So what it changes keeps its fields in a dict (no slots), which is copied as a whole; a
    `Draft` is changed itself.

    Raises:
        TypeError: there is no such field.
    """
    before = state.__dict__
    known = len(before)
    if type(state) is Draft:
        after, fields = state, before
        fields.update(changes)
    else:
        after, fields = object.__new__(type(state)), before | changes
        object.__setattr__(after, "__dict__", fields)
    if len(fields) != known:
        raise TypeError(f"{type(state).__name__} has no such field: {', '.join(changes)}")
    return after


@dataclass(frozen=True)
class TaskState:
    """One task. `prompt` is what the conductor wrote; what a worker was sent is on the worker.

    `reason_for`: the tier that `reason` was given with, None when none was named; `replaced_by`: the tasks that took
    its place; `left_waiting`: those that waited for it when they did; `late`: the worker that goes on with it as soon
    as a desk is free; empty when another attempt begins then.
    """

    id: str
    subject: str
    description: str
    status: TaskStatus = "ready"
    active_form: str = ""
    phase: str = ""
    tier: Tier = "sonnet"
    reason: str = ""
    reason_for: Tier | None = None
    blocked_by: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    comments: tuple[str, ...] = ()
    launched: int = 0
    launched_seq: int = 0
    prompt: str = ""
    subagent: str = "general-purpose"
    notify: bool = False
    attempts: tuple[str, ...] = ()
    late: str = ""
    output: str = ""
    value: Any = None
    artifacts: tuple[str, ...] = ()
    error: str = ""
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    deleted: bool = False
    replaced_by: tuple[str, ...] = ()
    left_waiting: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Nothing more will happen to it unless somebody acts."""
        return self.status in ("completed", "failed", "cancelled", "skipped")


@dataclass(frozen=True)
class WorkerState:
    """One attempt at one task. `log` holds its turns, tool results and messages in order; `calls` run now.

    `waits`: the calls among them that wait until another worker is done with a file. `with_run`: it ended only because
    the run did; `breaks`: from such an end to when it went on, each. `stopping`: why it was told to stop, `stopped_by`
    whom. `stalled`: in which way it makes no progress; `silent`: nothing is heard of its model. `made`: how many calls
    it has made. `held` and `held_tokens`: what requests of it that nobody counted may have cost and used; `lost`: how
    many of those broke off.
    """

    id: str
    task: str
    attempt: int
    desk: int
    tier: Tier
    model: str
    prompt: str
    started: float
    expected: float = 0.0
    reason: str = ""
    system: str = ""
    tools: tuple[str, ...] = ()
    ended: float | None = None
    outcome: Outcome | None = None
    cause: Cause = ""
    error: str = ""
    output: str = ""
    stopping: str = ""
    stopped_by: str = ""
    with_run: bool = False
    breaks: tuple[tuple[float, float], ...] = ()
    stalled: str = ""
    silent: bool = False
    log: tuple[Record, ...] = ()
    calls: Mapping[str, Record] = field(default_factory=dict)
    waits: Mapping[str, WorkerWaits] = field(default_factory=dict)
    last_tool: Record | None = None
    made: int = 0
    spend: Spend = NO_SPEND
    held: float = 0.0
    held_tokens: int = 0
    lost: int = 0
    context_tokens: int = 0
    peak_tokens: int = 0


@dataclass(frozen=True)
class ConductorState:
    """Where the conductor stands: `waiting` (not begun), `thinking`, `asking`, `sleeping`, `failed`.

    `told` and `answered`: how many notices it has had, and had when it last gave an answer; `reminded` and `nudged`:
    tasks that it was told nobody launched, and whose reports it was told to be unread; `contexts`: the moment and the
    size of its context after each of its requests; `offered`: the guides that there are, `guides`: those that it read;
    `silent`: how long nothing was heard of its model, in words.
    """

    status: Literal["waiting", "thinking", "asking", "sleeping", "failed"] = "waiting"
    model: str = ""
    system: str = ""
    prompt: str = ""
    tools: tuple[str, ...] = ()
    turns: int = 0
    answer: str = ""
    error: str = ""
    log: tuple[Record, ...] = ()
    told: int = 0
    answered: int = 0
    silent: str = ""
    reminded: tuple[str, ...] = ()
    nudged: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    guides: tuple[GuideRead, ...] = ()
    spend: Spend = NO_SPEND
    context_tokens: int = 0
    peak_tokens: int = 0
    contexts: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True)
class RunState:
    """Everything known of a run after its record `seq`.

    `caps`: beyond the budget and the time limit, as in `run.started`; `capped`: tiers whose cap is reached; `warned`:
    unit, or tier and unit -> the share of that cap that the conductor was last told of; `usual_usd`: what a task of a
    tier costs; `paused`: the latest wait that the provider asked for, as long as no request has left since,
    `waits`: those before, from when to when.
    """

    seq: int = 0
    at: float = 0.0
    started: RunStarted | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    pauses: tuple[tuple[float, float], ...] = ()
    status: str = "running"
    answer: str = ""
    value: Any = None
    end_reason: str = ""
    tiers: Mapping[str, str] = field(default_factory=dict)
    tiers_source: str = ""
    tasks: Mapping[str, TaskState] = field(default_factory=dict)
    ids_used: int = 0
    keys: Mapping[str, str] = field(default_factory=dict)
    workers: Mapping[str, WorkerState] = field(default_factory=dict)
    conductor: ConductorState = ConductorState()
    notices: tuple[Notice, ...] = ()
    edits: tuple[PersonEdit, ...] = ()
    questions: Mapping[str, QuestionState] = field(default_factory=dict)
    in_flight: Mapping[str, Flight] = field(default_factory=dict)
    paused: Pause | None = None
    waits: tuple[tuple[float, float], ...] = ()
    requests: int = 0
    calls: int = 0
    spend: Spend = NO_SPEND
    held: float = 0.0
    held_tokens: int = 0
    lost: int = 0
    budget: float | None = None
    caps: Mapping[str, float] = field(default_factory=dict)
    capped: Mapping[str, CapReached] = field(default_factory=dict)
    warned: Mapping[str, float] = field(default_factory=dict)
    usual_usd: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, ArtifactSaved] = field(default_factory=dict)
    files: tuple[FileChanged, ...] = ()
    milestones: tuple[Record, ...] = ()
    notes: tuple[Record, ...] = ()
    compactions: tuple[Record, ...] = ()
    grants: tuple[Record, ...] = ()
    unsure: frozenset[str] = frozenset()
    conflicts: Mapping[str, ConflictState] = field(default_factory=dict)
    tape: tuple[Record, ...] = ()
    cancelled_by: str = ""
    cap: str = ""
    cap_text: str = ""

    @property
    def graph(self) -> Graph:
        """What waits for what, deleted tasks left out."""
        return {
            task.id: tuple(blocker for blocker in task.blocked_by if not self.tasks[blocker].deleted)
            for task in self.tasks.values()
            if not task.deleted
        }

    @property
    def artifact_names(self) -> dict[str, str]:
        """Key of each artifact (`task/name`) -> its public name: plain, unless two tasks made one of that name."""
        makers: dict[str, int] = {}
        for saved in self.artifacts.values():
            makers[saved.name] = makers.get(saved.name, 0) + 1
        return {key: saved.name if makers[saved.name] == 1 else key for key, saved in self.artifacts.items()}

    @property
    def running(self) -> tuple[WorkerState, ...]:
        """Workers at their desks now, in the order they began."""
        return tuple(worker for worker in self.workers.values() if worker.outcome is None)

    @property
    def open_questions(self) -> tuple[QuestionState, ...]:
        """Questions that wait for an answer, oldest first."""
        return tuple(question for question in self.questions.values() if question.answered is None)

    @property
    def open_conflicts(self) -> tuple[ConflictState, ...]:
        """Conflicts that nobody has settled, oldest first."""
        return tuple(conflict for conflict in self.conflicts.values() if conflict.resolved is None)

    @property
    def committed(self) -> float:
        """USD spent, held for attempts that may have been billed, and reserved for requests in flight."""
        reserved = sum(flight.usd or 0.0 for flight in self.in_flight.values())
        return self.spend.priced_usd + self.held + reserved

    @property
    def plans_only(self) -> bool:
        """The run ends with its plan: no worker starts."""
        return self.started is not None and self.started.mode == "plan"

    @property
    def stopping(self) -> bool:
        """Nothing new may start: a person stopped the run or a cap was reached."""
        return bool(self.cancelled_by or self.cap)

    @property
    def halted(self) -> bool:
        """What runs is to be stopped. A cap other than the time limit lets it go on as far as its steps still fit."""
        return bool(self.cancelled_by) or self.cap in ("timeout", "access")

    def moment(self, at: float) -> float:
        """The time on the wall at a moment of the run's clock, both in epoch seconds.

        `pauses` are the moments at which the run was resumed, and for how many seconds its clock had stood still.
        """
        return at + sum(away for resumed, away in self.pauses if resumed <= at)

    @property
    def ended(self) -> bool:
        """The run's last record is there."""
        return self.ended_at is not None


class Draft(RunState):
    """A state that nobody has yet but the fold that makes it: `replace` changes it, and its `workers`, in place."""
