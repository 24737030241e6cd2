"""A real run's journal, cut and changed: what is read is always what happened, or a refusal that names the record.

`make faults` cuts it at every byte of its last 4,000 and flips 4,000 bits; the ordinary run takes one in forty.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from conductor_magic.errors import JournalDamaged
from conductor_magic.events import Record
from conductor_magic.fold import fold
from conductor_magic.journal import NAME, Journal, read_records, read_state
from conductor_magic.state import RunState
from tests.support.recorded import recorded

CUTS = 4_000
FLIPS = 4_000
SOME = 40
GONE_ON = 16
"""One in so many is also taken up by a resumption."""

STEPS = [pytest.param(SOME, id="one in 40"), pytest.param(1, id="each", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of twenty tasks that has ended."""
    folder = tmp_path_factory.mktemp("run")
    return recorded(folder / "home", folder / "workspace")


@pytest.fixture
def journal(run: Path) -> tuple[bytes, list[Record]]:
    """Its journal's bytes and records."""
    records, tail = read_records(run / NAME)
    assert tail == b""
    return (run / NAME).read_bytes(), records


@pytest.mark.parametrize("step", STEPS)
def test_a_journal_cut_at_any_byte_gives_the_right_prefix(
    journal: tuple[bytes, list[Record]], tmp_path: Path, step: int
) -> None:
    """Every whole record before the cut, the rest of the next kept aside; then it is gone on with."""
    content, records = journal
    path = tmp_path / NAME
    states: dict[int, RunState] = {}
    for number, cut in enumerate(range(len(content) - CUTS, len(content), step)):
        path.write_bytes(content[:cut])
        end = content.rfind(b"\n", 0, cut) + 1
        whole = content.count(b"\n", 0, cut)
        found, state, tail = read_state(path)
        assert (found, tail) == (records[:whole], content[end:cut])
        if whole not in states:
            states[whole] = fold(records[:whole])
            assert state == states[whole]
        assert path.read_bytes() == content[:cut]
        if number % GONE_ON:
            continue
        again = Journal.go_on(tmp_path)
        assert (again.records, again.state) == (records[:whole], states[whole])
        again.append(records[whole].event)
        again.close()
        kept = tmp_path / "journal.torn-1"
        assert (kept.read_bytes() if kept.exists() else b"") == content[end:cut]
        kept.unlink(missing_ok=True)
        found, tail = read_records(path)
        assert (found[:-1], found[-1].event, tail) == (records[:whole], records[whole].event, b"")


@pytest.mark.parametrize("step", STEPS)
def test_no_flipped_bit_is_taken_for_content(journal: tuple[bytes, list[Record]], tmp_path: Path, step: int) -> None:
    """A flip is refused and the record named; in the last record it may cut that record off. Nothing else is read."""
    content, records = journal
    chance = random.Random(5)
    path = tmp_path / NAME
    last = content.rindex(b"\n", 0, -1) + 1
    refused = cut = 0
    for flip in range(FLIPS):
        # Every ninth in the last record, where the two endings meet.
        place = chance.randrange(last, len(content)) if flip % 9 == 0 else chance.randrange(len(content))
        bit = 1 << chance.randrange(8)
        if flip % step:
            continue
        changed = bytearray(content)
        changed[place] ^= bit
        path.write_bytes(changed)
        try:
            found, _, tail = read_state(path)
        except JournalDamaged as error:
            if refused % GONE_ON == 0:
                with pytest.raises(JournalDamaged, match=re.escape(str(error))):
                    Journal.go_on(tmp_path)
            number = int(re.findall(r"record (\d+) \(byte", str(error))[0])
            # A line end that was put in, or taken out, is noticed in the same record or with the next.
            assert number == content.count(b"\n", 0, place) + 1, str(error)
            refused += 1
        else:
            assert place >= last
            assert (found, tail) == (records[:-1], bytes(changed[last:]))
            cut += 1
        assert path.read_bytes() == changed
    print(f"{refused} refused, {cut} cut off")
    assert refused + cut == FLIPS // step
