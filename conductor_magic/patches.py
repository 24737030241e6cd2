"""What changes from one snapshot to the next: `patched(a, diff(a, b)) == b`. Pure.

`widgets/src/patch.ts` applies the same patches in the page.
"""

from __future__ import annotations

from typing import Any

__all__ = ["diff", "patched"]

Json = dict[str, Any]


def diff(before: Json, after: Json) -> list[list[Any]]:
    """What to do to `before` to get `after`: `[path, value]` sets, `[path]` removes; lists are set whole."""
    found: list[list[Any]] = []
    _diff(before, after, [], found)
    return found


def _diff(before: Json, after: Json, path: list[str], found: list[list[Any]]) -> None:
    found += [[[*path, key]] for key in before.keys() - after.keys()]
    for key, value in after.items():
        old = before.get(key, _ABSENT)
        if isinstance(value, dict) and isinstance(old, dict):
            if value is not old:
                _diff(old, value, [*path, key], found)
        elif old is not value and old != value:
            found.append([[*path, key], value])


_ABSENT = object()


def patched(before: Json, changes: list[list[Any]]) -> Json:
    """`before` with the changes of a `diff` applied; `before` itself is left as it is."""
    after = dict(before)
    copied: dict[tuple[str, ...], Json] = {(): after}
    for change in changes:
        path = tuple(change[0])
        for depth in range(1, len(path)):
            if path[:depth] not in copied:
                parent = copied[path[: depth - 1]]
                parent[path[depth - 1]] = copied[path[:depth]] = dict(parent[path[depth - 1]])
        holder = copied[path[:-1]]
        if len(change) == 2:
            holder[path[-1]] = change[1]
        else:
            del holder[path[-1]]
    return after
