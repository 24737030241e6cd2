"""What a notebook variable looks like: its type, shape, column types and a preview, for a model to read.

Nothing is imported for it: a type that is there has brought its package along.
"""

from __future__ import annotations

import reprlib
import sys
from typing import Any

__all__ = ["looks", "type_name"]

_PREVIEW = 1500
_COLUMNS = 40
_ROWS = 5


def looks(value: Any) -> tuple[tuple[int, ...] | None, str | None, str]:
    """Shape, column types and preview; an object that fails to show itself is handed over all the same."""
    try:
        return _shape(value), _dtypes(value), _preview(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # the repr of a class of the user's may raise anything, an exit too
        return None, None, ""


def type_name(value: Any) -> str:
    """A type's name with its package's, as `pandas.DataFrame`; of a builtin type the name alone."""
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    return kind.__qualname__ if root == "builtins" else f"{root}.{kind.__qualname__}"


def _shape(value: Any) -> tuple[int, ...] | None:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return tuple(int(length) for length in shape)
    return (len(value),) if isinstance(value, list | tuple | dict | set | frozenset | str | bytes) else None


def _dtypes(value: Any) -> str | None:
    columns = _columns(value)
    if columns is None:
        dtype = getattr(value, "dtype", None)
        return None if dtype is None else str(dtype)
    shown = [
        f"{reprlib.repr(name) if not isinstance(name, str) else name[:60]} {dtype}"
        for name, dtype in columns[:_COLUMNS]
    ]
    more = f", … {len(columns) - _COLUMNS} more" if len(columns) > _COLUMNS else ""
    return ", ".join(shown)[: _PREVIEW // 2] + more


def _columns(value: Any) -> list[tuple[Any, Any]] | None:
    kind = type_name(value)
    if kind in ("pandas.DataFrame", "polars.DataFrame"):
        return list(zip(value.columns, value.dtypes, strict=True))
    if kind == "pyarrow.Table":
        return [(field.name, field.type) for field in value.schema]
    return None


def _preview(value: Any) -> str:
    kind = type_name(value)
    if kind == "pandas.DataFrame":
        pandas = sys.modules["pandas"]
        with pandas.option_context("display.max_columns", 12, "display.width", 160, "display.max_colwidth", 30):
            text = repr(value.head(_ROWS))
    elif kind in ("pandas.Series", "polars.DataFrame", "polars.Series"):
        text = repr(value.head(_ROWS))
    elif kind == "pyarrow.Table":
        rows = value.select(range(min(value.num_columns, _COLUMNS))).slice(0, _ROWS).to_pylist()
        text = "\n".join(", ".join(f"{name} {reprlib.repr(cell)}" for name, cell in row.items()) for row in rows)
    elif kind == "numpy.ndarray":
        numpy = sys.modules["numpy"]
        text = numpy.array2string(value[:_ROWS] if value.ndim else value, threshold=60, separator=", ")
    elif isinstance(value, str | bytes):
        text = repr(value[:400])
    elif isinstance(value, list | tuple | dict | set | frozenset):
        text = reprlib.repr(value)
    else:
        text = repr(value) if _is_small(value) else ""
    return text if len(text) <= _PREVIEW else f"{text[:_PREVIEW]} …"


def _is_small(value: Any) -> bool:
    """Whether its repr is surely short or abbreviates itself (numpy arrays do)."""
    return (
        isinstance(value, int | float | complex | bool | None)
        or type(value).__module__ == "numpy"
        or (sys.getsizeof(value) < 10_000)
    )
