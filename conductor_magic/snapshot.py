"""The JSON that every picture of a run is drawn from: the live board, the static HTML, the text form and the replay.

`snapshot(state, now)` is the contract with the front end (`widgets/src/snapshot.ts` has its types, and a test holds
the two together). `diff(a, b)` is what to change in snapshot `a` to get `b`; `patched` applies it. `inspect` is what a
view asks for when a person opens a task: too much to send with every snapshot. Pure; times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.forecast import expected_rest
from conductor_magic.plan import critical_path
from conductor_magic.state import ConflictState, PersonEdit, RunState, Spend, TaskState, WorkerState
from conductor_magic.tape import tape_line
from conductor_magic.transcript import argument, rows

__all__ = ["STATUSES", "VERSION", "diff", "inspect", "patched", "snapshot"]

Json = dict[str, Any]
VERSION = 1
_CONFLICTS, _DIFF = 20, 4_000
"""Conflicts that a snapshot shows, the latest, and characters of each difference."""
_CONTEXTS = 120
"""Sizes of the conductor's context that a snapshot shows, the latest."""
_EDITS = 10
"""Edits that can be taken back, the latest."""

STATUSES = ("asking", "failed", "running", "ready", "blocked", "completed", "skipped", "cancelled")


def snapshot(state: RunState, now: float) -> Json:
    """The whole picture of a run at the moment `now`."""
    now = state.ended_at or now
    asking = {task for question in state.open_questions for task in question.tasks}
    names = state.artifact_names
    tasks = {task.id: _task(state, task, asking, names) for task in state.tasks.values()}
    counts = dict.fromkeys(STATUSES, 0)
    for task in tasks.values():
        counts[task["shown"]] += 1
    return {
        "version": VERSION,
        "seq": state.seq,
        "now": now,
        "run": _run(state),
        "conductor": _conductor(state),
        "spend": {**spend_json(state.spend), "held": state.held, "committed": state.committed, "budget": state.budget},
        "parallel": parallelism(state, now),
        "rest": None if (rest := expected_rest(state, now)) is None else round(rest),
        "counts": counts,
        "phases": _phases(tasks),
        "order": list(tasks),
        "tasks": tasks,
        "critical": list(critical_path(state.graph)),
        "edits": [_edit(edit) for edit in state.edits if state.tasks[edit.task].status in ("blocked", "ready")][
            -_EDITS:
        ],
        "workers": {worker.id: _worker(worker) for worker in state.workers.values()},
        "questions": [_question(question) for question in state.questions.values()],
        "conflicts": [_conflict(conflict) for conflict in list(state.conflicts.values())[-_CONFLICTS:]],
        "artifacts": [
            {"name": names[key], "task": saved.task, "mime": saved.mime, "size": saved.size}
            for key, saved in state.artifacts.items()
        ],
        "marks": _marks(state),
        "notes": [_note(record) for record in state.notes],
        "tape": [tape_line(state, record) for record in state.tape],
    }


def spend_json(spend: Spend) -> Json:
    """Tokens and money as JSON."""
    return {
        "requests": spend.requests,
        "input_tokens": spend.input_tokens,
        "output_tokens": spend.output_tokens,
        "cache_read_tokens": spend.cache_read_tokens,
        "cache_write_tokens": spend.cache_write_tokens,
        "tokens": spend.tokens,
        "usd": spend.usd,
        "list_usd": spend.list_usd,
        "estimated": spend.estimated,
    }


def parallelism(state: RunState, now: float) -> float:
    """Worker time over the time in which at least one worker was at work: how many worked at once, on average."""
    spans = sorted((worker.started, worker.ended or now) for worker in state.workers.values())
    total = sum(end - start for start, end in spans)
    covered, reach = 0.0, 0.0
    for start, end in spans:
        covered += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return total / covered if covered else 0.0


def _run(state: RunState) -> Json:
    started = state.started
    return {
        "id": started.run if started else "",
        "goal": started.goal if started else "",
        "status": state.status,
        "provider": started.provider if started else "",
        "provider_note": started.provider_note if started else "",
        "mode": started.mode if started else "",
        "workers": started.workers if started else 0,
        "timeout": started.timeout if started else None,
        "isolation": started.isolation if started else "",
        "isolation_note": started.isolation_note if started else "",
        "started": state.started_at,
        "ended": state.ended_at,
        "cancelled_by": state.cancelled_by,
        "cap": state.cap,
        "reason": state.end_reason or state.cap_text,
        "answer": state.answer,
    }


def _conductor(state: RunState) -> Json:
    conductor = state.conductor
    return {
        "status": conductor.status,
        "model": conductor.model,
        "turns": conductor.turns,
        "context_tokens": conductor.context_tokens,
        "peak_tokens": conductor.peak_tokens,
        "window": state.started.context_window if state.started else 0,
        "contexts": [list(point) for point in conductor.contexts[-_CONTEXTS:]],
        "compactions": len(state.compactions),
        "error": conductor.error,
        "spend": spend_json(conductor.spend),
    }


def _task(state: RunState, task: TaskState, asking: set[str], names: Mapping[str, str]) -> Json:
    workers = [state.workers[worker] for worker in task.attempts]
    spend = sum((worker.spend for worker in workers), Spend())
    return {
        "id": task.id,
        "subject": task.subject,
        "status": task.status,
        "shown": "asking" if task.id in asking and not task.over else task.status,
        "phase": task.phase,
        "tier": task.tier,
        "reason": task.reason,
        "launched": bool(task.launched),
        "blocked_by": list(task.blocked_by),
        "waits_for": [b for b in task.blocked_by if state.tasks[b].status != "completed" and not state.tasks[b].deleted]
        if task.status == "blocked"
        else [],
        "worker": task.attempts[-1] if task.attempts else None,
        "attempts": len(task.attempts),
        "started": task.started,
        "ended": task.ended,
        "tokens": spend.tokens,
        "usd": spend.usd,
        "artifacts": [names[key] for key in task.artifacts],
        "error": task.error,
    }


def _worker(worker: WorkerState) -> Json:
    latest = worker.last_tool
    tool = latest.event if latest and isinstance(latest.event, e.ToolStarted) else None
    return {
        "id": worker.id,
        "task": worker.task,
        "attempt": worker.attempt,
        "desk": worker.desk,
        "tier": worker.tier,
        "model": worker.model,
        "started": worker.started,
        "ended": worker.ended,
        "expected": worker.expected,
        "outcome": worker.outcome,
        "error": worker.error,
        "stalled": worker.stalled,
        "waits": next((_waiting(waits) for waits in worker.waits.values()), ""),
        "tool": {"name": tool.name, "argument": argument(tool.input), "busy": bool(worker.calls)} if tool else None,
        "tokens": worker.spend.tokens,
        "usd": worker.spend.usd,
        "context_tokens": worker.context_tokens,
    }


def _waiting(waits: e.WorkerWaits) -> str:
    return f"waits for #{', #'.join(waits.tasks)} to be done with {waits.path}"


def _edit(edit: PersonEdit) -> Json:
    return {"seq": edit.seq, "task": edit.task, "text": edit.text}


def _conflict(conflict: ConflictState) -> Json:
    event = conflict.event
    return {
        "id": conflict.id,
        "path": event.path,
        "tasks": list(event.tasks),
        "who": list(event.who or (f"#{task}" for task in event.tasks)),
        "diffs": [diff if len(diff) <= _DIFF else diff[:_DIFF] + "\n[cut]" for diff in event.diffs],
        "sure": event.sure,
        "found": conflict.found,
        "resolved": conflict.resolved,
        "by": conflict.by,
        "how": conflict.how,
    }


def _question(question: Any) -> Json:
    return {
        "id": question.id,
        "about": question.about,
        "by": question.by,
        "task": question.task,
        "tasks": list(question.tasks),
        "asked": question.asked,
        "answered": question.answered,
        "answered_by": question.answered_by,
        "ask": [dict(ask) for ask in question.ask],
        "answers": dict(question.answers),
    }


def _phases(tasks: dict[str, Json]) -> list[Json]:
    phases: dict[str, Json] = {}
    for task in tasks.values():
        if task["phase"] and task["status"] != "cancelled":
            phase = phases.setdefault(task["phase"], {"name": task["phase"], "done": 0, "total": 0, "failed": 0})
            phase["total"] += 1
            phase["done"] += task["status"] == "completed"
            phase["failed"] += task["status"] == "failed"
    return list(phases.values())


def _marks(state: RunState) -> list[Json]:
    """What a timeline marks: phases that completed, questions, and where the conductor's context was compacted."""
    found = [("milestone", record.at, getattr(record.event, "name", "")) for record in state.milestones]
    found += [("question", question.asked, question.by) for question in state.questions.values()]
    found += [("compaction", record.at, "") for record in state.compactions]
    return [{"kind": kind, "at": at, "text": text} for kind, at, text in sorted(found, key=lambda mark: mark[1])]


def _note(record: Record) -> Json:
    event = record.event
    return {"at": record.at, "text": getattr(event, "text", ""), "level": getattr(event, "level", "info")}


def inspect(state: RunState, task: str) -> Json | None:
    """Everything about one task: prompt and transcript of each attempt, output, artifacts. None if there is none."""
    found = state.tasks.get(task)
    if found is None:
        return None
    attempts = [state.workers[worker] for worker in found.attempts]
    return {
        **_task(state, found, set(), state.artifact_names),
        "description": found.description,
        "prompt": attempts[-1].prompt if attempts else found.prompt,
        "sent": bool(attempts),
        "output": found.output,
        "files": [
            {"path": path, "action": action}
            for path, action in {file.path: file.action for file in state.files[::-1] if file.task == task}.items()
        ],
        "comments": list(found.comments),
        "attempt_list": [
            {**_worker(worker), "prompt": worker.prompt, "tools": list(worker.tools), "transcript": rows(worker.log)}
            for worker in attempts
        ],
    }


def diff(before: Json, after: Json) -> list[list[Any]]:
    """What to do to `before` to get `after`: `[path, value]` sets, `[path]` removes; lists are set whole."""
    found: list[list[Any]] = []
    _diff(before, after, [], found)
    return found


def _diff(before: Json, after: Json, path: list[str], found: list[list[Any]]) -> None:
    found += [[[*path, key]] for key in before.keys() - after.keys()]
    for key, value in after.items():
        old = before.get(key, _ABSENT)
        if isinstance(value, dict) and isinstance(old, dict):
            if value is not old:
                _diff(old, value, [*path, key], found)
        elif old is _ABSENT or old != value:
            found.append([[*path, key], value])


_ABSENT = object()


def patched(before: Json, changes: list[list[Any]]) -> Json:
    """`before` with the changes of a `diff` applied; `before` itself is left as it is."""
    after = dict(before)
    copied: dict[tuple[str, ...], Json] = {(): after}
    for change in changes:
        path = tuple(change[0])
        for depth in range(1, len(path)):
            if path[:depth] not in copied:
                parent = copied[path[: depth - 1]]
                parent[path[depth - 1]] = copied[path[:depth]] = dict(parent[path[depth - 1]])
        holder = copied[path[:-1]]
        if len(change) == 2:
            holder[path[-1]] = change[1]
        else:
            del holder[path[-1]]
    return after
