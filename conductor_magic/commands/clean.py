"""`%conduct clean --older-than AGE [--yes]`: name the old runs, and delete them if that was said."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from conductor_magic.commands.runs import age_words
from conductor_magic.errors import ConductUsageError
from conductor_magic.housekeeping import (
    age_in_seconds,
    ended_before,
    housekeeping,
    remove,
    size_of,
    size_words,
    written_at,
)
from conductor_magic.wording import shown

__all__ = ["run"]

_USAGE = "Write %conduct clean --older-than 30d, with --yes behind it to delete what it names."


def run(shell: object, words: Sequence[str]) -> None:
    """Print each run that has not been written to for so long, with its age and size; delete them with `--yes`.

    Raises:
        ConductUsageError: the line says something else.
    """
    given = [part for word in words if word not in ("--yes", "--dry-run") for part in _apart(word)]
    if len(given) != 2 or given[0] != "--older-than":
        raise ConductUsageError(f"{_USAGE} Not understood: {shown(' '.join(words))}.")
    if "--yes" in words and "--dry-run" in words:
        raise ConductUsageError("--yes deletes and --dry-run does not: give one of them.")
    now = time.time()
    before = now - age_in_seconds(given[1])
    found: dict[Path, int] = {}
    for folder, unknown in ended_before(before):
        if unknown:
            print(f"Left alone: {folder.name}, whose age is not known: {unknown}.")
            continue
        found[folder] = size = size_of(folder)
        print(f"{folder.name}  {age_words(now - written_at(folder)):>6}  {size_words(size):>7}")
    if not found:
        print(f"No run is older than {given[1]}.")
    elif "--yes" not in words:
        print(f"{_total(found.values())}. Nothing was deleted; the same line with --yes does it.")
    else:
        _delete(found, before)


def _apart(word: str) -> list[str]:
    """The option and its value, which may be one word: `--older-than=30d`."""
    option, joined, value = word.partition("=")
    return [option, value] if joined and option == "--older-than" else [word]


def _delete(found: Mapping[Path, int], before: float) -> None:
    """Delete what nobody went on with meanwhile, and say what that was, however it ends."""
    deleted: list[int] = []
    with housekeeping():
        try:
            for folder, size in found.items():
                try:
                    remove(folder, before)
                    deleted.append(size)
                except ConductUsageError as error:
                    print(error)
        finally:
            print(f"{_total(deleted)}: deleted.")


def _total(sizes: Collection[int]) -> str:
    return f"{len(sizes)} run{'s' * (len(sizes) != 1)}, {size_words(sum(sizes))}"
