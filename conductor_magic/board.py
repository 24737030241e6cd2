"""The live board: the widget, what it is sent, and what a person does on it.

One way in, one way out. Out: the journal's state as `snapshot` JSON, whole when a view connects and as numbered
patches (`diff`) at most ten times a second between. In: commands with an id; each is acknowledged, and one that is
sent again because its acknowledgement was late takes effect once. All of it happens on the engine's loop.

Messages to a view: `{kind: "snap", n, snapshot, lines}`, `{kind: "patch", n, base, changes, lines}`,
`{kind: "ack", id, …}`. From a view: `{kind: "hello" | "sync" | "cancel" | "inspect" | "answer" | …, id, payload}`.

Importing this module loads no widget library; making a `Board` does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from conductor_magic.board_answers import Answers, Commands, encodable
from conductor_magic.board_lines import Lines
from conductor_magic.events import Record, WorkerEnded, WorkerTurn
from conductor_magic.journal import Journal
from conductor_magic.patches import diff
from conductor_magic.recording import Recording
from conductor_magic.redact import Redactor
from conductor_magic.replay import History, Moments
from conductor_magic.snapshot import Drawn, draw
from conductor_magic.state import RunState

__all__ = ["Board", "board_comms"]

Json = dict[str, Any]

TICK_SECONDS = 0.1
REFRESH_SECONDS = 10.0
"""How often the whole truth is sent although nobody asked: it mends a view whose own messages do not get through."""

PULSE_SECONDS = 4.0
"""How often something is sent while nothing happens: a page that hears nothing for long says the kernel is gone."""

_DETACH_SECONDS = 2.0
_SCRIPT = Path(__file__).parent / "static" / "board.js"
_log = logging.getLogger(__name__)


class Board:
    """A live view of one run.

    Args:
        commands: called on the engine's loop with what a person did: `hello` {}, `cancel` {}, `inspect` {task},
            `answer` {question, answers}, and those of `controls.CONTROLS`. What it returns goes back to the view;
            `{"error": "…"}` is a refusal; an awaitable is answered once it is there. What is asked of the run's past
            is answered here: `moment`, see `replay.Moments`, and `inspect` with a `seq`.
        redactor: takes secrets out of streamed lines; everything else has been through the journal.

    Attributes:
        widget: the anywidget instance, to be displayed.
        hello: set once a view showed itself: somebody is looking.
    """

    def __init__(self, commands: Commands, redactor: Redactor | None = None) -> None:
        self.hello = threading.Event()
        self._journal: Journal | Recording | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: Callable[[], None] = lambda: None
        self._timer: asyncio.TimerHandle | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._sent_at = float("-inf")
        self._refreshed_at = float("-inf")
        self._number = 0
        self._drawn: Drawn | None = None
        self._last: RunState | None = None
        self._lines = Lines(redactor or Redactor({}))
        self._answers = Answers(commands, self._reply)
        self._complained = False
        self._finished = False
        self.widget: Any = _widget_class()(self.whole)
        self.widget.on_msg(self._received)
        _boards.add(self)

    # --- fed by the run ----------------------------------------------------------------------------------------------

    def attach(self, journal: Journal | Recording, loop: asyncio.AbstractEventLoop) -> None:
        """Follow the journal; `loop` is the one that appends to it. From any thread, once."""
        self._journal, self._loop = journal, loop
        recorded = isinstance(journal, Recording)
        self._answers.moments = (
            Moments(journal.history, journal.state) if recorded else Moments(History(journal.records))
        )
        self._leave = journal.subscribe(self._changed)
        loop.call_soon_threadsafe(self._safely, self._begin)

    def detach(self, last: RunState | None = None) -> None:
        """Send the last snapshot and follow no longer; commands are still answered. From any thread, idempotent.

        Args:
            last: what the snapshot shows, where the journal could not take all that is to be told.
        """
        if last is not None and isinstance(self._journal, Journal):
            self._last = last
            self._answers.moments = Moments(History(self._journal.records), last)
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            inside = asyncio.get_running_loop() is loop
        except RuntimeError:
            inside = False
        if inside:
            self._safely(self._finish)
            return
        finished = threading.Event()
        loop.call_soon_threadsafe(lambda: (self._safely(self._finish), finished.set()))
        finished.wait(_DETACH_SECONDS)

    def say(self, worker: str, text: str) -> None:
        """Take a piece of what a worker's model or tool says; its last line is shown at the desk and kept nowhere."""
        self._lines.say(worker, encodable(text))
        self._safely(self._schedule)

    def whole(self) -> Json:
        """What a view needs to draw the run as it was last sent."""
        drawn = self._drawn  # a page may ask from another thread
        return {"n": self._number, "snapshot": drawn.json if drawn else {}, "lines": self._lines.all()}

    @property
    def is_open(self) -> bool:
        """Whether a page can still draw it."""
        return self.widget.comm is not None

    def close(self) -> None:
        """Take the board away, from the pages too; from any thread."""
        self.detach()
        # Every widget brings one for its size, which does not go with it.
        self.widget.layout.close()
        self.widget.close()
        self.widget.on_msg(self._received, remove=True)
        # What the board and the run hold of each other would keep both until the garbage is collected.
        self._journal = self._drawn = self._loop = None
        self._leave = lambda: None
        self._answers = Answers(lambda kind, payload: {}, self._reply)

    # --- on the engine's loop ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._finished:
            return
        if isinstance(self._journal, Journal):
            self._beat()
        self._send_whole()

    def _beat(self) -> None:
        assert self._loop is not None
        self._pulse = self._loop.call_later(PULSE_SECONDS, self._beat)
        self._safely(self._schedule)

    def _changed(self, record: Record, state: RunState) -> None:
        if isinstance(record.event, WorkerTurn):
            self._lines.begin_anew(record.event.worker)
        if isinstance(record.event, WorkerEnded):
            self._lines.forget(record.event.worker)
        assert self._answers.moments is not None
        self._answers.moments.history.note(state)
        self._safely(self._schedule)

    def _safely(self, step: Callable[[], object]) -> None:
        """A bug or a dead connection here costs a picture, never the run."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a view's bug must not reach the run
            _log.debug("The board could not be updated.", exc_info=True)
            if not self._complained:
                self._complained = True
                _log.warning("The board could not be updated (%s); the run goes on.", error)

    def _schedule(self) -> None:
        if self._timer is None and self._loop is not None:
            wait = max(0.0, self._sent_at + TICK_SECONDS - self._loop.time())
            self._timer = self._loop.call_later(wait, self._safely, self._tick)

    def _tick(self) -> None:
        self._timer = None
        assert self._loop is not None
        self._sent_at = self._loop.time()
        if self._sent_at - self._refreshed_at >= REFRESH_SECONDS:
            self._send_whole()
        else:
            self._send_patch()

    def _advance(self) -> tuple[list[list[Any]], dict[str, str]]:
        """Take the state as it is now; returns what changed since the last time."""
        assert self._journal is not None
        drawn = draw(self._last or self._journal.state, self._journal.now(), self._drawn)
        changes = diff(self._drawn.json if self._drawn else {}, drawn.json)
        lines = self._lines.fresh()
        self._drawn = drawn
        self._number += 1
        return changes, lines

    def _send_patch(self) -> None:
        base = self._number
        changes, lines = self._advance()
        self.widget.send({"kind": "patch", "n": self._number, "base": base, "changes": changes, "lines": lines})

    def _send_whole(self) -> None:
        assert self._loop is not None
        self._refreshed_at = self._loop.time()
        self._advance()
        self.widget.send_state("snap")

    def _finish(self) -> None:
        self._finished = True
        self._leave()
        for timer in (self._timer, self._pulse):
            if timer is not None:
                timer.cancel()
        self._timer = self._pulse = None
        self._send_whole()

    # --- from a view -------------------------------------------------------------------------------------------------

    def _received(self, widget: object, content: object, buffers: object) -> None:
        """Hand a view's message to the engine's loop, whichever thread it came in by."""
        if self._loop is not None and not self._loop.is_closed() and isinstance(content, dict):
            self._loop.call_soon_threadsafe(self._safely, lambda: self._take(content))

    def _take(self, message: Json) -> None:
        if message.get("kind") == "hello":
            self.hello.set()
        if message.get("kind") != "sync":
            self._answers.take(message)
        if message.get("kind") in ("hello", "sync"):
            self.widget.send({"kind": "snap", **self.whole()})

    def _reply(self, message: Json) -> None:
        self._safely(lambda: self.widget.send(message))


_boards: weakref.WeakSet[Board] = weakref.WeakSet()


def board_comms() -> list[str]:
    """Ids of the comms of all boards in this process: what a `LiveChannel` routes, so that older boards live on."""
    return [board.widget.model_id for board in _boards if board.is_open]


@cache
def _widget_class() -> type:
    """The widget's class, made when the first board is: anywidget brings all of ipywidgets along."""
    import anywidget
    import traitlets

    class ConductorBoard(anywidget.AnyWidget):
        """`snap` is the truth for a page that connects: worked out when it is asked for, so it is never old."""

        _esm = _SCRIPT.read_text("utf-8")
        snap = traitlets.Dict().tag(sync=True, to_json=lambda value, widget: widget.whole())

        def __init__(self, whole: Callable[[], Json]) -> None:
            self.whole = whole
            super().__init__()

    return ConductorBoard
