"""What came of a run that is over: time, tokens and money in a few rows, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from conductor_magic.report.html.look import CELL, NUMBER, TABLE, Json, Room, folded, line, text
from conductor_magic.report.html.prose import Draw, prose
from conductor_magic.report.words import clock, count, money, tokens

__all__ = ["answer", "report", "signature"]


def answer(snapshot: Json, room: Room, draw: Draw, *, fold: bool) -> str:
    """The answer, if there is one.

    Args:
        snapshot: the run.
        room: how much may be said.
        draw: what draws Markdown.
        fold: whether it opens on a click.
    """
    said = snapshot["run"]["answer"]
    if not said:
        return ""
    drawn = prose(said, room.answer, draw=draw, plain=room.plain)
    return folded("<strong>Answer</strong>", drawn) if fold else f"<p><strong>Answer</strong></p>{drawn}"


def signature(snapshot: Json) -> str:
    """The line below all that the run says: how the work stands; nothing before it has begun."""
    run = snapshot["run"]
    return f'<p style="opacity:.75">{escape(run["signature"])}</p>' if run["started"] else ""


def report(snapshot: Json, said: Sequence[str] = ()) -> str:
    """Who used what; nothing while the run goes on, nor of a plan, for which nobody worked.

    Args:
        snapshot: the run.
        said: sentences about its tokens.
    """
    if snapshot["run"]["ended"] is None or not snapshot["run"]["started"] or snapshot["plan"]:
        return ""
    groups: dict[str, list[Json]] = {}
    for worker in snapshot["workers"].values():
        groups.setdefault(worker["tier"], []).append(worker)
    rows = [
        _conductor(snapshot),
        *(_tier(tier, groups[tier]) for tier in sorted(groups, key=lambda tier: groups[tier][0]["expected"])),
        _all(snapshot),
    ]
    heads = ("", "", "Each took", "Expected", "Tokens", "Spend")
    styles = (CELL, *(NUMBER for _ in heads[1:]))
    drawn = "".join(
        '<tr style="background:none">'
        + "".join(f'<td style="{style}">{cell}</td>' for style, cell in zip(styles, row, strict=True))
        + "</tr>"
        for row in (heads, *rows)
    )
    table = f'<div style="overflow-x:auto"><table style="{TABLE}">{drawn}</table></div>'
    told = "".join(f"<p>{text(sentence, 600)}</p>" for sentence in said)
    return f"<p><strong>Closing bell</strong></p><p>{_time(snapshot)} {_tokens(snapshot)}</p>{table}{told}"


def _conductor(snapshot: Json) -> Sequence[str]:
    conductor = snapshot["conductor"]
    spend = conductor["spend"]
    used = tokens(spend["tokens"], estimated=spend["estimated"])
    return ("Conductor", count(conductor["turns"], "turn"), "", "", used, money(spend["usd"]))


def _tier(tier: str, workers: Sequence[Json]) -> Sequence[str]:
    times = [worker["ended"] - worker["started"] for worker in workers if worker["ended"] is not None]
    expected = [worker["expected"] for worker in workers if worker["expected"]]
    prices = [worker["usd"] for worker in workers]
    return (
        line(tier, 12).upper(),
        count(len(workers), "attempt"),
        clock(sum(times) / len(times)) if times else "–",
        clock(sum(expected) / len(expected)) if expected else "–",
        tokens(sum(worker["tokens"] for worker in workers)),
        money(None if None in prices else sum(prices)),
    )


def _all(snapshot: Json) -> Sequence[str]:
    spend = snapshot["spend"]
    used = tokens(spend["tokens"], estimated=spend["estimated"])
    return ("All", count(spend["requests"], "request"), "", "", used, money(spend["usd"]))


def _time(snapshot: Json) -> str:
    """Wall time, and what working in parallel saved of it."""
    wall = snapshot["now"] - snapshot["run"]["started"]
    workers, parallel = snapshot["workers"].values(), snapshot["parallel"]
    work = sum((worker["ended"] or snapshot["now"]) - worker["started"] for worker in workers)
    if not parallel:
        return f"{clock(wall)} of wall time."
    saved = work - work / parallel
    return f"{clock(wall)} of wall time, {clock(work)} of worker time: {clock(saved)} saved by working in parallel."


def _tokens(snapshot: Json) -> str:
    """What was read and written, the price by the list, and how wide the conductor's context got."""
    spend, conductor = snapshot["spend"], snapshot["conductor"]
    cached = spend["cache_read_tokens"]
    sent = spend["input_tokens"] + cached + spend["cache_write_tokens"]
    parts = [f"{tokens(sent)} tokens in ({tokens(cached)} from the cache), {tokens(spend['output_tokens'])} out."]
    if spend["estimated"]:
        parts[0] = f"{parts[0][:-1]}, estimated."
    if spend["usd"] is not None and spend["list_usd"] != spend["usd"]:
        parts.append(f"At list price: {money(spend['list_usd'])}.")
    if conductor["window"]:
        compacted = f", compacted {count(conductor['compactions'], 'time')}" if conductor["compactions"] else ""
        peak, window = tokens(conductor["peak_tokens"]), tokens(conductor["window"])
        parts.append(f"The conductor's context: at most {peak} of {window}{compacted}.")
    return escape(" ".join(parts))
