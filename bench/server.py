"""A loopback Messages server of known latency, in a process of its own so that its CPU is not counted as the client's.

The conductor's first request is answered with the graph that the goal names; every worker makes one `Read` call and
then reports, or reports at once where the goal asks for one call a task.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.support.floor import create, launch
from tests.support.messages_server import Answer, MessagesServer, text, tools

__all__ = ["GRAPHS", "LATENCY", "graph_of"]

Json = dict[str, Any]
LATENCY = 0.1
"""Seconds from a request to the first byte of its reply."""

# name -> (tasks, shape, calls a task, slots)
GRAPHS: dict[str, tuple[int, str, int, int]] = {
    "independent": (100, "independent", 2, 16),
    "chain": (20, "chain", 1, 16),
    "fan-out": (50, "independent", 1, 50),
}


def graph_of(name: str) -> dict[str, tuple[str, ...]]:
    """Task -> blockers of a named graph."""
    count, shape, _, _ = GRAPHS[name]
    return {f"t{i}": (f"t{i - 1}",) if shape == "chain" and i else () for i in range(count)}


class _Handler:
    def __call__(self, body: Json, number: int) -> Answer:
        if not any(tool["name"] == "TaskCreate" for tool in body.get("tools", ())):
            return self._work(body)
        goal = json.dumps(body["messages"][0])
        name = next(name for name in GRAPHS if f"graph {name}." in goal)
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        if turns:
            return text("Done.")
        graph, calls = graph_of(name), "two calls" if GRAPHS[name][2] == 2 else "one call"
        created = [create(key, *blockers) for key, blockers in graph.items()]
        return tools(*created, *(launch(key, prompt=f"{key}, {calls}") for key in graph))

    def _work(self, body: Json) -> Answer:
        told = json.dumps(body["messages"][0])
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        if "two calls" in told and not turns:
            return tools(("Read", {"file_path": "note.txt"}), first_seconds=LATENCY)
        return text("It says what it says. " * 8, first_seconds=LATENCY)


if __name__ == "__main__":
    with MessagesServer(_Handler()) as server:
        print(server.url, flush=True)
        sys.stdin.read()
