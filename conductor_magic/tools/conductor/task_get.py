"""TaskGet and TaskList: look at the graph."""

from __future__ import annotations

from typing import Any

from conductor_magic.state import RunState, TaskState
from conductor_magic.tools.conductor.base import ID, ConductorTool, Plan, answer, task_named

__all__ = ["GET", "LIST"]

Json = dict[str, Any]
_SUMMARY = 600


def _get(state: RunState, args: Json) -> Plan:
    task = task_named(state, args["taskId"])
    workers = [state.workers[worker] for worker in task.attempts]
    shown: Json = {
        "id": task.id,
        "subject": task.subject,
        "description": task.description,
        "status": task.status,
        "model": task.tier,
        "blockedBy": [{"id": blocker, "status": state.tasks[blocker].status} for blocker in task.blocked_by],
        "blocks": [other.id for other in state.tasks.values() if task.id in other.blocked_by],
        "attempts": [
            {"model": worker.tier, "outcome": worker.outcome or "running", "error": worker.error} for worker in workers
        ],
    }
    if task.metadata:
        shown["metadata"] = dict(task.metadata)
    if task.comments:
        shown["comments"] = list(task.comments)
    if task.output:
        cut = len(task.output) > _SUMMARY
        shown["summary"] = task.output[:_SUMMARY] + ("…" if cut else "")
        shown["output"] = f"outputs/{task.id}.md"
    return answer(task=shown)


def _list(state: RunState, args: Json) -> Plan:
    lines = [_line(task) for task in state.tasks.values()]
    ready = [f"#{task.id}" for task in state.tasks.values() if task.status == "ready"]
    lines.append(f"Ready: {', '.join(ready) or 'none'}")
    return Plan((), "\n".join(lines))


def _line(task: TaskState) -> str:
    idle = "" if task.launched or task.over else ", not launched"
    waits = f" waits for #{', #'.join(task.blocked_by)}" if task.status == "blocked" else ""
    return f"#{task.id} [{task.status}{idle}] {task.subject} ({task.tier}){waits}"


GET = ConductorTool(
    name="TaskGet",
    description="One task with its blockers, attempts and a summary of its output.",
    schema={"type": "object", "properties": {"taskId": ID}, "required": ["taskId"], "additionalProperties": False},
    plan=_get,
)
LIST = ConductorTool(
    name="TaskList",
    description="All tasks, a line each, and which are ready.",
    schema={"type": "object", "properties": {}, "additionalProperties": False},
    plan=_list,
)
