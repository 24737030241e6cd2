"""What `%%conduct` does with a cell: check everything, start the run, show it, block until it ends, bind the result.

`play` does the same for a run that `%conduct resume` takes over, or that `%conduct go` makes of a plan.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from conductor_magic.errors import ConductUsageError
from conductor_magic.goal import fill_in
from conductor_magic.lines import parse_line
from conductor_magic.namespace import Named, look_up
from conductor_magic.option_checks import check_option, check_options
from conductor_magic.option_table import help_text
from conductor_magic.settings import Options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from conductor_magic.cell_view import View
    from conductor_magic.live import LiveChannel
    from conductor_magic.run import Run

__all__ = ["conduct_cell", "play"]

_EMPTY = "The goal is empty: write below the line what is to be done, as: Find what drives churn in sales.csv."
_SLICE_SECONDS = 0.2
# The promise is a usable kernel two seconds after an interrupt; what is left is for binding and the last picture.
_STOP_SECONDS = 1.7


def conduct_cell(
    shell: InteractiveShell, line: str, cell: str, defaults: Mapping[str, object], *, static: bool = False
) -> object:
    """Run a cell; gives its value: the result, or the `Run` with `--background`.

    Args:
        shell: the notebook's shell; its variables are read, and NAME is bound there.
        line: what stands behind `%%conduct`.
        cell: the goal.
        defaults: the options' defaults by their names in `Options`.
        static: whether only the static copy of the board stays when the run has ended.

    Raises:
        ConductUsageError: the line or the goal is off; nothing was started and nothing is bound.
        RunInterrupted: a person stopped the cell; the result so far is bound.
    """
    said = parse_line(line)
    if said.help:
        print(help_text())
        return None
    options = check_options({**defaults, **_over_defaults(said.given, defaults)})
    named = look_up(options, shell.user_ns)
    goal = fill_in(cell, shell.user_ns).strip()
    if not goal:
        raise ConductUsageError(_EMPTY)
    never_began = "Stopped before the run began: nothing was recorded."
    return play(shell, partial(_start, goal, options, named), options, static=static, never_began=never_began)


def _over_defaults(given: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """The line's options; models of tiers and caps that it does not name keep their defaults."""
    values = dict(given)
    for option in ("tiers", "cap"):
        before, named = defaults.get(option), values.get(option)
        if named is not None and isinstance(before, Mapping):
            values[option] = {**before, **_pairs(option, named)}
    return values


def _pairs(option: str, texts: object) -> Mapping[str, object]:
    pairs = check_option(option, texts)
    assert isinstance(pairs, dict)
    return pairs


def _start(goal: str, options: Options, named: Named, *, quiet: bool) -> Run:
    from conductor_magic.plans import Plan, remember
    from conductor_magic.run import start

    run = start(
        goal,
        replace(options, quiet=quiet),
        variables=named.variables,
        returns=named.returns,
        answers=named.answers,
        begin=False,
    )
    if options.mode == "plan":
        remember(Plan(run.folder, named.returns, named.answers))
    return run


def play(
    shell: InteractiveShell, prepare: Callable[..., Run], options: Options, *, static: bool, never_began: str
) -> object:
    """Begin a run, show it, block until it ends and bind its result; gives the cell's value.

    Args:
        shell: the notebook's shell.
        prepare: makes the run, not yet begun, and calls `hold_interrupts` once it exists; `quiet` says whether without
            a board.
        options: how it is shown, and the name that gets the result.
        static: whether only the static copy of the board stays when the run has ended.
        never_began: what a person is told who stops the cell while the run is being made.

    Raises:
        ConductUsageError: it could not be begun; nothing is bound.
        RunInterrupted: a person stopped the cell; the result so far is bound.
    """
    from conductor_magic.waiting import RunInterrupted, held_interrupts

    in_notebook = getattr(shell, "kernel", None) is not None
    # As soon as the run exists interrupts are counted: none may tear anything open, not its start, not its binding.
    with held_interrupts(later=True) as presses:
        try:
            from conductor_magic.cell_view import choose_view

            # A terminal cannot draw the board, and making one would load the widget library for nothing.
            run = prepare(quiet=options.quiet or not in_notebook)
        except OSError as error:
            raise ConductUsageError(f"The run cannot be recorded: {error}. See: %conduct doctor") from None
        except KeyboardInterrupt:
            raise RunInterrupted(never_began) from None
        if options.background and not presses[0]:
            _bind(shell, options, run)
            run.begin()
            return run
        view = choose_view(run, quiet=options.quiet, notebook=in_notebook, static=static)
        return _block(shell, run, options, view, presses)


def _block(shell: InteractiveShell, run: Run, options: Options, view: View, presses: list[int]) -> object:
    """Show the run and wait for its end; whatever happens, the run ends and its result is bound."""
    from conductor_magic.board import board_comms
    from conductor_magic.live import open_channel
    from conductor_magic.waiting import RunInterrupted

    begun = stopped = False
    with ExitStack() as stack:
        try:
            channel = stack.enter_context(open_channel(shell, run.loop))
            for comm_id in board_comms():
                channel.route(comm_id)
            view.show()
            begun = True
            run.begin()
            stopped = _wait(run, channel, view, presses)
        except BaseException as error:
            run.cancel("The cell was interrupted.")
            if not begun:
                run.begin()  # so that it ends as every run does: recorded, its lock given back
            run.done.wait(_STOP_SECONDS)
            if not isinstance(error, KeyboardInterrupt):
                _bind(shell, options, run.result())
                raise
            stopped = True
    result = run.result()
    # Bound before the last picture: one that takes long or fails keeps nothing from the person.
    _bind(shell, options, result)
    view.close()
    if run.trouble:
        print(run.trouble, file=sys.stderr)
    if stopped or presses[0]:
        bound = f"{options.name} holds" if options.name else f"%conduct show {run.id} gives"
        ended = "was cancelled" if result.status == "cancelled" else f"had ended already, {result.status}"
        raise RunInterrupted(f"Stopped: run {run.id} {ended}. {bound} what was done.")
    return result


def _wait(run: Run, channel: LiveChannel, view: View, presses: list[int]) -> bool:
    """Wait for the run's end, or for a little while after an interrupt; returns whether there was one.

    Presses between two slices, as while the board is drawn, are counted in `presses`.
    """
    from conductor_magic.waiting import wait_blocking

    stop_by: float | None = None

    def stop(_press: int) -> None:
        nonlocal stop_by
        if stop_by is None:
            stop_by = time.monotonic() + _STOP_SECONDS
            run.cancel("The cell was interrupted.")

    while not wait_blocking(run.done, channel, stop, timeout=_SLICE_SECONDS):
        if presses[0]:
            stop(presses[0])
        if stop_by is not None and time.monotonic() > stop_by:
            break
        view.update()
    return stop_by is not None


def _bind(shell: InteractiveShell, options: Options, value: Any) -> None:
    if options.name:
        shell.push({options.name: value})
