"""A board under full load: a thousand tasks, two hundred desks, twenty patches a second for as long as it takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from bench.board_run import TICK, Play
from conductor_magic.events import Event, Record
from conductor_magic.patches import diff
from conductor_magic.snapshot import snapshot
from tests.support.board_page import BoardPage

__all__ = ["Load"]

Json = dict[str, Any]
_BEGIN, _PICTURES = 20.0, 40
_FEED = """
([snapshot, changes, lines, tick]) => {
  const first = 1_000;
  boardPage.tell([{kind: "snap", n: first, snapshot, lines: {}}]);
  boardPage.fed = 0;
  setInterval(() => {
    const [n, at] = [first + boardPage.fed, boardPage.fed];
    boardPage.fed += 1;
    boardPage.tell([
      {kind: "patch", n: n + 1, base: n, changes: changes[at % changes.length], lines: lines[at % lines.length]},
    ]);
  }, tick);
}
"""


class _Kept(Play):
    """A play that keeps its records, so that its past can be shown."""

    def __init__(self, tasks: int, desks: int, seconds: float) -> None:
        self.records: list[Record] = []
        super().__init__(tasks, desks, seconds)

    def _add(self, *events: Event) -> None:
        for event in events:
            self.records.append(Record(len(self.records) + 1, self.clock, event))
        super()._add(*events)


class Load:
    """Some seconds of a run, forth and back for ever; what a test presses is held as it is.

    Attributes:
        records: of the run until then.
        pictures: the snapshots of those seconds.
    """

    def __init__(self) -> None:
        play = _Kept(1_000, 200, 300.0)
        play.until(_BEGIN)
        self.records = list(play.records)
        self.pictures: list[Json] = []
        self._lines: list[Json] = []
        for number in range(_PICTURES):
            play.fresh.clear()
            play.until(_BEGIN + number * TICK)
            self.pictures.append(snapshot(play.state, play.clock))
            self._lines.append({worker: play.lines[worker] for worker in sorted(play.fresh)})

    def first_desk(self) -> str:
        """The task at the first desk that one task has all the time; the plan's first tasks are left to the test."""
        desks = [
            {worker["desk"]: worker["task"] for worker in picture["workers"].values() if worker["outcome"] is None}
            for picture in self.pictures
        ]
        return next(
            task
            for desk, task in sorted(desks[0].items())
            if int(task) > 9 and all(one.get(desk) == task for one in desks)
        )

    def hold(self, path: tuple[str, ...], value: Any) -> None:
        """Let something be the same in all pictures."""
        for picture in self.pictures:
            place = picture
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = value

    def feed(self, board: BoardPage) -> None:
        """Let the board show the first picture, and then patches as long as its page is there."""
        way = [*self.pictures, *self.pictures[-2::-1]]
        changes = [diff(before, after) for before, after in pairwise(way)]
        board.page.evaluate(_FEED, [self.pictures[0], changes, self._lines, TICK * 1_000])
