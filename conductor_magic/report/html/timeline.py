"""Who was at which desk when: a row for each desk; of very many desks or attempts, how many worked at once."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.report.html.look import LOOKS, Json, Room, colours, line
from conductor_magic.report.words import SIGNS, clock

__all__ = ["timeline"]

_DESKS = 30
_SLICES = 60
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600)
_TICKS = 8
_LABEL = "width:56px;flex-shrink:0;opacity:.8"
_MARKS = {"milestone": "⚑", "question": f"{SIGNS['asking']} asked", "compaction": "⇣ context compacted"}
_MOST_MARKS = 24


def timeline(snapshot: Json, room: Room) -> str:
    """The timeline; nothing before anyone has worked."""
    workers = list(snapshot["workers"].values())
    if not workers:
        return ""
    scale = _Scale(snapshot["run"]["started"], snapshot["now"])
    desks = sorted({worker["desk"] for worker in workers})
    crowded = len(desks) > _DESKS or len(workers) > room.bars
    drawn = _crowd(workers, scale) if crowded else "".join(_desk(desk, snapshot, scale) for desk in desks)
    return (
        f'<div style="margin:10px 0;font-size:11px;line-height:16px">{_axis(scale)}{drawn}'
        f"{_marks(snapshot, scale, room)}</div>"
    )


class _Scale:
    """Places moments of the run, in percent of its length."""

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.seconds = max(1.0, end - start)

    def at(self, moment: float) -> float:
        """How far along the moment lies."""
        return min(100.0, max(0.0, 100 * (moment - self.start) / self.seconds))


def _row(label: str, content: str) -> str:
    style = "display:flex;flex:1;height:16px;min-width:0;border-left:1px solid #7c858f"
    return (
        f'<div style="display:flex;margin:0 0 2px"><span style="{_LABEL}">{label}</span> '
        f'<span style="{style}">{content}</span></div>'
    )


def _axis(scale: _Scale) -> str:
    every = next(
        (step for step in _STEPS if scale.seconds / step <= _TICKS), 3_600 * (int(scale.seconds) // 28_800 + 1)
    )
    width = 100 * every / scale.seconds
    # The last mark gets what is left; a narrow rest is left without one.
    ticks = [second for second in range(0, int(scale.seconds) + 1, every) if scale.seconds - second > every / 2]
    marks = " ".join(f'<span style="width:{width:.2f}%">{clock(second)}</span>' for second in ticks)
    return _row("Time", marks)


def _desk(desk: int, snapshot: Json, scale: _Scale) -> str:
    """The attempts at one desk, one after the other."""
    bars: list[str] = []
    reach = 0.0
    workers = (worker for worker in snapshot["workers"].values() if worker["desk"] == desk)
    for worker in sorted(workers, key=lambda worker: worker["started"]):
        end = worker["ended"] or snapshot["now"]
        left, right = max(reach, scale.at(worker["started"])), scale.at(end)
        state = _state(worker, snapshot)
        gap = f"margin-left:{left - reach:.1f}%;" if left - reach >= 0.05 else ""
        # What does not fit goes to a second line, which is not seen: a number is whole or not there.
        bars.append(
            f'<span style="{gap}width:{max(0.3, right - left):.1f}%;overflow:hidden;{colours(state)}'
            f'border-left:2px solid {LOOKS[state].line}">\u200b#{line(worker["task"], 12)} '
            f"{clock(end - worker['started'])}</span>"
        )
        reach = max(left, right)
    return _row(f"Desk {desk}", " ".join(bars))


def _state(worker: Json, snapshot: Json) -> str:
    """The state that an attempt's bar shows."""
    if worker["outcome"] is None:
        return snapshot["tasks"][worker["task"]]["shown"]
    return worker["outcome"] if worker["outcome"] in {"completed", "cancelled"} else "failed"


def _crowd(workers: Sequence[Json], scale: _Scale) -> str:
    """How many worked at once, in equal slices of the run."""
    busy = [0.0] * _SLICES
    wide = scale.seconds / _SLICES
    end = scale.start + scale.seconds
    for worker in workers:
        start, stop = worker["started"] - scale.start, min(worker["ended"] or end, end) - scale.start
        for place in range(max(0, int(start / wide)), min(_SLICES, int(stop / wide) + 1)):
            busy[place] += max(0.0, min(stop, (place + 1) * wide) - max(start, place * wide)) / wide
    most = max(1.0, *busy)
    columns = "".join(
        f'<span style="flex:1;height:{60 * number / most:.0f}px;background:{LOOKS["completed"].line}"></span>'
        for number in busy
    )
    total = sum(busy) / _SLICES
    return (
        f'<div style="display:flex;margin:0 0 2px"><span style="{_LABEL}">At work</span>'
        '<div style="display:flex;flex:1;align-items:flex-end;height:60px;border-left:1px solid #7c858f">'
        f"{columns}</div></div><p>{_attempts(workers)}: up to {most:.0f} at once, {total:.0f} on average.</p>"
    )


def _attempts(workers: Sequence[Json]) -> str:
    desks = len({worker["desk"] for worker in workers})
    return f"{len(workers):,} attempts at {desks:,} desks"


def _marks(snapshot: Json, scale: _Scale, room: Room) -> str:
    """Milestones by name, questions and compactions, each where it was; those that would collide go a row down."""
    rows: list[tuple[float, list[str]]] = []
    for mark in snapshot["marks"][:_MOST_MARKS]:
        if mark["kind"] == "milestone" and mark["text"] == "run":
            continue
        at = scale.at(mark["at"])
        name = line(mark["text"], min(room.title, 40)) if mark["kind"] == "milestone" else ""
        said = f"{_MARKS[mark['kind']]} {name} {clock(mark['at'] - scale.start)}".replace("  ", " ")
        width = 1.3 * len(said)
        left = min(at, 100 - width)
        place = next((place for place, (reach, _) in enumerate(rows) if left >= reach), len(rows))
        if place == len(rows):
            rows.append((0.0, []))
        reach, found = rows[place]
        hue = LOOKS["completed" if mark["kind"] == "milestone" else "asking"].line
        found.append(
            f'<span style="margin-left:{max(0.0, left - reach):.2f}%;width:{width:.2f}%;white-space:nowrap;'
            f'border-left:2px solid {hue};padding-left:3px;box-sizing:border-box">{said}</span>'
        )
        rows[place] = (left + width, found)
    return "".join(_row("Marks" if place == 0 else "", " ".join(found)) for place, (_, found) in enumerate(rows))
