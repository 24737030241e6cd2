"""The journal of a run under way: appends what happens, and holds the state that it folds to."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from conductor_magic.durable import keep_names
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import FORMAT, Event, Record, dump, dump_json, parse, parse_json
from conductor_magic.file_locks import give_back, lock, open_to_lock
from conductor_magic.fold import apply
from conductor_magic.journal.disk import GrowingFile
from conductor_magic.journal.file import NAME, OWNER, read_state, repair, take
from conductor_magic.journal.lines import line_of
from conductor_magic.redact import Redactor
from conductor_magic.state import RunState

__all__ = ["TOUCH_SECONDS", "Clock", "Journal", "steady_clock"]

TOUCH_SECONDS = 1.0
"""While replies are under way the file is touched so often: its date tells how long somebody listened to them."""

Clock = Callable[[], float]
Subscriber = Callable[[Record, RunState], None]


def steady_clock(now: float | None = None) -> Clock:
    """Seconds since the epoch that never jump: `now` (None: the wall clock's), carried on by the monotonic clock."""
    offset = (time.time() if now is None else now) - time.monotonic()
    return lambda: offset + time.monotonic()


class Journal:
    """Appends events to a run's file and holds the state that they fold to.

    `Journal(folder)` begins a new one, `Journal.go_on(folder)` takes up one that nobody writes any more.

    Whoever begins it writes first; from `drive` on, the engine's event loop is its only writer. Subscribers are called
    after each append, in order; one that raises is dropped, so that a failing board never takes the run down. When the
    disk fails, the journal stops for good: see `fault` and `drive`.

    Attributes:
        path: the file.
        records: all of it, in order.
        state: what they fold to.
        touched: when another process wrote or touched the file last, seconds since the epoch by the wall clock; of a
            new one, now.
    """

    path: Path
    records: list[Record]
    state: RunState
    touched: float

    def __init__(self, folder: Path, clock: Clock | None = None, redactor: Redactor | None = None) -> None:
        """Begin a new journal in `folder`, which is made with mode 0700.

        Args:
            folder: the run's folder.
            clock: gives the moment of each record.
            redactor: takes secrets out of every event, whoever appends it.

        Raises:
            FileExistsError: the folder has a journal already.
            ConductUsageError: the disk has no locks.
            OSError: the disk takes none.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = open_to_lock(folder / NAME, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND)
        try:
            # Waits, because somebody may be asking just now (`is_open`).
            lock(handle, folder / NAME, wait=True)
            keep_names(folder)
            keep_names(folder.parent)
        except BaseException:
            give_back(handle)
            raise
        self._set_up(handle, folder, [], RunState(), None, clock or steady_clock(), redactor)

    @classmethod
    def go_on(cls, folder: Path, redactor: Redactor | None = None) -> Self:
        """Take up the journal in `folder`. The file stays as it is until the first `append`.

        Raises:
            FileNotFoundError: there is none.
            ConductUsageError: somebody else writes it, who is named, or it is of a later version.
            JournalDamaged: as `read_state`.
        """
        handle = take(folder / NAME)
        try:
            records, state, tail = read_state(folder / NAME)
            if state.started is not None and state.started.format > FORMAT:
                raise ConductUsageError(
                    f"Run {folder.name} was written in format {state.started.format}; this version writes {FORMAT}. "
                    f"It can be looked at (%conduct show {folder.name}), not resumed. Upgrade conductor-magic."
                )
        except BaseException:
            give_back(handle)
            raise
        journal = cls.__new__(cls)
        journal._set_up(handle, folder, records, state, tail, steady_clock(state.at), redactor)  # noqa: SLF001 - our own
        return journal

    def _set_up(
        self,
        handle: int,
        folder: Path,
        records: list[Record],
        state: RunState,
        tail: bytes | None,
        clock: Clock,
        redactor: Redactor | None,
    ) -> None:
        self.path, self.records, self.state = folder / NAME, records, state
        self._clock = clock
        self._redactor = redactor
        self._subscribers: list[Subscriber] = []
        self._tail = tail  # of a file that is still as another process left it
        self._named = False
        found = os.fstat(handle)
        self.touched = found.st_mtime
        self._touching: asyncio.TimerHandle | None = None
        self._file = GrowingFile(self.path, handle, found.st_size - len(tail or b""))

    def now(self) -> float:
        """This moment on the journal's clock, seconds since the epoch."""
        return self._clock()

    @property
    def fault(self) -> OSError | None:
        """Why nothing can be recorded any more; None as long as the disk takes what it is given."""
        return self._file.fault

    def drive(self, on_fault: Callable[[OSError], None]) -> None:
        """Make the loop that runs here the writer: what it appends is on the disk shortly, and not at once.

        Args:
            on_fault: called once, on that loop, when the disk fails: nothing more can be recorded from then on.
        """
        self._file.drive(on_fault)
        self._touch()

    def _touch(self) -> None:
        if self.state.in_flight:
            self._file.touch()
        self._touching = asyncio.get_running_loop().call_later(TOUCH_SECONDS, self._touch)

    def append(self, event: Event) -> Record:
        """Record the event, fold it, tell the subscribers.

        Raises:
            TransitionError: the event does not fit the state; nothing was written.
            ValueError: the event holds something that no record can; nothing was written.
            OSError: the disk took no whole record, now or before; file and state are as they were.
        """
        return self.append_together((event,))[0]

    def append_together(self, events: Sequence[Event]) -> list[Record]:
        """Record several events, all of them or none: they are one piece for the disk. Errors are those of `append`."""
        at, state = self._clock(), self.state
        folded: list[tuple[Record, RunState]] = []
        lines: list[bytes] = []
        for event in events:
            kept, data = self._without_secrets(event)
            # What is folded is what a reader of the file will find, to the letter, whatever values the event held.
            record = Record(state.seq + 1, at, parse_json(kept, data))
            lines.append(line_of(record.seq, at, data))
            state = apply(state, record)
            folded.append((record, state))
        self.mend()
        self._file.add(b"".join(lines))
        self._name_owner()
        self.state = state
        self.records += [record for record, _ in folded]
        for record, after in folded:
            self._tell(record, after)
        return [record for record, _ in folded]

    def mend(self) -> None:
        """Make good what another process left unfinished, a torn tail moved aside; the first append does so too.

        Raises:
            OSError: the disk does not take it; no byte of the journal was lost.
        """
        if self._tail is None:
            return
        # Once only: how far one that failed has come is not known, and a second would cut off whole records.
        tail, self._tail = self._tail, None
        try:
            repair(self.path, tail)
        except OSError as error:
            self._file.fail(error)
            raise

    def _name_owner(self) -> None:
        if self._named:
            return
        self._named = True
        owner = self.path.with_name(OWNER)
        with suppress(OSError):  # it only gives the owner a name
            # A new file each time: what stands there may be a stranger's link.
            owner.unlink(missing_ok=True)
            handle = os.open(owner, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(f"process {os.getpid()}")

    def _tell(self, record: Record, state: RunState) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(record, state)
            except Exception:  # noqa: BLE001 - a view's bug must not reach the run
                self._subscribers.remove(subscriber)

    def _without_secrets(self, event: Event) -> tuple[Event, bytes]:
        """The event as it may be recorded, and its JSON. What a model or a server says can hold a key too."""
        data = dump_json(event)
        if self._redactor is None or not self._redactor.finds(data.decode()):
            return event, data
        event = parse(self._redactor.json(dump(event)))
        return event, dump_json(event)

    async def flushed(self) -> None:
        """Wait until everything that was appended before this call is on the disk.

        Raises:
            OSError: the disk did not take it.
        """
        await self._file.flushed()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber(record, state)` after each append, on the engine's loop; returns the way to stop it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def close(self) -> None:
        """Put what is left on the disk and give the file back; idempotent. If the disk fails, `fault` says so."""
        if self._touching is not None:
            self._touching.cancel()
            self._touching = None
        self._file.close()
