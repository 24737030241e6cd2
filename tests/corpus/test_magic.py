"""The rows about a cell's line and body, in a real kernel: what is off is one line, what is text stays text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus.rows import rows
from tests.corpus.stages import Stages


@pytest.mark.parametrize("row", rows("magic"), ids=lambda row: row["id"])
def test_row(stages: Stages, row: dict[str, Any]) -> None:
    """The row ends as it must, and leaves no trace that it must not."""
    assert stages.judge(row) == []
