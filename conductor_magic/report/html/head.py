"""The head of the static board: how the run stands, what it is for, who plays, and its figures in one row."""

from __future__ import annotations

from html import escape

from conductor_magic.report.html.look import CELL, LOOKS, TABLE, Json, Room, colours, sign, text, word
from conductor_magic.report.words import clock, count, headline, money, pause, provider, tokens, warnings

__all__ = ["head", "sentence"]

_PILLS = {"completed": "completed", "failed": "failed", "partial": "asking", "cancelled": "cancelled"}
_COUNTED = ("completed", "running", "asking", "failed", "ready", "blocked", "skipped", "cancelled")


def head(snapshot: Json, room: Room) -> str:
    """Status and goal, a sentence, facts, what to know, figures, and how many tasks stand how."""
    run = snapshot["run"]
    goal = (
        '<div style="display:flex;gap:10px;align-items:flex-start">'
        f'<p style="margin:1px 0 0">{_pill(snapshot)}</p>'
        '<p style="margin:0;font-size:16px;white-space:pre-wrap"><strong>'
        f"{text(run['goal'] or 'A run', room.title * 5)}</strong></p></div>"
    )
    facts = _facts(run) if run["started"] else "The run is being set up."
    waits = pause(snapshot)
    told = [*([f"The run {waits}."] if waits else []), *warnings(snapshot)[: room.things]]
    notes = "".join(
        f'<p style="margin:4px 0;padding-left:8px;border-left:3px solid {LOOKS["asking"].fill}">'
        f"<strong>Note:</strong> {text(note, room.title * 2)}</p>"
        for note in told
    )
    figures = _figures(snapshot) + _legend(snapshot) if run["started"] else ""
    return f'{goal}<p style="margin:4px 0;opacity:.8">{facts}</p>{notes}{figures}'


def sentence(snapshot: Json) -> str:
    """How the run stands or ended, and what it took, as a sentence."""
    run, counts = snapshot["run"], snapshot["counts"]
    if not run["started"]:
        return "The run is being set up."
    verb = "for" if run["ended"] is None else "after"
    parts = [f"{headline(snapshot)} {verb} {clock(snapshot['now'] - run['started'])}."]
    if snapshot["order"]:
        total = sum(counts.values()) - counts["cancelled"]
        parts.append(f"{counts['completed']} of {count(total, 'task')} done.")
    used = tokens(snapshot["spend"]["tokens"], estimated=snapshot["spend"]["estimated"])
    parts.append(f"{money(snapshot['spend']['usd'])}, {used} tokens.")
    return escape(" ".join(parts))


def _pill(snapshot: Json) -> str:
    status = snapshot["run"]["status"]
    state = _PILLS.get(status, "running" if status == "running" and snapshot["run"]["started"] else "blocked")
    style = f"{colours(state)}border:1px solid {LOOKS[state].line};border-radius:5px;padding:2px 9px;white-space:nowrap"
    return f'<span style="{style}"><strong>{escape(headline(snapshot))}</strong></span>'


def _facts(run: Json) -> str:
    walls = {"none": "no walls", "": ""}.get(run["isolation"], f"walls: {run['isolation']}")
    return escape(
        " · ".join(part for part in (provider(run), f"mode {run['mode']}", walls, f"run {run['id']}") if part)
    )


def _figures(snapshot: Json) -> str:
    """The six figures of the live board; of a run that is over, how many desks it used and the widest context."""
    run, spend, conductor = snapshot["run"], snapshot["spend"], snapshot["conductor"]
    workers = snapshot["workers"].values()
    over = run["ended"] is not None
    desks = len({worker["desk"] for worker in workers if over or worker["outcome"] is None})
    context = conductor["peak_tokens"] if over else conductor["context_tokens"]
    share = f"{context / conductor['window']:.0%}" if conductor["window"] else "–"
    figures = (
        ("Elapsed", clock(snapshot["now"] - run["started"]), f"of {clock(run['timeout'])}" if run["timeout"] else ""),
        ("Desks used" if over else "Desks busy", str(desks), f"of {run['workers']}"),
        ("Parallel", f"{snapshot['parallel']:.1f}×" if workers else "–", ""),
        ("Tokens", tokens(spend["tokens"], estimated=spend["estimated"]), ""),
        ("Spend", money(spend["usd"]), "" if spend["budget"] is None else f"of {money(spend['budget'])}"),
        ("Conductor context", share, f"of {tokens(conductor['window'])}" if conductor["window"] else ""),
    )
    names = "".join(f'<td style="{CELL}"><small style="opacity:.8">{name}</small></td>' for name, _, _ in figures)
    values = "".join(
        f'<td style="{CELL}"><strong style="font-size:16px">{value}</strong> <small>{of}</small></td>'
        for _, value, of in figures
    )
    return (
        f'<div style="overflow-x:auto;margin:8px 0"><table style="{TABLE}"><tr style="background:none">{names}</tr>'
        f'<tr style="background:none">{values}</tr></table></div>'
    )


def _legend(snapshot: Json) -> str:
    counts = snapshot["counts"]
    found = [
        f'<span style="white-space:nowrap">{sign(state)} {counts[state]:,} {word(state).lower()}</span>'
        for state in _COUNTED
        if counts[state]
    ]
    return f'<p style="margin:8px 0">{" &nbsp; ".join(found)}</p>' if found else ""
