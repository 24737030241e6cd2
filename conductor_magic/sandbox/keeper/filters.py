"""A filter of system calls for what Landlock leaves open, as far as the Linux of today goes.

* No network: no socket but streams between processes, and no `connect` at all: a socket's name in the file system
  is no matter of Landlock's, and behind some of them (the session's bus, a container engine) is all of the machine.
* Modes, owners and times of files outside of the walls, and the limits and priorities of other processes: such
  calls are put to the keeper (`mediate`), which does them itself, or not.
* Extended attributes (access lists among them), System V memory, key rings and io_uring are refused.
* What older versions of Landlock do not know: cutting files (below 3) and signals to others (below 6).

The numbers are those of x86-64 and of 64-bit ARM; on other machines there are no Landlock walls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from domain import checked

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""machine -> (its number in the audit system, its column below)."""

NUMBERS: dict[str, tuple[int, int]] = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, -1), "lchown": (94, -1), "fchown": (93, 55), "fchownat": (260, 54),
    "utimensat": (280, 88), "utime": (132, -1), "utimes": (235, -1), "futimesat": (261, -1),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "prlimit64": (302, 261), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "fcntl": (72, 25),
    "truncate": (76, 45), "open": (2, -1), "openat": (257, 56), "openat2": (437, 437),
}  # fmt: skip
"""System call -> its number on (x86-64, 64-bit ARM); -1 where there is none."""

_MISSING = (
    "io_uring_setup", "io_uring_enter", "io_uring_register", "utime", "utimes", "futimesat", "file_setattr",
    "shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl",
    "mq_open", "mq_unlink", "add_key", "request_key", "keyctl",
)  # fmt: skip
"""As if the system did not have them: programs have another way, or do without."""

_UNSUPPORTED = (
    "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
)  # fmt: skip
"""As on a file system without extended attributes."""

_METADATA = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utimensat")
OF_A_PROCESS = (("prlimit64", 0), ("sched_setaffinity", 0), ("sched_setscheduler", 0), ("sched_setparam", 0),
                ("sched_setattr", 0))  # fmt: skip
"""(call, which argument names the process; 0 is the caller itself)."""

OF_MANY = ("setpriority", "ioprio_set")
"""Calls that may be about all processes of a user."""

SIGNALS = (("kill", 0), ("tkill", 0), ("tgkill", 0), ("rt_sigqueueinfo", 0), ("rt_tgsigqueueinfo", 0))

_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPES = 1, 1, 5, 0xF
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_O_RDONLY_TRUNC, _O_ACCMODE_TRUNC = os.O_TRUNC, os.O_ACCMODE | os.O_TRUNC

_ALLOW, _ASK, _REFUSE, _KILL = 0x7FFF0000, 0x7FC00000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000

Step = tuple[int, int, int, int]
"""One instruction: what, how many to skip when it is so, how many when not, with which number."""


def column() -> int:
    """Which numbers hold on this machine, or -1."""
    return _ARCHITECTURES.get(os.uname().machine, (0, -1))[1]


def install(abi: int) -> int:
    """Put the filter on this process and all that it will start.

    Args:
        abi: the version of Landlock in use; the filter covers what it does not.

    Returns:
        The descriptor on which calls are put to the keeper.

    Raises:
        OSError: the system refuses; EBUSY when somebody outside watches calls in the same way.
    """
    steps = program(abi)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    whole = struct.pack("@HP", len(steps), ctypes.addressof(code))
    number = 317 if column() == 0 else 277
    libc = ctypes.CDLL(None, use_errno=True)
    set_filter, new_listener = 1, 1 << 3
    return checked("seccomp", libc.syscall(ctypes.c_long(number), set_filter, new_listener, whole))


def program(abi: int) -> list[Step]:
    """The filter's instructions."""
    machine = _ARCHITECTURES[os.uname().machine][0]
    steps: list[Step] = [
        (_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _refuse(errno.ENOSYS)),
    ]  # fmt: skip
    for name, block in _blocks(abi):
        number = NUMBERS[name][column()]
        if number >= 0:
            steps += [(_EQUAL, 0, len(block), number), *block]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _blocks(abi: int) -> list[tuple[str, list[Step]]]:
    ask = [(_RETURN, 0, 0, _ASK)]
    blocks = [("socket", _only_streams()), ("socketpair", _only_streams())]
    blocks += [("connect", [(_RETURN, 0, 0, _refuse(errno.EACCES))])]
    blocks += [(name, [(_RETURN, 0, 0, _refuse(errno.ENOSYS))]) for name in _MISSING]
    blocks += [(name, [(_RETURN, 0, 0, _refuse(errno.EOPNOTSUPP))]) for name in _UNSUPPORTED]
    blocks += [(name, ask) for name in (*_METADATA, *OF_MANY)]
    blocks += [(name, _ask_unless_zero(place)) for name, place in OF_A_PROCESS]
    if abi < 6:
        blocks += [(name, _ask_unless_zero(place)) for name, place in SIGNALS]
        blocks += [("pidfd_send_signal", [(_RETURN, 0, 0, _refuse(errno.ENOSYS))])]
        blocks += [("fcntl", _refuse_if(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)))]
    if abi < 3:
        blocks += [("truncate", ask), ("openat2", [(_RETURN, 0, 0, _refuse(errno.ENOSYS))])]
        blocks += [("open", _refuse_cutting(1)), ("openat", _refuse_cutting(2))]
    return blocks


def _refuse(number: int) -> int:
    return _REFUSE | number


def _argument(place: int) -> Step:
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * place)


def _only_streams() -> list[Step]:
    # Any other error number makes ZeroMQ, and with it a Python kernel, give up.
    refused = _refuse(errno.EOPNOTSUPP)
    # Datagrams could be sent to any name with `sendmsg`, whose argument a filter cannot see.
    return [
        _argument(0), (_EQUAL, 0, 4, _AF_UNIX),
        _argument(1), (_AND, 0, 0, _SOCK_TYPES), (_EQUAL, 2, 0, _SOCK_STREAM), (_EQUAL, 1, 0, _SOCK_SEQPACKET),
        (_RETURN, 0, 0, refused), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip


def _ask_unless_zero(place: int) -> list[Step]:
    return [_argument(place), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _ASK), (_RETURN, 0, 0, _ALLOW)]


def _refuse_if(place: int, values: tuple[int, ...]) -> list[Step]:
    found = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(place), *found, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _refuse(errno.EPERM))]


def _refuse_cutting(place: int) -> list[Step]:
    """Opening for reading and cutting at once cuts a file that may only be read."""
    return [
        _argument(place), (_AND, 0, 0, _O_ACCMODE_TRUNC), (_EQUAL, 0, 1, _O_RDONLY_TRUNC),
        (_RETURN, 0, 0, _refuse(errno.EACCES)), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
