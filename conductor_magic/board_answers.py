"""What a view asks or does, answered: each command has an id, and takes effect once however often it is sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from conductor_magic.replay import Moments
from conductor_magic.transcript import input_text

__all__ = ["Answers", "Commands", "encodable"]

Json = dict[str, Any]
Commands = Callable[[str, Json], Json | Awaitable[Json]]

ROWS_LIMIT = 200
ROW_LIMIT = 4_000
INPUT_LIMIT = 2_000
_REMEMBERED = 256
_READS = ("hello", "inspect", "moment", "report")
"""What changes nothing: asked again, it is answered anew."""
_log = logging.getLogger(__name__)


class Answers:
    """Answers the commands of a board's views; lives on the engine's loop.

    Args:
        commands: does what a person did, or says what a view asks; see `board.Board`.
        send: sends a message to all views.

    Attributes:
        moments: what is known of the run's past; None before the board follows a run.
    """

    def __init__(self, commands: Commands, send: Callable[[Json], None]) -> None:
        self.moments: Moments | None = None
        self._commands = commands
        self._send = send
        self._done: dict[str, Json] = {}
        self._awaited: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    def take(self, message: Json) -> None:
        """Answer a command, once it is there; one that was answered before is answered alike."""
        kind, name = str(message.get("kind", "")), str(message.get("id", ""))
        if name in self._done:
            self._reply(name, self._done[name])
            return
        if name in self._awaited:
            return
        payload = message.get("payload")
        answer = self._command(kind, payload if isinstance(payload, dict) else {})
        if isinstance(answer, dict) and kind not in _READS:
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
        self._reply(name, found)

    def _past(self, kind: str, payload: Json) -> Awaitable[Json] | None:
        """Answer what is asked of the run's past, in a thread: a fold takes time. None when the question is another."""
        if self.moments is None:
            return None
        if kind == "moment":
            return self._in_turn(_moment, self.moments, payload)
        if kind == "inspect" and isinstance(payload.get("seq"), int):
            return self._in_turn(_inspected, self.moments, payload)
        return None

    async def _in_turn(self, find: Callable[[Moments, Json], Json], moments: Moments, payload: Json) -> Json:
        async with self._turn:
            return await asyncio.to_thread(find, moments, payload)

    def _reply(self, name: str, answer: Json) -> None:
        self._send({**answer, "kind": "ack", "id": name})


def _moment(moments: Moments, payload: Json) -> Json:
    return {"moment": moments.moment(payload)}


def _inspected(moments: Moments, payload: Json) -> Json:
    task = str(payload.get("task", ""))
    found = moments.inspect(task, payload["seq"])
    return {"detail": _cut(found)} if found else {"error": f"There was no task {task} then."}


def _failed(what: str, error: Exception) -> Json:
    _log.debug("The board's command %r failed.", what, exc_info=error)
    return {"error": encodable(f"This did not work: {type(error).__name__}: {error}")}


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


def encodable(text: str) -> str:
    """The text without halves of characters, which no message can carry; what was recorded has none."""
    return text.encode("utf-8", "replace").decode()
