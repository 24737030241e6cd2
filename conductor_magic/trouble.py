"""What a person is told when the disk fails the record of a run."""

from __future__ import annotations

import errno
from pathlib import Path

__all__ = ["trouble"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def trouble(folder: Path, fault: OSError, *, ended: bool) -> str:
    """What happened and what to do, in one line.

    Args:
        folder: the run's.
        fault: what the disk said.
        ended: whether the run came to its end before.
    """
    run, why = folder.name, fault.strerror or str(fault)
    if ended:
        return (
            f"Run {run} has ended, but the end of its record may not be on the disk: {folder} ({why}). "
            "Keep what you need of its result, as with its save(path)."
        )
    mend = "Make room there" if fault.errno in _FULL else "See to that disk"
    return (
        f"Run {run} was stopped, because its record could not be written: {folder} ({why}). "
        f"All until then is kept. {mend}, then go on: %conduct resume {run}"
    )
