"""Indexes of pandas as Arrow arrays and back, equal: ranges, levels, names and frequencies with them."""

from __future__ import annotations

from typing import Any

import numpy
import pandas

from . import cells
from .arrays import Notes, codes_in, dictionary, distinct_from, flat_from, flat_told

__all__ = ["index_from", "index_told", "label_told"]

Json = dict[str, Any]


def index_told(index: Any, what: str, notes: Notes) -> tuple[list[Any], Json]:
    """An index as Arrow arrays (none for a range, one a level), and what it was."""
    if isinstance(index, pandas.RangeIndex):
        told = {"kind": "range", "range": [index.start, index.stop, index.step]}
        return [], {**told, "name": label_told(index.name, what, notes)}
    if isinstance(index, pandas.MultiIndex):
        pairs = [_level_told(*both, what, notes) for both in zip(index.levels, index.codes, strict=True)]
        names = [label_told(name, what, notes) for name in index.names]
        return [array for array, _ in pairs], {"kind": "levels", "levels": [told for _, told in pairs], "names": names}
    array, told = flat_told(index, what, notes)
    return [array], {"kind": "flat", **told, "name": label_told(index.name, what, notes)}


def index_from(arrays: list[Any], told: Json) -> Any:
    """The index of what `index_told` gave.

    Raises:
        ValueError: it is not what its description says.
    """
    try:
        if told["kind"] == "range":
            start, stop, step = map(int, told["range"])
            return pandas.RangeIndex(start, stop, step, name=cells.decoded(told["name"]))
        if told["kind"] == "levels":
            codes = [codes_in(array) for array in arrays]
            both = zip(arrays, told["levels"], strict=True)
            levels = [_level_from(array, level) for array, level in both]
            names = [cells.decoded(name) for name in told["names"]]
            return pandas.MultiIndex(levels=levels, codes=codes, names=names)
        return flat_from(arrays[0], told).rename(cells.decoded(told["name"]))
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"an index is not what it says it is ({error})") from None


def _level_told(level: Any, codes: Any, what: str, notes: Notes) -> tuple[Any, Json]:
    """One level with the codes into it. A file takes no dictionary of a dictionary: categories become the level."""
    if isinstance(level, pandas.CategoricalIndex):
        codes = numpy.where(codes < 0, -1, level.codes.take(codes))
        array, told = flat_told(level.categories, f"a level of {what}", notes)
        return dictionary(codes, array), {**told, "ordered": bool(level.ordered)}
    array, told = flat_told(level, f"a level of {what}", notes)
    return dictionary(codes, array), told


def _level_from(array: Any, told: Json) -> Any:
    level = distinct_from(array.dictionary, told)
    if "ordered" in told:
        return pandas.CategoricalIndex(level, categories=level, ordered=bool(told["ordered"]))
    return level


def label_told(name: Any, what: str, notes: Notes) -> Any:
    """A name as what JSON has; as text, with a note, where it is of a type that no file holds."""
    try:
        return cells.encoded(name)
    except cells.Unsupported:
        notes.append(f"the name of {what} comes back as text")
        return str(name)
