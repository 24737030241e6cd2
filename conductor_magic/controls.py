"""What a person does to the plan of a run at the board, as events: `control(state, kind, args)`. Pure.

| kind | args | what happens |
| --- | --- | --- |
| `cancel_task` | task | its worker is stopped, or it will not be worked on |
| `skip` | task | it is taken out of the graph: what waited for it goes on |
| `retry` | task, tier (optional) | it is launched again with its prompt |
| `tier` | task, tier | it will be worked on by that tier |
| `wait` | task, blocker | it waits for one more task |
| `free` | task, blocker | it waits for that task no longer |
| `undo` | edit | an edit of the tier or of what is waited for is taken back |

The conductor learns of each by a short notice; what a person decided is not for it to confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from conductor_magic.decisions import StopWorker
from conductor_magic.errors import PlanError
from conductor_magic.events import TIERS, EditUndone, Event, TaskCancelled, TaskDeleted, TaskEdited, TaskLaunched, Tier
from conductor_magic.plan import check_blockers
from conductor_magic.state import RunState, TaskState

__all__ = ["CONTROLS", "control"]

Json = Mapping[str, Any]
Steps = list[Event | StopWorker]
_NOT_STARTED = ("blocked", "ready")


def control(state: RunState, kind: str, args: Json) -> Steps:
    """What is to be recorded, and which worker stopped, for something that a person did.

    Args:
        state: the run now.
        kind: a key of `CONTROLS`.
        args: what it is about; ids as text.

    Raises:
        PlanError: it cannot be done (any more), and why, in a sentence for that person.
    """
    if state.ended:
        raise PlanError("The run is over.")
    if state.stopping and kind != "cancel_task":
        raise PlanError("The run is being stopped: nothing new starts.")
    return CONTROLS[kind](state, args)


def _task(state: RunState, args: Json, name: str = "task") -> TaskState:
    found = state.tasks.get(str(args.get(name, "")))
    if found is None or found.deleted:
        raise PlanError(f"There is no task {args.get(name)} any more.")
    return found


def _tier(args: Json) -> Tier:
    tier = args.get("tier")
    if tier not in TIERS:
        raise PlanError(f"There is no tier {tier}: it is haiku, sonnet or opus.")
    return cast("Tier", tier)


def _is_replaced(task: TaskState) -> PlanError:
    has = "have" if len(task.replaced_by) > 1 else "has"
    return PlanError(f"#{', #'.join(task.replaced_by)} {has} taken the place of #{task.id}.")


def _not_started(task: TaskState) -> None:
    if task.status not in _NOT_STARTED:
        raise PlanError(f"#{task.id} is {task.status}: that can only be changed before it starts.")


def _cancel_task(state: RunState, args: Json) -> Steps:
    task, reason = _task(state, args), "Cancelled by you."
    if task.status == "running":
        return [StopWorker(task.attempts[-1], "person", reason)]
    if task.status not in (*_NOT_STARTED, "failed"):
        raise PlanError(f"#{task.id} is {task.status} already.")
    return [TaskCancelled(task=task.id, by="person", reason=reason)]


def _skip(state: RunState, args: Json) -> Steps:
    task = _task(state, args)
    if task.status not in (*_NOT_STARTED, "failed", "running"):
        raise PlanError(f"#{task.id} is {task.status} already.")
    return [TaskDeleted(task=task.id, by="person", reason="Skipped by you.")]


def _retry(state: RunState, args: Json) -> Steps:
    task = _task(state, args)
    if task.status not in ("failed", "cancelled"):
        raise PlanError(f"#{task.id} is {task.status}: only what failed or was cancelled can be tried again.")
    if not task.launched:
        raise PlanError(f"#{task.id} was never launched: the conductor has written no prompt for it yet.")
    if task.replaced_by:
        raise _is_replaced(task)
    tier = _tier(args) if "tier" in args else task.tier
    reason = "Tried again by you." if tier == task.tier else f"Tried again by you on {tier}."
    launched = TaskLaunched(
        task=task.id,
        prompt=task.prompt,
        tier=tier,
        reason=reason,
        subagent=task.subagent,
        notify=task.notify,
        by="person",
    )
    return [launched]


def _change_tier(state: RunState, args: Json) -> Steps:
    task, tier = _task(state, args), _tier(args)
    _not_started(task)
    if task.tier == tier:
        raise PlanError(f"#{task.id} is {tier} already.")
    return [TaskEdited(task=task.id, tier=tier, by="person")]


def _wait(state: RunState, args: Json) -> Steps:
    task, blocker = _task(state, args), _task(state, args, "blocker")
    _not_started(task)
    if blocker.replaced_by:
        raise _is_replaced(blocker)
    if blocker.id in task.blocked_by:
        raise PlanError(f"#{task.id} waits for #{blocker.id} already.")
    check_blockers(state.graph, task.id, [blocker.id])
    return [TaskEdited(task=task.id, add_blocked_by=(blocker.id,), by="person")]


def _free(state: RunState, args: Json) -> Steps:
    task, blocker = _task(state, args), str(args.get("blocker", ""))
    _not_started(task)
    if blocker not in task.blocked_by:
        raise PlanError(f"#{task.id} does not wait for #{blocker}.")
    return [TaskEdited(task=task.id, remove_blocked_by=(blocker,), by="person")]


def _undo(state: RunState, args: Json) -> Steps:
    edit = next((edit for edit in state.edits if edit.seq == args.get("edit")), None)
    if edit is None:
        raise PlanError("There is no such edit any more: it was taken back.")
    task = _task(state, {"task": edit.task})
    _not_started(task)
    back = [blocker for blocker in edit.removed if blocker not in task.blocked_by]
    check_blockers(state.graph, task.id, back)
    restored = TaskEdited(
        task=task.id, tier=edit.tier, add_blocked_by=tuple(back), remove_blocked_by=edit.added, by="undo"
    )
    return [EditUndone(seq=edit.seq), restored]


CONTROLS: dict[str, Callable[[RunState, Json], Steps]] = {
    "cancel_task": _cancel_task,
    "skip": _skip,
    "retry": _retry,
    "tier": _change_tier,
    "wait": _wait,
    "free": _free,
    "undo": _undo,
}
