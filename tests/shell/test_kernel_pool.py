"""The warm pool through real kernels: what is started ahead, for whom, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

from conductor_magic.errors import ConductUsageError
from conductor_magic.handed import HandedOver
from conductor_magic.notebook import export_variables
from conductor_magic.sandbox import Walls
from conductor_magic.tools.kernel import TaskKernel
from conductor_magic.tools.kernel_folders import new_folder
from conductor_magic.tools.kernel_pool import KernelPool
from tests.shell.conftest import Begin
from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, text, tools
from tests.support.tool_bench import ToolBench, processes_with


@pytest.fixture
def walls(tmp_path: Path) -> Walls:
    """Those of mode workspace."""
    return ToolBench(tmp_path / "bench").context.walls


@pytest.fixture
def handed(tmp_path: Path) -> Any:
    """One variable."""
    handed = export_variables(["a"], {"a": 5}, tmp_path / "variables")
    yield handed
    handed.close()


def play(pool: KernelPool, part: Callable[[], Awaitable[None]]) -> list[Path]:
    """Play a part, close the pool, and say what folders the pool's kernels had."""
    seen: list[Path] = []

    async def both() -> None:
        try:
            await part()
        finally:
            seen.extend(kernel.folder for kernel in pool.spare)
            await pool.aclose()

    asyncio.run(both())
    return seen


async def filled(pool: KernelPool) -> None:
    """Wait until the spare kernels have started."""
    assert pool._filling is not None
    await pool._filling


def left_of(folder: Path) -> tuple[bool, list[str]]:
    """Whether a kernel's folder and processes are still there."""
    return folder.exists(), processes_with(str(folder))


def test_with_variables_two_are_warm_and_each_taken_one_is_replaced(walls: Walls, handed: HandedOver) -> None:
    """A task takes a started kernel at once; nobody else gets it; two are warm again soon."""
    pool = KernelPool(walls, handed)
    taken: list[TaskKernel] = []

    async def part() -> None:
        pool.warm_up()
        await filled(pool)
        warm = list(pool.spare)
        began = time.monotonic()
        taken.append(pool.take())
        await taken[0].ready()
        assert time.monotonic() - began < 0.1
        assert taken[0] is warm[0]
        await filled(pool)
        assert pool.spare[0] is warm[1] and pool.spare[1] not in warm
        shown: list[str] = []
        await taken[0].execute("print(a)", 30, lambda kind, content: shown.append(content.get("text", "")))
        assert "".join(shown) == "5\n"
        await taken[0].aclose()

    for folder in play(pool, part):
        assert left_of(folder) == (False, [])
    assert left_of(taken[0].folder) == (False, [])


def test_without_variables_the_first_task_starts_the_spare(walls: Walls) -> None:
    """A run whose workers may never use Python starts nothing for it; then one is kept ahead."""
    pool = KernelPool(walls)

    async def part() -> None:
        pool.warm_up()
        assert pool.spare == []
        kernel = pool.take()
        await kernel.ready()
        await filled(pool)
        assert len(pool.spare) == 1
        await kernel.aclose()

    (folder,) = play(pool, part)
    assert left_of(folder) == (False, [])


def test_spares_wait_for_the_first_calls_of_tasks(
    walls: Walls, handed: HandedOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a task has just taken a kernel, no spare one takes the processor from it."""
    monkeypatch.setattr("conductor_magic.tools.kernel_pool._PAUSE_SECONDS", 3600.0)
    pool = KernelPool(walls, handed)

    async def part() -> None:
        kernels = [pool.take() for _ in range(2)]
        await asyncio.gather(*(kernel.ready() for kernel in kernels))
        assert pool.spare == []
        await asyncio.gather(*(kernel.aclose() for kernel in kernels))

    assert play(pool, part) == []


def test_nothing_runs_ahead_of_a_yes(walls: Walls, handed: HandedOver) -> None:
    """Where commands are asked as there are no walls, a kernel starts for the call that was admitted, and no other."""
    pool = KernelPool(replace(walls, kind="none", mode="ask"), handed)

    async def part() -> None:
        pool.warm_up()
        kernel = pool.take()
        await kernel.ready()
        assert pool.spare == []
        await kernel.aclose()

    assert play(pool, part) == []
    assert KernelPool(replace(walls, kind="none", mode="full"), handed)._wanted == 2


def test_closing_ends_what_is_still_starting(walls: Walls, handed: HandedOver) -> None:
    """The run may end a moment after it began."""
    pool = KernelPool(walls, handed)

    async def part() -> None:
        pool.warm_up()
        while not (pool.spare and processes_with(str(pool.spare[0].folder))):  # noqa: ASYNC110 - its process is there, and no more
            await asyncio.sleep(0.001)
        assert [kernel.starting is not None and not kernel.starting.done() for kernel in pool.spare] == [True]

    (folder,) = play(pool, part)
    assert left_of(folder) == (False, [])


def test_a_spare_that_died_is_no_loss(walls: Walls, handed: HandedOver) -> None:
    """The system may have killed it: the task's first call starts it again."""
    pool = KernelPool(walls, handed)

    async def part() -> None:
        pool.warm_up()
        await filled(pool)
        started = pool.spare[0]._started
        assert started is not None
        os.killpg(started.process.pid, signal.SIGKILL)
        await started.process.wait()
        kernel = pool.take()
        await kernel.ready()
        assert await kernel.execute("1", 30, lambda kind, content: None) == "done"
        await kernel.aclose()

    play(pool, part)


def test_what_cannot_start_is_told_to_the_task(walls: Walls, handed: HandedOver) -> None:
    """The pool gives up quietly; the call that needs a kernel hears why there is none."""
    pool = KernelPool(replace(walls, program="/nowhere/bwrap"), handed)

    async def part() -> None:
        pool.warm_up()
        assert pool._filling is not None
        await pool._filling
        assert pool.spare == []
        kernel = pool.take()
        with pytest.raises(FileNotFoundError):
            await kernel.ready()
        await kernel.aclose()

    assert play(pool, part) == []


KEEP_WARM = """
import asyncio, sys
from pathlib import Path
from conductor_magic.notebook import export_variables
from conductor_magic.sandbox import choose_walls
from conductor_magic.tools.kernel_pool import KernelPool

async def main():
    base = Path(sys.argv[1])
    pool = KernelPool(choose_walls(sys.argv[2], base, base / "data"), export_variables(["a"], {"a": 1}, base / "v"))
    pool.warm_up()
    while len(pool.spare) < 2 or not pool.spare[1].starting.done():
        await asyncio.sleep(0.01)
    print(*(kernel.folder for kernel in pool.spare), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["workspace", "full"])
def test_nothing_outlives_a_killed_notebook(tmp_path: Path, walls: Walls, mode: str) -> None:
    """Kernels die with the process that started them, with walls and without; the next run removes their folders."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", KEEP_WARM, str(tmp_path), mode]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as notebook:
        assert notebook.stdout is not None
        folders = [Path(name) for name in notebook.stdout.readline().split()]
        assert [bool(processes_with(str(folder))) for folder in folders] == [True, True]
        notebook.kill()
    by = time.monotonic() + 10
    while any(processes_with(str(folder)) for folder in folders) and time.monotonic() < by:
        pass  # the system tells nobody
    assert [processes_with(str(folder)) for folder in folders] == [[], []]
    # A process that is gone by its name may still hold the mark of its folder for a moment, and the pool of any other
    # notebook on this machine may tidy up before ours does.
    while any(folder.exists() for folder in folders) and time.monotonic() < by:
        KernelPool(walls)
    assert [left_of(folder) for folder in folders] == [(False, [])] * 2


def test_folders_in_use_are_left_alone(walls: Walls) -> None:
    """Those of a run of another notebook, or of this one."""
    folder, owner = new_folder()
    KernelPool(walls)
    assert folder.exists()
    owner.close()
    KernelPool(walls)
    assert not folder.exists()


def python_then_done(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """A worker that looks at the variable, and reports."""
    return tools(("Python", {"code": "print(a * 2)"})) if turn == 1 else text("It is ten.\nSTATUS: done")


def test_a_run_keeps_its_kernels_to_itself(begin: Begin) -> None:
    """Variables arrive through the pool of a whole run; when it is over no kernel, descriptor or folder is left."""
    floor = Floor([tools(create("a"), launch("a")), text("Done.")], python_then_done)
    run = begin(floor, variables={"a": 5})
    assert run._driver._means.kernels._handed is not None
    (shared,) = run._driver._means.kernels._handed.descriptors
    result = run.wait(60)
    (output,) = [block for block in floor.worker_requests[-1]["messages"][-1]["content"] if "content" in block]
    assert (result.status, output["content"]) == ("completed", "10")
    assert "`a`: int, sha256 begins " in json.dumps(floor.worker_requests[0])
    assert left_of(run.folder / "variables") == (False, [])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(shared)


def test_a_cancelled_run_leaves_no_kernel(begin: Begin) -> None:
    """Cancelled while the pool is starting: nothing of it is alive when the run is over, two seconds later at most."""
    asked, over = threading.Event(), threading.Event()

    def wait(task: str, turn: int, body: dict[str, Any]) -> Answer:
        asked.set()
        over.wait(30)
        return text("Late.")

    run = begin(Floor([tools(create("a"), launch("a")), text("Done.")], wait), variables={"a": 5})
    assert asked.wait(20)
    began = time.monotonic()
    run.cancel()
    assert run.wait(10).status == "cancelled"
    assert time.monotonic() - began < 2
    over.set()
    assert left_of(run.folder / "variables") == (False, [])


def test_kernels_start_while_a_large_variable_is_written(begin: Begin) -> None:
    """When the run begins a kernel is up already, and when something cannot be handed over none stays."""

    class Late:
        """Is written when the first kernel has started."""

        def __reduce__(self) -> tuple[Any, ...]:
            by = time.monotonic() + 20
            while not pools or not pools[0].spare or not pools[0].spare[0]._started:
                assert time.monotonic() < by, "no kernel was started"
            return int, ("5",)

    class Never(Late):
        """Waits for a kernel, and fails."""

        def __reduce__(self) -> tuple[Any, ...]:
            super().__reduce__()
            raise ValueError("not this one")

    pools: list[KernelPool] = []
    filled = KernelPool._fill

    def noted(pool: KernelPool) -> None:
        pools.append(pool)
        filled(pool)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KernelPool, "_fill", noted)
        floor = Floor([tools(create("a"), launch("a")), text("Done.")], python_then_done)
        assert begin(floor, variables={"a": Late()}).wait(60).status == "completed"
        pools.clear()
        with pytest.raises(ConductUsageError, match=r"Never cannot be handed to workers \(not this one\)"):
            begin(Floor([]), variables={"a": Never()})
        assert [left_of(kernel.folder) for kernel in pools[0].spare] == []
        assert pools[0]._handed is not None
        assert left_of(pools[0]._handed.folder.parent) == (False, [])


def test_an_interrupt_while_variables_are_written_leaves_nothing(begin: Begin, tmp_path: Path) -> None:
    """It comes out as it is; kernels, memory, the run's folder and its hold on the workspace are given back."""

    class Pressed:
        """Is interrupted while it is written."""

        def __reduce__(self) -> tuple[Any, ...]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(Floor([]), variables={"a": [numpy.zeros(1_000_000), Pressed()]})
    assert list((tmp_path / "data" / "runs").iterdir()) == []
    assert processes_with(str(tmp_path / "data")) == []
    floor = Floor([tools(create("a"), launch("a")), text("Done.")], python_then_done)
    assert begin(floor, variables={"a": 5}).wait(60).status == "completed"
