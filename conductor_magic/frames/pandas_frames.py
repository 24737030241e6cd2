"""Frames, Series and Indexes of pandas as one Arrow batch with a description, and back, equal."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import pandas
import pyarrow as arrow

from . import cells
from .arrays import Notes, array_from, array_told
from .bounds import bytes_in, is_known
from .indexes import index_from, index_told, label_told
from .layout import ROOM, check_stream

__all__ = ["pandas_from", "pandas_told"]

Json = dict[str, Any]


def pandas_told(value: Any, notes: Notes) -> tuple[Any, Json]:
    """A frame, Series or Index as a table, and what is needed to build it again.

    The table's columns have readable names, each once; labels of any kind are in the description. Levels of the index
    follow the columns.

    Args:
        value: the object.
        notes: takes what could not be kept.
    """
    if isinstance(value, pandas.Index):
        arrays, told = index_told(value, "the index", notes)
        return _table(arrays, []), {"kind": "Index", "index": told, "shape": [len(value)]}
    levels, index = index_told(value.index, "the index", notes)
    told = {"index": index, "shape": list(value.shape), "attrs": _attrs_told(value, notes)}
    told["unique"] = not value.flags.allows_duplicate_labels
    if isinstance(value, pandas.Series):
        array, kept = array_told(value.array, "the series", notes)
        told |= {"kind": "Series", "columns": [kept], "name": label_told(value.name, "the series", notes)}
        return _table([array, *levels], ["values" if value.name is None else value.name]), told
    arrays, kept = [], []
    for label, series in value.items():
        array, column = array_told(series.array, f"column {label!r}"[:60], notes)
        arrays.append(array)
        kept.append(column)
    labels, header = index_told(value.columns, "the columns", notes)
    told |= {"kind": "DataFrame", "columns": kept, "header": header, "labels": _packed(labels)}
    return _table([*arrays, *levels], value.columns), told


def pandas_from(table: Any, told: Json) -> Any:
    """The object of what `pandas_told` gave.

    Raises:
        ValueError: the table is not what its description says.
    """
    arrays = [_one(column) for column in table.columns]
    if told["kind"] == "Index":
        return index_from(arrays, told["index"])
    if told["kind"] not in ("DataFrame", "Series"):
        raise ValueError("an unknown kind of frame")
    columns = told["columns"]
    index = index_from(arrays[len(columns) :], told["index"])
    read = [_series(array, column, index) for array, column in zip(arrays, columns, strict=False)]
    if len(read) != len(columns):
        raise ValueError("columns are missing")
    if told["kind"] == "Series":
        value = read[0].rename(cells.decoded(told["name"]))
    else:
        value = pandas.DataFrame(dict(enumerate(read)), index=index, copy=False)
        value.columns = index_from(_unpacked(told["labels"], len(columns)), told["header"])
    value.attrs.update(cells.decoded(told["attrs"]))
    return value.set_flags(allows_duplicate_labels=False) if told["unique"] else value


def _series(array: Any, told: Json, index: Any) -> Any:
    values = array_from(array, told)
    if len(values) != len(index):
        raise ValueError("a column and the index differ in length")
    return pandas.Series(values, index=index, dtype=values.dtype, copy=False)


def _attrs_told(value: Any, notes: Notes) -> Any:
    try:
        return cells.encoded(dict(value.attrs))
    except cells.Unsupported as error:
        notes.append(f"`attrs` holds {error}, so it does not come back")
        return {}


def _one(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.unify_dictionaries().combine_chunks() if column.num_chunks else arrow.array([], type=column.type)


def _table(arrays: list[Any], labels: Iterable[Any]) -> Any:
    names: dict[str, None] = {}
    for label in labels:
        names[_new_name(" ".join(map(str, label)).strip() if isinstance(label, tuple) else str(label), names)] = None
    for at in range(len(arrays) - len(names)):
        names[_new_name(f"__index_level_{at}__", names)] = None
    return arrow.table(dict(zip(names, arrays, strict=True)))


def _new_name(name: str, taken: Iterable[str]) -> str:
    name = name.encode(errors="replace").decode()
    while name in taken:
        name += "_"
    return name


def _packed(arrays: list[Any]) -> str:
    """The labels of the columns, as a file within the description: there are as many as columns, not as rows."""
    table = _table(arrays, [])
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue()).decode()


def _unpacked(text: str, count: int) -> list[Any]:
    """The labels of so many columns: no more of them, and no larger, than the description itself."""
    content = base64.b64decode(text)
    check_stream(content)
    table = arrow.ipc.open_stream(content).read_all()
    if table.num_columns and table.num_rows != count:
        raise ValueError(f"{table.num_rows} labels for {count} columns")
    strange = [str(field.type) for field in table.schema if not is_known(field.type)]
    if strange:
        raise ValueError(f"it has labels of the type {strange[0][:60]}")
    table.validate(full=True)
    if sum(map(bytes_in, table.columns)) > len(content) + ROOM:
        raise ValueError("its labels unpack to more than they are")
    return [_one(column) for column in table.columns]
