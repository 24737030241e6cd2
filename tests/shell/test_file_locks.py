"""The locks of a record and of a workspace go with the process that took them, whatever else it left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RunNoted, RunStarted
from conductor_magic.journal import NAME, OWNER, Journal, is_open, read_records
from conductor_magic.lock import WorkspaceLock

HOLD = """
import ctypes, os, sys
from contextlib import suppress
from pathlib import Path
from conductor_magic.events import RunNoted, RunStarted
from conductor_magic.journal import Journal
from conductor_magic.lock import WorkspaceLock
home, how = Path(sys.argv[1]), sys.argv[2]
journal = Journal(home / "run")
journal.append(RunStarted(run="run", goal="g"))
lock = WorkspaceLock.take(home, home / "workspace", "run", shared=False)
fork = {"no child": lambda: 1, "forked": os.fork, "forked below Python": ctypes.CDLL(None).fork}[how]
told, tell = os.pipe()
if fork() == 0:
    if how == "forked":
        with suppress(OSError):
            journal.append(RunNoted(text="what a child does with its copy reaches no file"))
        journal.close()
    os.write(tell, b".")
    os.read(int(sys.argv[3]), 1)
    os._exit(0)
os.close(tell)
assert how == "no child" or os.read(told, 1)
print("held", flush=True)
os.read(0, 1)
journal.close()
lock.release()
print("given back", flush=True)
os.read(0, 1)
"""


@contextmanager
def holding(home: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a record and a workspace, and perhaps has a child that ends with the test."""
    until, end = os.pipe()
    command = [sys.executable, "-c", HOLD, str(home), how, str(until)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "pass_fds": (until,)}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()
            os.close(end)
            os.close(until)


def take_both(home: Path) -> None:
    """Take record and workspace, as a resumption does; what lies above and below the workspace is free, too."""
    assert not is_open(home / "run" / NAME)
    for folder in (home / "workspace", home, home / "workspace" / "sub"):
        WorkspaceLock.take(home, folder, "again", shared=False).release()
    journal = Journal.go_on(home / "run")
    journal.append(RunNoted(text="On we go."))
    journal.close()
    records, tail = read_records(home / "run" / NAME)
    assert [record.event for record in records[1:]] == [RunNoted(text="On we go.")]
    assert (records[0].event.kind, tail) == ("run.started", b"")


@pytest.mark.parametrize("how", ["no child", "forked"])
def test_a_killed_owner_holds_nothing_whatever_it_forked(tmp_path: Path, how: str) -> None:
    """A worker process of a pool lives on when the kernel is killed; it does not keep the run from being resumed."""
    with holding(tmp_path, how) as owner:
        assert is_open(tmp_path / "run" / NAME)
        owner.kill()
        owner.wait()
        take_both(tmp_path)


@pytest.mark.parametrize("how", ["forked", "forked below Python"])
def test_what_is_given_back_is_free_whatever_was_forked(tmp_path: Path, how: str) -> None:
    """A child keeps the workspace from nobody once the run is over, not even one that Python did not fork."""
    with holding(tmp_path, how) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        with pytest.raises(ConductUsageError, match="Run run is working in"):
            WorkspaceLock.take(tmp_path, tmp_path / "workspace", "again", shared=False)
        with pytest.raises(ConductUsageError, match=f"Run run is going on in process {owner.pid}"):
            Journal.go_on(tmp_path / "run")
        os.write(owner.stdin.fileno(), b".")
        assert owner.stdout.readline() == "given back\n"
        take_both(tmp_path)


def test_a_lock_whose_process_is_gone_does_not_block_though_its_pid_lives(tmp_path: Path) -> None:
    """The number of a killed owner, which another process has by now, says nothing: only the lock does."""
    with holding(tmp_path, "no child") as owner:
        owner.kill()
        owner.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (tmp_path / "run" / OWNER).write_text(f"process {stranger.pid}")
        named = [content for lock in (tmp_path / "locks").iterdir() if (content := lock.read_text())]
        assert named == [f"run\0{tmp_path / 'workspace'}\0"]
        assert stranger.poll() is None
        take_both(tmp_path)
        assert (tmp_path / "run" / OWNER).read_text() == f"process {os.getpid()}"
        stranger.communicate(b"\n")


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        ("w/s", "w/s", "{w}/s"),
        ("w/s", "w/s/deep/er", "{w}/s, and {w}/s/deep/er lies in it"),
        ("w/s/deep/er", "w/s", "{w}/s/deep/er, which lies in {w}/s"),
        ("w/s", "w", "{w}/s, which lies in {w}"),
        ("w/s", "w/s2", None),
        ("w/s/a", "w/s/b", None),
    ],
)
def test_two_runs_do_not_write_one_below_the_other(tmp_path: Path, first: str, second: str, where: str | None) -> None:
    """The refused one is told whose folder is in the way; reading is free, and all is free afterwards."""
    held = WorkspaceLock.take(tmp_path, tmp_path / first, "first", shared=False)
    beside = WorkspaceLock.take(tmp_path, tmp_path / "elsewhere", "beside", shared=False)
    WorkspaceLock.take(tmp_path, tmp_path / second, "reads", shared=True).release()
    if where is not None:
        with pytest.raises(ConductUsageError) as refused:
            WorkspaceLock.take(tmp_path, tmp_path / second, "second", shared=False)
        assert str(refused.value).startswith(f"Run first is working in {where.format(w=tmp_path / 'w')}. Wait for it")
        held.release()
    again = WorkspaceLock.take(tmp_path, tmp_path / second, "second", shared=False)
    for lock in (again, beside, held):
        lock.release()


def related(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def test_of_many_that_take_folders_of_one_another_at_once_none_meet(tmp_path: Path) -> None:
    """One above the other is never held by two, and of those that are refused each is told who holds which folder."""
    folders = [tmp_path / name for name in ("a", "a/b", "a/b/c", "a/d")]
    holding: set[Path] = set()
    met: list[tuple[Path, Path]] = []
    told: list[str] = []
    go = threading.Barrier(len(folders) * 2)

    def work(folder: Path) -> None:
        go.wait()
        for _ in range(20):
            try:
                lock = WorkspaceLock.take(tmp_path, folder, folder.name, shared=False)
            except ConductUsageError as error:
                told.append(str(error))
                continue
            met.extend((folder, other) for other in list(holding) if related(folder, other))
            holding.add(folder)
            time.sleep(0.002)
            holding.discard(folder)
            lock.release()

    with ThreadPoolExecutor(len(folders) * 2) as pool:
        list(pool.map(work, folders * 2))
    assert met == []
    holders = "|".join(rf"Run {folder.name} is working in {folder}[,.]" for folder in folders)
    assert [text for text in told if not re.match(rf"{holders}|Another run had {tmp_path}", text)] == []


def test_who_is_refused_keeps_nothing(tmp_path: Path) -> None:
    """Who is refused for a folder above it gives back its own, and its share of what is above that."""
    above, below = tmp_path / "w", tmp_path / "w" / "s" / "t"
    held = WorkspaceLock.take(tmp_path, above, "above", shared=False)
    with pytest.raises(ConductUsageError, match="Run above is working"):
        WorkspaceLock.take(tmp_path, below, "below", shared=False)
    held.release()
    for folder in (below, below.parent, above):
        WorkspaceLock.take(tmp_path, folder, "again", shared=False).release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_named_and_no_run_is_said_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Looking at what is recorded there works; nothing is written where nobody could be kept out."""
    journal = Journal(tmp_path / "run")
    journal.append(RunStarted(run="run", goal="g"))
    journal.close()

    def without(handle: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", without)
    assert not is_open(tmp_path / "run" / NAME)
    said = rf"cannot be locked \({os.strerror(code)}\).* Set CONDUCTOR_HOME to a folder on a local disk"
    with pytest.raises(ConductUsageError, match=said):
        Journal.go_on(tmp_path / "run")
    with pytest.raises(ConductUsageError, match=said):
        Journal(tmp_path / "new")
    with pytest.raises(ConductUsageError, match=said):
        WorkspaceLock.take(tmp_path, tmp_path / "workspace", "run", shared=False)
