"""The status report on project plans, out of the results of earlier tasks and of nothing else. Pure."""

from __future__ import annotations

from conductor_magic.models.rehearsal.checkout import figures_of, findings_of, heading_of, with_findings
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Earlier, Job, done
from conductor_magic.models.rehearsal.prose import figures_part, listed

__all__ = ["plan_report"]

_LEADING = ("## Status of", "## Critical path of", "## Risks of")


def plan_report(job: Job) -> Turn:
    """The status report: where each plan stands, what decides its end, what endangers it, the work, what is open."""
    told = with_findings(job)
    if not told:
        return NO_RESULTS
    subjects = list(dict.fromkeys(_subject(earlier) for earlier in told))
    several = len(subjects) > 1
    lead = dict.fromkeys(findings_of(earlier.text)[0].removeprefix("- ") for earlier in told if _leads(earlier))
    themes: list[str] = []
    said: set[str] = set()
    for earlier in told:
        # What was noted on the way, as a unit that was converted, is the same in every look.
        fresh = [line for line in findings_of(earlier.text) if line not in said]
        said.update(fresh)
        themes += ["\n\n".join([heading_of(earlier.text, earlier.subject), "\n".join(fresh)])] if fresh else []
    rows = [
        (f"{name} of {_subject(earlier)}" if several else name, value)
        for earlier in told
        for name, value in figures_of(earlier.text)
        if value != "–"
    ]
    return done(
        f"# Where {listed([f'`{subject}`' for subject in subjects])} {'stand' if several else 'stands'}",
        " ".join(lead),
        *themes,
        *figures_part(rows),
    )


def _leads(earlier: Earlier) -> bool:
    return heading_of(earlier.text, earlier.subject).startswith(_LEADING)


def _subject(earlier: Earlier) -> str:
    return heading_of(earlier.text, earlier.subject).rpartition(" ")[2].strip("`")
