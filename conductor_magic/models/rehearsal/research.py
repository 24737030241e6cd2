"""What the research recipes say: four looks at a checkout from a question's words, and the report in six parts. Pure.

The rules search and count; they do not understand. What they cannot tell stands in the report under its own heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import (
    Report,
    figures_told,
    findings_of,
    key_figures,
    look,
    with_findings,
)
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.job import NO_RESULTS, Earlier, Job, done, incomplete
from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, table

__all__ = ["RECIPES", "REPORTS", "question_words"]

Json = dict[str, Any]
MOST_WORDS = 8
_COMMON = """
    about and any are been but can code codebase could did does explain find for from had has have how into investigate
    its library may might more must not one our out package project question report repository research shall should
    show some tell than that the their them then there these they this those trace under understand use used uses using
    was were what when where which who why will with without work works workspace would you your
"""
COMMON = frozenset(_COMMON.split())
"""Words of goals that say nothing about what is looked for."""

_QUESTION = re.compile(r'The question: "(.*)"$|speak of the question: "(.*)"$', re.MULTILINE)
_ENDING = re.compile(r"(?<=\w{4})(?:ed|ing)$|(?<=ss)es$|(?<=[a-rt-z])s$")
_FIRST_WORDS = re.compile(r"^- Most different words: `(.+?)` ", re.MULTILINE)
_FIRST_NAMES = re.compile(r"^- Most of these definitions: `(.+?)` ", re.MULTILINE)
_UNDERSTOOD = (
    "Rules searched and counted here. They know words and syntax, not meaning: they cannot say why something is so."
)
_UNSEEN = (
    "Not looked at: other words for the same thing, definitions in other languages than Python, the history, anything "
    "outside the checkout."
)
_NOWHERE = "- Nowhere in the checkout: "


def question(job: Job) -> str:
    """The person's question, as the task's prompt quotes it; empty when it quotes none."""
    found = _QUESTION.findall(job.task)
    return next((text for text in found[-1] if text), "") if found else ""


def question_words(asked: str) -> list[str]:
    """What a search starts from: the first eight words that are not common, in lower case, without their endings.

    Words are sought by how they begin, so what is left of one need be no word itself.
    """
    words = [word for word in re.findall(r"\w+", asked.lower()) if len(word) > 2 and word not in COMMON]
    return list(dict.fromkeys(_ENDING.sub("", word) for word in words))[:MOST_WORDS]


def _from_words(recipe: str, report: Report, job: Job) -> Turn:
    words = question_words(question(job))
    if not words:
        return incomplete(f"the question {question(job)!r} has no word to search for")
    return look(recipe, report, job, words=words)


def _words(figures: Json) -> list[str]:
    ranked, passages = figures["ranked"], figures["passages"]
    lines = [
        (
            f"{count(figures['lines'], 'line')} in {figures['files']} of {count(figures['searched'], 'file')} hold a "
            f"word of the question: {names(figures['words'])} (words and parts of names that begin so, in any case)."
        ),
        f"{_NOWHERE.removeprefix('- ')}{names(figures['nowhere'])}." if figures["nowhere"] else "",
    ]
    if ranked:
        path, held, hits = ranked[0]
        lines.append(f"Most different words: `{path}` ({held} of {len(figures['words'])}, on {count(hits, 'line')}).")
    lines += [f"`{path}:{line}` holds {held} of them: {quoted(text)}" for path, line, held, text in passages[:5]]
    return [
        bullets(lines),
        table(("word", "files", "lines", "in code", "in tests", "in documents", "elsewhere"), figures["counts"]),
        table(("file", "different words", "lines"), ranked),
        key_figures(
            ("files with a word of the question", figures["files"]),
            ("lines with a word of the question", figures["lines"]),
        ),
    ]


def _names(figures: Json) -> list[str]:
    kinds = listed([count(size, one, many) for size, one, many in figures["kinds"]])
    parsed = count(figures["parsed"], "parsed Python file")
    lines = [
        f"{figures['definitions']} of the definitions in {parsed} have a word of the question in the name: {kinds}."
        if figures["definitions"]
        else f"No definition in {parsed} has a word of the question in its name."
    ]
    if figures["most"]:
        lines.append(f"Most of these definitions: `{figures['most'][0]}` ({figures['most'][1]}).")
        lines.append(
            f"Named nowhere else in the parsed code: {figures['unmentioned']}. A name in a text, in a template or "
            "outside the checkout is not seen."
        )
    lines += [
        f"`{name}` ({kind}, {place}): its name stands in {count(users, 'other file')}"
        + (f", as {known}" if known else "")
        + (f". It says: {quoted(said)}" if said else ".")
        for name, kind, place, users, known, said in figures["table"][:5]
    ]
    rows = [row[:4] for row in figures["table"]]
    return [
        bullets(lines),
        table(("name", "kind", "place", "other files that name it"), rows),
        key_figures(("definitions named so", figures["definitions"])),
    ]


def _structure(figures: Json) -> list[str]:
    modules = figures["table"]
    lines = [
        f"{count(figures['modules'], 'Python module')}; on loading {figures['imports']} imports of one by another."
        if figures["modules"]
        else "No Python file could be parsed; other languages were not looked at."
    ]
    if modules:
        lines.append(f"Most imported: {listed([f'`{path}` ({by})' for path, by, _ in modules[:4]])}.")
        lines.append(_circles(figures))
    lines += [
        _told("Scripts that it declares", [f"`{name}` = `{target}`" for name, target in figures["scripts"]]),
        f"{count(figures['entry_count'], 'file')} can be run: {_first(figures['entries'], figures['entry_count'])}."
        if figures["entries"]
        else "No `__main__.py` and no file that asks for `__main__`: it is a library, or is started from elsewhere.",
        _told(
            f"{count(figures['outside_count'], 'package')} from outside, with the files that import each",
            [f"`{name}` ({by})" for name, by in figures["outside"]],
        ),
    ]
    return [
        bullets(lines),
        table(("module", "imported by", "imports"), modules),
        key_figures(("modules", figures["modules"]), ("circles of imports", figures["circle_count"])),
    ]


def _circles(figures: Json) -> str:
    if not figures["circles"]:
        return "0 circles of imports: whatever is imported on loading can be read from the bottom up."
    largest = listed([f"{size} modules ({_first(paths, size)})" for size, paths in figures["circles"]])
    return f"{count(figures['circle_count'], 'circle')} of imports; the largest: {largest}."


def _told(label: str, parts: list[str]) -> str:
    return f"{label}: {listed(parts)}." if parts else ""


def _open(figures: Json) -> list[str]:
    places = figures["places"]
    said = {
        "unfinished": "raise NotImplementedError",
        "deprecated": "warn that something is deprecated",
        "skipped": "skip a test or expect it to fail",
    }
    lines = [
        (
            f"TODO, FIXME, XXX or HACK in {count(figures['marks'], 'comment')} of "
            f"{count(figures['parsed'], 'Python file')}; {figures['near']} of them with a word of the question."
        )
    ]
    lines += [f"`{path}:{line}`: {quoted(text)}" for path, line, text in figures["table"][:5]]
    lines += [
        f"{count(figures[kind], 'place')} {text}"
        + (f": {_first(places[kind], figures[kind])}." if places[kind] else ".")
        for kind, text in said.items()
    ]
    return [
        bullets(lines),
        key_figures(("open notes", figures["marks"]), ("unfinished places", figures["unfinished"])),
    ]


def report(job: Job) -> Turn:
    """Question, summary, evidence, analysis, recommendation, open: out of the earlier looks."""
    told = with_findings(job)
    if not told:
        return NO_RESULTS
    everything = "\n".join(earlier.text for earlier in told)
    words, defined = _FIRST_WORDS.search(everything), _FIRST_NAMES.search(everything)
    return done(
        f"# What {job.workspace} says to the question",
        f"## Question\n\n{question(job)}",
        "## Summary\n\n" + " ".join(findings_of(earlier.text)[0].removeprefix("- ") for earlier in told),
        "## Evidence",
        *(_evidence(earlier) for earlier in told),
        "## Analysis",
        bullets(
            [
                _agreement(words.group(1) if words else "", defined.group(1) if defined else ""),
                _UNDERSTOOD,
            ]
        ),
        "## Recommendation",
        bullets(_reading(words.group(1) if words else "", defined.group(1) if defined else "")),
        "## Open",
        bullets(
            [
                *(line.removeprefix("- ") for line in everything.splitlines() if line.startswith(_NOWHERE)),
                _UNSEEN,
                *(
                    f"{earlier.subject} found nothing that could be told."
                    for earlier in job.earlier
                    if earlier not in told
                ),
            ]
        ),
        *figures_told(told),
    )


def _agreement(words: str, defined: str) -> str:
    if not words and not defined:
        return "Neither the words nor the names of definitions lead anywhere in this checkout."
    if words == defined:
        return f"Both looks lead to the same file: `{words}` holds the most words and the most definitions named so."
    if not words or not defined:
        return f"Only {'its words lead' if words else 'names of definitions lead'} anywhere: to `{words or defined}`."
    return f"The looks lead to two files: most words stand in `{words}`, most definitions named so in `{defined}`."


def _reading(words: str, defined: str) -> list[str]:
    order = list(dict.fromkeys(path for path in (defined, words) if path))
    if not order:
        return ["None: ask with the words that the code itself uses, or name a file to start from."]
    return [f"Read {' and then '.join(f'`{path}`' for path in order)} first, after that the passages quoted above."]


def _evidence(earlier: Earlier) -> str:
    first = earlier.text.partition("\n")[0]
    heading = first.removeprefix("## ") if first.startswith("## ") else earlier.subject
    return f"### {heading}\n\n" + "\n".join(findings_of(earlier.text))


def _first(paths: list[str], of: int) -> str:
    return names(paths) + (" and more" if of > len(paths) else "")


def quoted(text: str) -> str:
    """A line of the checkout as code, whatever it holds."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


REPORTS: Mapping[str, Report] = {"research_structure": ("How the code hangs together", _structure)}

RECIPES: Mapping[str, Callable[[Job], Turn]] = {
    "research_words": lambda job: _from_words("research_words", ("Where the question's words occur", _words), job),
    "research_names": lambda job: _from_words("research_names", ("What is named so, and who uses it", _names), job),
    "research_open": lambda job: _from_words("research_open", ("What the authors left open", _open), job),
    "research_report": report,
}
"""Recipes that need the question too."""
