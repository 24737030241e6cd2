"""The notebook's variables on their way to workers; what comes back is in `artifact_values`.

Each is pickled (protocol 5) into one sealed file, its large buffers outside of the pickle: kernels map the file and
share its pages, so that a frame is copied once, whoever uses it. What arrives is equal whatever it is (index,
categories, time zones, nulls), and what a worker does to it stays with that worker.
"""

from __future__ import annotations

import json
import keyword
import operator
import pickle
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from conductor_magic.errors import ConductUsageError
from conductor_magic.handed import MANIFEST, HandedOver, Variable
from conductor_magic.looks import looks, type_name
from conductor_magic.sealed import SealedFile

__all__ = ["describe", "export_variables"]

_DESCRIPTION = 2000
_HASH_DIGITS = 16
_ALIGNMENT = 64
"""What Arrow asks for, and more than any other does."""

_WORTH_MOVING = 1 << 16
"""Bytes from which an array gets a buffer of its own even if that takes a copy now."""


def export_variables(
    names: Iterable[str],
    namespace: Mapping[str, Any],
    folder: Path,
    begun: Callable[[HandedOver], None] | None = None,
) -> HandedOver:
    """Write notebook variables for workers; the objects themselves are not changed.

    Args:
        names: the variables.
        namespace: where they live, the notebook's globals.
        folder: an empty folder to fill, or to make.
        begun: called before anything is written, with what kernels need to be started; they may run no code yet.

    Returns:
        What was handed over, in the order of the names, each once. To be closed.

    Raises:
        ConductUsageError: a name does not exist, or its object cannot be handed over; one line, naming it.
        OSError: nothing can be written there.
    """
    wanted = {name: _look_up(name, namespace) for name in names}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = SealedFile(folder / "variables.bin", sum(_bytes_in(value) for value in wanted.values()))
    packages = dict.fromkeys(type_name(value).partition(".")[0] for value in wanted.values() if "." in type_name(value))
    descriptors = (file.descriptor,) if file.in_memory else ()
    handed = HandedOver(folder, tuple(packages), descriptors, release=file.close)
    try:
        if begun is not None:
            begun(handed)
        entries, variables = [], []
        for name, value in wanted.items():
            variable, buffers = _export(name, value, file)
            entries.append({"name": name, "start": variable.start, "size": variable.size, "buffers": buffers})
            variables.append(variable)
        file.seal()
        place = {"descriptor": file.descriptor} if file.in_memory else {"file": "variables.bin"}
        (folder / MANIFEST).write_text(json.dumps({**place, "variables": entries}))
    except BaseException:
        file.close()
        raise
    handed.variables = tuple(variables)
    return handed


def describe(variable: Variable) -> str:
    """What a model is told of a variable: name, type, shape, hash, columns, rows; at most 2,000 bytes of UTF-8."""
    shape = f", {_shape_in_words(variable)}" if variable.shape is not None else ""
    lines = [f"`{variable.name}`: {variable.type}{shape}, sha256 begins {variable.sha256[:_HASH_DIGITS]}"]
    if variable.dtypes:
        lines.append(f"{'columns' if _is_table(variable) else 'dtype'}: {variable.dtypes}")
    if variable.preview:
        lines.append(variable.preview)
    text = "\n".join(lines).encode(errors="replace")
    if len(text) > _DESCRIPTION:
        text = text[: _DESCRIPTION - 4] + " …".encode()
    return text.decode(errors="ignore")


def _look_up(name: str, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        raise ConductUsageError(f"--use {name}: there is no variable `{name}` in this notebook.")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConductUsageError(f"--use {name}: is not a variable's name.")
    if name == "publish":
        raise ConductUsageError("--use publish: workers hand results back by a function of this name; rename it.")
    if isinstance(namespace[name], types.ModuleType):
        raise ConductUsageError(f"--use {name}: is a module; workers can import it themselves, hand over data.")
    return namespace[name]


def _export(name: str, value: Any, file: SealedFile) -> tuple[Variable, list[tuple[int, int]]]:
    """Write one variable; its description, and where its buffers lie (counted from the variable's start)."""
    start, buffers, places = file.begin(), list[pickle.PickleBuffer](), list[tuple[int, int]]()
    try:
        _pickler(file, buffers).dump(value)
        for buffer in buffers:
            place = file.align(_ALIGNMENT)
            places.append((place - start, file.write(buffer.raw())))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # anything can happen in an object's own pickling, an exit too
        said = str(error).partition("\n")[0][:200] if isinstance(error, Exception) else repr(error)[:200]
        raise ConductUsageError(f"--use {name}: a {type_name(value)} cannot be handed to workers ({said}).") from None
    shape, dtypes, preview = looks(value)
    described = Variable(name, type_name(value), shape, dtypes, preview, file.size - start, file.digest(), start)
    return described, places


def _pickler(file: SealedFile, buffers: list[pickle.PickleBuffer]) -> pickle.Pickler:
    """A pickler that takes functions and classes of the notebook by value, and data by its buffers."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            kind = type(obj)
            reduce = _REDUCERS.get((kind.__module__.partition(".")[0], kind.__name__))
            reduced = None if reduce is None else reduce(obj)
            return super().reducer_override(obj) if reduced is None else reduced

    return Pickler(file, protocol=5, buffer_callback=buffers.append)


def _reduce_array(array: Any) -> tuple[Any, ...] | None:
    """Arrays that numpy would write into the pickle, where nobody can share them: dates, and what has gaps."""
    if array.dtype.hasobject or array.nbytes < _WORTH_MOVING:
        return None
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        numpy = sys.modules["numpy"]
        return operator.methodcaller("view"), (numpy.ascontiguousarray(array),)
    if array.dtype.kind in "mM":
        return operator.methodcaller("view", array.dtype), (array.view("i8"),)
    return None


def _reduce_polars_frame(frame: Any) -> tuple[Any, ...] | None:
    """A polars frame as the Arrow table that it is; as polars pickles it where Arrow has no such type."""
    polars = sys.modules["polars"]
    if not frame.width:
        # An Arrow table without columns has no rows for polars.
        return partial(polars.DataFrame, height=frame.height), ()
    if polars.Object in frame.schema.dtypes():
        return None
    try:
        table = frame.to_arrow(compat_level=polars.CompatLevel.newest())
    except (ImportError, ValueError, polars.exceptions.PolarsError):
        return None
    return polars.from_arrow, (table, frame.schema)


def _reduce_polars_series(series: Any) -> tuple[Any, ...]:
    return operator.methodcaller("to_series"), (series.to_frame(),)


_REDUCERS = {
    ("numpy", "ndarray"): _reduce_array,
    ("polars", "DataFrame"): _reduce_polars_frame,
    ("polars", "Series"): _reduce_polars_series,
}


def _bytes_in(value: Any) -> int:
    """About how much memory a frame or array takes; 0 for what does not say it quickly."""
    try:
        match type_name(value):
            case "polars.DataFrame" | "polars.Series":
                return int(value.estimated_size())
            case "pandas.DataFrame":
                return int(value.memory_usage(index=False).sum())
            case _:
                return int(getattr(value, "nbytes", 0))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # it is only asked to choose a place, and an object may do anything
        return 0


def _is_table(variable: Variable) -> bool:
    return variable.type.endswith(("DataFrame", "Table"))


def _shape_in_words(variable: Variable) -> str:
    shape = variable.shape or ()
    if len(shape) == 2 and _is_table(variable):
        return f"{shape[0]:,} rows × {shape[1]:,} columns"
    return f"{shape[0]:,} long" if len(shape) == 1 else f"shape {shape}"
