"""Which recipe plays which task: the name in the prompt's `RECIPE:` line -> a pure function from the job to a turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from conductor_magic.models.rehearsal import (
    code_review,
    data_analysis,
    devops,
    documentation,
    project_management,
    research,
    software_development,
    testing,
    workspace,
)
from conductor_magic.models.rehearsal.checkout import Report, conclusion, look
from conductor_magic.models.rehearsal.dialogue import Call, Turn
from conductor_magic.models.rehearsal.job import Job, all_figures, done, incomplete, trouble
from conductor_magic.models.rehearsal.plan_report import plan_report
from conductor_magic.models.rehearsal.prose import bullets
from conductor_magic.models.rehearsal.snippets import on_variable
from conductor_magic.models.rehearsal.synthesis import synthesis

__all__ = ["RECIPES"]

CHECKOUT_REPORTS: tuple[Mapping[str, Report], ...] = (
    code_review.REPORTS,
    devops.REPORTS,
    documentation.REPORTS,
    research.REPORTS,
    software_development.REPORTS,
    testing.REPORTS,
)
"""What is said of a checkout, by the guides whose main pattern looks at one."""

VARIABLE_REPORTS = {**data_analysis.REPORTS, **project_management.REPORTS}
"""What is said of a notebook variable: recipe -> (its heading, the parts of its report)."""

_GROUPING = re.compile(r"^- Strongest grouping: `(.+?)` \(", re.MULTILINE)
_PAIR = re.compile(r"^- Strongest pair: `(.+?)` and `(.+?)`, r = ", re.MULTILINE)


def _count(recipe: str, job: Job) -> Turn:
    """Run one snippet on the variable, then report its figures."""
    if "Python" not in job.tools:
        return incomplete("this needs the Python tool, which this task does not have")
    if not job.variable.isidentifier():
        return incomplete(f"the prompt's VARIABLE line names no variable ({job.variable!r})")
    if not job.outcomes:
        code = on_variable(recipe, job.variable, **(_chart_options(job) if recipe == "charts" else {}))
        return Turn(calls=(Call("Python", {"code": code}),))
    heading, report = VARIABLE_REPORTS[recipe]
    title = f"## {heading} `{job.variable}`"
    figures = next(iter(all_figures(job.outcomes[-1])), None)
    if figures is None:
        return incomplete(trouble(job.outcomes[-1]))
    # The figures come last, so with them the recipe has run to its end; what failed was handing something back.
    notes = [*figures.get("notes", []), *([f"{trouble(job.outcomes[-1])}."] if job.outcomes[-1].is_error else [])]
    if reason := figures.get("not_a_table"):
        return done(title, bullets([f"`{job.variable}` is {reason}; nothing was counted."]))
    return done(title, *report(job.variable, figures), bullets(notes))


def _chart_options(job: Job) -> dict[str, object]:
    """What earlier tasks found worth drawing: the strongest grouping and the strongest pair."""
    text = "\n".join(earlier.text for earlier in job.earlier)
    grouping, pair = _GROUPING.search(text), _PAIR.search(text)
    return {"group": grouping.group(1) if grouping else None, "pair": list(pair.groups()) if pair else []}


RECIPES: Mapping[str, Callable[[Job], Turn]] = {
    **{name: partial(_count, name) for name in VARIABLE_REPORTS},
    **{name: partial(look, name, report) for reports in CHECKOUT_REPORTS for name, report in reports.items()},
    **research.RECIPES,
    "docs_report": documentation.docs_report,
    "ops_report": devops.ops_report,
    "synthesis": synthesis,
    "conclusion": conclusion,
    "development_plan": software_development.development_plan,
    "review_report": code_review.review_report,
    "plan_report": plan_report,
    "inventory": workspace.inventory,
    "lines": workspace.lines,
    "tables": workspace.tables,
}
