"""Frames to Arrow files and back: equal in everything, and never more than the file says."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.frames import cells
from conductor_magic.frames.files import read_frame, write_frame
from tests.support.odd_frames import pandas_frames, polars_frames, same

PANDAS, POLARS = pandas_frames(), polars_frames()


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_frames_come_back_equal(name: str, tmp_path: Path) -> None:
    """The frame, its first column as a Series, and its index alone; nothing is noted, as nothing is lost."""
    frame = PANDAS[name]
    for value in (frame, *([frame.iloc[:, 0]] if frame.shape[1] else []), frame.index):
        assert write_frame(value, tmp_path / "a.arrow") == []
        same(read_frame(tmp_path / "a.arrow"), value)


@pytest.mark.parametrize("name", POLARS)
def test_polars_frames_come_back_equal(name: str, tmp_path: Path) -> None:
    """The frame and its first column as a Series."""
    frame = POLARS[name]
    for value in (frame, *([frame.to_series()] if frame.width else [])):
        assert write_frame(value, tmp_path / "a.arrow") == []
        same(read_frame(tmp_path / "a.arrow"), value)


def test_an_arrow_table_comes_back_as_one(tmp_path: Path) -> None:
    """With its own metadata, and without ours; with its rows even where it has no columns."""
    table = pyarrow.table({"a": [1, None], "b": [["x"], []]}).replace_schema_metadata({"mine": "kept"})
    for value in (table, table.select([])):
        assert write_frame(value, tmp_path / "a.arrow") == []
        found = read_frame(tmp_path / "a.arrow")
        same(found, value)
        assert found.shape == value.shape


def test_what_came_back_can_be_changed(tmp_path: Path) -> None:
    """Numbers, categories and text are written to as in any frame."""
    frame = pandas.DataFrame({"n": [1, 2], "c": pandas.Categorical(["x", "y"]), "t": ["a", "b"]})
    write_frame(frame, tmp_path / "a.arrow")
    found = read_frame(tmp_path / "a.arrow")
    found.loc[0] = found.loc[1]
    assert found.to_dict("list") == {"n": [2, 2], "c": ["y", "y"], "t": ["b", "b"]}


class Strange:
    """No file holds it."""

    def __repr__(self) -> str:
        return "strange!"


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    """Objects without a safe format come back as text, a frequency of one's own not at all, and the notes say so."""
    holidays = pandas.offsets.CustomBusinessDay(holidays=["2020-01-01"])
    frame = pandas.DataFrame(
        {"s": [Strange(), 1], "l": numpy.array([1, 2], dtype=numpy.longdouble)},
        index=pandas.date_range("2020", periods=2, freq=holidays),
    )
    notes = write_frame(frame, tmp_path / "a.arrow")
    assert notes == [
        "the index comes back without its frequency C",
        "column 's' holds a tests.Strange, which comes back as text",
        f"column 'l' is of the type {numpy.dtype('g')}, which no file holds: it comes back as its plain values",
        "column 'l' holds a numpy.longdouble, which comes back as text",
    ]
    assert read_frame(tmp_path / "a.arrow")["s"].tolist() == ["strange!", 1]


@pytest.mark.parametrize(
    "frame",
    [
        polars.DataFrame({"o": [Strange()]}, schema={"o": polars.Object}),
        polars.DataFrame({"big": [2**100]}, schema={"big": polars.Int128}),
        polars.DataFrame({"l": [[2**100]]}, schema={"l": polars.List(polars.Int128)}),
        polars.DataFrame({"a": [[], None]}, schema={"a": polars.Array(polars.Int8, 0)}),
        polars.DataFrame({"l": [[[]]]}, schema={"l": polars.List(polars.Array(polars.Int8, 0))}),
    ],
    ids=str,
)
def test_polars_types_without_an_equal_are_refused(frame: polars.DataFrame, tmp_path: Path) -> None:
    """Addresses of objects, and what Arrow or polars cannot take back, are named and never written."""
    with pytest.raises(TypeError, match="an Arrow file has no equal of"):
        write_frame(frame, tmp_path / "a.arrow")


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary()
VALUES = st.recursive(
    PLAIN | st.dates() | st.datetimes() | st.timedeltas() | st.decimals() | st.uuids() | st.fractions(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.just("$") | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_any_cell_comes_back_equal(value: Any) -> None:
    """Plain values of Python, however nested, keep their value and their type."""
    found = cells.loads(cells.dumps(value))
    assert (repr(found), type(found)) == (repr(value), type(value))


COLUMNS = st.lists(
    st.sampled_from(
        ["int64", "float32", "bool", "Int64", "boolean", "str", "category", "datetime64[ms, UTC]", "object"]
    ),
    min_size=1,
    max_size=4,
)


@given(COLUMNS, st.lists(st.integers(0, 1) | st.none(), max_size=12), st.booleans())
def test_any_mixture_of_columns_comes_back_equal(kinds: list[str], numbers: list[int | None], levels: bool) -> None:
    """Frames of random columns, nulls and indexes."""
    path = Path(f"/tmp/frame-{os.getpid()}.arrow")
    filled = [number or 0 for number in numbers]
    columns = [
        pandas.Series(numbers if kind[0] in "IbcOo" and kind != "bool" else filled).astype(kind) for kind in kinds
    ]
    frame = pandas.concat(columns, axis=1, keys=[f"{kind} {at}" for at, kind in enumerate(kinds)])
    if levels:
        frame = frame.set_index(frame.columns[0])
    try:
        assert write_frame(frame, path) == []
        same(read_frame(path), frame)
    finally:
        path.unlink()


def nested(depth: int) -> dict[str, Any]:
    """A column of numbers, wrapped so many times."""
    inner = nested(depth - 1) if depth else {"kind": "numbers", "dtype": "<i8"}
    return {"kind": "sparse", "values": inner, "fill": 0}


LIES: dict[str, Any] = {
    "no description": [],
    "another version": {"version": 2},
    "another kind": {"kind": "Nothing"},
    "an unknown library": {"library": "pandas", "columns": 5},
    "a longer index": {"index": {"kind": "range", "range": [0, 10**12, 1], "name": None}},
    "another index": {"index": {"kind": "levels", "levels": [], "names": []}},
    "code for a cell": {"attrs": {"$": ["os.system", "x"]}},
    "columns without labels": {"labels": "", "header": {"kind": "flat"}},
    "too few labels": {"header": {"kind": "range", "range": [0, 1, 1], "name": None}},
    "another dtype": {"columns": [{"kind": "numbers", "dtype": "<f8"}] * 2},
    "objects by their address": {"columns": [{"kind": "numbers", "dtype": "O"}] * 2},
    "a copy of a copy": {"columns": [nested(12)] * 2},
    "more columns": {"columns": [{"kind": "numbers", "dtype": "<i8"}] * 3},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_description_is_an_error(lie: str, tmp_path: Path) -> None:
    """Whatever a worker wrote there: one ValueError that names the file."""
    write_frame(pandas.DataFrame({"a": [1, 2], "b": [3, 4]}), tmp_path / "a.arrow")
    with pyarrow.OSFile(str(tmp_path / "a.arrow")) as source:
        table = pyarrow.ipc.open_file(source).read_all()
    key = b"conductor_magic"
    told = json.loads(table.schema.metadata[key])
    text = json.dumps({**told, **LIES[lie]} if isinstance(LIES[lie], dict) else LIES[lie])
    table = table.replace_schema_metadata({key: text})
    with pyarrow.OSFile(str(tmp_path / "b.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ValueError, match=r"b\.arrow is not the frame that it says it is"):
        read_frame(tmp_path / "b.arrow")


@pytest.mark.parametrize("kind", ["numbers", "text", "polars"])
def test_50_megabytes_take_less_than_a_second(kind: str, tmp_path: Path) -> None:
    """Writing in the worker and reading in the notebook, together."""
    rows = 1_600_000
    frame: Any = pandas.DataFrame(
        {
            "a": numpy.random.default_rng(0).random(rows),
            "b": numpy.arange(rows),
            "c": pandas.date_range("2020", periods=rows, freq="s"),
            "d": pandas.Categorical(numpy.arange(rows) % 7),
            "e": [f"text {number % 1000}" for number in range(rows)] if kind == "text" else numpy.arange(rows) / 3,
        }
    )
    if kind == "polars":
        frame = polars.from_pandas(frame)
    began = time.monotonic()
    write_frame(frame, tmp_path / "a.arrow")
    found = read_frame(tmp_path / "a.arrow")
    seconds = time.monotonic() - began
    assert found.equals(frame)
    assert (tmp_path / "a.arrow").stat().st_size > 50_000_000
    assert seconds < 1
