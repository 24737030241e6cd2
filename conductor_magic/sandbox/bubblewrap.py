"""The bubblewrap command line: an empty root, and exactly what is needed put into it.

Inside: the system's programs and this Python environment, read-only; the workspace; a private home and /tmp in
memory; new process, network, ipc, host-name and user namespaces; no capabilities. The real home, other people's
temporary files, the run's record and Jupyter's connection files are not hidden there: they were never mounted.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import cache
from io import FileIO
from pathlib import Path

from conductor_magic.sandbox.environment import INSIDE_HOME
from conductor_magic.sandbox.limits import FILE_BYTES, OPEN_FILES, PROCESSES, data_bytes
from conductor_magic.sandbox.shown import SETTINGS, SYSTEM, lies_in, python_folders
from conductor_magic.sandbox.survey import Covered

__all__ = ["Mounts", "bubblewrap_command", "open_settings"]

_EMPTY = Path(__file__).with_name("empty")
"""A file without content, to cover secrets with."""

_GIB = 1 << 30
_TMP_BYTES = 2 * _GIB
_HOME_BYTES = _GIB // 2
_SHARED_MEMORY_BYTES = 2 * _GIB


class Mounts:
    """What is visible inside, outermost folders first: the deeper rule wins.

    Args:
        workspace: the folder that workers may touch.
        writable: whether they may write there.
        hidden: folders that must not be visible wherever they lie.
    """

    def __init__(self, workspace: Path, *, writable: bool, hidden: Sequence[Path] = ()) -> None:
        self._writable = writable
        self._rules: list[tuple[Path, tuple[str, ...]]] = []
        self._sealed: list[Path] = []
        self.read(*python_folders())
        # A virtual environment inside the workspace was just made read-only; the deeper rule keeps it so.
        self._add(workspace, "--bind" if writable else "--ro-bind")
        self._workspace = workspace
        for folder in python_folders():
            self._hold(folder)
        for folder in hidden:
            if folder.is_dir() and self.visible(folder):
                self._cover_folder(folder)
                self._hold(folder)

    def read(self, *paths: Path) -> None:
        """Show files and folders, unchangeable."""
        for path in paths:
            self._add(path, "--ro-bind")

    def write(self, *paths: Path) -> None:
        """Show folders that may be written."""
        for path in paths:
            self._add(path, "--bind")

    def mask(self, covered: Covered) -> None:
        """Cover what is protected in the workspace."""
        for path in (*covered.pinned, *covered.held):
            if self._workspace in path.parents:
                self._add(path, self._same_as_around(path))
        for path in covered.fixed:
            self._add(path, "--ro-bind")
        for path in (*covered.secrets, *covered.sockets):
            self._cover_file(path)
        for path in covered.secret_folders:
            self._cover_folder(path)
        if self._writable:
            for path in covered.missing:
                self._cover_folder(path)

    def deny(self, *paths: Path) -> None:
        """Cover what rules of the person forbid, unless it is what every command runs by."""
        for path in paths:
            if not self.visible(path) or path in (*python_folders(), *map(Path, SYSTEM)):
                continue
            if path.is_symlink() or not path.exists():
                continue
            if path.is_dir():
                self._cover_folder(path)
            else:
                self._cover_file(path)
            self._hold(path)

    def visible(self, path: Path) -> bool:
        """Whether a path of this machine can be seen inside (masks aside)."""
        return lies_in(path, (*SYSTEM, *(rule for rule, arguments in self._rules if arguments[0].endswith("bind"))))

    def arguments(self) -> list[str]:
        """As bubblewrap's options, in the order in which they must be applied."""
        ordered = sorted(self._rules, key=lambda rule: len(rule[0].parts))
        mounted = [argument for _, arguments in ordered for argument in arguments]
        # Sealed last: until then bubblewrap makes in them the places for deeper mounts.
        return mounted + [argument for path in self._sealed for argument in ("--remount-ro", str(path))]

    def _add(self, path: Path, option: str) -> None:
        self._rules.append((path, (option, str(path), str(path))))

    def _cover_folder(self, path: Path) -> None:
        self._rules.append((path, ("--tmpfs", str(path))))
        self._sealed.append(path)

    def _cover_file(self, path: Path) -> None:
        # Not /dev/null: a device in the place of a file breaks `git add`.
        self._rules.append((path, ("--ro-bind", str(_EMPTY), str(path))))

    def _hold(self, path: Path) -> None:
        """Keep the folders of the workspace around something where they are: it would be moved away with them."""
        ruled = {rule for rule, _ in self._rules}
        for folder in path.parents:
            inside = folder not in ruled and folder.is_relative_to(self._workspace)
            if inside and self._same_as_around(folder) == "--bind":
                self._add(folder, "--bind")

    def _same_as_around(self, path: Path) -> str:
        around = [(len(rule.parts), args[0]) for rule, args in self._rules if lies_in(path, (rule,))]
        return max(around)[1] if around else "--ro-bind"


def bubblewrap_command(
    program: str, mounts: Mounts, argv: Sequence[str], cwd: Path, settings: Sequence[tuple[str, FileIO]]
) -> list[str]:
    """The command line that runs `argv` in `cwd` inside the walls.

    Args:
        program: bubblewrap's path.
        mounts: what is visible.
        argv: the command.
        cwd: where it starts.
        settings: what `open_settings` gave; bubblewrap must inherit these descriptors.
    """
    copied = [argument for path, file in settings for argument in ("--file", str(file.fileno()), path)]
    return [
        program,
        "--unshare-user", "--unshare-all", "--cap-drop", "ALL", "--die-with-parent", "--new-session",
        "--hostname", "worker",
        *_system(), *copied,
        "--proc", "/proc",
        "--dev", "/dev", "--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",  # noqa: S108  # inside the walls
        "--size", str(_TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp",  # noqa: S108  # inside the walls
        "--size", str(_HOME_BYTES), "--perms", "0700", "--tmpfs", INSIDE_HOME,
        *mounts.arguments(),
        "--remount-ro", "/",
        "--chdir", str(cwd),
        "--", "/bin/sh", "-c", _limits(), "sh", *argv,
    ]  # fmt: skip


def open_settings() -> list[tuple[str, FileIO]]:
    """The files of /etc that are shown, opened to be copied: a mount for each would take longer than all the rest."""
    opened: list[tuple[str, FileIO]] = []
    for path in (f"/etc/{name}" for name in SETTINGS):
        if os.path.isfile(path):
            with contextlib.suppress(OSError):
                opened.append((path, FileIO(path)))
    return opened


@cache
def _system() -> tuple[str, ...]:
    """The operating system's own folders, read-only; links among them stay links."""
    arguments: list[str] = []
    for folder in SYSTEM:
        if os.path.islink(folder):
            arguments += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            arguments += ["--ro-bind", folder, folder]
    for path in (f"/etc/{name}" for name in SETTINGS):
        if os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    return tuple(arguments)


def _limits() -> str:
    """A line of shell that sets the resource limits and becomes the command."""
    return (
        f"ulimit -c 0; ulimit -d {data_bytes() // 1024}; ulimit -f {FILE_BYTES // 512}; ulimit -n {OPEN_FILES}; "
        f"ulimit -u {PROCESSES} 2>/dev/null || ulimit -p {PROCESSES} 2>/dev/null; "
        'exec "$@"'
    )
