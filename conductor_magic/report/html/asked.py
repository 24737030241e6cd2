"""What was asked with what was answered, and files that two wrote: what waits for a person stands open."""

from __future__ import annotations

from conductor_magic.report.html.look import LOOKS, PRE, Json, Room, folded, sign, text
from conductor_magic.report.words import clock, conflict_line, count

__all__ = ["conflicts", "questions"]

_BOX = f"border-left:4px solid {LOOKS['asking'].fill};background:#ffc23324;padding:6px 10px;margin:8px 0"
_TIGHT = 'style="margin:4px 0"'


def questions(snapshot: Json, room: Room) -> str:
    """Open questions in full; answered ones open on a click."""
    waiting = [question for question in snapshot["questions"] if question["answered"] is None]
    answered = [question for question in snapshot["questions"] if question["answered"] is not None]
    drawn = "".join(
        f'<div style="{_BOX}">{_open(question, snapshot, room)}</div>' for question in waiting[: room.things]
    )
    if len(waiting) > room.things:
        drawn += f"<p>{count(len(waiting) - room.things, 'more question')} waiting.</p>"
    if answered:
        shown = answered[-room.things :]
        earlier = f"<p>{len(answered) - len(shown)} earlier ones.</p>" if len(answered) > len(shown) else ""
        lines = "".join(f"<p {_TIGHT}>{_answered(question, snapshot, room)}</p>" for question in shown)
        drawn += folded(f"{count(len(answered), 'question')} answered", earlier + lines)
    return drawn


def _open(question: Json, snapshot: Json, room: Room) -> str:
    age = clock(snapshot["now"] - question["asked"])
    held = f", holds up #{' #'.join(text(task, 12) for task in question['tasks'][:8])}" if question["tasks"] else ""
    parts = [f"<p {_TIGHT}>{sign('asking')} <strong>{_who(question)} asks</strong> <small>for {age}{held}</small></p>"]
    for ask in question["ask"]:
        parts.append(f'<p style="margin:4px 0;white-space:pre-wrap">{text(ask["question"], room.title * 5)}</p>')
        if ask.get("detail") and room.detail:
            parts.append(f'<pre style="{PRE}">{text(ask["detail"], room.detail)}</pre>')
        options = [_option(option, room) for option in ask.get("options", ())]
        parts.append(f"<ul {_TIGHT}>{''.join(options)}</ul>" if options else "")
    return "".join(parts)


def _option(option: Json, room: Room) -> str:
    more = option.get("description", "")
    return f"<li>{text(option['label'], room.title)}{f': {text(more, room.title)}' if more else ''}</li>"


def _who(question: Json) -> str:
    return f"#{text(question['task'], 12)}" if question["task"] else "The conductor"


def _answered(question: Json, snapshot: Json, room: Room) -> str:
    """Each thing asked, what was answered, who did."""
    lines = []
    for ask in question["ask"]:
        answer = question["answers"].get(ask["question"], "")
        said = ", ".join(map(str, answer)) if isinstance(answer, list) else str(answer)
        lines.append(f"{text(ask['question'], room.title * 2)} <strong>{text(said, room.title * 2) or '–'}</strong>")
    at = clock(question["answered"] - snapshot["run"]["started"])
    by = {"person": "you"}.get(question["answered_by"], question["answered_by"])
    return f"{_who(question)}: {'<br>'.join(lines)} <small>answered by {text(by, 40)} at {at}</small>"


def conflicts(snapshot: Json, room: Room) -> str:
    """Each conflict with its differences, as far as the page has room; what is not settled stands open."""
    parts: list[str] = []
    for conflict in snapshot["conflicts"][-room.things :]:
        diffs = "".join(f'<pre style="{PRE}">{text(diff, room.detail)}</pre>' for diff in conflict["diffs"])
        head = f"<strong>Conflict:</strong> {text(conflict_line(conflict), room.title * 3)}"
        settled = conflict["resolved"] is not None
        drawn = folded(head, diffs, opened=not settled) if room.detail and diffs else f"<p>{head}</p>"
        parts.append(drawn if settled else f'<div style="{_BOX}">{drawn}</div>')
    return "".join(parts)
