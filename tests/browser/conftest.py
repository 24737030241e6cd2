"""One JupyterLab server and one browser for all browser tests; each notebook gets a page and a kernel of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator

from tests.support.floor import WHICH_STORE, Floor, done, lay_out
from tests.support.kernels import BETWEEN, VERSIONS, kernel
from tests.support.lab import Notebook, chromium_browser, jupyter_lab, write_notebook
from tests.support.messages_server import Answer, MessagesServer, text, tools


def board_of(notebook: Notebook, cell: int) -> Locator:
    """The board under a cell, its tasks shown as a table: what is asked of rows can be read there."""
    board = notebook.cell(cell).get_by_role("region", name="Conductor board")
    notebook.press(board.locator("[data-book=Table]"))
    return board


@dataclass(frozen=True)
class Lab:
    """The server that runs for the whole session."""

    url: str
    root: Path


OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that offers one kernel per ipykernel version, named ``ipykernel-<version>``."""
    root = tmp_path_factory.mktemp("notebooks")
    kernels = {f"ipykernel-{version}": kernel(version) for version in (*VERSIONS, BETWEEN)}
    with jupyter_lab(root, kernels=kernels, env={"CONDUCTOR_HOME": str(tmp_path_factory.mktemp("home"))}) as url:
        yield Lab(url, root)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; for a module, because Playwright's loop runs in this thread until it is closed.

    A test after it that calls `asyncio.run` would be refused.
    """
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def open_notebook(lab: Lab, browser: Browser) -> Iterator[OpenNotebook]:
    """A function ``(cells, ipykernel=version, script="") -> Notebook``; closed after the module's tests.

    The page runs ``script`` before anything of its own.
    """
    with ExitStack() as opened:

        def open_notebook(cells: list[str], *, ipykernel: str = VERSIONS[-1], script: str = "") -> Notebook:
            name = f"{len(list(lab.root.glob('*.ipynb')))}.ipynb"
            write_notebook(lab.root / name, cells, kernel=f"ipykernel-{ipykernel}")
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            opened.callback(context.close)
            if script:
                context.add_init_script(script)
            notebook = Notebook(context.new_page(), lab.url, name)
            opened.callback(notebook.end_kernel)
            return notebook

        yield open_notebook


CONDUCT, NEXT = 1, 2


def told(expression: str) -> str:
    """A cell that prints an expression about the result `out`, what a person did, and whether its record says the same.

    Printed is `next <expression> <kinds of the events that a person caused> recorded`.
    """
    return (
        "from conductor_magic import load\n"
        "by_hand = [r.event.kind for r in out.events if getattr(r.event, 'by', '') in ('person', 'undo')]\n"
        "same = load(out.id).model_dump(mode='json') == out.model_dump(mode='json')\n"
        f"print('next', {expression}, by_hand, 'recorded' if same else 'recorded otherwise')"
    )


@dataclass
class Play:
    """A server with a floor that waits at its slow task until the test lets it go."""

    url: str
    go_on: threading.Event


@pytest.fixture
def play() -> Iterator[Play]:
    """Asks a question first; then `quick` is done at once and `slow` waits for `go_on`."""
    go_on = threading.Event()

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task == "slow" and turn < 50 and not go_on.is_set():
            # Many turns, so that the worker is visibly at a tool and can be let go soon; few enough for its limit.
            # The first call brings something new each time: who only repeats itself is ended for that.
            return tools(("Bash", {"command": f"echo {turn}"}), ("Glob", {"pattern": "*.md"}), first_seconds=1)
        return done(task, turn, body)

    conductor = [
        tools(("AskUserQuestion", {"questions": [WHICH_STORE]})),
        lay_out({"quick": (), "slow": (), "after": ("slow",)}),
        text("Under way."),
        text("The answer."),
    ]
    with MessagesServer(Floor(conductor, worker)) as server:
        yield Play(server.url, go_on)
        go_on.set()


def begin(open_notebook: OpenNotebook, play: Play, ipykernel: str, comms: str = "") -> tuple[Notebook, Locator]:
    """Start a `%%conduct` cell and queue the next one; the notebook and the cell's board.

    Args:
        open_notebook: the fixture.
        play: the fixture.
        ipykernel: the version.
        comms: how the page sends comm messages, where it is not as usual: see `Notebook.comms_over_subshells`.
    """
    setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {play.url!r}\n%load_ext conductor_magic"
    follow = told("out.status, out.questions[0].answers, out.questions[0].answered_by")
    notebook = open_notebook([setup, "%%conduct out\nGo <b>on</b>.", follow], ipykernel=ipykernel)
    notebook.run(0)
    if comms:
        notebook.comms_over_subshells(comms)
    notebook.start(CONDUCT)
    notebook.start(NEXT)
    return notebook, board_of(notebook, CONDUCT)
