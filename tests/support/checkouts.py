"""Real checkouts for the rehearsal: copies of installed packages, a guide played on them, and other ways to count."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from conductor_magic import conduct
from conductor_magic.guides import guide_names
from conductor_magic.models.rehearsal.planning import choose_guide, read_assignment
from conductor_magic.prompts import conductor_prompt
from conductor_magic.result import ConductResult

__all__ = ["chosen", "copied", "figures", "key_figures", "places", "played", "ruffed", "written"]


def copied(package: str, folder: Path, planted: Mapping[str, str] | None = None) -> Path:
    """A folder that holds a copy of an installed package and the planted files (path -> text)."""
    found = importlib.util.find_spec(package)
    assert found is not None and found.submodule_search_locations
    source = found.submodule_search_locations[0]
    shutil.copytree(source, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.so", "static"))
    return written(folder, planted or {})


def written(folder: Path, texts: Mapping[str, str]) -> Path:
    """The folder, with these files in it (path -> text)."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@contextmanager
def played(goal: str, workspace: Path, home: Path) -> Iterator[ConductResult]:
    """The result of the rehearsal on a folder; its record stays readable within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(home))
        yield conduct(goal, provider="rehearsal", workspace=str(workspace), quiet=True).wait(120)


def chosen(goal: str) -> str:
    """The guide that the rehearsal starts from for a goal without variables, when all of ours are offered."""
    offered = [(name, "x") for name in guide_names()]
    return choose_guide(read_assignment(conductor_prompt(goal, "/ws", [], offered, None, 8)))


def figures(report: str, head: str) -> dict[str, list[str]]:
    """The rows of the table whose head begins so, by their first cell."""
    _, _, below = report.partition(f"\n| {head}")
    rows = [line.strip("| ").split(" | ") for line in below.partition("\n\n")[0].splitlines()[2:]]
    return {row[0]: row[1:] for row in rows}


def key_figures(text: str) -> dict[str, str]:
    """The key figures of a report or of an answer."""
    return {name: row[0] for name, row in figures(text, "figure | value").items()}


def places(text: str) -> set[tuple[str, int]]:
    """Every `path:line` that a text names."""
    return {(path, int(line)) for path, line in re.findall(r"([\w./-]+\.py):(\d+)", text)}


def ruffed(folder: Path, *codes: str, **settings: object) -> Counter[str]:
    """What ruff finds by its own rules, without heeding `noqa`: how often each."""
    options = [
        f"--config={name.replace('__', '.').replace('_', '-')}={json.dumps(settings[name])}" for name in settings
    ]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    command += ["--preview", "--output-format=json", f"--select={','.join(codes)}", *options, str(folder)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Counter(found["code"] for found in json.loads(out))
