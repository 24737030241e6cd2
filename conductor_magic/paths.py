"""Files that a worker's file tools may reach, resolved by the kernel and never by comparing strings.

`Reach` turns the path that a model wrote into an open file below the workspace. The text of the path only picks
where to start; whether it stays inside is decided by `openat2(RESOLVE_BENEATH)`, or, where the kernel has no such
call, by walking the path folder by folder without following any link. What was opened is what is used: every later
step goes through its descriptor, so swapping a folder for a link in between gains nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.beneath import O_PATH, open_beneath, path_of, reopen
from conductor_magic.errors import ToolError
from conductor_magic.protected import guarded, holds_private_key, secret

__all__ = ["Reach", "Target", "can_be_named", "plainly"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(slots=True)
class Target:
    """A place to write to (see `placing.py`): an open folder, a name in it, and what lies there now.

    Attributes:
        path: the absolute path, links resolved.
        folder: descriptor of the folder that holds it.
        now: the file as it is, or None when there is none yet.
    """

    path: Path
    folder: int
    now: os.stat_result | None

    def read(self, limit: int) -> bytes:
        """The content now, at most `limit` bytes (empty when there is no file)."""
        if self.now is None:
            return b""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with plainly(self.path.name), open(os.open(self.path.name, flags, dir_fd=self.folder), "rb") as file:
            return file.read(limit)


class Reach:
    """What one worker's file tools may open.

    Args:
        workspace: the folder that they may touch, resolved.
        readable: further folders that may be read (the run's artifacts), resolved.
        hidden: folders that stay closed even when they lie in the workspace (the record, Jupyter's runtime files).
        denied: files and folders that standing rules of the person forbid, wherever they lie.
        installed: folders of the Python that runs outside the walls too, not to be written wherever they lie.
        confined: False in mode `full`, where every path is allowed.
        granted: a file that a person said yes to, by its real path, though it is outside or has a protected name.
    """

    def __init__(
        self,
        workspace: Path,
        *,
        readable: tuple[Path, ...] = (),
        hidden: tuple[Path, ...] = (),
        denied: tuple[Path, ...] = (),
        installed: tuple[Path, ...] = (),
        confined: bool = True,
        granted: Path | None = None,
    ) -> None:
        self.workspace = workspace
        self.readable = readable
        self.hidden = hidden
        self.denied = denied
        self.installed = installed
        self.confined = confined
        self.granted = granted

    def allowing(self, real: Path) -> Reach:
        """The same, with one file more: exactly this real path, checked again when it is opened."""
        reach = copy(self)
        reach.granted = real
        return reach

    @contextmanager
    def file(self, path: str) -> Iterator[tuple[int, Path]]:
        """Open a regular file for reading: its descriptor and its absolute path, links resolved.

        Raises:
            ToolError: it leaves the workspace, is a secret, is no regular file, or does not exist.
        """
        with self._opened(path) as (handle, real):
            _must_be_regular(os.fstat(handle), path)
            with plainly(path):
                readable = reopen(handle, os.O_RDONLY)
            try:
                if self.confined and holds_private_key(real.name, os.pread(readable, 4096, 0)):
                    raise ToolError(f"{path}: holds a private key, which workers are not shown.")
                yield readable, real
            finally:
                os.close(readable)

    @contextmanager
    def folder(self, path: str) -> Iterator[tuple[int, Path]]:
        """Open a folder, or the file that a search is to be limited to: its descriptor and its real path.

        Raises:
            ToolError: it leaves the workspace, is a secret, or does not exist.
        """
        with self._opened(path) as (handle, real):
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                _must_be_regular(os.fstat(handle), path)
            yield handle, real

    @contextmanager
    def target(self, path: str) -> Iterator[Target]:
        """Prepare to write a file; missing folders are made.

        Raises:
            ToolError: it leaves the workspace, is a protected name, is no regular file, or has more than one name.
        """
        root, relative = self._place(path, for_writing=True)
        relative = self._follow(root, relative, path)
        if not relative.name:
            raise ToolError(f"{path}: is a folder, not a file.")
        folder = self._make_folder(root, relative.parent, path)
        try:
            real = path_of(folder) / relative.name
            self._refuse_denied(real, path)
            self._refuse_guarded(real, path)
            with plainly(path):
                try:
                    now = os.stat(relative.name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    now = None
            if now is not None:
                if stat.S_ISLNK(now.st_mode):
                    raise ToolError(f"{path}: is a link to nothing that can be written.")
                _must_be_regular(now, path)
                if self.confined and now.st_nlink > 1:
                    raise ToolError(
                        f"{path}: has more than one name (hard link), so writing could change a file elsewhere."
                    )
            yield Target(real, folder, now)
        finally:
            os.close(folder)

    @contextmanager
    def _opened(self, path: str) -> Iterator[tuple[int, Path]]:
        root, relative = self._place(path)
        with plainly(path):
            handle = open_beneath(root, relative, O_PATH) if self.confined else os.open(root / relative, O_PATH)
        try:
            real = path_of(handle)
            self._refuse_denied(real, path)
            if self.confined and root not in self.readable:
                self._refuse_secret(real, path)
            yield handle, real
        finally:
            os.close(handle)

    def _place(self, path: str, *, for_writing: bool = False) -> tuple[Path, Path]:
        """Where to start and what to resolve from there; text only, the kernel decides later."""
        if not path.strip():
            raise ToolError("file_path is empty.")
        if not can_be_named(path):
            raise ToolError("The path holds a NUL or half a character; no file is named so.")
        if not self.confined:
            asked = Path(os.path.expanduser(path))
            return Path("/"), (self.workspace / asked).relative_to("/")
        if self.granted is not None and Path(os.path.realpath(self.workspace / path)) == self.granted:
            return Path("/"), self.granted.relative_to("/")
        asked = Path(path)
        roots = (self.workspace,) if for_writing else (self.workspace, *self.readable)
        if not asked.is_absolute():
            relative, root = asked, self.workspace
        else:
            spellings = (asked, Path(os.path.realpath(asked)))
            found = [
                (root, name.relative_to(root)) for name in spellings for root in roots if name.is_relative_to(root)
            ]
            if not found:
                raise ToolError(f"{path}: is outside the workspace {self.workspace}, which is all that can be reached.")
            root, relative = found[0]
        if root == self.workspace:
            # The kernel follows no absolute link, so one that stays inside is followed here; where the rest leads is
            # still the kernel's to decide.
            with plainly(path):
                real = Path(os.path.realpath(root / relative))
            relative = real.relative_to(root) if real.is_relative_to(root) else relative
            if for_writing:
                self._refuse_guarded(self.workspace / relative, path)
            self._refuse_secret(self.workspace / relative, path)
        return root, relative

    def _follow(self, root: Path, relative: Path, path: str) -> Path:
        """The same place with its links resolved, if it exists already."""
        if not self.confined:
            return Path(os.path.realpath(root / relative)).relative_to("/")
        try:
            handle = open_beneath(root, relative, O_PATH)
        except FileNotFoundError:
            return relative
        except OSError as error:
            raise _explained(error, path) from None
        try:
            return path_of(handle).relative_to(root)
        except ValueError:
            raise ToolError(f"{path}: leads out of the workspace.") from None
        finally:
            os.close(handle)

    def _make_folder(self, root: Path, relative: Path, path: str) -> int:
        """Open a folder below the root, making what is missing one step at a time."""
        with plainly(path):
            if not self.confined:
                os.makedirs(root / relative, exist_ok=True)
                return os.open(root / relative, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return open_beneath(root, relative, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                if relative.name in ("", ".."):
                    raise
            parent = self._make_folder(root, relative.parent, path)
            try:
                self._refuse_guarded(path_of(parent) / relative.name, path)
                os.mkdir(relative.name, dir_fd=parent)
            except FileExistsError:
                pass
            finally:
                os.close(parent)
            return open_beneath(root, relative, os.O_RDONLY | os.O_DIRECTORY)

    def _refuse_denied(self, real: Path, path: str) -> None:
        """Raise ToolError when a standing rule of the person forbids this real path."""
        if any(real.is_relative_to(denied) for denied in self.denied):
            raise ToolError(f"{path}: a standing rule of the person forbids it. Do without it.")

    def _refuse_secret(self, real: Path, path: str) -> None:
        if real == self.granted:
            return
        name = secret(self._below(real, path))
        if name:
            raise ToolError(f"{path}: `{name}` usually holds secrets; workers are not shown it.")

    def _refuse_guarded(self, real: Path, path: str) -> None:
        if not self.confined or (self.granted is not None and self.granted.is_relative_to(real)):
            return
        if any(real.is_relative_to(folder) for folder in self.installed):
            raise ToolError(f"{path}: is part of the Python environment that runs outside the walls too; not written.")
        name = guarded(self._below(real, path))
        if name:
            why = "it can run things, steer later runs or hold secrets"
            raise ToolError(f"{path}: `{name}` is a protected name ({why}); not written.")

    def _below(self, real: Path, path: str) -> tuple[str, ...]:
        if any(real.is_relative_to(folder) for folder in self.hidden):
            raise ToolError(f"{path}: belongs to the record of the run or to Jupyter; closed to workers.")
        if not real.is_relative_to(self.workspace):
            raise ToolError(f"{path}: leads out of the workspace.")
        return real.relative_to(self.workspace).parts


def can_be_named(path: str) -> bool:
    """Whether the system has a way to name a file so: no NUL, no half of a character."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _must_be_regular(status: os.stat_result, path: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")
    raise ToolError(f"{path}: is {kind}, not a file.")


@contextmanager
def plainly(path: str) -> Iterator[None]:
    """Turn the system's errors into sentences for the model."""
    try:
        yield
    except OSError as error:
        raise _explained(error, path) from None


def _explained(error: OSError, path: str) -> ToolError:
    said = {
        errno.ENOENT: "does not exist.",
        errno.EXDEV: "leads out of the workspace (or is an absolute link), so it is not followed.",
        errno.ELOOP: "goes through a link that is not followed.",
        errno.ENOTDIR: "goes through something that is not a folder.",
        errno.EACCES: "may not be opened: permission denied.",
        errno.EPERM: "may not be changed: operation not permitted.",
        errno.EROFS: "lies on a read-only file system.",
        errno.ENOSPC: "could not be written: the disk is full.",
        errno.ENAMETOOLONG: "is too long a name.",
        errno.EISDIR: "is a folder.",
    }.get(error.errno or 0, f"{error.strerror or error}.")
    return ToolError(f"{path[:300]}: {said}")
