"""A real JupyterLab and Chromium for benchmarks: each notebook has a page and a fresh kernel of its own."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser

from tests.support.kernels import kernel
from tests.support.lab import Notebook, chromium_browser, jupyter_lab, write_notebook

__all__ = ["Lab", "open_lab"]


@dataclass(frozen=True)
class Lab:
    """The server that runs meanwhile; `runs` is the folder of the runs that its kernels record."""

    url: str
    root: Path
    runs: Path
    browser: Browser

    @contextmanager
    def notebook(self, cells: list[str], ipykernel: str, script: str = "") -> Iterator[Notebook]:
        """A new notebook, open in a page that runs `script` before its own; page and kernel end with it."""
        name = f"{len(list(self.root.glob('*.ipynb')))}.ipynb"
        write_notebook(self.root / name, cells, kernel=f"ipykernel-{ipykernel}")
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        if script:
            context.add_init_script(script)
        try:
            yield Notebook(context.new_page(), self.url, name)
        finally:
            context.close()
            for session in self.sessions():
                if session["path"] == name:
                    self._ask(f"/api/sessions/{session['id']}", "DELETE")

    def sessions(self) -> list[dict[str, Any]]:
        """The open notebooks, each with its `path` and its `kernel`, as the server's API describes them."""
        return json.loads(self._ask("/api/sessions"))

    def _ask(self, path: str, method: str = "GET") -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=30) as reply:
            return reply.read()


@contextmanager
def open_lab(versions: Sequence[str]) -> Iterator[Lab]:
    """A JupyterLab that offers a kernel for each of these ipykernel versions, and a browser."""
    with TemporaryDirectory() as scratch:
        root, home = Path(scratch, "notebooks"), Path(scratch, "home")
        root.mkdir()
        kernels = {f"ipykernel-{version}": kernel(version) for version in versions}
        with (
            jupyter_lab(root, kernels=kernels, env={"CONDUCTOR_HOME": str(home)}) as url,
            chromium_browser() as browser,
        ):
            yield Lab(url, root, home / "runs", browser)
