"""The JSON that every picture of a run is drawn from: the live board, the static HTML, the text form and the replay.

`snapshot(state, now)` is the contract with the front end (`widgets/src/snapshot.ts` has its types, and a test holds
the two together); `draw` makes the same of a state shortly after another with far less work. `inspect` is what a view
asks for when a person opens a task: too much to send with every snapshot. Pure; times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from conductor_magic.forecast import Outlook, expected_rest, outlook
from conductor_magic.pictures import (
    conductor_json,
    conflict_json,
    edit_json,
    marks_json,
    note_json,
    parallelism,
    paused_json,
    phases_json,
    question_json,
    run_json,
    spend_json,
    strange_json,
    task_json,
    worker_json,
)
from conductor_magic.plan import critical_path
from conductor_magic.state import RunState, TaskState
from conductor_magic.tape import tape_line
from conductor_magic.transcript import rows

__all__ = ["STATUSES", "VERSION", "Drawn", "draw", "inspect", "inspect_all", "snapshot"]

Json = dict[str, Any]
VERSION = 1
_CONFLICTS = 20
"""Conflicts that a snapshot shows, the latest."""
_EDITS = 10
"""Edits that can be taken back, the latest."""

STATUSES = ("asking", "failed", "running", "ready", "blocked", "completed", "skipped", "cancelled")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A snapshot and the state that it was drawn from. Two snapshots may share parts: nobody changes one."""

    state: RunState
    json: Json


def snapshot(state: RunState, now: float) -> Json:
    """The whole picture of a run at the moment `now`."""
    return draw(state, now).json


def draw(state: RunState, now: float, before: Drawn | None = None) -> Drawn:
    """The whole picture of a run at the moment `now`.

    Args:
        state: the run's state.
        now: the moment, in epoch seconds.
        before: a picture of the run at another moment; what has not changed since is taken over as it is.
    """
    now = state.ended_at or now
    old = before or Drawn(RunState(), {})
    tasks = _tasks(state, old)
    plan = outlook(state)
    json = {
        "version": VERSION,
        "seq": state.seq,
        "now": now,
        "run": run_json(state),
        "conductor": conductor_json(state),
        "spend": {**spend_json(state.spend), "held": state.held, "committed": state.committed, "budget": state.budget},
        "paused": paused_json(state, now),
        "parallel": parallelism(state, now),
        "rest": None if (rest := expected_rest(state, now)) is None else round(rest),
        "counts": _counts(tasks),
        "phases": phases_json(tasks),
        "order": list(tasks),
        "tasks": tasks,
        "plan": None if plan is None else _listed(asdict(plan)),
        "critical": _critical(state, old, plan),
        "edits": [edit_json(edit) for edit in state.edits if state.tasks[edit.task].status in ("blocked", "ready")][
            -_EDITS:
        ],
        "workers": _workers(state, old),
        "questions": [question_json(question) for question in state.questions.values()],
        "conflicts": [conflict_json(conflict) for conflict in list(state.conflicts.values())[-_CONFLICTS:]],
        "artifacts": [
            {
                "name": name,
                "task": state.artifacts[key].task,
                "mime": state.artifacts[key].mime,
                "size": state.artifacts[key].size,
            }
            for key, name in state.artifact_names.items()
        ],
        "marks": marks_json(state),
        "notes": [*(note_json(record) for record in state.notes), *strange_json(state)],
        "tape": [tape_line(state, record) for record in state.tape],
    }
    return Drawn(state, json)


def _critical(state: RunState, old: Drawn, plan: Outlook | None) -> list[str]:
    """The longest chain: of a plan the one that will take longest, else the one of the most tasks."""
    if plan is not None:
        return list(plan.critical_path)
    if "critical" in old.json and old.json["plan"] is None and _same_graph(state, old.state):
        return old.json["critical"]
    return list(critical_path(state.graph))


def _listed(plan: Json) -> Json:
    """A plan's outlook as JSON has it."""
    return {**plan, "critical_path": list(plan["critical_path"]), "tiers": list(plan["tiers"])}


def _workers(state: RunState, old: Drawn) -> Json:
    if "workers" in old.json and state.workers is old.state.workers:
        return old.json["workers"]
    return {
        worker.id: old.json["workers"][worker.id] if worker is old.state.workers.get(worker.id) else worker_json(worker)
        for worker in state.workers.values()
    }


def _tasks(state: RunState, old: Drawn) -> Json:
    asking, asked = _asking(state), _asking(old.state)
    names = state.artifact_names

    def same(task: TaskState) -> bool:
        """Whether nothing that its picture shows has changed: of itself, its attempts, or what it waits for."""
        return (
            task is old.state.tasks.get(task.id)
            and (task.id in asking) == (task.id in asked)
            and all(state.workers[worker] is old.state.workers.get(worker) for worker in task.attempts)
            and (not task.artifacts or state.artifacts is old.state.artifacts)
            and (
                task.status != "blocked"
                or all(state.tasks[blocker] is old.state.tasks.get(blocker) for blocker in task.blocked_by)
            )
        )

    return {
        task.id: old.json["tasks"][task.id] if same(task) else task_json(state, task, asking, names)
        for task in state.tasks.values()
    }


def _asking(state: RunState) -> set[str]:
    return {task for question in state.open_questions for task in question.tasks}


def _same_graph(state: RunState, old: RunState) -> bool:
    """Whether no task was added or deleted, and none waits for others than before."""
    return state.tasks is old.tasks or (
        state.tasks.keys() == old.tasks.keys()
        and all(
            task.blocked_by == old.tasks[name].blocked_by and task.deleted == old.tasks[name].deleted
            for name, task in state.tasks.items()
        )
    )


def _counts(tasks: Json) -> Json:
    counts: Json = dict.fromkeys(STATUSES, 0)
    for task in tasks.values():
        counts[task["shown"]] += 1
    return counts


def inspect(state: RunState, task: str) -> Json | None:
    """Everything about one task: prompt and transcript of each attempt, output, artifacts. None if there is none."""
    return _inspect(state, task, state.artifact_names, _files(state, task)) if task in state.tasks else None


def inspect_all(state: RunState) -> dict[str, Json]:
    """What `inspect` gives of every task, by id."""
    names, files = state.artifact_names, _files(state)
    return {task: _inspect(state, task, names, files) for task in state.tasks}


def _files(state: RunState, only: str | None = None) -> dict[str, dict[str, str]]:
    """By task, the files that it changed, the latest first: path -> what it did first."""
    files: dict[str, dict[str, str]] = {}
    for file in reversed(state.files):
        if only in (None, file.task):
            files.setdefault(file.task, {})[file.path] = file.action
    return files


def _inspect(state: RunState, task: str, names: dict[str, str], files: dict[str, dict[str, str]]) -> Json:
    found = state.tasks[task]
    attempts = [state.workers[worker] for worker in found.attempts]
    return {
        **task_json(state, found, set(), names),
        "description": found.description,
        "prompt": attempts[-1].prompt if attempts else found.prompt,
        "sent": bool(attempts),
        "output": found.output,
        "files": [{"path": path, "action": action} for path, action in files.get(task, {}).items()],
        "comments": list(found.comments),
        "attempt_list": [
            {
                **worker_json(worker),
                "reason": worker.reason,
                "prompt": worker.prompt,
                "tools": list(worker.tools),
                "transcript": rows(worker.log),
            }
            for worker in attempts
        ],
    }
