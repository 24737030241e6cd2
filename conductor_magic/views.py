"""What a view of the board asks for beyond the snapshot: an inspected task, an artifact, the report of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conductor_magic.events import Record
from conductor_magic.report.whole import report
from conductor_magic.snapshot import inspect
from conductor_magic.state import RunState

__all__ = ["VIEWS"]

Json = dict[str, Any]
Shown = Callable[[Sequence[Record], RunState, Path, Mapping[str, Any]], Json | Awaitable[Json]]


def _inspect(records: Sequence[Record], state: RunState, folder: Path, payload: Mapping[str, Any]) -> Json:
    found = inspect(state, str(payload.get("task", "")))
    return {"detail": found} if found else {"error": f"There is no task {payload.get('task')}."}


def _artifact(
    records: Sequence[Record], state: RunState, folder: Path, payload: Mapping[str, Any]
) -> Json | Awaitable[Json]:
    # By its maker and its own name: what it is called in public changes when another task makes one of that name.
    task, name = str(payload.get("task", "")), str(payload.get("name", ""))
    key = f"{task}/{name.removeprefix(task + '/')}"
    if key not in state.artifacts:
        return {"error": f"There is no artifact {name}."}
    saved = state.artifacts[key]

    async def read() -> Json:
        from conductor_magic.preview import preview

        return {"preview": await asyncio.to_thread(preview, folder, saved)}

    return read()


def _report(records: Sequence[Record], state: RunState, folder: Path, payload: Mapping[str, Any]) -> Json:
    return {"report": report(records, state)}


VIEWS: Mapping[str, Shown] = {"inspect": _inspect, "artifact": _artifact, "report": _report}
"""By the kind of command: `inspect` {task} -> `detail`, `artifact` {task, name} -> `preview`, `report` {} -> `report`.

Each is given the run's records, their fold, the run's folder and the command's payload; `error` says what is wrong.
What takes a while is an awaitable.
"""
