"""Which walls there are, and how a command is put inside them.

The ladder: bubblewrap if its self-test passes, else Landlock if its own passes, else none, and then mode `workspace`
becomes `ask`. Nothing weakens silently: `reason` says what there is and what was tried.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from conductor_magic.sandbox import selftest
from conductor_magic.sandbox.bubblewrap import Mounts, bubblewrap_command, open_settings
from conductor_magic.sandbox.environment import clean_environment, inside_environment
from conductor_magic.sandbox.guard import Guard
from conductor_magic.sandbox.landlock import Rules, landlock_command
from conductor_magic.sandbox.reasons import FULL, PLAN, bubblewrap_reason, landlock_reason, no_walls_reason
from conductor_magic.sandbox.shown import lies_in, python_folders
from conductor_magic.sandbox.survey import Survey

__all__ = ["Launch", "Walls", "choose_walls"]

_MODES = {"plan": False, "read-only": False, "ask": True, "workspace": True, "full": True}
"""The modes and whether the workspace is writable."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start.

    Attributes:
        argv: the command line.
        environment: all of its environment.
        files: open files that it must inherit under the same numbers, to be closed when it has been started.
        scratch: the private folders that its keeper will make and remove.
    """

    argv: list[str]
    environment: dict[str, str]
    files: tuple[FileIO, ...] = ()
    scratch: Path | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The numbers of the files."""
        return tuple(file.fileno() for file in self.files)

    def close(self) -> None:
        """Close the files on this side."""
        for file in self.files:
            file.close()


@dataclass(frozen=True, slots=True)
class Walls:
    """How the commands of one run are confined.

    Attributes:
        kind: `bubblewrap`, `landlock` or `none`; empty in mode `plan`, where nothing runs.
        mode: the permission mode that holds: `ask` where `workspace` was wanted and no walls can be put up.
        reason: plain sentences for the board, the result and error results.
        can_run: whether Bash and Python may run at all: with walls, where the person chose to have none, or where
            each command is asked.
        workspace: the folder that workers may touch, resolved.
        hidden: folders that stay invisible even inside the workspace: the record, Jupyter's runtime files.
        denied: what standing rules of the person forbid. File tools keep to it in every mode; commands see what is
            there when they start covered, but for mode `full` and where there are no walls.
        program: bubblewrap's path.
        abi: the version of Landlock.
        tried: what failed before this kind was taken, a sentence each.
        survey: finds what is protected in the workspace; None without walls.
        guard: watches over that during each call that can write; None without walls and in mode `read-only`.
    """

    kind: str
    mode: str
    reason: str
    can_run: bool
    workspace: Path
    hidden: tuple[Path, ...] = ()
    denied: tuple[Path, ...] = ()
    program: str = ""
    abi: int = 0
    tried: tuple[str, ...] = ()
    survey: Survey | None = field(default=None, repr=False, compare=False)
    guard: Guard | None = field(default=None, repr=False, compare=False)

    @property
    def confined(self) -> bool:
        """Whether file tools are kept inside the workspace: always, but in mode `full`."""
        return self.mode != "full"

    @property
    def writable(self) -> bool:
        """Whether commands may write in the workspace."""
        return _MODES[self.mode]

    def denies(self, path: str) -> bool:
        """Whether a standing rule of the person forbids an absolute path."""
        return lies_in(path, self.denied)

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
    ) -> Launch:
        """What to really start so that `argv` runs inside the walls.

        Looks through the workspace for what is protected, so call it in a thread when the workspace may be large.
        The caller must start the process from a thread that outlives it: the walls come down with the thread that
        put them up.

        Args:
            argv: the command.
            cwd: where it starts; the workspace by default.
            env: variables to add to the clean environment.
            readable: further files and folders that it may read, at their own paths.
            writable: further folders that it may write, at their own paths.
        """
        cwd, env = cwd or self.workspace, env or {}
        if self.kind == "none":
            return Launch(list(argv), {**clean_environment(), **env})
        kind = Mounts if self.kind == "bubblewrap" else Rules
        shown = kind(self.workspace, writable=self.writable, hidden=self.hidden)
        shown.read(*readable)
        shown.write(*writable)
        if self.survey:
            covered = self.survey.look().existing()
            shown.mask(covered)
            outside = (path for path in self.denied if not path.is_relative_to(self.workspace))
            shown.deny(*covered.denied, *outside)
        if isinstance(shown, Mounts):
            settings = open_settings()
            command = bubblewrap_command(self.program, shown, argv, cwd, settings)
            environment = inside_environment(shown.visible)
            return Launch(command, {**environment, **env}, files=tuple(file for _, file in settings))
        scratch = Path(os.path.realpath(tempfile.gettempdir()), f"cm-{secrets.token_hex(8)}")
        environment = inside_environment(shown.visible, str(scratch / "home"), str(scratch / "tmp"))
        # Git takes a settings file that is there and closed for a fatal error.
        environment["GIT_CONFIG_NOSYSTEM"] = "1"
        command = landlock_command(self.abi, shown, argv, cwd, scratch)
        return Launch(command, {**environment, **env}, scratch=scratch)


def choose_walls(mode: str, workspace: Path, data_dir: Path, denied: Sequence[Path] = ()) -> Walls:
    """The strongest walls that this machine can put up for a mode.

    Args:
        mode: `plan`, `read-only`, `ask`, `workspace` or `full`.
        workspace: the folder that workers may touch.
        data_dir: where runs are recorded; never visible to workers.
        denied: absolute paths that standing rules of the person forbid.
    """
    workspace, denied = Path(os.path.realpath(workspace)), tuple(denied)
    if mode not in _MODES:
        raise ValueError(f"unknown mode {mode!r}")
    if mode == "full":
        return Walls("none", mode, FULL, True, workspace, denied=denied)
    hidden, writable = _hidden_folders(data_dir), _MODES[mode]
    if mode == "plan":
        return Walls("", mode, PLAN, False, workspace, hidden, denied)
    program, no_bubblewrap = selftest.bubblewrap()
    if program:
        survey = Survey(workspace, hidden, denied)
        guard = Guard(workspace, survey, deep=False) if writable else None
        reason = bubblewrap_reason(writable=writable)
        return Walls("bubblewrap", mode, reason, True, workspace, hidden, denied, program, survey=survey, guard=guard)
    abi, no_landlock = selftest.landlock()
    if abi:
        survey = Survey(workspace, hidden, denied, remember=True)
        guard = Guard(workspace, survey, deep=True) if writable else None
        covered = survey.look()
        secret = (*covered.secrets, *covered.secret_folders, *(folder for folder in hidden if folder.is_dir()))
        fixed = (*python_folders(), *covered.denied)
        reason = landlock_reason(abi, no_bubblewrap, workspace, secret, fixed, writable=writable)
        tried = (no_bubblewrap,)
        return Walls(
            "landlock", mode, reason, True, workspace, hidden, denied, abi=abi, tried=tried, survey=survey, guard=guard
        )
    tried = (no_bubblewrap, no_landlock)
    if mode == "read-only":
        return Walls("none", mode, no_walls_reason(mode, tried), False, workspace, hidden, denied, tried=tried)
    return Walls("none", "ask", no_walls_reason(mode, tried), True, workspace, hidden, denied, tried=tried)


def _hidden_folders(data_dir: Path) -> tuple[Path, ...]:
    from jupyter_core.paths import jupyter_runtime_dir

    return tuple(Path(os.path.realpath(folder)) for folder in (data_dir, jupyter_runtime_dir()))
