"""Prepares a run in the caller's thread and sets it going.

`start` does what can go wrong for a person's reasons (a bad name, an unpicklable variable, a locked workspace) before
anything exists; from then on nothing raises (`running.py`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conductor_magic import __version__
from conductor_magic.connect import check_prices, connect, provider_of
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RunStarted
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.lock import WorkspaceLock
from conductor_magic.redact import Redactor
from conductor_magic.returns import return_type
from conductor_magic.running import Run
from conductor_magic.sandbox import choose_walls
from conductor_magic.settings import Options, data_folder, new_run_id

__all__ = ["Run", "start"]

Json = dict[str, Any]


def start(
    goal: str,
    options: Options,
    *,
    variables: Mapping[str, object] | None = None,
    returns: object | None = None,
    answers: Mapping[str, object] | None = None,
    limits: Limits | None = None,
    connector: Callable[..., Any] = connect,
    begin: bool = True,
) -> Run:
    """Prepare a run and set it going.

    Args:
        goal: what is to be done, braces filled in already.
        options: checked options.
        variables: notebook variables to hand to workers, by name.
        returns: the type that the answer is validated into.
        answers: what answers questions instead of a person.
        limits: limits that no option sets.
        connector: gives the model for a provider; the seam for tests.
        begin: False leaves it to the caller to `begin` it, once its board is on the screen.

    Raises:
        ConductUsageError: nothing was started and nothing is left behind.
    """
    if not goal.strip():
        raise ConductUsageError("The goal is empty: write what is to be done.")
    typed = return_type(returns)
    workspace = Path(os.path.realpath(options.workspace or Path.cwd()))
    provider, note = provider_of(options.provider, os.environ)
    check_prices(provider, options.tiers, options.budget)
    data = data_folder()
    run_id = new_run_id(time.time())
    folder = data / "runs" / run_id
    try:
        lock = WorkspaceLock.take(data, workspace, run_id, shared=options.mode == "read-only")
    except OSError as error:
        raise _unwritable(data, error) from None
    try:
        # Before anything else makes it: the parents of a folder are made with the usual mode.
        folder.mkdir(parents=True, mode=0o700)
        walls = choose_walls(options.mode, workspace, data)
        described = _hand_over(variables, folder)
        redactor = Redactor(os.environ)
        journal = Journal(folder)
        journal.append(
            RunStarted(
                run=run_id,
                goal=redactor.text(goal.strip()),
                version=__version__,
                guide=options.guide,
                provider=provider,
                provider_note=note,
                workers=options.workers,
                mode=options.mode,
                budget=options.budget,
                timeout=options.timeout,
                workspace=str(workspace),
                returns=typed.schema if typed else None,
                variables=tuple(redactor.json(described)),
                isolation=walls.kind,
                isolation_note=walls.reason,
            )
        )
        run = Run(
            run_id, folder, journal, options, walls, lock, redactor, typed, answers, limits or Limits(), connector
        )
    except BaseException as error:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(data, error) from None
        raise
    if begin:
        run.begin()
    return run


def _unwritable(data: Path, error: OSError) -> ConductUsageError:
    return ConductUsageError(
        f"Runs are recorded in {data}, which takes no files ({error.strerror or error}). "
        "Make room or rights there, or set CONDUCTOR_HOME to another folder."
    )


def _hand_over(variables: Mapping[str, object] | None, folder: Path) -> list[Json]:
    if not variables:
        return []
    from conductor_magic.notebook import describe, export_variables

    exported = export_variables(list(variables), variables, folder / "variables")
    return [{"name": variable.name, "type": variable.type, "text": describe(variable)} for variable in exported]
