"""What bubblewrap must cover in a workspace: secrets (hidden) and protected names (unchangeable)."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from conductor_magic.protected import GUARDED_FOLDERS, guarded, holds_private_key, plain_name, secret

__all__ = ["Covered", "Masks"]

_NOT_ENTERED = frozenset({"node_modules", "__pycache__", ".tox", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
"""Large folders of other people's files, left out of the search."""


@dataclass(slots=True)
class Covered:
    """Absolute paths that are there now.

    Attributes:
        secrets: files to hide behind an empty file.
        secret_folders: folders to hide behind an empty folder.
        fixed: files and folders that stay readable and cannot be written, moved or removed.
        pinned: folders whose content may change but that cannot be moved away (a repository around its hooks).
        missing: folders that are not there and that nobody may make (a repository's hooks).
    """

    secrets: list[Path] = field(default_factory=list)
    secret_folders: list[Path] = field(default_factory=list)
    fixed: list[Path] = field(default_factory=list)
    pinned: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)

    def existing(self) -> Covered:
        """The same without what has gone since: covering it would make it."""
        pinned = _existing(self.pinned)
        missing = [path for path in self.missing if path.parent.is_dir()]
        return Covered(_existing(self.secrets), _existing(self.secret_folders), _existing(self.fixed), pinned, missing)


def _existing(paths: list[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


class Masks:
    """Finds what to cover, and keeps the answer for a while: longer where looking takes longer."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._covered = Covered()
        self._until = 0.0

    def look(self) -> Covered:
        """What is to be covered now (at most 20 times as old as it took to find out)."""
        if (began := time.monotonic()) >= self._until:
            covered = Covered()
            _walk(self._workspace, covered)
            self._covered = covered
            ended = time.monotonic()
            self._until = ended + 20 * (ended - began)
        return self._covered.existing()


def _walk(folder: Path, covered: Covered) -> None:
    """Sort what lies in a folder, and go down; links are never followed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # a folder that cannot be listed by us cannot be listed by a worker either
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            continue
        if entry.is_dir():
            _sort_folder(path, covered)
        elif secret((entry.name,)) or _is_private_key(path):
            covered.secrets.append(path)
        elif guarded((entry.name,)):
            covered.fixed.append(path)


def _sort_folder(path: Path, covered: Covered) -> None:
    name = plain_name(path.name)
    if name == ".git":
        _pin_repository(path, covered)
    elif secret((name,)):
        covered.secret_folders.append(path)
    elif name in GUARDED_FOLDERS:
        covered.fixed.append(path)
    elif name not in _NOT_ENTERED and not (path / "pyvenv.cfg").exists():
        _walk(path, covered)


def _pin_repository(path: Path, covered: Covered) -> None:
    """Let git work (objects, index, branches), but not what it runs: hooks and configuration, submodules' too."""
    covered.pinned.append(path)
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        found = [*(name for name in folders if name == "hooks"), *(name for name in files if name in _GIT_SETTINGS)]
        covered.fixed += [here / name for name in found if not (here / name).is_symlink()]
        if (here == path or "HEAD" in files) and not os.path.lexists(here / "hooks"):
            covered.missing.append(here / "hooks")
        inside_modules = here != path
        folders[:] = [name for name in folders if name == "modules" or (inside_modules and name not in _GIT_DATA)]


_GIT_SETTINGS = frozenset({"config", "config.worktree"})
_GIT_DATA = frozenset({"objects", "refs", "logs", "hooks", "info", "branches", "lfs"})


def _is_private_key(path: Path) -> bool:
    if not plain_name(path.name).endswith((".pem", ".key")):
        return False
    try:
        with path.open("rb") as file:
            return holds_private_key(path.name, file.read(4096))
    except OSError:
        return False
