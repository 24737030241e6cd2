"""The last plan (`--mode plan`), and a new run made of it: `%conduct go`.

The plan's folder stays as it is. The new run has the plan's records under an id of its own, and goes on with them as
any run that is resumed: the conductor keeps its conversation, the tasks keep their ids, tiers and prompts.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.durable import keep_names
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import Record, RunStarted
from conductor_magic.journal import NAME, decode, encode, is_open, read_state
from conductor_magic.journal.disk import put_away
from conductor_magic.option_checks import check_workspace
from conductor_magic.resuming import check_resumable, check_returns, check_variables
from conductor_magic.returns import return_type
from conductor_magic.run import Run, options_of, resume
from conductor_magic.settings import find_run, new_run_id, run_folders, runs_folder
from conductor_magic.state import RunState

__all__ = ["Plan", "go", "last_plan", "remember"]

_AGAIN = "Plan again with --mode plan."


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan.

    Attributes:
        folder: of the run that made it.
        returns: the type that its cell named, as long as this kernel lives.
        answers: the answers that its cell named, as long as this kernel lives.
    """

    folder: Path
    returns: object | None = None
    answers: Mapping[str, object] | None = None


_made: list[Plan] = []
"""The plan that this kernel has begun last; empty before the first."""


def remember(plan: Plan) -> None:
    """Note a plan that this kernel makes."""
    _made[:] = [plan]


def go(
    given: Mapping[str, object],
    *,
    variables: Mapping[str, object] | None = None,
    returns: object | None = None,
    answers: Mapping[str, object] | None = None,
    begin: bool = True,
) -> Run:
    """Make a new run of the last plan, and set it going.

    Args:
        given: checked options that are to hold instead of the plan's, by their names in `Options`.
        variables: the notebook variables that the plan was given, by name.
        returns: the type that the answer is validated into; the plan's by default.
        answers: what answers questions instead of a person; the plan's by default.
        begin: False leaves it to the caller to `begin` it, once its board is on the screen.

    Raises:
        ConductUsageError: there is no plan, or it cannot be run so; nothing was started and nothing is left behind.
        JournalDamaged: the plan's journal is damaged.
    """
    if given.get("mode") == "plan":
        raise ConductUsageError("The plan is there: give go a mode in which workers run, or none for workspace.")
    plan, records, state = last_plan()
    name = plan.folder.name
    returns = plan.returns if returns is None else returns
    options = options_of(name, state, given)
    typed = return_type(returns)
    assert state.started is not None
    check_resumable(state, name, options.budget, options.timeout, options.caps, "%conduct go")
    check_returns(name, state.started.returns, typed.schema if typed else None)
    check_variables(name, options.use, variables or {}, "go")
    check_workspace(options.workspace)
    try:
        folder = _begin_from(records, new_run_id(time.time()), options.workers)
    except OSError as error:
        why = error.strerror or error
        raise ConductUsageError(f"The run cannot be recorded in {runs_folder()}: {why}.") from None
    try:
        return resume(
            folder,
            given,
            variables=variables,
            returns=returns,
            answers=plan.answers if answers is None else answers,
            begin=begin,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def last_plan() -> tuple[Plan, list[Record], RunState]:
    """The last plan of this kernel, else of the data folder; its records, and what they fold to.

    Raises:
        ConductUsageError: there is none, it is not done, or it came to nothing.
        JournalDamaged: its journal is damaged.
    """
    plan = next((made for made in _made if made.folder.parent == runs_folder()), None)
    if plan is None:
        found = next(filter(_is_plan, reversed(run_folders())), None)
        if found is None:
            raise ConductUsageError("There is no plan yet: %%conduct --mode plan makes one.")
        plan = Plan(found)
    name = find_run(plan.folder.name).name
    if is_open(plan.folder / NAME):
        raise ConductUsageError(f"The plan of run {name} is still being made: wait for its end, or cancel it.")
    records, state, _ = read_state(plan.folder / NAME)
    if not state.ended:
        raise ConductUsageError(f"The plan of run {name} was cut short: %conduct resume {name} makes the rest of it.")
    if state.status != "planned":
        what = "has no tasks" if not state.tasks else f"came to nothing ({state.status}: {state.end_reason})"
        raise ConductUsageError(f"The last plan, of run {name}, {what}. {_AGAIN}")
    return plan, records, state


def _is_plan(folder: Path) -> bool:
    """Whether a run was begun to make a plan: what was made of one has a parent."""
    try:
        with (folder / NAME).open("rb") as file:
            first = decode(file.readline(), 1)
    except OSError:
        return False
    event = first.event if first else None
    return isinstance(event, RunStarted) and event.mode == "plan" and event.parent is None


def _begin_from(records: list[Record], run: str, workers: int) -> Path:
    """Make the folder of a new run that has a plan's records; gives the folder.

    Args:
        records: the plan's.
        run: the new run's id.
        workers: how many work at once.

    Raises:
        OSError: the disk does not take it.
    """
    first = records[0]
    assert isinstance(first.event, RunStarted)
    began = first.event.model_copy(update={"run": run, "parent": first.event.run, "workers": workers})
    folder = runs_folder() / run
    folder.mkdir(parents=True, mode=0o700)
    try:
        put_away(folder / NAME, b"".join(map(encode, [Record(first.seq, first.at, began), *records[1:]])))
        keep_names(folder.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder
