"""All tasks, a line each; each opens on its prompt, its attempts with their transcripts, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conductor_magic.report.html.graph import blockers
from conductor_magic.report.html.look import PRE, Json, Room, folded, line, sign, text, word
from conductor_magic.report.html.prose import Draw, prose
from conductor_magic.report.words import clock, count, money, tokens

__all__ = ["tasks"]

_NEEDS_A_LOOK = ("failed", "asking", "cancelled")
_BEGINS = "\n\nTASK:\n"
"""Where a worker's prompt comes to its own task."""


def tasks(snapshot: Json, details: Mapping[str, Json], room: Room, draw: Draw) -> Iterator[str]:
    """All tasks, piece by piece; of a large run only those that need a look, and how many the others are."""
    found = [snapshot["tasks"][task] for task in snapshot["order"]]
    if not found:
        return
    shown, rest = found, ""
    if len(found) > room.tasks:
        shown = [task for task in found if task["shown"] in _NEEDS_A_LOOK][: room.tasks]
        rest = f"<p>{len(found) - len(shown):,} more tasks; all are in <code>result.tasks</code>.</p>"
    opened = {task["id"]: detail for task in shown if (detail := _opened(task, details, room))}
    shared = _shared(opened)
    yield f"<details open><summary><strong>{count(len(found), 'task')}</strong></summary>"
    if shared:
        preamble = f'<pre style="{PRE}">{text(shared.strip(), max(1_000, room.detail))}</pre>'
        yield folded("<small>What every worker's prompt begins with</small>", preamble)
    for task in shown:
        yield _task(task, snapshot, opened.get(task["id"]), shared, room, draw)
    yield f"{rest}</details>"


def _opened(task: Json, details: Mapping[str, Json], room: Room) -> Json | None:
    """What the task opens on, if it does."""
    wanted = room.detail > 0 and (room.all_open or task["shown"] in _NEEDS_A_LOOK)
    return details.get(task["id"]) if wanted else None


def _shared(details: Mapping[str, Json]) -> str:
    """What the prompts that were sent begin with, each of them; said once, it leaves them room for their own."""
    sent = [detail["prompt"] for detail in details.values() if detail["sent"]]
    if not sent:
        return ""
    before, begins, _ = sent[0].partition(_BEGINS)
    return before + begins if begins and all(prompt.startswith(before + begins) for prompt in sent) else ""


def _task(task: Json, snapshot: Json, detail: Json | None, shared: str, room: Room, draw: Draw) -> str:
    head = _head(task, snapshot, room)
    if detail is None:
        return f'<div style="margin:0 0 3px">{head}</div>'
    return folded(head, _detail(task, detail, snapshot, shared, room, draw))


def _head(task: Json, snapshot: Json, room: Room) -> str:
    ended = task["ended"] or (snapshot["now"] if task["started"] else None)
    facts = [
        word(task["shown"]),
        line(task["tier"], 12).upper(),
        clock(ended - task["started"]) if ended and task["started"] else "",
        f"{tokens(task['tokens'])} tokens" if task["tokens"] else "",
        f"attempt {task['attempts']}" if task["attempts"] > 1 else "",
        f"waits for {blockers(task['waits_for'])}" if task["waits_for"] else "",
        line(task["reason"], room.title) if snapshot["plan"] else "",
        f"made {', '.join(line(name, 60) for name in task['artifacts'][:8])}" if task["artifacts"] else "",
    ]
    style = "display:inline-block;width:1.6em;text-align:center"
    error = f'<div style="margin-left:36px">{line(task["error"], room.title * 2)}</div>' if task["error"] else ""
    return (
        f"{sign(task['shown'], style=style)} #{line(task['id'], 12)} {line(task['subject'], room.title)} "
        f"<small>{' · '.join(fact for fact in facts if fact)}</small>{error}"
    )


def _detail(task: Json, detail: Json, snapshot: Json, shared: str, room: Room, draw: Draw) -> str:
    """Why this tier, prompt, what happened, output: each only as long as the page has room for."""
    limit = room.detail // 2
    parts = (
        [f"<strong>Why {line(task['tier'], 12).upper()}</strong> {text(task['reason'], limit)}"]
        if task["reason"]
        else []
    )
    parts += [f"<strong>Comment</strong> {text(comment, limit)}" for comment in detail["comments"]]
    if prompt := detail["prompt"] or detail["description"]:
        unsent = "" if detail["sent"] else ", not sent yet"
        parts.append(f"<strong>Prompt{unsent}</strong>\n{text(prompt.removeprefix(shared), limit)}")
    parts += [_attempt(attempt, snapshot, room) for attempt in detail["attempt_list"]]
    if not detail["output"]:
        return _block(parts)
    parts.append("<strong>Output</strong>")
    return _block(parts) + prose(detail["output"], room.detail, draw=draw, plain=room.plain, style="margin-left:22px")


def _block(lines: Sequence[str]) -> str:
    told = "\n".join(lines)
    return f'<pre style="{PRE}">{told}</pre>' if told else ""


def _attempt(attempt: Json, snapshot: Json, room: Room) -> str:
    """How an attempt went, and its last entries, each on a line."""
    ended = attempt["ended"] or snapshot["now"]
    outcome = {None: "at work", "completed": "done"}.get(attempt["outcome"], attempt["outcome"])
    facts = [
        text(outcome, 40),
        text(attempt["model"], 60),
        f"desk {attempt['desk']}",
        clock(ended - attempt["started"]) + (f" of about {clock(attempt['expected'])}" if attempt["expected"] else ""),
        money(attempt["usd"]),
    ]
    lines = [f"<strong>Attempt {attempt['attempt']}</strong> {' · '.join(facts)}"]
    if attempt["attempt"] > 1 and attempt["reason"]:
        lines.append(text(attempt["reason"], room.detail // 2))
    rows = attempt["transcript"]
    shown = rows[len(rows) - min(len(rows), room.rows) :]
    if earlier := len(rows) - len(shown):
        lines.append(f"… {earlier:,} earlier; all are in result[{text(attempt['task'], 12)}].transcript")
    lines += [_entry(row, snapshot["run"]["started"], room) for row in shown]
    if attempt["error"]:
        lines.append(f"<strong>{text(attempt['error'], room.detail // 2)}</strong>")
    return "\n".join(lines)


def _entry(row: Json, start: float, room: Room) -> str:
    """One thing that was said, called or told."""
    at = clock(row["at"] - start)
    said = text(row.get("text", ""), room.entry)
    name = f"<strong>{line(row.get('name', ''), 60)}</strong>"
    match row["kind"]:
        case "call":
            return f"{at} → {name} {line(row['argument'], max(60, min(200, room.entry)))}"
        case "result":
            return f"{at} ← {'error: ' if row['error'] else ''}{said or '(nothing)'}"
        case "refused":
            return f"{at} ✕ {name} was refused: {said}"
        case "told":
            return f"{at} told: {said}"
        case _:
            return f"{at} {said}"
