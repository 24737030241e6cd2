"""The Python front door: `conduct`, `go`, `resume` and `load`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conductor_magic.events import Record
    from conductor_magic.result import ConductResult
    from conductor_magic.run import Run
    from conductor_magic.state import RunState

__all__ = ["conduct", "go", "load", "opened", "resume"]


def conduct(
    goal: str,
    *,
    use: Mapping[str, object] | None = None,
    returns: Any = None,
    answers: Mapping[str, object] | None = None,
    **options: Any,
) -> Run:
    """Start a run and return at once; `run.wait()` or `await run` gives its result.

    Args:
        goal: what is to be done.
        use: notebook variables to hand to workers, by name.
        returns: a pydantic model or type that the answer is validated into.
        answers: what answers questions instead of a person.
        **options: the options of `%%conduct` by their long names (`workers=4`, `budget=None`, `mode="full"` …).

    Raises:
        ConductUsageError: a bad option or an empty goal; nothing was started.
    """
    from conductor_magic.option_checks import check_options
    from conductor_magic.plans import Plan, remember
    from conductor_magic.run import start

    checked = check_options(options)
    run = start(goal, checked, variables=use, returns=returns, answers=answers)
    if checked.mode == "plan":
        remember(Plan(run.folder, returns, answers))
    return run


def go(
    *,
    use: Mapping[str, object] | None = None,
    returns: Any = None,
    answers: Mapping[str, object] | None = None,
    **options: Any,
) -> Run:
    """Make a run of the last plan (`mode="plan"`) of this kernel, else of the data folder; returns at once.

    Args:
        use: the notebook variables that the plan was given, by name.
        returns: the type that the answer is validated into; what the plan was given, as long as this kernel lives.
        answers: what answers questions instead of a person; likewise.
        **options: what is to be other than the plan's: `mode`, `workers`, `budget`, `timeout`, `cap`, `quiet`.

    Raises:
        ConductUsageError: there is no plan, or it cannot be run so; nothing was started.
        JournalDamaged: the plan's journal is damaged in the middle.
    """
    from conductor_magic.plans import go
    from conductor_magic.settings import GOABLE

    return go(_changed(options, GOABLE), variables=use, returns=returns, answers=answers)


def resume(
    run: str,
    *,
    use: Mapping[str, object] | None = None,
    returns: Any = None,
    answers: Mapping[str, object] | None = None,
    **options: Any,
) -> Run:
    """Go on with a run whose kernel is gone, or that ended early; returns at once.

    Finished tasks keep their results and cost nothing again. What a crash cut short is made again where that is
    harmless; else a person is asked.

    Args:
        run: a run id, a unique prefix of one, a path, or `last`.
        use: the notebook variables that the run was given, by name.
        returns: a pydantic model or type that the answer is validated into.
        answers: what answers questions instead of a person.
        **options: what is to change: `budget`, `timeout` and `cap` (new totals), `mode`, `quiet`.

    Raises:
        ConductUsageError: there is no such run, it is going on, it is completed, or it cannot go on so.
        JournalDamaged: its journal is damaged in the middle.
    """
    from conductor_magic.run import resume
    from conductor_magic.settings import CHANGEABLE, find_run

    given = _changed(options, CHANGEABLE)
    return resume(find_run(run), given, variables=use, returns=returns, answers=answers)


def _changed(options: Mapping[str, Any], may: tuple[str, ...]) -> dict[str, object]:
    """The options, checked, if all of them may be said anew."""
    from conductor_magic.errors import ConductUsageError
    from conductor_magic.option_checks import check_option

    for name in options:
        if name not in may:
            raise ConductUsageError(f"{name} stays as the run began with it; what may change is {', '.join(may)}.")
    return {name: check_option(name, value) for name, value in options.items()}


def load(run: str, returns: Any = None) -> ConductResult:
    """The result of a recorded run.

    Args:
        run: a run id, a unique prefix of one, a path, or `last`.
        returns: the type to rebuild `value` with.

    Raises:
        ConductUsageError: there is no such run.
        JournalDamaged: its journal is damaged in the middle.
    """
    from conductor_magic.collections_off import no_collections
    from conductor_magic.result import result_of
    from conductor_magic.returns import ReturnType

    typed = None if returns is None else ReturnType(returns)
    with no_collections():
        folder, records, state, alive = opened(run)
        return result_of(records, state, folder, alive=alive, returns=typed)


def opened(run: str) -> tuple[Path, list[Record], RunState, bool]:
    """A recorded run's folder, its records, what they fold to, and whether it is going on.

    Args:
        run: a run id, a unique prefix of one, a path, or `last`.

    Raises:
        ConductUsageError: there is no such run, or nothing is recorded of it.
        JournalDamaged: its journal is damaged in the middle.
    """
    from conductor_magic.errors import ConductUsageError
    from conductor_magic.journal import NAME, is_open, read_state
    from conductor_magic.settings import find_run

    folder = find_run(run)
    # Asked first: a run that ends while its record is read would have neither an end in what was read nor a driver.
    alive = is_open(folder / NAME)
    records, state, _ = read_state(folder / NAME)
    if not records:
        raise ConductUsageError(f"Run {folder.name} has no whole record: it was stopped before it began.")
    return folder, records, state, alive
