"""Hands the notebook's variables to a run's kernels, and starts the first of them meanwhile."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conductor_magic.handed import HandedOver
from conductor_magic.loop import engine_loop
from conductor_magic.sandbox import Walls
from conductor_magic.tools.kernel_pool import KernelPool

__all__ = ["close_kernels", "hand_over"]

Json = dict[str, Any]
_CLOSING_SECONDS = 5.0


def hand_over(variables: Mapping[str, object] | None, folder: Path, walls: Walls) -> tuple[KernelPool, list[Json]]:
    """The run's kernels, and what a model is told of its variables.

    The first kernels start while the variables are still being written: a large frame takes as long as they do.

    Args:
        variables: by their names in the notebook.
        folder: the run's, which nobody else writes.
        walls: around the kernels.

    Raises:
        ConductUsageError: a variable cannot be handed over.
        OSError: nothing can be written there.
    """
    if not variables:
        return KernelPool(walls), []
    from conductor_magic.notebook import describe, export_variables

    place = folder / "variables"
    # A process that was killed left there what did not lie in memory, in a file that is written only once.
    shutil.rmtree(place, ignore_errors=True)
    pools: list[KernelPool] = []

    def warm_up(handed: HandedOver) -> None:
        pools.append(KernelPool(walls, handed))
        engine_loop().call_soon_threadsafe(pools[0].warm_up)

    try:
        handed = export_variables(list(variables), variables, place, warm_up)
        told = [{"name": one.name, "type": one.type, "text": describe(one)} for one in handed.variables]
    except BaseException:
        for pool in pools:
            close_kernels(pool)
        raise
    return pools[0], told


def close_kernels(kernels: KernelPool) -> None:
    """End them and give back what they were handed; blocks until they are gone, or for five seconds."""
    asyncio.run_coroutine_threadsafe(kernels.aclose(), engine_loop()).result(_CLOSING_SECONDS)
