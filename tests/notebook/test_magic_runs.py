"""`%%conduct` and `conduct()` in a real kernel, against a scripted server on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.floor import WHICH_STORE, Floor, done, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools


class Stage:
    """A kernel with the extension loaded, and a server whose floor each test sets.

    Attributes:
        session: the kernel.
        floor: what the server plays.
        workspace: the folder that workers may touch.
        home: the data folder of the kernel.
    """

    def __init__(self, workspace: Path, home: Path) -> None:
        self.session: Session
        self.floor = Floor([])
        self.workspace = workspace
        self.home = home

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        return self.floor(body, number)

    def play(self, floor: Floor) -> None:
        """Have the server play this floor from now on."""
        self.floor = floor

    def say(self, code: str) -> str:
        """Run a cell; what it printed."""
        return self.session.run(code, seconds=60).strip()

    def runs(self) -> int:
        """How many run folders there are."""
        folder = self.home / "runs"
        return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One kernel for all tests here; a run that a test leaves behind would fail the next."""
    workspace, home = tmp_path_factory.mktemp("workspace"), tmp_path_factory.mktemp("data")
    made = Stage(workspace, home)
    with MessagesServer(made) as server:
        env = {"ANTHROPIC_BASE_URL": server.url, "CONDUCTOR_HOME": str(home), "ANTHROPIC_API_KEY": ""}
        with started(kernel(env=env)) as session:
            made.session = session
            made.say(f"import os; os.chdir({str(workspace)!r})\n%load_ext conductor_magic")
            yield made


def simple(**options: Any) -> Floor:
    """One task, done at once."""
    return Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], **options)


def slow_then(at_work: threading.Event) -> Floor:
    """A floor whose only worker takes half a minute."""

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        at_work.set()
        return text("late", first_seconds=30.0)

    return Floor([lay_out({"a": ()}), text("Under way.")], worker)


def test_a_cell_binds_its_result_and_gives_it(stage: Stage) -> None:
    """NAME and `_` are the result; the goal's expressions are filled in, other braces stay."""
    floor = simple()
    stage.play(floor)
    stage.say("rows = 344")
    stage.say('%%conduct report -q\nCount {rows + 1} rows, {{literal}}, {"json": 1}.')
    assert stage.say("print(report.status, report.answer, _ is report)") == "completed The answer. True"
    goal = floor.conductor_requests[0]["messages"][0]["content"]
    assert 'Count 345 rows, {literal}, {"json": 1}.' in json.dumps(goal).replace('\\\\"', '"').replace('\\"', '"')


def test_quiet_shows_nothing(stage: Stage) -> None:
    """With -q the cell's outputs are its value alone: no widget, no static copy."""
    stage.play(simple())
    before = len(stage.session.seen)
    stage.say("%%conduct -q\nGo.")
    shown = [message for message in stage.session.seen[before:] if message["msg_type"] == "display_data"]
    assert shown == []


def test_background_gives_a_run_at_once(stage: Stage) -> None:
    """-b returns a Run while workers are at it; state, wait with a time-out, cancel and wait work on it."""
    at_work = threading.Event()
    stage.play(slow_then(at_work))
    began = time.monotonic()
    stage.say("%%conduct job -b -q\nGo.")
    assert time.monotonic() - began < 10
    assert stage.say("print(type(job).__name__, job.state.status)") == "Run running"
    assert at_work.wait(20)
    assert (
        stage.say("try:\n    job.wait(0.05)\nexcept TimeoutError as error:\n    print('still', job.id in str(error))")
        == "still True"
    )
    assert stage.say("job.cancel(); print(job.wait(5).status)") == "cancelled"


def test_conduct_can_be_awaited(stage: Stage) -> None:
    """`await conduct(...)` in a cell gives the result."""
    stage.play(simple())
    stage.say("from conductor_magic import conduct")
    assert stage.say("r = await conduct('Go.', quiet=True)\nprint(r.status, len(r.tasks))") == "completed 1"


def test_timeout_in_a_cell(stage: Stage) -> None:
    """--timeout ends the run; the cell returns normally."""
    stage.play(slow_then(threading.Event()))
    stage.say("%%conduct out --timeout 1.5 -q\nGo.")
    assert stage.say("print(out.status, out.seconds < 4, 'time limit' in out.reason)") == "failed True True"


def test_budget_in_a_cell(stage: Stage) -> None:
    """--budget caps what is spent."""

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        call = {"type": "tool_use", "id": f"t{turn}", "name": "Glob", "input": {"pattern": "*"}}
        return Answer(blocks=(call,), usage={"input_tokens": 500, "output_tokens": body["max_tokens"]})

    stage.play(Floor([lay_out({"a": (), "b": ()}), text("Under way."), text("Out of money.")], worker))
    stage.say("%%conduct out --budget 0.2 --tier conductor=claude-haiku-5-5 -q\nGo.")
    assert stage.say("print(out.status, 0 < out.usage.total.usd <= 0.2, 'budget' in out.reason)") == "failed True True"


def test_returns_in_a_cell(stage: Stage) -> None:
    """--returns validates the answer into value, with one repair round."""
    conductor = [lay_out({"a": ()}), text("Under way."), text("Ada."), text("{}"), text('{"name": "Ada"}')]
    stage.play(Floor(conductor))
    stage.say("from pydantic import BaseModel\nclass Winner(BaseModel):\n    name: str")
    stage.say("%%conduct out --returns Winner -q\nGo.")
    assert stage.say("print(out.status, out.value == Winner(name='Ada'))") == "completed True"


def test_answers_in_a_cell(stage: Stage) -> None:
    """--answers names a dict that answers questions."""
    stage.play(
        Floor([tools(("AskUserQuestion", {"questions": [WHICH_STORE]})), lay_out({"a": ()}), text("Under way.")])
    )
    stage.say("replies = {'Which store?': 'Redis'}")
    stage.say("%%conduct out --answers replies -q\nGo.")
    assert (
        stage.say("print(out.questions[0].answers, out.questions[0].answered_by)")
        == "{'Which store?': 'Redis'} answers"
    )


def test_use_puts_the_variable_into_the_workers_kernel(stage: Stage) -> None:
    """A worker's Python sees the variable by name; the frame that it publishes is in the result."""

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            return tools(("Python", {"code": "publish('twice', sales * 2)\nprint(int(sales['n'].sum()))"}))
        return text(json.dumps(body["messages"][-1]) + "\nSTATUS: done")

    stage.play(simple(worker=worker))
    stage.say("import pandas as pd\nsales = pd.DataFrame({'n': [1, 2, 39]})")
    stage.say("%%conduct out --use sales -q\nGo.")
    assert "42" in stage.say("print(out['1'].output)")
    assert stage.say("print(out.artifacts['twice'].value.equals(sales * 2))") == "True"
    assert "| n" not in json.dumps(stage.floor.conductor_requests) and "3 rows" in json.dumps(
        stage.floor.conductor_requests
    )


def test_a_second_writing_run_in_a_workspace_is_refused(stage: Stage) -> None:
    """One line names the run that works there; no folder is made for the second."""
    at_work = threading.Event()
    stage.play(slow_then(at_work))
    stage.say("%%conduct first -b -q\nGo.")
    assert at_work.wait(20)
    before = stage.runs()
    stage.session.run("%%conduct second -q\nGo.", seconds=20)
    assert stage.runs() == before
    assert stage.say("print('second' in globals())") == "False"
    assert stage.say("first.cancel(); print(first.wait(5).status)") == "cancelled"


def test_an_interrupt_binds_a_cancelled_result_and_leaves_no_process(stage: Stage) -> None:
    """SIGINT ends the cell within 2 s; NAME holds the result; no child of the kernel is left."""
    at_work = threading.Event()

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            at_work.set()
            commands = {
                "a": ("Bash", {"command": "setsid -f sleep 60; sleep 60"}),
                "b": ("Python", {"code": "import time; time.sleep(60)"}),
            }
            return tools(commands[task])
        return done(task, turn, body)

    stage.play(Floor([lay_out({"a": (), "b": ()}), text("Under way.")], worker))
    pid = int(stage.say("import os; print(os.getpid())"))
    request = stage.session.client.execute("%%conduct stopped -q\nGo.")
    assert at_work.wait(30)
    _wait_for(lambda: any("sleep" in line for line in _descendants(pid)), "the workers' commands to start")
    began = time.monotonic()
    os.kill(pid, signal.SIGINT)
    stage.session.until_idle(request, 10)
    assert time.monotonic() - began < 2.0
    assert stage.say("print(stopped.status)") == "cancelled"
    left = [line for line in _descendants(pid) if "sleep" in line or "bwrap" in line or "ipykernel_launcher" in line]
    assert left == []


def _wait_for(holds: Any, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def _descendants(pid: int) -> list[str]:
    """Command lines of all processes below `pid`, and of any that was started in our workspace and lost its parent."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()[1:]]
    below, grown = {str(pid)}, True
    while grown:
        grown = False
        for child, parent, *_ in rows:
            if parent in below and child not in below:
                below.add(child)
                grown = True
    return [row[2] for row in rows if row[0] in below and row[0] != str(pid) and len(row) > 2]
