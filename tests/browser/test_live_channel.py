"""In a real page: a widget stays alive while its cell blocks, on every kind of kernel that we support."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.support.kernels import VERSIONS
from tests.support.lab import Notebook

# The board itself is held on both kernels at every change: test_board.py.
pytestmark = [pytest.mark.browser, pytest.mark.slow]

SETUP = '''
import asyncio, threading
import anywidget, traitlets
from IPython.display import display
from conductor_magic.live import open_channel
from conductor_magic.waiting import RunInterrupted, wait_blocking

class Counter(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = (name) => {
        const node = document.createElement("button");
        node.className = `test-${name}`;
        node.textContent = name;
        node.addEventListener("click", () => model.send(name));
        el.append(node);
        return node;
      };
      const count = button("count");
      button("stop");
      const draw = () => { count.textContent = String(model.get("count")); };
      model.on("change:count", draw);
      draw();
    } };
    """
    count = traitlets.Int(0).tag(sync=True)

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()

def block():
    global counter
    done = threading.Event()

    def hear(widget, name, buffers):
        if name == "stop":
            done.set()
        else:
            widget.count += 1
            print("pressed", widget.count)

    def interrupted(number):
        raise RunInterrupted("stopped by you")

    with open_channel(get_ipython(), loop) as channel:
        assert channel.works, channel.reason
        counter = Counter()
        counter.on_msg(hear)
        channel.route(counter.model_id)
        display(counter)
        wait_blocking(done, channel, interrupted)
    print("over")
'''
BLOCK, NEXT = 1, 2


@pytest.fixture(scope="module", params=VERSIONS)
def notebook(request: pytest.FixtureRequest, open_notebook: OpenNotebook) -> Notebook:
    """A notebook per ipykernel version: the set-up has run, cell 1 blocks, cell 2 tells the count."""
    notebook = open_notebook([SETUP, "block()", "print('next', counter.count)"], ipykernel=request.param)
    notebook.run(0)
    return notebook


def button(notebook: Notebook, name: str) -> Locator:
    """Return a button of the widget in the blocking cell."""
    return notebook.cell(BLOCK).locator(f".test-{name}")


@pytest.mark.parametrize("setting", ["perCommTarget", "disabled"])
def test_press_takes_effect_while_the_cell_runs(notebook: Notebook, setting: str) -> None:
    """A press changes the kernel's state and the page shows it, mid-run; the queued cell runs after that."""
    notebook.comms_over_subshells(setting)
    notebook.start(BLOCK)
    count = button(notebook, "count")
    expect(count).to_have_text("0", timeout=20_000)
    notebook.start(NEXT)
    for number in (1, 2):
        notebook.press(count)
        expect(count).to_have_text(str(number))
        assert notebook.state(BLOCK) == "running"
        notebook.wait_for_kernel("busy")
    notebook.press(button(notebook, "stop"))
    notebook.wait(NEXT)
    assert notebook.text(BLOCK) == "pressed 1\npressed 2\nover\n"
    assert notebook.text(NEXT) == "next 2\n"
    notebook.wait_for_kernel("idle")
    assert not notebook.page_errors


def test_stop_button_ends_the_cell(notebook: Notebook) -> None:
    """The toolbar's stop button ends the cell within two seconds, with one line, and aborts the queued cell."""
    notebook.run(NEXT)
    notebook.start(BLOCK)
    expect(button(notebook, "count")).to_have_text("0", timeout=20_000)
    notebook.start(NEXT)
    pressed = time.monotonic()
    notebook.interrupt()
    notebook.wait(BLOCK)
    assert time.monotonic() - pressed < 2
    errors = [output for output in notebook.outputs(BLOCK) if output["output_type"] == "error"]
    assert [(e["ename"], e["traceback"]) for e in errors] == [("RunInterrupted", ["\x1b[31mstopped by you\x1b[0m"])]
    notebook.wait(NEXT)
    assert notebook.text(NEXT) == ""
    assert not notebook.page_errors


def test_reloaded_page_gets_its_widget_back(notebook: Notebook) -> None:
    """A page loaded anew in mid-run shows the widget in its present state, and presses still arrive."""
    notebook.start(BLOCK)
    count = button(notebook, "count")
    expect(count).to_have_text("0", timeout=20_000)
    notebook.press(count)
    expect(count).to_have_text("1")
    notebook.save()
    notebook.reload()
    expect(count).to_have_text("1", timeout=20_000)
    notebook.press(count)
    expect(count).to_have_text("2")
    notebook.wait_for_kernel("busy")
    notebook.press(button(notebook, "stop"))
    notebook.wait_for_kernel("idle")
    notebook.run(NEXT)
    assert notebook.text(NEXT) == "next 2\n"
    assert not notebook.page_errors
