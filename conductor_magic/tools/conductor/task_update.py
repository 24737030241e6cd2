"""TaskUpdate: change a task's fields, dependencies or place in the graph."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import PlanError
from conductor_magic.events import Event, TaskDeleted, TaskEdited
from conductor_magic.plan import check_blockers
from conductor_magic.recovering import in_its_place
from conductor_magic.state import RunState, TaskState
from conductor_magic.tools.conductor.base import ID, ConductorTool, Plan, answer, task_named

__all__ = ["TOOL"]

Json = dict[str, Any]
_STATUSES = {
    "pending": "pending",
    "open": "pending",
    "in_progress": "in_progress",
    "completed": "completed",
    "resolved": "completed",
    "deleted": "deleted",
}
_FIELDS = {"subject": "subject", "description": "description", "activeForm": "active_form", "owner": "owner"}


def _plan(state: RunState, args: Json) -> Plan:
    task = task_named(state, args["taskId"])
    status = _status(args)
    if status == "completed" and task.status != "completed":
        raise PlanError(
            f"Task {task.id} is {task.status}: it becomes completed when a worker completes it. "
            "Launch it with Task, or set status to deleted."
        )
    if status == "deleted" and task.status not in ("blocked", "ready", "running", "failed"):
        raise PlanError(f"Task {task.id} is {task.status}: it cannot be deleted.")
    fields = {ours: args[theirs] for theirs, ours in _FIELDS.items() if theirs in args}
    if "metadata" in args:
        fields["metadata"] = args["metadata"]
    if args.get("addComment"):
        fields["comment"] = args["addComment"]
    removed = _removed(state, task, args)
    edits = _dependencies(state, task, removed, args)
    own = edits.pop(task.id, ())
    events: list[Event] = []
    if fields or own or removed:
        events.append(TaskEdited(task=task.id, add_blocked_by=own, remove_blocked_by=removed, **fields))
    events += [TaskEdited(task=other, add_blocked_by=added) for other, added in edits.items()]
    others = ("metadata", "addComment", "addBlocks", "addBlockedBy", "removeBlockedBy")
    updated = [name for name in (*_FIELDS, *others) if args.get(name)]
    if status == "deleted":
        events.append(TaskDeleted(task=task.id))
        updated.append("status")
    return answer(*events, success=True, taskId=task.id, updatedFields=updated)


def _status(args: Json) -> str | None:
    if "status" not in args:
        return None
    found = _STATUSES.get(args["status"].strip().lower())
    if found is None:
        raise PlanError(f"There is no status {args['status']!r}: use pending, in_progress, completed or deleted.")
    return found


def _removed(state: RunState, task: TaskState, args: Json) -> tuple[str, ...]:
    """The blockers that the task is to wait for no longer."""
    removed: list[str] = []
    for name in args.get("removeBlockedBy", ()):
        blocker = task_named(state, name).id
        found = [one for one in (blocker, *in_its_place(state, blocker)) if one in task.blocked_by]
        if not found:
            raise PlanError(f"Task {task.id} does not wait for task {blocker}.")
        removed += found
    if removed and task.status not in ("blocked", "ready", "failed"):
        raise PlanError(f"Task {task.id} is {task.status}: it is too late to change what it waits for.")
    return tuple(dict.fromkeys(removed))


def _dependencies(state: RunState, task: TaskState, removed: tuple[str, ...], args: Json) -> dict[str, tuple[str, ...]]:
    """New blockers by the task that gets them, each checked with those before it in place.

    What took the place of a task is waited for where that one is named.
    """
    named = [(task, task_named(state, blocker)) for blocker in args.get("addBlockedBy", ())]
    named += [(task_named(state, blocked), task) for blocked in args.get("addBlocks", ())]
    wanted = [(blocked, state.tasks[now]) for blocked, blocker in named for now in in_its_place(state, blocker.id)]
    graph = {known.id: known.blocked_by for known in state.tasks.values()}
    graph[task.id] = tuple(blocker for blocker in task.blocked_by if blocker not in removed)
    edits: dict[str, tuple[str, ...]] = {}
    for blocked, blocker in wanted:
        if blocked.status not in ("blocked", "ready", "failed"):
            raise PlanError(f"Task {blocked.id} is {blocked.status}: it is too late to make it wait.")
        if blocker.id in graph[blocked.id]:
            continue
        check_blockers(graph, blocked.id, [blocker.id])
        graph[blocked.id] = (*graph[blocked.id], blocker.id)
        edits[blocked.id] = (*edits.get(blocked.id, ()), blocker.id)
    return edits


TOOL = ConductorTool(
    name="TaskUpdate",
    description="Change a task. `deleted` takes it out of the graph (and stops its worker); what waited goes on.",
    schema={
        "type": "object",
        "properties": {
            "taskId": ID,
            "subject": {"type": "string"},
            "description": {"type": "string"},
            "activeForm": {"type": "string"},
            "status": {"type": "string", "description": "only `deleted` has an effect: the engine tracks the rest"},
            "addBlocks": {"type": "array", "items": ID},
            "addBlockedBy": {"type": "array", "items": ID},
            "removeBlockedBy": {"type": "array", "items": ID},
            "owner": {"type": "string"},
            "metadata": {"type": "object"},
            "addComment": {"type": "string"},
        },
        "required": ["taskId"],
        "additionalProperties": False,
    },
    plan=_plan,
)
