"""Run one command inside the walls to its end: its output as it comes, a cap, a time limit, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.sandbox.walls import Walls

__all__ = ["Outcome", "Started", "run", "start"]

_MARK = "CONDUCTOR_CALL"
_CHUNK = 1 << 16
_GONE_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.005
_AFTER_EXIT = 0.5
"""Seconds to read what is still in the pipe after the command has ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended.

    Attributes:
        output: what it wrote to stdout and stderr, as it came, at most the cap.
        code: its exit code (negative: the signal that ended it).
        timed_out: it was ended because its time was up.
        flooded: it was ended because it wrote more than the cap.
    """

    output: bytes
    code: int
    timed_out: bool = False
    flooded: bool = False


class Started:
    """A command that is running inside the walls."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: asyncio.StreamReader,
        transport: asyncio.ReadTransport,
        mark: str,
    ) -> None:
        self.process = process
        self.output = output
        self._transport = transport
        self._mark = mark

    async def end(self) -> None:
        """Kill it with all that it started, and wait until it is gone; harmless when it is gone already.

        Inside bubblewrap the process namespace dies with its first process, a moment after it. Without walls the
        mark in the environment finds what has left the process group.

        Raises:
            TimeoutError: something does not die (it hangs in the system).
        """
        _kill_group(self.process)
        await self.process.wait()
        self._transport.close()
        async with asyncio.timeout(_GONE_SECONDS):
            while await asyncio.to_thread(_kill_marked, self._mark):  # noqa: ASYNC110  # the system tells nobody
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def start(
    walls: Walls,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
) -> Started:
    """Start a command in the workspace, inside the walls, with no input and its output in one pipe."""
    mark = secrets.token_hex(16)
    command, environment = await asyncio.to_thread(
        walls.command, argv, env={**(env or {}), _MARK: mark}, readable=readable, writable=writable
    )
    # A pipe of our own: asyncio's `wait` would wait for its pipe to close, which a flood or a stray child prevents.
    ours, theirs = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=walls.workspace,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    output = asyncio.StreamReader()
    pipe = os.fdopen(ours, "rb", buffering=0)
    protocol = asyncio.StreamReaderProtocol(output)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    except BaseException:
        pipe.close()
        _kill_group(process)
        raise
    return Started(process, output, transport, mark)


async def run(
    walls: Walls,
    argv: Sequence[str],
    *,
    timeout: float,
    cap: int,
    on_output: Callable[[bytes], None] | None = None,
) -> Outcome:
    """Run a command to its end, its time limit, its output's cap, or the caller's cancellation.

    Args:
        walls: where it runs.
        argv: the command.
        timeout: seconds after which it is killed.
        cap: bytes of output after which it is killed.
        on_output: called with each piece of output as it comes.
    """
    started = await start(walls, argv)
    process, output = started.process, bytearray()

    async def read() -> None:
        while len(output) <= cap and (chunk := await started.output.read(_CHUNK)):
            output.extend(chunk)
            if on_output:
                on_output(chunk)

    deadline = asyncio.get_running_loop().time() + timeout
    reading, exited = asyncio.ensure_future(read()), asyncio.ensure_future(process.wait())
    try:
        # A child left in the background may hold the pipe open: the end of the command counts, not of the pipe.
        await asyncio.wait({reading, exited}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        flooded = len(output) > cap
        if not flooded and reading.done() and not exited.done():
            await asyncio.wait({exited}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        timed_out = not flooded and not exited.done()
        if not timed_out and not flooded and not reading.done():
            await asyncio.wait({reading}, timeout=_AFTER_EXIT)
            flooded = len(output) > cap
    finally:
        await _to_the_end(started.end())
        reading.cancel()
        await asyncio.gather(reading, exited, return_exceptions=True)
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    return Outcome(bytes(output[:cap]), code, timed_out, flooded)


async def _to_the_end(ending: object) -> None:
    """Finish killing even when the caller is cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(ending)  # type: ignore[arg-type]
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process that leads its own group, with the group.

    Not by `process.kill`: it looks whether the process has ended, and so takes the exit code from asyncio.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_marked(mark: str) -> bool:
    """Kill what still carries the mark in its environment; True when there was any."""
    needle = f"{_MARK}={mark}".encode()
    alive = False
    if not os.path.isdir("/proc/self"):
        return alive
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found = needle in file.read()
            if found:
                alive = True
                os.kill(int(name), signal.SIGKILL)
        except OSError:
            continue  # gone meanwhile, or another user's
    return alive
