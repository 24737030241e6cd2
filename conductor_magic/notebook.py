"""The notebook's side of the work: variables that go to workers, and artifacts that come back.

Out goes pickle (protocol 5) into files that workers cannot change: it is the user's own data, it arrives equal
whatever it is (index, categories, time zones, nulls of a pandas frame), and 100 MB take about 0.1 s. Back never
comes a pickle: unpickling what a worker made would run its code in the user's kernel.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import keyword
import pickle
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.errors import ConductUsageError, ToolError
from conductor_magic.looks import looks, type_name

__all__ = ["Variable", "describe", "export_variables", "load_artifact"]

_DESCRIPTION = 2000


@dataclass(frozen=True, slots=True)
class Variable:
    """One notebook variable that was handed over.

    Attributes:
        name: its name in the notebook and in the workers' kernels.
        type: its type, as `pandas.DataFrame`.
        shape: rows and columns, or the length; None for what has neither.
        dtypes: columns and their types, as text; None for what has none.
        preview: five rows, or the beginning of its text.
        size: bytes of the file.
        sha256: of the file.
        path: the file.
        format: `pickle`.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    dtypes: str | None
    preview: str
    size: int
    sha256: str
    path: str
    format: str = "pickle"


def export_variables(names: Iterable[str], namespace: Mapping[str, Any], folder: Path) -> list[Variable]:
    """Save notebook variables for workers; the objects themselves are not changed.

    Args:
        names: the variables.
        namespace: where they live, the notebook's globals.
        folder: an empty folder to fill; give it to workers as `ToolContext.variables`.

    Returns:
        What was saved, in the order of the names, each once.

    Raises:
        ConductUsageError: a name does not exist, or its object cannot be handed over; one line, naming it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    variables = [_export(name, namespace, folder) for name in dict.fromkeys(names)]
    manifest = [{"name": variable.name, "file": Path(variable.path).name} for variable in variables]
    (folder / "variables.json").write_text(json.dumps(manifest), encoding="utf-8")
    return variables


def describe(variable: Variable) -> str:
    """What a model is told of a variable: name, type, shape, columns, a preview; at most 2,000 bytes of UTF-8."""
    shape = f", {_shape_in_words(variable)}" if variable.shape is not None else ""
    lines = [f"`{variable.name}`: {variable.type}{shape}"]
    if variable.dtypes:
        lines.append(f"columns: {variable.dtypes}")
    if variable.preview:
        lines.append(variable.preview)
    text = "\n".join(lines).encode(errors="replace")
    if len(text) > _DESCRIPTION:
        text = text[: _DESCRIPTION - 4] + " …".encode()
    return text.decode(errors="ignore")


def load_artifact(path: str | Path, mime: str) -> Any:
    """The value of an artifact: a DataFrame, array, image, text, or what JSON holds.

    Frames become pandas', where pandas is installed, else pyarrow's table. Images become IPython's `Image` (an SVG
    is wrapped as an image, so that no script in it runs).

    Args:
        path: the file in the run's artifacts folder.
        mime: its media type.

    Raises:
        ToolError: the type is none of those that are handed back.
        OSError, ValueError: the file is gone or damaged.
    """
    path = Path(path)
    loader = _LOADERS.get(mime)
    if loader is None:
        raise ToolError(f"{path.name}: nothing is known of the type {mime}.")
    return loader(path)


def _export(name: str, namespace: Mapping[str, Any], folder: Path) -> Variable:
    if name not in namespace:
        raise ConductUsageError(f"--use {name}: there is no variable `{name}` in this notebook.")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConductUsageError(f"--use {name}: is not a variable's name.")
    value = namespace[name]
    path = folder / f"{name}.pickle"
    if name == "publish":
        raise ConductUsageError("--use publish: workers hand results back by a function of this name; rename it.")
    if isinstance(value, types.ModuleType):
        raise ConductUsageError(f"--use {name}: is a module; workers can import it themselves, hand over data.")
    try:
        with path.open("xb") as file:
            hashing = _Hashing(file)
            _Pickler(hashing, protocol=5).dump(value)
    except _Unreachable as error:
        path.unlink(missing_ok=True)
        raise ConductUsageError(
            f"--use {name}: needs {error}, which is defined in this notebook; "
            "move it into a module that workers can import."
        ) from None
    except Exception as error:  # noqa: BLE001  # anything can happen in an object's own pickling
        path.unlink(missing_ok=True)
        said = str(error).partition("\n")[0][:200]
        raise ConductUsageError(f"--use {name}: a {type_name(value)} cannot be handed to workers ({said}).") from None
    shape, dtypes, preview = looks(value)
    return Variable(name, type_name(value), shape, dtypes, preview, hashing.size, hashing.sha256.hexdigest(), str(path))


class _Unreachable(Exception):
    """The object needs a class or function that exists only in the notebook."""


class _Pickler(pickle.Pickler):
    """Refuses what would be found missing only in the worker: references into the notebook's own module."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | types.FunctionType) and obj.__module__ == "__main__":
            raise _Unreachable(f"`{obj.__qualname__}`")
        return NotImplemented


class _Hashing:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self._file = file
        self.size = 0
        self.sha256 = hashlib.sha256()

    def write(self, piece: Any) -> int:
        self.size += memoryview(piece).nbytes
        self.sha256.update(piece)
        return self._file.write(piece)


def _shape_in_words(variable: Variable) -> str:
    shape = variable.shape or ()
    if len(shape) == 2 and variable.type.endswith(("DataFrame", "Table")):
        return f"{shape[0]:,} rows × {shape[1]:,} columns"
    return f"{shape[0]:,} long" if len(shape) == 1 else f"shape {shape}"


def _load_arrow(path: Path) -> Any:
    import pyarrow as arrow

    with arrow.OSFile(str(path)) as source:
        table = arrow.ipc.open_file(source).read_all()
    table.validate(full=True)  # offsets and lengths that lie would be read as they stand
    try:
        import pandas  # noqa: F401
    except ImportError:
        return table
    return table.to_pandas()


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
        return archive["array"] if "array" in archive.files else {name: archive[name] for name in archive.files}


def _load_png(path: Path) -> Any:
    from IPython.display import Image

    return Image(data=path.read_bytes(), format="png")


def _load_svg(path: Path) -> Any:
    from IPython.display import HTML

    return HTML(f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}">')


def _load_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _load_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


_LOADERS: dict[str, Callable[[Path], Any]] = {
    "application/vnd.apache.arrow.file": _load_arrow,
    "application/vnd.dataresource+json": _load_json_table,
    "application/x-npz": _load_array,
    "application/json": _load_json,
    "image/png": _load_png,
    "image/svg+xml": _load_svg,
    "text/plain": _load_text,
}
