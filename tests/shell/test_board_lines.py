"""The last line at a desk: what a worker's model and tools say as they say it, without secrets, kept nowhere."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from conductor_magic.board import Board
from conductor_magic.board_lines import LINE_LIMIT, Lines
from conductor_magic.events import RunStarted, TaskCreated, TaskLaunched, WorkerEnded, WorkerStarted
from conductor_magic.journal import Journal
from conductor_magic.redact import Redactor
from tests.shell.conftest import Begin
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.wire import View

SECRET = "sk-ant-" + "a1B2" * 60


def test_a_key_in_a_streamed_line_is_not_shown_nor_any_part_of_it(tmp_path: Path, view: View) -> None:
    """Also when it comes in pieces and is longer than the line that is shown."""

    async def main() -> None:
        board = Board(lambda kind, payload: {}, Redactor({"MY_TOKEN": "open sesame 42"}))
        journal = Journal(tmp_path)
        journal.append(RunStarted(run="r", goal="Look"))
        board.attach(journal, asyncio.get_running_loop())
        for piece in ("the key is ", SECRET[:100], SECRET[100:], " and open ses", "ame 42 done\n"):
            board.say("w1", piece)
        await view.until(lambda: view.lines.get("w1", "").endswith("done"))
        assert view.lines["w1"] == "the key is [redacted] and [redacted] done"
        board.say("w1", "x" * 500 + "\n")
        await view.until(lambda: view.lines["w1"].endswith("xxx"))
        assert len(view.lines["w1"]) == LINE_LIMIT
        assert not any("open ses" in str(message) for message in (*view.messages, *view.states))
        assert not any("a1B2a1B2" in str(message) for message in (*view.messages, *view.states))
        board.detach()
        journal.close()

    asyncio.run(main())


def test_the_line_of_a_worker_that_is_done_is_forgotten(tmp_path: Path, view: View) -> None:
    """A run of thousands of workers does not carry a line of each to every page that connects."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        for event in (
            RunStarted(run="r", goal="Look"),
            TaskCreated(task="1", subject="One", description=""),
            TaskLaunched(task="1", prompt="", tier="sonnet"),
            WorkerStarted(worker="w1", task="1", attempt=1, desk=1, tier="sonnet", model="m", prompt="Do."),
        ):
            journal.append(event)
        board.attach(journal, asyncio.get_running_loop())
        board.say("w1", "I look ")
        await view.until(lambda: view.lines.get("w1") == "I look")
        ended = {"worker": "w1", "task": "1", "outcome": "completed", "output": "", "error": ""}
        journal.append(WorkerEnded.model_validate(ended))
        assert board.whole()["lines"] == {}
        board.detach()
        journal.close()

    asyncio.run(main())


def test_what_a_command_prints_is_shown_while_it_runs(begin: Begin, view: View) -> None:
    """A long command is no dark spot: its last line stands at the desk before it has ended."""

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        command = "echo half of it; for i in $(seq 200); do [ -e go ] && break; sleep 0.1; done"
        return tools(("Bash", {"command": command})) if turn == 1 else done(task, turn, body)

    run = begin(Floor([lay_out({"a": ()}), text("Under way."), text("Found.")], worker), quiet=False)
    asyncio.run(view.until(lambda: "half of it" in view.lines.values(), seconds=60))
    assert not run.done.is_set()
    started = run.state.started
    assert started is not None
    (Path(started.workspace) / "go").touch()
    assert run.wait(60).status == "completed"


def test_a_key_of_many_lines_is_not_shown_line_by_line() -> None:
    """Between its first and its last line nothing is; after it the lines are shown again."""
    lines = Lines(Redactor({}))
    shown: list[str] = []
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"
    for piece in ("Found it:\n", *key.splitlines(keepends=True), "and more\n"):
        lines.say("w1", piece)
        shown += lines.fresh().values()
    assert shown[0] == "Found it:"
    assert shown[-1] == "and more"
    assert not any("MII" in line or "hkiG" in line for line in shown)


def test_lines_can_be_read_while_they_change() -> None:
    """A page that connects asks for them from another thread."""
    lines = Lines(Redactor({}))
    stop = threading.Event()
    troubles: list[BaseException] = []

    def read() -> None:
        while not stop.is_set():
            try:
                lines.all()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                troubles.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20_000):
        lines.say(f"w{number % 50}", "a line\n")
        lines.forget(f"w{(number + 25) % 50}")
    stop.set()
    reader.join()
    assert troubles == []
