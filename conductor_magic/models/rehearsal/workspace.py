"""Recipes for a goal without notebook variables: which files there are, how long, and what their tables hold. Pure."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import Any

from conductor_magic.models.rehearsal.data_analysis import REPORTS
from conductor_magic.models.rehearsal.dialogue import Call, Outcome, Turn
from conductor_magic.models.rehearsal.job import Job, all_figures, done, incomplete, trouble
from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, table
from conductor_magic.models.rehearsal.snippets import on_file, on_folder

__all__ = ["inventory", "lines", "tables"]

Json = dict[str, Any]
_MOST_TABLES = 5
_COUNTED = re.compile(r"^(.*): (\d+)$")
_HIDDEN = re.compile(r"^\[(\d+) more")


def inventory(job: Job) -> Turn:
    """Files by type: counted by Python where it runs, else from Glob's list."""
    if not job.outcomes:
        calls = [Call("Glob", {"pattern": "**/*"})] if "Glob" in job.tools else []
        calls += [Call("Python", {"code": on_folder(job.workspace)})] if "Python" in job.tools and job.workspace else []
        return Turn(calls=tuple(calls)) if calls else incomplete("this needs the Glob or the Python tool")
    title = f"## Files in {job.workspace}"
    figures = next(
        (found for outcome in job.outcomes if outcome.name == "Python" for found in all_figures(outcome)), None
    )
    if figures is None:
        return _from_glob(job, title)
    kinds = [f"{kind} ({size})" for kind, size, _ in figures["table"][:5]]
    head = f"{count(figures['files'], 'file')} in {job.workspace}, {figures['bytes']} bytes in all"
    return done(
        title,
        bullets(
            [
                f"{head}." if figures["complete"] else f"{head}: the first ones; there are more.",
                f"{count(figures['kinds'], 'type')}, most often {listed(kinds)}." if kinds else "",
                *(f"Among the largest: {path} ({size} bytes)." for path, size in figures["largest"][:3]),
            ]
        ),
        table(("type", "files", "bytes"), figures["table"]),
    )


def _from_glob(job: Job, title: str) -> Turn:
    listing = next((outcome for outcome in job.outcomes if outcome.name == "Glob" and not outcome.is_error), None)
    if listing is None:
        return incomplete(trouble(job.outcomes[-1]))
    paths, hidden = _paths(listing)
    kinds = Counter(PurePath(path).suffix.lower() or "(none)" for path in paths).most_common(15)
    found = f"{len(paths) + hidden} files in {job.workspace}; types of the {len(paths)} newest are counted here."
    return done(
        title,
        bullets([found if hidden else f"{count(len(paths), 'file')} in {job.workspace}.", "Sizes could not be read."]),
        table(("type", "files"), kinds),
    )


def lines(job: Job) -> Turn:
    """Lines of each text file, by Grep's counts."""
    if "Grep" not in job.tools:
        return incomplete("this needs the Grep tool")
    if not job.outcomes:
        return Turn(calls=(Call("Grep", {"pattern": "^", "output_mode": "count", "head_limit": 2_000}),))
    outcome = job.outcomes[-1]
    if outcome.is_error:
        return incomplete(trouble(outcome))
    found = [
        (match.group(1), int(match.group(2))) for line in outcome.text.splitlines() if (match := _COUNTED.match(line))
    ]
    longest = sorted(found, key=lambda item: (-item[1], item[0]))[:10]
    cut = next((line for line in outcome.text.splitlines() if line.startswith("[")), "")
    return done(
        f"## Text in {job.workspace}",
        bullets(
            [
                f"{sum(size for _, size in found)} lines in {count(len(found), 'text file')}.",
                f"The longest: {longest[0][0]} ({longest[0][1]} lines)." if longest else "",
                f"The search did not show everything: {cut.strip('[]')}." if cut else "",
            ]
        ),
        table(("file", "lines"), longest),
    )


def tables(job: Job) -> Turn:
    """Explore the first few delimited text files of the workspace."""
    if "Glob" not in job.tools:
        return incomplete("this needs the Glob tool")
    if not job.outcomes:
        return Turn(calls=(Call("Glob", {"pattern": "**/*.{csv,tsv}"}),))
    listing = job.outcomes[0]
    if listing.is_error:
        return incomplete(trouble(listing))
    paths, hidden = _paths(listing)
    title = f"## Tables in {job.workspace}"
    if not paths:
        return done(title, bullets([f"0 tables found: there is no CSV or TSV file in {job.workspace}."]))
    # The newest come first in the list; by name the choice is the same whenever it is made.
    chosen = sorted(paths)[:_MOST_TABLES]
    head = f"{count(len(paths) + hidden, 'table')} found" + (
        f"; looked at: {names(PurePath(path).name for path in chosen)}." if len(chosen) < len(paths) else "."
    )
    if "Python" not in job.tools:
        return done(title, bullets([head, "They were not opened: this task has no Python tool."]))
    explored = job.outcomes[1:]
    if explored and not all_figures(explored[0]) and "No module named" in explored[0].text:
        return done(title, bullets([head, f"They were not opened: {trouble(explored[0])}."]))
    # One file a call: the figures of several would not fit one result.
    if len(explored) < len(chosen):
        return Turn(calls=(Call("Python", {"code": on_file(chosen[len(explored)], first=not explored)}),))
    reports = [part for path, outcome in zip(chosen, explored, strict=True) for part in _one_table(path, outcome)]
    if not any(all_figures(outcome) for outcome in explored):
        return incomplete(trouble(explored[-1]), title, bullets([head]), *reports)
    return done(title, bullets([head]), *reports)


def _one_table(path: str, outcome: Outcome) -> list[str]:
    name = PurePath(path).name
    figures = next(iter(all_figures(outcome)), None)
    if figures is None:
        return [f"**{name}** ({path})", bullets([f"`{name}` could not be explored: {trouble(outcome)}."])]
    head = f"**{name}** ({path}, {figures['bytes']} bytes)"
    if reason := figures.get("unreadable"):
        return [head, bullets([f"`{name}` could not be read as a table: {reason}."])]
    # The first part of each report is its findings.
    reports = {recipe: report(name, figures[recipe]) for recipe, (_, report) in REPORTS.items() if recipe in figures}
    findings = [parts[0] for parts in reports.values()]
    return [head, *findings, bullets(figures.get("notes", [])), *reports.get("groups", [])[1:2]]


def _paths(listing: Outcome) -> tuple[list[str], int]:
    """The paths that Glob listed, and how many more it counted but did not show."""
    rows = listing.text.splitlines()
    hidden = next((int(match.group(1)) for row in rows if (match := _HIDDEN.match(row))), 0)
    return [row for row in rows if row.startswith("/")], hidden
