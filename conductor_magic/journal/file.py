"""A journal that lies on the disk: read and checked as it is, taken to be written by one alone, repaired."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

from conductor_magic.collections_off import no_collections
from conductor_magic.errors import ConductUsageError, JournalDamaged, TransitionError
from conductor_magic.events import FORMAT, Record, RunStarted
from conductor_magic.file_locks import give_back, lock, open_to_lock
from conductor_magic.fold import fold
from conductor_magic.journal.disk import put_away, write_again
from conductor_magic.journal.lines import decode, ends_whole
from conductor_magic.state import RunState

__all__ = ["NAME", "OWNER", "is_open", "read_records", "read_state", "repair", "take"]

NAME = "journal.jsonl"
OWNER = "owner"
"""The file beside it that names who wrote it last."""


def read_records(path: Path) -> tuple[list[Record], bytes]:
    """All whole records of a journal file, and the torn tail behind them (empty when there is none).

    Raises:
        JournalDamaged: a line does not hold and is no torn tail.
        FileNotFoundError: there is no such file.
    """
    records: list[Record] = []
    last = 0.0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            record = decode(line, number)
            if record is None:
                start = file.tell() - len(line)
                if line.endswith(b"\n") and (ends_whole(line) or file.read(1)):
                    what = f"record {number} (byte {start}) is not what was written"
                    raise _damaged(path, what, _format_of(records))
                return records, line
            if record.at < last:
                # No recorder of ours goes back in time. Whoever did: nothing took less than no time.
                record = Record(record.seq, last, record.event)
            records.append(record)
            last = record.at
    return records, b""


def _damaged(path: Path, what: str, written_in: int) -> JournalDamaged:
    if written_in > FORMAT:
        return JournalDamaged(
            f"{path}: {what}. The run was written in format {written_in}, and this version reads up to {FORMAT}. "
            "Upgrade conductor-magic to read it."
        )
    return JournalDamaged(f"{path}: {what}. The file was left as it is; restore it from a copy.")


def _format_of(records: list[Record]) -> int:
    first = records[0].event if records else None
    return first.format if isinstance(first, RunStarted) else FORMAT


def read_state(path: Path) -> tuple[list[Record], RunState, bytes]:
    """A journal's records, what they fold to, and its torn tail.

    Raises:
        JournalDamaged: as `read_records`, or a record does not follow from those before it.
        FileNotFoundError: there is no such file.
    """
    with no_collections():
        records, tail = read_records(path)
        try:
            return records, fold(records), tail
        except TransitionError as error:
            raise _damaged(path, str(error), _format_of(records)) from None


def is_open(path: Path) -> bool:
    """Whether a run is still writing this journal, in this process or another."""
    handle = open_to_lock(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # where there are no locks no run can go on: it begins with one
    finally:
        give_back(handle)
    return False


def take(path: Path) -> int:
    """The journal's file, opened to be written by us alone. The system gives it back when the process dies.

    Raises:
        FileNotFoundError: there is none.
        ConductUsageError: another process, or another run object of this one, writes it; its disk has no locks; it is
            a link; or it is no longer there, because whoever had it until now archived or deleted it.
    """
    try:
        handle = open_to_lock(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConductUsageError(
                f"{path} is a link to another file: only a run's own journal is gone on with."
            ) from None
        raise
    try:
        for patience in (True, True, True, False):
            if lock(handle, path):
                _check_still_there(handle, path)
                return handle
            if patience:
                time.sleep(0.05)  # somebody may only be asking (`is_open`)
        raise ConductUsageError(f"Run {path.parent.name} is going on in {_owner(path)}.")
    except BaseException:
        give_back(handle)
        raise


def _owner(path: Path) -> str:
    """Who has the journal, as its file names it; nobody by name while that is still the one before."""
    nobody = "another process"
    try:
        said = (path.parent / OWNER).read_text(errors="replace")[:100].strip()
    except OSError:
        return nobody
    number = said.removeprefix("process ")
    return said if number.isdecimal() and Path("/proc", number).exists() else nobody


def _check_still_there(handle: int, path: Path) -> None:
    """Raise when the path no longer names the file: what is written to it would be lost."""
    try:
        if os.path.samestat(os.fstat(handle), path.stat()):
            return
    except FileNotFoundError:
        pass
    raise ConductUsageError(f"Run {path.parent.name} was archived or deleted just now.")


def repair(path: Path, tail: bytes) -> Path | None:
    """Make a journal fit to be gone on with; gives the file that its torn tail went to, if there was one.

    What is read of a file need not be on the disk: its last writer may have ended because the disk failed it. So all of
    it is written once more, in place, before anything is built on it.

    Args:
        path: the journal, which nobody else writes.
        tail: what `read_records` found behind the last whole record.

    Raises:
        OSError: the disk does not take it; no byte of the journal was lost.
    """
    aside = None
    if tail:
        number = 1
        while (aside := path.with_name(f"journal.torn-{number}")).exists():
            number += 1
        put_away(aside, tail)
        os.truncate(path, path.stat().st_size - len(tail))
    write_again(path)
    return aside
