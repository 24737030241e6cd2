"""The part of a worker's Python kernel that turns objects into files in safe formats, for the notebook to load.

Like `kernel_bootstrap`, which loads it, it runs inside the walls and stands alone: of this package it has the folder
`frames`, under a name of its own. Frames become Arrow files, figures PNG, arrays npz, the rest text and JSON; never a
pickle. What will not come back equal is said in the call's output, or refused.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Outbox", "TooLarge", "is_shown_frame"]

_LARGEST = 128 << 20
"""Bytes of the largest file that the engine takes: `LARGEST_ARTIFACT`."""

_FRAMES = {
    "pandas": ("DataFrame", "Series"),
    "polars": ("DataFrame", "LazyFrame", "Series"),
    "pyarrow": ("Table",),
}


class TooLarge(ValueError):
    """The object takes more bytes than one artifact may have."""


class Outbox:
    """Writes objects as files in safe formats and says which.

    Args:
        folder: where the files go.
        frames: imports and gives `frames.files`; an ImportError says that pyarrow is missing.
    """

    def __init__(self, folder: str, frames: Callable[[], Any]) -> None:
        self.folder = Path(folder)
        self.count = 0
        self._frames = frames

    def put(self, name: str, value: Any) -> tuple[dict[str, object], list[str]]:
        """Save a value under a new file name.

        Returns:
            What to announce, and what will not come back equal, a sentence each.

        Raises:
            TypeError: there is no safe format for it.
            TooLarge: its file would not be taken.
        """
        notes: list[str] = []
        _check_size(_bytes_in(value))
        for save in (self._save_frame, _save_image, _save_array, _save_plain):
            self.count += 1
            described = save(value, str(self.folder / f"{self.count:04d}"), notes)
            if described:
                self._check_file(str(described["file"]))
                return {"name": name, **described}, notes
        raise TypeError(
            f"cannot publish a {type(value).__name__}: give a DataFrame, Series, array, figure, image, text, "
            "number, or lists and dicts of them"
        )

    def _save_frame(self, value: Any, path: str, notes: list[str]) -> dict[str, object] | None:
        """Frames of pandas, polars and Arrow, as an Arrow file, or as a JSON table where pyarrow is missing."""
        root, kind = _root_of(value), type(value).__name__
        if kind not in _FRAMES.get(root, ()) and not (root == "pandas" and kind.endswith("Index")):
            return None
        if kind == "LazyFrame":
            notes.append("the LazyFrame comes back as the DataFrame that it collects to")
            value = value.collect()
        described: dict[str, object] = {"shape": list(value.shape)}
        try:
            frames = self._frames()
        except ImportError:
            if (root, kind) != ("pandas", "DataFrame"):
                raise TypeError(f"a {root}.{kind} is handed back as an Arrow file: pyarrow is not installed") from None
            notes.append("without pyarrow a frame comes back by way of JSON: types of columns may differ")
            return {"file": _save_json_table(value, path), **described}
        notes += frames.write_frame(value, f"{path}.arrow")
        return {"file": f"{Path(path).name}.arrow", **described}

    def _check_file(self, name: str) -> None:
        try:
            _check_size((self.folder / name).stat().st_size)
        except TooLarge:
            (self.folder / name).unlink()
            raise


def is_shown_frame(value: Any) -> bool:
    """Whether showing this value hands it back too."""
    kind = (_root_of(value), type(value).__name__)
    return kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))


def _root_of(value: Any) -> str:
    """The top package that a value's type comes from."""
    return type(value).__module__.partition(".")[0]


def _bytes_in(value: Any) -> int:
    """About how much memory a frame or array takes; 0 for what does not say it quickly."""
    try:
        match _root_of(value), type(value).__name__:
            case "polars", "DataFrame" | "Series":
                return int(value.estimated_size())
            case "pandas", "DataFrame":
                return int(value.memory_usage(index=False).sum())
            case "pandas" | "numpy" | "pyarrow", _:
                return int(value.nbytes)
    except Exception:  # noqa: BLE001  # the file's own size is checked in any case
        return 0
    return 0


def _check_size(size: int) -> None:
    if size > _LARGEST:
        raise TooLarge(f"it takes {size:,} bytes, and {_LARGEST:,} can be handed back: give a part or a summary of it")


def _write(path: str, content: bytes) -> str:
    """Make a file in the outbox; its name."""
    Path(path).write_bytes(content)
    return Path(path).name


def _save_json_table(frame: Any, path: str) -> str:
    """A pandas frame as a JSON table with its schema; as text what has no type there."""
    try:
        text = frame.to_json(orient="table", date_format="iso", default_handler=str)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        simple = frame.reset_index(allow_duplicates=True).astype(str)
        simple.columns = [f"{at} {name}" for at, name in enumerate(simple.columns)]
        text = simple.to_json(orient="table", date_format="iso")
    return _write(f"{path}.table.json", text.encode())


def _save_image(value: Any, path: str, notes: list[str]) -> dict[str, object] | None:
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


def _save_array(value: Any, path: str, notes: list[str]) -> dict[str, object] | None:
    """Arrays of numpy, masked ones with their mask, as npz without any pickle."""
    if _root_of(value) != "numpy" or type(value).__name__ not in ("ndarray", "MaskedArray"):
        return None
    import numpy

    if value.dtype.hasobject:
        raise TypeError("cannot publish an array of Python objects: convert it to numbers or text first")
    masked = isinstance(value, numpy.ma.MaskedArray)
    parts = {"array": value.data, "mask": numpy.ma.getmaskarray(value), "fill": value.fill_value} if masked else {}
    numpy.savez(f"{path}.npz", **(parts or {"array": value}))
    return {"file": f"{Path(path).name}.npz", "shape": list(value.shape)}


def _save_plain(value: Any, path: str, notes: list[str]) -> dict[str, object] | None:
    """Text as text; numbers, lists and dicts as JSON."""
    if isinstance(value, str):
        content = value.encode(errors="replace")
        if content.decode() != value:
            notes.append("halves of characters in the text become question marks")
        return {"file": _write(f"{path}.txt", content)}
    known = isinstance(value, bool | int | float | list | tuple | set | frozenset | dict)
    if not (value is None or known or hasattr(value, "item")):
        return None
    changed: set[str] = set()
    try:
        plain = _jsonable(value, changed)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply, or holds itself" if isinstance(error, RecursionError) else str(error)
        raise TypeError(f"cannot publish this {type(value).__name__}: {why}") from None
    if changed:
        notes.append(f"as JSON has no others, {', '.join(sorted(changed))}")
    try:
        content = text.encode()
    except UnicodeEncodeError:  # halves of characters: JSON has them as escapes
        content = json.dumps(plain).encode()
    return {"file": _write(f"{path}.json", content)}


def _jsonable(value: Any, changed: set[str]) -> object:
    """The value made of what JSON has; `changed` takes what becomes something else."""
    if isinstance(value, dict):
        if any(type(key) is not str for key in value):
            changed.add("keys become text")
        return {str(key): _jsonable(inner, changed) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        if not isinstance(value, list):
            changed.add(f"a {type(value).__name__} becomes a list")
        return [_jsonable(inner, changed) for inner in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            changed.add(f"{float(value)} becomes null")
            return None
        return float(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist") and _root_of(value) in ("numpy", "pandas", "polars", "pyarrow"):
        if getattr(value, "shape", ()) != ():
            changed.add(f"a {_root_of(value)}.{type(value).__name__} becomes a list")
        inner = value.tolist()
        if not (hasattr(inner, "tolist") and _root_of(inner) == _root_of(value)):  # as a longdouble's is
            return _jsonable(inner, changed)
    changed.add(f"a {_root_of(value)}.{type(value).__name__} becomes text")
    return str(value)
