"""Prepares a run in the caller's thread and sets it going: a new one, or one whose process is gone.

`start` and `resume` do what can go wrong for a person's reasons (a bad name, an unpicklable variable, a locked
workspace) before anything exists or is changed; from then on nothing raises (`driving.py`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from conductor_magic import __version__
from conductor_magic.connect import capped_money, check_prices, connect, provider_of
from conductor_magic.driving import Means
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RunStarted
from conductor_magic.handing_over import close_kernels, hand_over
from conductor_magic.imports import keep_workers_out
from conductor_magic.journal import TOUCH_SECONDS, Journal
from conductor_magic.limits import EXPECTED_SECONDS, Limits
from conductor_magic.lock import WorkspaceLock
from conductor_magic.option_checks import check_option, check_workspace
from conductor_magic.redact import Redactor
from conductor_magic.resuming import (
    alone_from,
    check_mode,
    check_resumable,
    check_returns,
    check_variables,
    taken_over,
    what_to_tell,
)
from conductor_magic.returns import return_type
from conductor_magic.running import Run
from conductor_magic.sandbox import choose_walls
from conductor_magic.sandbox.ending import MARK
from conductor_magic.settings import SHARING, Options, data_folder, new_run_id
from conductor_magic.standing import denied_paths, standing_rules
from conductor_magic.state import RunState
from conductor_magic.waiting import hold_interrupts

__all__ = ["Run", "options_of", "resume", "start"]


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
    _check_not_a_worker()
    if not goal.strip():
        raise ConductUsageError("The goal is empty: write what is to be done.")
    typed = return_type(returns)
    workspace = Path(os.path.realpath(options.workspace or Path.cwd()))
    keep_workers_out(workspace)
    provider, note = provider_of(options.provider, os.environ)
    check_prices(provider, options.tiers, capped_money(options))
    data = data_folder()
    rules = standing_rules()
    run_id = new_run_id(time.time())
    folder = data / "runs" / run_id
    with _undone_when_it_fails(data) as undo:
        lock = WorkspaceLock.take(data, workspace, run_id, shared=options.mode in SHARING)
        undo.callback(lock.release)
        # Before anything else makes it: the parents of a folder are made with the usual mode.
        folder.mkdir(parents=True, mode=0o700)
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        walls = choose_walls(options.mode, workspace, data, denied_paths(rules))
        kernels, described = hand_over(variables, folder, walls)
        undo.callback(close_kernels, kernels)
        redactor = Redactor(os.environ)
        journal = Journal(folder, redactor=redactor)
        undo.callback(journal.close)
        journal.append(
            RunStarted(
                run=run_id,
                goal=redactor.text(goal.strip()),
                version=__version__,
                guide=options.guide,
                strategy=options.strategy,
                provider=provider,
                provider_note=note,
                workers=options.workers,
                mode=walls.mode,
                budget=options.budget,
                timeout=options.timeout,
                caps=options.caps,
                workspace=str(workspace),
                returns=typed.schema if typed else None,
                variables=tuple(redactor.json(described)),
                isolation=walls.kind,
                isolation_note=walls.reason,
                context_window=options.window,
                expected=dict(EXPECTED_SECONDS),
            )
        )
        run = Run(
            Means(
                folder=folder,
                journal=journal,
                options=options,
                walls=walls,
                kernels=kernels,
                lock=lock,
                rules=rules,
                redactor=redactor,
                returns=typed,
                answers=answers,
                limits=limits or Limits(),
                connector=connector,
            )
        )
    if begin:
        run.begin()
    return run


def resume(
    folder: Path,
    given: Mapping[str, object],
    *,
    variables: Mapping[str, object] | None = None,
    returns: object | None = None,
    answers: Mapping[str, object] | None = None,
    limits: Limits | None = None,
    connector: Callable[..., Any] = connect,
    begin: bool = True,
) -> Run:
    """Take over a run that nobody drives any more, and go on where its record ends.

    Args:
        folder: the run's.
        given: checked options that are to hold from now on, by their names in `Options`; the others stay.
        variables: the notebook variables that the run was given, by name.
        returns: the type that the answer is validated into.
        answers: what answers questions instead of a person.
        limits: limits that no option sets.
        connector: gives the model for a provider; the seam for tests.
        begin: False leaves it to the caller to `begin` it, once its board is on the screen.

    Raises:
        ConductUsageError: it cannot be resumed, or not so; the run is as it was.
        JournalDamaged: a record in the middle of its journal is not what was written; the file is as it was.
    """
    _check_not_a_worker()
    typed = return_type(returns)
    redactor = Redactor(os.environ)
    with _undone_when_it_fails(folder) as undo:
        journal = Journal.go_on(folder, redactor)
        undo.callback(journal.close)
        state = journal.state
        if state.started is None:
            raise ConductUsageError(f"Run {folder.name} has no whole record: it was stopped before it began.")
        options = options_of(folder.name, state, given)
        check_mode(state, folder.name, options.mode)
        alone = alone_from(state, journal.touched, TOUCH_SECONDS)
        check_resumable(state, folder.name, options.budget, options.timeout, options.caps, alone=alone)
        check_returns(folder.name, state.started.returns, typed.schema if typed else None)
        check_variables(folder.name, options.use, variables or {})
        workspace = check_workspace(options.workspace)
        keep_workers_out(workspace)
        provider, _ = provider_of(state.started.provider, os.environ)
        check_prices(provider, state.tiers, capped_money(options))
        rules, data = standing_rules(), data_folder()
        _check_out_of_reach(folder, workspace, data)
        lock = WorkspaceLock.take(data, workspace, folder.name, shared=options.mode in SHARING)
        undo.callback(lock.release)
        walls = choose_walls(options.mode, workspace, data, denied_paths(rules))
        kernels, described = hand_over({name: (variables or {})[name] for name in options.use}, folder, walls)
        undo.callback(close_kernels, kernels)
        run = Run(
            Means(
                folder=folder,
                journal=journal,
                options=options,
                walls=walls,
                kernels=kernels,
                lock=lock,
                rules=rules,
                redactor=redactor,
                returns=typed,
                answers=answers,
                limits=limits or Limits(),
                connector=connector,
            )
        )
        if run.board is not None:
            undo.callback(run.board.close)
        taking_over = taken_over(
            state,
            owner=f"process {os.getpid()}",
            away=time.time() - state.moment(journal.now()),
            alone=alone,
            budget=options.budget,
            timeout=options.timeout,
            caps=options.caps,
            walls=(walls.mode, walls.kind, walls.reason),
        )
        journal.mend()
        torn = sorted(path.name for path in folder.glob("journal.torn-*"))
        journal.append_together([taking_over, *what_to_tell(state, torn, list(redactor.json(described)))])
    if begin:
        run.begin()
    return run


@contextmanager
def _undone_when_it_fails(recorded_in: Path) -> Iterator[ExitStack]:
    """What is entered in the stack is done when the body raises: nothing that it opened stays open.

    From then on, or once the body is through, a cell's interrupts wait: none falls between a run and who is to have it.

    Args:
        recorded_in: the folder that is named when the disk does not take something.

    Raises:
        ConductUsageError: in place of an `OSError`.
    """
    with ExitStack() as undo:
        try:
            yield undo
        except OSError as error:
            raise _unwritable(recorded_in, error) from None
        finally:
            hold_interrupts()
        undo.pop_all()


def _check_not_a_worker() -> None:
    if MARK in os.environ:
        raise ConductUsageError("A worker cannot start a run of its own: ask for more work in your report.")


def _check_out_of_reach(folder: Path, workspace: Path, data: Path) -> None:
    """See to it that no worker can write the run's record: of the workspace only the data folder is closed to them."""
    real = folder.resolve()
    if real.is_relative_to(workspace) and not real.is_relative_to(data.resolve()):
        raise ConductUsageError(
            f"Run {folder.name} lies in its workspace, {workspace}, where its workers could change its record: "
            f"move {real} out of it, then resume it from there."
        )


def options_of(name: str, state: RunState, given: Mapping[str, object]) -> Options:
    """The options of a run that goes on: as it was started or last resumed, but for what is given now.

    No walls, once taken down, are down for good: mode `full` holds only where it is said again. What was planned is run
    in mode `workspace`.

    Raises:
        ConductUsageError: the record, which may be a stranger's, has options that no cell could have.
    """
    started = state.started
    assert started is not None
    kept: dict[str, object] = {
        "workers": started.workers,
        "use": tuple(str(variable.get("name", "")) for variable in started.variables),
        "mode": "workspace" if started.mode == "full" or state.status == "planned" else started.mode,
        "budget": state.budget,
        "timeout": started.timeout,
        "window": started.context_window,
        # Caps that are not named stay as they are.
        "cap": {**state.caps, **cast("Mapping[str, float | None]", given.get("cap", {}))},
        "guide": started.guide,
        "strategy": started.strategy,
        "tiers": state.tiers,
        "workspace": Path(started.workspace),
        "provider": started.provider,
    }
    given = {option: value for option, value in given.items() if option != "cap"}
    try:
        kept = {option: check_option(option, value) for option, value in kept.items() if option not in given}
    except ConductUsageError as error:
        raise ConductUsageError(f"Run {name} cannot go on as it is recorded: {error}") from None
    return Options(**{**kept, **given})  # pyright: ignore[reportArgumentType] - each was checked


def _unwritable(data: Path, error: OSError) -> ConductUsageError:
    return ConductUsageError(
        f"Runs are recorded in {data}, which takes no files ({error.strerror or error}). "
        "Make room or rights there, or set CONDUCTOR_HOME to another folder."
    )
