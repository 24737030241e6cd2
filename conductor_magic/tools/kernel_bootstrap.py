"""The program of a worker's Python kernel: an ipykernel made ready for one task.

It runs inside the walls and stands alone: of this package it has the files `kernel_*.py` beside it and the folder
`frames`. What it hands back (frames, figures, published objects) goes as plain files into the task's outbox, announced
by a message; the engine trusts neither.

Usage: ``python kernel_bootstrap.py CONNECTION_FILE OUTBOX PACKAGES [VARIABLES_FOLDER]``
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import signal
import sys
from typing import Any

ANNOUNCEMENT = "application/vnd.conductor.artifact+json"
SHOWN_TYPES = ["text/plain", "image/png", "image/jpeg", "image/svg+xml", ANNOUNCEMENT]
TEXT_LIMIT = 1_000_000
"""Characters that one call may print, and that one shown value may have."""


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


def prepare(shell: Any, files: Any, outbox: Any, variables: Any) -> None:
    """Put `publish`, the display rules and the variables into a fresh kernel."""
    from IPython.display import publish_display_data

    formatter = shell.display_formatter
    formatter.active_types = SHOWN_TYPES[:-1]
    format_as = formatter.format

    def announced(value: Any) -> dict[str, object]:
        if not files.is_shown_frame(value):
            return {}
        try:
            described, notes = outbox.put("", value)
        except files.TooLarge as error:
            print(f"[this table is shown and not handed back: {error}]")
        except Exception as error:  # noqa: BLE001  # showing must go on
            print(f"[this table could not be handed back: {error!r}]", file=sys.stderr)
        else:
            tell("this table", notes)
            return {ANNOUNCEMENT: described}
        return {}

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
        described, notes = outbox.put(name, value)
        publish_display_data({ANNOUNCEMENT: described, "text/plain": f"published {name}"})
        tell(name, notes)

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


def tell(name: str, notes: list[str]) -> None:
    """Say in the call's output what of an object will not come back equal."""
    if notes:
        more = f" (and {len(notes) - 8} more)" if len(notes) > 8 else ""
        print(f"[note on {name}: {'; '.join(notes[:8])}{more}]")


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
    return module_at(name, path)


def frame_files() -> Any:
    """The module `files` of the package's folder `frames`, which is imported under another name."""
    name = "conductor_frames"
    if name not in sys.modules:
        folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "frames")
        module_at(name, os.path.join(folder, "__init__.py"), [folder])
    return importlib.import_module(f"{name}.files")


def module_at(name: str, path: str, folders: list[str] | None = None) -> Any:
    """The module of a file; a package with `folders`."""
    spec: Any = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def end_with_parent() -> None:
    """Where there are no walls that do it: let the system kill this process when the one that started it dies."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    """Start the kernel and serve until it is ended."""
    connection, outbox, packages, *folder = sys.argv[1:]
    sys.argv[1:] = []
    end_with_parent()
    gc.disable()  # a sixth of the time that the imports take
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody attaches a debugger: 0.1 s saved
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    # Critical only: else it starts by printing advice for a person at a terminal.
    app.initialize(["-f", connection, "--HistoryManager.enabled=False", "--log-level=50"])
    shell: Any = app.shell
    files = beside("kernel_outbox")
    loading = beside("kernel_variables")
    loading.import_packages(packages)
    variables = loading.Variables(folder[0] if folder else None, shell.user_ns)
    prepare(shell, files, files.Outbox(outbox, frame_files), variables)
    gc.enable()
    app.start()


if __name__ == "__main__":
    main()
