"""`docs/craft.md`: each item is numbered and names what carries it and what holds it; all of that is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from conductor_magic.prompts import CONDUCTOR, PREAMBLE

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "craft.md").read_text("utf-8").splitlines()
    if re.match(r"\| \d", line)
]
PARTS = [
    "Who does what", "The loop", "Patterns", "Tiers", "Asking", "Speaking to people", "When something fails",
    "The eight guides", "What a run shows",
]  # fmt: skip


def test_items_are_numbered_part_by_part() -> None:
    """So that each can be named; no part is empty."""
    headings = re.findall(r"^## (\d)\. (.+)$", (ROOT / "docs" / "craft.md").read_text("utf-8"), re.MULTILINE)
    assert headings == [(str(number), part) for number, part in enumerate(PARTS, 1)]
    wanted: list[str] = []
    for number in range(1, len(PARTS) + 1):
        count = sum(row[0].startswith(f"{number}.") for row in ROWS)
        assert count > 1
        wanted += [f"{number}.{item}" for item in range(1, count + 1)]
    assert [row[0] for row in ROWS] == wanted
    assert {len(row) for row in ROWS} == {4}


def test_what_carries_an_item_is_there() -> None:
    """Files by their path, parts of prompts by their heading."""
    for number, _, where, _ in ROWS:
        for path in re.findall(r"`((?:conductor_magic|docs|references)[^`]*)`", where):
            assert (ROOT / path).exists(), (number, path)
        for part in re.findall(r"prompt: ([A-Z ]+)", where):
            text = PREAMBLE if part == "PREAMBLE" else CONDUCTOR
            assert part == "PREAMBLE" or re.search(rf"^{part}\b", text, re.MULTILINE), (number, part)


def test_what_holds_an_item_is_collected() -> None:
    """Each item names at least one test, and pytest finds every one of them."""
    named = {number: re.findall(r"`(tests/[\w/]+\.py::\w+)`", held) for number, _, _, held in ROWS}
    assert [number for number, tests in named.items() if not tests] == []
    tests = {test for some in named.values() for test in some}
    files = sorted({test.partition("::")[0] for test in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240).stdout
    found = {line.partition("[")[0] for line in told.splitlines() if "::" in line}
    assert tests - found == set()
