"""The code that rehearsal workers send to the Python tool, kept as files so that it is read, linted and tested as code.

It runs in a worker's kernel, where this package is not: each call carries the whole text of what it needs. So these
files import only the standard library, numpy, pandas and, for charts, matplotlib; they import nothing of each other.
Numbers that a report will state are rounded here, so that its every figure stands in the tool's result as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

__all__ = ["PARTS", "on_checkout", "on_file", "on_folder", "on_variable", "source"]

PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("development_interfaces", "testing_gaps"), ("imports",)),
    **dict.fromkeys(("development_slices", "review_layers"), ("imports", "cycles")),
    "docs_examples": ("own_names", "examples"),
    "docs_names": ("own_names",),
    "docs_pages": ("links",),
    **dict.fromkeys(("ops_gates", "ops_infrastructure", "ops_pins", "ops_pipelines", "ops_signals"), ("ops_files",)),
    "research_structure": ("own_names", "cycles"),
}
"""What a look at a checkout needs beside `checkout` and itself."""

_PLAN = ("plan_columns", "plan", "plan_graph")
"""What every recipe on a project plan needs besides `table`."""

_EXPLORE = ("schema", "missing", "distributions", "outliers", "correlations", "groups")


def source(*names: str) -> str:
    """The text of these snippets, one after the other."""
    folder = files(__name__)
    return "\n\n".join((folder / f"{name}.py").read_text(encoding="utf-8").strip() for name in names) + "\n"


def on_variable(recipe: str, variable: str, **options: object) -> str:
    """The code that runs a recipe on a notebook variable and prints `RESULT` and its figures as JSON.

    Args:
        recipe: a snippet whose function has the same name.
        variable: a Python identifier that names the variable.
        options: further arguments of the recipe: text, lists of text, or None.

    Raises:
        ValueError: the variable is no identifier.
    """
    if not variable.isidentifier():
        raise ValueError(f"{variable!r} is no variable name")
    # Taken first: the variable may have the name of something that the snippets define, or of a builtin that they use.
    subject = f"_subject = {variable}\nfrom builtins import *\n\n\n"
    if recipe == "variable":
        return f"{subject}{source('variable')}\n\nvariable(_subject)\n"
    arguments = "".join(f", {name}={value!r}" for name, value in options.items())
    parts = ("table", *(_PLAN if recipe.startswith("plan_") else ()), recipe)
    return f"{subject}{source(*parts)}\n\nreport({recipe}, _subject{arguments})\n"


def on_folder(folder: str) -> str:
    """The code that counts the files below a folder and prints `RESULT` and the figures."""
    return f"{source('inventory')}\n\ninventory({folder!r})\n"


def on_checkout(recipe: str, folder: str, **options: object) -> str:
    """The code that runs a recipe on a checkout and prints `RESULT` and its figures as JSON.

    Args:
        recipe: a snippet whose function has the same name and takes a `Checkout`.
        folder: the checkout's absolute path.
        options: further arguments of the recipe: text, or lists of text.
    """
    arguments = "".join(f", {name}={value!r}" for name, value in options.items())
    parts = source("checkout", *PARTS.get(recipe, ()), recipe)
    return f"{parts}\n\nlook({recipe}, {folder!r}{arguments})\n"


def on_file(path: str, *, first: bool) -> str:
    """The code that explores a delimited text file and prints `RESULT` and the figures.

    Args:
        path: the file's absolute path.
        first: carry the definitions too, and draw charts; later calls in the same kernel need only the call.
    """
    definitions = source("table", *_EXPLORE, "charts", "tables") + "\n\n" if first else ""
    return f"{definitions}tables({path!r}, draw={first})\n"
