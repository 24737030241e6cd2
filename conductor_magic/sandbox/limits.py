"""How much one command may use, whichever walls it runs in."""

from __future__ import annotations

import os

__all__ = ["FILE_BYTES", "OPEN_FILES", "PROCESSES", "data_bytes", "processes_of_this_user"]

FILE_BYTES = 4 << 30
OPEN_FILES = 4096
PROCESSES = 512
"""Processes and threads. It does not bind root."""


def data_bytes() -> int:
    """Memory that one process may have: half of the machine's.

    It is set as RLIMIT_DATA (what is really allocated) because RLIMIT_AS counts reserved addresses too, of which
    numpy's and Arrow's allocators take far more than they use.
    """
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def processes_of_this_user() -> int:
    """How many processes and threads the user has now: without a user namespace, the limit counts them too.

    Root's are not counted, as the limit does not bind root.
    """
    user, count = os.getuid(), 0
    if user == 0:
        return 0
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            try:
                if entry.stat().st_uid == user:
                    count += os.stat(f"/proc/{entry.name}/task").st_nlink - 2
            except OSError:
                continue  # gone meanwhile
    return count
