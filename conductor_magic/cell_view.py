"""How a blocking cell shows its run: the live board with a static copy, lines in a terminal, or nothing.

The static copy is only ever changed by its display id: a second `display` would land in whatever cell runs by then.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from conductor_magic.prompting import ask_at_prompt, has_prompt
from conductor_magic.report.html import board_html
from conductor_magic.report.text import board_text, progress_line
from conductor_magic.report.tokens import token_lines
from conductor_magic.report.words import clean, clock
from conductor_magic.snapshot import inspect_all, snapshot

if TYPE_CHECKING:
    from conductor_magic.run import Run

__all__ = ["View", "choose_view"]

_COPY_SECONDS = 5.0
_log = logging.getLogger(__name__)


def choose_view(run: Run, *, quiet: bool, notebook: bool, static: bool) -> View:
    """The view that fits.

    Args:
        run: prepared, not yet begun.
        quiet: nothing is to be shown.
        notebook: whether outputs go to a notebook; else to a terminal.
        static: whether only the static copy stays when the run has ended.
    """
    if quiet:
        return View()
    return _BoardView(run, static=static) if notebook and run.board is not None else _LinesView(run)


class View:
    """Shows nothing; what the others share: a picture that fails costs the picture, never the run."""

    def show(self) -> None:
        """Show the run before it begins."""
        self._safely(self._show)

    def update(self) -> None:
        """Bring the picture up to date if it is time; called a few times a second from the blocked thread."""
        self._safely(self._update)

    def close(self) -> None:
        """Show how the run ended."""
        self._safely(self._close)

    def _safely(self, step: Any) -> None:
        try:
            step()
        except Exception:  # noqa: BLE001 - logged, and the run goes on
            _log.exception("The run could not be shown; it goes on.")
            self._show = self._update = self._close = _nothing

    def _show(self) -> None:
        pass

    def _update(self) -> None:
        pass

    def _close(self) -> None:
        pass


def _nothing() -> None:
    pass


class _BoardView(View):
    """The live board, and below it the static copy."""

    def __init__(self, run: Run, *, static: bool) -> None:
        self._run = run
        self._static = static
        self._copied_seq = -1
        self._copied_at = 0.0
        self._copy: Any = None

    def _show(self) -> None:
        from IPython.display import display

        from conductor_magic.board_view import show_board

        assert self._run.board is not None
        board = show_board(self._run.board, self._run.id)
        # With `static` the copy takes the board's own place when all is over, and needs none below it.
        self._copy = board if self._static else display(self._picture(), raw=True, display_id=True)

    def _update(self) -> None:
        due = time.monotonic() - self._copied_at >= _COPY_SECONDS
        # Updating the board's own output in mid-run would tear the live board down.
        if due and not self._static and self._run.state.seq != self._copied_seq:
            self._copy.update(self._picture(), raw=True)

    def _close(self) -> None:
        self._copy.update(self._picture(opened=True), raw=True)

    def _picture(self, *, opened: bool = False) -> dict[str, str]:
        state = self._run.state
        self._copied_seq, self._copied_at = state.seq, time.monotonic()
        shown = snapshot(state, self._run.now())
        # What stays in the notebook can be inspected; while the run goes on, the live board can.
        details = inspect_all(state) if opened else {}
        # The cell's value, right below, shows the answer in full.
        said = token_lines(self._run.result().efficiency) if opened else []
        page = board_html(shown, details, fold_answer=True, tokens=said)
        return {"text/html": page, "text/plain": board_text(shown, tokens=said)}


class _LinesView(View):
    """A line for each thing that happens, for a terminal; questions are put at its prompt, if there is one."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._told = 0
        self._prompt = has_prompt()

    def _show(self) -> None:
        self._told = self._run.state.seq  # what an earlier process has done is told by the board and the result
        if self._prompt:
            self._run.attend()
        started = self._run.state.started
        if started is not None:
            for note in (started.provider_note, started.isolation_note):
                if note:
                    print(clean(note))

    def _update(self) -> None:
        self._tell()
        for question in self._run.state.open_questions if self._prompt else ():
            wrong = self._run.answer(question.id, ask_at_prompt(question))
            if wrong:
                print(wrong, flush=True)

    def _tell(self) -> None:
        shown = snapshot(self._run.state, self._run.now())
        for line in shown["tape"]:
            if line["seq"] > self._told:
                self._told = line["seq"]
                task = f"#{line['task']} " if line["task"] else ""
                text = " ".join(clean(line["text"]).split())
                print(f"{clock(line['at'] - shown['run']['started']):>6}  {task}{text}", flush=True)

    def _close(self) -> None:
        self._tell()
        print(progress_line(snapshot(self._run.state, self._run.now())), flush=True)
