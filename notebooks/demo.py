"""Run the quickstart notebook without a browser and without a key; print the board that it ended with.

`make demo` calls this. The executed notebook and an HTML page of it are left in `build/`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

import conductor_magic

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"

# The demo costs nothing, whatever keys the machine has: its kernel is configured to play the rehearsal.
IPYTHON_CONFIG = 'c = get_config()\nc.ConductMagics.provider = "rehearsal"\n'


def main() -> int:
    """Execute the notebook, save it twice, print its board; 0 when the run in it completed."""
    profile = BUILD / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_config.py").write_text(IPYTHON_CONFIG)
    os.environ.update(IPYTHONDIR=str(profile.parent), CONDUCTOR_HOME=str(BUILD / "conductor"))

    print("Running notebooks/quickstart.ipynb …", flush=True)
    notebook = nbformat.read(HERE / "quickstart.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(HERE)}})
    failure = ""
    try:
        client.execute()
    except CellExecutionError as error:
        failure = str(error)

    executed, page = BUILD / "quickstart.ipynb", BUILD / "quickstart.html"
    nbformat.write(notebook, executed)
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    if failure:
        print(failure, file=sys.stderr)
    else:
        result = conductor_magic.load("last")
        print(f"\n{result}\n")
        failure = "" if result.status == "completed" else result.status
    print(f"The executed notebook: {executed.relative_to(HERE.parent)}")
    print(f"The same as a page:    {page.relative_to(HERE.parent)}")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
