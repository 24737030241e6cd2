"""What a run's record comes to by the contract's own rules, counted anew from its events, without any fold of ours."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic import events as e
from conductor_magic.events import Record
from tests.support.adversary import CONDUCTOR_TOOLS, GRAPH_TOOLS, WORKER_TOOLS

__all__ = ["foreign", "outcomes", "spent", "verdict"]


def outcomes(records: Sequence[Record]) -> dict[str, tuple[str, bool]]:
    """By task: the outcome of its last attempt (empty: none ended, or it was launched anew), and whether it counts."""
    last, counts = dict[str, str](), dict[str, bool]()
    for record in records:
        match record.event:
            case e.TaskCreated(task=task, replaces=old):
                last[task], counts[task] = "", True
                if old:
                    counts[old] = False
            case e.TaskDeleted(task=task):
                counts[task] = False
            case e.TaskLaunched(task=task):
                last[task] = ""
            case e.WorkerEnded(task=task, outcome=outcome):
                last[task] = outcome
            case _:
                pass
    return {task: (last[task], counts[task]) for task in last}


def verdict(records: Sequence[Record]) -> str:
    """The run's status by the table of the contract."""
    events = [record.event for record in records]
    ends = [outcome for outcome, counts in outcomes(records).values() if counts]
    said = [event.text for event in events if isinstance(event, e.ConductorSlept) and event.text is not None]
    if any(isinstance(event, e.CancelRequested) for event in events):
        return "cancelled"
    if any(isinstance(event, e.ConductorFailed) for event in events) or "completed" not in ends:
        return "failed"
    capped = any(isinstance(event, e.CapReached) and not event.tier for event in events)
    whole = set(ends) == {"completed"} and not capped and said and said[-1].strip()
    return "completed" if whole else "partial"


def foreign(records: Sequence[Record]) -> list[str]:
    """What somebody did who may not: a call of another role's tool that ran, a change of the graph by no conductor."""
    found, open_by = list[str](), dict[str, str]()
    for record in records:
        event = record.event
        if isinstance(event, e.ToolStarted):
            allowed = CONDUCTOR_TOOLS if event.by == "conductor" else WORKER_TOOLS
            found += [] if event.name in allowed else [f"{event.by} ran {event.name}"]
            if event.by == "conductor":
                open_by[event.call] = event.name
        elif isinstance(event, e.ToolEnded):
            open_by.pop(event.call, None)
        elif isinstance(event, e.TaskCreated | e.TaskEdited | e.TaskLaunched | e.TaskDeleted | e.TaskCancelled):
            by_conductor = event.by == "conductor" and GRAPH_TOOLS & set(open_by.values())
            found += [] if by_conductor else [f"{event.kind} by {event.by} in none of its calls"]
        elif isinstance(event, e.FileChanged):
            found += [] if event.worker.startswith("w") else [f"{event.path} was changed by {event.worker}"]
    return found


def spent(records: Sequence[Record]) -> list[tuple[str, int, int]]:
    """What the replies that came whole cost: who asked, input tokens, output tokens."""
    return [
        ("conductor" if ended.by == "conductor" else "worker", ended.input_tokens, ended.output_tokens)
        for record in records
        if isinstance(ended := record.event, e.RequestEnded)
    ]
