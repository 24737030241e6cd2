"""One report out of earlier looks whose findings say what they are: grouped by that, the gravest first. Pure.

A look marks a finding by its first word (`Wrong: …`, `Missing: …`); its first bullet, unmarked, sums it up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from conductor_magic.models.rehearsal.checkout import figures_told, findings_of, with_findings
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Job, done
from conductor_magic.models.rehearsal.prose import bullets

__all__ = ["grouped", "the_rest"]


def grouped(job: Job, title: str, first: str, groups: Mapping[str, tuple[str, str]], unseen: str) -> Turn:
    """The report.

    Args:
        job: the task that writes it.
        title: what the report is about.
        first: the heading of what each look found in short.
        groups: mark -> (heading, what is said when nothing bears the mark), in the order of the report.
        unseen: what no rule looked at.
    """
    told = with_findings(job)
    if not told:
        return NO_RESULTS
    found = [line.removeprefix("- ") for earlier in told for line in findings_of(earlier.text)]
    marks = tuple(f"{mark}: " for mark in groups)
    silent = [earlier.subject for earlier in job.earlier if earlier not in told]
    parts = [f"# {title}", f"## {first}", bullets(line for line in found if not line.startswith(marks))]
    for mark, (heading, nothing) in groups.items():
        own = [line.removeprefix(f"{mark}: ") for line in found if line.startswith(f"{mark}: ")]
        parts += [f"## {heading}", bullets([_begun(line) for line in own] or [nothing])]
    parts += ["## Not looked at", bullets([unseen, *(f"{subject}: nothing was reported." for subject in silent)])]
    return done(*parts, *figures_told(told))


def the_rest(mark: str, whole: int, shown: int, what: str) -> list[str]:
    """How many findings of a mark there are in all, where only the first are told."""
    return [f"{mark}: {whole} {what} in all; the first {shown} are named here."] if whole > shown else []


def _begun(line: str) -> str:
    """The line as a sentence of its own: a word at its beginning gets a capital, a path does not."""
    return line[:1].upper() + line[1:] if re.match(r"[a-z]+[ ,;:]", line) else line
