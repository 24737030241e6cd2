"""A board and its static copy as the two outputs of a cell.

The static copy is an output of its own, because a reopened notebook cannot draw the live board any more; the board
hides it as long as it is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from conductor_magic.board import Board
from conductor_magic.events import Record
from conductor_magic.loop import engine_loop
from conductor_magic.recording import Recording
from conductor_magic.report.efficiency import efficiency
from conductor_magic.report.html import board_html
from conductor_magic.report.text import board_text
from conductor_magic.report.tokens import token_lines
from conductor_magic.snapshot import inspect_all, snapshot
from conductor_magic.state import RunState
from conductor_magic.views import VIEWS

__all__ = ["ReplayView", "keep_alive", "show_board"]

Json = dict[str, Any]
_MOST = 8
"""Boards of replays and of ended runs that stay alive in a notebook; of an older one its static copy is left."""
_shown: deque[Board] = deque()


def keep_alive(board: Board) -> None:
    """Let the board of a replay or an ended run live on, and take those away that came long before it."""
    _shown.append(board)
    while len(_shown) > _MOST:
        _shown.popleft().close()


def show_board(board: Board, run: str) -> Any:
    """Display the live board in the cell that runs now; gives its display handle."""
    from IPython.display import display

    drawn = board.widget._repr_mimebundle_()
    data, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
    # Where no widget can be drawn, this text is all that is seen of it.
    data = {**data, "text/plain": f"The live board of run {run}"}
    return display(data, metadata=metadata, raw=True, display_id=True)


class ReplayView:
    """The live board of a recorded run, to be scrubbed, played and inspected. What a notebook displays of it.

    Args:
        folder: the run's folder.
        records: its journal's records, at least one.
        state: what they fold to.
        alive: whether the run is still going somewhere.
    """

    def __init__(self, folder: Path, records: Sequence[Record], state: RunState, *, alive: bool) -> None:
        self._folder = folder
        self._recording = Recording(records, state, alive=alive)
        started = self._recording.state.started
        self.run = started.run if started else ""

    def _ipython_display_(self) -> None:
        from IPython import get_ipython  # pyright: ignore[reportPrivateImportUsage]
        from IPython.display import display

        if getattr(get_ipython(), "kernel", None) is None:
            print(repr(self))
            return
        board = Board(self._command)
        board.attach(self._recording, engine_loop())
        keep_alive(board)
        show_board(board, self.run)
        shown = self._picture()
        said = self._said()
        page = board_html(shown, inspect_all(self._recording.state), tokens=said)
        copy = {"text/html": page, "text/plain": board_text(shown, tokens=said)}
        display(copy, raw=True)

    def __repr__(self) -> str:
        return board_text(self._picture(), tokens=self._said())

    def _said(self) -> list[str]:
        return token_lines(efficiency(self._recording.records, self._recording.state))

    def _picture(self) -> Json:
        return snapshot(self._recording.state, self._recording.now())

    def _command(self, kind: str, payload: Json) -> Json | Awaitable[Json]:
        if kind == "hello":
            return {"recorded": True}
        if kind in VIEWS:
            return VIEWS[kind](self._recording.records, self._recording.state, self._folder, payload)
        return {"error": f"This is a recording of run {self.run}: nothing can be changed in it."}
