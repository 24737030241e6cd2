"""What a row about a journal expects (`EXPECT` gives what is wrong), and its checks by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from conductor_magic.api import opened
from conductor_magic.events import RunResumed
from conductor_magic.journal import NAME, read_records
from conductor_magic.report.html import board_html
from conductor_magic.snapshot import inspect_all, snapshot
from tests.corpus.journal_play import Played
from tests.corpus.world import World, leaks
from tests.support.recorded import TASKS

__all__ = ["CHECKS", "EXPECT"]

Json = dict[str, Any]

# --- what a row expects -----------------------------------------------------------------------------------------------


def loads_prefix(row: Json, played: Played) -> list[str]:
    """Every whole record before the tear is there; the run goes on from it, and comes to its end."""
    return [] if played.loaded and ended_well(played) else [f"not loaded and resumed: {played.said}"]


def refuses(row: Json, played: Played) -> list[str]:
    """Neither loaded nor resumed, and each time a line says why."""
    wrong = [] if played.loaded is None and played.resumed is None else ["it was read"]
    return wrong + ([] if len(played.said) >= 2 and all(played.said) else [f"nothing was said: {played.said}"])


def loads(row: Json, played: Played) -> list[str]:
    """It is read; where the row is about that, it goes on to its end."""
    if played.loaded is None:
        return [f"refused: {played.said}"]
    return [] if row["surface"] == "replay" or ended_well(played) else [f"not resumed: {played.said}"]


def refuses_or_ignores(row: Json, played: Played) -> list[str]:
    """The row's own reading is refused, as are wrong numbers; with numbers that fit it is a kind that nobody knows."""
    return refuses(row, played) if played.loaded is None else loads(row, played)


def view_only(row: Json, played: Played) -> list[str]:
    """It can be looked at, and not gone on with."""
    return [] if played.loaded is not None and played.resumed is None else ["not viewed, or resumed"]


def loads_flagged(row: Json, played: Played) -> list[str]:
    """It is read and goes on; where a field of ours leaves the folder, a note says so."""
    wrong = loads(row, played)
    assert played.loaded is not None
    outside = played.reading.startswith("artifact.saved")
    told = any("outside the run's folder: that file is not opened" in note for note in played.loaded.notes)
    return wrong if told == outside else [*wrong, f"flagged: {told}"]


def refuses_or_flags(row: Json, played: Played) -> list[str]:
    """Fields of ours are refused with the record named; a field that nobody reads is not seen."""
    if played.reading == "to the letter":
        return loads(row, played)
    named = any(re.search(r"record \d+", line) for line in played.said)
    return [*refuses(row, played), *([] if named else [f"no record is named: {played.said}"])]


def nothing_to_do(row: Json, played: Played) -> list[str]:
    """The run is completed: that is said."""
    return [] if played.resumed is None and "there is nothing to resume" in str(played.said) else [str(played.said)]


def ended_well(played: Played) -> bool:
    result = played.resumed
    return result is not None and (result.status, len(result)) == ("completed", TASKS)


EXPECT = {
    function.__name__: function
    for function in (
        loads_prefix, refuses, loads, refuses_or_ignores, view_only, loads_flagged, refuses_or_flags, nothing_to_do
    )
}  # fmt: skip


# --- the checks -------------------------------------------------------------------------------------------------------


def _prefix_loaded(played: Played, base: bytes, world: World) -> bool:
    """What was loaded is what was written, up to the last whole line of it."""
    whole = min(played.before.rfind(b"\n") + 1, len(base))
    assert played.loaded is not None
    lines = base[: base.rfind(b"\n", 0, whole) + 1].count(b"\n")
    records, _ = read_records(played.journal)
    # The resumption's own records follow.
    after = next(record.seq for record in records if isinstance(record.event, RunResumed)) - 1
    return after == lines and played.journal.read_bytes().startswith(
        base[:whole][: sum(map(len, base.splitlines(True)[:lines]))]
    )


def _tail_kept_aside(played: Played, base: bytes, world: World) -> bool:
    kept = (played.folder / "journal.torn-1").read_bytes()
    whole = played.before[: -len(kept)]
    return whole + kept == played.before and base.startswith(whole) and whole.endswith(b"\n")


def _told_user(played: Played, base: bytes, world: World) -> bool:
    results = [result for result in (played.loaded, played.resumed) if result]
    notes = " ".join(note for result in results for note in result.notes)
    return "journal.torn-1" in notes or ("later version" in notes and "Upgrade" in str(played.said))


def _file_unchanged(played: Played, base: bytes, world: World) -> bool:
    return played.looked == played.before and (
        played.resumed is not None or played.journal.read_bytes() == played.before
    )


def _mode_not_raised(played: Played, base: bytes, world: World) -> bool:
    if played.resumed is None:
        return True
    modes = [record.event.mode for record in played.resumed.events if isinstance(record.event, RunResumed)]
    return modes[-1] == "workspace"  # ours; what stands before it may be somebody's invention


def _durations_not_negative(played: Played, base: bytes, world: World) -> bool:
    results = [result for result in (played.loaded, played.resumed) if result]
    seconds = [task.seconds for result in results for task in result] + [result.seconds for result in results]
    spans = [(span.end - span.start).total_seconds() for result in results for span in result.timeline if span.end]
    return all(number >= 0 for number in (*seconds, *spans) if number is not None) and "-1 day" not in played.drawn


def _no_canary(played: Played, base: bytes, world: World) -> bool:
    sent = str(played.resumed.model_dump()) if played.resumed else ""
    return not leaks(played.drawn + sent + str(played.said))


def _outside_unchanged(played: Played, base: bytes, world: World) -> bool:
    return world.look()["outside"] == world.first["outside"]


def _board_inert(played: Played, base: bytes, world: World) -> bool:
    """It has the elements of the same board without markup in its words, and none of them acts or leads anywhere."""
    plain, strange = _Elements(base, played.folder), _Elements(played.before, played.folder)
    assert "alert(1)" in strange.words
    return strange.kinds <= plain.kinds and strange.acting == plain.acting


CHECKS: dict[str, Callable[[Played, bytes, World], bool]] = {
    "prefix_loaded": _prefix_loaded,
    "tail_kept_aside": _tail_kept_aside,
    "told_user": _told_user,
    # Whatever is no error of ours for a person has ended the test before.
    "no_exception": lambda played, base, world: True,
    "file_unchanged": _file_unchanged,
    "says_record_5": lambda played, base, world: all("record 5 " in line for line in played.said),
    "mode_not_raised": _mode_not_raised,
    "no_canary_in_output": _no_canary,
    "outside_unchanged": _outside_unchanged,
    "no_code_run": lambda played, base, world: played.acts == [] and _outside_unchanged(played, base, world),
    "durations_not_negative": _durations_not_negative,
    "board_inert": _board_inert,
    "replay_calls_no_model": lambda played, base, world: played.requests == 0 and world.sink.hits == [],
    "replay_runs_no_tool": lambda played, base, world: played.acts == [],
    "no_api_call": lambda played, base, world: played.requests == 0,
}


class _Elements(HTMLParser):
    """The elements of a run's static board, and what in it acts."""

    def __init__(self, content: bytes, folder: Path) -> None:
        super().__init__()
        self.kinds: set[str] = set()
        self.acting: Counter[str] = Counter()
        self.words = ""
        (folder / NAME).write_bytes(content)
        _, _, state, _ = opened(str(folder))
        self.feed(board_html(snapshot(state, state.at), inspect_all(state)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.kinds.add(tag)
        self.acting.update(name for name, _ in attrs if name.startswith("on") or name in ("src", "href", "srcdoc"))
        self.acting.update([tag] if tag in ("script", "iframe", "img", "a", "object", "form") else [])

    def handle_data(self, data: str) -> None:
        self.words += data
