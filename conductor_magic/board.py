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
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conductor_magic.events import Record, WorkerEnded, WorkerTurn
from conductor_magic.journal import Journal
from conductor_magic.patches import diff
from conductor_magic.recording import Recording
from conductor_magic.replay import History, Moments
from conductor_magic.snapshot import Drawn, draw
from conductor_magic.state import RunState
from conductor_magic.transcript import input_text

__all__ = ["Board", "board_comms"]

Json = dict[str, Any]
Commands = Callable[[str, Json], Json | Awaitable[Json]]

TICK_SECONDS = 0.1
REFRESH_SECONDS = 10.0
"""How often the whole truth is sent although nobody asked: it mends a view whose own messages do not get through."""

PULSE_SECONDS = 4.0
"""How often something is sent while nothing happens: a page that hears nothing for long says the kernel is gone."""

LINE_LIMIT = 160
ROWS_LIMIT = 200
ROW_LIMIT = 4_000
INPUT_LIMIT = 2_000
_REMEMBERED = 256
_KEPT = 10 * LINE_LIMIT
"""Characters kept of a line: enough that a key in it is found whole, before the line is cut."""
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
        redact: takes secrets out of a streamed line; everything else has been through the journal.

    Attributes:
        widget: the anywidget instance, to be displayed.
        hello: set once a view showed itself: somebody is looking.
    """

    def __init__(self, commands: Commands, redact: Callable[[str], str] = str) -> None:
        self.hello = threading.Event()
        self._commands = commands
        self._redact = redact
        self._journal: Journal | Recording | None = None
        self._moments: Moments | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: Callable[[], None] = lambda: None
        self._timer: asyncio.TimerHandle | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._sent_at = float("-inf")
        self._refreshed_at = float("-inf")
        self._number = 0
        self._drawn: Drawn | None = None
        self._lines: dict[str, str] = {}
        self._new_lines: set[str] = set()
        self._finished_lines: set[str] = set()
        self._done: dict[str, Json] = {}
        self._awaited: dict[str, asyncio.Task[None]] = {}
        self._complained = False
        self._finished = False
        self.widget: Any = _widget_class()(self.whole)
        self.widget.on_msg(self._received)
        _boards.add(self)

    # --- fed by the run ----------------------------------------------------------------------------------------------

    def attach(self, journal: Journal | Recording, loop: asyncio.AbstractEventLoop) -> None:
        """Follow the journal; `loop` is the one that appends to it. From any thread, once."""
        self._journal, self._loop = journal, loop
        self._moments = Moments(History(journal.records))
        self._leave = journal.subscribe(self._changed)
        loop.call_soon_threadsafe(self._safely, self._begin)

    def detach(self) -> None:
        """Send the last snapshot and follow no longer; commands are still answered. From any thread, idempotent."""
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
        known = "" if worker in self._finished_lines else self._lines.get(worker, "")
        self._finished_lines.discard(worker)
        lines = [line for line in (known + _encodable(text)).splitlines() if line.strip()]
        line = lines[-1].lstrip()[-_KEPT:] if lines else ""
        self._lines[worker] = line + "\n" if text.endswith("\n") else line
        self._new_lines.add(worker)
        self._safely(self._schedule)

    def whole(self) -> Json:
        """What a view needs to draw the run as it was last sent."""
        lines = {worker: self._line(worker) for worker in self._lines}
        return {"n": self._number, "snapshot": self._drawn.json if self._drawn else {}, "lines": lines}

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
            self._finished_lines.add(record.event.worker)
        if isinstance(record.event, WorkerEnded):
            self._lines.pop(record.event.worker, None)
            self._finished_lines.discard(record.event.worker)
            self._new_lines.discard(record.event.worker)
        assert self._moments is not None
        self._moments.history.note(state)
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
        drawn = draw(self._journal.state, self._journal.now(), self._drawn)
        changes = diff(self._drawn.json if self._drawn else {}, drawn.json)
        lines = {worker: self._line(worker) for worker in self._new_lines}
        self._new_lines.clear()
        self._drawn = drawn
        self._number += 1
        return changes, lines

    def _line(self, worker: str) -> str:
        return self._redact(self._lines[worker].strip())[-LINE_LIMIT:]

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
            self._loop.call_soon_threadsafe(self._safely, lambda: self._handle(content))

    def _handle(self, message: Json) -> None:
        kind, name = str(message.get("kind", "")), str(message.get("id", ""))
        if kind in ("hello", "sync"):
            if kind == "hello":
                self.hello.set()
                self._respond(name, self._command(kind, {}))
            self.widget.send({"kind": "snap", **self.whole()})
            return
        if name in self._done:
            self._reply(name, self._done[name])
            return
        if name in self._awaited:
            return
        payload = message.get("payload")
        answer = self._command(kind, payload if isinstance(payload, dict) else {})
        if isinstance(answer, dict) and kind not in ("inspect", "moment", "report"):
            self._done[name] = answer
            while len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]
        self._respond(name, answer)

    def _command(self, kind: str, payload: Json) -> Json | Awaitable[Json]:
        try:
            answer = self._past(kind, payload) or self._commands(kind, payload)
        except Exception as error:  # noqa: BLE001 - the person is told instead
            return _failed(kind, error)
        if isinstance(answer, dict) and "detail" in answer:
            return {**answer, "detail": _cut(answer["detail"])}
        return answer

    def _respond(self, name: str, answer: Json | Awaitable[Json]) -> None:
        if isinstance(answer, dict):
            self._reply(name, answer)
        else:
            self._awaited[name] = asyncio.ensure_future(self._reply_later(name, answer))

    async def _reply_later(self, name: str, answer: Awaitable[Json]) -> None:
        try:
            found = await answer
        except Exception as error:  # noqa: BLE001 - as above
            found = _failed(name, error)
        finally:
            self._awaited.pop(name, None)
        self._safely(lambda: self._reply(name, found))

    def _past(self, kind: str, payload: Json) -> Json | None:
        """Answer what is asked of the run's past; None when the question is another."""
        if self._moments is None:
            return None
        if kind == "moment":
            return {"moment": self._moments.moment(payload)}
        seq = payload.get("seq")
        if kind == "inspect" and isinstance(seq, int):
            task = str(payload.get("task", ""))
            found = self._moments.inspect(task, seq)
            return {"detail": found} if found else {"error": f"There was no task {task} then."}
        return None

    def _reply(self, name: str, answer: Json) -> None:
        self.widget.send({**answer, "kind": "ack", "id": name})


_boards: weakref.WeakSet[Board] = weakref.WeakSet()


def board_comms() -> list[str]:
    """Ids of the comms of all boards in this process: what a `LiveChannel` routes, so that older boards live on."""
    return [board.widget.model_id for board in _boards if board.widget.comm is not None]


def _failed(what: str, error: Exception) -> Json:
    _log.debug("The board's command %r failed.", what, exc_info=error)
    return {"error": _encodable(f"This did not work: {type(error).__name__}: {error}")}


def _cut(detail: Mapping[str, Any]) -> Json:
    """An inspected task that fits the wire: each transcript's last rows, long texts cut, and how much is left out."""
    attempts: list[Json] = []
    for attempt in detail["attempt_list"]:
        rows = attempt["transcript"]
        kept = [_cut_row(row) for row in rows[-ROWS_LIMIT:]]
        attempts.append({**attempt, "transcript": kept, "earlier": len(rows) - len(kept)})
    return {**detail, "attempt_list": attempts}


def _cut_row(row: Mapping[str, Any]) -> Json:
    kept = {key: _shortened(value) for key, value in row.items() if key != "input"}
    return {**kept, "arguments": _shortened(input_text(row["input"]), INPUT_LIMIT)} if "input" in row else kept


def _shortened(value: object, limit: int = ROW_LIMIT) -> object:
    if not isinstance(value, str) or len(value) <= limit:
        return value
    return f"{value[:limit]}… ({len(value) - limit:,} more characters in the result)"


def _encodable(text: str) -> str:
    """The text without halves of characters, which no message can carry; what was recorded has none."""
    return text.encode("utf-8", "replace").decode()


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
