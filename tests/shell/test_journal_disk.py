"""When the records of a run are on the disk: soon, whatever loops there are, and never said to be before they are."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from conductor_magic.events import RunNoted, RunStarted
from conductor_magic.journal import Journal, read_records
from conductor_magic.journal.disk import SYNC_SECONDS, GrowingFile, put_away
from tests.shell.conftest import Begin
from tests.support.bad_disk import bad_disk
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools

TAIL = b'{"sum":"0' + b"x" * 300


class HeldDisk:
    """A disk whose first sync takes as long as the test says, and fails if it says so.

    Attributes:
        sizes: of the file at each sync that went well, in bytes.
        tried: how many syncs began.
        entered: set when the first has begun.
        go_on: set by the test to end it.
        twice: set when two went well.
        fails: whether the first fails.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.tried = 0
        self.entered, self.go_on, self.twice = threading.Event(), threading.Event(), threading.Event()
        self.fails = False
        self._fdatasync = os.fdatasync

    def fdatasync(self, handle: int) -> None:
        """Stands for `os.fdatasync`."""
        self.tried += 1
        size = os.fstat(handle).st_size
        if not self.entered.is_set():
            self.entered.set()
            assert self.go_on.wait(10)
            if self.fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fdatasync(handle)
        self.sizes.append(size)
        if len(self.sizes) == 2:
            self.twice.set()


@pytest.fixture
def disk() -> Iterator[HeldDisk]:
    """The disk below the test."""
    disk = HeldDisk()
    with patch.object(os, "fdatasync", disk.fdatasync):
        yield disk


@pytest.fixture
def file(tmp_path: Path) -> Iterator[GrowingFile]:
    """An empty file that grows."""
    path = tmp_path / "grows"
    made = GrowingFile(path, os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), 0)
    yield made
    made.close()


async def until(event: threading.Event) -> None:
    """Wait for it without standing in the loop's way."""
    assert await asyncio.to_thread(event.wait, 10)


def test_what_the_loop_of_a_kernel_adds_is_on_the_disk_at_once(file: GrowingFile, disk: HeldDisk) -> None:
    """A loop that stands still until its cell is over syncs nothing, and the engine's cannot wait for its tasks."""
    disk.go_on.set()

    async def cell() -> None:
        file.add(b"begun\n")
        assert disk.sizes == [6]

    asyncio.run(cell())

    async def engine() -> None:
        file.drive(lambda fault: None)
        file.add(b"went on\n")
        assert disk.sizes == [6]
        await file.flushed()

    asyncio.run(engine())
    assert disk.sizes == [6, 14]


def test_a_cell_that_blocks_its_loop_does_not_keep_the_run_from_the_disk(
    begin: Begin, disk: HeldDisk, tmp_path: Path
) -> None:
    """All through the run its records reach the disk, though the thread that began it is not free until the end."""
    disk.go_on.set()
    synced: list[bool] = []

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        [journal] = tmp_path.glob("data/runs/*/journal.jsonl")
        end = time.monotonic() + 10
        while disk.sizes[-1:] != [journal.stat().st_size] and time.monotonic() < end:
            time.sleep(0.01)
        synced.append(time.monotonic() < end)
        return tools(("Glob", {"pattern": "*"}), prefix=f"t{turn}") if turn < 3 else done(task, turn, body)

    async def cell() -> str:
        run = begin(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], worker))
        return run.wait(60).status

    assert asyncio.run(cell()) == "completed"
    assert synced == [True, True, True]


def test_what_is_added_during_a_slow_sync_gets_one_of_its_own(file: GrowingFile, disk: HeldDisk) -> None:
    """The alarm for it goes off while the first is under way; nothing is added later that would set another."""

    async def engine() -> None:
        file.drive(lambda fault: None)
        file.add(b"one\n")
        await until(disk.entered)
        file.add(b"two\n")
        await asyncio.sleep(2 * SYNC_SECONDS)
        assert disk.tried == 1
        disk.go_on.set()
        await until(disk.twice)

    asyncio.run(engine())
    assert disk.sizes == [4, 8]


def test_a_sync_that_failed_is_known_to_who_closes_in_the_same_moment(file: GrowingFile, disk: HeldDisk) -> None:
    """A second sync would go well and say nothing of what the first lost; the fault is told once."""
    disk.fails = True
    told: list[int | None] = []
    heard = threading.Event()

    def hear(fault: OSError) -> None:
        told.append(fault.errno)
        heard.set()

    async def engine() -> None:
        file.drive(hear)
        file.add(b"lost\n")
        await until(disk.entered)
        disk.go_on.set()
        file.close()  # waits for the sync's end, before the loop hears of it
        assert file.fault is not None
        with pytest.raises(OSError, match="Input/output error"):
            await file.flushed()
        await until(heard)

    asyncio.run(engine())
    assert (disk.tried, disk.sizes, told) == (1, [], [errno.EIO])


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The journal of a run that nobody drives any more, with a torn tail that is longer than its records."""
    journal = Journal(tmp_path / "run")
    journal.append(RunStarted(run="r", goal="g"))
    journal.append(RunNoted(text="It was told."))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(TAIL)
    return journal.path


def test_a_repair_that_fails_half_way_costs_no_whole_record(recorded: Path) -> None:
    """The torn tail is off and kept, the disk fails: nothing more is taken, and nothing more is cut off."""
    records, tail = read_records(recorded)
    assert tail == TAIL
    journal = Journal.go_on(recorded.parent)
    with bad_disk() as disk:
        disk.fail("sync", 1, once=True)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output error"):
                journal.append(RunNoted(text="On we go."))
    assert journal.fault is not None
    journal.close()
    assert read_records(recorded) == (records, b"")
    assert recorded.with_name("journal.torn-1").read_bytes() == TAIL


def test_what_another_process_left_is_put_on_the_disk_before_anything_is_added(recorded: Path, disk: HeldDisk) -> None:
    """Its last writer may have ended because the disk failed it: every byte is written again, then synced."""
    disk.go_on.set()
    whole = recorded.read_bytes().removesuffix(TAIL)
    with patch.object(os, "pwrite", wraps=os.pwrite) as written:
        journal = Journal.go_on(recorded.parent)
        journal.append(RunNoted(text="On we go."))
        journal.close()
    assert [call.args[1:] for call in written.call_args_list] == [(whole, 0)]
    assert disk.sizes == [len(whole), recorded.stat().st_size]


def test_a_new_file_is_on_the_disk_with_its_name(tmp_path: Path) -> None:
    """A file that was synced and whose folder was not is nowhere after a power cut."""
    synced: list[Path] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    with patch.object(os, "fsync", note):
        Journal(tmp_path / "run").close()
        assert synced == [tmp_path / "run", tmp_path]
        synced.clear()
        put_away(tmp_path / "kept", b"kept")
        assert synced == [tmp_path / "kept", tmp_path]
