"""The board as static HTML: what stands in a notebook where no live board can mount. Drawn from JSON alone. Pure.

Every text is escaped, every style is inline, nothing is loaded, and it reads well with all styles stripped. Its root
carries `data-conduct-fallback`: a live board that mounts in the same output hides it. At most `LIMIT` bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

from conductor_magic.report.words import (
    SIGNS,
    WORDS,
    clean,
    clock,
    conflict_line,
    count,
    headline,
    provider,
    spend,
    tokens,
    warnings,
)

__all__ = ["LIMIT", "board_html", "card_html"]

Json = Mapping[str, Any]

LIMIT = 64 * 1024


class _Room(NamedTuple):
    """How much a page may say: tasks and phases listed; characters of a title, a text in a detail, the answer."""

    tasks: int
    phases: int
    title: int
    detail: int
    answer: int


# Most generous first; the first with which the page fits is taken. The last always fits.
_ROOMS = (
    _Room(100, 40, 200, 4_000, 20_000),
    _Room(100, 40, 200, 1_500, 20_000),
    _Room(100, 40, 200, 500, 12_000),
    _Room(100, 40, 120, 150, 8_000),
    _Room(100, 40, 80, 0, 4_000),
    _Room(30, 10, 60, 0, 1_500),
)
# The classes keep MathJax from setting what stands between two dollar signs as a formula.
_BOX = (
    'class="mathjax_ignore tex2jax_ignore" style="font-family:var(--jp-ui-font-family,system-ui,sans-serif);'
    'font-size:13px;line-height:1.45;padding:6px 0"'
)
_GOAL = "font-size:1.15em;font-weight:600;margin:.2em 0;white-space:pre-wrap"
_PRE = "white-space:pre-wrap;overflow-wrap:anywhere;margin:.3em 0;font-size:.92em"
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"
_NUMBER = "padding:2px 12px 2px 0;text-align:right;vertical-align:top;white-space:nowrap"
_COLUMNS = (
    ("State", _CELL),
    ("Task", _NUMBER),
    ("Title", _CELL),
    ("Model", _CELL),
    ("Time", _NUMBER),
    ("Tokens", _NUMBER),
)
_TOLD = ("running", "asking", "failed", "skipped", "cancelled")
# Mixed with the page's own ink, so that they read on light and on dark ground.
_INK = {
    state: f"color-mix(in srgb,currentColor 45%,{hue})"
    for state, hue in {"failed": "#d5362b", "asking": "#b57a00", "running": "#2f74e6", "completed": "#159a78"}.items()
}


def board_html(snapshot: Json, details: Mapping[str, Json] | None = None, *, fold_answer: bool = False) -> str:
    """The board as one `<div>`.

    Args:
        snapshot: what `snapshot.snapshot` gave.
        details: what `snapshot.inspect` gave, by task id; each makes its task's line open on a click.
        fold_answer: whether the answer opens on a click too, because it stands in full beside this board.
    """
    page = ""
    for room in _ROOMS:
        page = _page(snapshot, details or {}, room, fold_answer=fold_answer)
        if len(page.encode()) <= LIMIT:
            return page
    return page


def card_html(snapshot: Json) -> str:
    """How a run ended and its answer, as one `<div>`: what a result shows of itself under its cell."""
    run = snapshot["run"]
    room = _ROOMS[0]
    parts = [
        _line(_text(_sentence(snapshot))),
        _line(f"<strong>{_text(run['reason'], room.title * 5)}</strong>") if run["reason"] else "",
        _answer(run["answer"], room),
        _line(_text("result.show() draws the whole board, result.answer is this text.")),
    ]
    return f"<div {_BOX}>{''.join(parts)}</div>"


def _page(snapshot: Json, details: Mapping[str, Json], room: _Room, *, fold_answer: bool) -> str:
    run = snapshot["run"]
    answer = _answer(run["answer"], room)
    if answer and fold_answer:
        answer = f'<details><summary style="cursor:pointer">Answer</summary>{answer}</details>'
    parts = [
        f'<p style="{_GOAL}">{_text(run["goal"] or "A run", room.title * 5)}</p>',
        _line(_text(_sentence(snapshot))),
        _line(_text(_facts(run))) if run["started"] else "",
        *(_line(f"<strong>Note:</strong> {_text(text, room.title * 2)}") for text in warnings(snapshot)[:8]),
        _phases(snapshot["phases"][: room.phases]),
        _questions(snapshot, room),
        _conflicts(snapshot, room),
        answer,
        _tasks(snapshot, details, room),
    ]
    return f'<div data-conduct-fallback="" {_BOX}>{"".join(parts)}</div>'


def _line(content: str) -> str:
    return f'<p style="margin:.2em 0">{content}</p>'


def _sentence(snapshot: Json) -> str:
    """How the run stands or ended, as a sentence."""
    run, counts = snapshot["run"], snapshot["counts"]
    if not run["started"]:
        return "The run is being set up."
    total = sum(counts.values()) - counts["cancelled"]
    verb = "for" if run["ended"] is None else "after"
    parts = [f"{headline(snapshot)} {verb} {clock(snapshot['now'] - run['started'])}."]
    if snapshot["order"]:
        others = [f"{counts[name]} {WORDS[name]}" for name in _TOLD if counts[name]]
        parts.append(", ".join([f"{counts['completed']} of {count(total, 'task')} done", *others]) + ".")
    used = tokens(snapshot["spend"]["tokens"], estimated=snapshot["spend"]["estimated"])
    parallel = f", {snapshot['parallel']:.1f}× parallel" if snapshot["workers"] else ""
    parts.append(f"{spend(snapshot)}, {used} tokens{parallel}.")
    return " ".join(parts)


def _facts(run: Json) -> str:
    walls = {"none": "no walls", "": ""}.get(run["isolation"], f"walls: {run['isolation']}")
    return " · ".join(part for part in (provider(run), f"mode {run['mode']}", walls, f"run {run['id']}") if part)


def _phases(phases: list[Json]) -> str:
    if not phases:
        return ""
    rows: list[str] = []
    for phase in phases:
        full = phase["done"] * 12 // phase["total"]
        failed = f", {phase['failed']} failed" if phase["failed"] else ""
        rows.append(
            f'<tr><td style="{_CELL}">{_text(phase["name"], 100)}</td>'
            f'<td style="{_CELL};font-family:monospace;letter-spacing:-1px">{"█" * full}{"░" * (12 - full)}</td>'
            f'<td style="{_NUMBER}">{phase["done"]}/{phase["total"]}{failed}</td></tr>'
        )
    return f'<table style="border-collapse:collapse;margin:.6em 0">{"".join(rows)}</table>'


def _questions(snapshot: Json, room: _Room) -> str:
    waiting = [question["ask"] for question in snapshot["questions"] if question["answered"] is None]
    texts = [ask["question"] for asks in waiting for ask in asks]
    return "".join(_line(f"<strong>Asks:</strong> {_text(text, room.title * 3)}") for text in texts[:8])


def _conflicts(snapshot: Json, room: _Room) -> str:
    """Each conflict with its differences, as far as the page has room; they open on a click."""
    parts: list[str] = []
    for conflict in snapshot["conflicts"][-8:]:
        diffs = "".join(f'<pre style="{_PRE}">{_text(diff, room.detail)}</pre>' for diff in conflict["diffs"])
        line = _text(conflict_line(conflict), room.title * 3)
        if not room.detail:
            parts.append(_line(f"<strong>Conflict:</strong> {line}"))
            continue
        head = f'<summary style="cursor:pointer"><strong>Conflict:</strong> {line}</summary>'
        parts.append(f"<details{'' if conflict['resolved'] else ' open'}>{head}{diffs}</details>")
    return "".join(parts)


def _answer(answer: str, room: _Room) -> str:
    if not answer:
        return ""
    return f'<div style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.8em 0">{_text(answer, room.answer)}</div>'


def _tasks(snapshot: Json, details: Mapping[str, Json], room: _Room) -> str:
    """All tasks; of a large run only those that need a look, and how many the others are."""
    tasks = [snapshot["tasks"][task] for task in snapshot["order"]]
    if not tasks:
        return ""
    shown, rest = tasks, ""
    if len(tasks) > room.tasks:
        shown = [task for task in tasks if task["shown"] in ("failed", "asking", "cancelled")][: room.tasks]
        rest = f"<p>{len(tasks) - len(shown):,} more tasks; all are in <code>result.tasks</code>.</p>"
    heads = "".join(f'<th style="{style};font-weight:600;opacity:.75">{name}</th>' for name, style in _COLUMNS)
    rows = "".join(_row(task, snapshot, details.get(task["id"]) if room.detail else None, room) for task in shown)
    table = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return (
        f'<details open><summary style="cursor:pointer">{count(len(tasks), "task")}</summary>'
        f'<table style="border-collapse:collapse">{table}</table>{rest}</details>'
    )


def _row(task: Json, snapshot: Json, detail: Json | None, room: _Room) -> str:
    ended = task["ended"] or (snapshot["now"] if task["started"] else None)
    seconds = ended - task["started"] if ended and task["started"] else None
    ink = f";color:{_INK[task['shown']]}" if task["shown"] in _INK else ""
    title = _text(task["subject"], room.title)
    if task["waits_for"]:
        blockers = " ".join("#" + escape(blocker) for blocker in task["waits_for"][:12])
        title += f' <span style="opacity:.75">waits for {blockers}</span>'
    if task["error"]:
        title += f'<br><span style="color:{_INK["failed"]}">{_text(task["error"], room.title)}</span>'
    if detail is not None:
        title = f'<details><summary style="cursor:pointer">{title}</summary>{_detail(detail, room.detail)}</details>'
    cells = (
        (f"{_CELL};white-space:nowrap;font-weight:600{ink}", f"{SIGNS[task['shown']]} {WORDS[task['shown']]}"),
        (_NUMBER, f"#{escape(task['id'])}"),
        (f"{_CELL};overflow-wrap:anywhere", title),
        (_CELL, escape(task["tier"].upper())),
        (_NUMBER, clock(seconds)),
        (_NUMBER, tokens(task["tokens"]) if task["tokens"] else ""),
    )
    return "<tr>" + "".join(f'<td style="{style}">{content}</td>' for style, content in cells) + "</tr>"


def _detail(detail: Json, limit: int) -> str:
    """Prompt, what happened, output: each only as long as the page has room for."""
    blocks: list[tuple[str, str]] = [("Prompt" if detail["sent"] else "Prompt, not sent yet", detail["prompt"])]
    for attempt in detail["attempt_list"]:
        lines = [_transcript_line(row) for row in attempt["transcript"]]
        blocks.append((f"Attempt {attempt['attempt']}", "\n".join(lines)))
    blocks.append(("Output", detail["output"]))
    return "".join(
        f'<p style="margin:.4em 0 0;font-weight:600">{_text(name)}</p><pre style="{_PRE}">{_text(text, limit)}</pre>'
        for name, text in blocks
        if text
    )


def _transcript_line(row: Json) -> str:
    lines: dict[str, Callable[[], str]] = {
        "call": lambda: f"→ {row['name']} {row['argument']}",
        "result": lambda: f"← {'error: ' if row['error'] else ''}{str(row['text'])[:300]}",
        "refused": lambda: f"✕ {row['name']} was refused: {row['text']}",
    }
    return lines[row["kind"]]() if row["kind"] in lines else str(row.get("text", ""))[:600]


def _text(value: object, limit: int = 0) -> str:
    """The value as harmless text, cut at `limit` characters; it says how much is left out."""
    text = clean(value)
    if limit and len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit:,} more characters)"
    return escape(text)
