"""The private folders of workers' kernels: made, filled with what a kernel reads, and tidied away after a kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

__all__ = ["font_list", "new_folder", "private_jupyter", "remove_abandoned"]

_PREFIX = "cm-"
_OWNER = "owner"
"""The file that is locked while somebody owns the folder: the lock ends with its process, however that ends."""

_LONGEST_BASE = 80
"""Characters of the temporary folder's path: the system allows a socket's path 107."""


def new_folder() -> tuple[Path, IO[bytes]]:
    """A private folder, and what shows that it is owned: to be closed when the folder is removed."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_base()))
        with contextlib.suppress(FileNotFoundError):
            owner = (folder / _OWNER).open("wb")
            _lock(owner)
            if (folder / _OWNER).exists():
                return folder, owner
            owner.close()
        # Another notebook that tidies up was faster than our lock, and took it for abandoned.


def remove_abandoned() -> None:
    """Remove the folders that nobody owns any more."""
    for folder in _base().glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with (folder / _OWNER).open("r+b") as owner:
                if _lock(owner):
                    # The mark goes first: whoever has just made the folder looks for it.
                    (folder / _OWNER).unlink()
                    shutil.rmtree(folder, ignore_errors=True)


def private_jupyter(folder: Path) -> dict[str, str]:
    """Keep the person's own IPython and Jupyter settings and start-up files out of it, also without walls."""
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    return {name: str(folder / name.lower()) for name in names} | {"JUPYTER_NO_CONFIG": "1"}


def font_list(folder: Path) -> Path:
    """A settings folder for matplotlib with the list of fonts that it made for this user, if it has made one."""
    settings = folder / "matplotlib"
    settings.mkdir()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
    for path in cache.glob("fontlist-v*.json"):
        shutil.copy(path, settings)
    return settings


def _base() -> Path:
    """Where kernels' folders lie: the temporary folder, if sockets in it have paths that are short enough."""
    base = tempfile.gettempdir()
    return Path(base if len(base) <= _LONGEST_BASE else "/tmp")  # noqa: S108  # mkdtemp makes a private folder in it


def _lock(file: IO[bytes]) -> bool:
    """Take the file for this process alone; False when another has it, or the system has no such locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
