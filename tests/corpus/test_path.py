"""The rows about paths: file tools reach what lies in the workspace, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus.rows import rows
from tests.corpus.stages import Stages


@pytest.mark.parametrize("row", rows("path"), ids=lambda row: row["id"])
def test_row(stages: Stages, row: dict[str, Any]) -> None:
    """The row ends as it must, and leaves no trace that it must not."""
    assert stages.judge(row) == []
