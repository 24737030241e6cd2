"""The board's data path: what a view is sent, and what becomes of what it sends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.board import TICK_SECONDS, Board, board_comms
from conductor_magic.board_answers import ROW_LIMIT, ROWS_LIMIT
from conductor_magic.events import (
    Event,
    RunEnded,
    RunNoted,
    RunStarted,
    TaskCreated,
    TaskLaunched,
    WorkerStarted,
    WorkerTurn,
)
from conductor_magic.journal import Journal
from conductor_magic.snapshot import snapshot
from tests.support.wire import View, press

Json = dict[str, Any]


def started() -> RunStarted:
    """The first event of a run."""
    return RunStarted(run="r", goal="Look", workers=2, budget=1.0)


def begin(journal: Journal, task: str) -> list[Event]:
    """A task, launched and taken by a worker."""
    return [
        TaskCreated(task=task, subject=f"Task {task}", description=""),
        TaskLaunched(task=task, prompt="", tier="sonnet"),
        WorkerStarted(worker=f"w{task}", task=task, attempt=1, desk=1, tier="sonnet", model="m", prompt="Do."),
    ]


def test_importing_the_board_loads_no_widget_library() -> None:
    """Only making one does."""
    code = (
        "import sys, conductor_magic.board as b; "
        "assert not {'anywidget', 'ipywidgets', 'traitlets'} & set(sys.modules); "
        "b.Board(lambda kind, payload: {}); assert 'anywidget' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_patches_lead_a_view_to_the_journals_state(tmp_path: Path, view: View) -> None:
    """A burst of events costs few messages, numbered without a gap, and the last picture is the state's."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        await view.until(lambda: view.snapshot.get("run", {}).get("goal") == "Look")
        begun = asyncio.get_running_loop().time()
        for number in range(1, 151):
            journal.append(TaskCreated(task=str(number), subject="A task", description=""))
            if number % 50 == 0:
                await view.until(lambda number=number: len(view.snapshot["order"]) == number)
        spent = asyncio.get_running_loop().time() - begun
        assert len(view.of("patch")) <= spent / TICK_SECONDS + 2
        board.detach()
        assert view.snapshot == snapshot(journal.state, view.snapshot["now"])
        journal.close()

    asyncio.run(main())


def test_the_last_picture_always_arrives_and_nothing_after_it(tmp_path: Path, view: View) -> None:
    """Events right before the end are in it, even when no tick came between; a second detach is harmless."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        board.attach(journal, asyncio.get_running_loop())
        journal.append(started())
        journal.append(RunEnded(status="completed", answer="Found."))
        board.detach()
        assert view.states[-1]["snapshot"]["run"]["answer"] == "Found."
        number = len(view.messages)
        journal.append(RunNoted(text="An afterthought"))
        await asyncio.sleep(2 * TICK_SECONDS)  # nothing may come: there is nothing to wait for
        assert len(view.messages) == number
        board.detach()
        press(board, kind="sync", id="")
        await view.until(lambda: view.of("snap"))
        assert view.of("snap")[-1]["snapshot"]["run"]["status"] == "completed"
        journal.close()

    asyncio.run(main())


def test_a_page_that_connects_gets_the_picture_of_now(tmp_path: Path, view: View) -> None:
    """The synced state is worked out when it is asked for, though it was sent long before."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        await view.until(lambda: view.snapshot)
        journal.append(TaskCreated(task="1", subject="Late", description=""))
        await view.until(lambda: view.snapshot["order"])
        assert view.states[-1]["snapshot"]["order"] == []
        assert board.widget.get_state("snap")["snap"]["snapshot"] == view.snapshot
        journal.close()

    asyncio.run(main())


def test_commands_run_on_the_loop_take_effect_once_and_are_acknowledged(tmp_path: Path, view: View) -> None:
    """From whatever thread they come; a repeated id gets the same answer; what fails or is nonsense says so."""

    async def main() -> None:
        loop, seen = asyncio.get_running_loop(), []

        def commands(kind: str, payload: Json) -> Json:
            seen.append((kind, payload, asyncio.get_running_loop() is loop))
            if kind == "answer":
                raise ValueError("no such question")
            return {"count": len(seen)}

        board, journal = Board(commands), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, loop)
        await view.until(lambda: view.snapshot)
        assert not board.hello.is_set()
        thread = threading.Thread(target=press, args=(board,), kwargs={"kind": "hello", "id": "a-1", "payload": {}})
        thread.start()
        await view.until(lambda: view.of("snap"))
        thread.join()
        assert board.hello.is_set()
        for _ in range(3):
            press(board, kind="cancel", id="a-2", payload={})
        press(board, kind="answer", id="a-3", payload={"question": "q1"})
        press(board, kind="inspect", id="a-4", payload="nonsense")
        board.widget._handle_custom_msg("nonsense", [])
        await view.until(lambda: len(view.of("ack")) == 6)
        assert seen == [
            ("hello", {}, True),
            ("cancel", {}, True),
            ("answer", {"question": "q1"}, True),
            ("inspect", {}, True),
        ]
        wrong = {"id": "a-3", "error": "This did not work: ValueError: no such question"}
        assert view.of("ack") == [
            {"id": "a-1", "count": 1}, *[{"id": "a-2", "count": 2}] * 3, wrong, {"id": "a-4", "count": 4}
        ]  # fmt: skip
        journal.close()

    asyncio.run(main())


def test_a_failing_board_takes_nothing_down_and_recovers(tmp_path: Path, view: View) -> None:
    """While the connection is gone the journal goes on; once it is back the view is brought up to date."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        await view.until(lambda: view.snapshot)
        view.broken = True
        journal.append(TaskCreated(task="1", subject="Unseen", description=""))
        board.say("w1", "unseen")
        press(board, kind="hello", id="b-1")
        await asyncio.sleep(2 * TICK_SECONDS)  # the failing tick tells nobody
        assert board.hello.is_set()
        view.broken = False
        press(board, kind="sync", id="")
        await view.until(lambda: view.snapshot["order"] == ["1"])
        journal.append(TaskCreated(task="2", subject="Seen", description=""))
        await view.until(lambda: view.snapshot["order"] == ["1", "2"])
        board.detach()
        journal.close()

    asyncio.run(main())


def test_streamed_text_shows_its_last_line_and_is_kept_nowhere(tmp_path: Path, view: View) -> None:
    """Pieces join to lines, a new turn begins anew, a long line keeps its end, and no record is written."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        journal.append(started())
        for event in begin(journal, "1"):
            journal.append(event)
        board.attach(journal, asyncio.get_running_loop())
        # A word that is not whole could be the beginning of a key.
        pieces = (("First li", "First"), ("ne\nSec", "First line"), ("ond\n", "Second"), ("Third of", "Third"))
        for piece, line in pieces:
            board.say("w1", piece)
            await view.until(lambda line=line: view.lines.get("w1") == line)
        journal.append(WorkerTurn(worker="w1", request="r1", content=(), stop="tool_use"))
        board.say("w1", "A new turn ")
        await view.until(lambda: view.lines["w1"] == "A new turn")
        board.say("w1", "x" * 500 + "end\n")
        await view.until(lambda: view.lines["w1"].endswith("end") and len(view.lines["w1"]) == 160)
        board.detach()
        assert not any("Third" in str(record) for record in journal)
        journal.close()

    asyncio.run(main())


def test_text_that_no_message_can_carry_costs_its_character_only(tmp_path: Path, view: View) -> None:
    """Half a surrogate pair in a title, a streamed piece or an error does not stop the board."""

    async def main() -> None:
        def commands(kind: str, payload: Json) -> Json:
            raise ValueError("half \ud83d error")

        board, journal = Board(commands), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        journal.append(TaskCreated(task="1", subject="half \ud83d title", description=""))
        board.say("w1", "half \ud83d line\n")
        press(board, kind="cancel", id="d-1")
        await view.until(lambda: view.snapshot.get("order") and view.lines and view.of("ack"))
        assert view.snapshot["tasks"]["1"]["subject"] == "half ? title"
        assert view.lines == {"w1": "half ? line"}
        assert view.of("ack") == [{"id": "d-1", "error": "This did not work: ValueError: half ? error"}]
        board.detach()
        journal.close()

    asyncio.run(main())


def test_an_inspected_task_is_cut_to_fit_the_wire(tmp_path: Path, view: View) -> None:
    """The last rows, long texts cut, both said; the prompt stays whole, for it is copied from there."""
    rows = [
        {"at": 1.0, "kind": "call", "name": "Write", "argument": "f", "input": {"content": "y" * 9_000}, "use": "u"}
    ] * 300
    rows.append({"at": 2.0, "kind": "said", "text": "z" * (ROW_LIMIT + 5)})
    detail = {"id": "1", "attempt_list": [{"id": "w1", "prompt": "p" * 50_000, "transcript": rows}]}

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {"detail": detail}), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        press(board, kind="inspect", id="c-1", payload={"task": "1"})
        await view.until(lambda: view.of("ack"))
        [attempt] = view.of("ack")[0]["detail"]["attempt_list"]
        assert (attempt["earlier"], len(attempt["transcript"])) == (301 - ROWS_LIMIT, ROWS_LIMIT)
        assert attempt["prompt"] == "p" * 50_000
        assert "input" not in attempt["transcript"][0]
        assert attempt["transcript"][-1]["text"] == "z" * ROW_LIMIT + "… (5 more characters in the result)"
        board.detach()
        journal.close()

    asyncio.run(main())


def test_the_end_may_come_from_another_thread(tmp_path: Path, view: View) -> None:
    """`detach` waits until the engine's loop has sent the last picture."""

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        await asyncio.to_thread(board.attach, journal, asyncio.get_running_loop())
        journal.append(started())
        await asyncio.to_thread(board.detach)
        assert view.states[-1]["snapshot"]["run"]["goal"] == "Look"
        assert board.widget.model_id in board_comms()
        journal.close()

    asyncio.run(main())


def test_a_quiet_run_is_heard_of_all_the_same(tmp_path: Path, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is sent every few seconds, so that a page can tell a run that thinks from a kernel that is gone."""
    monkeypatch.setattr("conductor_magic.board.PULSE_SECONDS", 0.05)

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {}), Journal(tmp_path)
        journal.append(started())
        board.attach(journal, asyncio.get_running_loop())
        await view.until(lambda: len(view.of("patch")) >= 3)
        assert view.snapshot["seq"] == 1
        board.detach()
        journal.append(RunNoted(text="unseen"))
        sent = len(view.messages)
        await asyncio.sleep(0.2)
        assert len(view.messages) == sent
        journal.close()

    asyncio.run(main())
