"""`%conduct clean --older-than AGE [--yes]`: name the old runs, and delete them if that was said."""

from __future__ import annotations

import time
from collections.abc import Sequence

from conductor_magic.commands.runs import age_words
from conductor_magic.errors import ConductUsageError
from conductor_magic.housekeeping import age_in_seconds, ended_before, remove, size_of, size_words
from conductor_magic.journal import NAME
from conductor_magic.wording import shown

__all__ = ["run"]

_USAGE = "Write %conduct clean --older-than 30d, with --yes behind it to delete what it names."


def run(shell: object, words: Sequence[str]) -> None:
    """Print each run that has not been written to for so long, with its age and size; delete them with `--yes`.

    Raises:
        ConductUsageError: the line says something else.
    """
    given = [word for word in words if word not in ("--yes", "--dry-run")]
    if len(given) != 2 or given[0] != "--older-than":
        raise ConductUsageError(f"{_USAGE} Not understood: {shown(' '.join(words))}.")
    if "--yes" in words and "--dry-run" in words:
        raise ConductUsageError("--yes deletes and --dry-run does not: give one of them.")
    now = time.time()
    found = [(folder, size_of(folder)) for folder in ended_before(now - age_in_seconds(given[1]))]
    if not found:
        print(f"No run is older than {given[1]}.")
        return
    for folder, size in found:
        age = age_words(now - (folder / NAME).stat().st_mtime)
        print(f"{folder.name}  {age:>6}  {size_words(size):>7}")
    total = f"{len(found)} run{'s' * (len(found) > 1)}, {size_words(sum(size for _, size in found))}"
    if "--yes" not in words:
        print(f"{total}. Nothing was deleted; the same line with --yes does it.")
        return
    for folder, _ in found:
        remove(folder)
    print(f"{total}: deleted.")
