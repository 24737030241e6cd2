"""Run a program on a system that has less, as many have: a filter of system calls refuses what is taken away.

Usage: ``python without.py namespaces,landlock PROGRAM ARGUMENTS …``

* `namespaces`: no new namespaces, as in most containers. bubblewrap cannot work.
* `landlock`: as before Linux 5.13.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_NUMBERS = {"x86_64": (0xC000003E, 56, 272), "aarch64": (0xC00000B7, 220, 97)}
"""machine -> its number in the audit system, and the numbers of `clone` and `unshare`."""

_CLONE3, _CREATE_RULESET = 435, 444
_NEW_NAMESPACES = 0x7E020000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x50000, 0x80000000
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2


def take_away(names: set[str]) -> None:
    """Take something away from this process and all that it will start."""
    machine, clone, unshare = _NUMBERS[os.uname().machine]
    missing, forbidden = (_RETURN, 0, 0, _REFUSE | errno.ENOSYS), (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if "landlock" in names:
        steps += [(_EQUAL, 0, 1, _CREATE_RULESET), missing]
    if "namespaces" in names:
        steps += [(_EQUAL, 0, 1, _CLONE3), missing, (_EQUAL, 0, 1, unshare), forbidden]
        steps += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), forbidden]
    steps += [(_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, program, 0, 0)):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    take_away(set(sys.argv[1].split(",")))
    os.execv(sys.argv[2], sys.argv[2:])
