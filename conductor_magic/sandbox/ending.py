"""How a command is ended with everything that it started, whichever walls it ran in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import time
from pathlib import Path

from conductor_magic.sandbox.guard import Guard

__all__ = ["MARK", "Ending"]

MARK = "CONDUCTOR_CALL"
"""The variable by which the processes of one command are known."""

_GONE_SECONDS = 10.0
_KEEPER_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.005
_DYING_MS = 100
_PIECE = 1 << 17


class Ending:
    """Ends one command.

    Args:
        process: what was started; it leads a process group of its own.
        mark: the value of `MARK` in its environment.
        scratch: its private folders, when a keeper (Landlock) is to remove them.
        guard: what must know how long it lives.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, mark: str, scratch: Path | None, guard: Guard | None
    ) -> None:
        self._process = process
        self._mark = mark
        self._scratch = scratch
        self._guard = guard
        if guard:
            guard.process_begins()

    def kill(self) -> None:
        """Kill it at once; a keeper is told to end its command instead."""
        self._signal(signal.SIGTERM if self._scratch else signal.SIGKILL)

    async def stop(self) -> None:
        """Kill it at once; a keeper gets the time to end its command and to clear up first."""
        if self._scratch:
            self.kill()
            deadline = asyncio.get_running_loop().time() + _KEEPER_SECONDS
            # Not by `wait`: asyncio's waits for pipes too, which a child that left the group may hold open.
            while self._process.returncode is None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        self._signal(signal.SIGKILL)

    async def until_gone(self) -> None:
        """Kill what carries the mark until nothing does, and remove what a killed keeper could not.

        A keeper that has ended by itself has left nothing.

        Raises:
            TimeoutError: something does not die.
        """
        code = self._process.returncode
        if not self._scratch or code is None or code < 0:
            await self._hunt()
        if self._guard:
            self._guard.process_ends()
            self._guard = None

    async def _hunt(self) -> None:
        async with asyncio.timeout(_GONE_SECONDS):
            while found := await asyncio.to_thread(_kill_marked, self._mark):
                await asyncio.to_thread(_wait_for, found)
        if self._scratch and self._scratch.exists():
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    def _signal(self, number: int) -> None:
        # Not by `process.kill`: it looks whether the process has ended, and so takes the exit code from asyncio.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _kill_marked(mark: str) -> list[int]:
    """Kill what still carries the mark in its environment: the processes that did."""
    needle, found = f"{MARK}={mark}".encode(), list[int]()
    if not os.path.isdir("/proc/self"):
        return found
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if needle in _read(f"/proc/{name}/environ"):
                found.append(int(name))
                os.kill(int(name), signal.SIGKILL)
        except OSError:
            continue  # gone meanwhile, or another user's
    return found


def _read(path: str) -> bytes:
    """A small file's content, more quickly than a file object gives it."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = b""
        while piece := os.read(file, _PIECE):
            content += piece
        return content
    finally:
        os.close(file)


def _wait_for(processes: list[int]) -> None:
    """Wait until killed processes are gone, or for a short while where the system does not tell."""
    if not hasattr(os, "pidfd_open"):
        time.sleep(_LOOK_AGAIN_SECONDS)
        return
    for process in processes:
        try:
            handle = os.pidfd_open(process)
        except OSError:
            continue
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        waiting.poll(_DYING_MS)
        os.close(handle)
