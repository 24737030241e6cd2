"""Task: put a worker on a task, now or as soon as its blockers are done."""

from __future__ import annotations

from typing import Any

from conductor_magic.errors import PlanError
from conductor_magic.events import ConductorTurn, Event, TaskCreated, TaskLaunched, Tier
from conductor_magic.forecast import plan_forecast
from conductor_magic.prompts import strip_preamble, task_id_prefix
from conductor_magic.recovering import launch_reason
from conductor_magic.scheduler import MAX_ATTEMPTS, attempts_made
from conductor_magic.state import RunState, TaskState
from conductor_magic.subagents import GENERAL, SUBAGENTS
from conductor_magic.tools.conductor.base import ID, ConductorTool, Plan, answer, task_named, tier_named
from conductor_magic.wording import runs

__all__ = ["TOOL"]

Json = dict[str, Any]
_FEW = 3
"""So many blockers are named one by one."""


def _plan(state: RunState, args: Json) -> Plan:
    subagent = str(args.get("subagent_type") or GENERAL).strip().lower()
    if subagent not in SUBAGENTS:
        raise PlanError(f"There is no subagent_type {args['subagent_type']!r}: use {', '.join(SUBAGENTS)}.")
    named, prompt = task_id_prefix(strip_preamble(args["prompt"]))
    prompt = strip_preamble(prompt)
    if not prompt:
        raise PlanError("The prompt is empty: a worker knows only what its prompt says.")
    target = args.get("taskId") or named
    tier = tier_named(args)
    events: list[Event] = []
    waits: list[str] = []
    reason = args.get("reason", "")
    if target is None:
        task = str(state.ids_used + 1)
        events.append(TaskCreated(task=task, subject=args["description"].strip() or "Untitled", description=prompt))
    else:
        known = task_named(state, target)
        tier = tier or known.tier
        _check_launch(state, known, tier)
        task = known.id
        reason = launch_reason(state, known, tier, reason)
        waits = [blocker for blocker in known.blocked_by if not _met(state.tasks[blocker])]
    chosen: Tier = tier or "sonnet"
    if (capped := state.capped.get(chosen)) is not None:
        raise PlanError(f"{capped.text} Launch it on another tier.")
    events.append(
        TaskLaunched(
            task=task,
            prompt=prompt,
            tier=chosen,
            reason=reason,
            subagent=subagent,
            notify=bool(args.get("notify", False)),
        )
    )
    assert state.started is not None
    ahead = len(state.running) + sum(other.status == "ready" and other.launched > 0 for other in state.tasks.values())
    starts = not waits and ahead < state.started.workers and not state.stopping and not state.plans_only
    told = plan_forecast(state, task, chosen)
    if _was_told(state, chosen):
        told.pop("forecast", None)
    return answer(*events, taskId=task, status="running" if starts else "queued", waitsFor=_waits(waits), **told)


def _waits(tasks: list[str]) -> list[str]:
    """The ids as they are told: each of a few; of many, runs in short, as `1-8`."""
    return runs(tasks) if len(tasks) > _FEW else tasks


def _was_told(state: RunState, tier: str) -> bool:
    """Whether a launch on this tier in the same turn has brought its forecast, which is one for all of its tasks."""
    log = reversed(state.conductor.log)
    turn = next((record.seq for record in log if isinstance(record.event, ConductorTurn)), 0)
    return any(task.launched_seq > turn and task.tier == tier for task in state.tasks.values())


def _met(blocker: TaskState) -> bool:
    return blocker.status == "completed" or blocker.deleted


def _check_launch(state: RunState, task: TaskState, tier: str) -> None:
    if task.status in ("blocked", "ready") and task.launched and tier == task.tier:
        raise PlanError(f"Task {task.id} is launched already: it starts by itself. Another `model` moves it.")
    if task.replaced_by:
        names = " and ".join(f"task {other}" for other in task.replaced_by)
        raise PlanError(f"Task {task.id} was replaced by {names}: launch that.")
    if task.status == "failed" and attempts_made(state, task) >= MAX_ATTEMPTS:
        raise PlanError(
            f"Task {task.id} had {MAX_ATTEMPTS} attempts, the most a task gets. Ask the person, or create another task."
        )
    if task.status not in ("blocked", "ready", "failed"):
        raise PlanError(f"Task {task.id} is {task.status}: it cannot be launched.")


TOOL = ConductorTool(
    name="Task",
    description="Launch a worker on a task; blocked work queues and starts by itself. Returns at once.",
    schema={
        "type": "object",
        "properties": {
            "description": {"type": "string", "description": "3-5 words"},
            "prompt": {"type": "string", "description": "all that the worker is to know"},
            "taskId": {**ID, "description": "id or key; without it a task is created"},
            "model": {"type": "string", "description": "haiku, sonnet or opus"},
            "reason": {"type": "string", "description": "why this tier"},
            "subagent_type": {
                "type": "string",
                "description": "general-purpose (all tools; default), explore (files and web), plan (files)",
            },
            "notify": {"type": "boolean", "description": "wake me when it completes"},
            "run_in_background": {"type": "boolean"},
        },
        "required": ["description", "prompt"],
        "additionalProperties": False,
    },
    plan=_plan,
)
