"""The assertions of the corpus by name, for rows that a worker's tool call plays; each gives what is wrong, or "".

`verdict` judges what a row expects; the checks look for traces.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor_magic.errors import ConductorError
from conductor_magic.fold import fold
from conductor_magic.journal import read_records
from conductor_magic.report.html import board_html
from conductor_magic.report.text import board_text
from conductor_magic.snapshot import inspect, snapshot
from tests.corpus.play import Played, Told
from tests.corpus.world import Tree, World, leaks

__all__ = ["CHECKS", "HIDDEN", "Seen", "verdict"]

Json = dict[str, Any]
_MOST_SHOWN = 100_000
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)


@dataclass
class Seen:
    """A row that was played, and all that its checks look at.

    Attributes:
        row: with its placeholders filled in.
        world: where.
        played: what came of it.
        before: how the world looked before, see `World.look`.
        after: how it looks now.
        own: the calls that the row itself makes are the last `own` ones.
        spawned: programs started meanwhile.
        left: command lines of processes that are still there afterwards.
        bystander: whether a process beside the run is still alive.
    """

    row: Json
    world: World
    played: Played
    before: dict[str, Tree]
    after: dict[str, Tree]
    own: int = 1
    spawned: int = 0
    left: list[str] = field(default_factory=list)
    bystander: bool = True

    @property
    def told(self) -> list[Told]:
        """What the worker was told of the row's own calls."""
        return self.played.told[-self.own :]

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(told.text for told in self.told)


def verdict(seen: Seen) -> str:
    """What is wrong with how the row ended, by its `expect`."""
    errors = [told.is_error for told in seen.told]
    if len(errors) != seen.own:
        return f"{len(errors)} of {seen.own} calls were answered"
    match seen.row["expect"]:
        case "allow" | "allow_pinned":
            return "refused: " + seen.text if any(errors) else ""
        case "block":
            return "" if all(errors) else "done without a yes: " + seen.text
        case "error_result":
            going_on = seen.played.result.status == "completed"
            return "" if all(errors) and going_on else f"no error result, or the task did not go on: {seen.text}"
        case "asks":
            return "" if _asked_for_last(seen) else "no question was put for it"
        case "inert":
            return "" if all(errors) and _asked_for_last(seen) else "not asked, or done without a yes"
        case "contain" | "completes":
            return ""
    return f"unknown verdict {seen.row['expect']!r}"


def _asked_for_last(seen: Seen) -> bool:
    return len(seen.played.asked) == len(seen.row["input"].get("granted", [])) + 1


def _unchanged(name: str, but: Sequence[str] = ()) -> Callable[[Seen], str]:
    def check(seen: Seen) -> str:
        before, after = seen.before[name], seen.after[name]
        paths = sorted({*before, *after} - {*but})
        changed = [path for path in paths if before.get(path) != after.get(path)]
        return f"{name} changed: {changed}" if changed else ""

    return check


def _no_canary_in_output(seen: Seen) -> str:
    given = "\n".join(told.text for told in seen.played.told)
    asked = str(seen.row["input"])
    found = [canary for canary in leaks(given) if canary not in leaks(asked)]
    return f"told to the model: {found}" if found else ""


def _no_canary_in_journal(seen: Seen) -> str:
    found = leaks(seen.played.recorded)
    return f"recorded: {found}" if found else ""


def _no_sink_hit(seen: Seen) -> str:
    return f"reached: {seen.world.sink.hits}" if seen.world.sink.hits else ""


def _no_outside_names(seen: Seen) -> str:
    found = [
        name for name in ("/etc/", "root:", "secret.txt", "id_rsa") if not seen.told[0].is_error and name in seen.text
    ]
    return f"names of what lies outside: {found}" if found else ""


def _no_exception(seen: Seen) -> str:
    causes = [event.get("cause") for event in seen.played.events if event["kind"] == "worker.ended"]
    return (
        "" if seen.played.result.status == "completed" and "crash" not in causes else f"crashed: {seen.played.result}"
    )


def _content_returned(seen: Seen) -> str:
    given = seen.row["input"]
    if seen.row["surface"] == "Read":
        path = seen.world.place(given["path"])
        wanted = path.read_text(errors="replace").splitlines()[:50] or ["empty"]
    else:
        wanted = [str(seen.world.ws / "src/a.py")]
    missing = [line for line in wanted if line not in seen.text]
    return f"not in the result: {missing[:3]}" if missing else ""


def _file_written(seen: Seen) -> str:
    given = seen.row["input"]
    written = seen.world.place(given["path"]).read_text()
    if seen.row["surface"] == "Write":
        return "" if written == given["content"] else f"written: {written!r}"
    gone = given["old_string"] not in written or given["old_string"] in given["new_string"]
    return "" if gone and given["new_string"] in written else f"edited: {written!r}"


def _ran(seen: Seen) -> str:
    return f"did not run: {seen.text}" if any(told.is_error for told in seen.told) else ""


def _output_capped(seen: Seen) -> str:
    if len(seen.text) > _MOST_SHOWN:
        return f"{len(seen.text):,} characters were shown"
    says = re.search(r"stopped|left out|bytes in all|not text|more characters|cut", seen.text)
    return "" if says else f"does not say that more was there: {seen.text[-300:]!r}"


def _faster_than(seconds: float) -> Callable[[Seen], str]:
    def check(seen: Seen) -> str:
        return "" if seen.played.seconds < seconds else f"took {seen.played.seconds:.1f} s"

    return check


def _journal_ok(seen: Seen) -> str:
    try:
        records, _ = read_records(seen.world.job / "journal.jsonl")
    except (OSError, ConductorError) as error:
        return f"the journal does not load: {error}"
    gaps = [record.seq for place, record in enumerate(records, 1) if record.seq != place]
    return "" if fold(records).ended and not gaps else "the journal is not whole"


def _no_raw_escape_on_board(seen: Seen) -> str:
    state = fold(list(seen.played.result.events))
    drawn = snapshot(state, state.at)
    details = {task: inspect(state, task) or {} for task in state.tasks}
    views = {"html": board_html(drawn, details), "text": board_text(drawn), "result": repr(seen.played.result)}
    found = [name for name, view in views.items() if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", view)]
    return f"control characters in {found}" if found else ""


def _no_invisible_instruction(seen: Seen) -> str:
    shown = [str(value) for asked in seen.played.asked for value in (asked["question"], asked.get("detail", ""))]
    found = [hidden for text in (*shown, *(told.text for told in seen.told)) for hidden in HIDDEN.findall(text)]
    return f"invisible: {sorted({hex(ord(char)) for char in found})}" if found else ""


def _not_run_without_yes(seen: Seen) -> str:
    if not all(told.is_error for told in seen.told):
        return f"ran: {seen.text}"
    return _unchanged("inside", seen.row["input"].get("granted", []))(seen)


def _no_process_spawned(seen: Seen) -> str:
    return f"{seen.spawned} programs were started" if seen.spawned else ""


def _told_user(seen: Seen) -> str:
    return "" if seen.played.result.answer or seen.text else "nothing was said"


CHECKS: dict[str, Callable[[Seen], str]] = {
    "outside_unchanged": _unchanged("outside"),
    "home_unchanged": _unchanged("home"),
    "workspace_unchanged": _unchanged("inside"),
    "file_unchanged": _unchanged("inside"),
    "protected_unchanged": _unchanged("protected"),
    "no_canary_in_output": _no_canary_in_output,
    "no_canary_in_journal": _no_canary_in_journal,
    "no_sink_hit": _no_sink_hit,
    "no_request_to_sink": _no_sink_hit,
    "no_connect": _no_sink_hit,
    "no_outside_names": _no_outside_names,
    "no_exception": _no_exception,
    "no_hang": _faster_than(15),
    "under_2s": _faster_than(2),
    "content_returned": _content_returned,
    "file_written": _file_written,
    "ran": _ran,
    "output_capped": _output_capped,
    "journal_ok": _journal_ok,
    "no_raw_escape_on_board": _no_raw_escape_on_board,
    "no_invisible_instruction": _no_invisible_instruction,
    "not_run_without_yes": _not_run_without_yes,
    "no_process_spawned": _no_process_spawned,
    "no_process_left": lambda seen: f"still there: {seen.left}" if seen.left else "",
    "kernel_alive": lambda seen: "" if seen.bystander and os.getppid() else "a process beside the run was killed",
    "tool_result_is_error": lambda seen: "" if all(told.is_error for told in seen.told) else "no error result",
    "told_user": _told_user,
}
