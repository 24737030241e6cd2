"""What the documentation recipes say: five looks at what a checkout tells its readers, and the audit out of them. Pure.

A finding that begins with `Wrong:` misleads a reader, `Missing:` leaves one alone, `Holds:` was checked and is so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import Report, key_figures
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.grouped import grouped, the_rest
from conductor_magic.models.rehearsal.job import Job
from conductor_magic.models.rehearsal.prose import bullets, count, names, number, table

__all__ = ["REPORTS", "docs_report"]

Json = dict[str, Any]
_UNSEEN = (
    "No example was run and no page outside the checkout opened. Whether a text is true, clear or for the right reader "
    "no rule can tell. Docstrings of other languages than Python were not looked at."
)


def _coverage(figures: Json) -> list[str]:
    if not figures["public"]:
        return [bullets(["No public Python was found here, so no docstring is missing."]), key_figures(("public", 0))]
    lines = [
        (
            f"{figures['documented']} of {count(figures['public'], 'public definition')} have a docstring "
            f"({number(figures['percent'])} %). Public: without leading underscore, in `__all__` if there is one."
        )
    ]
    lines += [f"Missing: a docstring of {kind} `{name}`, {path}:{line}." for kind, name, path, line in figures["first"]]
    if not figures["bare"]:
        lines.append("Holds: every public module, class, function and method has a docstring.")
    return [
        bullets(lines),
        table(("kind", "public", "without a docstring"), figures["kinds"]),
        table(("file", "without a docstring"), figures["files"]),
        key_figures(
            ("public definitions", figures["public"]),
            ("without a docstring", figures["bare"]),
            ("percent documented", figures["percent"]),
        ),
    ]


def _signatures(figures: Json) -> list[str]:
    lines = [
        count(figures["described"], "docstring describes", "docstrings describe")
        + " parameters, as Google, NumPy or Sphinx write them."
    ]
    wrong = [
        f"{path}:{line} `{name}` describes {names(extra)}, which it does not take."
        for path, line, name, extra in figures["wrong"]
    ]
    lines += _some("Wrong", wrong, figures["wrong_count"], "docstrings that describe what is not taken")
    partial = [
        f"{path}:{line} `{name}` describes parameters, but not {names(untold)}."
        for path, line, name, untold in figures["partial"]
    ]
    lines += _some("Missing", partial, figures["partial_count"], "docstrings that leave parameters out")
    if figures["described"] and not figures["wrong_count"]:
        lines.append("Holds: no docstring describes a parameter that its function does not take.")
    return [
        bullets(lines),
        key_figures(
            ("docstrings that describe parameters", figures["described"]),
            ("with parameters that are not taken", figures["wrong_count"]),
            ("with parameters left out", figures["partial_count"]),
        ),
    ]


def _names(figures: Json) -> list[str]:
    if not figures["tops"]:
        said = "No Python module was found here, so no name can be checked."
        return [bullets([said]), key_figures(("own names told", 0))]
    where = count(figures["files"], "file")
    lines = [f"{count(figures['named'], 'name')} of {names(figures['tops'])} between backticks, in {where}."]
    gone = [f"{path}:{line} names `{name}`; there is no `{lack}`." for path, line, name, lack in figures["table"]]
    lines += _some("Wrong", gone, figures["missing_count"], "names that are not there")
    if figures["named"] and not figures["missing_count"]:
        lines.append("Holds: every own name between backticks is there, as far as the modules' text can tell.")
    return [
        bullets(lines),
        key_figures(("own names told", figures["named"]), ("own names that are not there", figures["missing_count"])),
    ]


def _examples(figures: Json) -> list[str]:
    if not figures["shown"]:
        said = "No example: no Python block in a document and no `>>>` in a docstring."
        return [bullets([said, "Missing: examples of any kind."]), key_figures(("examples", 0))]
    lines = [
        (
            f"{count(figures['shown'], 'block')} of Python in {count(figures['documents'], 'document')} and docstrings "
            f"of {count(figures['modules'], 'module')}, {figures['tried']} pieces of code in all; parsed, not run."
        )
    ]
    broken = [f"{path}:{line} cannot be parsed: {error}." for path, line, error in figures["broken"]]
    lines += _some("Wrong", broken, figures["broken_count"], "examples that cannot be parsed")
    stale = [f"{path}:{line} imports `{lack}`, which is not there." for path, line, lack in figures["stale"]]
    lines += _some("Wrong", stale, figures["stale_count"], "imports of what is not there")
    if not figures["broken_count"] and not figures["stale_count"]:
        lines.append("Holds: every example can be parsed, and imports no own name that is not there.")
    return [
        bullets(lines),
        table(("file", "blocks"), figures["table"]),
        key_figures(
            ("examples", figures["shown"]),
            ("examples that cannot be parsed", figures["broken_count"]),
            ("imports of what is not there", figures["stale_count"]),
        ),
    ]


def _pages(figures: Json) -> list[str]:
    readme, pages = figures["readme"], f"{count(figures['pages'], 'document')} with {count(figures['lines'], 'line')}"
    lines = (
        [f"{pages}; the README is `{readme}`, with {count(figures['headings'], 'heading')}."]
        if readme
        else [f"{pages}.", "Missing: a README at the root."]
    )
    lines += [
        f"Missing: {part}; neither a heading of the README nor a file of the root is named so."
        for part in figures["uncovered"]
    ]
    lines += [f"Holds: {part}: `{where}`." for part, where in figures["covered"]]
    broken = [f"{path}:{line} links to `{target}`: {why}." for path, line, target, why in figures["broken"]]
    lines += _some("Wrong", broken, figures["broken_count"], "broken links")
    if figures["links"] and not figures["broken_count"]:
        lines.append(f"Holds: {count(figures['links'], 'link')} within the checkout, each to what is there.")
    lines += _versions(figures)
    return [
        bullets(lines),
        key_figures(
            ("documents", figures["pages"]),
            ("links within", figures["links"]),
            ("broken links", figures["broken_count"]),
        ),
    ]


def _versions(figures: Json) -> list[str]:
    lines, version = [], f"version {figures['version']}, which stands in {figures['told_in']}"
    if figures["version_in_changes"] is not None:
        lines.append(
            f"Holds: {figures['changes']} tells of {version}."
            if figures["version_in_changes"]
            else f"Wrong: {figures['changes']} does not tell of {version}."
        )
    least, stated = figures["least_python"], figures["stated_python"]
    if least and stated:
        lines.append(
            f"Holds: README and pyproject.toml name the same least Python, {least}."
            if least == stated
            else f"Wrong: the README names Python {stated}, pyproject.toml asks for {least}."
        )
    return lines


def _some(mark: str, told: list[str], whole: int, many: str) -> list[str]:
    """Marked findings, and how many there are in all where not all are told."""
    return [*(f"{mark}: {line}" for line in told), *the_rest(mark, whole, len(told), many)]


def docs_report(job: Job) -> Turn:
    """The audit: in short, what is wrong, what is missing, what holds, what was not looked at."""
    return grouped(
        job,
        f"What the documentation of {job.workspace} is worth",
        "In short",
        {
            "Wrong": ("Wrong", "Nothing that these rules can see."),
            "Missing": ("Missing", "Nothing that these rules can see."),
            "Holds": ("Holds", "Nothing could be confirmed."),
        },
        _UNSEEN,
    )


REPORTS: Mapping[str, Report] = {
    "docs_coverage": ("Docstrings of what is public", _coverage),
    "docs_signatures": ("Docstrings against signatures", _signatures),
    "docs_names": ("Names that the texts use", _names),
    "docs_examples": ("Examples", _examples),
    "docs_pages": ("README, links and versions", _pages),
}
