"""A real JupyterLab in a real Chromium, for tests: the server, the browser, and one notebook as a page object.

Everything waits on the page's own model (``window.jupyterapp``) or on what the page shows, never on a clock. The server
gets Jupyter and IPython folders of its own, so a person's settings, kernels and workspaces play no part.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.support.kernels import Kernel

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def jupyter_lab(
    root: Path,
    *,
    python: str = sys.executable,
    kernels: Mapping[str, Kernel] | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Serve the notebooks in ``root`` and give the server's URL; the server and its kernels are ended at the end.

    Args:
        root: the folder that the server shows.
        python: an interpreter that has JupyterLab.
        kernels: more kernels to offer, by the name that a notebook asks for.
        env: added to the environment of the server and so of every kernel.

    Raises:
        RuntimeError: the server did not come up; carries the end of its log.
    """
    home = Path(tempfile.mkdtemp(prefix="lab-"))
    for name, kernel in (kernels or {}).items():
        kernel.write_spec(home / "data", name)
    notices = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True)
    notices.write_text('{"fetchNews": "false"}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": f"{home}/config",
        "JUPYTER_DATA_DIR": f"{home}/data",
        "JUPYTER_RUNTIME_DIR": f"{home}/run",
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTERLAB_SETTINGS_DIR": f"{home}/settings",
        "JUPYTERLAB_WORKSPACES_DIR": f"{home}/workspaces",
        **(env or {}),
    }
    command = [
        *(python, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"),
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
        # A language server of our own tools would be started for every notebook, at the cost of seconds and dialogs.
        "--LanguageServerManager.autodetect=False",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = home / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_served(server, url, log)
        yield url
    finally:
        server.terminate()  # the server ends its kernels itself
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_served(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/api/status", timeout=1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not come up:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.1)
        else:
            return


def chromium() -> str:
    """Return the path of Chromium: ``$CHROMIUM``, or ``chromium`` on the PATH, or where Debian puts it.

    Raises:
        RuntimeError: there is none; says how to get it.
    """
    candidates = (os.environ.get("CHROMIUM"), shutil.which("chromium"), "/usr/bin/chromium")
    for path in candidates:
        if path and os.access(path, os.X_OK):
            return path
    raise RuntimeError(
        "The browser tests need Chromium and found none: install it (apt-get install chromium), "
        "or set CHROMIUM to the path of one, or leave these tests out with: pytest -m 'not browser'"
    )


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """Start headless Chromium with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


CONNECTED = "panel.sessionContext.session?.kernel?.connectionStatus === 'connected'"


class Notebook:
    """A notebook open in JupyterLab: run its cells, read their state and output, press what they show.

    Attributes:
        page: the browser page, for whatever this class does not offer.
        page_errors: uncaught errors of the page so far; a test asserts at its end that there are none.
    """

    def __init__(self, page: Page, url: str, name: str, *, idle: bool = True) -> None:
        self.page = page
        self.page_errors: list[str] = []
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.name = name
        self._url = url
        # A workspace of its own: pages that share one give each other their open notebooks when they are reloaded.
        self._address = f"{url}/lab/workspaces/{secrets.token_hex(8)}/tree/{name}"
        page.goto(f"{self._address}?reset")
        self._wait_until_open()
        self._wait_for("panel.sessionContext.session?.kernel?.status === 'idle'" if idle else CONNECTED)

    def reload(self) -> None:
        """Load the page anew and return when the notebook is there and its kernel connected; it may be busy."""
        self.page.goto(self._address)
        self._wait_until_open()
        self._wait_for(CONNECTED)

    def open_again(self, page: Page) -> Notebook:
        """Open the same notebook, on the same kernel, in another page."""
        return Notebook(page, self._url, self.name, idle=False)

    def start(self, index: int) -> None:
        """Run a cell (or queue it) and return at once."""
        self._in_panel(
            "panel.content.activeCellIndex = arg; panel.content.deselectAll();"
            "void window.jupyterapp.commands.execute('notebook:run-cell')",
            index,
        )

    def wait(self, index: int, seconds: float = 60) -> None:
        """Return when the cell has run."""
        self._wait_for("panel.content.widgets[arg].model.executionState === 'idle'", index, seconds)

    def run(self, index: int, seconds: float = 60) -> None:
        """Run a cell to its end."""
        self.start(index)
        self.wait(index, seconds)

    def state(self, index: int) -> str:
        """Return the cell's state as JupyterLab sees it: ``idle`` or ``running``."""
        return self._in_panel("return panel.content.widgets[arg].model.executionState", index)

    def wait_for_kernel(self, status: str, seconds: float = 20) -> None:
        """Return when the toolbar shows the kernel as ``idle``, ``busy`` …; it may flicker between two messages."""
        self._wait_for("panel.sessionContext.session.kernel.status === arg", status, seconds)

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return the cell's outputs in the notebook format."""
        return self._in_panel("return panel.content.widgets[arg].model.outputs.toJSON()", index)

    def text(self, index: int) -> str:
        """Return what the cell printed."""
        streams = [output["text"] for output in self.outputs(index) if output["output_type"] == "stream"]
        return "".join(text if isinstance(text, str) else "".join(text) for text in streams)

    def cell(self, index: int) -> Locator:
        """Return the cell's element; its outputs are inside."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-cell").nth(index)

    def press(self, target: Locator) -> None:
        """Press a button as a hand does: down, 80 ms, up. A node that is rebuilt in between never sees a click."""
        target.click(delay=80)

    def interrupt(self) -> None:
        """Press the stop button of the notebook's toolbar."""
        self.press(self.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="interrupt"]'))

    def comms_over_subshells(self, setting: str) -> None:
        """Set how the page sends comm messages on ipykernel 7: ``disabled``, ``perCommTarget`` or ``perComm``."""
        self._in_panel("panel.sessionContext.session.kernel.commsOverSubshells = arg", setting)

    def save(self) -> None:
        """Save the notebook to disk."""
        self._in_panel("return panel.context.save()")

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the page."""
        self.page.screenshot(path=str(path))

    def kill_kernel(self) -> None:
        """Kill the kernel's process, as the system does when memory runs out."""
        name = self._in_panel("return panel.sessionContext.session.kernel.id")
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"kernel-{name}.json".encode() in process.read_bytes():
                    os.kill(int(process.parent.name), signal.SIGKILL)

    def end_kernel(self) -> None:
        """End the notebook's kernel; the page stays."""
        self._in_panel("return panel.sessionContext.shutdown()")

    def _wait_until_open(self) -> None:
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60_000)

    def _in_panel(self, code: str, arg: object = None) -> Any:
        return self.page.evaluate(
            f"async (arg) => {{ const panel = window.jupyterapp.shell.currentWidget; {code} }}", arg
        )

    def _wait_for(self, condition: str, arg: object = None, seconds: float = 60) -> None:
        panel = "const panel = window.jupyterapp?.shell.currentWidget"
        self.page.wait_for_function(
            f"(arg) => {{ {panel}; return panel?.content && {condition} }}",
            arg=arg,
            timeout=seconds * 1000,
        )


def write_notebook(path: Path, cells: list[str], *, kernel: str = "python3") -> None:
    """Write a notebook of code cells that asks for the kernel of this name."""
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": spec}), path)
