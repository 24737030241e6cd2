"""Looks at a recorded run in every way that a person can, goes on with it, and keeps what came of both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conductor_magic.api import load, opened, resume
from conductor_magic.board_view import ReplayView
from conductor_magic.commands import run_command
from conductor_magic.errors import ConductorError
from conductor_magic.journal import NAME
from conductor_magic.report.html import board_html
from conductor_magic.result import ConductResult
from conductor_magic.snapshot import inspect_all, snapshot
from tests.support.messages_server import MessagesServer

__all__ = ["Played", "play"]

Json = dict[str, Any]


@dataclass
class Played:
    """A reading of a row that was played.

    Attributes:
        folder: the run's.
        reading: how the row was read.
        before: the journal's bytes before anybody looked.
        looked: the same after it was loaded, shown and replayed.
        loaded: the result of the run as it lay there; None when it was refused.
        resumed: the result of the run that went on; None when that was refused.
        said: all lines that a person was told.
        drawn: every picture of it.
        requests: how many the models got.
        acts: programs that were started and connections that were made while it was looked at.
    """

    folder: Path
    reading: str = ""
    before: bytes = b""
    looked: bytes = b""
    loaded: ConductResult | None = None
    resumed: ConductResult | None = None
    said: list[str] = field(default_factory=list)
    drawn: str = ""
    requests: int = 0
    acts: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / NAME

    def attempt(self, what: Callable[[], Any]) -> Any:
        """Its value, or None when it was refused, in one line; any other error is one of ours."""
        try:
            return what()
        except (ConductorError, OSError) as error:
            self.said.append(" ".join(str(error).split()))
            return None


_watched: list[list[str]] = []


def _watch(event: str, arguments: Any) -> None:
    if _watched and event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "os.system"):
        _watched[-1].append(f"{event} {arguments}")


sys.addaudithook(_watch)


def play(row: Json, played: Played, models: MessagesServer) -> Played:
    """Look at the run in every way; then, if the row is about that, go on with it."""
    name = str(played.folder)
    requests = len(models.requests)
    _watched.append(played.acts)
    try:
        played.loaded = played.attempt(lambda: load(name))
        if played.loaded is not None:
            played.drawn = look(played, name)
    finally:
        _watched.pop()
    assert len(models.requests) == requests, "a model was asked by who only looks"
    if played.journal.is_file():
        played.looked = played.journal.read_bytes()
    if row["surface"] == "resume":
        going = played.attempt(lambda: resume(name, quiet=True))
        played.resumed = None if going is None else going.wait(60)
    played.requests = len(models.requests) - requests
    return played


def look(played: Played, name: str) -> str:
    """All that is drawn of the run, with what its artifacts hold."""
    assert played.loaded is not None
    folder, records, state, alive = opened(name)
    values = [played.attempt(lambda made=made: made.value) for made in played.loaded.artifacts.values()]
    bundles = [played.attempt(made._repr_mimebundle_) for made in played.loaded.artifacts.values()]
    replay = ReplayView(folder, records, state, alive=alive)
    shown = run_command(None, f"show {name}")  # pyright: ignore[reportArgumentType] - it needs no shell
    page = board_html(snapshot(state, state.at), inspect_all(state))
    previews = [replay._command("artifact", {"task": a.task, "name": a.name}) for a in state.artifacts.values()]
    for preview in previews:
        if not isinstance(preview, dict):
            preview.close()
    return "\n".join(map(str, [values, bundles, replay, shown, page, played.loaded.model_dump_json()]))
