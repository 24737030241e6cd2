"""The journal on a real disk: what is read back is what happened, or a clear refusal, never something else."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conductor_magic import events as e
from conductor_magic.errors import ConductUsageError, JournalDamaged, TransitionError
from conductor_magic.events import FORMAT, Event, Record
from conductor_magic.fold import fold
from conductor_magic.journal import Journal, encode, is_open, read_records, repair
from conductor_magic.state import RunState
from tests.core.simulate import Simulation

EVENTS: tuple[Event, ...] = tuple(step.record.event for step in Simulation(seed=3, tasks=4).play().steps)

# A known kind with an outcome that this version does not know.
ODD = e.WorkerEnded.model_construct(worker="w1", task="1", outcome="splendid")  # pyright: ignore[reportArgumentType]

FOLD_ELSEWHERE = """
import sys
from pathlib import Path
from conductor_magic.fold import fold
from conductor_magic.journal import read_records
records, tail = read_records(Path(sys.argv[1]))
assert tail == b""
print(repr(fold(records)))
"""

FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from conductor_magic.events import RunNoted, RunStarted
from conductor_magic.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.append(RunStarted(run="r", goal="g"))
before = journal.path.read_bytes(), journal.state
limit = len(before[0]) + 40
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    journal.append(RunNoted(text="far too long a text for what is left of this disk" * 3))
except OSError as error:
    print(type(error).__name__, error.errno)
assert (journal.path.read_bytes(), journal.state) == before
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    journal.append(RunNoted(text="there is room again, but who knows what was lost"))
except OSError as error:
    print(error.errno == journal.fault.errno)
assert (journal.path.read_bytes(), journal.state) == before
journal.close()
print(Journal.go_on(journal.path.parent).append(RunNoted(text="there is room again")).seq)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of a whole simulated run."""
    ticks = iter(range(10**9))
    made = Journal(tmp_path / "run", clock=lambda: 1_767_225_600 + next(ticks) / 8)
    for event in EVENTS:
        made.append(event)
    yield made
    made.close()


def test_another_process_folds_the_file_to_the_live_state(journal: Journal) -> None:
    """The journal alone reproduces the state, to the last digit."""
    answer = subprocess.run(
        [sys.executable, "-c", FOLD_ELSEWHERE, str(journal.path)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == repr(journal.state)
    assert read_records(journal.path) == (journal.records, b"")
    assert fold(journal) == journal.state


def test_a_line_is_readable_json_with_its_number_moment_and_event(journal: Journal) -> None:
    """Any other program can read a journal: one JSON object a line."""
    first = json.loads(journal.path.read_bytes().splitlines()[0])
    assert list(first) == ["sum", "seq", "at", "event"]
    assert (first["seq"], first["at"], first["event"]["kind"]) == (1, 1_767_225_600.0, "run.started")
    assert first["event"]["format"] == FORMAT


def test_only_the_owner_can_read_it(journal: Journal) -> None:
    """The folder has mode 0700 and the file 0600."""
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_a_second_journal_in_the_same_folder_is_refused(journal: Journal) -> None:
    """A run is never written over."""
    with pytest.raises(FileExistsError):
        Journal(journal.path.parent)


@pytest.mark.slow  # `tests/faults/test_journal.py` has a short form
def test_a_journal_cut_at_any_byte_gives_the_right_prefix(journal: Journal, tmp_path: Path) -> None:
    """Every cut in the last records: the whole records before it, and the rest kept aside, byte for byte."""
    content = journal.path.read_bytes()
    ends = [0]
    for line in content.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    for cut in range(ends[-6], len(content)):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(content[:cut])
        whole = max(number for number, end in enumerate(ends) if end <= cut)
        records, tail = read_records(path)
        assert records == journal.records[:whole]
        aside = repair(path, tail)
        assert path.read_bytes() == content[: ends[whole]]
        assert (aside is None) == (cut == ends[whole])
        if aside:
            assert aside.read_bytes() == content[ends[whole] : cut]
            aside.unlink()


def test_torn_tails_are_kept_beside_each_other(journal: Journal) -> None:
    """A second repair does not write over the tail that the first one kept."""
    for number in (1, 2):
        with journal.path.open("ab") as file:
            file.write(b'{"sum":"0000')
        records, tail = read_records(journal.path)
        assert records == journal.records
        assert repair(journal.path, tail) == journal.path.with_name(f"journal.torn-{number}")


def test_no_flipped_bit_is_ever_taken_for_content(journal: Journal, tmp_path: Path) -> None:
    """A changed byte anywhere is refused, or, in the very last record, cuts that record off; nothing else is read."""
    content = journal.path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    path = tmp_path / "flipped.jsonl"
    chance = random.Random(7)
    places = [*range(last, len(content)), *chance.sample(range(last), k=400)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            records, tail = read_records(path)
        except JournalDamaged:
            assert path.read_bytes() == changed
        else:
            assert place >= last
            assert (records, tail) == (journal.records[:-1], bytes(changed[last:]))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda lines: lines.insert(3, lines[3]), id="a line twice"),
        pytest.param(lambda lines: lines.append(lines[-1]), id="the last line twice"),
        pytest.param(lambda lines: lines.pop(3), id="a line missing"),
        pytest.param(lambda lines: lines.pop(-2), id="the line before the last missing"),
        pytest.param(lambda lines: lines.insert(2, lines.pop(5)), id="a line moved"),
        pytest.param(lambda lines: lines.append(lines.pop(-2)), id="the last two swapped"),
        pytest.param(lambda lines: lines.insert(4, b"\n"), id="an empty line"),
        pytest.param(lambda lines: lines.insert(4, lines[4].upper()), id="a checksum in capitals"),
        pytest.param(lambda lines: lines.insert(4, lines.pop(4)[:30] + b"\n"), id="a line cut short in the middle"),
        pytest.param(lambda lines: lines.insert(-1, lines.pop(-2)[:-1] + b"\x0b"), id="no line end before the last"),
        pytest.param(
            lambda lines: lines.append(encode(Record(len(lines) + 1, 1.0, ODD))), id="a kind that does not fit"
        ),
    ],
)
def test_damage_is_refused_and_the_file_left_alone(journal: Journal, damage: Callable[[list[bytes]], object]) -> None:
    """Whole lines out of place are no torn tail: the error names file and record, and nothing is repaired away."""
    lines = journal.path.read_bytes().splitlines(keepends=True)
    damage(lines)
    content = b"".join(lines)
    journal.path.write_bytes(content)
    with pytest.raises(JournalDamaged, match=r"journal\.jsonl: record \d+ \(byte \d+\) is not what was written"):
        read_records(journal.path)
    assert journal.path.read_bytes() == content
    assert not list(journal.path.parent.glob("journal.torn*"))


def test_a_newer_format_can_be_looked_at_and_not_gone_on_with(tmp_path: Path) -> None:
    """A journal of a later version is read as far as it is known; nothing is added to it."""
    path = tmp_path / "journal.jsonl"
    first = Record(1, 1.0, e.RunStarted(run="r", goal="g", format=FORMAT + 1))
    later = Record(2, 2.0, e.Unknown(name="run.dreamt", data={"of": "sheep"}))
    content = encode(first) + encode(later)
    path.write_bytes(content)
    assert read_records(path) == ([first, later], b"")
    with pytest.raises(
        ConductUsageError, match=rf"format {FORMAT + 1}.* It can be looked at .* Upgrade conductor-magic"
    ):
        Journal.go_on(tmp_path)
    assert path.read_bytes() == content
    assert not is_open(path)


def test_a_newer_format_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A known kind with fields that this version does not know is no damage of the file."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(
        encode(Record(1, 1.0, e.RunStarted(run="r", goal="g", format=FORMAT + 1))) + encode(Record(2, 1.0, ODD))
    )
    with pytest.raises(JournalDamaged, match=rf"record 2 .*format {FORMAT + 1}.* Upgrade conductor-magic"):
        read_records(path)


def test_taking_a_journal_up_changes_nothing_before_the_first_record(journal: Journal) -> None:
    """A torn tail stays where it is until the run really goes on; then it is kept aside, and told once."""
    journal.close()
    content = journal.path.read_bytes() + b'{"sum":"0000'
    journal.path.write_bytes(content)
    folder = journal.path.parent
    Journal.go_on(folder).close()
    assert journal.path.read_bytes() == content
    assert not list(folder.glob("journal.torn-*"))
    again = Journal.go_on(folder)
    again.append(e.RunNoted(text="On we go."))
    again.close()
    assert (folder / "journal.torn-1").read_bytes() == b'{"sum":"0000'
    records, tail = read_records(journal.path)
    assert (records[:-1], records[-1].event, tail) == (journal.records, e.RunNoted(text="On we go."), b"")


@pytest.mark.parametrize("at", ["-1.0", "NaN", "Infinity", "1e300"])
def test_a_moment_that_no_calendar_knows_is_damage(tmp_path: Path, at: str) -> None:
    """Sums can be made to fit; what no recorder writes is not read."""
    path = tmp_path / "journal.jsonl"
    body = b'"seq":1,"at":%b,"event":{"kind":"run.started","run":"r","goal":"g"}}\n' % at.encode()
    path.write_bytes(b'{"sum":"%08x",' % zlib.crc32(body) + body)
    with pytest.raises(JournalDamaged, match="record 1 "):
        read_records(path)


def test_moments_that_go_back_count_as_the_one_before(tmp_path: Path) -> None:
    """A clock that jumped in somebody's recorder makes no negative time."""
    path = tmp_path / "journal.jsonl"
    moments = (5.0, 3.0, 4.0, 6.0)
    path.write_bytes(
        encode(Record(1, moments[0], e.RunStarted(run="r", goal="g")))
        + b"".join(encode(Record(seq, at, e.RunNoted(text="n"))) for seq, at in enumerate(moments[1:], 2))
    )
    assert [record.at for record in read_records(path)[0]] == [5.0, 5.0, 5.0, 6.0]


def test_a_full_disk_leaves_file_and_state_as_they_were(tmp_path: Path) -> None:
    """A record that does not fit raises, nothing of it stays, nothing more is taken; who goes on later can write."""
    command = [sys.executable, "-c", FILL_THE_DISK, str(tmp_path / "run")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    assert answer.stdout.split() == ["OSError", "28", "True", "2"]
    records, tail = read_records(tmp_path / "run" / "journal.jsonl")
    assert ([record.event.kind for record in records], tail) == (["run.started", "run.noted"], b"")


def test_an_event_that_does_not_fit_the_state_is_not_written(journal: Journal) -> None:
    """The fold is asked before the disk is."""
    content, state = journal.path.read_bytes(), journal.state
    with pytest.raises(TransitionError):
        journal.append(e.TaskLaunched(task="no such task", prompt="p", tier="haiku"))
    assert (journal.path.read_bytes(), journal.state) == (content, state)


@pytest.mark.parametrize(
    "value", [(1, 2), {1: "a"}, float("nan"), "half a pair: \ud83d", {"deep": [("x", float("inf"))]}]
)
def test_what_is_folded_is_what_a_reader_finds(journal: Journal, value: object) -> None:
    """Python values that JSON has no letters for are the same in the live state and in the file, and never break it."""
    record = journal.append(e.ToolStarted(call="c", by="conductor", name="Read", input={"value": value}))
    records, tail = read_records(journal.path)
    assert (records[-1], tail) == (record, b"")
    assert fold(records) == journal.state


def test_subscribers_hear_every_record_in_order_with_the_state_after_it(tmp_path: Path) -> None:
    """A view is told once per record, until it says stop."""
    journal = Journal(tmp_path / "run")
    heard: list[tuple[Record, RunState]] = []
    stop = journal.subscribe(lambda record, state: heard.append((record, state)))
    for event in EVENTS[:5]:
        journal.append(event)
    stop()
    stop()
    journal.append(EVENTS[5])
    assert [record for record, _ in heard] == journal.records[:5]
    assert heard[-1][1] == fold(journal.records[:5])


def test_events_that_belong_together_are_recorded_all_or_none(tmp_path: Path) -> None:
    """Each is a record of its own, told with its own state; one that does not fit keeps the others out of the file."""
    journal = Journal(tmp_path / "run")
    heard: list[tuple[Record, RunState]] = []
    journal.subscribe(lambda record, state: heard.append((record, state)))
    journal.append_together(EVENTS[:4])
    assert heard == [(journal.records[n], fold(journal.records[: n + 1])) for n in range(4)]
    assert (read_records(journal.path), journal.state) == ((journal.records, b""), fold(journal.records))
    with pytest.raises(TransitionError):
        journal.append_together([e.RunNoted(text="fits"), EVENTS[0]])
    assert (len(read_records(journal.path)[0]), len(heard), journal.state.seq) == (4, 4, 4)


def test_a_subscriber_that_fails_is_dropped_and_the_rest_go_on(tmp_path: Path) -> None:
    """A view's bug costs that view, never the run or its neighbours."""
    journal = Journal(tmp_path / "run")
    calls: list[str] = []

    def broken(record: Record, state: RunState) -> None:
        calls.append("broken")
        raise RuntimeError("a view's bug")

    journal.subscribe(broken)
    journal.subscribe(lambda record, state: calls.append("sound"))
    journal.append(EVENTS[0])
    journal.append(EVENTS[1])
    assert calls == ["broken", "sound", "sound"]


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    """`close` gives the file back once."""
    journal = Journal(tmp_path / "run")
    journal.close()
    journal.close()
    shutil.rmtree(journal.path.parent)


def test_the_file_is_touched_as_long_as_replies_are_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its date tells the next process until when somebody listened to them."""
    monkeypatch.setattr("conductor_magic.journal.writing.TOUCH_SECONDS", 0.01)
    journal = Journal(tmp_path)

    async def touched(*events: Event) -> bool:
        for event in events:
            journal.append(event)
        await journal.flushed()
        os.utime(journal.path, (0, 0))
        await asyncio.sleep(0.1)
        return journal.path.stat().st_mtime > 0

    async def play() -> list[bool]:
        journal.drive(lambda fault: None)
        sent = e.RequestSent(request="r1", by="conductor", model="m")
        failed = e.RequestFailed(request="r1", by="conductor", model="m", reason="reset", error="x")
        return [await touched(e.RunStarted(run="r", goal="g")), await touched(sent), await touched(failed)]

    assert asyncio.run(play()) == [False, True, False]
    journal.close()
    assert Journal.go_on(tmp_path).touched == 0
