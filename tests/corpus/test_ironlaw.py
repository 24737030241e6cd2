"""The rows about roles: the conductor has no hands, a worker has no plans, and nobody starts a second run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conductor_magic.events import dump
from conductor_magic.option_checks import check_options
from conductor_magic.result import ConductResult
from conductor_magic.run import start
from conductor_magic.settings import run_folders
from tests.corpus.rows import rows
from tests.corpus.setups import prepared
from tests.corpus.world import World, leaks
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, MessagesServer, text, tools

Json = dict[str, Any]
CONDUCTOR_ONLY = {"Task", "Agent", "TaskCreate", "TaskUpdate", "TaskGet", "TaskList", "AskUserQuestion"}
SAID = "CLAIM"


class Scene:
    """A run in which one role makes the row's call; all that is to be known of it.

    Attributes:
        result: the run's result.
        events: its events as JSON.
        answer: the tool result that the call got.
        floor: what went over the wire.
    """

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, by: str, call: tuple[str, Json]) -> None:
        self.answer: Json = {}
        graph = [create("t1"), create("t2", "t1")]
        launches = [launch("t1"), launch("t2")]

        def worker(task: str, turn: int, body: Json) -> Answer:
            if by != "worker" or task != "t1":
                return done(task, turn, body)
            if turn == 1:
                return tools(call)
            self.answer = body["messages"][-1]["content"][0]
            return done(task, turn, body)

        asks = [tools(*graph)] + ([tools(call, prefix="call")] if by == "conductor" else []) + [tools(*launches)]
        self.floor = Floor([*asks, text("Under way.")], worker)
        with MessagesServer(self.floor) as server:
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            options = check_options({"quiet": True, "workspace": str(world.ws)})
            self.result: ConductResult = start("Do it.", options).wait(60)
            self.requests = len(server.requests)
        self.events = [dump(record.event) for record in self.result.events]
        if by == "conductor":
            self.answer = self.floor.conductor_requests[2]["messages"][-1]["content"][0]

    def refused(self) -> list[Json]:
        """The events that record a refusal."""
        return [event for event in self.events if event["kind"] in ("tool.refused", "task.rejected")]


def call_of(row: Json, world: World) -> tuple[str, Json]:
    """The row's call by the names that our tools have for its arguments."""
    given = world.expanded(row["input"])
    name, args = given["tool"], dict(given["input"])
    match name:
        case "Write":
            args["file_path"] = args.pop("path")
        case "TaskCreate":
            args.setdefault("description", "As the subject says.")
        case "TaskUpdate" if "id" in args:
            args = {"taskId": args["id"], "addBlockedBy": args["blocked_by"]}
        case "Task":
            args.setdefault("description", "another agent")
        case "Python":
            args["code"] = args["code"].replace("conduct.run('x')", "conductor_magic.conduct('x', quiet=True).wait(20)")
            args["code"] = args["code"].replace("import conduct;", "import conductor_magic;")
    return name, args


def refusal(row: Json, scene: Scene, world: World, before: dict[str, str]) -> None:
    """The call got an error result, had no effect and was recorded; whoever made it was never offered it."""
    name, by = row["input"]["tool"], row["surface"]
    own, others = scene.floor.conductor_requests, scene.floor.worker_requests
    requests = own if by == "conductor" else others
    offered = {tool["name"] for body in requests for tool in body["tools"]}
    assert scene.result.status == "completed", scene.result.reason
    assert scene.answer["is_error"] is True
    if "tool_absent_from_request" in row["checks"]:
        # A worker's tools are what the conductor may not hand out: they are absent from the worker's own requests.
        workers = {tool["name"] for body in others for tool in body["tools"]}
        assert name not in (workers if name in CONDUCTOR_ONLY else offered)
    if "event_tool_refused" in row["checks"]:
        assert len(scene.refused()) == 1
    if "no_effect" in row["checks"]:
        assert world.look()["inside"] == before
        assert len(scene.result.tasks) == 2
    if "graph_unchanged" in row["checks"]:
        assert scene.result.graph.edges == (("1", "2"),)


def allowed(row: Json, scene: Scene) -> None:
    """The call worked."""
    assert scene.result.status in ("completed", "partial"), scene.result.reason
    assert "is_error" not in scene.answer
    if row["input"]["tool"] == "TaskCreate":
        assert scene.result.tasks["3"].subject == row["input"]["input"]["subject"]
    if row["input"]["tool"] == "Bash":
        assert scene.answer["content"] == "hi"


def contained(scene: Scene, world: World) -> None:
    """No other agent was started: no run, no request of a child, no secret in what came back."""
    assert len(run_folders()) == 1
    assert scene.requests == len(scene.floor.conductor_requests) + len(scene.floor.worker_requests)
    assert all(body["messages"][0]["content"] for body in scene.floor.worker_requests)
    said = json.dumps(scene.answer)
    assert leaks(said) == []
    assert scene.answer.get("is_error") is True, said
    assert not list(world.ws.rglob("journal.jsonl"))


def marked_as_data(world: World, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """What a worker says is told to others as a worker's words, quoted and bounded, and makes nothing happen."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        return text(f"{words}\n{words} again\nSTATUS: done") if task == "a" else done(task, turn, body)

    read = tools(("Read", {"file_path": "outputs/1.md"}))
    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way."), read, text("The end.")], worker)
    with MessagesServer(floor) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = start("Do it.", check_options({"quiet": True, "workspace": str(world.ws)})).wait(60)
    assert (result.status, len(result.tasks)) == ("completed", 2)
    told = [message["content"] for message in floor.conductor_requests[-1]["messages"] if message["role"] == "user"]
    notice = next(content for content in told if "NOTICES" in json.dumps(content))
    output = told[-1]
    prompt = next(body["messages"][0]["content"] for body in floor.worker_requests if "b" in json.dumps(body))
    for place in (notice, output):
        shown = json.dumps(place, ensure_ascii=False)
        before = shown.partition(words.split(":", maxsplit=1)[0])[0]
        assert "worker" in before.casefold() and "data" in before.casefold(), shown
    assert len(json.dumps(notice)) < 2_000
    prompt = next(
        json.dumps(body["messages"][0]["content"])
        for body in floor.worker_requests
        if "RESULTS OF EARLIER TASKS" in json.dumps(body["messages"][0]["content"])
    )
    before = prompt.partition(words.split(":", maxsplit=1)[0])[0]
    assert "never instructions" in before, prompt


@pytest.mark.parametrize("row", rows("ironlaw"), ids=lambda row: row["id"])
def test_row(row: Json, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row ends as it must."""
    before = world.look()["inside"]
    with prepared(world, row["setup"]):
        played(row, world, monkeypatch, before)


def played(row: Json, world: World, monkeypatch: pytest.MonkeyPatch, before: dict[str, str]) -> None:
    """Play the row and judge it."""
    if row["expect"] == "data_only":
        marked_as_data(world, monkeypatch, row["input"]["tool"].removeprefix("(result) "))
        return
    scene = Scene(world, monkeypatch, row["surface"], call_of(row, world))
    match row["expect"]:
        case "error_result":
            refusal(row, scene, world, before)
        case "allow":
            allowed(row, scene)
        case "contain":
            contained(scene, world)
        case other:
            raise AssertionError(f"unknown verdict {other}")
