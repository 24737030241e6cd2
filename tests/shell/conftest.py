"""Fixtures for tests of whole runs in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conductor_magic import assemble
from conductor_magic.option_checks import check_options
from conductor_magic.result import ConductResult
from conductor_magic.run import Run, start
from conductor_magic.tools.base import ToolContext, ToolResult
from tests.support.floor import Floor
from tests.support.messages_server import MessagesServer
from tests.support.walls import KINDS
from tests.support.wire import View, watched_wire

Begin = Callable[..., Run]
Play = Callable[..., ConductResult]
Use = Callable[..., None]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds of walls, one after the other."""
    return request.param


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin a run against a scripted floor, over real HTTP; ended and cleaned up with the test."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "data"))
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    runs: list[Run] = []
    with ExitStack() as stack:

        def begin_run(floor: Floor, goal: str = "Do it.", **options: Any) -> Run:
            server = stack.enter_context(MessagesServer(floor, models=options.pop("models", None)))
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            direct = {
                name: options.pop(name)
                for name in ("variables", "returns", "answers", "limits", "begin", "connector")
                if name in options
            }
            checked = check_options({"quiet": True, "workspace": str(workspace), **options})
            runs.append(start(goal, checked, **direct))
            return runs[-1]

        yield begin_run
        for run in runs:
            run.cancel()
            assert run.done.wait(10), f"run {run.id} did not stop"


@pytest.fixture
def play(begin: Begin) -> Play:
    """Play a whole run and give its result."""

    def play_run(floor: Floor, goal: str = "Do it.", **options: Any) -> ConductResult:
        return begin(floor, goal, **options).wait(300)

    return play_run


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], MessagesServer]]:
    """Serve the run from here on by a handler."""
    with ExitStack() as stack:

        def serve(handler: Any) -> MessagesServer:
            server = stack.enter_context(MessagesServer(handler))
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            return server

        yield serve


@pytest.fixture
def view() -> Iterator[View]:
    """A view on every widget that the test makes."""
    with watched_wire() as view:
        yield view


@pytest.fixture
def odd_tool(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Give the workers one more tool, `Odd`, that does what the test says."""
    given = assemble.worker_tools

    def use(run: Callable[[Any, ToolContext], Awaitable[ToolResult]], *, repeatable: bool = True) -> None:
        odd = SimpleNamespace(
            name="Odd", description="odd", input_schema={"type": "object"}, repeatable=repeatable, run=run
        )
        monkeypatch.setattr(assemble, "worker_tools", lambda read_only: {**given(read_only), "Odd": odd})

    return use
