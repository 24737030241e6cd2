"""What the board shows of an artifact: an image, the first rows of a table, the beginning of a text.

A worker made the file, so it is a stranger's. It is opened in the run's artifacts folder and nowhere else, no link is
followed, only what is shown is read, and whatever is wrong with it comes to one line. Reads files, so it belongs in a
thread.
"""

from __future__ import annotations

import base64
import json
import math
import mmap
import os
import stat
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conductor_magic.beneath import open_beneath
from conductor_magic.events import ArtifactSaved
from conductor_magic.picture_check import check_picture

__all__ = ["preview"]

Json = dict[str, Any]

ROWS, COLUMNS, CELL = 12, 20, 120
_MOST_PICTURE = 1 << 20
"""Bytes of a picture: in base64 it is less than what a Jupyter server lets through at once (3 MB in three seconds)."""
_MOST_TEXT = 16_000
_MOST_JSON = 2 << 20


def preview(folder: Path, saved: ArtifactSaved) -> Json:
    """What is shown of an artifact.

    Args:
        folder: the run's folder.
        saved: what the journal says of it.

    Returns:
        `path`, and by `kind`: `picture` has `mime` and `data` (base64); `table` has `head`, `rows`, `numeric` (which
        columns hold numbers), `total` and `columns` (how many there are, None where that is not known); `text` has
        `text` and `left` (bytes that are not shown); `note` has `text`, a sentence that says why nothing is shown.
    """
    place = folder / "artifacts" / saved.file
    try:
        show = _SHOWN.get(saved.mime)
        if show is None:
            raise ValueError(f"nothing is known of the type {saved.mime[:60]}")
        with _opened(place, saved.size) as file:
            return {"path": str(place), **show(file, saved)}
    except OSError as error:
        why = error.strerror or str(error)
    except ImportError as error:
        why = f"{error.name} is not installed"
    except (ValueError, RecursionError, MemoryError, struct.error) as error:
        why = str(error).partition("\n")[0][:300] or type(error).__name__
    return {"path": str(place), "kind": "note", "text": f"Not shown: {why}."}


def _opened(place: Path, size: int) -> Any:
    """The file, open for reading.

    Raises:
        OSError: it is not there, or is a link.
        ValueError: it is not the file that was saved.
    """
    handle = open_beneath(place.parent, Path(place.name), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, links=False)
    file = os.fdopen(handle, "rb")
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_size == size:
        return file
    file.close()
    raise ValueError("the file is not the one that was saved")


def _picture(file: Any, saved: ArtifactSaved) -> Json:
    if saved.size > _MOST_PICTURE:
        raise ValueError(f"the picture takes {saved.size / (1 << 20):.1f} MB, more than is sent to a page")
    content = file.read(_MOST_PICTURE)
    return {"kind": "picture", "mime": check_picture(content), "data": base64.b64encode(content).decode()}


def _arrow(file: Any, saved: ArtifactSaved) -> Json:
    import pyarrow

    from conductor_magic.frames.heads import read_head
    from conductor_magic.frames.layout import check_layout

    content = mmap.mmap(file.fileno(), saved.size, access=mmap.ACCESS_READ)
    check_layout(content, saved.size)
    frame = read_head(pyarrow.py_buffer(content), ROWS)
    total = saved.shape[0] if saved.shape else None
    library, kind = type(frame).__module__.partition(".")[0], type(frame).__name__
    if library == "pandas":
        return _pandas_table(frame, total)
    if library == "polars":
        frame = frame.to_frame() if kind == "Series" else frame
        return _table(frame.columns, [frame[name].to_list() for name in frame.columns[:COLUMNS]], total)
    return _table(frame.column_names, [column.to_pylist() for column in frame.columns[:COLUMNS]], total)


def _pandas_table(frame: Any, total: int | None) -> Json:
    """A frame, Series or Index of pandas; with its index, but for the mere numbers of the rows."""
    import pandas

    if isinstance(frame, pandas.Index):
        frame = frame.to_frame(index=False)
    elif isinstance(frame, pandas.Series):
        frame = frame.to_frame("" if frame.name is None else frame.name)
    index: Any = frame.index
    plain = isinstance(index, pandas.RangeIndex)
    levels = [] if plain else [index.get_level_values(level) for level in range(index.nlevels)]
    names = ["" if level.name is None else level.name for level in levels]
    columns = [level.tolist() for level in levels]
    columns += [frame.iloc[:, at].tolist() for at in range(min(frame.shape[1], COLUMNS))]
    return _table([*names, *frame.columns], columns, total)


def _json_table(file: Any, saved: ArtifactSaved) -> Json:
    if saved.size > _MOST_JSON:
        return _text(file, saved)
    told = json.loads(file.read(_MOST_JSON))
    names = [str(field["name"]) for field in told["schema"]["fields"]]
    rows = told["data"]
    return _table(names, [[row.get(name) for row in rows[:ROWS]] for name in names[:COLUMNS]], len(rows))


def _table(names: Iterable[Any], columns: list[list[Any]], total: int | None) -> Json:
    heads = [_cell(" ".join(map(str, name)) if isinstance(name, tuple) else name) or "" for name in names]
    shown = [column[:ROWS] for column in columns[:COLUMNS]]
    return {
        "kind": "table",
        "head": heads[: len(shown)],
        "rows": [list(row) for row in zip(*(map(_cell, column) for column in shown), strict=True)],
        "numeric": [_is_numeric(column) for column in shown],
        "total": total,
        "columns": len(heads),
    }


def _is_numeric(column: list[Any]) -> bool:
    there = [value for value in column if value is not None and type(value).__name__ not in ("NAType", "NaTType")]
    return bool(there) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there)


def _cell(value: Any) -> str | None:
    """A value as a short text; None for one that is missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value).replace("nan", "NaN")
    text = _whole(str(value))
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _array(file: Any, saved: ArtifactSaved) -> Json:
    shape = " × ".join(map(str, saved.shape or ())) or "one value"
    raise ValueError(f"an array ({shape}); its values are in the result")


def _text(file: Any, saved: ArtifactSaved) -> Json:
    content = file.read(_MOST_TEXT)
    left = saved.size - len(content)
    text = content.decode(errors="ignore" if left else "replace")
    if not left and saved.mime == "application/json":
        spread = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        text = _whole(spread) if len(spread) <= 4 * _MOST_TEXT else text
    return {"kind": "text", "text": text, "left": left}


def _whole(text: str) -> str:
    """The text without halves of characters, which no message can carry."""
    return text.encode("utf-8", "replace").decode()


_SHOWN: dict[str, Callable[[Any, ArtifactSaved], Json]] = {
    "image/png": _picture,
    "image/jpeg": _picture,
    "image/gif": _picture,
    "image/webp": _picture,
    "image/svg+xml": _picture,
    "application/vnd.apache.arrow.file": _arrow,
    "application/vnd.dataresource+json": _json_table,
    "application/x-npz": _array,
    "application/json": _text,
    "text/plain": _text,
}
