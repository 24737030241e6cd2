"""Notebook variables for the tools of a test, as a run hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.handed import HandedOver
from conductor_magic.notebook import export_variables
from conductor_magic.tools.kernel_pool import KernelPool
from tests.support.tool_bench import ToolBench

__all__ = ["hand_over"]


def hand_over(bench: ToolBench, values: Mapping[str, Any]) -> HandedOver:
    """Give the bench's kernels these variables; they are given back when the bench is closed."""
    handed = export_variables(values, values, bench.data / "variables")
    pool = bench.context.services.kernels = KernelPool(bench.context.walls, handed)
    bench.context.services.closers.append(pool.aclose)
    return handed
