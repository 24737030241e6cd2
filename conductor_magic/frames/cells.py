"""Python objects as JSON and back, equal: for cells and labels of a frame that no column type holds.

What JSON has is written as it is. The rest is an object with the one key `$`: `{"$": ["tuple", [1, 2]]}`. Reading runs
no code of the objects' own: only the types in this file are built.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import uuid
import zoneinfo
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["Unsupported", "alike", "decoded", "dumps", "encoded", "loads", "timezone_from", "timezone_told"]

_TAG = "$"
_MOST_HASHED = 10_000
_MOST_ALIKE = 40
_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":"))


class Unsupported(TypeError):
    """There is no safe way to write this object."""


def dumps(value: Any) -> str:
    """An object as JSON text.

    Raises:
        Unsupported: it holds something that only Python code could build again.
    """
    try:
        return _ENCODER.encode(encoded(value))
    except (ValueError, RecursionError) as error:  # an int of more digits than Python will print; no end
        raise Unsupported(str(error)) from None


def loads(text: str) -> Any:
    """The object of a text that `dumps` made.

    Raises:
        ValueError: it is no such text.
    """
    try:
        return decoded(json.loads(text))
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        OverflowError,
        RecursionError,
        TypeError,
    ) as error:
        raise ValueError(f"no readable cell ({error})") from None


def encoded(value: Any) -> Any:
    """An object as what JSON has; raises Unsupported."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {_TAG: ["float", repr(value)]}
    if kind is list:
        return [encoded(inner) for inner in value]
    if kind is dict and _TAG not in value and all(type(key) is str for key in value):
        return {key: encoded(inner) for key, inner in value.items()}
    name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    coder = _CODERS.get(name)
    if coder is None:
        raise Unsupported(f"a {name.removeprefix('builtins.')}")
    return {_TAG: [name.removeprefix("builtins."), coder[0](value)]}


def decoded(value: Any) -> Any:
    """The object of what `encoded` made."""
    if isinstance(value, list):
        return [decoded(inner) for inner in value]
    if isinstance(value, dict):
        if _TAG not in value:
            return {key: decoded(inner) for key, inner in value.items()}
        name, told = value[_TAG]
        return _CODERS[name if "." in name else f"builtins.{name}"][1](told)
    return value


def alike(items: Iterable[Any]) -> bool:
    """Whether so many of these different values share a hash that a table of them would be slow to build.

    Each is compared with all that have its hash. Only of text and bytes a stranger cannot choose it.
    """
    hashes = sorted(hash(item) for item in items if type(item) not in (str, bytes))
    return any(one == other for one, other in zip(hashes, hashes[_MOST_ALIKE:], strict=False))


def _crowded(items: Iterable[Any]) -> bool:
    """Whether a set or dict of these would be slow: also of different hashes, a stranger can choose many that clash."""
    chosen = [item for item in items if type(item) not in (str, bytes)]
    return len(chosen) > _MOST_HASHED or alike(chosen)


def timezone_told(zone: Any) -> Any:
    """A time zone by its name or its distance from UTC in seconds; None for none."""
    if zone is None or isinstance(zone, zoneinfo.ZoneInfo):
        if zone is not None and zone.key is None:
            raise Unsupported("a time zone without a name")
        return None if zone is None else zone.key
    if isinstance(zone, dt.timezone):
        return zone.utcoffset(None).total_seconds()
    if type(zone).__module__.partition(".")[0] == "pytz" and getattr(zone, "zone", None):
        return {"pytz": zone.zone}
    raise Unsupported(f"a time zone of the type {type(zone).__module__}.{type(zone).__name__}")


def timezone_from(told: Any) -> dt.tzinfo | None:
    """The time zone of what `timezone_told` made."""
    if told is None:
        return None
    if isinstance(told, str):
        return zoneinfo.ZoneInfo(told)
    if isinstance(told, dict):
        import pytz

        return pytz.timezone(told["pytz"])
    return dt.UTC if told == 0 else dt.timezone(dt.timedelta(seconds=told))


def _numpy_dtype(told: str) -> Any:
    import numpy

    dtype = numpy.dtype(told)
    if dtype.kind not in "biufcmMSU" or dtype.itemsize > 1 << 20:
        raise ValueError(f"no dtype of plain values: {told[:40]}")
    return dtype


def _array_told(array: Any) -> Any:
    if array.dtype.hasobject:
        return ["O", list(array.shape), [encoded(item) for item in array.ravel().tolist()]]
    if array.dtype.kind not in "biufcmMSU":
        raise Unsupported(f"an array of {array.dtype}")
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def _array_from(told: Any) -> Any:
    import numpy

    name, shape, content = told
    if name == "O":
        array = numpy.empty(len(content), dtype=object)
        for at, item in enumerate(content):
            array[at] = decoded(item)
        return array.reshape(shape)
    return numpy.frombuffer(bytearray(base64.b64decode(content)), dtype=_numpy_dtype(name)).reshape(shape)


def _scalar_told(scalar: Any) -> Any:
    return [scalar.dtype.str, base64.b64encode(scalar.tobytes()).decode()]


def _scalar_from(told: Any) -> Any:
    import numpy

    return numpy.frombuffer(base64.b64decode(told[1]), dtype=_numpy_dtype(told[0]))[0]


def _pandas() -> Any:
    import pandas

    return pandas


def _moment_told(value: Any) -> Any:
    """A Timestamp or Timedelta: the number of its units since the epoch, the unit, and the time zone."""
    plain = value.tz_convert("UTC").tz_localize(None) if getattr(value, "tzinfo", None) is not None else value
    zone = timezone_told(getattr(value, "tzinfo", None))
    return [int(plain.to_numpy().view("i8")), value.unit, zone]


def _timestamp_from(told: Any) -> Any:
    number, unit, zone = told
    import numpy

    plain = _pandas().Timestamp(numpy.datetime64(number, unit))
    return plain if zone is None else plain.tz_localize("UTC").tz_convert(timezone_from(zone))


def _timedelta_from(told: Any) -> Any:
    import numpy

    return _pandas().Timedelta(numpy.timedelta64(told[0], told[1]))


def _time_told(value: dt.time | dt.datetime) -> Any:
    zone = timezone_told(value.tzinfo)
    return [value.replace(tzinfo=None, fold=0).isoformat(), zone, value.fold]


def _time_from(kind: Any) -> Callable[[Any], Any]:
    return lambda told: kind.fromisoformat(told[0]).replace(tzinfo=timezone_from(told[1]), fold=told[2])


def _hashed(kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    def tell(value: Any) -> Any:
        if _crowded(value):
            raise Unsupported(f"a {kind.__name__} of too many elements")
        return [encoded(inner) for inner in value]

    def read(told: Any) -> Any:
        items = [decoded(inner) for inner in told]
        if _crowded(items):
            raise ValueError(f"a {kind.__name__} of too many elements")
        return kind(items)

    return tell, read


def _bytes(kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return (lambda value: base64.b64encode(value).decode()), (lambda told: kind(base64.b64decode(told)))


def _dict_told(value: dict[Any, Any]) -> Any:
    if _crowded(value):
        raise Unsupported("a dict of too many elements")
    return [[encoded(key), encoded(inner)] for key, inner in value.items()]


def _dict_from(told: Any) -> Any:
    pairs = [(decoded(key), decoded(inner)) for key, inner in told]
    if _crowded(key for key, _ in pairs):
        raise ValueError("a dict of too many elements")
    return dict(pairs)


_SCALARS = (
    "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "longlong", "ulonglong",
    "float16", "float32", "float64", "complex64", "complex128", "datetime64", "timedelta64", "str_", "bytes_",
)  # fmt: skip

_CODERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "builtins.float": (repr, float),
    "builtins.complex": (lambda value: [repr(value.real), repr(value.imag)], lambda told: complex(*map(float, told))),
    "builtins.tuple": (
        lambda value: [encoded(inner) for inner in value],
        lambda told: tuple(decoded(inner) for inner in told),
    ),
    "builtins.set": _hashed(set),
    "builtins.frozenset": _hashed(frozenset),
    "builtins.dict": (_dict_told, _dict_from),
    "builtins.bytes": _bytes(bytes),
    "builtins.bytearray": _bytes(bytearray),
    "builtins.range": (lambda value: [value.start, value.stop, value.step], lambda told: range(*told)),
    "builtins.slice": (lambda value: [value.start, value.stop, value.step], lambda told: slice(*told)),
    "decimal.Decimal": (str, Decimal),
    "fractions.Fraction": (lambda value: [value.numerator, value.denominator], lambda told: Fraction(*map(int, told))),
    "uuid.UUID": (str, uuid.UUID),
    "datetime.date": (dt.date.isoformat, dt.date.fromisoformat),
    "datetime.time": (_time_told, _time_from(dt.time)),
    "datetime.datetime": (_time_told, _time_from(dt.datetime)),
    "datetime.timedelta": (
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda told: dt.timedelta(*told),
    ),
    "numpy.ndarray": (_array_told, _array_from),
    **{f"numpy.{name}": (_scalar_told, _scalar_from) for name in _SCALARS},
    "pandas.NAType": (lambda value: 0, lambda told: _pandas().NA),
    "pandas.NaTType": (lambda value: 0, lambda told: _pandas().NaT),
    "pandas.Timestamp": (_moment_told, _timestamp_from),
    "pandas.Timedelta": (_moment_told, _timedelta_from),
    "pandas.Period": (
        lambda value: [value.ordinal, value.freqstr],
        lambda told: _pandas().Period(ordinal=told[0], freq=told[1]),
    ),
    "pandas.Interval": (
        lambda value: [encoded(value.left), encoded(value.right), value.closed],
        lambda told: _pandas().Interval(decoded(told[0]), decoded(told[1]), told[2]),
    ),
}
