"""The synthesis recipe: one report out of the results of earlier tasks, and of nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Earlier, Job, done
from conductor_magic.models.rehearsal.prose import figures_part, listed

__all__ = ["synthesis"]

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_MEANS = re.compile(r"^Means by `.+`:\n\n(?:\|.*\n?)+", re.MULTILINE)
_SUBJECT = re.compile(r"`([^`]+)`$")
_STRONGEST = (r"cells are missing", r"^- Strongest pair", r"^- `.+` separates")
_IN_A_FOLDER = (r"files? in", r"text files?\.$", r"tables? found", r"has \d+ rows?")
# What the key figures are called, and where in the findings they stand.
_FIGURES = (
    ("rows", r"has (\d+) rows? and \d+ columns?"),
    ("columns", r"has \d+ rows? and (\d+) columns?"),
    ("duplicate rows", r"Repeated rows: (\d+)"),
    ("missing values", r"^- (\d+) of \d+ cells are missing"),
    ("missing percent", r"cells are missing \(([\d.]+) %\)"),
    ("complete rows", r"^- (\d+) of \d+ rows? are complete"),
    ("outliers", r"^- (\d+) values lie beyond"),
    ("strongest pair", r"Strongest pair: (`.+?` and `.+?`), r"),
    ("strongest correlation", r"^- Strongest pair: .+, r = (-?[\d.e-]+) over"),
    ("strongest grouping", r"Strongest grouping: (`.+?`) \("),
    ("files", r"^- (\d+) files? in"),
    ("tables found", r"^- (\d+) tables? found"),
)


def synthesis(job: Job) -> Turn:
    """One report, grouped by theme: what leads, the findings, the means by group, the charts, the key figures."""
    told = [earlier for earlier in job.earlier if _findings(earlier.text)]
    if not told:
        return NO_RESULTS
    subjects = list(dict.fromkeys(subject for earlier in told if (subject := _subject(earlier))))
    title = f"# What {listed([f'`{subject}`' for subject in subjects])} shows" if subjects else "# What there is"
    themes = [f"## {_title(earlier)}\n\n{_findings(earlier.text)}" for earlier in told]
    means = [match.group().strip() for earlier in told if (match := _MEANS.search(earlier.text))]
    return done(
        title if len(subjects) < 2 else title.replace("shows", "show"),
        _lead(told, subjects),
        *themes,
        *(["## Means by group", *means] if means else []),
        *_key_figures(told, subjects),
    )


def _lead(told: Sequence[Earlier], subjects: Sequence[str]) -> str:
    """The conclusion first: of one table what is strongest in it, of several what each of them is."""
    lines = [line for earlier in told for line in _findings(earlier.text).splitlines()]
    if len(subjects) == 1:
        wanted = [rf"^- `{re.escape(subjects[0])}` (?:has|is)", *_STRONGEST]
    else:
        wanted = [rf"^- `{re.escape(subject)}` (?:has|is)" for subject in subjects] or _IN_A_FOLDER
    picked = [next((line for line in lines if re.search(pattern, line)), "") for pattern in wanted]
    return " ".join(line.removeprefix("- ") for line in picked if line)


def _key_figures(told: Sequence[Earlier], subjects: Sequence[str]) -> list[str]:
    rows: list[tuple[str, str]] = []
    for subject in subjects or [""]:
        own = [earlier for earlier in told if _subject(earlier) == subject]
        text = "\n".join(_findings(earlier.text) for earlier in own)
        for name, pattern in _FIGURES:
            if match := re.search(pattern, text, re.MULTILINE):
                rows.append((name if len(subjects) < 2 else f"{name} of {subject}", match.group(1)))
    return figures_part(rows)


def _title(earlier: Earlier) -> str:
    heading = _HEADING.search(earlier.text)
    return heading.group(1) if heading else earlier.subject


def _subject(earlier: Earlier) -> str:
    match = _SUBJECT.search(_title(earlier))
    return match.group(1) if match else ""


def _findings(text: str) -> str:
    """The bullets of a report: its findings. Tables stay in the task's own output."""
    return "\n".join(line for line in text.splitlines() if line.startswith("- "))
