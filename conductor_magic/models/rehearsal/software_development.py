"""What the rehearsal says before software is changed: what there is, what rests on it, how work splits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import Report, conclusion, key_figures, rules_told
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import Job
from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, table

__all__ = ["REPORTS", "development_plan"]

Json = dict[str, Any]
_UNBUILT = (
    "## Not built\n\n- Rules read code and do not write it: this is the ground for a plan, and no line was changed.\n"
    "- Which slices the goal needs, and what they must agree on, has to be decided from here."
)
_STATUS = "\n\nSTATUS: done"


def development_plan(job: Job) -> Turn:
    """The conclusion of the looks, and what a rule cannot do of the rest."""
    turn = conclusion(job)
    if not turn.text.endswith(_STATUS):
        return turn
    return Turn(f"{turn.text.removesuffix(_STATUS)}\n\n{_UNBUILT}{_STATUS}")


def _structure(figures: Json) -> list[str]:
    others = [f"{name} ({size})" for name, size in figures["languages"] if name != "Python"]
    if not figures["modules"]:
        lines = [f"{count(figures['files'], 'file')}, no Python module that could be parsed: nothing was read."]
    else:
        modules = f"{count(figures['modules'], 'Python module')} in {count(figures['packages'], 'package')}"
        lines = [
            f"{modules}, {figures['lines']} lines; {count(figures['test_files'], 'test file')}.",
            *(f"Largest: {path} ({size} lines)." for path, size in figures["table"][:3]),
            *(f"Command: `{script}`." for script in figures["scripts"]),
            *(f"Run as a package by {path}." for path in figures["mains"]),
            *(f"Run as a script: {path}:{line}." for path, line in figures["guarded"]),
        ]
    return [
        bullets([*lines, f"Not read, as no Python: {listed(others)}." if others else ""]),
        table(("module", "lines"), figures["table"]),
        key_figures(("modules", figures["modules"]), ("lines", figures["lines"])),
    ]


def _interfaces(figures: Json) -> list[str]:
    if not figures["modules"]:
        return [bullets(["Interfaces: no Python module here that could be parsed."])]
    findings, by_rule = rules_told(figures)
    rows = figures["table"]
    public = count(figures["public"], "public class or function", "public classes and functions")
    modules, joined = count(figures["modules"], "module"), count(figures["imports"], "import")
    return [
        bullets(
            [
                f"{public} in {modules}, joined by {joined}.",
                *(f"Change with care: {path} is imported by {count(users, 'module')}." for path, users, _ in rows[:4]),
                *findings,
            ]
        ),
        by_rule,
        table(("module", "imported by", "public names"), rows),
        key_figures(("public names", figures["public"]), ("imports between modules", figures["imports"])),
    ]


def _checks(figures: Json) -> list[str]:
    present = figures["present"]
    return [
        bullets(
            [
                f"Built and checked by: {names(present)}."
                if present
                else "No file here says how to build or check it.",
                f"Python {figures['python']}, with {count(figures['dependencies'], 'dependency', 'dependencies')}."
                if figures["python"]
                else "",
                f"Tools with settings in pyproject.toml: {names(figures['tools'])}." if figures["tools"] else "",
                f"Make targets: {names(figures['targets'])}." if figures["targets"] else "",
                f"{count(figures['tests'], 'Python test file')}." if figures["tests"] else "No Python test file.",
                "Nothing was run: whether the checks pass is not known.",
            ]
        ),
        key_figures(("test files", figures["tests"])),
    ]


def _open(figures: Json) -> list[str]:
    if not figures["files"]:
        return [bullets(["Open work: no Python module here that could be parsed."])]
    findings, by_rule = rules_told(figures)
    return [
        bullets(
            [f"{count(figures['consider'], 'place')} where the code says that something is open or to go.", *findings]
        ),
        by_rule,
        key_figures(("open places", figures["consider"])),
    ]


def _slices(figures: Json) -> list[str]:
    if not figures["modules"]:
        return [bullets(["Slices: no Python module here that could be parsed."])]
    parts = figures["table"]
    whole, split = count(figures["modules"], "module"), count(figures["parts"], "part")
    circles = count(figures["circles"], "circle")
    lines = [
        f"{whole} fall into {split} that import nothing of one another, shared modules and package files aside.",
        *(
            f"Part {at}: {count(size, 'module')}, {lines} lines, with {names(first)}."
            for at, size, lines, first in parts[:5]
        ),
        *(
            f"Shared, so one owner and first: {path} (imported by {count(users, 'module')})."
            for path, users in figures["shared"]
        ),
        f"{circles} of modules that load one another, so one owner each; the first: {names(figures['circle'])}."
        if figures["circles"]
        else "No circle of modules that load one another.",
    ]
    return [
        bullets(lines),
        table(("part", "modules", "lines"), [row[:3] for row in parts]),
        key_figures(("parts", figures["parts"]), ("import circles", figures["circles"])),
    ]


REPORTS: Mapping[str, Report] = {
    "development_structure": ("What there is", _structure),
    "development_interfaces": ("What rests on what", _interfaces),
    "development_checks": ("How it is built and checked", _checks),
    "development_open": ("Open work", _open),
    "development_slices": ("What can be worked on side by side", _slices),
}
"""Recipe -> (its heading, the parts of its report)."""
