"""TaskCreate: a task joins the graph."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import PlanError
from conductor_magic.events import TaskCreated, TaskEdited, TaskRejected
from conductor_magic.plan import ancestors
from conductor_magic.recovering import in_its_place
from conductor_magic.state import RunState
from conductor_magic.tools.conductor.base import ID, ConductorTool, Plan, answer, task_id, tier_named
from conductor_magic.wording import one_line

__all__ = ["TOOL"]

Json = dict[str, Any]
_ECHOED = 40
"""Characters of the subject in the answer: enough to know it by; the conductor has just written it."""


def _plan(state: RunState, args: Json) -> Plan:
    task = str(state.ids_used + 1)
    named = (task_id(state, blocker) for blocker in args.get("blockedBy", ()))
    blockers = tuple(dict.fromkeys(now for blocker in named for now in in_its_place(state, blocker)))
    unknown = [blocker for blocker in blockers if blocker not in state.tasks]
    if unknown:
        known = ", ".join(state.tasks) or "none yet"
        raise PlanError(f"blockedBy names {', '.join(unknown)}, which does not exist. Known tasks: {known}.")
    if not args["subject"].strip():
        raise PlanError("subject is empty: say in a few words what the task is.")
    key = str(args["key"]).strip() if args.get("key") else None
    if key and (key in state.keys or key.removeprefix("#") in state.tasks):
        raise PlanError(f"The key {key!r} is taken: choose another.")
    if key and key.removeprefix("#").isdigit() and key.removeprefix("#") != task:
        raise PlanError(f"The key {key!r} looks like the id of another task: choose a word.")
    metadata: Json = dict(args.get("metadata") or {})
    replaces = metadata.pop("replaces", None)
    waiting: list[str] = []
    if replaces is not None:
        replaces = task_id(state, replaces)
        if replaces not in state.tasks:
            raise PlanError(f"metadata.replaces names task {replaces}, which does not exist.")
        if state.tasks[replaces].status not in ("failed", "cancelled"):
            raise PlanError(f"Task {replaces} is {state.tasks[replaces].status}: only a failed one can be replaced.")
        waiting = _waiting_for(state, replaces)
        graph = {known.id: known.blocked_by for known in state.tasks.values()}
        if {replaces, *waiting} & {*blockers, *(one for blocker in blockers for one in ancestors(graph, blocker))}:
            raise PlanError(f"A task that replaces task {replaces} cannot wait for it, nor for what waits for it.")
    event = TaskCreated(
        task=task,
        subject=args["subject"].strip(),
        description=args["description"],
        active_form=args.get("activeForm", ""),
        phase=args.get("phase", "").strip(),
        blocked_by=blockers,
        tier=tier_named(args),
        reason=args.get("reason", ""),
        key=key,
        metadata=metadata,
        replaces=replaces,
    )
    # What waited for a task waits for all that take its place; for the first of them the fold sees to that.
    edits = (TaskEdited(task=other, add_blocked_by=(task,)) for other in waiting)
    return answer(event, *edits, task={"id": task, "subject": one_line(event.subject, _ECHOED)})


def _waiting_for(state: RunState, replaced: str) -> list[str]:
    """The tasks that waited for a replaced one and wait now for what took its place.

    Raises:
        PlanError: what took its place has failed itself, so that they would wait for ever.
    """
    places = in_its_place(state, replaced)
    for new in (state.tasks[place] for place in places if place != replaced):
        if new.status in ("failed", "cancelled") and not new.deleted:
            raise PlanError(f"Task {new.id} took the place of task {replaced} and is {new.status}: replace that one.")
    known = (state.tasks[other] for other in state.tasks[replaced].left_waiting)
    return [task.id for task in known if task.status in ("blocked", "ready") and {*task.blocked_by} & {*places}]


def _refused(state: RunState, error: str) -> Plan:
    # The id is used up all the same: ids that the model has already guessed for later tasks of its turn stay right.
    task = str(state.ids_used + 1)
    text = f"Task {task} was not created: {error} The id {task} stays unused."
    return Plan((TaskRejected(task=task, error=error),), text, is_error=True)


TOOL = ConductorTool(
    name="TaskCreate",
    description="Add a task to the graph. It starts only when Task launches it.",
    schema={
        "type": "object",
        "properties": {
            "subject": {"type": "string", "description": "a few words, imperative"},
            "description": {"type": "string", "description": "what is to be done, and when it is done"},
            "activeForm": {"type": "string", "description": "the subject in progress: 'Counting rows'"},
            "key": {"type": "string", "description": "a name usable wherever a task id is"},
            "blockedBy": {"type": "array", "items": ID, "description": "ids or keys that must complete first"},
            "model": {"type": "string", "description": "haiku, sonnet or opus"},
            "reason": {"type": "string", "description": "why this tier"},
            "phase": {"type": "string"},
            "metadata": {
                "type": "object",
                "description": "`replaces`: the id of a failed task that this one replaces (several may replace one); "
                "`schema`: a JSON Schema that the worker's value must fit",
            },
        },
        "required": ["subject", "description"],
        "additionalProperties": False,
    },
    plan=_plan,
    refused=_refused,
)
