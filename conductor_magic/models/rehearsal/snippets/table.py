"""What every recipe starts from: a variable as a plain table, its columns by kind, and strict JSON out."""

import json
import math

import numpy as np
import pandas as pd

MOST_COLUMNS = 25  # in a report; the tables that are handed back hold every column
MOST_CHARACTERS = 16_000  # of one line of figures: the tool cuts what is longer
handing_back = True


def as_table(value):
    """The value as a DataFrame with unique text labels, and notes on what was changed to get there.

    Raises TypeError, which says what the value is, when it is no table.
    """
    frame, notes = _frame(value), []
    index = frame.index
    dated = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex))
    if dated or any(name is not None for name in index.names):
        frame = pd.concat([index.to_frame(index=False), frame.reset_index(drop=True)], axis=1)
        notes.append(f"The index ({index.nlevels} level) is read as a column too.")
    frame = frame.reset_index(drop=True)
    labels = _labels(frame.columns)
    if labels != list(frame.columns):
        notes.append("Column names that are no text, are repeated or have several levels were given plain labels.")
    return frame.set_axis(labels, axis=1), notes


def _frame(value):
    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, (pd.Series, pd.Index)):
        return value.to_frame() if value.name is not None else value.to_frame(name="value")
    if isinstance(value, np.ndarray) and value.ndim in (1, 2):
        return pd.DataFrame(value, columns=None if value.ndim == 2 or value.dtype.names else ["value"])
    if hasattr(value, "to_pandas"):
        return _frame(value.to_pandas())
    if isinstance(value, (list, tuple)) and value:
        if all(isinstance(item, dict) for item in value):
            return pd.DataFrame(list(value))
        if all(isinstance(item, (list, tuple)) for item in value):
            return pd.DataFrame([list(item) for item in value])
        return pd.DataFrame({"value": list(value)})
    if isinstance(value, dict) and value:
        columns = [item for item in value.values() if isinstance(item, (list, tuple, np.ndarray, pd.Series))]
        if len(columns) == len(value) and len({len(column) for column in columns}) == 1:
            return pd.DataFrame({name: list(column) for name, column in value.items()})
        if not columns and not any(isinstance(item, dict) for item in value.values()):
            return pd.DataFrame({"key": [str(key) for key in value], "value": list(value.values())})
    size = f" of length {len(value)}" if hasattr(value, "__len__") else ""
    raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__}{size}, which cannot be read as a table")


def _labels(columns):
    labels = []
    for name in columns:
        label = base = " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
        copy = 1
        while label in labels:
            copy += 1
            label = f"{base} ({copy})"
        labels.append(label)
    return labels


def plain(column):
    """The column in a type that counts, sorts and groups: objects become numbers, dates or text by what they hold."""
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if getattr(column.dtype, "tz", None) is not None:
        return column.dt.tz_localize(None)
    if column.dtype != object:
        return column
    holds = pd.api.types.infer_dtype(column, skipna=True)
    if holds in ("integer", "floating", "mixed-integer-float", "decimal"):
        return pd.to_numeric(column, errors="coerce")
    if holds in ("datetime", "datetime64", "date"):
        return plain(pd.to_datetime(column, errors="coerce"))
    if holds == "boolean":
        return column.astype("boolean")
    return column if holds in ("string", "empty") else column.map(str, na_action="ignore")


def kind_of(column):
    """What a plain column holds: number, yes/no, date, duration, text, or empty (rows, but no value)."""
    kinds, dtype = pd.api.types, column.dtype
    if len(column) and column.isna().all():
        return "empty"
    if isinstance(dtype, pd.CategoricalDtype) or kinds.is_complex_dtype(dtype):
        return "text"
    if kinds.is_bool_dtype(dtype):
        return "yes/no"
    if kinds.is_numeric_dtype(dtype):
        return "number"
    if kinds.is_datetime64_any_dtype(dtype):
        return "date"
    return "duration" if kinds.is_timedelta64_dtype(dtype) else "text"


def columns_by_kind(frame):
    """The table with plain columns, and its labels by kind."""
    frame = pd.DataFrame({label: plain(frame[label]) for label in frame.columns}, index=frame.index)
    kinds = {}
    for label in frame.columns:
        kinds.setdefault(kind_of(frame[label]), []).append(label)
    return frame, kinds


def values_of(column):
    """A number column's finite values as floats."""
    values = column.dropna().astype("float64")
    return values[np.isfinite(values)]


def short(number):
    """A number for reading: six digits that matter, and never fewer than its whole part."""
    number = float(number)
    if not math.isfinite(number) or number == 0:
        return number if number == 0 else None
    return round(number, max(0, 5 - math.floor(math.log10(abs(number)))))


def percent(part, whole):
    """A share in percent with two decimals, or None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def hand_back(name, frame, notes):
    """Publish a table; where that fails, the report goes on and says so."""
    if not handing_back:
        return
    try:
        publish(name, frame.reset_index(drop=True))  # the Python tool provides it
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the figures are still good
        notes.append(f"The table {name} could not be handed back: {type(error).__name__}: {error}")


def strict(value):
    """The value as JSON holds it: no NaN, no types of pandas, no long text."""
    if isinstance(value, dict):
        return {str(name): strict(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return cut(value, 160)


def cut(value, limit):
    """The value as one line of text of at most so many characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def report(recipe, value, **options):
    """Run a recipe on a variable and print its figures on one line."""
    try:
        frame, notes = as_table(value)
    except TypeError as error:
        tell({"not_a_table": str(error)})
    else:
        tell({**recipe(frame, notes, **options), "notes": notes})


def tell(figures):
    """Print figures on one line; very long lists are cut, and said to be, so that the line always arrives whole."""
    figures = strict(figures)
    text = json.dumps(figures, ensure_ascii=False, allow_nan=False)
    while len(text) > MOST_CHARACTERS and _halve(figures):
        figures["notes"] = ["Long lists are cut here; the tables that were handed back hold every column."]
        text = json.dumps(figures, ensure_ascii=False, allow_nan=False)
    print("RESULT " + text)


def _halve(figures):
    """Halve the longest list in the figures; False when there is nothing left to cut."""
    inner = [item for value in figures.values() for item in (value.values() if isinstance(value, dict) else [value])]
    longest = max((item for item in inner if isinstance(item, list)), key=len, default=[])
    del longest[max(1, len(longest) // 2) :]
    return len(longest) > 1
