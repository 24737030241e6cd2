"""Run one command inside the walls to its end: its output as it comes, a cap, a time limit, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.sandbox.ending import MARK, Ending
from conductor_magic.sandbox.walls import Walls

__all__ = ["Outcome", "Piped", "Started", "run", "start", "start_piped"]

_CHUNK = 1 << 16
_GONE_SECONDS = 10.0
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
        ending: Ending,
    ) -> None:
        self.process = process
        self.output = output
        self._transport = transport
        self._ending = ending

    async def end(self) -> None:
        """Kill it with all that it started, and wait until it is gone; harmless when it is gone already.

        Inside bubblewrap the process namespace dies with its first process, a moment after it; inside Landlock the
        keeper ends it all. Without walls the mark in the environment finds what has left the process group.

        Raises:
            TimeoutError: something does not die (it hangs in the system).
        """
        await self._ending.stop()
        await self.process.wait()
        self._transport.close()
        await self._ending.until_gone()


class Piped:
    """A command that is running inside the walls and is spoken to.

    Attributes:
        process: it.
        input: what is written here, it reads.
        output: what it writes.
        errors: what it complains about; must be read too, or it stops when this pipe is full.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: tuple[asyncio.StreamReader, asyncio.ReadTransport],
        errors: tuple[asyncio.StreamReader, asyncio.ReadTransport],
        ending: Ending,
    ) -> None:
        assert process.stdin is not None
        self.process = process
        self.input = process.stdin
        self.output = output[0]
        self.errors = errors[0]
        self._transports = (output[1], errors[1])
        self._ending = ending

    async def end(self) -> None:
        """Kill it with all that it started, and wait until it is gone; harmless when it is gone already.

        Raises:
            TimeoutError: something does not die (it hangs in the system).
        """
        await self._ending.stop()
        # Before the wait: asyncio's waits for its pipe to close too, which a child that left the group holds open.
        await self._ending.until_gone()
        self.input.close()
        for transport in self._transports:
            transport.close()
        async with asyncio.timeout(_GONE_SECONDS):
            await self.process.wait()


async def start(
    walls: Walls,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    pass_fds: Sequence[int] = (),
) -> Started:
    """Start a command in the workspace, inside the walls, with no input and its output in one pipe.

    Args:
        walls: where it runs.
        argv: the command.
        env: variables to add to the clean environment.
        readable: further files and folders that it may read.
        writable: further folders that it may write.
        pass_fds: descriptors that it inherits under the same numbers.
    """
    mark = secrets.token_hex(16)
    env = {**(env or {}), MARK: mark}
    launch = await asyncio.to_thread(walls.command, argv, env=env, readable=readable, writable=writable)
    # A pipe of our own: asyncio's `wait` would wait for its pipe to close, which a flood or a stray child prevents.
    ours, theirs = os.pipe()
    try:
        process, cancelled = await _created(
            asyncio.create_subprocess_exec(
                *launch.argv,
                cwd=walls.workspace,
                env=launch.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                pass_fds=(*pass_fds, *launch.descriptors),
            )
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        launch.close()
        os.close(theirs)
    ending = Ending(process, mark, launch.scratch, walls.guard)
    try:
        if cancelled:
            os.close(ours)
            raise cancelled
        return Started(process, *await _reader(ours), ending)
    except BaseException:
        await ending.stop()
        await ending.until_gone()
        raise


async def start_piped(walls: Walls, argv: Sequence[str], *, readable: Sequence[Path] = ()) -> Piped:
    """Start a command in the workspace, inside the walls, with a pipe for each of its three streams.

    Args:
        walls: where it runs.
        argv: the command.
        readable: further files and folders that it may read.
    """
    mark = secrets.token_hex(16)
    launch = await asyncio.to_thread(walls.command, argv, env={MARK: mark}, readable=readable)
    ours, theirs = zip(os.pipe(), os.pipe(), strict=True)
    try:
        process, cancelled = await _created(
            asyncio.create_subprocess_exec(
                *launch.argv,
                cwd=walls.workspace,
                env=launch.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=theirs[0],
                stderr=theirs[1],
                start_new_session=True,
                pass_fds=launch.descriptors,
            )
        )
    except BaseException:
        for pipe in ours:
            os.close(pipe)
        raise
    finally:
        launch.close()
        for pipe in theirs:
            os.close(pipe)
    ending = Ending(process, mark, launch.scratch, walls.guard)
    try:
        if cancelled:
            for pipe in ours:
                os.close(pipe)
            raise cancelled
        return Piped(process, await _reader(ours[0]), await _reader(ours[1]), ending)
    except BaseException:
        await ending.stop()
        await ending.until_gone()
        raise


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


async def _created(
    creating: Coroutine[Any, Any, asyncio.subprocess.Process],
) -> tuple[asyncio.subprocess.Process, asyncio.CancelledError | None]:
    """The process, whole, and the cancellation that came meanwhile: one that is half started would be left behind."""
    task, cancelled = asyncio.ensure_future(creating), None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    return task.result(), cancelled


async def _reader(pipe: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    """Read our end of a pipe in the loop; it is closed when that cannot be."""
    file = os.fdopen(pipe, "rb", buffering=0)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
    except BaseException:
        file.close()
        raise
    return reader, transport


async def _to_the_end(ending: object) -> None:
    """Finish killing even when the caller is cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(ending)  # type: ignore[arg-type]
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
