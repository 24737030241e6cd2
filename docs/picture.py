"""Makes the README's pictures from a real run: the quickstart's cell in a real JupyterLab.

`docs/board.png` is taken while six workers are at it, `docs/replay.png` when its past is looked at, in the dark theme.

Run it from the checkout's root: `python -m docs.picture`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import board_of
from tests.support.kernels import kernel
from tests.support.lab import Notebook, chromium_browser, jupyter_lab, write_notebook

HERE = Path(__file__).resolve().parent
CELLS = [
    "%load_ext conductor_magic\nimport pandas as pd\npenguins = pd.read_csv('data/penguins.csv')",
    "%%conduct report --use penguins\nWhat stands out in the {penguins.shape[0]} penguins? How do the species differ?",
]


def main() -> None:
    """Run the cell and open a task; then, when all is over, go back to the middle of the run."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "notebooks")
        shutil.copytree(HERE.parent / "notebooks" / "data", root / "data")
        write_notebook(root / "picture.ipynb", CELLS)
        env = {"CONDUCTOR_HOME": str(Path(scratch, "home"))}
        with jupyter_lab(root, kernels={"python3": kernel(env=env)}, env=env) as url, chromium_browser() as browser:
            page = browser.new_context(viewport={"width": 1800, "height": 1000}).new_page()
            notebook = Notebook(page, url, "picture.ipynb")
            notebook.run(0)
            notebook.start(1)
            board = board_of(notebook, 1)
            row = board.get_by_role("row").filter(has_text="Distributions in penguins")
            expect(row).to_contain_text("Running", timeout=60_000)
            notebook.press(row)
            notebook.press(board.get_by_role("tab", name="Prompt"))
            expect(board.get_by_text("Python").first).to_be_visible(timeout=60_000)
            expect(board).to_contain_text("CONTEXT: You are a WORKER agent")
            notebook.press(board.locator("[data-book=Phases]"))
            page.mouse.move(5, 5)
            board.screenshot(path=str(HERE / "board.png"))
            notebook.wait(1, 120)

            expect(board.locator(".pill")).to_have_text("Closed")
            page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
            page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
            page.keyboard.press("Escape")
            scrubber = board.get_by_role("slider", name="Moment of the run")
            box = scrubber.bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 12)
            expect(board.locator(".pill")).to_contain_text("Replay")
            notebook.press(board.locator("[data-book=Flow]"))
            page.mouse.move(5, 5)
            board.screenshot(path=str(HERE / "replay.png"))


if __name__ == "__main__":
    main()
