"""What the project-management recipes say of the figures that the Python tool printed. Pure.

As in the data-analysis recipes figures are copied, never computed or rounded here; the findings come first. Each
finding names its rule. A table that was not recognised as a plan is said to be none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from conductor_magic.models.rehearsal.checkout import key_figures
from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, number, table

__all__ = ["REPORTS"]

Json = dict[str, Any]
_RISKS: Mapping[str, str] = {
    "circle": "groups of tasks that wait for each other in a circle, so that none of them can start",
    "unknown": "tasks that wait for something that is no task of the plan",
    "itself": "tasks that wait for themselves",
    "behind_lost": "open tasks that wait for one which failed or was dropped",
    "too_early": "tasks that are done although something they wait for is not",
    "due_first": "tasks due before one that they wait for",
    "overlap": "tasks that start before one that they wait for ends",
    "twice": "tasks that share their id with another",
    "unowned": "open tasks without an owner",
    "overdue": "open tasks past their due date",
    "undated": "open tasks without a due date",
    "backwards": "tasks due before they start",
    "late": "tasks that ended after their due date",
    "failed": "tasks that failed",
}
"""Kind of risk -> its rule in words."""

_LACKING = {
    "after": "what a task waits for, so circles and unknown blockers cannot be found",
    "owner": "owners, so nobody can be said to be missing or overloaded",
    "due": "due dates, so nothing can be said to be overdue",
    "status": "the status, so all tasks count as open",
}
_ROLES = {
    "id": "id", "name": "name", "after": "what it waits for", "low": "low estimate", "high": "high estimate",
    "likely": "likely estimate", "actual": "time it took", "duration": "duration", "owner": "owner", "status": "status",
    "start": "start", "due": "due date", "ended": "end", "phase": "phase",
}  # fmt: skip


def _breakdown(name: str, figures: Json) -> list[str]:
    starts, alone = figures["starts"], figures["alone"]
    lines = [
        f"`{name}` holds {count(figures['tasks'], 'task')}"
        + (f" of {_amount(figures['total'], figures)} in all." if figures["total"] is not None else "."),
        f"Columns that were read, by their names and contents: {_read(figures['columns'])}.",
    ]
    if figures["linked"]:
        lines.append(
            f"{count(figures['links'], 'link')} between tasks, {count(figures['steps'], 'step')} deep; "
            f"{starts['count']} of the tasks wait for nothing."
        )
        if figures["widest"]:
            lines.append(f"Widest at step {figures['widest'][0]}: {count(figures['widest'][1], 'task')} side by side.")
        lines.append(_which(alone, "tasks that wait for no other and that no other waits for"))
    if figures["large_count"]:
        shown = [f"{label} ({_amount(takes, figures)})" for label, takes in figures["large"]]
        lines.append(
            f"Tasks that take more than three times the median of {_amount(figures['median'], figures)}, worth cutting "
            f"smaller: {figures['large_count']}, the largest {listed(shown)}."
        )
    return [
        bullets(lines),
        table(("phase", "tasks", figures["unit"] or "duration"), figures["phases"]),
        key_figures(
            ("tasks", figures["tasks"]), ("links", figures["links"]),
            ("tasks that wait for nothing", starts["count"]),
        ),
    ]  # fmt: skip


def _estimates(name: str, figures: Json) -> list[str]:
    if not figures["estimated"]:
        return [bullets([f"`{name}` has no durations or estimates that can be read, so no effort was computed."])]
    lines = [
        (
            f"{figures['estimated']} of {count(figures['tasks'], 'task')} in `{name}` have an estimate, "
            f"{_amount(figures['total'], figures)} in all, from {names(figures['sources']) or 'the dates'}."
        ),
        (
            f"A task takes {number(figures['shortest'])} at least, {number(figures['median'])} in the median; "
            f"the longest is {figures['longest'][0]} with {_amount(figures['longest'][1], figures)}."
        ),
        _which(figures["without"], "tasks without an estimate"),
        _which(figures["not_positive"], "tasks estimated at nothing or less"),
    ]
    if figures["three"]:
        lines += [
            (
                f"{count(figures['three'], 'task')} with three estimates, each taken as PERT's mean "
                f"(low + 4 likely + high) / 6; their sum spreads by {_amount(figures['spread'], figures)} "
                "(one standard deviation, tasks independent)."
            ),
            _which(figures["disordered"], "tasks whose estimates are not low ≤ likely ≤ high"),
            _which(figures["wide"], "tasks whose high estimate is more than three times the low one"),
        ]
    else:
        lines.append("No task has a low, a likely and a high estimate, so no spread was computed.")
    if figures["actual"]:
        shown = [f"{label} ({number(took)} for {number(planned)})" for label, planned, took in figures["over"]]
        lines.append(
            f"Of {count(figures['actual'], 'task')} the time taken is known: {number(figures['actual_total'])} for an "
            f"estimated {number(figures['planned_total'])}, {number(figures['ratio'])} times as much; "
            f"{figures['over_count']} took longer{': ' + listed(shown) if shown else ''}."
        )
    head = ("task", "low", "likely", "high", "expected", "spread") if figures["three"] else ("task", "estimate")
    return [
        bullets(lines),
        table(head, figures["table"]),
        key_figures(("estimated tasks", figures["estimated"]), ("estimated work", figures["total"]),
                    ("spread of the work", figures["spread"])),
    ]  # fmt: skip


def _path(name: str, figures: Json) -> list[str]:
    if figures.get("unlinked"):
        return [bullets([f"`{name}` has no column that says what a task waits for, so there is no path to compute."])]
    if not figures["ordered"]:
        return [bullets([f"No task of `{name}` can start: each lies on a circle or behind one."])]
    chain = " → ".join(label for label, _ in figures["path"])
    rest = " → …" if figures["path_tasks"] > len(figures["path"]) else ""
    lines = [
        (
            f"The longest chain of `{name}` takes {_amount(figures['length'], figures)} over "
            f"{count(figures['path_tasks'], 'task')}: {chain}{rest}."
        ),
        "There are no durations, so each task counts as one." if figures["counted"] else "",
        f"{_amount(figures['work'], figures)} of work in it: {number(figures['at_once'])} tasks at once on average."
        if figures["at_once"] is not None
        else "",
        f"What is not done yet takes {_amount(figures['rest'], figures)} along its longest chain."
        if figures["rest"] is not None
        else "",
        _which(figures["critical"], "tasks without slack, so that what delays them delays the end"),
        _which(figures["near"], "tasks with little slack, at most a tenth of the whole"),
    ]
    if figures["spread"] is not None:
        lines.append(
            f"By PERT that chain spreads by {_amount(figures['spread'], figures)}; it alone stays within "
            f"{_amount(figures['late'], figures)} in 95 of 100 cases (normal approximation). Others may overtake it."
        )
    if figures["ordered"] < figures["tasks"]:
        lines.append(
            f"Only {figures['ordered']} of {count(figures['tasks'], 'task')} could be ordered; the others lie on a "
            "circle or behind one."
        )
    if figures["untimed"] and not figures["counted"]:
        lines.append(f"Tasks without a duration, taken as none: {figures['untimed']}.")
    return [
        bullets(lines),
        table(("task", "takes", "starts at", "ends at", "slack"), figures["table"]),
        key_figures(("critical path", figures["length"]), ("critical tasks", figures["critical"]["count"]),
                    ("remaining path", figures["rest"])),
    ]  # fmt: skip


def _risks(name: str, figures: Json) -> list[str]:
    met = [(kind, size, which) for kind, size, which in figures["kinds"] if size]
    kinds = listed([f"{_RISKS[kind]} ({size})" for kind, size, _ in met])
    lines = [
        f"{count(len(met), 'kind')} of risk in `{name}`: {kinds}." if met else f"No rule finds a risk in `{name}`.",
        f"Due dates were held against {figures['today']}." if any(kind == "overdue" for kind, _, _ in figures["kinds"])
        else "",
        *(_which({"count": size, "which": which}, _RISKS[kind]) for kind, size, which in met),
    ]  # fmt: skip
    if figures["holding"]:
        lines.append(f"{figures['holding'][0]} holds up most: {count(figures['holding'][1], 'task')} behind it.")
    if figures["load"]:
        owner, tasks, takes = figures["load"][0]
        work = f", {_amount(takes, figures)}" if takes is not None else ""
        lines.append(
            f"{count(figures['owners'], 'owner')} of open work; most lies with {owner} ({count(tasks, 'task')}{work})."
        )
    missing = [kind for kind, size, _ in figures["kinds"] if not size]
    lines.append(f"Looked for and not found: {'; '.join(_RISKS[kind] for kind in missing)}." if missing else "")
    lines += [f"There is no column of {_LACKING[role]}." for role in figures["lacking"]]
    return [
        bullets(lines),
        table(("owner", "open tasks", figures["unit"] or "duration"), figures["load"]),
        key_figures(("kinds of risk", len(met)), ("open tasks", figures["open"])),
    ]


def _status(name: str, figures: Json) -> list[str]:
    if figures.get("stateless"):
        return [bullets([f"`{name}` has no column of status or of ends, so how far it is cannot be said."])]
    states = [f"{size} {state}" for state, size in figures["states"] if size]
    work = (
        f"; of the work {number(figures['done_work'])} of {_amount(figures['work'], figures)} "
        f"({number(figures['work_percent'])} %)"
        if figures["work"]
        else ""
    )
    lines = [
        (
            f"{figures['done']} of {count(figures['counted'], 'task')} in `{name}` are done "
            f"({number(figures['percent'])} %){work}."
        ),
        f"By state: {listed(states)}." if states else "",
        _which(figures["active"], "tasks under way"),
        _which(figures["ready"], "tasks that could start now, since all that they wait for is over")
        if figures["linked"]
        else "",
        _which(figures["blocked"], "tasks that are blocked or failed"),
        f"Next due: {figures['next'][0]}, on {figures['next'][1]}." if figures["next"] else "",
        f"Without a status: {figures['unsaid']}." if figures["unsaid"] else "",
    ]
    if figures["unknown"]:
        words = listed([f"{word} ({size})" for word, size in figures["unknown"]])
        lines.append(f"Words for a status that the rules do not know: {words}.")
    return [
        bullets(lines),
        table(("phase", "done", "tasks"), figures["phases"]),
        table(("under way", "% done"), figures["shares"]),
        key_figures(("done tasks", figures["done"]), ("percent done", figures["percent"]),
                    ("percent of the work done", figures["work_percent"])),
    ]  # fmt: skip


def _amount(value: Any, figures: Json) -> str:
    return f"{number(value)} {figures['unit']}".strip()


def _which(found: Json, rule: str) -> str:
    """A rule with how many tasks met it, and which; nothing when none did."""
    which: Sequence[str] = found["which"]
    shown = "; ".join([*which, *(["…"] if found["count"] > len(which) else [])])
    return f"{rule[0].upper()}{rule[1:]}: {found['count']} ({shown})." if which else ""


def _of_a_plan(said: Callable[[str, Json], list[str]], name: str, figures: Json) -> list[str]:
    seen: list[list[str]] | None = figures.get("unrecognised")
    if seen is None:
        return said(name, figures)
    lines = [
        f"`{name}` was not recognised as a plan, so nothing was computed.",
        (
            "A plan has a column that names its tasks, and at least two of: what a task waits for, its duration or "
            "estimates, its owner, its status, its due date."
        ),
        f"Columns recognised here: {_read(seen) or 'none'}.",
    ]
    return [bullets(lines)]


def _read(columns: Sequence[Sequence[str]]) -> str:
    return listed([f"`{label}` ({_ROLES[role]})" for role, label in columns])


REPORTS: Mapping[str, tuple[str, Callable[[str, Json], list[str]]]] = {
    "plan_status": ("Status of", partial(_of_a_plan, _status)),
    "plan_path": ("Critical path of", partial(_of_a_plan, _path)),
    "plan_risks": ("Risks of", partial(_of_a_plan, _risks)),
    "plan_estimates": ("Estimates of", partial(_of_a_plan, _estimates)),
    "plan_breakdown": ("Breakdown of", partial(_of_a_plan, _breakdown)),
}
"""Recipe -> (its heading, the parts of its report)."""
