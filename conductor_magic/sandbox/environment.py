"""The environment of what workers start: a short list of what is let in, never a list of what is kept out.

A deny-list always misses a key. And since `/proc/<parent>/environ` can be read by a child, bubblewrap itself is
started with this environment too.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["INSIDE_HOME", "clean_environment", "inside_environment"]

INSIDE_HOME = "/home/worker"
"""The private, empty home inside the walls."""

_ALLOWED = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "VIRTUAL_ENV", "CONDA_PREFIX")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS")
_STANDARD_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


def clean_environment() -> dict[str, str]:
    """The environment outside of any walls (mode `full`, ripgrep): usable, without the kernel's secrets."""
    env = {name: os.environ[name] for name in (*_ALLOWED, *_THREADS) if name in os.environ}
    folders = [str(Path(sys.executable).parent), *os.environ.get("PATH", "").split(os.pathsep), *_STANDARD_PATH]
    return env | {
        "PATH": os.pathsep.join(dict.fromkeys(folder for folder in folders if folder)),
        "HOME": str(Path.home()),
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "LANG": env.get("LANG", "C.UTF-8"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def inside_environment(
    visible: Callable[[Path], bool],
    home: str = INSIDE_HOME,
    temporary: str = "/tmp",  # noqa: S108  # private inside the walls
) -> dict[str, str]:
    """The environment inside the walls.

    Args:
        visible: whether a path exists inside; folders that do not are dropped from PATH.
        home: the private home.
        temporary: the private temporary folder.
    """
    env = clean_environment()
    folders = (folder for folder in env["PATH"].split(os.pathsep) if visible(Path(folder)))
    env |= {"PATH": os.pathsep.join(folders), "HOME": home, "TMPDIR": temporary}
    if site.ENABLE_USER_SITE:
        env["PYTHONUSERBASE"] = site.getuserbase()
    return env
