"""What the rehearsal says of a code review: five looks by fixed rules, and one report by weight. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import (
    Report,
    figures_told,
    findings_of,
    key_figures,
    rules_told,
    with_findings,
)
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Job, done
from conductor_magic.models.rehearsal.prose import bullets, count, number, table

__all__ = ["REPORTS", "review_report"]

Json = dict[str, Any]
_WEIGHTS = ("must fix", "should fix", "consider")
_SECTIONS = {"must fix": "Must fix", "should fix": "Should fix", "consider": "Consider", "good": "Good"}
_UNSEEN = (
    "A rule sees a shape, not a purpose: whether an input is trusted, or a choice was meant, a person has to judge.",
    "Rules looked at Python only. Behaviour, design, names, races and speed were not judged; nothing was run.",
)


def review_report(job: Job) -> Turn:
    """The findings of all looks by weight, what is good, what nobody looked at, and the key figures."""
    told = with_findings(job)
    if not told:
        return NO_RESULTS
    found = [findings_of(earlier.text) for earlier in told]
    lead = " ".join(findings[0].removeprefix("- ") for findings in found)
    lines = [line.removeprefix("- ") for findings in found for line in findings[1:]]
    parts: list[str] = []
    for weight, heading in _SECTIONS.items():
        own = [line.removeprefix(f"{weight}: ") for line in lines if line.startswith(f"{weight}: ")]
        parts.append(f"## {heading}\n\n{bullets(own or ['Nothing that a rule finds.'])}")
    others = [line for line in lines if not line.startswith(tuple(f"{weight}: " for weight in _SECTIONS))]
    parts.append(f"## Not looked at\n\n{bullets([*dict.fromkeys(others), *_UNSEEN])}")
    return done(f"# Review of {job.workspace}", lead, *parts, *figures_told(told))


def _look(subject: str, figures: Json, good: list[str], *more: str) -> list[str]:
    """A look by rules: what was found, an example a line, what is good; of each rule how often it was found."""
    if not figures["files"]:
        return [bullets([f"{subject}: no Python file here that could be parsed, so nothing was judged."])]
    weights = ", ".join(f"{figures[weight.replace(' ', '_')]} {weight}" for weight in _WEIGHTS)
    lead = f"{subject}: {weights}, in {count(figures['files'], 'Python file')}."
    findings, by_rule = rules_told(figures)
    return [bullets([lead, *findings, *(f"good: {line}" for line in good)]), by_rule, *more]


def _by_rules(subject: str) -> Callable[[Json], list[str]]:
    def said(figures: Json) -> list[str]:
        weights = [(f"{subject.lower()}, {weight}", figures[weight.replace(" ", "_")]) for weight in _WEIGHTS]
        return _look(subject, figures, [], key_figures(*weights))

    return said


def _complexity(figures: Json) -> list[str]:
    columns = ("place", "function", "branches", "depth", "lines", "parameters")
    return _look(
        "Complexity",
        figures,
        [],
        table(columns, figures["table"]),
        key_figures(
            ("functions", figures["functions"]),
            ("lines", figures["lines"]),
            ("functions with over 15 branches", _found(figures, "branches over 15")),
        ),
    )


def _layers(figures: Json) -> list[str]:
    return _look(
        "Layers",
        figures,
        [],
        table(("module", "modules that import it"), figures["table"]),
        key_figures(
            ("imports between own modules", figures["imports"]), ("import cycles", _found(figures, "import cycle"))
        ),
    )


def _standards(figures: Json) -> list[str]:
    shares = [
        ("public things with a docstring", "documented", "public"),
        ("public functions with a return annotation", "annotated", "functions"),
    ]
    good = [
        f"{figures[part]} of {figures[whole]} {what} ({number(figures[f'{part}_percent'])} %)."
        for what, part, whole in shares
        if (figures[f"{part}_percent"] or 0) >= 80
    ]
    return _look("Standards", figures, good, key_figures(*((what, figures[part]) for what, part, _ in shares)))


def _found(figures: Json, rule: str) -> int:
    return next(found for name, _, found, _, _ in figures["rules"] if name == rule)


REPORTS: Mapping[str, Report] = {
    "review_security": ("Security", _by_rules("Security")),
    "review_correctness": ("Correctness", _by_rules("Correctness")),
    "review_complexity": ("Complexity", _complexity),
    "review_layers": ("Layers", _layers),
    "review_standards": ("Standards", _standards),
}
"""Recipe -> (its heading, the parts of its report)."""
