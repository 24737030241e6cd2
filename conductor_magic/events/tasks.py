"""The task graph: tasks created, edited, launched and taken out."""

from __future__ import annotations

from pydantic import Field

from conductor_magic.events.base import Event, Json, Tier

__all__ = [
    "EditUndone",
    "TaskCancelled",
    "TaskCreated",
    "TaskDeleted",
    "TaskEdited",
    "TaskLaunched",
    "TaskRejected",
    "TaskSkipped",
]


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
    by: str = "conductor"


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
    """`conductor`, `person`, or `undo`: it takes back a person's edit."""

    @property
    def words(self) -> str:
        """What it changes, for a person or a model to read."""
        said = [f"it is {self.tier} now"] if self.tier else []
        said += [f"it waits for #{blocker}" for blocker in self.add_blocked_by]
        said += [f"it waits no longer for #{blocker}" for blocker in self.remove_blocked_by]
        fields = ("subject", "description", "active_form", "phase", "reason", "owner", "metadata", "comment")
        changed = [name.replace("_", " ") for name in fields if getattr(self, name) is not None]
        return ", ".join([*said, *([f"changed: {' and '.join(changed)}"] if changed else [])])


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
