"""The Landlock command line: the keeper, with a list of everything that the command may reach.

Where bubblewrap shows a machine in which nothing else exists, Landlock leaves the machine as it is and refuses to open
what is not on the list. Inside: the system's programs and this Python environment, to be read; the workspace; a home
and a temporary folder made for this command; no network, no signals to others, no capabilities. A program of its own,
the keeper (`keeper/`), puts the walls up, stays outside as the command's parent and clears up after it.

What is different from bubblewrap, each for a reason that the system gives:

* The private temporary folder is `$TMPDIR`, not `/tmp`; there is no `/dev/shm`, so nothing that shares memory by name
  works (the locks and pools of `multiprocessing`), there are no terminals, and no loopback network.
* Other processes' numbers can be found out, but nothing of them can be read; `/proc/self` only works for the first
  process of a command.
* Files outside look forbidden instead of missing, and secrets forbidden instead of empty: `git add` stops at one that
  is not ignored. Names in folders of secrets can be seen, their content cannot.
* A file newly made in a folder that holds a secret, directly or further below, cannot be read by the same command
  (in the same Python kernel: until it ends). The next command can.
* With this Python environment inside the workspace, or a file or folder that the person has denied, nothing new can be
  made in the folders around it.
* Protected names can be changed while a command runs; `guard` puts them back when it has ended.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from conductor_magic.sandbox.limits import FILE_BYTES, OPEN_FILES, PROCESSES, data_bytes, processes_of_this_user
from conductor_magic.sandbox.shown import SETTINGS, SYSTEM, lies_in, python_folders
from conductor_magic.sandbox.survey import Covered

__all__ = ["Rules", "landlock_abi", "landlock_command"]

_KEEPER = Path(__file__).with_name("keeper") / "launch.py"
_CREATE_RULESET, _VERSION = 444, 1
_PROC = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "uptime", "version", "vmstat")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_MORE_SETTINGS = ("apache/mime.types", "apache2/mime.types", "httpd/mime.types", "httpd/conf/mime.types")
"""Python's mimetypes reads those that are there, and fails at those that are there and closed."""


class Rules:
    """What may be reached, as `Mounts` says it for bubblewrap.

    Args:
        workspace: the folder that workers may touch.
        writable: whether they may write there.
        hidden: folders that must not be readable wherever they lie.
    """

    def __init__(self, workspace: Path, *, writable: bool, hidden: Sequence[Path] = ()) -> None:
        self._rules: list[tuple[str, Path]] = []
        self._spared: list[tuple[str, Path]] = []
        self.read(*python_folders())
        self._rules.append(("write" if writable else "read", workspace))
        self._spared += [("unread", folder) for folder in hidden if folder.is_dir() and self.visible(folder)]
        if writable:
            self._spared += [("unchanged", folder) for folder in python_folders() if folder.is_relative_to(workspace)]

    def read(self, *paths: Path) -> None:
        """Let files and folders be read."""
        self._rules += [("read", path) for path in paths]

    def write(self, *paths: Path) -> None:
        """Let folders be written."""
        self._rules += [("write", path) for path in paths]

    def mask(self, covered: Covered) -> None:
        """Spare the secrets of the workspace."""
        self._spared += [("unread", path) for path in (*covered.secrets, *covered.secret_folders)]

    def deny(self, *paths: Path) -> None:
        """Spare what rules of the person forbid, unless it is what every command runs by."""
        needed = (*python_folders(), *map(Path, SYSTEM))
        self._spared += [("closed", path) for path in paths if self.visible(path) and path not in needed]

    def visible(self, path: Path) -> bool:
        """Whether a path of this machine may be reached (secrets aside)."""
        return lies_in(path, (*SYSTEM, *(folder for _, folder in self._rules)))

    def words(self) -> list[str]:
        """As the keeper's command line has them."""
        read = [*SYSTEM, *(f"/etc/{name}" for name in (*SETTINGS, *_MORE_SETTINGS)), *(f"/proc/{n}" for n in _PROC)]
        rules = [("read", path) for path in read] + [("device", f"/dev/{name}") for name in _DEVICES]
        return [str(word) for pair in (*rules, *self._rules, *self._spared) for word in pair]


def landlock_command(abi: int, rules: Rules, argv: Sequence[str], cwd: Path, scratch: Path) -> list[str]:
    """The command line that runs `argv` in `cwd` inside the walls.

    Args:
        abi: the version of Landlock to use.
        rules: what may be reached.
        argv: the command.
        cwd: where it starts.
        scratch: a folder that is not there yet, for the private `home` and `tmp`; removed afterwards.
    """
    rules.write(scratch / "home", scratch / "tmp")
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": data_bytes(),
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_NPROC": PROCESSES + processes_of_this_user(),
    }
    words = {"parent": os.getpid(), "abi": abi, "scratch": scratch, "folder": cwd, **limits}
    said = [str(word) for pair in words.items() for word in pair]
    return [sys.executable, "-I", "-S", str(_KEEPER), *said, *rules.words(), "--", *argv]


def landlock_abi() -> int:
    """The version of Landlock that this system has; 0 when it has none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    found = ctypes.CDLL(None).syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _VERSION)
    return max(found, 0)
