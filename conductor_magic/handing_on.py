"""Puts reports that are too long for a prompt where the workers that get only their beginning can Read the whole."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from conductor_magic.durable import keep_names, write_whole

__all__ = ["keep_reports"]

_log = logging.getLogger(__name__)
_FOLDER = "reports"


def keep_reports(artifacts: Path, reports: Mapping[str, str]) -> dict[str, str]:
    """Write each report once, beside what the run's tasks published.

    Args:
        artifacts: the run's artifacts folder, which workers may read and not write.
        reports: what completed tasks reported, by task id.

    Returns:
        The absolute path of each, by task id; one that the disk does not take is missing.
    """
    kept: dict[str, str] = {}
    for task, report in reports.items():
        path = artifacts / _FOLDER / f"{task}.md"
        try:
            if not path.exists():
                _write(path, report)
            kept[task] = str(path)
        except OSError as error:
            _log.warning("the report of task %s could not be kept: %s", task, error)
    return kept


def _write(path: Path, text: str) -> None:
    """Under another name first: a file of this name is whole, also after a crash."""
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700)
        keep_names(path.parent.parent)
    write_whole(path, text.encode("utf-8", "replace"))
