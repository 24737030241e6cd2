"""What the rehearsal says of a checkout's tests: what there is and is not, edges, what may flicker. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import Report, key_figures, rules_told
from conductor_magic.models.rehearsal.prose import bullets, count, listed, table

__all__ = ["REPORTS"]

Json = dict[str, Any]
_NO_TESTS = "No Python test file here: none is named like one, or lies in a folder `test` or `tests`."


def _inventory(figures: Json) -> list[str]:
    styles = [f"{name} ({count(files, 'file')})" for name, files in figures["styles"]]
    lead = f"{count(figures['tests'], 'test')} in {count(figures['test_files'], 'file')}, for {_code(figures)}."
    if not figures["tests"]:
        return [bullets([f"{_NO_TESTS} There is {_code(figures)}."]), _sizes(figures)]
    findings, by_rule = rules_told(figures)
    return [
        bullets(
            [
                lead,
                f"Lines of tests: {figures['test_lines']}; of what they test: {figures['lines']}.",
                f"They import {listed(styles)}." if styles else "",
                f"Parametrized: {figures['parametrized']}. Fixtures: {figures['fixtures']}.",
                *findings,
            ]
        ),
        by_rule,
        table(("file", "tests"), figures["table"]),
        _sizes(figures),
    ]


def _code(figures: Json) -> str:
    return f"{count(figures['files'], 'Python file')} that {'is' if figures['files'] == 1 else 'are'} no test"


def _sizes(figures: Json) -> str:
    return key_figures(*((name.replace("_", " "), figures[name]) for name in ("tests", "test_files", "lines")))


def _gaps(figures: Json) -> list[str]:
    if not figures["modules"]:
        return [bullets(["Gaps: no module with a public name here, so nothing can be missing."])]
    public = count(figures["public"], "public name")
    lead = f"{figures['unnamed']} of {public} stand in no test file; {figures['not_imported']} of "
    alone = [f"No test imports {path} ({count(names, 'public name')})." for path, names in figures["alone"]]
    examples = [f"In no test file: {path}:{line} `{name}`." for path, line, name in figures["examples"]]
    return [
        bullets(
            [
                f"{lead}{count(figures['modules'], 'module')} are imported by none.",
                *([] if figures["test_files"] else [_NO_TESTS]),
                *examples,
                *alone,
                "A name that stands in a test file may still be tested badly: nothing was run, coverage not measured.",
            ]
        ),
        table(("module", "public names", "in no test file", "imported by a test"), figures["table"]),
        key_figures(
            ("public names", figures["public"]),
            ("public names in no test file", figures["unnamed"]),
            ("modules that no test imports", figures["not_imported"]),
        ),
    ]


def _edges(figures: Json) -> list[str]:
    if not figures["files"]:
        return [bullets(["Edges: no Python file here that is no test, so there is none to look for."])]
    findings, by_rule = rules_told(figures)
    lead = (
        f"{count(figures['raised'], 'place raises', 'places raise')} an error by its name, and tests expect "
        f"{count(figures['expected'], 'kind')} of error; "
        f"{count(figures['bounded'], 'function compares', 'functions compare')} with < or >."
    )
    return [
        bullets([lead, *findings]),
        by_rule,
        key_figures(("places that raise", figures["raised"]), ("functions with a boundary", figures["bounded"])),
    ]


def _flaky(figures: Json) -> list[str]:
    if not figures["files"]:
        return [bullets([f"Flicker: {_NO_TESTS}"])]
    findings, by_rule = rules_told(figures)
    lead = (
        f"In {count(figures['files'], 'test file')}: {figures['should_fix']} shapes that make tests fail now and then, "
        f"and {figures['consider']} that may."
    )
    return [
        bullets([lead, *findings, "Only a test that is run many times is known to be steady: nothing was run."]),
        by_rule,
        key_figures(("shapes that make tests flicker", figures["should_fix"])),
    ]


REPORTS: Mapping[str, Report] = {
    "testing_inventory": ("The tests that there are", _inventory),
    "testing_gaps": ("What no test names", _gaps),
    "testing_edges": ("Errors and boundaries", _edges),
    "testing_flaky": ("What may fail now and then", _flaky),
}
"""Recipe -> (its heading, the parts of its report)."""
