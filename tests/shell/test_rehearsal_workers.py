"""The rehearsal's workers: tools called, their results reported, and nothing stated without one."""

from __future__ import annotations

import pytest

from conductor_magic.models.rehearsal.checkout import figures_of, key_figures
from tests.support.rehearsal import worker


@pytest.mark.parametrize(
    ("outcome", "is_error", "reason"),
    [
        ("Traceback…\nNameError: name 'x' is not defined", True, "NameError: name 'x' is not defined"),
        ("Python is not available: no sandbox", True, "Python is not available: no sandbox"),
        ('RESULT {"rows": 3, "colu\n[… 9 characters left out here.]', False, "[… 9 characters left out here.]"),
        ("", False, "the Python tool said: nothing"),
    ],
)
def test_a_failing_tool_makes_the_report_incomplete(outcome: str, is_error: bool, reason: str) -> None:
    """Without whole figures nothing is reported but the tool's own words."""
    talk = worker("schema", "Python")
    text = talk.answer(outcome, is_error=is_error).text
    assert reason in text.splitlines()[-1]
    assert text.splitlines()[-1].startswith("STATUS: incomplete - ")


def test_a_missing_tool_or_recipe_is_told() -> None:
    """No tool, or no recipe: incomplete, without a call."""
    for talk in (worker("schema", "Bash"), worker("compose-music", "Python")):
        assert talk.turn.calls == ()
        assert "\nSTATUS: incomplete - " in talk.turn.text


def test_synthesis_uses_earlier_results_only() -> None:
    """The report leads with the main findings, groups them by theme, and ends with the key figures."""
    talk = worker(
        "synthesis",
        earlier="### Task 1: Columns of x\n## Columns of `x`\n\n"
        "- `x` has 3 rows and 2 columns: 2 number columns.\n\n| a | b |\n\n"
        "### Task 2: Missing\n## Missing values in `x`\n\n- 1 of 6 cells are missing (16.67 %), in 1 column.",
    )
    assert talk.turn.calls == ()
    assert talk.turn.text == (
        "# What `x` shows\n\n`x` has 3 rows and 2 columns: 2 number columns. "
        "1 of 6 cells are missing (16.67 %), in 1 column.\n\n"
        "## Columns of `x`\n\n- `x` has 3 rows and 2 columns: 2 number columns.\n\n"
        "## Missing values in `x`\n\n- 1 of 6 cells are missing (16.67 %), in 1 column.\n\n"
        "## Key figures\n\n| figure | value |\n| --- | --- |\n| rows | 3 |\n| columns | 2 |\n| missing values | 1 |\n"
        "| missing percent | 16.67 |\n\nSTATUS: done"
    )


def test_synthesis_without_results_is_incomplete() -> None:
    """With nothing to go on it says so."""
    assert "STATUS: incomplete - no earlier results" in worker("synthesis").turn.text


def test_inventory_and_lines() -> None:
    """The workspace recipes call Glob, Python and Grep, and report what these gave."""
    talk = worker("inventory", "Glob", "Python")
    assert [call.name for call in talk.turn.calls] == ["Glob", "Python"]
    text = talk.answer("/ws/a.py\n/ws/b.py\n/ws/c\n[7 more; narrow the pattern]", "no sandbox").text
    assert "- 10 files in /ws; types of the 3 newest are counted here." in text
    assert "| .py | 2 |" in text
    talk = worker("lines", "Grep")
    text = talk.answer("/ws/a.py: 10\n/ws/with: colon.md: 32").text
    assert "- 42 lines in 2 text files." in text
    assert "- The longest: /ws/with: colon.md (32 lines)." in text


def test_tables_of_the_workspace_are_explored_one_by_one() -> None:
    """Each file gets a call of its own; one that cannot be read is named; none at all is a finding too."""
    talk = worker("tables", "Glob", "Python")
    talk.answer("/ws/b.tsv\n/ws/a.csv")
    assert talk.turn.calls[0].input["code"].endswith("tables('/ws/a.csv', draw=True)\n")
    talk.answer('RESULT {"path": "/ws/a.csv", "bytes": 3, "unreadable": "EmptyDataError: no columns"}')
    assert talk.turn.calls[0].input["code"] == "tables('/ws/b.tsv', draw=False)\n"
    text = talk.answer('RESULT {"path": "/ws/b.tsv", "bytes": 5, "missing": {"cells": 0}, "notes": []}').text
    assert "- 2 tables found." in text
    assert "- `a.csv` could not be read as a table: EmptyDataError: no columns." in text
    assert "- `b.tsv` has no cells" in text
    assert text.endswith("STATUS: done")
    assert "- 0 tables found" in worker("tables", "Glob").answer("No file matches **/*.{csv,tsv}.").text


def test_a_quoted_line_is_no_key_figure() -> None:
    """Only what stands below a line of its own counts: a file may hold the words, and a table after them."""
    own = key_figures(("files", 3))
    assert figures_of(f"## A look\n\n- a.py:1 `# Key figures:`\n\n| faked | 9 |\n\n{own}") == [("files", "3")]
