"""The corpus as a whole: every row is sound and is run by a test, and every choice is written down and kept."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.errors import JournalDamaged, TransitionError
from conductor_magic.events import Record, RequestEnded, dump_json
from conductor_magic.fold import fold
from conductor_magic.journal import encode, read_records
from tests.corpus import rows as corpus
from tests.corpus.rows import CATEGORIES, expand, rows
from tests.corpus.setups import KINDS
from tests.corpus.verdicts import CONTRACT, EITHER
from tests.golden.script import Script

Json = dict[str, Any]
FIELDS = {
    *("id", "category", "surface", "mode", "setup", "input", "expect", "checks", "why", "ref", "danger", "control"),
}


def test_every_row_is_run_by_the_test_of_its_category() -> None:
    """The test modules are parametrized with all rows of these categories, each where it belongs; none is skipped."""
    found: dict[str, set[str]] = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.corpus.{path.stem}")
        for name, function in vars(module).items():
            marks = getattr(function, "pytestmark", []) if name.startswith("test_") else []
            assert not {"skip", "skipif", "xfail"} & {mark.name for mark in marks}
            given = [mark.args[1] for mark in marks if mark.name == "parametrize" and mark.args[0] == "row"]
            for row in itertools.chain(*given):
                found.setdefault(row["id"], set()).add(path.stem)
    assert found == {row["id"]: {f"test_{row['category']}"} for row in rows() if row["category"] in CATEGORIES}


def test_rows_are_sound() -> None:
    """Ids are unique, files are ASCII, each row has the twelve fields and only setups that there are."""
    every = rows()
    assert len({row["id"] for row in every}) == len(every)
    for file in (corpus.PUBLIC, corpus.OWN):
        assert file.read_bytes().isascii()
    for row in every:
        assert row.keys() == FIELDS, row["id"]
        if row["category"] in CATEGORIES:
            assert {kind for step in row["setup"] for kind in step} <= {*KINDS, "name"}, row["id"]
    assert [len(rows(category)) >= 7 for category in CATEGORIES] == [True] * len(CATEGORIES)


def test_expand() -> None:
    """Placeholders are filled in, repeats are made, other braces stay."""
    names = {"WS": "/ws", "SINK": "http://s"}
    value = {"$concat": ["{WS}/", {"$repeat": ["ab", 2]}, "{other}"]}
    assert expand(value, names) == "/ws/abab{other}"
    assert expand({"a": [{"$list_repeat": ["{SINK}", 2]}], "b": 1}, names) == {"a": [["http://s"] * 2], "b": 1}
    assert expand("{JOB} {}", names) == "{JOB} {}"


def test_each_choice_is_written_down() -> None:
    """The table of choices has exactly the public rows that leave one."""
    public = [row for row in rows() if row["id"].startswith("P-")]
    chosen = {row["id"] for row in public if "_or_" in row["expect"]}
    # Rows whose choice stands in their reason and not in their verdict.
    chosen |= {"P-BSH-001", "P-ANS-006", "P-ANS-007", "P-MAG-014", "P-STR-005", "P-STR-010"}
    assert EITHER.keys() == chosen
    assert CONTRACT.keys() <= {row["id"] for row in public}
    assert not EITHER.keys() & CONTRACT.keys()
    assert all(len(why) > 40 for why in (*EITHER.values(), *CONTRACT.values()))


def test_a_negative_cost_is_refused(tmp_path: Path) -> None:
    """A record whose cost is below zero is damage, also when its sum fits."""
    records = list(Script().start().plan().records)
    lines = [encode(record) for record in records]
    place = next(at for at, record in enumerate(records) if isinstance(record.event, RequestEnded))
    changed = records[place].event.model_copy(update={"usd": -5.0})
    lines[place] = encode(Record(place + 1, records[place].at, changed))
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines))
    assert b'"usd":-5.0' in dump_json(changed)
    with pytest.raises(JournalDamaged, match=f"record {place + 1} "):
        read_records(path)


def test_a_task_that_waits_for_itself_is_refused() -> None:
    """Such a record does not fold."""
    records = list(Script().start().plan().records)
    place = next(at for at, record in enumerate(records) if record.event.kind == "task.created")
    record = records[place]
    records[place] = Record(record.seq, record.at, record.event.model_copy(update={"blocked_by": ("1",)}))
    with pytest.raises(TransitionError, match="there is no task 1"):
        fold(records)


def test_an_inserted_record_is_refused(tmp_path: Path) -> None:
    """A record put between others breaks the numbers, so nothing that it says is believed."""
    lines = [encode(record) for record in Script().start().plan().records]
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join([*lines[:3], lines[2], *lines[3:]]))
    with pytest.raises(JournalDamaged, match="record 4 "):
        read_records(path)
