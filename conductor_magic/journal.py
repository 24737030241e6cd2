"""The one truth of a run: an append-only file of records, and the state that they fold to.

A line is one record::

    {"sum":"1b2c3d4e","seq":7,"at":1767225600.25,"event":{"kind":"task.created",…}}

`sum` is the CRC-32 of the bytes after it, in lower-case hex, compared as text. A record is one `write()`, so a killed
process loses nothing. `fdatasync` follows within `_SYNC_SECONDS` in a thread, once for all records since the last, and
`await journal.flushed()` waits for it: before any effect that depends on a record. A last line that is cut short, or
whose sum is off, is a torn tail: it is moved to `journal.torn-N` beside the journal and told. Anything else that does
not fit (a bad line before the last, a whole line out of its place) is damage: the file is left as it is and refused.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import jiter
from pydantic import ValidationError

from conductor_magic.errors import ConductUsageError, JournalDamaged
from conductor_magic.events import FORMAT, Event, Record, RunStarted, dump, dump_json, parse, parse_json
from conductor_magic.fold import apply, fold
from conductor_magic.redact import Redactor
from conductor_magic.state import RunState

__all__ = ["NAME", "OWNER", "Clock", "Journal", "encode", "is_open", "read_records", "repair"]

Clock = Callable[[], float]
Subscriber = Callable[[Record, RunState], None]

NAME = "journal.jsonl"
OWNER = "owner"
"""The file beside it that names who wrote it last."""
_HEAD = len(b'{"sum":"00000000",')
_SYNC_SECONDS = 0.2


def steady_clock(now: float | None = None) -> Clock:
    """Seconds since the epoch that never jump: `now` (None: the wall clock's), carried on by the monotonic clock."""
    offset = (time.time() if now is None else now) - time.monotonic()
    return lambda: offset + time.monotonic()


def encode(record: Record) -> bytes:
    """The record's line."""
    return _line(record.seq, record.at, dump_json(record.event))


def _line(seq: int, at: float, event: bytes) -> bytes:
    body = b'"seq":%d,"at":%b,"event":%b}\n' % (seq, repr(at).encode(), event)
    return b'{"sum":"%08x",' % zlib.crc32(body) + body


def decode(line: bytes, seq: int) -> Record | None:
    """The record of a whole line, or None when the line is not exactly what `encode` wrote for number `seq`."""
    if not _is_whole(line):
        return None
    try:
        data = jiter.from_json(b"{" + line[_HEAD:-1], catch_duplicate_keys=True)
        if data["seq"] != seq:
            return None
        return Record(seq, float(data["at"]), parse(data["event"]))
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\n") and line[:_HEAD] == b'{"sum":"%08x",' % zlib.crc32(line[_HEAD:])


def read_records(path: Path) -> tuple[list[Record], bytes]:
    """All whole records of a journal file, and the torn tail behind them (empty when there is none).

    Raises:
        JournalDamaged: a line does not hold and is no torn tail, or the format is newer than this version.
        FileNotFoundError: there is no such file.
    """
    records: list[Record] = []
    content = path.read_bytes()
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        line = content[start:end]
        record = decode(line, len(records) + 1)
        if record is None:
            if end < len(content) or _is_whole(line):
                raise JournalDamaged(
                    f"{path}: record {len(records) + 1} (byte {start}) is not what was written. "
                    "The file was left as it is; restore it from a copy."
                )
            return records, content[start:]
        event = record.event
        if isinstance(event, RunStarted) and event.format > FORMAT:
            raise JournalDamaged(
                f"{path}: written in format {event.format}; this version reads up to {FORMAT}. "
                "Upgrade conductor-magic to read it."
            )
        records.append(record)
        start = end
    return records, b""


def is_open(path: Path) -> bool:
    """Whether a run is still writing this journal, in this process or another."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _take(path: Path) -> int:
    """The journal's file, opened to be written by us alone. The system gives it back when the process dies.

    Raises:
        FileNotFoundError: there is none.
        ConductUsageError: another process, or another run object of this one, writes it.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    for patience in (True, True, True, False):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if patience:
                time.sleep(0.05)  # somebody may only be asking (`is_open`)
        else:
            return handle
    os.close(handle)
    try:
        owner = (path.parent / OWNER).read_text(errors="replace")[:100].strip()
    except OSError:
        owner = "another process"
    raise ConductUsageError(f"Run {path.parent.name} is going on in {owner}.")


class Journal:
    """Appends events to a run's file and holds the state that they fold to.

    The engine's event loop is its only writer. Subscribers are called after each append, in order; one that raises is
    dropped, so that a failing board never takes the run down.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
        *,
        go_on: bool = False,
    ) -> None:
        """Start a new journal in `folder` (made with mode 0700), or go on with the one that is there.

        Args:
            folder: the run's folder.
            clock: gives the moment of each record.
            redactor: takes secrets out of every event, whoever appends it.
            go_on: the folder has a journal that nobody writes any more; a torn tail is moved aside first.

        Raises:
            FileExistsError: the folder has a journal already, and `go_on` was not said.
            FileNotFoundError: it has none, and `go_on` was said.
            ConductUsageError: somebody else writes it, who is named.
            JournalDamaged: as `read_records`.
        """
        self.path = folder / NAME
        self.records: list[Record] = []
        if go_on:
            self._file = _take(self.path)
            try:
                self.records, _ = repair(self.path)
                self.state = fold(self.records)
            except BaseException:
                os.close(self._file)
                raise
        else:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.state = RunState()
            self._file = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
            # Waits, because somebody may be asking just now (`is_open`).
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._clock = clock or steady_clock(self.state.at if go_on else None)
        self._redactor = redactor
        self._subscribers: list[Subscriber] = []
        with suppress(OSError):  # it only gives the owner a name
            (folder / OWNER).write_text(f"process {os.getpid()}")
        self._size = self.path.stat().st_size
        self._synced = self.state.seq
        self._disk = threading.Lock()
        self._syncing: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """This moment on the journal's clock, seconds since the epoch."""
        return self._clock()

    def append(self, event: Event) -> Record:
        """Record the event, fold it, tell the subscribers.

        Raises:
            TransitionError: the event does not fit the state; nothing was written.
            ValueError: the event holds something that no record can; nothing was written.
            OSError: the disk took no whole record; the file is as it was before.
        """
        seq, at = self.state.seq + 1, self._clock()
        event, data = self._without_secrets(event)
        line = _line(seq, at, data)
        # What is folded is what a reader of the file will find, to the letter, whatever Python values the event held.
        record = Record(seq, at, parse_json(event, data))
        state = apply(self.state, record)
        self._write(line)
        self._size += len(line)
        self.state = state
        self.records.append(record)
        self._sync_soon()
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(record, state)
            except Exception:  # noqa: BLE001 - a view's bug must not reach the run
                self._subscribers.remove(subscriber)
        return record

    def _without_secrets(self, event: Event) -> tuple[Event, bytes]:
        """The event as it may be recorded, and its JSON. What a model or a server says can hold a key too."""
        data = dump_json(event)
        if self._redactor is None or not self._redactor.finds(data.decode()):
            return event, data
        event = parse(self._redactor.json(dump(event)))
        return event, dump_json(event)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes were written", str(self.path))
        except OSError:
            os.truncate(self.path, self._size)
            raise

    def _sync_soon(self) -> None:
        """Have the records so far on the disk shortly; at once where no event loop runs (yet)."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._sync()
            return
        if self._alarm is None:
            self._alarm = loop.call_later(_SYNC_SECONDS, self._begin_sync)

    def _begin_sync(self) -> asyncio.Task[None]:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.ensure_future(asyncio.to_thread(self._sync))
        return self._syncing

    def _sync(self) -> None:
        with self._disk:
            upto = self.state.seq
            if self._file >= 0 and upto > self._synced:
                os.fdatasync(self._file)
                self._synced = upto

    async def flushed(self) -> None:
        """Wait until everything that was appended before this call is on the disk.

        Raises:
            OSError: the disk did not take it.
        """
        upto = self.state.seq
        while self._synced < upto:
            await asyncio.shield(self._begin_sync())

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber(record, state)` after each append, on the engine's loop; returns the way to stop it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def close(self) -> None:
        """Put what is left on the disk and give the file back; idempotent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._sync()
        with self._disk:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def repair(path: Path) -> tuple[list[Record], Path | None]:
    """The records of a journal; a torn tail is first moved to a file of its own, whose path is returned.

    Raises:
        JournalDamaged: as `read_records`.
    """
    records, tail = read_records(path)
    if not tail:
        return records, None
    number = 1
    while (aside := path.with_name(f"journal.torn-{number}")).exists():
        number += 1
    aside.write_bytes(tail)
    os.truncate(path, path.stat().st_size - len(tail))
    return records, aside
