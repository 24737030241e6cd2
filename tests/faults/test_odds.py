"""Three of ten requests fail, at random: twenty tasks that wait for each other come out as if nothing had happened."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conductor_magic.events import RequestFailed
from conductor_magic.result import ConductResult
from conductor_magic.result_parts import TaskResult
from tests.shell.conftest import Begin, begin  # noqa: F401 - a fixture
from tests.support.floor import create, done, launch, task_text
from tests.support.messages_server import Answer, error, events, text, tools
from tests.support.quick import impatient, quick_limiter

Json = dict[str, Any]
TASKS = 20
GRAPH = {f"t{n}": tuple(f"t{before}" for before in range(max(1, n - 6), n - 3)) for n in range(1, TASKS + 1)}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PUBLISHED = "t7"
"""The task that publishes something from a kernel of its own."""

CODE = "publish('seven', {'n': 7})"
BUSY = (error(429, "rate_limit_error", retry_after="0.01"), error(529, "overloaded_error"), error(500, "api_error"))


class Floor:
    """Conductor and workers, each answering by what it is shown, so that an answer that got lost is given again.

    Args:
        seed: of the faults; None for a server without any.

    Attributes:
        failed: how often it failed, by how.
        requests: how many there were.
    """

    def __init__(self, seed: int | None) -> None:
        self.failed: Counter[str] = Counter()
        self.requests = 0
        self._chance = None if seed is None else Random(seed)
        self._deck: list[bool] = []
        self._lock = threading.Lock()

    def __call__(self, body: Json, number: int) -> Answer:
        good = self._good(body)
        with self._lock:
            self.requests += 1
            if self._chance is None:
                return good
            if not self._deck:
                self._deck = self._chance.sample([True] * 3 + [False] * 7, 10)
            if not self._deck.pop():
                return good
            kind = self._chance.choice(("busy", "hang up", "cut", "rst", "eof", "stall"))
            share = self._chance.random()
            self.failed[kind] += 1
            busy = self._chance.choice(BUSY)
        if kind == "busy":
            return busy
        if kind == "hang up":
            return Answer(then="hang up hard")
        stream = b"".join(events(good, model=body["model"]))
        return Answer(raw=stream[: int(share * (len(stream) - 2))], then=kind)  # type: ignore[arg-type]

    def _good(self, body: Json) -> Answer:
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return self._conducts(body)
        task, turn = task_text(body), sum(message["role"] == "assistant" for message in body["messages"]) + 1
        if turn == 1:
            return tools(("Write", {"file_path": f"{task}.txt", "content": f"{task}\n"}), prefix=f"{task}w")
        if turn == 2:
            reads = [("Read", {"file_path": f"{before}.txt"}) for before in GRAPH[task]]
            look = [("Glob", {"pattern": f"{task}.txt"})]
            work = [("Python", {"code": CODE})] if task == PUBLISHED else []
            return tools(*reads, *look, *work, prefix=f"{task}r")
        if task == "t3":
            return text('It is three.\n```json\n{"n": 3}\n```\nSTATUS: done')
        return done(task, turn, body)

    def _conducts(self, body: Json) -> Answer:
        asked = body["messages"][-1]["content"]
        if len(body["messages"]) == 1:
            calls = [create(key, *before, **_fields(key)) for key, before in GRAPH.items()]
            return tools(*calls, *(launch(key, model="sonnet") for key in GRAPH))
        if "JSON" in str(asked) and "schema" in str(asked).lower():
            return text('{"n": 20}')
        return text("Under way." if "tool_result" in str(asked) else "All twenty are done.")


def _fields(key: str) -> Json:
    return {"metadata": {"schema": SCHEMA}} if key == "t3" else {}


def _outcome(result: ConductResult, workspace: Path) -> Json:
    """All of a result that must not depend on how often a server had to be asked."""
    return {
        "status": (result.status, result.reason),
        "answer": (result.answer, result.value),
        "edges": sorted(result.graph.edges),
        "tasks": [
            (task.id, task.status, task.output, task.value, _without(task.prompt, workspace), _ends(task))
            for task in result
        ],
        "artifacts": {
            name: (artifact.task, artifact.mime, hashlib.sha256(Path(artifact.path).read_bytes()).hexdigest())
            for name, artifact in result.artifacts.items()
        },
        "files": sorted((Path(file.path).name, file.task, file.action) for file in result.files),
        "workspace": {path.name: path.read_text() for path in sorted(workspace.glob("*.txt"))},
    }


def _without(prompt: str | None, workspace: Path) -> str:
    return str(prompt).replace(str(workspace), "WS")


def _ends(task: TaskResult) -> list[str]:
    return [attempt.outcome for attempt in task.attempts]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Json]:
    """The outcome without faults, once it is known."""
    return {}


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 11))])
def test_three_of_ten_requests_fail(
    begin: Begin,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: dict[str, Json],
    seed: int,
) -> None:
    """The results are those of a run without faults: outputs, values, graph, artifacts, files."""
    quick_limiter(monkeypatch, seed)

    def played(floor: Floor, name: str) -> tuple[Json, ConductResult]:
        workspace = tmp_path / name
        workspace.mkdir()
        result = begin(floor, connector=impatient, workspace=str(workspace), returns=dict[str, int]).wait(120)
        return _outcome(result, workspace), result

    if not outcomes:
        outcomes["whole"], _ = played(Floor(None), "whole")
        assert outcomes["whole"]["status"] == ("completed", "")
        assert len(outcomes["whole"]["workspace"]) == TASKS and outcomes["whole"]["artifacts"]
    floor = Floor(seed)
    outcome, result = played(floor, "faulty")
    assert outcome == outcomes["whole"]
    failed = sum(isinstance(record.event, RequestFailed) for record in result.events)
    assert failed >= sum(floor.failed.values()) >= floor.requests * 0.25
    print(f"seed {seed}: {floor.requests} requests, failed {dict(floor.failed)}; the results are equal")
