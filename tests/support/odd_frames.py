"""Frames of every kind that people have: dtypes, indexes, labels and nulls of pandas and polars."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import numpy
import pandas
import polars
import pyarrow
from pandas import DataFrame, Index, MultiIndex, Series
from polars.testing import assert_frame_equal, assert_series_equal

__all__ = ["pandas_frames", "polars_frames", "same"]


def same(found: Any, wanted: Any) -> None:
    """Assert that two objects are equal in everything that their library compares, types and labels included."""
    assert type(found) is type(wanted)
    match wanted:
        case DataFrame():
            pandas.testing.assert_frame_equal(found, wanted, check_freq=True, check_flags=True)
            for one, other in ((found.index, wanted.index), (found.columns, wanted.columns)):
                assert type(one) is type(other)
                pandas.testing.assert_index_equal(one, other, exact=True)
            assert (found.attrs, _shown(found)) == (wanted.attrs, _shown(wanted))
        case Series():
            pandas.testing.assert_series_equal(found, wanted, check_freq=True, check_flags=True)
        case Index():
            pandas.testing.assert_index_equal(found, wanted, exact=True)
        case polars.DataFrame() | polars.Series():
            check = assert_frame_equal if isinstance(wanted, polars.DataFrame) else assert_series_equal
            check(found, wanted, check_exact=True, categorical_as_str=False)
        case _:
            assert found.equals(wanted, check_metadata=True)


def _shown(frame: DataFrame) -> list[str]:
    return [repr(value) for value in frame.to_numpy(object).ravel()]


def column(values: Any, **options: Any) -> DataFrame:
    """A frame of one column."""
    return DataFrame({"x": values}, **options)


def pandas_frames() -> dict[str, DataFrame]:
    """Frames by what is special about them."""
    return {**_numbers(), **_times(), **_texts(), **_extensions(), **_objects(), **_indexes(), **_shapes()}


def _numbers() -> dict[str, DataFrame]:
    kinds = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?", ">i4", ">f8")
    return {
        "numbers": DataFrame({kind: numpy.arange(4).astype(kind) for kind in kinds}),
        "floats": column([1.0, float("nan"), float("inf"), -0.0]),
        "complex": column(numpy.array([1j, complex("nan+1j"), 2], dtype="c16")),
        "complex64": column(numpy.array([1j, 2], dtype="c8")),
    }


def _times() -> dict[str, DataFrame]:
    frames: dict[str, DataFrame] = {}
    moments = pandas.to_datetime(["2020-01-01", None, "1990-07-01"])
    for unit in ("s", "ms", "us", "ns"):
        frames[f"datetime {unit}"] = column(moments.astype(f"datetime64[{unit}]"))
        frames[f"timedelta {unit}"] = column(Series([1, None, 3], dtype=f"timedelta64[{unit}]"))
        frames[f"zoned {unit}"] = column(moments.astype(f"datetime64[{unit}]").tz_localize("Europe/Berlin"))
    zones = {"utc": "UTC", "utc of datetime": dt.UTC, "fixed zone": dt.timezone(dt.timedelta(hours=5.5))}
    for name, zone in zones.items():
        frames[name] = column(pandas.date_range("2020", periods=3, tz=zone))
    frames["clock change"] = column(pandas.date_range("2024-10-27", periods=6, freq="h", tz="Europe/Berlin"))
    return frames


def _texts() -> dict[str, DataFrame]:
    return {
        "text": column(["a", None, "ü", "", "\0"]),
        "text with NA": column(pandas.array(["a", None], dtype="string")),
        "text of Python": column(pandas.array(["a", None], dtype=pandas.StringDtype("python"))),
        "text of Python with NaN": column(
            pandas.array(["a", None], dtype=pandas.StringDtype("python", na_value=float("nan")))
        ),
    }


def _extensions() -> dict[str, DataFrame]:
    masked = {kind: column(pandas.array([1, None, 0], dtype=kind)) for kind in (
        "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean",
    )}  # fmt: skip
    values, missing = numpy.array([1.0, numpy.nan, 0.0]), numpy.array([False, False, True])
    masked["Float64 with NaN"] = column(pandas.arrays.FloatingArray(values, missing))
    masked["Float32 with NaN"] = column(pandas.arrays.FloatingArray(values.astype("f4"), missing))
    arrow = {
        f"arrow {kind}": column(Series([value, None], dtype=pandas.ArrowDtype(kind)))
        for kind, value in (
            (pyarrow.int64(), 1), (pyarrow.string(), "a"), (pyarrow.list_(pyarrow.int64()), [1, 2]),
            (pyarrow.date32(), dt.date(2020, 1, 1)), (pyarrow.decimal128(10, 2), Decimal("1.50")),
            (pyarrow.timestamp("us", "UTC"), pandas.Timestamp("2020", tz="UTC")), (pyarrow.binary(), b"a"),
            (pyarrow.struct([("a", pyarrow.int64())]), {"a": 1}), (pyarrow.null(), None),
        )
    }  # fmt: skip
    cut = pandas.cut(Series([1, 2, 3, None]), [0, 2, 4])
    return {
        **masked,
        **arrow,
        "ordered": column(pandas.Categorical(["x", None, "y"], categories=["y", "x", "z"], ordered=True)),
        "categories of numbers": column(pandas.Categorical([1, 2, 1])),
        "categories of moments": column(pandas.Categorical(pandas.date_range("2020", periods=3, tz="UTC"))),
        "categories of everything": column(pandas.Categorical([1, "a", 1.5, None])),
        "cut": column(cut),
        "intervals": column(pandas.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3)], closed="both")),
        "intervals of moments": column(pandas.interval_range(pandas.Timestamp("2020"), periods=3)),
        "months": column(pandas.PeriodIndex(["2020-01", None, "2020-03"], freq="M")),
        "quarters": column(pandas.period_range("2020", periods=3, freq="Q-FEB")),
        "sparse": column(pandas.arrays.SparseArray([0, 0, 1])),
        "sparse floats": column(pandas.arrays.SparseArray([float("nan"), 0, 1])),
    }


def _objects() -> dict[str, DataFrame]:
    values: dict[str, list[Any]] = {
        "mixed": [1, "x", None, 2.5, True],
        "text as objects": ["a", None],
        "half a character": ["\ud800", None],
        "kinds of nothing": ["a", float("nan"), None, pandas.NA, pandas.NaT],
        "large numbers": [1, None, 2**70],
        "truth": [True, None],
        "lists": [[1, 2], [], None, [None, "x"]],
        "dicts": [{"a": 1}, {"b": [1]}, {1: 2}, {"$": 1}, None],
        "tuples and sets": [(1, (2,)), {1, 2}, frozenset({3})],
        "arrays": [numpy.arange(3), numpy.zeros((2, 2)), numpy.array([1, "x"], dtype=object)],
        "decimals": [Decimal("1.50"), Decimal(2), None],
        "dates": [dt.date(2020, 1, 1), None, dt.time(1, 2), dt.datetime(2020, 1, 1, fold=1), dt.timedelta(1, 2)],  # noqa: DTZ001  # naive is meant
        "bytes": [b"a", bytearray(b"b"), None],
        "scalars": [numpy.float32(0.1), numpy.datetime64("2020"), uuid.UUID(int=5), 1j, range(3)],
        "scalars of pandas": [
            pandas.Timestamp("2020", tz="Asia/Tokyo"), pandas.Timedelta("1h"), pandas.Period("2020-01"),
            pandas.Interval(0, 1.5),
        ],
    }  # fmt: skip
    return {name: column(Series(listed, dtype=object)) for name, listed in values.items()}


def _indexes() -> dict[str, DataFrame]:
    indexes: dict[str, Index] = {
        "range": pandas.RangeIndex(5, 20, 5, name="r"),
        "numbers": Index([3, 1, 2], name=0),
        "floats": Index([1.5, float("nan"), 2]),
        "text": Index(["a", "b", "c"]),
        "repeated": Index(["a", "a", "b"]),
        "mixed": Index([1, "a", None]),
        "months' starts": pandas.date_range("2020", periods=3, freq="MS", name="w"),
        "moments": pandas.DatetimeIndex(["2020", "2021", "2025"]),
        "hours in Tokyo": pandas.date_range("2020", periods=3, freq="h", tz="Asia/Tokyo"),
        "spans": pandas.timedelta_range("1h", periods=3, freq="h"),
        "months": pandas.period_range("2020", periods=3, freq="M"),
        "intervals": pandas.interval_range(0, 3),
        "categories": pandas.CategoricalIndex(["a", "b", "a"]),
        "nullable": Index(pandas.array([1, None, 2], dtype="Int64")),
        "truth": Index([True, False, True]),
        "complex": Index([1j, 2, 3]),
        "named by a tuple": Index([1, 2, 3], name=("a", 1)),
        "levels": MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["l", None]),
        "levels with nulls": MultiIndex.from_tuples([("a", 1), (None, 2), ("b", float("nan"))]),
        "levels of moments": MultiIndex.from_product([pandas.date_range("2020", periods=3), ["x"]]),
        "levels of one name": MultiIndex.from_product([[1, 2, 3], [0.5]], names=["a", "a"]),
        "levels of categories": MultiIndex.from_arrays(
            [pandas.Categorical(["a", "b", "a"], ordered=True), pandas.cut([1, 2, 3], [0, 2, 4])]
        ),
    }
    frames = {f"index: {name}": DataFrame({"v": [1, 2, 3]}, index=index) for name, index in indexes.items()}
    return frames | {f"columns: {name}": DataFrame([[1, 2, 3]], columns=index) for name, index in indexes.items()}


def _shapes() -> dict[str, DataFrame]:
    plain = DataFrame({"a": [1, 2], "b": ["x", None]})
    told = plain.copy()
    told.attrs["source"] = {"pages": (1, 2)}
    return {
        "empty": DataFrame(),
        "no columns": DataFrame(index=[1, 2]),
        "no rows": plain[:0],
        "unused levels": DataFrame({"v": [1, 2]}, index=MultiIndex.from_product([["a"], [1, 2]]))[:1],
        "columns with a name": plain.rename_axis(columns="c"),
        "two columns of one name": DataFrame([[1, "a"]], columns=["a", "a"]),
        "names of all kinds": DataFrame([[1, 2, 3, 4]], columns=[1, "a", None, (1, 2)]),
        "half a character in a name": DataFrame([[1]], columns=Index(["\ud800"], dtype=object)),
        "attrs": told,
        "no duplicates allowed": plain.set_flags(allows_duplicate_labels=False),
    }


def polars_frames() -> dict[str, polars.DataFrame]:
    """The same for polars."""
    series = polars.Series
    sizes = polars.Enum(["S", "M", "L"])
    frames: dict[str, polars.DataFrame] = {
        str(kind): series("x", [1, None, 0], dtype=kind).to_frame()
        for kind in (
            polars.Int8, polars.Int16, polars.Int32, polars.Int64, polars.UInt8, polars.UInt16, polars.UInt32,
            polars.UInt64, polars.Float32, polars.Float64,
        )
    }  # fmt: skip
    columns: dict[str, polars.Series] = {
        "not a number": series([1.0, float("nan"), None]),
        "text": series(["a", None, "a long text that stands apart", ""]),
        "bytes": series([b"a", None, b"x" * 40]),
        "truth": series([True, None, False]),
        "categories": series(["x", None, "y"], dtype=polars.Categorical),
        "named categories": series(["x", None], dtype=polars.Categorical(polars.Categories("shops"))),
        "enum": series(["M", None, "S"], dtype=sizes),
        "dates": series([dt.date(2020, 1, 1), None, dt.date(1, 1, 1)]),
        "times": series([dt.time(1, 2, 3), None]),
        "decimals": series([Decimal("1.50"), None, Decimal("2.25")], dtype=polars.Decimal(20, 3)),
        "lists": series([[1, 2], None, [], [None]]),
        "lists of text": series([["a"], [None], None]),
        "structs": series([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        "lists of structs": series([[{"a": [1]}], None, []]),
        "arrays": series([[1, 2], [3, 4], None], dtype=polars.Array(polars.Int64, 2)),
        "nothing": series([None, None]),
        "lists of an enum": series([["M"], None, ["S", "L"]], dtype=polars.List(sizes)),
        "struct of categories": series([{"c": "q"}, None], dtype=polars.Struct({"c": polars.Categorical})),
    }
    for unit in ("ms", "us", "ns"):
        moments = [dt.datetime.fromisoformat(text) if text else None for text in ("2020-01-01", "", "1990-07-01")]
        columns[f"datetime {unit}"] = series(moments, dtype=polars.Datetime(unit))
        columns[f"zoned {unit}"] = series(moments, dtype=polars.Datetime(unit, "Europe/Berlin"))
        columns[f"duration {unit}"] = series([dt.timedelta(1), None], dtype=polars.Duration(unit))
    frames |= {name: values.alias(name).to_frame() for name, values in columns.items()}
    plain = polars.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
    return frames | {
        "empty": polars.DataFrame(),
        "no columns": polars.DataFrame(height=3),
        "a column without a name": polars.DataFrame({"": [1], "column_0": [2]}),
        "a part without a name": polars.DataFrame({"s": [{"": 1}]}),
        "no rows": plain.clear(),
        "in pieces": polars.concat([plain, plain.with_columns(polars.col("b").str.to_uppercase())], rechunk=False),
        "a part": plain[1:],
    }
