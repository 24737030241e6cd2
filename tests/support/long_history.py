"""The journal of a very long run, written by our own recorder: a thousand tasks, a hundred thousand records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from conductor_magic import events as e
from conductor_magic.events import Event
from conductor_magic.journal import Journal

__all__ = ["EVENTS", "TASKS", "write_long_history"]

TASKS = 1_000
EVENTS = 100_000
WORKERS = 64
_BATCH = 50
"""Tasks that the conductor lays out in one turn."""

_TIERS: tuple[e.Tier, ...] = ("haiku", "sonnet", "opus")
_TOOLS = ("Read", "Glob", "Grep", "Read", "Edit", "Bash")
_PROSE = "The second column holds the moment of the sale in local time, so the hours of a day must be shifted first. "
_LINE = "2026-03-01T10:15:00,store 14,basket 311,17.90\n"


def write_long_history(folder: Path, tasks: int = TASKS, events: int = EVENTS) -> Path:
    """Write the journal of a whole run into a new folder; gives its path.

    Args:
        folder: the run's folder.
        tasks: how many there are, each made by one worker.
        events: how many records there are, about.
    """
    clock = iter(range(10**9))
    journal = Journal(folder, clock=lambda: 1_767_225_600.0 + next(clock) * 0.05)

    async def write() -> None:
        # The disk is waited for now and then, as in a run, and not after each record.
        journal.drive(lambda fault: None)
        for number, event in enumerate(_History(journal, tasks, events // tasks).events()):
            journal.append(event)
            if number % 1_000 == 0:
                await journal.flushed()

    asyncio.run(write())
    journal.close()
    return journal.path


class _History:
    """What happens: the tasks of a batch are laid out, played by workers side by side, and reported."""

    def __init__(self, journal: Journal, tasks: int, each: int) -> None:
        self._journal = journal
        self._tasks = tasks
        # What of a task's records does not repeat: it is laid out, launched, begun, ended, and told.
        self._turns = max(1, round((each - 10) / 5.2))
        self._requests = self._calls = 0

    def events(self) -> Iterator[Event]:
        yield e.RunStarted(run=self._journal.path.parent.name, goal="A long one.", workers=WORKERS, budget=None)
        yield e.ModelsResolved(tiers={tier: f"claude-{tier}-5" for tier in _TIERS}, source="models.list")
        yield e.ConductorStarted(model="claude-opus-5", system="You conduct.", tools=("Task",), prompt="A long one.")
        for first in range(1, self._tasks + 1, _BATCH):
            batch = range(first, min(first + _BATCH, self._tasks + 1))
            yield from self._laid_out(batch)
            yield from self._played(batch)
            notices = len(self._journal.state.notices)
            yield e.ConductorTold(text=f"{len(batch)} tasks are done. " + _PROSE * 4, until=notices)
        yield from self._request("conductor", e.ConductorTurn, {"content": ({"type": "text", "text": "All of it."},)})
        yield e.ConductorSlept(text="All of it.")
        yield e.RunEnded(status="completed", answer="All of it.")

    def _request(self, by: str, turn: type[Event], fields: dict[str, object]) -> Iterator[Event]:
        self._requests += 1
        name = f"r{self._requests}"
        yield e.RequestSent(request=name, by=by, model="claude-sonnet-5", max_tokens=8_000, reserved=0.12)
        yield e.RequestEnded(
            request=name, by=by, model="claude-sonnet-5", stop="tool_use", input_tokens=900, output_tokens=200,
            cache_read_tokens=4_000, usd=0.0071, list_usd=0.0071, seconds=3.25,
        )  # fmt: skip
        yield turn.model_validate({"request": name, "stop": "tool_use", **fields})

    def _laid_out(self, batch: range) -> Iterator[Event]:
        blocks = [{"type": "tool_use", "id": f"t{n}", "name": "TaskCreate", "input": {"key": f"k{n}"}} for n in batch]
        yield from self._request("conductor", e.ConductorTurn, {"content": tuple(blocks)})
        for number in batch:
            waits = (str(number - _BATCH),) if number > _BATCH else ()
            tier = _TIERS[number % 3]
            made = e.TaskCreated(
                task=str(number), subject=f"Part {number} of the survey", description=_PROSE * 2, tier=tier,
                phase=f"Phase {number // 250 + 1}", blocked_by=waits, reason="It is plain work.", key=f"k{number}",
            )  # fmt: skip
            yield from self._called("conductor", "TaskCreate", f"t{number}", made)
            launched = e.TaskLaunched(task=str(number), prompt=_PROSE * 6, tier=tier, reason="It is plain work.")
            yield from self._called("conductor", "Task", f"l{number}", launched)
        yield e.ConductorSlept(text="Under way.")

    def _called(self, by: str, name: str, use: str, *done: Event, content: str = "{}") -> Iterator[Event]:
        self._calls += 1
        call = f"c{self._calls}"
        path = f"/work/part-{use}.csv"
        yield e.ToolStarted(call=call, by=by, name=name, input={"file_path": path}, use=use, repeatable=name != "Bash")
        yield from done
        yield e.ToolEnded(call=call, by=by, name=name, content=content, use=use, seconds=0.02)

    def _played(self, batch: range) -> Iterator[Event]:
        for desk, number in enumerate(batch, 1):
            tier = _TIERS[number % 3]
            yield e.WorkerStarted(
                worker=f"w{number}", task=str(number), attempt=1, desk=desk, tier=tier, model=f"claude-{tier}-5",
                prompt=_PROSE * 10, tools=_TOOLS, expected=60,
            )  # fmt: skip
        for turn in range(self._turns):
            for number in batch:
                yield from self._turn(number, turn)
        for number in batch:
            yield e.WorkerEnded(worker=f"w{number}", task=str(number), outcome="completed", output=_PROSE * 8)

    def _turn(self, number: int, turn: int) -> Iterator[Event]:
        worker, name, use = f"w{number}", _TOOLS[turn % len(_TOOLS)], f"u{number}-{turn}"
        said = {"type": "text", "text": _PROSE * 3}
        call = {"type": "tool_use", "id": use, "name": name, "input": {"file_path": f"/work/part-{use}.csv"}}
        yield from self._request(worker, e.WorkerTurn, {"worker": worker, "content": (said, call)})
        changed = e.FileChanged(path=f"/work/{use}", task=str(number), worker=worker, action="edited", after="0" * 64)
        yield from self._called(worker, name, use, *([changed] if name == "Edit" else []), content=_LINE * 12)
