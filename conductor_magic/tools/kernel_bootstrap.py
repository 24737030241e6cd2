"""The program of a worker's Python kernel: an ipykernel made ready for one task.

It runs inside the walls and stands alone: nothing of this package is imported but the file `kernel_outbox.py` beside
it. What it hands back (frames, figures, published objects) goes as plain files into the task's outbox, announced by a
message; the engine trusts neither.

Usage: ``python kernel_bootstrap.py CONNECTION_FILE OUTBOX [VARIABLES_FOLDER]``
"""

from __future__ import annotations

import importlib.util
import json
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


def prepare(shell: Any, files: Any, outbox: Any, variables: Variables) -> None:
    """Put `publish`, the display rules and the variables into a fresh kernel."""
    from IPython.display import publish_display_data

    formatter = shell.display_formatter
    formatter.active_types = SHOWN_TYPES[:-1]
    format_as = formatter.format

    def announced(value: Any) -> dict[str, object]:
        try:
            described = outbox.put("", value) if files.is_shown_frame(value) else None
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
    # `exit()` would end the process at some later moment, in the middle of another call, with all variables.
    shell.ask_exit = lambda: print("[exit() does not end this Python: variables stay for the next call]")
    shell.user_ns["publish"] = shell.user_ns_hidden["publish"] = publish
    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", lambda result: show_left_figures(shell))


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


def beside(name: str) -> Any:
    """The module in the file of this name beside this one: no folder of the package is on the kernel's path."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec: Any = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Start the kernel and serve until it is ended."""
    connection, outbox, *variables = sys.argv[1:]
    sys.argv[1:] = []
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody attaches a debugger: 0.1 s saved
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    # Critical only: else it starts by printing advice for a person at a terminal.
    app.initialize(["-f", connection, "--HistoryManager.enabled=False", "--log-level=50"])
    shell: Any = app.shell
    files = beside("kernel_outbox")
    prepare(shell, files, files.Outbox(outbox), Variables(variables[0] if variables else None, shell.user_ns))
    app.start()


if __name__ == "__main__":
    main()
