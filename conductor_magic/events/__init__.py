"""Every event that a run can record: what happened, in the past tense, with all that is needed to fold it.

An event is a frozen value without time or place. The journal gives it both: a `Record` is an event with its
gap-free sequence number and the moment it was written. State, board, result, report and replay are folds of records.

Words used in the fields: `task` "1", "2" …; `worker` "w1", "w2" … (one attempt at one task); `request` "r1" … (one
attempt at one API call); `call` "c1" … (one tool call); `question` "q1" …; `by` is who did it: `conductor`, `person`,
`engine`, `worker`, `answers` (the `--answers` dict) or `default`. Money is USD, sizes are bytes, times are seconds.

A kind that this version does not know (written by a newer one) is kept as `Unknown` and folded as a no-op.
"""

from __future__ import annotations

from conductor_magic.events.base import (
    FORMAT,
    KINDS,
    Cause,
    Event,
    Json,
    Outcome,
    Record,
    Tier,
    Unknown,
    dump,
    dump_json,
    parse,
    parse_json,
)
from conductor_magic.events.conductor import (
    ConductorFailed,
    ConductorSlept,
    ConductorStarted,
    ConductorTold,
    ConductorTurn,
    ContextCompacted,
)
from conductor_magic.events.people import (
    PermissionDecided,
    PermissionGranted,
    QuestionAnswered,
    QuestionAsked,
)
from conductor_magic.events.run import (
    BudgetWarned,
    CancelRequested,
    CapReached,
    HostJoined,
    HostLost,
    Milestone,
    ModelsResolved,
    RunEnded,
    RunNoted,
    RunResumed,
    RunStarted,
)
from conductor_magic.events.tasks import (
    EditUndone,
    TaskCancelled,
    TaskCreated,
    TaskDeleted,
    TaskEdited,
    TaskLaunched,
    TaskRejected,
    TaskSkipped,
)
from conductor_magic.events.traffic import (
    ArtifactSaved,
    ConflictFound,
    ConflictResolved,
    FileChanged,
    LimiterPaused,
    RequestEnded,
    RequestFailed,
    RequestSent,
    ToolEnded,
    ToolRefused,
    ToolStarted,
)
from conductor_magic.events.workers import (
    WorkerEnded,
    WorkerStalled,
    WorkerStarted,
    WorkerStopping,
    WorkerTold,
    WorkerTurn,
)

__all__ = [
    "FORMAT",
    "KINDS",
    "ArtifactSaved",
    "BudgetWarned",
    "CancelRequested",
    "CapReached",
    "Cause",
    "ConductorFailed",
    "ConductorSlept",
    "ConductorStarted",
    "ConductorTold",
    "ConductorTurn",
    "ConflictFound",
    "ConflictResolved",
    "ContextCompacted",
    "EditUndone",
    "Event",
    "FileChanged",
    "HostJoined",
    "HostLost",
    "Json",
    "LimiterPaused",
    "Milestone",
    "ModelsResolved",
    "Outcome",
    "PermissionDecided",
    "PermissionGranted",
    "QuestionAnswered",
    "QuestionAsked",
    "Record",
    "RequestEnded",
    "RequestFailed",
    "RequestSent",
    "RunEnded",
    "RunNoted",
    "RunResumed",
    "RunStarted",
    "TaskCancelled",
    "TaskCreated",
    "TaskDeleted",
    "TaskEdited",
    "TaskLaunched",
    "TaskRejected",
    "TaskSkipped",
    "Tier",
    "ToolEnded",
    "ToolRefused",
    "ToolStarted",
    "Unknown",
    "WorkerEnded",
    "WorkerStalled",
    "WorkerStarted",
    "WorkerStopping",
    "WorkerTold",
    "WorkerTurn",
    "dump",
    "dump_json",
    "parse",
    "parse_json",
]
