"""The bubblewrap command line: an empty root, and exactly what is needed put into it.

Inside: the system's programs and this Python environment, read-only; the workspace; a private home and /tmp in
memory; new process, network, ipc, host-name and user namespaces; no capabilities. The real home, other people's
temporary files, the run's record and Jupyter's connection files are not hidden there: they were never mounted.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from conductor_magic.sandbox.environment import INSIDE_HOME
from conductor_magic.sandbox.masks import Covered

__all__ = ["Mounts", "bubblewrap_command", "python_folders"]

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS = (
    "alternatives", "ca-certificates", "fonts", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "passwd", "pki/tls/certs", "protocols", "services",
    "shells", "ssl/certs", "ssl/openssl.cnf", "timezone", "java-17-openjdk", "R", "ImageMagick-6", "ImageMagick-7",
    "magic", "papersize", "terminfo", "os-release", "debian_version", "redhat-release",
)  # fmt: skip
"""What of /etc is needed to run programs; the rest (shadow, ssh, machine credentials) stays outside."""

_EMPTY = Path(__file__).with_name("empty")
"""A file without content, to cover secrets with."""

_GIB = 1 << 30
_TMP_BYTES = 2 * _GIB
_HOME_BYTES = _GIB // 2
_SHARED_MEMORY_BYTES = 2 * _GIB
_FILE_BYTES = 4 * _GIB
_OPEN_FILES = 4096
_PROCESSES = 512


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
        for folder in hidden:
            if folder.is_dir() and self.visible(folder):
                self._cover_folder(folder)

    def read(self, *paths: Path) -> None:
        """Show files and folders, unchangeable."""
        for path in paths:
            self._add(path, "--ro-bind")

    def write(self, *paths: Path) -> None:
        """Show folders that may be written."""
        for path in paths:
            self._add(path, "--bind")

    def mask(self, covered: Covered) -> None:
        """Cover what `masks` found in the workspace."""
        for path in covered.pinned:
            self._add(path, self._same_as_around(path))
        for path in covered.fixed:
            self._add(path, "--ro-bind")
        for path in covered.secrets:
            # Not /dev/null: a device in the place of a file breaks `git add`.
            self._rules.append((path, ("--ro-bind", str(_EMPTY), str(path))))
        for path in covered.secret_folders:
            self._cover_folder(path)
        if self._writable:
            for path in covered.missing:
                self._cover_folder(path)

    def visible(self, path: Path) -> bool:
        """Whether a path of this machine can be seen inside (masks aside)."""
        shown = (*map(Path, _SYSTEM), *(rule for rule, arguments in self._rules if arguments[0].endswith("bind")))
        return any(path.is_relative_to(folder) for folder in shown)

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

    def _same_as_around(self, path: Path) -> str:
        around = [(len(rule.parts), args[0]) for rule, args in self._rules if path.is_relative_to(rule)]
        return max(around)[1] if around else "--ro-bind"


def bubblewrap_command(program: str, mounts: Mounts, argv: Sequence[str], cwd: Path) -> list[str]:
    """The command line that runs `argv` in `cwd` inside the walls."""
    return [
        program,
        "--unshare-user", "--unshare-all", "--cap-drop", "ALL", "--die-with-parent", "--new-session",
        "--hostname", "worker",
        *_system(),
        "--proc", "/proc",
        "--dev", "/dev", "--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",  # noqa: S108  # inside the walls
        "--size", str(_TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp",  # noqa: S108  # inside the walls
        "--size", str(_HOME_BYTES), "--perms", "0700", "--tmpfs", INSIDE_HOME,
        *mounts.arguments(),
        "--remount-ro", "/",
        "--chdir", str(cwd),
        "--", "/bin/sh", "-c", _limits(), "sh", *argv,
    ]  # fmt: skip


@cache
def python_folders() -> tuple[Path, ...]:
    """The folders of this Python environment: its prefix, the Python below it, and the user's own packages."""
    folders = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    folders += [os.path.dirname(os.path.realpath(sys.executable))]
    folders += [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    existing = [Path(folder) for folder in dict.fromkeys(folders) if os.path.isdir(folder)]
    home = Path.home()
    return tuple(folder for folder in existing if not home.is_relative_to(folder))


@cache
def _system() -> tuple[str, ...]:
    """The operating system's own folders, read-only; links among them stay links."""
    arguments: list[str] = []
    for folder in _SYSTEM:
        if os.path.islink(folder):
            arguments += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            arguments += ["--ro-bind", folder, folder]
    for name in _SETTINGS:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return tuple(arguments)


def _limits() -> str:
    """A line of shell that sets the resource limits and becomes the command.

    Memory is limited as RLIMIT_DATA (what is really allocated, per process, half of the machine's) because
    RLIMIT_AS counts reserved addresses too, of which numpy's and Arrow's allocators take far more than they use.
    RLIMIT_NPROC does not bind root.
    """
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return (
        f"ulimit -c 0; ulimit -d {half // 1024}; ulimit -f {_FILE_BYTES // 512}; ulimit -n {_OPEN_FILES}; "
        f"ulimit -u {_PROCESSES} 2>/dev/null || ulimit -p {_PROCESSES} 2>/dev/null; "
        'exec "$@"'
    )
