"""What workers made, loaded in the notebook: safe formats only, never a pickle.

Unpickling what a worker made would run its code in the person's kernel. A frame comes back equal, of the library that
made it; see `frames`.
"""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError

__all__ = ["check_saved", "load_artifact"]


def load_artifact(path: str | Path, mime: str, size: int | None = None) -> Any:
    """The value of an artifact: a frame, Series, array, image, text, or what JSON holds.

    Frames are of the library that made them; where it is not installed, Arrow's table. Images become IPython's `Image`
    (an SVG is wrapped as an image, so that no script in it runs).

    Args:
        path: the file in the run's artifacts folder.
        mime: its media type.
        size: the bytes that it had when it was saved, if that is known.

    Raises:
        ToolError: the type is none of those that are handed back, or the file is not the one that was saved.
        OSError, ValueError: the file is gone or damaged.
    """
    path = Path(path)
    loader = _LOADERS.get(mime)
    if loader is None:
        raise ToolError(f"{path.name}: nothing is known of the type {mime}.")
    check_saved(path, size)
    return loader(path)


def check_saved(path: Path, size: int | None = None) -> None:
    """See to it that a file of an artifacts folder is what a recorder puts there: a plain file in that very folder.

    Raises:
        ToolError: it is something else.
        OSError: there is none.
    """
    status = path.lstat()
    plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and size in (None, status.st_size)
    if not plain or path.parent.is_symlink():
        raise ToolError(f"{path.name}: the file is not the one that was saved.")


def _load_arrow(path: Path) -> Any:
    from conductor_magic.frames.files import read_frame

    return read_frame(path)


def _load_json_table(path: Path) -> Any:
    try:
        import pandas
    except ImportError:
        return _load_json(path)
    with path.open(encoding="utf-8") as file:
        return pandas.read_json(file, orient="table")


def _load_array(path: Path) -> Any:
    import numpy

    with numpy.load(path, allow_pickle=False) as archive:
        parts = {name: archive[name] for name in archive.files}
    if parts.keys() == {"array", "mask", "fill"}:
        return numpy.ma.MaskedArray(parts["array"], parts["mask"], fill_value=parts["fill"])
    return parts["array"] if parts.keys() == {"array"} else parts


def _load_png(path: Path) -> Any:
    from IPython.display import Image

    return Image(data=path.read_bytes(), format="png")


def _load_svg(path: Path) -> Any:
    from IPython.display import HTML

    return HTML(f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}">')


def _load_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _load_text(path: Path) -> str:
    return path.read_bytes().decode()  # line ends as they were


_LOADERS: dict[str, Callable[[Path], Any]] = {
    "application/vnd.apache.arrow.file": _load_arrow,
    "application/vnd.dataresource+json": _load_json_table,
    "application/x-npz": _load_array,
    "application/json": _load_json,
    "image/png": _load_png,
    "image/svg+xml": _load_svg,
    "text/plain": _load_text,
}
