"""Conductor: `%%conduct` turns a goal in a notebook cell into a graph of tasks and plays it with parallel workers.

::

    %load_ext conductor_magic

    %%conduct report --use sales --budget 2
    Find what drives churn in {sales.shape[0]} rows, check it, and write a one-page brief with two charts.

From Python: `run = conduct("goal", use={"sales": sales})`, then `run.wait()` or `await run`. Importing this package
loads neither the SDK nor the widget library; its names arrive when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from conductor_magic.imports import keep_workers_out

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from conductor_magic.api import conduct, go, load, resume
    from conductor_magic.errors import ConductorError, ConductUsageError, JournalDamaged
    from conductor_magic.result import ConductResult
    from conductor_magic.running import Run

__version__ = "0.1.0"

__all__ = [
    "ConductResult",
    "ConductUsageError",
    "ConductorError",
    "JournalDamaged",
    "Run",
    "conduct",
    "go",
    "load",
    "load_ipython_extension",
    "resume",
    "unload_ipython_extension",
]

_HOMES = {
    "ConductResult": "result",
    "ConductUsageError": "errors",
    "ConductorError": "errors",
    "JournalDamaged": "errors",
    "Run": "running",
    "conduct": "api",
    "go": "api",
    "load": "api",
    "resume": "api",
}

keep_workers_out()


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register `%%conduct` and `%conduct`; called by `%load_ext conductor_magic`."""
    from conductor_magic.magic import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again; called by `%unload_ext conductor_magic`. Runs that are under way go on."""
    from conductor_magic.magic import unregister

    unregister(shell)
