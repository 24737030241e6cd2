"""One task's Python kernel: an ipykernel inside the walls, spoken to over sockets that are private to the task.

The kernel runs a worker's code, so nothing that it says is trusted: messages are size-limited by the socket,
malformed ones are dropped, and what it hands back is checked by `artifacts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.handed import HandedOver
from conductor_magic.sandbox import Started, Walls, start
from conductor_magic.tools.kernel_folders import font_list, new_folder, private_jupyter
from conductor_magic.tools.kernel_wire import Wire, new_connection

__all__ = ["KernelDied", "TaskKernel"]

OnMessage = Callable[[str, dict[str, Any]], None]

_READY_SECONDS = 120.0
_ASK_AGAIN_SECONDS = 1.0
_INTERRUPT_SECONDS = 3.0
"""How long code may take to stop once it is interrupted; then its process is ended."""

_LAST_OUTPUT_SECONDS = 5.0
"""How long output may follow the answer that the code has run."""

_HERE = Path(__file__).parent
_PROGRAM = (
    *(_HERE / f"kernel_{name}.py" for name in ("bootstrap", "outbox", "variables")),
    _HERE.parent / "frames",
)
"""What the kernel's process runs, the main file first."""


class KernelDied(ToolError):
    """The kernel's process ended while it was needed; its variables are lost."""


class TaskKernel:
    """The Python process of one task, started by `ready` and ended by `aclose`.

    Args:
        walls: where it runs.
        handed: the notebook's variables, or None.
        warm: it is started before anybody needs it, so it has time to import what the variables will need.

    Attributes:
        outbox: the folder that it hands files back through.
        lock: held while a call runs: a kernel runs one at a time.
        numbers: how many charts and tables of this task have been named so far.
        starting: the last start, under way or over; None before the first.
    """

    def __init__(self, walls: Walls, handed: HandedOver | None = None, *, warm: bool = False) -> None:
        self.folder, self._ownership = new_folder()
        self.outbox = self.folder / "outbox"
        self.lock = asyncio.Lock()
        self.numbers: dict[str, int] = {}
        self.starting: asyncio.Task[None] | None = None
        self._walls = walls
        self._handed = handed
        self._warm = warm
        self._started: Started | None = None
        self._wire: Wire | None = None
        self._helpers: list[asyncio.Task[None]] = []
        self._messages: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(1000)
        self._said = b""

    def start_soon(self) -> asyncio.Task[None]:
        """Begin to start, unless it is running; `ready` waits for it, and tells what went wrong."""
        alive = self._started is not None and self._started.process.returncode is None
        if self.starting is None or (self.starting.done() and not alive):
            self.starting = asyncio.ensure_future(self._start())
            self.starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self.starting

    async def ready(self) -> None:
        """Start the kernel unless it is running.

        Raises:
            ToolError: it does not start; says what it said.
            OSError: its process cannot be made.
        """
        starting = self.start_soon()
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await self.end()
            raise

    async def _start(self) -> None:
        await self._kill()
        io = self.folder / "io"
        for folder in (io, self.outbox):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        self._said = b""
        connection = new_connection(io)
        (io / "connection.json").write_text(json.dumps(connection))
        variables = [self._handed.folder] if self._handed else []
        packages = ",".join(self._handed.packages) if self._handed and self._warm else ""
        given = [_PROGRAM[0], io / "connection.json", self.outbox, packages, *variables]
        argv = [sys.executable, "-P", *map(str, given)]
        env = {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "MPLCONFIGDIR": str(font_list(io)),
            **private_jupyter(io),
        }
        self._started = await start(
            self._walls,
            argv,
            env=env,
            readable=[*_PROGRAM, *variables],
            writable=[io, self.outbox],
            pass_fds=self._handed.descriptors if self._handed else (),
        )
        self._wire = Wire(connection)
        self._helpers = [
            asyncio.ensure_future(self._watch(self._started)),
            *(asyncio.ensure_future(self._receive(channel)) for channel in ("shell", "iopub")),
        ]
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._wait_until_ready()
        except TimeoutError:
            await self._kill()
            raise ToolError(f"Python did not start within {_READY_SECONDS:g} s.") from None
        except BaseException:
            await self._kill()
            raise

    async def execute(self, code: str, seconds: float, on_message: OnMessage) -> str:
        """Run code and hand over the kernel's messages about it, as (type, content), as they come.

        Returns:
            `done`; `interrupted` when the time was up and the code stopped; `killed` when it did not.

        Raises:
            KernelDied: the process ended by itself.
        """
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        try:
            run = _Run(await self._open_wire().send("shell", "execute_request", content), on_message)
            if await self._until_done(run, seconds):
                return "done"
            await self._open_wire().send("control", "interrupt_request", {})
            if await self._until_done(run, _INTERRUPT_SECONDS):
                return "interrupted"
        except BaseException:
            await self.end()
            raise
        await self.end()
        return "killed"

    async def end(self) -> None:
        """Kill the process with all that it started, also while it is starting; the folder stays."""
        starting, self.starting = self.starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        await self._kill()

    async def _kill(self) -> None:
        if self._started is not None:
            await self._started.end()
            self._started = None
        for helper in self._helpers:
            helper.cancel()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        self._helpers = []
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        while not self._messages.empty():
            self._messages.get_nowait()

    async def aclose(self) -> None:
        """End the process and remove its folder."""
        await self.end()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self._ownership.close()

    async def _wait_until_ready(self) -> None:
        """Ask until an answer comes on both channels: the first answers may precede the subscription."""
        asked, answered = set[str](), set[str]()
        while answered != {"shell", "iopub"}:
            asked.add(await self._open_wire().send("shell", "kernel_info_request", {}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ASK_AGAIN_SECONDS):
                    while answered != {"shell", "iopub"}:
                        answered.add((await self._next(asked))[0])

    async def _until_done(self, run: _Run, seconds: float) -> bool:
        """Hand on messages until the run is over (True) or the time is (False)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while run.open_ends:
            if "shell" not in run.open_ends:
                deadline = min(deadline, loop.time() + _LAST_OUTPUT_SECONDS)
            try:
                async with asyncio.timeout_at(deadline):
                    channel, message = await self._next({run.request})
            except TimeoutError:
                return "shell" not in run.open_ends
            run.take(channel, message)
        return True

    async def _next(self, requests: set[str]) -> tuple[str, dict[str, Any]]:
        """The next message that answers one of these requests, or KernelDied."""
        while True:
            channel, message = await self._messages.get()
            if channel == "exit":
                raise KernelDied(self._last_words())
            if _text(message["parent_header"], "msg_id") in requests:
                return channel, message

    async def _watch(self, started: Started) -> None:
        """Tell of the process's end, after what it said before."""
        while chunk := await started.output.read(1 << 16):
            self._said = (self._said + chunk)[-4000:]
        await started.process.wait()
        await self._messages.put(("exit", {}))

    async def _receive(self, channel: str) -> None:
        while True:
            message = await self._open_wire().receive(channel)
            if message is not None:
                await self._messages.put((channel, message))

    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise KernelDied("The Python process was ended.")
        return self._wire

    def _last_words(self) -> str:
        code = self._started.process.returncode if self._started else None
        said = self._said.decode(errors="replace").strip()
        ended = (
            f"The Python process ended by itself (exit code {code}); all variables are lost, the next call starts anew."
        )
        return f"{ended}\n{said[-1500:]}".strip()


class _Run:
    """One execution: which ends of it are still open, and where its messages go."""

    def __init__(self, request: str, on_message: OnMessage) -> None:
        self.request = request
        self.open_ends = {"shell", "iopub"}
        self._on_message = on_message

    def take(self, channel: str, message: dict[str, Any]) -> None:
        kind, content = _text(message["header"], "msg_type"), message["content"]
        if kind == "execute_reply":
            self.open_ends.discard("shell")
        elif kind == "status" and content.get("execution_state") == "idle":
            self.open_ends.discard("iopub")
        elif channel == "iopub":
            self._on_message(kind, content)


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""
