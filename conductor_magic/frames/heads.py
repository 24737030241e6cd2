"""The first rows of a frame in a file, whatever the rest of it holds: what they cost is bounded by themselves."""

from __future__ import annotations

from typing import Any

import pyarrow as arrow

from .bounds import bytes_in, is_known, is_view
from .files import built, description

__all__ = ["read_head"]

Json = dict[str, Any]

_MOST_BYTES = 4 << 20
"""Bytes that the rows, and what the writer said of the frame, may take."""


def read_head(content: Any, rows: int) -> Any:
    """The first rows of the frame in an Arrow file, of the library that made it.

    Args:
        content: the file as a buffer of Arrow; it is not compressed, and its pieces lie in it (see `check_arrow`).
        rows: how many, at most.

    Raises:
        ValueError: it is not what it says it is, or its rows are too large or too strange to be looked at.
    """
    try:
        table = _first(arrow.ipc.open_file(content), rows)
        table.validate(full=True)  # offsets and lengths that lie would be read as they stand
        strange = [str(field.type) for field in table.schema if not is_known(field.type)]
        if strange:
            raise ValueError(f"it has columns of the type {strange[0][:60]}")
        if sum(map(bytes_in, table.columns)) + _told_bytes(table.schema) > _MOST_BYTES:
            raise ValueError("its first rows are too long")
        told = _of_head(description(table.schema), table.num_rows)
        return built(table.replace_schema_metadata(None), told)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001  # a stranger's file: whatever it makes a library raise
        raise ValueError(str(error).partition("\n")[0][:200]) from None


def _first(reader: Any, rows: int) -> Any:
    """The first rows as one batch a column; of its dictionaries, only what these rows name."""
    batches: list[Any] = []
    for number in range(reader.num_record_batches):
        missing = rows - sum(batch.num_rows for batch in batches)
        if missing <= 0:
            break
        batches.append(reader.get_batch(number).slice(0, missing))
        batches[-1].validate(full=True)
    table = arrow.Table.from_batches(batches, reader.schema).unify_dictionaries().combine_chunks()
    columns = [_named(column) if arrow.types.is_dictionary(column.type) else column for column in table.columns]
    return arrow.Table.from_arrays(columns, schema=table.schema)


def _named(column: Any) -> Any:
    if column.num_chunks == 0:
        return column
    array = column.chunk(0)
    found = array.indices.to_pylist()
    codes = sorted({code for code in found if code is not None})
    indices = arrow.array([None if code is None else codes.index(code) for code in found], array.type.index_type)
    named = [array.dictionary[code] for code in codes]
    if is_view(array.type.value_type):  # Arrow takes no views out of an array
        if sum(value.as_buffer().size for value in named if value.is_valid) > _MOST_BYTES:
            raise ValueError("its first rows are too long")
        values = arrow.array([value.as_py() for value in named], array.type.value_type)
    else:
        values = array.dictionary.take(arrow.array(codes, array.type.index_type))
    return arrow.DictionaryArray.from_arrays(indices, values, ordered=array.type.ordered)


def _of_head(told: Json, rows: int) -> Json:
    """What the writer said of the frame, made to fit its first rows; without `attrs`, which nobody sees."""
    told = {**told, "attrs": {}}
    index = told.get("index")
    if isinstance(index, dict) and index.get("kind") == "range":
        start, _, step = map(int, index["range"])
        told = {**told, "index": {**index, "range": [start, start + rows * step, step]}}
    return told


def _told_bytes(schema: Any) -> int:
    return sum(len(key) + len(text) for key, text in (schema.metadata or {}).items())
