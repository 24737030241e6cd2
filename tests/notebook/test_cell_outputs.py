"""What a `%%conduct` cell puts under itself in a real kernel: board, static copy and value, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.floor import Floor, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text

WIDGET = "application/vnd.jupyter.widget-view+json"

SETUP = """
import os, sys
os.chdir({workspace!r})
%load_ext conductor_magic

order = []

class Watch:
    "Notes when the SDK begins to be imported; finds nothing itself."
    def find_spec(self, name, path=None, target=None):
        if name == "anthropic":
            order.append("SDK")

sys.meta_path.insert(0, Watch())
get_ipython().display_pub.register_hook(lambda message: order.append(message["msg_type"]) or message)
"""


class Notebook:
    """A kernel whose provider is a server that plays the floor of each test."""

    def __init__(self) -> None:
        self.session: Session
        self.floor = Floor([])

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        return self.floor(body, number)

    def outputs(self, code: str) -> list[dict[str, Any]]:
        """What the cell displayed, updated and gave, in order."""
        request = self.session.client.execute(code)
        self.session.until_idle(request, 60)
        kinds = ("display_data", "update_display_data", "execute_result", "error")
        mine = [message for message in self.session.seen if message["parent_header"].get("msg_id") == request]
        return [message for message in mine if message["msg_type"] in kinds]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One kernel for all tests here."""
    made = Notebook()
    with MessagesServer(made) as server:
        env = {"ANTHROPIC_BASE_URL": server.url, "CONDUCTOR_HOME": str(tmp_path_factory.mktemp("data"))}
        with started(kernel(env=env)) as session:
            made.session = session
            session.run(SETUP.format(workspace=str(tmp_path_factory.mktemp("workspace"))))
            yield made


def simple() -> Floor:
    """One task, done at once."""
    return Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")])


def test_board_and_copy_come_before_the_sdk(notebook: Notebook) -> None:
    """The board is on the screen, and its static copy below it, before the SDK is imported."""
    notebook.floor = simple()
    shown = notebook.outputs("%%conduct report\nGo.")
    assert notebook.session.run("print(order[:3])") == "['display_data', 'display_data', 'SDK']\n"
    board, copy, *updates, value = shown
    assert WIDGET in board["content"]["data"]
    assert set(copy["content"]["data"]) == {"text/html", "text/plain"}
    assert {message["msg_type"] for message in updates} == {"update_display_data"}
    places = {message["content"]["transient"]["display_id"] for message in (copy, *updates)}
    assert len(places) == 1
    assert board["content"]["transient"]["display_id"] not in places
    assert "<summary" in updates[-1]["content"]["data"]["text/html"].partition("The answer.")[0]
    assert "<details" not in value["content"]["data"]["text/html"]
    assert "The answer." in value["content"]["data"]["text/html"]
    assert value["msg_type"] == "execute_result"


def test_the_static_copy_takes_the_boards_place_when_asked(notebook: Notebook) -> None:
    """With `final_output = "static"` there is one output, and it is the copy when the run has ended."""
    notebook.floor = simple()
    notebook.session.run("%config ConductMagics.final_output = 'static'")
    board, end, value = notebook.outputs("%%conduct report\nGo.")
    notebook.session.run("%config ConductMagics.final_output = 'live'")
    assert end["content"]["transient"] == board["content"]["transient"]
    assert WIDGET not in end["content"]["data"]
    assert "The answer." in end["content"]["data"]["text/html"]
    assert value["msg_type"] == "execute_result"


def test_an_interrupt_is_one_red_line_below_the_last_picture(notebook: Notebook) -> None:
    """The copy shows the cancelled run, the error is one line that says where the result is, and the value is bound."""
    at_work = threading.Event()

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        at_work.set()
        return text("late", first_seconds=30.0)

    notebook.floor = Floor([lay_out({"a": ()}), text("Under way.")], worker)
    request = notebook.session.client.execute("%%conduct stopped\nGo.")
    assert at_work.wait(30)
    notebook.session.manager.interrupt_kernel()
    notebook.session.until_idle(request, 10)
    mine = [message for message in notebook.session.seen if message["parent_header"].get("msg_id") == request]
    (error,) = [message["content"] for message in mine if message["msg_type"] == "error"]
    assert len(error["traceback"]) == 1
    assert "stopped holds what was done" in error["evalue"]
    pictures = [message["content"]["data"] for message in mine if message["msg_type"] == "update_display_data"]
    assert "Cancelled" in pictures[-1]["text/plain"]
    assert notebook.session.run("print(stopped.status)") == "cancelled\n"


def test_the_result_is_bound_before_the_last_picture_is_drawn(notebook: Notebook) -> None:
    """A picture that takes long or fails keeps nothing from the person."""
    notebook.floor = simple()
    notebook.session.run(
        "bound = []\n"
        "def look(message):\n"
        "    if message['msg_type'] == 'update_display_data' and 'Completed' in str(message['content']):\n"
        "        bound.append('early' in get_ipython().user_ns)\n"
        "    return message\n"
        "get_ipython().display_pub.register_hook(look)"
    )
    notebook.outputs("%%conduct early\nGo.")
    notebook.session.run("get_ipython().display_pub.unregister_hook(look)")
    assert notebook.session.run("print(bound[-1], early.status)") == "True completed\n"


def test_an_interrupt_at_the_very_end_loses_nothing(notebook: Notebook) -> None:
    """Stop pressed while the last picture is drawn: the finished result is bound, and the one line says so."""
    notebook.floor = simple()
    notebook.session.run(
        "import signal\n"
        "def press(message):\n"
        "    if 'Completed' in str(message['content']):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    return message\n"
        "get_ipython().display_pub.register_hook(press)"
    )
    shown = notebook.outputs("%%conduct late\nGo.")
    notebook.session.run("get_ipython().display_pub.unregister_hook(press)")
    assert [message["content"]["ename"] for message in shown if message["msg_type"] == "error"] == ["RunInterrupted"]
    assert "had ended already, completed. late holds what was done" in shown[-1]["content"]["evalue"]
    assert notebook.session.run("print(late.status, late.answer)") == "completed The answer.\n"


def test_an_interrupt_before_the_run_is_one_line_and_leaves_nothing(notebook: Notebook) -> None:
    """Stop pressed while the run is prepared: no traceback, no folder, NAME stays what it was."""
    notebook.session.run(
        "early = 'untouched'\n"
        "class Pressed:\n"
        "    def __reduce__(self):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        return object, ()\n"
        "pressed = Pressed()\n"
        "folders = lambda: len(os.listdir(os.environ['CONDUCTOR_HOME'] + '/runs'))\n"
        "import signal; before = folders()"
    )
    (error,) = notebook.outputs("%%conduct early --use pressed\nGo.")
    assert len(error["content"]["traceback"]) == 1
    assert "Stopped before the run began" in error["content"]["evalue"]
    assert notebook.session.run("print(early, folders() == before)") == "untouched True\n"


def test_runs_and_show(notebook: Notebook) -> None:
    """`runs` lists what was recorded, also what cannot be read; `show` gives the result as the line's value."""
    notebook.floor = simple()
    notebook.outputs("%%conduct report -q\nAdd\nit {1 + 1} up.")
    notebook.session.run(
        "from pathlib import Path\n"
        "broken = Path(report.path).with_name('20200101-000000-broken')\n"
        "broken.mkdir(); (broken / 'journal.jsonl').write_text('no record\\n\\n')"
    )
    printed = notebook.session.run("%conduct runs")
    head, *rows = printed.splitlines()
    assert head.split() == ["run", "age", "status", "cost", "size", "goal"]
    assert "unreadable" in rows[0] and "20200101-000000-broken" in rows[0]
    assert "completed" in rows[-1] and rows[-1].endswith("Add it 2 up.")
    (shown,) = notebook.outputs("%conduct show last")
    assert shown["msg_type"] == "execute_result"
    assert notebook.session.run("print(_ == report)") == "True\n"
    assert notebook.session.run("%conduct show 20200101").startswith("UsageError: ")


def test_a_background_cell_gives_the_run(notebook: Notebook) -> None:
    """With -b NAME and the cell's value are the Run, whose board is the cell's one output."""
    notebook.floor = simple()
    (board,) = notebook.outputs("%%conduct job -b\nGo.")
    assert WIDGET in board["content"]["data"]
    assert notebook.session.run("print(type(job).__name__, _ is job, job.wait(20).status)") == "Run True completed\n"
