"""A hundred faults of the API, played by a real server against whole runs: to workers, and to the conductor.

Each is taken as the table says, no tool runs from a broken reply, nothing is left uncaught, and every run ends with a
status and a plain reason.
"""

from __future__ import annotations

import gc
import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import ToolStarted
from conductor_magic.result import ConductResult
from tests.faults.api_table import Calls, Fault, table
from tests.shell.conftest import Play, begin, play  # noqa: F401 - fixtures
from tests.support.floor import create, done, launch, lay_out
from tests.support.messages_server import Answer, events, text, tools
from tests.support.quick import impatient, quick_limiter

Json = dict[str, Any]
SEED = 5
FAULTS = table(SEED)
BENIGN = [fault for fault in FAULTS if fault.ends in ("retried", "goes on")]
FATAL = [fault for fault in FAULTS if fault not in BENIGN]
BROKEN = "from-a-broken-reply"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short; the rules are the usual ones."""
    quick_limiter(monkeypatch, SEED)


@pytest.fixture(autouse=True, scope="module")
def nothing_uncaught() -> Iterator[None]:
    """No error is logged in any of these runs, neither by us nor by the event loop about what nobody looked at."""
    told: list[logging.LogRecord] = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = told.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(listener)
    yield
    gc.collect()
    logging.getLogger().removeHandler(listener)
    assert [record.getMessage() for record in told if record.levelno >= logging.ERROR or record.exc_info] == []


class Server:
    """A conductor and workers that meet faults.

    Args:
        conductor: what it gets at each of its turns: faults, and then what is sent until it has come through.
        faults: what the worker of a task gets before it reports.

    Attributes:
        requests: bodies by who asked: a task's name, or `conductor`.
    """

    def __init__(self, conductor: list[tuple[Answer, ...]], faults: dict[str, tuple[Answer, ...]]) -> None:
        self.requests: dict[str, list[Json]] = {}
        self._conductor = conductor
        self._turns: list[tuple[int, int]] = []
        self._faults = faults
        self._lock = threading.Lock()

    def __call__(self, body: Json, number: int) -> Answer:
        with self._lock:
            conducts = any(tool["name"] == "TaskCreate" for tool in body["tools"])
            who = "conductor" if conducts else _task(body)
            seen = self.requests.setdefault(who, [])
            seen.append(body)
            if conducts:
                return self._conducts(len(body["messages"]))
            faults = self._faults.get(who, ())
            return faults[len(seen) - 1] if len(seen) <= len(faults) else done(who, len(seen), body)

    def _conducts(self, messages: int) -> Answer:
        """A longer conversation than before is a turn further."""
        if not self._turns or self._turns[-1][0] != messages:
            self._turns.append((messages, 0))
        tries = self._turns[-1][1]
        self._turns[-1] = (messages, tries + 1)
        turn = len(self._turns) - 1
        answers = self._conductor[turn] if turn < len(self._conductor) else (text("All done."),)
        return answers[min(tries, len(answers) - 1)]


def _task(body: Json) -> str:
    return json.dumps(body["messages"][0]).partition("TASK:\\n")[2].partition("\\n")[0].partition('"')[0]


def _for_worker(name: str) -> Calls:
    return ("Write", {"file_path": f"{BROKEN}-{name}.txt", "content": "x" * 60}), ("Glob", {"pattern": f"{BROKEN}*"})


FOR_CONDUCTOR: Calls = (create("z", subject=BROKEN), launch("z"))


def _no_tool_ran(result: ConductResult, workspace: Path) -> None:
    assert not list(workspace.glob(f"{BROKEN}*"))
    started = [record.event for record in result.events if isinstance(record.event, ToolStarted)]
    assert [event.name for event in started if BROKEN in json.dumps(event.input)] == []
    assert BROKEN not in [task.subject for task in result]


def _is_plain(reason: str) -> bool:
    return bool(reason) and "Traceback" not in reason and "\n  File" not in reason


def test_faults_to_workers(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """A worker for each fault, eight at once: it alone is hit, as the table says."""
    faults = {f"f{n}": fault for n, fault in enumerate(FAULTS) if fault.ends != "locked out"}
    server = Server(
        [(lay_out(dict.fromkeys(faults, ())),), (text("Under way."),)],
        {name: fault.make(_for_worker(name)) for name, fault in faults.items()},
    )
    result = play(server, connector=impatient, budget=None)
    assert result.status == "partial" and _is_plain(result.reason)
    wrong: list[str] = []
    for task, (name, fault) in zip(result, faults.items(), strict=True):
        asked = server.requests[name]
        outcomes = [attempt.outcome for attempt in task.attempts]
        answers = len(fault.make(_for_worker(name)))
        match fault.ends:
            case "retried" | "stood in":
                good = outcomes == ["completed"] and len(asked) > answers
                good = good and len({json.dumps(body["messages"]) for body in asked}) == 1
            case "goes on":
                good = outcomes == ["completed"] and len(asked) == answers + 1
            case "fails":
                good = outcomes == ["failed"] and len(asked) == 1
            case "refused":
                good = outcomes == ["refused"] and len(asked) == 1
            case _:
                good = len({json.dumps(body["messages"]) for body in asked}) == len(asked)
        if not good or (task.status != "completed" and not _is_plain(task.error or "")):
            wrong.append(f"{fault.name}: {task.status}, {outcomes}, {len(asked)} requests, {task.error}")
    assert wrong == []
    _no_tool_ran(result, tmp_path / "workspace")


def test_faults_to_the_conductor(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """All that can be lived with, one after the other in one run: each turn is done once, and the graph is whole."""
    turns: list[tuple[Answer, ...]] = []
    for n, fault in enumerate(BENIGN):
        faults, good = fault.make(FOR_CONDUCTOR), tools(create(f"t{n}"), launch(f"t{n}"), prefix=f"good{n}")
        turns += [faults, (good,)] if fault.ends == "goes on" else [(*faults, good)]
    server = Server([*turns, (text("Under way."),), (text("The end."),)], {})
    result = play(server, connector=impatient, budget=None)
    assert (result.status, result.answer) == ("completed", "The end."), result.reason
    assert [task.subject for task in result] == [f"Task t{n}" for n in range(len(BENIGN))]
    assert [len(task.attempts) for task in result] == [1] * len(BENIGN)
    _no_tool_ran(result, tmp_path / "workspace")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.ends == "locked out"], ids=lambda f: f.name)
def test_faults_that_lock_a_worker_out(play: Play, fault: Fault, tmp_path: Path) -> None:  # noqa: F811
    """One refused request, and the run has ended with what to do."""
    server = Server([(lay_out({"a": ()}),), (text("Under way."),)], {"a": fault.make(_for_worker("a"))})
    result = play(server, connector=impatient)
    assert (result.status, len(server.requests["a"])) == ("failed", 1)
    assert _is_plain(result.reason) and "%conduct resume" in result.reason
    _no_tool_ran(result, tmp_path / "workspace")


def _sampled(faults: list[Fault]) -> list[Any]:
    return [
        pytest.param(fault, id=fault.name, marks=() if n % 5 == 0 else pytest.mark.slow)
        for n, fault in enumerate(faults)
    ]


@pytest.mark.parametrize("fault", _sampled(FATAL))
def test_faults_that_end_the_conductor(play: Play, fault: Fault, tmp_path: Path) -> None:  # noqa: F811
    """Nothing is sent twice, nothing of the reply is done, and the run says why it ended; or it goes on."""
    server = Server([(*fault.make(FOR_CONDUCTOR), lay_out({"a": ()})), (text("Under way."),)], {})
    result = play(server, connector=impatient)
    asked = [json.dumps([body["messages"], body["model"]]) for body in server.requests["conductor"]]
    assert len(set(asked)) == len(asked)
    if fault.ends == "stood in":
        assert result.status == "completed"
    elif fault.ends != "too long":
        assert (result.status, len(asked)) == ("failed", 1)
    assert result.status == "completed" or _is_plain(result.reason)
    _no_tool_ran(result, tmp_path / "workspace")


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name, marks=pytest.mark.slow) for fault in BENIGN])
@pytest.mark.parametrize("to", ["worker", "conductor"])
def test_each_fault_in_a_run_of_its_own(play: Play, fault: Fault, to: str, tmp_path: Path) -> None:  # noqa: F811
    """The same faults, each alone: nothing that a crowd hides."""
    conductor = [(lay_out({"a": ()}),), (text("Under way."),), (text("The end."),)]
    if to == "conductor" and fault.ends == "goes on":
        server = Server([fault.make(FOR_CONDUCTOR), *conductor], {})
    elif to == "conductor":
        server = Server([(*fault.make(FOR_CONDUCTOR), *conductor[0]), *conductor[1:]], {})
    else:
        server = Server(conductor, {"a": fault.make(_for_worker("a"))})
    result = play(server, connector=impatient)
    assert (result.status, result.answer) == ("completed", "The end."), result.reason
    assert [len(task.attempts) for task in result] == [1]
    _no_tool_ran(result, tmp_path / "workspace")


THREE: Calls = (
    ("Write", {"file_path": f"{BROKEN}.txt", "content": "x" * 40}),
    ("Bash", {"command": f"touch {BROKEN}"}),
    ("Glob", {"pattern": f"{BROKEN}*"}),
)
STREAM = b"".join(events(tools(*THREE, words="Now.")))


@pytest.mark.parametrize(
    ("step", "then"),
    [(61, "eof"), *(pytest.param(1, then, marks=pytest.mark.slow) for then in ("eof", "cut", "rst"))],
)
def test_a_cut_at_every_byte(play: Play, tmp_path: Path, step: int, then: Any) -> None:  # noqa: F811
    """A reply with three tool calls, cut at every byte: five cuts, then a good turn, again and again. No tool runs."""
    cuts = [Answer(raw=STREAM[:size], then=then) for size in range(0, len(STREAM) - 1, step)]
    turns = [cuts[first : first + 5] for first in range(0, len(cuts), 5)]
    tasks = {f"c{first}": turns[first : first + 40] for first in range(0, len(turns), 40)}
    tries: Counter[tuple[str, int]] = Counter()
    conductor = iter([lay_out(dict.fromkeys(tasks, ())), text("Under way."), text("The end.")])

    def server(body: Json, number: int) -> Answer:
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return next(conductor)
        # By how far the conversation has come, so that a good turn that is lost is given again.
        who, turn = _task(body), sum(message["role"] == "assistant" for message in body["messages"])
        if turn == len(tasks[who]):
            return done(who, turn, body)
        tries[who, turn] += 1
        if tries[who, turn] <= len(tasks[who][turn]):
            return tasks[who][turn][tries[who, turn] - 1]
        # Something new each time, as a worker that gets somewhere does.
        return tools(("Write", {"file_path": f"{who}-{turn}.md", "content": f"{turn}"}), prefix=f"good{turn}")

    result = play(server, connector=impatient, budget=None)
    assert (result.status, [len(task.attempts) for task in result]) == ("completed", [1] * len(tasks)), result.reason
    failed = sum(record.event.kind == "request.failed" for record in result.events)
    started = [record.event for record in result.events if isinstance(record.event, ToolStarted)]
    assert failed >= len(cuts)
    assert sum(event.by != "conductor" for event in started) == len(turns)
    _no_tool_ran(result, tmp_path / "workspace")
    print(f"{len(cuts)} cuts ({then}): {failed} failed attempts, no tool ran from one")
