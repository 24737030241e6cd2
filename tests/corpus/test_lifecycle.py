"""The corpus's rows about the life of a run, and where each is played with the real thing.

They need kernels, browsers and full disks, which have harnesses of their own; here no row may be left out.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.corpus.rows import rows

TESTS = Path(__file__).parents[1]
PLAYED_BY = {
    "P-LIF-001": ("faults/test_kills.py", "test_a_run_that_is_killed_again_and_again_comes_to_its_end"),
    "P-LIF-002": ("faults/test_disk.py", "test_the_disk_is_full_at_twenty_points_of_a_larger_run"),
    "P-LIF-003": ("faults/test_interrupts.py", "test_an_interrupt_at_any_moment"),
    "P-LIF-004": ("notebook/test_resume.py", "test_a_killed_run_goes_on_in_a_new_kernel"),
    "P-LIF-005": ("corpus/test_lifecycle_faults.py", "test_a_worker_that_raises"),
    "P-LIF-006": ("faults/test_clock.py", "test_a_jump_of_the_clock"),
    "P-LIF-007": ("browser/test_lasting.py", "test_a_run_goes_on_without_its_browser"),
    "P-LIF-008": ("corpus/test_lifecycle_faults.py", "test_a_display_that_raises"),
    "P-LIF-009": ("corpus/test_lifecycle_faults.py", "test_two_workers_edit_one_file"),
}
"""Row -> the file and the test that plays it."""


@pytest.mark.parametrize("row", rows("lifecycle"), ids=lambda row: row["id"])
def test_every_row_is_played(row: dict[str, object]) -> None:
    """By a test that is there."""
    file, name = PLAYED_BY[str(row["id"])]
    found = ast.walk(ast.parse((TESTS / file).read_text("utf-8")))
    assert name in {node.name for node in found if isinstance(node, ast.FunctionDef)}
