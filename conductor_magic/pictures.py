"""One thing of a run's state as the JSON that a snapshot shows of it. Pure; times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic import events as e
from conductor_magic.caps import held_amount
from conductor_magic.events import FORMAT, Record
from conductor_magic.state import (
    ConductorState,
    ConflictState,
    PersonEdit,
    QuestionState,
    RunState,
    Spend,
    TaskState,
    WorkerState,
)
from conductor_magic.transcript import argument

__all__ = [
    "conductor_json",
    "conflict_json",
    "edit_json",
    "lost",
    "marks_json",
    "note_json",
    "parallelism",
    "phases_json",
    "question_json",
    "run_json",
    "spend_json",
    "strange",
    "strange_json",
    "task_json",
    "worker_json",
]

Json = dict[str, Any]
_DIFF = 4_000
"""Characters of each difference that a conflict shows."""
_ENDS = {"completed": "Complete", "partial": "Partly done"}
_CONTEXTS = 120
"""Sizes of the conductor's context that are shown, the latest."""


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


def run_json(state: RunState) -> Json:
    """What the run is, how it stands or ended."""
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
        "signature": _signature(state),
    }


def paused_json(state: RunState, now: float) -> Json | None:
    """Until when all requests wait for the provider, and why; None where they do not."""
    paused = state.paused
    if paused is None or state.ended or paused.until <= now:
        return None
    return {"until": paused.until, "reason": paused.reason.replace("_", " ")}


def _signature(state: RunState) -> str:
    """The line that stands below whatever the run says: how the work stands."""
    if state.status != "running":
        return f"── ◈ {_ENDS.get(state.status, state.status.capitalize())} ──"
    waiting = sum(question.answered is None for question in state.questions.values())
    parts = [f"{len(state.running)} at work"] if state.running else []
    parts += [f"{waiting} asking"] if waiting else []
    return " ".join(["── ◈ Conducting ──", *([" · ".join(parts), "──"] if parts else [])])


def conductor_json(state: RunState) -> Json:
    """The conductor: what it does, how full its context is and was."""
    conductor = state.conductor
    return {
        "status": conductor.status,
        "model": conductor.model,
        "turns": conductor.turns,
        "context_tokens": conductor.context_tokens,
        "peak_tokens": conductor.peak_tokens,
        "window": state.started.context_window if state.started else 0,
        "contexts": [list(point) for point in conductor.contexts[-_CONTEXTS:]],
        "compactions": sum(_by_conductor(record) for record in state.compactions),
        "drafting": "" if state.tasks or state.ended else _drafting(conductor),
        "error": conductor.error,
        "silent": conductor.silent,
        "spend": spend_json(conductor.spend),
    }


def _drafting(conductor: ConductorState) -> str:
    """What the conductor does and does not do while there is no task: its one law, and what it read or can read."""
    law = "The conductor works through others alone: it writes no code, runs no command and explores no files."
    if conductor.guides:
        read = ", ".join(f"{guide.name} (about {guide.tokens / 1_000:.1f}k tokens)" for guide in conductor.guides)
        return f"{law} It has read {read}."
    return f"{law} Guides it can read: {', '.join(conductor.offered)}." if conductor.offered else law


def task_json(state: RunState, task: TaskState, asking: set[str], names: Mapping[str, str]) -> Json:
    """A task as it stands.

    Args:
        state: the run's state.
        task: one of its tasks.
        asking: the tasks for which a question waits.
        names: public names of artifacts by key.
    """
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


def worker_json(worker: WorkerState) -> Json:
    """An attempt: who works where on what, and what it does now; one that has ended has no tool in its hands."""
    latest = worker.last_tool if worker.outcome is None else None
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


def edit_json(edit: PersonEdit) -> Json:
    """A person's edit that can be taken back."""
    return {"seq": edit.seq, "task": edit.task, "text": edit.text}


def conflict_json(conflict: ConflictState) -> Json:
    """A conflict with its differences, cut."""
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


def question_json(question: QuestionState) -> Json:
    """A question, and its answers once they are there."""
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


def phases_json(tasks: dict[str, Json]) -> list[Json]:
    """How far each phase is, in the order of their first tasks."""
    phases: dict[str, Json] = {}
    for task in tasks.values():
        if task["phase"] and task["status"] != "cancelled":
            phase = phases.setdefault(task["phase"], {"name": task["phase"], "done": 0, "total": 0, "failed": 0})
            phase["total"] += 1
            phase["done"] += task["status"] == "completed"
            phase["failed"] += task["status"] == "failed"
    return list(phases.values())


def marks_json(state: RunState) -> list[Json]:
    """What a timeline marks: phases that completed, questions, and where the conductor's context was compacted."""
    found = [("milestone", record.at, getattr(record.event, "name", "")) for record in state.milestones]
    found += [("question", question.asked, question.by) for question in state.questions.values()]
    found += [("compaction", record.at, "") for record in state.compactions if _by_conductor(record)]
    return [{"kind": kind, "at": at, "text": text} for kind, at, text in sorted(found, key=lambda mark: mark[1])]


def _by_conductor(record: Record) -> bool:
    return getattr(record.event, "by", "") == "conductor"


def note_json(record: Record) -> Json:
    """Something that a person should know about the run."""
    event = record.event
    return {"at": record.at, "text": getattr(event, "text", ""), "level": getattr(event, "level", "info")}


def strange(state: RunState) -> list[str]:
    """What makes a record another than this version's recorder writes, a sentence each: shown, never believed."""
    started, found = state.started, list[str]()
    if started is not None and started.format > FORMAT:
        found.append(
            f"This run was recorded by a later version, in format {started.format} (this one knows {FORMAT}): "
            "what it does not know is left out, and the run cannot be resumed here."
        )
    run = started.run if started else ""
    found += [
        f"The record says that artifact {name} lies outside the run's folder: that file is not opened."
        for key, name in state.artifact_names.items()
        if not state.artifacts[key].is_of(run)
    ]
    return found


def lost(state: RunState) -> list[str]:
    """What a person is told of replies that broke off and may have been billed, where that is half a cent or more."""
    most = held_amount("usd", state.held)
    if not most:
        return []
    replies = f"{state.lost:,} replies" if state.lost != 1 else "1 reply"
    return [f"Up to {most} more may have been billed: {replies} broke off. It counts against the caps."]


def strange_json(state: RunState) -> list[Json]:
    """The same, and what was lost, as warnings of a snapshot."""
    found = [*strange(state), *lost(state)]
    return [{"at": state.started_at, "text": text, "level": "warning"} for text in found]
