"""Which part of a workspace is watched: people's files, not those that programs keep for themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from conductor_magic.protected import GUARDED_FOLDERS, plain_name, secret

__all__ = ["Ground"]

_PACKAGES = {"node_modules", "site-packages"}
_CACHES = {"__pycache__", ".tox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints"}
_NOT_WATCHED = GUARDED_FOLDERS | _PACKAGES | _CACHES
_NAMED = re.compile(r"[\w@%+./~-]+")
_MOST_NAMED = 50


class Ground:
    """A workspace without repositories' insides, caches, installed packages and the run's own record.

    Only the names of folders count: nothing that a command puts into a folder takes it out of the watch.

    Args:
        workspace: the folder that workers may write, resolved.
        hidden: folders and files in it that stay closed to workers.
    """

    def __init__(self, workspace: Path, hidden: Iterable[Path] = ()) -> None:
        self.top = str(workspace)
        self._hidden = frozenset(map(str, hidden))

    def enters(self, folder: str) -> bool:
        """Whether what lies in this folder of the workspace is watched, as far as its name tells."""
        return folder not in self._hidden and plain_name(folder.rpartition("/")[2]) not in _NOT_WATCHED

    def folders(self, top: str) -> Iterator[tuple[str, list[str] | None]]:
        """Each watched folder from `top` down with the names of its files. Links are not followed.

        Each comes first with None, before it is listed: what is made in it after that is the caller's to notice.
        """
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            yield folder, None
            files: list[str] = []
            below: list[str] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            below.append(entry.path)
                        elif entry.is_file(follow_symlinks=False):
                            files.append(entry.name)
            except OSError:
                continue  # gone again, or closed to us and so to the workers
            yield folder, files
            waiting += [path for path in below if self.enters(path)]

    def shown(self, path: str) -> bool:
        """Whether the content of this file may be kept and shown: not closed to workers, nor named as secrets are."""
        closed = any(path == top or path.startswith(f"{top}/") for top in self._hidden)
        return not closed and not secret(Path(os.path.relpath(path, self.top)).parts)

    def above(self, path: str) -> str:
        """The folder that a file must be reached from without following a link: the workspace, or the root."""
        return self.top if path.startswith(f"{self.top}/") else "/"

    def named(self, text: str) -> list[str]:
        """The watched files that the words of a command or of code name."""
        found: dict[str, None] = {}
        for word in dict.fromkeys(_NAMED.findall(text)):
            path = os.path.realpath(f"{self.top}/{word}" if not word.startswith("/") else word)
            if path.startswith(f"{self.top}/") and Path(path).is_file():
                found[path] = None
            if len(found) == _MOST_NAMED:
                break
        return list(found)
