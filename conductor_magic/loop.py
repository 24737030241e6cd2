"""One event loop in one daemon thread, shared by all runs of this process: started with the first run.

The kernel's own thread blocks while a cell runs, so nothing of a run may live there.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from conductor_magic.imports import OUR_THREADS

__all__ = ["engine_loop"]

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def engine_loop() -> asyncio.AbstractEventLoop:
    """The engine's loop, running."""
    global _loop  # noqa: PLW0603 - one loop a process is the point
    with _lock:
        if _loop is None or _loop.is_closed():
            loop = asyncio.new_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix=f"{OUR_THREADS}helper"))
            threading.Thread(target=loop.run_forever, name=f"{OUR_THREADS}engine", daemon=True).start()
            _loop = loop
        return _loop
