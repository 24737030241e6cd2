"""Checks the front matter of a guide that a person wrote: what is read of it later has the form that is expected."""

from __future__ import annotations

from typing import Any, cast

from conductor_magic.errors import ConductUsageError

__all__ = ["check_front"]

Json = dict[str, Any]
_TIERS = ("haiku", "sonnet", "opus")
_OF_TASK = ("key", "subject", "tier", "reason", "phase")
_TO_PLAY = ("description", "recipe", "prompt")


def check_front(front: Json) -> None:
    """See to it that keywords are words, and that each pattern's tasks have what a task needs, blockers first.

    Both may be missing. A pattern with `needs` can be played by the rehearsal, and needs a prompt and a recipe a task.

    Raises:
        ConductUsageError: it is not so; says what, and of which pattern and task.
    """
    keywords = front.get("keywords", [])
    if not isinstance(keywords, list):
        raise ConductUsageError("keywords must be a list of words")
    patterns = front.get("patterns", [])
    if not isinstance(patterns, list):
        raise ConductUsageError("patterns must be a list")
    for number, pattern in enumerate(cast("list[Any]", patterns), 1):
        if not isinstance(pattern, dict) or not isinstance(cast("Json", pattern).get("name"), str):
            raise ConductUsageError(f"pattern {number} has no name")
        _check_pattern(cast("Json", pattern))


def _check_pattern(pattern: Json) -> None:
    name, tasks = pattern["name"], pattern.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise ConductUsageError(f"pattern {name!r} has no list of tasks")
    above: set[str] = set()
    for number, task in enumerate(cast("list[Any]", tasks), 1):
        where = f"task {number} of pattern {name!r}"
        if not isinstance(task, dict):
            raise ConductUsageError(f"{where} is no mapping")
        _check_task(cast("Json", task), where, above, playable="needs" in pattern)
        above.add(str(cast("Json", task)["key"]))


def _check_task(task: Json, where: str, above: set[str], *, playable: bool) -> None:
    for field in (*_OF_TASK, *(_TO_PLAY if playable else ())):
        if not isinstance(task.get(field), str) or not task[field].strip():
            raise ConductUsageError(f"{where} has no {field}")
    if task["tier"] not in _TIERS:
        raise ConductUsageError(f"{where}: the tier must be haiku, sonnet or opus")
    if task["key"] in above:
        raise ConductUsageError(f"{where} has the key of a task above it")
    blockers = task.get("blocked_by", [])
    if not isinstance(blockers, list) or not all(
        isinstance(key, str) and key in above for key in cast("list[Any]", blockers)
    ):
        raise ConductUsageError(f"{where}: blocked_by must be a list of keys of tasks above it")
