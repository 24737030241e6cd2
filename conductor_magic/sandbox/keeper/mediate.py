"""The calls that are put to the keeper: changes of a file's mode, owner and times, and calls about other processes.

The keeper never lets the system go on with a call whose meaning lies in memory that the caller could change
meanwhile. It opens what the call names, looks at what it has opened, and changes that itself. Calls about processes
carry plain numbers, so those about the command's own processes just go on.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from _collections_abc import Callable, Iterator  # `collections` takes long to import
from fcntl import ioctl

import filters

_RECEIVE, _SEND, _STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
_QUESTION, _ANSWER, _NAME = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI"), struct.Struct("=Q")
_CONTINUE = 1
_HERE, _NOT_FOLLOWED, _ITSELF = -100, 0x100, 0x1000  # AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
_LONGEST_PATH = 4096
_NOW, _AS_IT_IS = (1 << 30) - 1, (1 << 30) - 2  # UTIME_NOW, UTIME_OMIT
_OWN_NAMES = ((b"/proc/self/", b""), (b"/proc/thread-self/", b""), (b"/dev/fd/", b"fd/"))
"""Paths that mean the process that says them, and what they are below its folder in /proc."""

Args = tuple[int, ...]
Where = tuple[int, int, int]
"""A folder's descriptor, the address of a path in it, and how to look it up."""

_CHANGES: dict[str, tuple[Callable[[Args], Where], Callable[[str, Args], None]]] = {
    "chmod": (lambda a: (_HERE, a[0], 0), lambda name, a: os.chmod(name, a[1])),
    "fchmod": (lambda a: (a[0], 0, _ITSELF), lambda name, a: os.chmod(name, a[1])),
    "fchmodat": (lambda a: (a[0], a[1], 0), lambda name, a: os.chmod(name, a[2])),
    "fchmodat2": (lambda a: (a[0], a[1], a[3]), lambda name, a: os.chmod(name, a[2])),
    "chown": (lambda a: (_HERE, a[0], 0), lambda name, a: _chown(name, a[1], a[2])),
    "lchown": (lambda a: (_HERE, a[0], _NOT_FOLLOWED), lambda name, a: _chown(name, a[1], a[2])),
    "fchown": (lambda a: (a[0], 0, _ITSELF), lambda name, a: _chown(name, a[1], a[2])),
    "fchownat": (lambda a: (a[0], a[1], a[4]), lambda name, a: _chown(name, a[2], a[3])),
    "utimensat": (
        lambda a: (a[0], a[1], a[3] if a[1] else _ITSELF),
        lambda name, a: os.utime(name, ns=_times(name, a)),
    ),
    "truncate": (lambda a: (_HERE, a[0], 0), lambda name, a: os.truncate(name, a[1])),
}
"""Call -> what it names, and how that is changed."""


class Mediator:
    """Answers the calls of one command.

    Args:
        listener: where they arrive.
        folders: the folders below which files may be changed.
        keeper: this process; the command's processes are its descendants.
    """

    def __init__(self, listener: int, folders: tuple[str, ...], keeper: int) -> None:
        self._listener = listener
        self._folders = folders
        self._keeper = keeper
        self._call = 0
        at = filters.column()
        self._changes = {filters.NUMBERS[name][at]: change for name, change in _CHANGES.items()}
        self._times = filters.NUMBERS["utimensat"][at]
        plain = [name for name, _ in (*filters.OF_A_PROCESS, *filters.SIGNALS)]
        self._about: dict[int, Callable[[Args], bool]] = {
            filters.NUMBERS[name][at]: lambda a: self._inside(a[0]) for name in plain
        }
        for name, one_process in zip(filters.OF_MANY, (0, 1), strict=True):  # PRIO_PROCESS, IOPRIO_WHO_PROCESS
            self._about[filters.NUMBERS[name][at]] = lambda a, kind=one_process: a[0] == kind and self._inside(a[1])
        self._about[filters.NUMBERS["kill"][at]] = lambda a: self._inside(a[0]) or self._group_inside(-_signed(a[0]))

    def answer(self) -> None:
        """Take one call and answer it; one whose caller has died is passed over."""
        question = bytearray(_QUESTION.size)
        try:
            ioctl(self._listener, _RECEIVE, question)
        except OSError:
            return
        self._call, task, _, number, _, _, *args = _QUESTION.unpack(question)
        error = flags = 0
        try:
            if number in self._about:
                error, flags = (0, _CONTINUE) if self._about[number](tuple(args)) else (errno.EPERM, 0)
            else:
                self._change(number, task, tuple(args))
        except OSError as failure:
            error = failure.errno or errno.EPERM
        except (KeyError, ValueError, OverflowError, struct.error):
            error = errno.EINVAL
        try:
            ioctl(self._listener, _SEND, bytearray(_ANSWER.pack(self._call, 0, -error, flags)))
        except OSError:
            return

    def _change(self, number: int, task: int, args: Args) -> None:
        where, act = self._changes[number]
        place = self._open(task, *where(args))
        try:
            if number == self._times:
                args = _two_times(task, args[2])
            # Only now is it sure that `task` was the caller all the while, and no later process of the same number.
            ioctl(self._listener, _STILL_VALID, _NAME.pack(self._call))
            name = f"/proc/self/fd/{place}"
            real = os.readlink(name)
            if not any(real == folder or real.startswith(f"{folder}/") for folder in self._folders):
                raise PermissionError(errno.EPERM, "outside")
            act(name, args)
        finally:
            os.close(place)

    def _open(self, task: int, place: int, pointer: int, flags: int) -> int:
        """A descriptor of what a call names, whatever and wherever it is."""
        path = _text(task, pointer) if pointer else b""
        if not path and not flags & _ITSELF:
            raise FileNotFoundError(errno.ENOENT, "no name")
        for own, instead in _OWN_NAMES:
            if path.startswith(own):
                path = b"/proc/%d/%s%s" % (task, instead, path[len(own) :])
        if path.startswith(b"/"):
            base = f"/proc/{task}/root"
            if os.readlink(base) != "/":
                raise PermissionError(errno.EPERM, "another root")
        else:
            base = f"/proc/{task}/cwd" if _signed(place) == _HERE else f"/proc/{task}/fd/{_signed(place)}"
        folder = os.open(base, os.O_PATH)
        if not path:
            return folder
        try:
            return os.open(path, os.O_PATH | (os.O_NOFOLLOW if flags & _NOT_FOLLOWED else 0), dir_fd=folder)
        finally:
            os.close(folder)

    def _inside(self, pid: int) -> bool:
        """Whether a process is one of the command's, or 0: the caller itself."""
        pid = _signed(pid)
        while pid > 1:
            pid, _ = _parent_and_group(pid)
            if pid == self._keeper:
                return True
        return pid == 0

    def _group_inside(self, group: int) -> bool:
        members = [pid for pid in _processes() if _parent_and_group(pid)[1] == group]
        return bool(members) and all(self._inside(pid) for pid in members)


def descendants(pid: int) -> list[int]:
    """All processes below one, now."""
    children: dict[int, list[int]] = {}
    for process in _processes():
        children.setdefault(_parent_and_group(process)[0], []).append(process)
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _parent_and_group(pid: int) -> tuple[int, int]:
    """A process's parent and group; (-1, -1) when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return -1, -1
    return int(fields[1]), int(fields[2])


def _text(task: int, pointer: int) -> bytes:
    """The path at an address of a process."""
    text, ended, _ = _memory(task, pointer, _LONGEST_PATH).partition(b"\0")
    if not ended:
        raise OSError(errno.ENAMETOOLONG, "too long")
    return text


def _memory(task: int, pointer: int, size: int) -> bytes:
    with open(f"/proc/{task}/mem", "rb", buffering=0) as file:
        return os.pread(file.fileno(), size, pointer)


def _chown(name: str, user: int, group: int) -> None:
    os.chown(name, _signed(user), _signed(group))


def _two_times(task: int, pointer: int) -> Args:
    """Seconds and nanoseconds of the last use and the last change that a call asks for."""
    return struct.unpack("=4q", _memory(task, pointer, 32)) if pointer else (0, _NOW, 0, _NOW)


def _times(name: str, ends: Args) -> tuple[int, int]:
    """The two times in nanoseconds, with the two that have no number filled in."""
    now = os.stat(name)
    used, changed = (
        {_NOW: time.time_ns(), _AS_IT_IS: as_it_is}.get(part, seconds * 1_000_000_000 + part)
        for seconds, part, as_it_is in ((*ends[:2], now.st_atime_ns), (*ends[2:], now.st_mtime_ns))
    )
    return used, changed


def _signed(value: int) -> int:
    """A 32-bit argument as the number that was meant."""
    return (value & 0xFFFFFFFF) - (1 << 32) if value & 0x80000000 else value & 0xFFFFFFFF
