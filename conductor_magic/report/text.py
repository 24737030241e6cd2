"""The board as text, for terminals, logs and `text/plain`: drawn from the snapshot JSON alone. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_magic.report import words
from conductor_magic.report.words import (
    SIGNS,
    WORDS,
    clean,
    clock,
    conflict_line,
    headline,
    money,
    plan_lines,
    provider,
    warnings,
)

__all__ = ["board_text", "progress_line"]

Json = Mapping[str, Any]

_ASCII_SIGNS = {
    "asking": "?",
    "failed": "x",
    "running": ">",
    "ready": "o",
    "blocked": ".",
    "completed": "v",
    "skipped": "-",
    "cancelled": "/",
}
_ASCII = str.maketrans(
    {
        "–": "-",
        "…": "~",
        "·": "|",
        "×": "x",
        "“": '"',
        "”": '"',
        "’": "'",
        "█": "#",
        "░": ".",
        "→": ">",
        "─": "-",
        "◈": "*",
    }
)
_TASKS_LIMIT = 100
_CONFLICTS, _DIFF_LINES = 8, 30
_COUNTED = ("completed", "running", "asking", "failed", "ready", "blocked", "skipped", "cancelled")


def board_text(
    snapshot: Json,
    width: int = 80,
    ascii: bool = False,  # noqa: A002 - the word for it
    *,
    tokens: Sequence[str] = (),
) -> str:
    """The whole board as lines of at most `width` columns.

    Args:
        snapshot: what `snapshot.snapshot` gave.
        width: columns, at least 40.
        ascii: signs and letters of ASCII only, for streams that take no others.
        tokens: what `tokens.token_lines` says; shown of a run that is over.
    """
    width = max(40, width)
    run = snapshot["run"]
    goal = _wrapped(_one_line(run["goal"]) or "A run", width)
    lines = [*_first(goal, 3, width), _fit(progress_line(snapshot), width)]
    lines += [piece for line in _facts(snapshot) for piece in _first(_wrapped(line, width), 3, width)]
    lines += _section([_phase(phase, width) for phase in snapshot["phases"]])
    lines += _section(_tasks(snapshot, width))
    lines += _section(
        [_fit(f"  {piece}", width) for line in plan_lines(snapshot) for piece in _wrapped(line, width - 2)]
    )
    lines += _section([_question(asked, width) for asked in snapshot["questions"] if asked["answered"] is None])
    lines += _section([line for conflict in snapshot["conflicts"][-_CONFLICTS:] for line in _conflict(conflict, width)])
    said = tokens if run["ended"] is not None else ()
    lines += _section([piece for line in said for piece in _wrapped(_one_line(line), width)])
    lines += _section(_answer(run["answer"], width))
    lines += _section([_fit(run["signature"], width)] if run["started"] else [])
    text = "\n".join(line.rstrip() for line in lines)
    return _as_ascii(text) if ascii else text


def progress_line(snapshot: Json) -> str:
    """Where the run stands, on one line: status, time, tasks by state, money, tokens, the conductor's context."""
    run, counts, conductor = snapshot["run"], snapshot["counts"], snapshot["conductor"]
    total = sum(counts.values()) - counts["cancelled"]
    parts = [f"{headline(snapshot)}  {clock(_elapsed(snapshot))}"]
    parts += [waits] if (waits := words.pause(snapshot)) else []
    if snapshot["order"]:
        parts.append(f"{counts['completed']}/{total} done")
    parts += [f"{counts[name]} {WORDS[name]}" for name in ("running", "asking", "failed", "skipped") if counts[name]]
    if run["started"]:
        parts.append(money(snapshot["spend"]["usd"]))
        parts.append(words.tokens(snapshot["spend"]["tokens"], estimated=snapshot["spend"]["estimated"]) + " tok")
    if conductor["window"]:
        parts.append(f"ctx {conductor['context_tokens'] / conductor['window']:.0%}")
    return "  ".join(parts)


def _elapsed(snapshot: Json) -> float:
    started = snapshot["run"]["started"]
    return snapshot["now"] - started if started else 0.0


def _facts(snapshot: Json) -> list[str]:
    """Who plays, what it may spend, and what to know of it."""
    run = snapshot["run"]
    if not run["started"]:
        return []
    budget = snapshot["spend"]["budget"]
    facts = [
        provider(run),
        f"mode {run['mode']}",
        "no budget" if budget is None else f"budget {money(budget)}",
        f"{snapshot['parallel']:.1f}× parallel" if snapshot["workers"] else "",
    ]
    told = [" · ".join(part for part in facts if part), *(f"! {_one_line(text)}" for text in warnings(snapshot))]
    drafting = snapshot["conductor"]["drafting"]
    return [*told, _one_line(drafting)] if drafting else told


def _phase(phase: Json, width: int) -> str:
    cells = 16
    full = phase["done"] * cells // phase["total"]
    bar = "█" * full + "░" * (cells - full)
    failed = f"  {phase['failed']} failed" if phase["failed"] else ""
    name = _pad(_one_line(phase["name"]), max(10, width - 50))
    return _fit(f"  {name} {bar} {phase['done']:>3}/{phase['total']}{failed}", width)


def _tasks(snapshot: Json, width: int) -> list[str]:
    """Every task on a line; of a large run only what needs a look, and how many others there are."""
    tasks = [snapshot["tasks"][task] for task in snapshot["order"]]
    lively = tasks
    if len(tasks) > _TASKS_LIMIT:
        lively = [task for task in tasks if task["shown"] in ("asking", "failed", "running")][:_TASKS_LIMIT]
    tails = {task["id"]: _one_line(_tail(task, snapshot)) for task in lively}
    # The subjects get what the tails leave, so that nothing is cut while there is room.
    room = min(max(map(_columns, tails.values()), default=0), max(0, (width - 26) // 2))
    lines = [_task(task, snapshot, tails[task["id"]], width, width - 26 - room) for task in lively]
    if len(tasks) == len(lively):
        return lines
    left = dict.fromkeys(_COUNTED, 0)
    for task in tasks:
        left[task["shown"]] += 1
    for task in lively:
        left[task["shown"]] -= 1
    rest = ", ".join(f"{number} {WORDS[name]}" for name, number in left.items() if number)
    return [*lines, f"  {SIGNS['blocked']} {rest}"]


def _task(task: Json, snapshot: Json, tail: str, width: int, subject: int) -> str:
    ended = task["ended"] or (snapshot["now"] if task["shown"] in ("running", "asking") else None)
    time = clock(ended - task["started"]) if task["started"] and ended else ""
    line = (
        f"  {SIGNS[task['shown']]} {'#' + task['id']:<5}{task['tier'].upper():<7}"
        f"{_pad(_one_line(task['subject']), subject)} {time:>7}  {tail}"
    )
    return _fit(line, width)


def _tail(task: Json, snapshot: Json) -> str:
    """What is worth knowing of the task beside its state: its tool, its fault, what it waits for."""
    worker = snapshot["workers"].get(task["worker"] or "")
    if worker and worker["waits"]:
        return worker["waits"]
    if worker and worker["stalled"]:
        return f"no progress: {worker['stalled']}"
    if task["shown"] in ("running", "asking") and worker and worker["tool"]:
        return f"{worker['tool']['name']} {worker['tool']['argument']}"
    reason = task["reason"] if snapshot["plan"] else ""
    if task["waits_for"]:
        waits = "waits for " + " ".join(map(_blocker, (snapshot["tasks"][blocker] for blocker in task["waits_for"])))
        return f"{waits} · {reason}" if reason else waits
    if reason:
        return reason
    return task["error"] or " ".join(task["artifacts"])


def _blocker(task: Json) -> str:
    """A task that another waits for; one that will not complete by itself is marked."""
    return f"#{task['id']}" + (f" ({WORDS[task['shown']]})" if task["shown"] in ("failed", "cancelled") else "")


def _question(question: Json, width: int) -> str:
    return _fit(f"  {SIGNS['asking']} {_one_line(question['ask'][0]['question'])}", width)


def _conflict(conflict: Json, width: int) -> list[str]:
    """One line, and below it the differences of one that is not settled."""
    sign = SIGNS["completed" if conflict["resolved"] else "failed"]
    lines = [_fit(f"  {sign} {_one_line(conflict_line(conflict))}", width)]
    if conflict["resolved"]:
        return lines
    for diff in conflict["diffs"]:
        shown = clean(diff).expandtabs(4).splitlines()
        lines += [_fit(f"    {line}", width) for line in shown[:_DIFF_LINES]]
        if len(shown) > _DIFF_LINES:
            lines.append(f"    … {len(shown) - _DIFF_LINES:,} more lines")
    return lines


def _answer(answer: str, width: int) -> list[str]:
    """The answer as it was written, long lines broken at blanks."""
    return [piece for line in clean(answer).strip().expandtabs(4).splitlines() for piece in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    pieces: list[str] = []
    while _columns(line) > width:
        head = _cut(line, width)
        at = head.rfind(" ", width // 2)
        head = head if at < 0 else head[:at]
        pieces.append(head)
        line = line[len(head) :].lstrip()
    return [*pieces, line]


def _first(lines: list[str], limit: int, width: int) -> list[str]:
    return lines if len(lines) <= limit else [*lines[: limit - 1], _fit(" ".join(lines[limit - 1 :]), width)]


def _section(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _columns(text: str) -> int:
    """Columns of a terminal that the text takes: wide characters take two, combining ones none."""
    return sum(_column(character) for character in text)


def _column(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, width: int) -> str:
    taken = 0
    for index, character in enumerate(text):
        taken += _column(character)
        if taken > width:
            return text[:index]
    return text


def _fit(text: str, width: int) -> str:
    return text if _columns(text) <= width else _cut(text, width - 1) + "…"


def _pad(text: str, width: int) -> str:
    text = _fit(text, width)
    return text + " " * (width - _columns(text))


def _as_ascii(text: str) -> str:
    for name, sign in SIGNS.items():
        text = text.replace(f"  {sign} ", f"  {_ASCII_SIGNS[name]} ")
    return text.translate(_ASCII).encode("ascii", "replace").decode()
