"""The kernels of one run: one or two are started ahead, so that a worker's first call need not wait for one.

A kernel serves one task and is never given to a second. What is started ahead runs inside the same walls, has the same
variables to load, and has run no code.
"""

from __future__ import annotations

import asyncio
import math

from conductor_magic.handed import HandedOver
from conductor_magic.sandbox import Walls
from conductor_magic.tools.kernel import TaskKernel
from conductor_magic.tools.kernel_folders import remove_abandoned

__all__ = ["KernelPool"]

_WITH_VARIABLES = 2
_WITHOUT = 1
_PAUSE_SECONDS = 2.0
"""How long after a kernel was taken the next is started: the task's first call needs the processor more."""


class KernelPool:
    """Gives each task its kernel.

    Args:
        walls: where kernels run.
        handed: the notebook's variables, or None; the pool gives them back when it is closed.

    Attributes:
        spare: kernels that are ready, or starting, and belong to no task yet.
    """

    def __init__(self, walls: Walls, handed: HandedOver | None = None) -> None:
        self.spare: list[TaskKernel] = []
        self._walls = walls
        self._handed = handed
        # Without walls each command needs a yes: nothing may run before it is given.
        may_run_ahead = walls.can_run and (walls.kind != "none" or walls.mode == "full")
        self._wanted = (_WITH_VARIABLES if handed else _WITHOUT) if may_run_ahead else 0
        self._last_taken = -math.inf
        self._filling: asyncio.Task[None] | None = None
        self._closed = False
        remove_abandoned()

    def warm_up(self) -> None:
        """Start kernels now if the run has variables, whose workers will surely use one; else the first task does."""
        if self._handed:
            self._fill()

    def take(self) -> TaskKernel:
        """A kernel for a task, ready or starting; the task closes it."""
        kernel = self.spare.pop(0) if self.spare else TaskKernel(self._walls, self._handed)
        kernel.start_soon()
        self._last_taken = asyncio.get_running_loop().time()
        self._fill()
        return kernel

    async def aclose(self) -> None:
        """End all kernels that no task has taken, also those that are still starting; idempotent."""
        self._closed = True
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        spare, self.spare = self.spare, []
        await asyncio.gather(*(kernel.aclose() for kernel in spare))
        if self._handed is not None:
            await asyncio.to_thread(self._handed.close)

    def _fill(self) -> None:
        if not self._closed and len(self.spare) < self._wanted and (self._filling is None or self._filling.done()):
            self._filling = asyncio.ensure_future(self._start_spares())

    async def _start_spares(self) -> None:
        """One after another, each when no task has taken one for a while."""
        now = asyncio.get_running_loop().time
        while len(self.spare) < self._wanted:
            if (pause := self._last_taken + _PAUSE_SECONDS - now()) > 0:
                await asyncio.sleep(pause)
                continue
            kernel = TaskKernel(self._walls, self._handed, warm=True)
            self.spare.append(kernel)
            starting = kernel.start_soon()
            await asyncio.wait([starting])
            if starting.cancelled() or starting.exception() is not None:
                # The task that needs one will be told why.
                if kernel in self.spare:
                    await kernel.aclose()
                    self.spare.remove(kernel)
                return
