"""The plan as a picture: a column for each phase, a box for each task; of very many tasks a sign each."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from conductor_magic.report.html.look import LOOKS, Json, Room, colours, line, sign, word
from conductor_magic.report.words import SIGNS, WORDS, count

__all__ = ["blockers", "graph"]

_NAMED = 8
"""Blockers that are named one by one."""
_SIGNS = 1_200
"""Signs that a picture has at most; of more tasks a sign stands for several."""


class _Column(NamedTuple):
    name: str
    tasks: Sequence[Json]


def graph(snapshot: Json, room: Room) -> str:
    """The picture; nothing while there is no plan."""
    columns = _columns(snapshot)
    if not columns:
        return ""
    shown, left = columns[: room.phases], columns[room.phases :]
    boxes = len(snapshot["order"]) <= room.boxes
    unit = ceil(len(snapshot["order"]) / _SIGNS)
    heads = "".join(f'<td style="{_CELL}">{_head(column, snapshot, room)}</td>' for column in shown)
    cells = "".join(
        f'<td style="{_CELL}">{_boxes(column, room) if boxes else _signs(column, unit)}</td>' for column in shown
    )
    notes = [f"A sign stands for {count(unit, 'task')}."] if unit > 1 and not boxes else []
    if left:
        notes.append(f"{count(len(left), 'more phase')}, {count(sum(len(one.tasks) for one in left), 'task')}.")
    style = f"border-collapse:collapse;table-layout:fixed;width:100%;min-width:{_NARROWEST * len(shown)}px;margin:0"
    rows = "".join(f'<tr style="background:none">{row}</tr>' for row in (heads, cells))
    table = f'<div style="overflow-x:auto;margin:8px 0"><table style="{style}">{rows}</table></div>'
    return table + (f"<p>{' '.join(notes)}</p>" if notes else "")


def blockers(ids: Sequence[str]) -> str:
    """Tasks by number; of many the first ones, and how many others."""
    named = " ".join(f"#{line(blocker, 12)}" for blocker in ids[:_NAMED])
    return named + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")


_NARROWEST = 112
"""Pixels of a column; more of them than fit are scrolled."""
_CELL = "padding:0 8px 0 0;text-align:left;vertical-align:top;font-size:12px"


def _columns(snapshot: Json) -> list[_Column]:
    """A column for each phase; of a plan without phases, one for each step of what waits for what."""
    depth = _depths(snapshot)
    found: dict[str | int, list[Json]] = {}
    for number in snapshot["order"]:
        task = snapshot["tasks"][number]
        found.setdefault(task["phase"] if snapshot["phases"] else depth[number], []).append(task)
    keys = found if snapshot["phases"] else sorted(found, key=int)
    return [
        _Column(str(key) if snapshot["phases"] else "", sorted(found[key], key=lambda task: depth[task["id"]]))
        for key in keys
    ]


def _depths(snapshot: Json) -> dict[str, int]:
    """The number of tasks in the longest chain of blockers before each task."""
    tasks = snapshot["tasks"]
    found = dict.fromkeys(tasks, 0)
    waits = {task: [blocker for blocker in tasks[task]["blocked_by"] if blocker in tasks] for task in tasks}
    left = {task: len(waits[task]) for task in tasks}
    follow: dict[str, list[str]] = {task: [] for task in tasks}
    for task, before in waits.items():
        for blocker in before:
            follow[blocker].append(task)
    ready = [task for task in tasks if not left[task]]
    while ready:
        done = ready.pop()
        for task in follow[done]:
            found[task] = max(found[task], found[done] + 1)
            left[task] -= 1
            if not left[task]:
                ready.append(task)
    return found


def _head(column: _Column, snapshot: Json, room: Room) -> str:
    """Name, how much is done, and the same as a bar."""
    phase = next((phase for phase in snapshot["phases"] if phase["name"] == column.name), None)
    if phase is None:
        return line(column.name, room.title)
    failed = f", {phase['failed']} failed" if phase["failed"] else ""
    done = 100 * phase["done"] / phase["total"]
    hue = LOOKS["completed"].line
    return (
        f"<strong>{line(phase['name'], min(room.title, 60))}</strong> "
        f'<small style="opacity:.8">{phase["done"]}/{phase["total"]}{failed}</small>'
        f'<div style="height:3px;margin:3px 0 6px;background:#7c858f4d">'
        f'<div style="height:3px;width:{done:.0f}%;background:{hue}"></div></div>'
    )


def _boxes(column: _Column, room: Room) -> str:
    return "".join(_box(task, room) for task in column.tasks)


def _box(task: Json, room: Room) -> str:
    look = LOOKS[task["shown"]]
    after = f" · after {blockers(task['blocked_by'])}" if task["blocked_by"] else ""
    live = task["shown"] in {"running", "asking", "failed"}
    title = line(task["subject"], min(room.title, 80))
    return (
        f'<div style="display:flex;gap:5px;border:1px {look.style} {look.line};border-radius:4px;margin:0 0 4px">'
        f"{sign(task['shown'])} <span>#{line(task['id'], 12)} {f'<strong>{title}</strong>' if live else title} "
        f"<small>{line(task['tier'], 12).upper()}{after}</small></span></div>"
    )


def _signs(column: _Column, unit: int) -> str:
    """A sign for each task, by state, so that a thousand of them are read at a glance."""
    parts: list[str] = []
    for state in WORDS:
        number = sum(task["shown"] == state for task in column.tasks)
        if number:
            signs = SIGNS[state] * ceil(number / unit)
            parts.append(
                f"<small>{number:,} {word(state).lower()}</small><br>"
                f'<span style="{colours(state)}letter-spacing:2px;word-break:break-all">{signs}</span><br>'
            )
    return "".join(parts)
