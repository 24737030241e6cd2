"""Keeps this package from importing what a worker has put in the way.

A notebook's kernel looks for modules in its working folder first, and that folder is usually the workspace, where
workers write. Much is imported late here (Arrow when a frame comes back, the SDK when a run begins), in a process that
holds the person's keys: a worker's `pyarrow.py` must not be what is found. So whatever is imported on our account is
found as if the working folder and the workspaces were not on the path. What the person imports is left alone.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["OUR_THREADS", "installed", "keep_workers_out", "writable_by_workers"]

OUR_THREADS = "conductor-"
"""How the names of our own threads begin: in them, everything is imported on our account."""

_PACKAGE = __name__.partition(".")[0]
_INSTALLED = ("site-packages", "dist-packages")
_workspaces: set[str] = set()


class _Finder(PathFinder):
    """Stands where Python's own finder of modules in folders stood."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module; one of the top level is looked for in trusted folders only if it is imported on our account."""
        if path is None and _on_our_account(sys._getframe(1)):  # noqa: SLF001 - the only way to see who imports
            path = _trusted()
        return super().find_spec(fullname, path, target)


def keep_workers_out(workspace: Path | None = None) -> None:
    """From now on nothing is imported on our account from the working folder; idempotent.

    Args:
        workspace: a folder that workers may write, from which nothing is to be imported either.
    """
    if workspace is not None:
        _workspaces.add(os.path.realpath(workspace))
    if PathFinder in sys.meta_path:
        sys.meta_path[sys.meta_path.index(PathFinder)] = _Finder


def installed(name: str) -> bool:
    """Whether there is a module of this name that no worker can have made: one of Python's own, or an installed one."""
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, _trusted()) is not None


def writable_by_workers() -> list[str]:
    """The folders that this process imports from and workers may write, resolved."""
    trusted = set(_trusted())
    return [os.path.realpath(entry) for entry in sys.path if entry not in trusted]


def _trusted() -> list[str]:
    try:
        places = {os.getcwd(), *_workspaces}
    except FileNotFoundError:  # the working folder has been removed, and nothing can be imported from it
        places = _workspaces
    return [entry for entry in sys.path if os.path.isabs(entry) and not _is_writable(entry, places)]


def _is_writable(entry: str, places: set[str]) -> bool:
    """Whether workers may write a folder of the path; what is installed is read-only to them wherever it lies."""
    folder = os.path.realpath(entry)
    if os.path.basename(folder) in _INSTALLED or _lies_in(folder, {sys.prefix, sys.base_prefix, sys.base_exec_prefix}):
        return False
    return _lies_in(folder, places)


def _lies_in(folder: str, places: set[str]) -> bool:
    return any(f"{folder}{os.sep}".startswith(f"{place.rstrip(os.sep)}{os.sep}") for place in places)


def _on_our_account(frame: FrameType | None) -> bool:
    """Whether an import comes from a thread of ours, or from something that code of ours, not the person's, called."""
    if threading.current_thread().name.startswith(OUR_THREADS):
        return True
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module == "__main__":
            return False
        if module.partition(".")[0] == _PACKAGE:
            return True
        frame = frame.f_back
    return False
