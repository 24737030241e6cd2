"""A scripted trading floor: what the conductor says in order, and what a worker says to its task.

`Floor` is a handler for `MessagesServer` (real HTTP, real SDK). It keeps what went over the wire, so that tests count
requests and look into them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.messages_server import Answer, text, tools

__all__ = ["WHICH_STORE", "Floor", "create", "launch", "lay_out", "task_text"]

Json = dict[str, Any]
WorkerScript = Callable[[str, int, Json], Answer]
WHICH_STORE: Json = {
    "question": "Which store?",
    "header": "Store",
    "options": [
        {"label": "Redis", "description": "faster, and one more to run"},
        {"label": "Postgres (Recommended)", "description": "one store less to run"},
    ],
}
"""A question of the conductor's with a recommended answer."""


def task_text(body: Json) -> str:
    """What stands after `TASK:` in a worker's prompt, first line."""
    content = next(message["content"] for message in body["messages"] if message["role"] == "user")
    said = content if isinstance(content, str) else content[0]["text"]
    return said.partition("TASK:\n")[2].partition("\n")[0]


def done(task: str, turn: int, body: Json) -> Answer:
    """A worker that reports at once."""
    return text(f"Did {task}.\nSTATUS: done")


class Floor:
    """Answers conductor requests in order and worker requests by a function.

    Args:
        conductor: its answers; when they run out it says "All done."
        worker: `(task, turn, body) -> Answer`; `task` is the first line of its task, `turn` counts from 1.
    """

    def __init__(self, conductor: Iterable[Answer], worker: WorkerScript = done) -> None:
        self._conductor = iter(conductor)
        self._worker = worker
        self._lock = threading.Lock()
        self.conductor_requests: list[Json] = []
        self.worker_requests: list[Json] = []
        self.order: list[str] = []

    def __call__(self, body: Json, number: int) -> Answer:
        with self._lock:
            if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
                self.conductor_requests.append(body)
                self.order.append("conductor")
                return next(self._conductor, text("All done."))
            self.worker_requests.append(body)
            self.order.append(f"worker {task_text(body)}")
            turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
        return self._worker(task_text(body), turn, body)


def create(key: str, *blocked_by: str, **fields: Any) -> tuple[str, Json]:
    """A TaskCreate call."""
    return "TaskCreate", {
        "subject": f"Task {key}",
        "description": f"Do {key}.",
        "key": key,
        "blockedBy": list(blocked_by),
        **fields,
    }


def launch(key: str, **fields: Any) -> tuple[str, Json]:
    """A Task call for it; the worker's task text is the key."""
    return "Task", {"description": f"work on {key}", "prompt": key, "taskId": key, "model": "haiku", **fields}


def lay_out(graph: dict[str, tuple[str, ...]], model: str = "haiku", **options: Any) -> Answer:
    """One turn that creates and launches a whole graph on one tier."""
    calls = [create(key, *blockers) for key, blockers in graph.items()]
    calls += [launch(key, model=model) for key in graph]
    return tools(*calls, **options)
