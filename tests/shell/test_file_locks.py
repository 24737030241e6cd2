"""The locks of a record and of a workspace go with the process that took them, whatever else it left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
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
    """Take record and workspace, as a resumption does."""
    assert not is_open(home / "run" / NAME)
    WorkspaceLock.take(home, home / "workspace", "again", shared=False).release()
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
        [lock] = (tmp_path / "locks").iterdir()
        assert lock.read_text() == "run"
        assert stranger.poll() is None
        take_both(tmp_path)
        assert (tmp_path / "run" / OWNER).read_text() == f"process {os.getpid()}"
        stranger.communicate(b"\n")


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
