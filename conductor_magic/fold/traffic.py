"""The fold's steps for what goes to and fro: requests to the model, tool calls, what they leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conductor_magic import events as e
from conductor_magic.events import Record
from conductor_magic.fold.moves import (
    Step,
    add_to_tape,
    change_conductor,
    hold,
    put_task,
    put_worker,
    task_of,
    with_entry,
)
from conductor_magic.progress import is_stalled
from conductor_magic.state import Flight, GuideRead, Pause, RunState, Spend, WorkerState, replace

__all__ = ["STEPS"]

_CHARACTERS_PER_TOKEN = 3.5
"""Of English prose, about."""


def _request_sent(state: RunState, record: Record, event: e.RequestSent) -> RunState:
    flight = Flight(event.by, event.reserved, event.reserved_tokens, record.at, event.max_tokens, event.reply_usd)
    in_flight = with_entry(state.in_flight, event.request, flight)
    state = replace(state, in_flight=in_flight, requests=state.requests + 1)
    if state.paused is None:
        return state
    span = (state.paused.since, min(record.at, state.paused.until))
    return replace(state, paused=None, waits=(*state.waits, span))


def _paused(state: RunState, record: Record, event: e.LimiterPaused) -> RunState:
    # The refusals of a crowd are one line.
    tape = state.tape[:-1] if state.tape and isinstance(state.tape[-1].event, e.LimiterPaused) else state.tape
    since = record.at if state.paused is None else state.paused.since
    pause = Pause(since, record.at + event.seconds, event.reason)
    return add_to_tape(replace(state, paused=pause, tape=tape), record)


def _others_in_flight(state: RunState, request: str) -> dict[str, Flight]:
    others = dict(state.in_flight)
    others.pop(request, None)
    return others


def _request_ended(state: RunState, record: Record, event: e.RequestEnded) -> RunState:
    spend = Spend(
        1,
        event.input_tokens,
        event.output_tokens,
        event.cache_read_tokens,
        event.cache_write_tokens,
        event.usd,
        event.list_usd or 0.0,
        event.estimated,
        event.usd or 0.0,
    )
    context = event.input_tokens + event.cache_read_tokens + event.cache_write_tokens + event.output_tokens
    state = hold(state, event.by, 0.0, event.held_tokens) if event.held_tokens else state
    landed = {"spend": state.spend + spend, "in_flight": _others_in_flight(state, event.request)}
    asker = state.conductor if event.by == "conductor" else state.workers.get(event.by)
    if asker is None:
        return replace(state, **landed)
    changes: dict[str, Any] = {"spend": asker.spend + spend}
    if not event.aside:
        changes |= {"context_tokens": context, "peak_tokens": max(asker.peak_tokens, context)}
        if not isinstance(asker, WorkerState):
            changes["contexts"] = (*asker.contexts, (record.at, context))
    asker = replace(asker, **changes)
    if isinstance(asker, WorkerState):
        return put_worker(state, asker, **landed)
    return replace(state, conductor=asker, **landed)


def _request_failed(state: RunState, record: Record, event: e.RequestFailed) -> RunState:
    state = replace(state, in_flight=_others_in_flight(state, event.request))
    return hold(state, event.by, event.held or 0.0, event.held_tokens, lost=1)


def _tool_started(state: RunState, record: Record, event: e.ToolStarted) -> RunState:
    calls = state.calls + 1
    path = event.input.get("file_path")
    if event.by == "conductor" and event.name == "Read" and isinstance(path, str) and path.startswith("/"):
        state = replace(state, calls=calls)
        return change_conductor(state, reads=(*state.conductor.reads, path))
    worker = state.workers.get(event.by)
    if worker is None:
        return replace(state, calls=calls)
    # A call that was cut by a crash is made again under a new name, but for the same block of the same reply.
    others = {call: begun for call, begun in worker.calls.items() if not event.use or _use(begun) != event.use}
    worker = replace(worker, calls={**others, event.call: record}, last_tool=record, made=worker.made + 1)
    return put_worker(state, worker, calls=calls)


def _use(begun: Record) -> str:
    return begun.event.use if isinstance(begun.event, e.ToolStarted) else ""


def _tool_result(state: RunState, record: Record, event: e.ToolEnded | e.ToolRefused) -> RunState:
    if event.by == "conductor":
        return _conductor_result(state, record, event)
    worker = state.workers.get(event.by)
    if worker is None or worker.outcome is not None:
        return state
    done = event.call if isinstance(event, e.ToolEnded) else None
    calls = {call: started for call, started in worker.calls.items() if call != done}
    waits = {call: waits for call, waits in worker.waits.items() if call != done}
    log = (*worker.log, record)
    stalled = worker.stalled if worker.stalled and is_stalled(log) else ""
    return put_worker(state, replace(worker, calls=calls, waits=waits, log=log, stalled=stalled))


def _conductor_result(state: RunState, record: Record, event: e.ToolEnded | e.ToolRefused) -> RunState:
    conductor = state.conductor
    state = change_conductor(state, log=(*conductor.log, record))
    if not isinstance(event, e.ToolEnded) or event.name != "Read":
        return state
    path = _path_of(conductor.log, event.use)
    if path.startswith("guides/") and not event.is_error:
        name = path.removeprefix("guides/").removesuffix(".md")
        read = GuideRead(name, round(len(event.content) / _CHARACTERS_PER_TOKEN), record.seq)
        return add_to_tape(change_conductor(state, guides=(*conductor.guides, read)), record)
    if path and event.is_error and not path.startswith(("guides/", "outputs/")):
        # What could not be read is not one of the few workspace files that it may read. Its calls come one by one.
        return change_conductor(state, reads=conductor.reads[:-1])
    return state


def _path_of(log: Sequence[Record], use: str) -> str:
    """The path in the arguments of the conductor's latest call of this id, as the call has it; empty without one."""
    turns = (record.event for record in reversed(log) if isinstance(record.event, e.ConductorTurn))
    calls = (block for turn in turns for block in turn.content if block.get("id") == use)
    given = next(calls, {}).get("input")
    return str(given.get("file_path", "")).strip() if isinstance(given, dict) else ""


def _artifact(state: RunState, record: Record, event: e.ArtifactSaved) -> RunState:
    task = task_of(state, event.task, event)
    key = f"{event.task}/{event.name}"
    state = put_task(state, replace(task, artifacts=tuple(dict.fromkeys((*task.artifacts, key)))))
    return replace(state, artifacts=with_entry(state.artifacts, key, event))


def _file(state: RunState, record: Record, event: e.FileChanged) -> RunState:
    return replace(state, files=(*state.files, event))


STEPS: dict[str, Step] = {
    "request.sent": _request_sent,
    "request.ended": _request_ended,
    "request.failed": _request_failed,
    "request.paused": _paused,
    "tool.started": _tool_started,
    "tool.ended": _tool_result,
    "tool.refused": _tool_result,
    "artifact.saved": _artifact,
    "file.changed": _file,
}
