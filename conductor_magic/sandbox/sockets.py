"""Unix sockets that belong to somebody outside the walls.

A socket in the file system is reached through its name, whatever network the walls have taken away: who connects talks
to a program outside (an agent with keys, a database, an editor). So those that somebody is at are hidden.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

__all__ = ["in_use"]

_TABLE = "/proc/net/unix"
_PATH_COLUMN = 7


def in_use(paths: Sequence[Path]) -> list[Path]:
    """Those of some paths that are sockets which a living process outside has bound.

    The system tells a name as the process gave it, perhaps relative to a folder of its own, so the last part decides.
    """
    if not paths:
        return []
    try:
        lines = Path(_TABLE).read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return [path for path in paths if _is_socket(path)]
    columns = (line.split(maxsplit=_PATH_COLUMN) for line in lines)
    bound = {os.path.basename(line[_PATH_COLUMN]) for line in columns if len(line) > _PATH_COLUMN}
    return [path for path in paths if path.name in bound and _is_socket(path)]


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False
