"""Files that a run holds alone, by `flock`: until they are given back or the process is gone, whatever it has forked.

A lock belongs to the open file, which a forked child shares, so a child that lives on would keep it. A child therefore
puts what it inherited out of its hands, and what is given back is unlocked for all who share it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from conductor_magic.errors import ConductUsageError

__all__ = ["give_back", "lock", "open_to_lock"]

_ours: set[int] = set()


def open_to_lock(path: Path, flags: int) -> int:
    """The file's descriptor, which no forked child keeps; to be given to `give_back`.

    Raises:
        OSError: it cannot be opened.
    """
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    _ours.add(handle)
    return handle


def lock(handle: int, path: Path, *, wait: bool = False, shared: bool = False) -> bool:
    """Take the file; False when somebody else has it.

    Args:
        handle: from `open_to_lock`.
        path: the file, for the error.
        wait: take it as soon as nobody else has it.
        shared: take it together with others who share it.

    Raises:
        ConductUsageError: its disk has no locks, or not now.
    """
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConductUsageError(
            f"{path} cannot be locked ({error.strerror or error}), and without a lock two runs could write one record. "
            "Set CONDUCTOR_HOME to a folder on a local disk."
        ) from None
    return True


def give_back(handle: int) -> None:
    """Unlock and close the file."""
    _ours.discard(handle)
    with suppress(OSError):  # closing it is enough where nobody shares it
        fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def _let_go() -> None:
    """In a forked child: keep the descriptors' numbers, which somebody may still use or close, and not their files."""
    if _ours:
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for handle in _ours:
            os.dup2(nothing, handle, inheritable=False)
        os.close(nothing)


os.register_at_fork(after_in_child=_let_go)
