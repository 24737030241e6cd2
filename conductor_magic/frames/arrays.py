"""Columns of pandas as Arrow arrays and back, equal, each with a small description of what it was.

`array_told` gives an Arrow array and a description that JSON holds; `array_from` takes both and believes neither: an
array that is not of the type that its description needs is a ValueError. What no file can hold as it is becomes plain
values or text, and a note says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pandas
import pyarrow as arrow

from . import cells

__all__ = ["Notes", "array_from", "array_told", "codes_in", "dictionary", "distinct_from", "flat_from", "flat_told"]

Json = dict[str, Any]
Notes = list[str]
Told = tuple[Any, Json]

_DEEPEST = 8
_LONGEST_FREQUENCY = 40
_MASKED = frozenset(
    {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64", "boolean"}
)


def array_told(values: Any, what: str, notes: Notes) -> Told:
    """A column's values as one Arrow array, and what they were.

    Args:
        values: the `.array` of a Series or Index.
        what: how to call it in a note.
        notes: takes what could not be kept.
    """
    if type(values) is pandas.arrays.NumpyExtensionArray:  # a subclass holds text
        values = values.to_numpy()
    dtype = values.dtype
    for matches, tell in _TELLERS:
        if matches(dtype):
            try:
                return tell(values, dtype, what, notes)
            except (arrow.ArrowException, cells.Unsupported, TypeError, ValueError, NotImplementedError):
                break
    notes.append(f"{what} is of the type {dtype}, which no file holds: it comes back as its plain values")
    return _tell_objects(values.astype(object), None, what, notes)


def array_from(array: Any, told: Json, depth: int = 0) -> Any:
    """The values of one Arrow array, as numpy's or pandas' array.

    Raises:
        ValueError: it is not what its description says.
    """
    if depth > _DEEPEST:
        raise ValueError("a column is described too deeply")
    try:
        return _READERS[told["kind"]](array, told, depth)
    except (
        arrow.ArrowException,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        NotImplementedError,
    ) as error:
        raise ValueError(f"a column is not what it says it is ({error})") from None


def flat_told(index: Any, what: str, notes: Notes) -> Told:
    """An index of one level as an array, with its frequency."""
    array, told = array_told(index.array, what, notes)
    freq = index.freqstr if isinstance(index, pandas.DatetimeIndex | pandas.TimedeltaIndex) else None
    if freq is not None and _offset(freq) != index.freq:
        notes.append(f"{what} comes back without its frequency {freq}")
        freq = None
    return array, {"values": told, "freq": freq}


def flat_from(array: Any, told: Json, depth: int = 0) -> Any:
    """The index of what `flat_told` gave, without its name."""
    values = array_from(array, told["values"], depth)
    index: Any = pandas.Index(values, dtype=values.dtype, copy=False)
    if told["freq"] is not None:
        index.freq = _offset(told["freq"])
    return index


def distinct_from(array: Any, told: Json, depth: int = 0) -> Any:
    """The same for categories and levels, which pandas puts into a hash table at once."""
    index = flat_from(array, told, depth)
    if index.dtype == object and cells.alike(index):
        raise ValueError("its categories would take too long to tell apart")
    return index


def _tell_numbers(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    native = values.astype(dtype.newbyteorder("="), copy=False)
    # Not-a-number stays one, and is no null: so the file holds exactly the bytes of the column.
    return arrow.array(native, from_pandas=False), {"kind": "numbers", "dtype": dtype.str}


def _read_numbers(array: Any, told: Json, depth: int) -> Any:
    import numpy

    dtype = numpy.dtype(str(told["dtype"]))
    if dtype.kind not in "biufmM":
        raise ValueError(f"no dtype of numbers: {dtype}")
    _expect(array, arrow.from_numpy_dtype(dtype.newbyteorder("=")))
    if array.null_count and dtype.kind not in "mM":
        raise ValueError("nulls among plain numbers")
    # A copy: what Arrow gives without one cannot be written to.
    return numpy.array(array.to_numpy(zero_copy_only=False), dtype=dtype)


def _tell_complex(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    import numpy

    pairs = numpy.ascontiguousarray(values).astype("c16", copy=False).view("f8")
    return arrow.FixedSizeListArray.from_arrays(arrow.array(pairs), 2), {"kind": "complex", "dtype": dtype.str}


def _read_complex(array: Any, told: Json, depth: int) -> Any:
    import numpy

    _expect(array, arrow.list_(arrow.float64(), 2))
    dtype = numpy.dtype(str(told["dtype"]))
    if dtype.kind != "c" or array.null_count or array.flatten().null_count:
        raise ValueError("no complex numbers")
    return numpy.array(array.flatten().to_numpy(zero_copy_only=False)).view("c16").astype(dtype, copy=False)


def _tell_moments(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    told = {"kind": "moments", "unit": dtype.unit, "zone": cells.timezone_told(dtype.tz)}
    plain = pandas.DatetimeIndex(values).tz_convert(None).to_numpy()
    return arrow.array(plain).cast(arrow.timestamp(dtype.unit, "UTC")), told


def _read_moments(array: Any, told: Json, depth: int) -> Any:
    _expect(array, arrow.timestamp(str(told["unit"]), "UTC"))
    plain = array.cast(arrow.timestamp(str(told["unit"]))).to_numpy(zero_copy_only=False)
    return pandas.DatetimeIndex(plain.copy()).tz_localize("UTC").tz_convert(cells.timezone_from(told["zone"])).array


def _tell_masked(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    if dtype.name not in _MASKED:
        raise TypeError(dtype.name)
    return _one(arrow.array(values)), {"kind": "masked", "dtype": dtype.name}


def _read_masked(array: Any, told: Json, depth: int) -> Any:
    if told["dtype"] not in _MASKED:
        raise ValueError(f"no nullable dtype: {str(told['dtype'])[:40]}")
    dtype: Any = pandas.api.types.pandas_dtype(told["dtype"])
    wanted = "bool" if told["dtype"] == "boolean" else told["dtype"].lower().replace("float64", "double")
    if str(array.type) not in (wanted, wanted.replace("float32", "float")):
        raise ValueError(f"{array.type} where {wanted} was announced")
    # Not by pandas' own reader, which takes not-a-number for missing.
    data = array.fill_null(False if told["dtype"] == "boolean" else 0).to_numpy(zero_copy_only=False)
    return dtype.construct_array_type()(data.copy(), array.is_null().to_numpy(zero_copy_only=False).copy())


def _tell_text(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    # The missing value itself is NA or NaN; older versions of pandas do not say which.
    missing = "NaN" if getattr(dtype, "na_value", pandas.NA) is not pandas.NA else "NA"
    array = _one(arrow.array(values, from_pandas=True)).cast(arrow.large_string())
    return array, {"kind": "text", "storage": dtype.storage, "missing": missing}


def _read_text(array: Any, told: Json, depth: int) -> Any:
    _expect(array, arrow.large_string())
    if told["storage"] not in ("python", "pyarrow"):
        raise ValueError("no storage of text")
    options = {"na_value": float("nan")} if told["missing"] == "NaN" else {}
    return pandas.StringDtype(told["storage"], **options).__from_arrow__(arrow.chunked_array([array]))


def _tell_arrow(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    return _one(values.__arrow_array__()), {"kind": "arrow"}


def _read_arrow(array: Any, told: Json, depth: int) -> Any:
    return pandas.arrays.ArrowExtensionArray(arrow.chunked_array([array]))


def _tell_categories(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    array, told = flat_told(dtype.categories, f"the categories of {what}", notes)
    return dictionary(values.codes, array), {"kind": "categories", "ordered": bool(dtype.ordered), **told}


def _read_categories(array: Any, told: Json, depth: int) -> Any:
    categories = distinct_from(array.dictionary, told, depth + 1)
    return pandas.Categorical.from_codes(codes_in(array), categories=categories, ordered=bool(told["ordered"]))


def _tell_periods(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    return arrow.array(values.asi8, mask=values.isna()), {"kind": "periods", "freq": values.freqstr}


def _read_periods(array: Any, told: Json, depth: int) -> Any:
    _expect(array, arrow.int64())
    ordinals = array.fill_null(pandas.NaT._value).to_numpy(zero_copy_only=False)  # noqa: SLF001  # the ordinal of NaT
    return pandas.PeriodIndex.from_ordinals(ordinals.copy(), freq=str(told["freq"])[:_LONGEST_FREQUENCY]).array


def _tell_intervals(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    (left, lower), (right, upper) = (array_told(side.array, what, notes) for side in (values.left, values.right))
    array = arrow.StructArray.from_arrays([left, right], ["left", "right"], mask=arrow.array(values.isna()))
    return array, {"kind": "intervals", "left": lower, "right": upper, "closed": dtype.closed}


def _read_intervals(array: Any, told: Json, depth: int) -> Any:
    left, right = (array_from(array.field(side), told[side], depth + 1) for side in ("left", "right"))
    return pandas.arrays.IntervalArray.from_arrays(left, right, closed=told["closed"])


def _tell_sparse(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    array, told = array_told(pandas.Series(values.to_dense()).array, what, notes)
    return array, {"kind": "sparse", "values": told, "fill": cells.encoded(dtype.fill_value)}


def _read_sparse(array: Any, told: Json, depth: int) -> Any:
    dense = array_from(array, told["values"], depth + 1)
    return pandas.arrays.SparseArray(dense, fill_value=cells.decoded(told["fill"]))


def _tell_objects(values: Any, dtype: Any, what: str, notes: Notes) -> Told:
    items = list(values)
    kinds = {type(item) for item in items}
    if str in kinds and kinds <= {str, type(None)}:
        with contextlib.suppress(UnicodeEncodeError):  # halves of characters, which only JSON holds
            return arrow.array(items, type=arrow.large_string()), {"kind": "objects", "of": "text"}
    strange: set[str] = set()
    texts = [_cell(item, strange) for item in items]
    if strange:
        notes.append(f"{what} holds {', '.join(sorted(strange)[:3])}, which comes back as text")
    return arrow.array(texts, type=arrow.large_string()), {"kind": "objects", "of": "cells"}


def _cell(item: Any, strange: set[str]) -> str:
    try:
        return cells.dumps(item)
    except cells.Unsupported as error:
        strange.add(str(error))
        return cells.dumps(str(item))


def _read_objects(array: Any, told: Json, depth: int) -> Any:
    import numpy

    _expect(array, arrow.large_string())
    values = numpy.empty(len(array), dtype=object)
    for at, item in enumerate(array.to_pylist()):
        values[at] = item if told["of"] == "text" else cells.loads(item)
    return values


def _offset(freq: str) -> Any:
    """The frequency of a name such as `MS`, or None when there is none."""
    try:
        return pandas.tseries.frequencies.to_offset(freq) if len(freq) <= _LONGEST_FREQUENCY else None
    except ValueError:
        return None


def dictionary(codes: Any, values: Any) -> Any:
    """Codes (negative: missing) into values, as Arrow has it."""
    return arrow.DictionaryArray.from_arrays(arrow.array(codes, mask=codes < 0), values)


def codes_in(array: Any) -> Any:
    """The codes of such an array; -1 for what is missing."""
    if not arrow.types.is_dictionary(array.type):
        raise ValueError("no dictionary")
    return array.indices.fill_null(-1).to_numpy(zero_copy_only=False).copy()


def _expect(array: Any, wanted: Any) -> Any:
    if array.type != wanted:
        raise ValueError(f"{array.type} where {wanted} was announced")
    return array


def _one(array: Any) -> Any:
    """One array, also of what comes in chunks."""
    return array.combine_chunks() if isinstance(array, arrow.ChunkedArray) else array


def _is_numpy(kinds: str) -> Callable[[Any], bool]:
    return lambda dtype: (
        getattr(dtype, "kind", "") in tuple(kinds) and not pandas.api.types.is_extension_array_dtype(dtype)
    )


_TELLERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any, str, Notes], Told]], ...] = (
    (_is_numpy("biufmM"), _tell_numbers),
    (_is_numpy("c"), _tell_complex),
    (_is_numpy("OUS"), _tell_objects),
    (lambda dtype: isinstance(dtype, pandas.DatetimeTZDtype), _tell_moments),
    (lambda dtype: isinstance(dtype, pandas.StringDtype), _tell_text),
    (lambda dtype: isinstance(dtype, pandas.ArrowDtype), _tell_arrow),
    (lambda dtype: isinstance(dtype, pandas.CategoricalDtype), _tell_categories),
    (lambda dtype: isinstance(dtype, pandas.PeriodDtype), _tell_periods),
    (lambda dtype: isinstance(dtype, pandas.IntervalDtype), _tell_intervals),
    (lambda dtype: isinstance(dtype, pandas.SparseDtype), _tell_sparse),
    (lambda dtype: getattr(dtype, "name", "") in _MASKED, _tell_masked),
)
_READERS: dict[str, Callable[[Any, Json, int], Any]] = {
    "numbers": _read_numbers,
    "complex": _read_complex,
    "moments": _read_moments,
    "masked": _read_masked,
    "text": _read_text,
    "arrow": _read_arrow,
    "categories": _read_categories,
    "periods": _read_periods,
    "intervals": _read_intervals,
    "sparse": _read_sparse,
    "objects": _read_objects,
}
