"""Landlock and what goes with it, by system calls: privileges given up, and a domain that a process never leaves.

Landlock is a list of what is allowed, and a right given to a folder holds for all below it. So that a secret stays
unreadable, the folders around it get every right but the one to read files, and each other thing in them gets that
right by itself. The kernel refuses to move or link a file to where it would have more rights (EXDEV), which keeps the
secret unreadable elsewhere too. What is newly made directly in such a folder cannot be read back. In the same way a
Python environment inside the workspace stays as it is; in the folders around it nothing new can be made at all.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from _collections_abc import Iterable, Sequence  # `collections` takes long to import

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 24, 38, 36
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""One number on every architecture."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_SYM = (1 << bit for bit in (7, 8, 9, 10, 12))
_REFER, _TRUNCATE, _IOCTL_DEV = (1 << bit for bit in (13, 14, 15))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_CHANGE = (
    _WRITE_FILE | _TRUNCATE | _REFER | _REMOVE_DIR | _REMOVE_FILE
    | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO | _MAKE_SYM
)  # fmt: skip

WITHHELD = {"unread": _READ_FILE, "unchanged": _CHANGE, "closed": _READ_FILE | _CHANGE}
"""What the words of the command line keep from something that lies in an allowed folder."""

RIGHTS = {"read": _READ, "write": _READ | _CHANGE, "device": _READ_FILE | _WRITE_FILE | _IOCTL_DEV}
"""What the words of the command line give: to a file, or to a folder with all below it."""

_libc = ctypes.CDLL(None, use_errno=True)


def give_up_privileges() -> None:
    """Give up every capability for good (root has them), and any way to gain one."""
    checked("prctl", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    capability = 0
    while _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    header = struct.pack("=Ii", 0x20080522, 0)
    checked("capset", _libc.capset(header, bytes(24)))


def die_with(parent: int, number: int) -> None:
    """Get a signal when the parent dies; end at once if it is dead already."""
    checked("prctl", _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    checked("prctl", _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def enter(abi: int, rules: Iterable[tuple[str, str]], spared: Sequence[tuple[str, str]]) -> None:
    """Put this process, and all that it will start, into a domain that allows only what the rules say.

    Args:
        abi: the version of Landlock to use, at most what the system has.
        rules: (a word of `RIGHTS`, path); paths that are not there are passed over.
        spared: (a word of `WITHHELD`, real path): what does not get certain rights although a rule lies around it.

    Raises:
        OSError: the system refuses.
    """
    handled = (1 << 13) - 1
    handled |= (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0) | (_IOCTL_DEV if abi >= 5 else 0)
    net, scopes = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    attributes = struct.pack("=QQQ", handled, net, scopes)
    made = _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    domain = _Domain(checked("landlock_create_ruleset", made), spared)
    for kind, path in (*rules, ("read", f"/proc/{os.getpid()}")):
        try:
            place = os.open(path, os.O_PATH)
        except OSError:
            continue
        domain.allow(place, path, RIGHTS[kind] & handled)
        os.close(place)
    checked("landlock_restrict_self", _syscall(_RESTRICT_SELF, domain.ruleset, 0))
    os.close(domain.ruleset)


class _Domain:
    """A ruleset, and what is spared from its rules."""

    def __init__(self, ruleset: int, spared: Sequence[tuple[str, str]]) -> None:
        self.ruleset = ruleset
        self._spared = [(path, WITHHELD[word]) for word, path in spared]
        self._spared_files: dict[tuple[int, int], int] = {}
        for path, rights in self._spared:
            try:
                status = os.lstat(path)
            except OSError:
                continue
            inode = status.st_dev, status.st_ino
            self._spared_files[inode] = self._spared_files.get(inode, 0) | rights

    def allow(self, place: int, path: str, rights: int, spared: Sequence[tuple[str, int]] | None = None) -> None:
        """Allow what `place` names; where something in it is spared, one by one what is around that.

        Args:
            place: a descriptor.
            path: the name of what it names.
            rights: what to allow.
            spared: of what is spared, at least all that lies in it; by default all of it.
        """
        status = os.fstat(place)
        itself = self._spared_files.get((status.st_dev, status.st_ino), 0)
        inside = [each for each in (self._spared if spared is None else spared) if _below(each[0], path)]
        below = 0
        for _, withheld in inside:
            below |= withheld
        given = rights & ~itself & ~below
        if not stat.S_ISDIR(status.st_mode):
            given &= _OF_FILES
        if given:
            rule = struct.pack("=Qi", given, place)
            checked("landlock_add_rule", _syscall(_ADD_RULE, self.ruleset, 1, rule, 0))
        if rights & below & ~itself:
            self._allow_each(place, path, rights & below & ~itself, inside)

    def _allow_each(self, place: int, path: str, rights: int, spared: Sequence[tuple[str, int]]) -> None:
        # By descriptors, and no link followed: whoever can write here now must not choose what is opened.
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=place)
        for name in os.listdir(folder):
            try:
                child = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
            except OSError:
                continue
            if not stat.S_ISLNK(os.fstat(child).st_mode):
                self.allow(child, f"{path.rstrip('/')}/{name}", rights, spared)
            os.close(child)
        os.close(folder)


def _below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def checked(call: str, result: int) -> int:
    """A system call's result; OSError when it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _syscall(number: int, *args: object) -> int:
    return _libc.syscall(ctypes.c_long(number), *args)
