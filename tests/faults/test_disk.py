"""The disk fails a run's journal: the run stops and says so, nothing happens unrecorded, and it goes on later.

`make faults` fails every write of a small run; the ordinary run takes some of them.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load, resume
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RequestSent, ToolStarted, WorkerEnded
from conductor_magic.fold import fold
from conductor_magic.journal import is_open, read_records
from conductor_magic.run import Run
from tests.shell.conftest import Begin, begin, play
from tests.support.bad_disk import BadDisk, Fault, bad_disk
from tests.support.floor import Floor, done, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools

__all__ = ["begin", "play"]

GRAPH = {"a": (), "b": ("a",)}
WRITES = 56
"""At least so many records has the small run; it is looked at below."""

LARGE = {f"t{n}": (f"t{n - 4}",) if n > 4 else () for n in range(1, 21)}


class Models:
    """Each model answers by what it is shown, so it can be met anywhere in a conversation.

    Attributes:
        requests: how many came.
    """

    def __init__(self, graph: dict[str, tuple[str, ...]]) -> None:
        self.requests = 0
        self._graph = graph

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        self.requests += 1
        turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return (
                lay_out(self._graph, prefix="plan") if turn == 1 else text("Under way." if turn == 2 else "All of it.")
            )
        task = task_text(body)
        if turn == 1:
            return tools(("Glob", {"pattern": "*.md"}), ("Bash", {"command": f"echo {task} >> marks.txt"}), prefix=task)
        return done(task, turn, body)


@pytest.fixture
def disk() -> Iterator[BadDisk]:
    """The disk below the test."""
    with bad_disk() as disk:
        yield disk


def stopped(run: Run, disk: BadDisk) -> None:
    """Look at a run that the disk has failed: it stopped at once, it says so, and its record is whole and tells all."""
    assert run.done.wait(30)
    assert disk.failed_at is not None
    assert time.monotonic() - disk.failed_at < 2
    result = run.result()
    assert "\n" not in run.trouble
    assert f"then go on: %conduct resume {run.id}" in run.trouble
    assert (result.status, result.reason, run.state.status) == ("interrupted", run.trouble, "interrupted")
    records, tail = read_records(run.folder / "journal.jsonl")
    assert (records, tail) == (run._journal.records, b"")
    assert fold(records) == run._journal.state
    assert not is_open(run.folder / "journal.jsonl")
    loaded = load(run.id)
    assert (loaded.status, loaded.ended) == ("interrupted", None)


def nothing_unrecorded(run: Run, models: Models, marks: Path) -> None:
    """No request and no command happened whose record is not there."""
    kinds = [record.event for record in run._journal.records]
    assert models.requests <= sum(isinstance(event, RequestSent) for event in kinds)
    made = marks.read_text().split() if marks.exists() else []
    assert len(made) <= sum(isinstance(event, ToolStarted) and event.name == "Bash" for event in kinds)


def goes_on(run: Run, disk: BadDisk, marks: Path, graph: dict[str, tuple[str, ...]]) -> None:
    """Once the disk takes something again, the run comes to its end; no task and no command twice."""
    disk.mend()
    before = fold(read_records(run.folder / "journal.jsonl")[0])
    finished = {task.id: task.output for task in before.tasks.values() if task.status == "completed"}
    result = resume(run.id, quiet=True).wait(30)
    assert (result.status, result.answer, len(result)) == ("completed", "All of it.", len(graph))
    assert finished.items() <= {task.id: task.output for task in result}.items()
    ends = Counter(record.event.task for record in result.events if isinstance(record.event, WorkerEnded))
    assert set(ends.values()) == {1}
    made = Counter(marks.read_text().split()) if marks.exists() else Counter[str]()
    assert set(made.values()) <= {1}
    # A command that was cut is not made again without a person.
    assert len(made) + len(result.questions) >= len(graph)


def at(points: range, step: int, offset: int = 0) -> list[Any]:
    """The points as parameters; all but every `step`-th are left to `make faults`."""
    return [pytest.param(n, marks=[] if n % step == offset else pytest.mark.slow) for n in points]


@pytest.mark.parametrize("number", at(range(2, WRITES + 1), 13))
def test_the_disk_is_full_at_any_write(
    begin: Begin, disk: BadDisk, tmp_path: Path, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    """Whichever record does not fit: the run stops, loses nothing, and is resumed."""
    models, marks = Models(GRAPH), tmp_path / "workspace" / "marks.txt"
    disk.fail("full", number)
    run = begin(models)
    stopped(run, disk)
    assert len(run._journal.records) == number - 1
    assert "(No space left on device)" in run.trouble
    nothing_unrecorded(run, models, marks)
    goes_on(run, disk, marks, GRAPH)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", ["half", "broken"])
@pytest.mark.parametrize("number", at(range(3, WRITES, 9), 4, 1))
def test_a_write_that_breaks_off_is_taken_back(
    begin: Begin, disk: BadDisk, tmp_path: Path, fault: Fault, number: int
) -> None:
    """Half a record is no record, and a write that fails once is not tried again: what it left is not known."""
    models, marks = Models(GRAPH), tmp_path / "workspace" / "marks.txt"
    disk.fail(fault, number, once=True)
    run = begin(models)
    stopped(run, disk)
    assert len(run._journal.records) == number - 1
    nothing_unrecorded(run, models, marks)
    goes_on(run, disk, marks, GRAPH)


@pytest.mark.parametrize("number", at(range(2, 4), 2))
def test_a_sync_that_fails_once_is_not_made_up_for_by_the_next(
    begin: Begin, disk: BadDisk, tmp_path: Path, number: int
) -> None:
    """After it nothing is said to be on the disk, and no command runs that had to be recorded first."""
    models, marks = Models(GRAPH), tmp_path / "workspace" / "marks.txt"
    disk.fail("sync", number, once=True)
    run = begin(models)
    stopped(run, disk)
    assert "(Input/output error)" in run.trouble
    assert disk.syncs == number
    nothing_unrecorded(run, models, marks)
    goes_on(run, disk, marks, GRAPH)


def test_a_sync_that_fails_while_everybody_waits_stops_the_run(begin: Begin, disk: BadDisk) -> None:
    """Nobody has anything to record that could fail: the run stops all the same, and waits for no reply."""

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        disk.fail("sync", 1)
        return done(task, turn, body) if turn > 1 else text("Too late.", first_seconds=30)

    run = begin(Floor([lay_out({"a": ()}), text("Under way.")], worker))
    stopped(run, disk)


@pytest.mark.parametrize("point", at(range(1, 21), 20, 9))
def test_the_disk_is_full_at_twenty_points_of_a_larger_run(
    begin: Begin, disk: BadDisk, tmp_path: Path, point: int
) -> None:
    """Row P-LIF-002: it stops and says so, its journal is whole, and it is resumed when there is space."""
    models, marks = Models(LARGE), tmp_path / "workspace" / "marks.txt"
    disk.fail("full", 20 * point)
    run = begin(models, workers=6)
    stopped(run, disk)
    nothing_unrecorded(run, models, marks)
    goes_on(run, disk, marks, LARGE)


def test_a_run_that_cannot_be_recorded_from_the_start_is_refused(begin: Begin, disk: BadDisk, tmp_path: Path) -> None:
    """Before anything has happened a full disk is one line, and leaves no folder behind."""
    for fault in ("full", "sync"):
        disk.fail(fault, 1)
        with pytest.raises(ConductUsageError, match="takes no files"):
            begin(Models(GRAPH))
    assert not list((tmp_path / "data" / "runs").iterdir())


@pytest.mark.parametrize("fault", ["full", "sync"])
def test_a_disk_that_is_still_full_refuses_the_resumption(begin: Begin, disk: BadDisk, fault: Fault) -> None:
    """The run stays as it was, to the byte, and its torn tail where it is; later it goes on."""
    models = Models(GRAPH)
    disk.fail("full", 20)
    run = begin(models)
    stopped(run, disk)
    path = run.folder / "journal.jsonl"
    with path.open("ab") as file:
        file.write(b'{"sum":"0')
    content, requests = path.read_bytes(), models.requests
    for once in (True, False):
        disk.fail(fault, 1, once=once)
        with pytest.raises(ConductUsageError, match="takes no files"):
            resume(run.id, quiet=True)
    assert models.requests == requests
    assert path.read_bytes().startswith(content[: -len(b'{"sum":"0')])
    assert fold(read_records(path)[0]) == run._journal.state
    disk.mend()
    result = resume(run.id, quiet=True).wait(30)
    assert result.status == "completed"
    torn = [note for note in result.notes if "cut short" in note]
    assert len(torn) == 1
    assert (run.folder / "journal.torn-1").read_bytes() == b'{"sum":"0'


def test_the_end_of_a_run_may_be_what_the_disk_fails(begin: Begin, disk: BadDisk) -> None:
    """The result is there, and nobody is told that its record is safe."""
    whole = begin(Models(GRAPH))
    assert whole.wait(30).status == "completed"
    assert len(whole._journal.records) >= WRITES
    run = begin(Models(GRAPH), begin=False)
    # The end is recorded and synced in one go: the last sync of all is made to fail.
    run._journal.subscribe(lambda record, state: disk.fail("sync", 1) if state.ended else None)
    run.begin()
    result = run.wait(30)
    assert result.status == "completed"
    assert "may not be on the disk" in run.trouble


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """What a tool cannot keep is told to its worker, and the task goes on; when the record is full too, the run stops.

    With room on that disk it comes to its end.
    """
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    home.mkdir()
    workspace.mkdir()
    (workspace / "noise.png").write_bytes(noise(480))
    told: list[str] = []

    def models(body: dict[str, Any], number: int) -> Answer:
        turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return lay_out({"a": ()}) if turn == 1 else text("Under way." if turn == 2 else "All of it.")
        if turn == 2:
            told.append(str(body["messages"][-1]["content"]))
        look = ("Read", {"file_path": "noise.png"}) if turn == 1 else ("Glob", {"pattern": "*.md"})
        return tools(look, words="far too much " * 10_000, prefix=f"t{turn}") if turn < 6 else done("a", turn, body)

    with MessagesServer(models) as server:
        program = [sys.executable, "-m", "tests.faults.small_disk", str(home), str(workspace)]
        ended = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", *program],
            env={**os.environ, "ANTHROPIC_BASE_URL": server.url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.stderr == ""
    full, whole = map(json.loads, ended.stdout.splitlines())
    assert full[0] == "interrupted"
    assert "(No space left on device). All until then is kept. Make room there" in full[1]
    assert whole[:2] == ["completed", ""]
    assert whole[2] > full[2]
    assert "'is_error': True" in told[0] and "Read broke off: No space left on device" in told[0]


def noise(side: int) -> bytes:
    """A picture that does not get smaller."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + os.urandom(3 * side) for _ in range(side)))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
