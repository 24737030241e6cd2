"""The words, signs and figures that the text and HTML pictures share with each other and with the live board. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "SIGNS",
    "WORDS",
    "clean",
    "clock",
    "conflict_line",
    "count",
    "headline",
    "money",
    "pause",
    "plan_lines",
    "provider",
    "spend",
    "tokens",
    "warnings",
]

Json = Mapping[str, Any]

WORDS = {
    "asking": "asking",
    "failed": "failed",
    "running": "running",
    "ready": "ready",
    "blocked": "blocked",
    "completed": "done",
    "skipped": "skipped",
    "cancelled": "cancelled",
}
SIGNS = {
    "asking": "?",
    "failed": "✕",
    "running": "▶",
    "ready": "○",
    "blocked": "·",
    "completed": "✓",
    "skipped": "»",
    "cancelled": "⊘",
}
_PROVIDERS = {
    "anthropic": "Claude by the Anthropic API",
    "bedrock": "Claude on Amazon Bedrock",
    "vertex": "Claude on Google Vertex AI",
    "rehearsal": "Rehearsal: a rule-based stand-in, not a model",
}
_STATUS = {
    "running": "Live",
    "completed": "Completed",
    "partial": "Partly done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "planned": "Planned",
    "interrupted": "Interrupted",
}
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -~])?")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """The text without terminal escapes, control characters and writing-direction marks; it looks as it reads."""
    return _UNSEEN.sub("", _ESCAPES.sub("", str(text)))


def clock(seconds: float | None) -> str:
    """`0:42`, `12:05`, `1:02:03`; `–` for None."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tokens(number: int, *, estimated: bool = False) -> str:
    """`812`, `66.2k`, `1.2M`; with `~` before an estimate."""
    mark = "~" if estimated else ""
    if number < 1_000:
        return f"{mark}{number}"
    return f"{mark}{number / 1_000:.1f}k" if number < 999_950 else f"{mark}{number / 1_000_000:.1f}M"


def money(usd: float | None) -> str:
    """Dollars with two digits, three below ten cents; None is an unknown price."""
    if usd is None:
        return "price unknown"
    return f"${usd:.3f}" if 0 < usd < 0.1 else f"${usd:,.2f}"


def count(number: int, one: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def provider(run: Json) -> str:
    """Who plays, in plain words."""
    name = str(run["provider"])
    if name.startswith("tape:"):
        return "A recorded run, played again"
    return _PROVIDERS.get(name, clean(name)) if name else ""


def headline(snapshot: Json) -> str:
    """What the run is doing, or how it ended, in one word or two."""
    run = snapshot["run"]
    if run["status"] != "running":
        return _STATUS.get(run["status"], clean(run["status"]))
    if not run["started"]:
        return "Connecting"
    if run["cancelled_by"] or run["cap"]:
        return "Stopping"
    return "Live" if snapshot["order"] else "Drafting the plan"


def pause(snapshot: Json) -> str:
    """How long all requests still wait for the provider, and why; empty where they do not."""
    paused = snapshot["paused"]
    if paused is None:
        return ""
    return f"waits for the provider, {clock(paused['until'] - snapshot['now'])} more ({clean(paused['reason'])})"


def spend(snapshot: Json) -> str:
    """Money, with the budget where there is one."""
    spent = snapshot["spend"]
    budget = "" if spent["budget"] is None else f" of {money(spent['budget'])}"
    return money(spent["usd"]) + budget


def plan_lines(snapshot: Json) -> list[str]:
    """What a plan will probably take and cost, what takes longest, and how to run it; empty of any other run."""
    plan, workers = snapshot["plan"], snapshot["run"]["workers"]
    if plan is None:
        return []
    time = "in a time that is not known" if plan["seconds"] is None else f"in about {clock(plan['seconds'])}"
    cost = "its price is not known" if plan["usd"] is None else f"about {money(plan['usd'])} without the conductor"
    tasks = count(sum(tier["tasks"] for tier in plan["tiers"]), "task")
    return [
        f"{tasks} with up to {count(workers, 'worker')} at once {time}; {cost}.",
        f"Takes longest: {' → '.join('#' + task for task in plan['critical_path'])}.",
        "%conduct go runs this plan.",
    ]


def conflict_line(conflict: Json) -> str:
    """Which file collided, whose versions they are, and how it was settled."""
    sure = "collided" if conflict["sure"] else "perhaps collided"
    settled = f"settled: {conflict['how']}" if conflict["resolved"] else "not settled yet"
    return f"{conflict['path']}: {' and '.join(conflict['who'])} {sure}; {settled}"


def warnings(snapshot: Json) -> list[str]:
    """What a person must know before trusting the picture: weaker walls, fall-backs, why it ended."""
    run, conductor = snapshot["run"], snapshot["conductor"]
    walls = run["isolation_note"] if run["isolation"] == "none" else ""
    found = [walls, *(note["text"] for note in snapshot["notes"] if note["level"] == "warning")]
    found.append(conductor["error"] or run["reason"])
    found.append(f"The conductor: {conductor['silent']}." if conductor["silent"] else "")
    return list(dict.fromkeys(clean(text) for text in found if text))
