"""The other end of a board's comm: what a page is told, taken as a page takes it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comm
from comm.base_comm import BaseComm

from conductor_magic.board import Board
from conductor_magic.patches import patched

__all__ = ["View", "Wire", "press", "watched_wire"]

Json = dict[str, Any]


class Wire(BaseComm):
    """A comm whose other end is the test: the views that were there when it was made."""

    views: list[View] = []

    def __init__(self, *args: Any, **keys: Any) -> None:
        self._views = Wire.views
        super().__init__(*args, **keys)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        """Carry a message to all views, as JSON."""
        for view in self._views:
            view.take(self, msg_type, json.loads(json.dumps(data or {}, allow_nan=False)))


class View:
    """What `widgets/src/store.ts` does, in short; keeps every message."""

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self.states: list[Json] = []
        self.n = -1
        self.snapshot: Json = {}
        self.lines: Json = {}
        self.broken = False
        self.changed = threading.Condition()

    def take(self, wire: Wire, kind: str, data: Json) -> None:
        """Take what the wire carries; only the board's own comm is looked at."""
        if self.broken:
            raise OSError("the connection is gone")
        content = data.get("content", {}) if data.get("method") == "custom" else {}
        state = data.get("state", {}).get("snap") if data.get("method") == "update" or kind == "comm_open" else None
        with self.changed:
            if state is not None:
                self.states.append(state)
                content = {"kind": "snap", **state}
            elif content:
                self.messages.append(content)
            if content.get("kind") == "snap":
                self.n, self.snapshot, self.lines = content["n"], content["snapshot"], dict(content["lines"])
            if content.get("kind") == "patch":
                assert content["base"] == self.n
                self.n, self.snapshot = content["n"], patched(self.snapshot, content["changes"])
                self.lines.update(content["lines"])
            self.changed.notify_all()

    def of(self, kind: str) -> list[Json]:
        """The custom messages of a kind, without it."""
        return [
            {key: value for key, value in message.items() if key != "kind"}
            for message in self.messages
            if message["kind"] == kind
        ]

    async def until(self, holds: Callable[[], object], seconds: float = 10) -> None:
        """Wait until something holds; woken by messages."""

        def wait() -> None:
            with self.changed:
                assert self.changed.wait_for(holds, seconds), "this never came to hold"

        await asyncio.to_thread(wait)


@contextmanager
def watched_wire() -> Iterator[View]:
    """A view on every widget that is made meanwhile; `comm.create_comm` is the seam that kernels use themselves."""
    before, made = comm.create_comm, View()
    Wire.views = [made]
    comm.create_comm = Wire
    try:
        yield made
    finally:
        comm.create_comm = before
        Wire.views = []


def press(board: Board, **message: Any) -> None:
    """Let a view's message arrive, as ipywidgets hands it over."""
    board.widget._handle_custom_msg(message, [])
