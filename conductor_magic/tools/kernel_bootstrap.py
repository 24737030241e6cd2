"""The program of a worker's Python kernel: an ipykernel made ready for one task.

It runs inside the walls and stands alone: nothing of this package is imported. What it hands back (frames, figures,
published objects) goes as plain files into the task's outbox, announced by a message; the engine trusts neither.

Usage: ``python kernel_bootstrap.py CONNECTION_FILE OUTBOX [VARIABLES_FOLDER]``
"""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import sys
from typing import Any

ANNOUNCEMENT = "application/vnd.conductor.artifact+json"
SHOWN_TYPES = ["text/plain", "image/png", "image/jpeg", "image/svg+xml", ANNOUNCEMENT]
INDIRECT = re.compile(r"\b(globals|locals|vars|dir|eval|exec|who|whos|get_ipython)\b|^\s*[%!]", re.MULTILINE)
"""Code that may reach a variable without naming it."""

TEXT_LIMIT = 1_000_000
"""Characters that one call may print, and that one shown value may have."""


class Outbox:
    """Writes objects as files in safe formats and says which."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.count = 0

    def put(self, name: str, value: Any) -> dict[str, object]:
        """Save a value under a new file name.

        Raises:
            TypeError: there is no safe format for it.
        """
        for save in (save_frame, save_image, save_array, save_plain):
            self.count += 1
            path = os.path.join(self.folder, f"{self.count:04d}")
            described = save(value, path)
            if described:
                return {"name": name, **described}
        raise TypeError(
            f"cannot publish a {type(value).__name__}: give a DataFrame, Series, array, figure, image, text, "
            "number, or lists and dicts of them"
        )


def root_of(value: Any) -> str:
    """The top package that a value's type comes from."""
    return type(value).__module__.partition(".")[0]


def save_frame(value: Any, path: str) -> dict[str, object] | None:
    """Frames of pandas, polars and Arrow, as an Arrow file, or as a JSON table where pyarrow is missing."""
    kind = (root_of(value), type(value).__name__)
    if kind == ("pandas", "Series"):
        value = value.to_frame()
    elif kind == ("polars", "DataFrame"):
        value.write_ipc(f"{path}.arrow", compression="uncompressed")
        return {"file": f"{os.path.basename(path)}.arrow", "shape": list(value.shape)}
    elif root_of(value) not in ("pandas", "pyarrow") or type(value).__name__ not in ("DataFrame", "Table"):
        return None
    try:
        import pyarrow as arrow
    except ImportError:
        return save_json_table(value, path)
    if isinstance(value, arrow.Table):
        table = value
    else:
        try:
            table = arrow.Table.from_pandas(value)
        except (arrow.ArrowException, ValueError, TypeError, NotImplementedError):
            table = arrow.Table.from_pandas(simplified(value))
    with arrow.OSFile(f"{path}.arrow", "wb") as sink, arrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {"file": f"{os.path.basename(path)}.arrow", "shape": list(value.shape)}


def save_json_table(value: Any, path: str) -> dict[str, object]:
    """A pandas frame as a JSON table with its schema."""
    try:
        text = value.to_json(orient="table", date_format="iso", default_handler=str)
    except (ValueError, TypeError, NotImplementedError, OverflowError):
        text = simplified(value).to_json(orient="table", date_format="iso")
    write(f"{path}.table.json", text.encode())
    return {"file": f"{os.path.basename(path)}.table.json", "shape": list(value.shape)}


def simplified(frame: Any) -> Any:
    """The frame with text in place of what has no column type, and with distinct text as column names."""
    frame = frame.copy(deep=False).reset_index()
    names: list[str] = []
    for name in frame.columns:
        text = " ".join(map(str, name)).strip() if isinstance(name, tuple) else str(name)
        while text in names:
            text += "_"
        names.append(text)
    frame.columns = names
    for name in names:
        if frame[name].dtype == object or str(frame[name].dtype).startswith(("interval", "period", "complex")):
            frame[name] = frame[name].map(str)
    return frame


def save_image(value: Any, path: str) -> dict[str, object] | None:
    """Figures and images, as PNG (SVG for what has only that)."""
    if root_of(value) == "matplotlib" and not hasattr(value, "savefig"):
        value = getattr(value, "figure", value)
    if root_of(value) == "matplotlib" and hasattr(value, "savefig"):
        value.savefig(f"{path}.png", format="png", bbox_inches="tight")
        if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
            pyplot.close(value)  # else it would be shown, and kept, a second time
        return {"file": f"{os.path.basename(path)}.png"}
    for method, suffix in (("_repr_png_", ".png"), ("_repr_svg_", ".svg")):
        content = getattr(value, method)() if hasattr(type(value), method) else None
        if content:
            write(path + suffix, content if isinstance(content, bytes) else str(content).encode())
            return {"file": os.path.basename(path) + suffix}
    return None


def save_array(value: Any, path: str) -> dict[str, object] | None:
    """numpy arrays, as npz without any pickle."""
    if root_of(value) != "numpy" or type(value).__name__ not in ("ndarray", "MaskedArray"):
        return None
    import numpy

    if value.dtype.hasobject:
        raise TypeError("cannot publish an array of Python objects: convert it to numbers or text first")
    numpy.savez_compressed(f"{path}.npz", array=value)
    return {"file": f"{os.path.basename(path)}.npz", "shape": list(value.shape)}


def save_plain(value: Any, path: str) -> dict[str, object] | None:
    """Text as text; numbers, lists and dicts as JSON."""
    if isinstance(value, str):
        write(f"{path}.txt", value.encode(errors="replace"))
        return {"file": f"{os.path.basename(path)}.txt"}
    if not (value is None or isinstance(value, bool | int | float | list | tuple | dict) or hasattr(value, "item")):
        return None
    write(f"{path}.json", json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False).encode(errors="replace"))
    return {"file": f"{os.path.basename(path)}.json"}


def jsonable(value: Any) -> object:
    """The value made of what JSON has; numbers that are no numbers become null."""
    if isinstance(value, dict):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    return str(value)


def write(path: str, content: bytes) -> None:
    """Make a file in the outbox."""
    with open(path, "wb") as file:
        file.write(content)


class Variables:
    """The notebook's variables, loaded when a call first mentions them: large ones cost nothing until then."""

    def __init__(self, folder: str | None, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.waiting: dict[str, str] = {}
        if folder and os.path.exists(manifest := os.path.join(folder, "variables.json")):
            with open(manifest, encoding="utf-8") as file:
                self.waiting = {entry["name"]: os.path.join(folder, entry["file"]) for entry in json.load(file)}

    def load_for(self, code: str) -> None:
        """Load what the code mentions (all of it when it looks names up by other ways)."""
        everything = INDIRECT.search(code)
        for name in list(self.waiting):
            if everything or re.search(rf"\b{name}\b", code):
                path = self.waiting.pop(name)
                try:
                    with open(path, "rb") as file:
                        self.namespace[name] = pickle.load(file)
                except Exception as error:  # noqa: BLE001  # loading runs the object's own code
                    print(f"The notebook's variable `{name}` could not be loaded here: {error!r}", file=sys.stderr)


class Budget:
    """Cuts off what one call prints beyond a limit, at the source: a flood never reaches the engine."""

    def __init__(self) -> None:
        self.left = TEXT_LIMIT

    def guard(self, stream: Any) -> None:
        """Make a stream obey."""
        write_on = stream.write

        def write(text: str) -> int:
            if self.left > 0:
                write_on(text[: self.left])
                if len(text) > self.left:
                    write_on(f"\n[… this call printed more than {TEXT_LIMIT:,} characters; the rest is dropped]\n")
                self.left -= len(text)
            return len(text)

        stream.write = write


def prepare(shell: Any, outbox: Outbox, variables: Variables) -> None:
    """Put `publish`, the display rules and the variables into a fresh kernel."""
    from IPython.display import publish_display_data

    formatter = shell.display_formatter
    formatter.active_types = SHOWN_TYPES[:-1]
    format_as = formatter.format

    def announced(value: Any) -> dict[str, object]:
        try:
            described = outbox.put("table", value) if is_shown_frame(value) else None
        except Exception as error:  # noqa: BLE001  # showing must go on
            print(f"[this table could not be handed back: {error!r}]", file=sys.stderr)
            return {}
        return {ANNOUNCEMENT: described} if described else {}

    def format_with_files(value: Any, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], Any]:
        data, metadata = format_as(value, include, exclude)
        if len(data.get("text/plain", "")) > TEXT_LIMIT:
            data["text/plain"] = data["text/plain"][:TEXT_LIMIT] + " [… cut]"
        data.update(announced(value))
        return data, metadata

    def publish(name: str, value: Any) -> None:
        """Hand an object back to the notebook under a name: `result.artifacts[name]`."""
        if not isinstance(name, str) or not name.strip() or len(name) > 80:
            raise ValueError("publish(name, object): the name must be a text of 1 to 80 characters")
        described = outbox.put(name, value)
        publish_display_data({ANNOUNCEMENT: described, "text/plain": f"published {name}"})

    budget = Budget()
    budget.guard(sys.stdout)
    budget.guard(sys.stderr)
    first: list[bool] = []

    def before(info: Any) -> None:
        budget.left = TEXT_LIMIT
        if not first:
            first.append(True)
            allow_nested_loops()
        variables.load_for(info.raw_cell or "")

    formatter.format = format_with_files
    shell.user_ns["publish"] = shell.user_ns_hidden["publish"] = publish
    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", lambda result: show_left_figures(shell))


def is_shown_frame(value: Any) -> bool:
    """Whether showing this value hands it back too."""
    kind = (root_of(value), type(value).__name__)
    return kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))


def allow_nested_loops() -> None:
    """Let code call `asyncio.run()`, as scripts do, although the kernel's own loop is running."""
    try:
        import nest_asyncio2
    except ImportError:
        return
    nest_asyncio2.apply()


def show_left_figures(shell: Any) -> None:
    """Show the figures of code that chose the silent `Agg` backend itself; the inline one shows its own."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or pyplot.get_backend().lower() != "agg" or not pyplot.get_fignums():
        return
    from IPython.core.pylabtools import select_figure_formats
    from IPython.display import display

    select_figure_formats(shell, {"png"})
    for number in pyplot.get_fignums():
        display(pyplot.figure(number))
    pyplot.close("all")


def main() -> None:
    """Start the kernel and serve until it is ended."""
    connection, outbox, *variables = sys.argv[1:]
    sys.argv[1:] = []
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody attaches a debugger: 0.1 s saved
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", connection, "--HistoryManager.enabled=False"])
    shell: Any = app.shell
    prepare(shell, Outbox(outbox), Variables(variables[0] if variables else None, shell.user_ns))
    app.start()


if __name__ == "__main__":
    main()
