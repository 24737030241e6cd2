"""Arrow files that know whose frame they hold: written in a worker's kernel, read in the notebook.

The description lies in the schema's metadata, so the file is an ordinary Arrow file for everybody else. What is read
is a stranger's: it is validated before any of it is used, and only types that its description names are built.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as arrow

from .layout import check_layout

__all__ = ["built", "description", "read_frame", "shape_of", "write_frame"]

Json = dict[str, Any]
_KEY = b"conductor_magic"
_VERSION = 1


def write_frame(value: Any, path: str | Path) -> list[str]:
    """Write a frame, Series or Index of pandas, a frame or Series of polars, or an Arrow table.

    Returns:
        What will not come back equal, a sentence each.

    Raises:
        TypeError: it is of another type, or holds what no file can.
    """
    notes: list[str] = []
    library, name = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "pandas":
        from .pandas_frames import pandas_told

        table, told = pandas_told(value, notes)
    elif library == "polars":
        table, told = _polars_told(value)
    elif isinstance(value, arrow.Table):
        table, told = value, {"kind": "Table", "shape": list(value.shape)}
    else:
        raise TypeError(f"a {library}.{name} is no frame")
    table = table.unify_dictionaries().combine_chunks()
    text = json.dumps({"version": _VERSION, "library": library, **told}, allow_nan=False)
    schema = table.schema.with_metadata({**(table.schema.metadata or {}), _KEY: text.encode()})
    with arrow.OSFile(str(path), "wb") as sink, arrow.ipc.new_file(sink, schema) as writer:
        writer.write_table(table.replace_schema_metadata(schema.metadata))
    return notes


def read_frame(path: str | Path) -> Any:
    """What a file holds: of the library that made it; an Arrow table where that is unknown or not installed.

    Raises:
        OSError: the file is gone.
        ValueError: it is not what it says it is.
    """
    content = Path(path).read_bytes()
    try:
        check_layout(content, len(content))
        table = arrow.ipc.open_file(arrow.py_buffer(content)).read_all()
        table.validate(full=True)  # offsets and lengths that lie would be read as they stand
        told = description(table.schema)
        rest = {key: text for key, text in (table.schema.metadata or {}).items() if key != _KEY}
        rows = shape_of(table.schema, table.num_rows)[0]
        return built(_with_rows(table.replace_schema_metadata(rest or None), rows), told)
    except Exception as error:  # noqa: BLE001  # a stranger's file: whatever it makes a library raise
        said = str(error).partition("\n")[0][:200]
        raise ValueError(f"{Path(path).name} is not the frame that it says it is ({said})") from None


def description(schema: Any) -> Json:
    """What the writer said of the frame; empty when it said nothing.

    Raises:
        ValueError: it is no description.
    """
    text = (schema.metadata or {}).get(_KEY)
    if text is None:
        return {}
    told = json.loads(text)
    if not isinstance(told, dict) or told.get("version") != _VERSION:
        raise ValueError("its description is of another version")
    return told


def shape_of(schema: Any, rows: int) -> tuple[int, ...]:
    """Rows and columns of the frame in a file, or the length of a Series, as its writer said; else of the table."""
    shape = description(schema).get("shape")
    if isinstance(shape, list) and len(shape) in (1, 2) and all(type(length) is int for length in shape):
        return tuple(shape)
    index = (schema.pandas_metadata or {}).get("index_columns", ())
    return rows, len(schema) - sum(isinstance(column, str) for column in index)


def _with_rows(table: Any, rows: int) -> Any:
    """The table with its rows, which no file has where there are no columns."""
    if table.num_columns:
        return table
    return arrow.table({"": arrow.nulls(rows)}, metadata=table.schema.metadata).select([])


def built(table: Any, told: Json) -> Any:
    """The frame of a table that was validated, of the library that made it, else the table.

    Raises:
        ValueError: it is not what its writer said of it.
    """
    library = told.get("library")
    try:
        if library == "pandas":
            from .pandas_frames import pandas_from

            return pandas_from(table, told)
        if library == "polars":
            return _polars_from(table, told)
        if library is None and all(_is_plain(field.type) for field in table.schema):
            import pandas  # noqa: F401  # a file of nobody's: pandas', where that is installed

            return table.to_pandas()
    except ImportError:
        pass
    return table


def _polars_told(value: Any) -> tuple[Any, Json]:
    import polars

    frame = value.to_frame() if isinstance(value, polars.Series) else value
    if not isinstance(frame, polars.DataFrame):
        raise TypeError(f"a polars.{type(value).__name__} is no frame: `collect()` it first")
    lost = [name for name, dtype in frame.schema.items() if _has_no_equal(dtype, polars)]
    if lost:
        types = ", ".join(f"`{name}` {frame.schema[name]}" for name in lost[:3])
        raise TypeError(f"an Arrow file has no equal of {types}: cast it, to String for example")
    table = frame.to_arrow(compat_level=polars.CompatLevel.newest())
    return table, {"kind": type(value).__name__, "shape": list(value.shape)}


def _has_no_equal(dtype: Any, polars: Any) -> bool:
    """Whether the type is, or holds, one that pyarrow does not know, or that polars cannot take back."""
    if isinstance(dtype, polars.Struct):
        return any(_has_no_equal(field.dtype, polars) for field in dtype.fields)
    if isinstance(dtype, polars.Array) and dtype.size == 0:
        return True
    if isinstance(dtype, polars.List | polars.Array):
        return _has_no_equal(dtype.inner, polars)
    return str(dtype).partition("(")[0] in ("Object", "Int128", "UInt128", "Unknown")


def _polars_from(table: Any, told: Json) -> Any:
    import polars

    strange = [str(field.type) for field in table.schema if not _is_polars(field.type)]
    if strange:
        raise ValueError(f"polars has no type {strange[0][:60]}")
    # By numbers, as polars gives a name to a column that has none. Without columns, that would lose the rows.
    names = table.column_names
    numbered = table.rename_columns(list(map(str, range(len(names))))) if names else table
    try:
        frame: Any = polars.from_arrow(numbered)
    except polars.exceptions.PanicException as error:  # derived from BaseException
        raise ValueError(f"polars cannot take it ({error})") from None
    frame.columns = names
    return frame.to_series() if told["kind"] == "Series" else frame


def _is_polars(kind: Any) -> bool:
    """Whether polars itself writes columns of this type; others might unpack to more than the file holds."""
    types = arrow.types
    if types.is_struct(kind):
        return all(_is_polars(kind.field(at).type) for at in range(kind.num_fields))
    if types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_polars(kind.value_type)
    if types.is_dictionary(kind):
        return kind.value_type in (arrow.string_view(), arrow.large_string())
    views = (arrow.string_view(), arrow.binary_view(), arrow.large_string(), arrow.large_binary())
    return kind in views or types.is_null(kind) or types.is_primitive(kind) or types.is_decimal128(kind)


def _is_plain(kind: Any, top: bool = True) -> bool:
    """Whether a column of this type unpacks to about what the file holds of it."""
    types = arrow.types
    if types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_plain(kind.field(at).type, False) for at in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind):
        return _is_plain(kind.value_type, False)
    if types.is_dictionary(kind):
        return top and _is_plain(kind.value_type, False)
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    return text or types.is_primitive(kind) or types.is_decimal(kind)
