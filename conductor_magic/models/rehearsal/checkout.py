"""Looks at a checkout: one Python call, its figures told; and the conclusion drawn from several such looks. Pure.

A recipe's report begins with its findings as bullets and may end with a table under `Key figures:`. Where the rules
find nothing they say so, and what they looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from conductor_magic.models.rehearsal.dialogue import Call, Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Earlier, Job, all_figures, done, incomplete, trouble
from conductor_magic.models.rehearsal.prose import bullets, figures_part, listed, table
from conductor_magic.models.rehearsal.snippets import on_checkout

__all__ = [
    "Report",
    "conclusion",
    "figures_of",
    "figures_told",
    "findings_of",
    "heading_of",
    "key_figures",
    "look",
    "rules_told",
    "with_findings",
]

Json = dict[str, Any]
Report = tuple[str, Callable[[Json], list[str]]]
"""A heading, and what is said of the figures: the findings first, then tables."""

_KEY_FIGURES = "Key figures:"
_ROW = re.compile(r"^\| (.+) \| (.+) \|$", re.MULTILINE)


def look(recipe: str, report: Report, job: Job, **options: object) -> Turn:
    """Run one snippet on the workspace, then say what it found; `options` are the snippet's own."""
    if "Python" not in job.tools:
        return incomplete("this needs the Python tool, which this task does not have")
    if not job.outcomes:
        return Turn(calls=(Call("Python", {"code": on_checkout(recipe, job.workspace, **options)}),))
    heading, said = report
    figures = next(iter(all_figures(job.outcomes[-1])), None)
    if figures is None:
        return incomplete(trouble(job.outcomes[-1]))
    return done(f"## {heading}", *said(figures), bullets(figures["notes"]))


def key_figures(*rows: tuple[str, object]) -> str:
    """The figures that the conclusion repeats, as (name, value)."""
    return f"{_KEY_FIGURES}\n\n{table(('figure', 'value'), rows)}"


def conclusion(job: Job) -> Turn:
    """One report out of earlier looks: each one's first finding, the findings by theme, the key figures."""
    told = with_findings(job)
    if not told:
        return NO_RESULTS
    lead = " ".join(findings_of(earlier.text)[0].removeprefix("- ") for earlier in told)
    themes = [
        f"{heading_of(earlier.text, earlier.subject)}\n\n" + "\n".join(findings_of(earlier.text)) for earlier in told
    ]
    return done(f"# What {job.workspace} shows", lead, *themes, *figures_told(told))


def rules_told(figures: Json) -> tuple[list[str], str]:
    """What the rules of a look found: an example a line, by weight and place, and how often each rule was broken."""
    rules = figures["rules"]
    examples = [
        f"{weight}: {path}:{line} {rule}" + (f": `{text.replace('`', ' ')}`." if text else ".")
        for weight, rule, path, line, text in figures["examples"]
    ]
    cut = [
        f"{weight}: {rule}: {found} in all, {shown} named." for rule, weight, found, shown, _ in rules if shown < found
    ]
    clean = [rule for rule, _, found, _, _ in rules if not found]
    clear = [f"good: looked for and not found: {listed(clean)}."] if clean else []
    rows = [(rule, weight, found, meaning) for rule, weight, found, _, meaning in rules if found]
    return [*examples, *cut, *clear], table(("rule", "weight", "found", "why"), rows)


def with_findings(job: Job) -> list[Earlier]:
    """The earlier looks that found something to tell."""
    return [earlier for earlier in job.earlier if findings_of(earlier.text)]


def figures_told(told: Iterable[Earlier]) -> list[str]:
    """The key figures of earlier looks, as the last part of a report."""
    return figures_part([row for earlier in told for row in figures_of(earlier.text)])


def findings_of(text: str) -> list[str]:
    """The findings of a look's report: its bullets, with their dashes."""
    return [line for line in text.splitlines() if line.startswith("- ")]


def figures_of(text: str) -> list[tuple[str, str]]:
    """The key figures of a look's report."""
    # As a line of its own: what a look quotes is no figure.
    _, _, rows = text.partition(f"\n{_KEY_FIGURES}\n")
    return [pair for pair in _ROW.findall(rows) if pair != ("figure", "value") and pair[0] != "---"]


def heading_of(text: str, subject: str) -> str:
    """A report's own heading, else one of its task's subject."""
    first = text.partition("\n")[0]
    return first if first.startswith("## ") else f"## {subject}"
