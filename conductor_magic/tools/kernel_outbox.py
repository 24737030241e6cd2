"""The part of a worker's Python kernel that turns objects into files in safe formats, for the notebook to load.

Like `kernel_bootstrap`, which loads it, it runs inside the walls and stands alone: nothing of this package is
imported. Frames become Arrow files, figures PNG, arrays npz, the rest text and JSON; never a pickle.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Outbox", "is_shown_frame"]

_AWKWARD = ("interval", "period", "complex")
"""Column types that have no equal in a file."""


class Outbox:
    """Writes objects as files in safe formats and says which."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.count = 0

    def put(self, name: str, value: Any) -> dict[str, object]:
        """Save a value under a new file name.

        Raises:
            TypeError: there is no safe format for it.
        """
        for save in (_save_frame, _save_image, _save_array, _save_plain):
            self.count += 1
            described = save(value, str(self.folder / f"{self.count:04d}"))
            if described:
                return {"name": name, **described}
        raise TypeError(
            f"cannot publish a {type(value).__name__}: give a DataFrame, Series, array, figure, image, text, "
            "number, or lists and dicts of them"
        )


def is_shown_frame(value: Any) -> bool:
    """Whether showing this value hands it back too."""
    kind = (_root_of(value), type(value).__name__)
    return kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))


def _root_of(value: Any) -> str:
    """The top package that a value's type comes from."""
    return type(value).__module__.partition(".")[0]


def _write(path: str, content: bytes) -> str:
    """Make a file in the outbox; its name."""
    Path(path).write_bytes(content)
    return Path(path).name


def _save_frame(value: Any, path: str) -> dict[str, object] | None:
    """Frames of pandas, polars and Arrow, as an Arrow file, or as a JSON table where pyarrow is missing."""
    if type(value).__name__ == "Series" and _root_of(value) in ("pandas", "polars"):
        value = value.to_frame()
    if not is_shown_frame(value):
        return None
    shape = list(value.shape)
    if _root_of(value) == "polars":
        value.write_ipc(f"{path}.arrow", compression="uncompressed")
        return {"file": f"{Path(path).name}.arrow", "shape": shape}
    try:
        import pyarrow as arrow
    except ImportError:
        return {"file": _save_json_table(value, path), "shape": shape}
    table = value if isinstance(value, arrow.Table) else _arrow_table(value)
    with arrow.OSFile(f"{path}.arrow", "wb") as sink, arrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {"file": f"{Path(path).name}.arrow", "shape": shape}


def _arrow_table(frame: Any) -> Any:
    import pyarrow as arrow

    try:
        return arrow.Table.from_pandas(_with_text_categories(frame))
    except (arrow.ArrowException, ValueError, TypeError, RuntimeError):
        # Mixed objects, repeated labels: as text they can be handed back all the same.
        return arrow.Table.from_pandas(_simplified(frame))


def _with_text_categories(frame: Any) -> Any:
    """The frame with text for what an Arrow file takes and does not give back: bins made by `cut`, labels of months."""
    frame = frame.copy(deep=False)
    for at, dtype in enumerate(frame.dtypes):
        if _has_awkward_categories(dtype):
            frame.isetitem(at, frame.iloc[:, at].cat.rename_categories(str))
    frame.index = _each_level(frame.index, _has_awkward_categories, lambda level: level.rename_categories(str))
    frame.columns = _each_level(frame.columns, _is_awkward_label, lambda level: level.astype(str))
    return frame


def _each_level(index: Any, matches: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    if not hasattr(index, "levels"):
        return change(index) if matches(index.dtype) else index
    for at, level in enumerate(index.levels):
        if matches(level.dtype):
            index = index.set_levels(change(level), level=at)
    return index


def _save_json_table(frame: Any, path: str) -> str:
    """A pandas frame as a JSON table with its schema."""
    try:
        text = frame.to_json(orient="table", date_format="iso", default_handler=str)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        text = _simplified(frame).to_json(orient="table", date_format="iso")
    return _write(f"{path}.table.json", text.encode())


def _simplified(frame: Any) -> Any:
    """The frame with text in place of what has no column type, and with distinct text as column names.

    An index that says more than the rows' numbers becomes columns.
    """
    plain = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
    frame = frame.copy(deep=False) if plain else frame.reset_index(allow_duplicates=True)
    names: list[str] = []
    for name in frame.columns:
        text = " ".join(map(str, name)).strip() if isinstance(name, tuple) else str(name)
        while text in names:
            text += "_"
        names.append(text)
    frame.columns = names
    for name in names:
        dtype = frame[name].dtype
        if str(dtype) == "object" or _is_awkward(dtype) or _has_awkward_categories(dtype):
            frame[name] = frame[name].astype(object).map(str, na_action="ignore")
    return frame


def _has_awkward_categories(dtype: Any) -> bool:
    categories = getattr(dtype, "categories", None)
    return categories is not None and _is_awkward(categories.dtype)


def _is_awkward_label(dtype: Any) -> bool:
    return hasattr(dtype, "categories") or _is_awkward(dtype)


def _is_awkward(dtype: Any) -> bool:
    return str(dtype).startswith(_AWKWARD)


def _save_image(value: Any, path: str) -> dict[str, object] | None:
    """Figures and images, as PNG (SVG for what has only that)."""
    if _root_of(value) == "matplotlib" and not hasattr(value, "savefig"):
        value = getattr(value, "figure", value)
    if _root_of(value) == "matplotlib" and hasattr(value, "savefig"):
        value.savefig(f"{path}.png", format="png", bbox_inches="tight")
        if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
            pyplot.close(value)  # else it would be shown, and kept, a second time
        return {"file": f"{Path(path).name}.png"}
    for method, suffix in (("_repr_png_", ".png"), ("_repr_svg_", ".svg")):
        content = getattr(value, method)() if hasattr(type(value), method) else None
        if content:
            return {"file": _write(path + suffix, content if isinstance(content, bytes) else str(content).encode())}
    return None


def _save_array(value: Any, path: str) -> dict[str, object] | None:
    """Arrays of numpy, as npz without any pickle."""
    if _root_of(value) != "numpy" or type(value).__name__ not in ("ndarray", "MaskedArray"):
        return None
    import numpy

    if value.dtype.hasobject:
        raise TypeError("cannot publish an array of Python objects: convert it to numbers or text first")
    numpy.savez_compressed(f"{path}.npz", array=value)
    return {"file": f"{Path(path).name}.npz", "shape": list(value.shape)}


def _save_plain(value: Any, path: str) -> dict[str, object] | None:
    """Text as text; numbers, lists and dicts as JSON."""
    if isinstance(value, str):
        return {"file": _write(f"{path}.txt", value.encode(errors="replace"))}
    if not (value is None or isinstance(value, bool | int | float | list | tuple | dict) or hasattr(value, "item")):
        return None
    try:
        text = json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False)
    except (RecursionError, ValueError, OverflowError) as error:
        reason = "it is nested too deeply, or holds itself" if isinstance(error, RecursionError) else str(error)
        raise TypeError(f"cannot publish this {type(value).__name__}: {reason}") from None
    return {"file": _write(f"{path}.json", text.encode(errors="replace"))}


def _jsonable(value: Any) -> object:
    """The value made of what JSON has; numbers that are no numbers become null."""
    if isinstance(value, dict):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist"):
        return _jsonable(value.tolist())
    return str(value)
