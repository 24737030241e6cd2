"""The rows about replies that come late, broken or not at all: a scripted server plays them against a whole run."""

from __future__ import annotations

import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from conductor_magic.connect import Connection
from conductor_magic.events import RequestFailed, ToolStarted
from conductor_magic.models.anthropic.client import AnthropicModel
from conductor_magic.models.base import Reply, Request
from conductor_magic.option_checks import check_options
from conductor_magic.result import ConductResult
from conductor_magic.run import start
from conductor_magic.state import RunState
from tests.corpus.rows import rows
from tests.corpus.setups import prepared
from tests.corpus.stream_script import TEXT, answer_of, detour_of
from tests.corpus.world import World, leaks
from tests.support.floor import done, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text
from tests.support.quick import PATIENCE, impatient, quick_limiter

Json = dict[str, Any]
OK = f"{TEXT}\nSTATUS: done"


@dataclass
class Script:
    """A row's script, and the requests that it answered.

    Attributes:
        sent: their bodies, those that never arrived left out.
        at: when each of them came, in seconds of a monotonic clock.
    """

    surface: str
    items: list[Any]
    place: int = 0
    sent: list[Json] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    others: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_for(self, conducts: bool, task: str) -> bool:
        """Whether it answers this asker."""
        return conducts if self.surface == "conductor" else task == "row" and not conducts

    def next(self) -> Any:
        """The item that is due, without taking it."""
        return self.items[self.place] if self.place < len(self.items) else "@ok"

    def __call__(self, body: Json, number: int) -> Answer:
        """Answer a request."""
        conducts = any(tool["name"] == "TaskCreate" for tool in body["tools"])
        with self.lock:
            if self.is_for(conducts, task_text(body)):
                self.sent.append(body)
                self.at.append(time.monotonic())
                item, self.place = self.next(), self.place + 1
                if item != "@ok":
                    return answer_of(item, self.place)
                if not conducts:
                    return text(OK)
            if not conducts:
                self.others += 1
                return done("other", 1, body)
        asked = sum(message["role"] == "user" for message in body["messages"])
        return lay_out({"row": (), "other": ()}) if asked == 1 else text(f"The end. {TEXT}")


class Detoured:
    """A model whose requests go astray where the script says so."""

    def __init__(self, model: AnthropicModel, script: Script, ways: Mapping[str, str]) -> None:
        self._model, self._script, self._ways = model, script, ways

    @property
    def client(self) -> Any:
        """The SDK's client."""
        return self._model.client

    async def send(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Send it, or send it astray."""
        body = {"messages": request.messages}
        mine = self._script.is_for(any(tool["name"] == "TaskCreate" for tool in request.tools), task_text(body))
        item = self._script.next() if mine else "@ok"
        way = None if item == "@ok" else detour_of(item)
        if way is None:
            return await self._model.send(request, on_text)
        self._script.place += 1
        astray = AnthropicModel(base_url=self._ways[way], stall_seconds=PATIENCE)
        try:
            return await astray.send(request, on_text)
        finally:
            await astray.aclose()

    async def renew(self) -> None:
        """As the model does."""
        await self._model.renew()

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def harmless(script: Any) -> Any:
    """The script with a command that would only be seen where a row's would do harm if our code were wrong."""
    return json.loads(json.dumps(script).replace("rm -rf build/ca", "touch ran-from-a-cut"))


def play(row: Json, world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[ConductResult, Script, RunState]:
    """Play the row's script to the role that it is for; the other task of the run goes well."""
    # The server's wish is kept to the second where a row has one.
    quick_limiter(monkeypatch, longest_retry_after=600.0)
    script = Script(row["surface"], harmless(world.expanded(row["input"])["script"]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with MessagesServer(script) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        ways = {
            "refuse": f"http://127.0.0.1:{closed}",
            "tls_fail": server.url.replace("http:", "https:"),
            "dns_fail": "http://nowhere.invalid",
        }

        async def connector(*args: Any) -> Connection:
            connection = await impatient(*args)
            return replace(connection, model=Detoured(connection.model, script, ways))  # type: ignore[arg-type]

        options = check_options({"quiet": True, "workspace": str(world.ws), "mode": row["mode"]})
        run = start("Do it.", options, connector=connector)
        return run.wait(120), script, run.state


class Judged:
    """A played row, and the checks by their names.

    Each check is a method; a row names those that it needs.
    """

    def __init__(self, row: Json, world: World, result: ConductResult, script: Script, state: RunState) -> None:
        self.row, self.world, self.result, self.script, self.state = row, world, result, script, state
        self.events = [record.event for record in result.events]
        self.failed = [event for event in self.events if isinstance(event, RequestFailed)]
        self.faulty = sum(item != "@ok" for item in script.items)

    def verdict(self) -> None:
        """The run ended as the row expects, by the choice that we keep."""
        result, task = self.result, next(iter(self.result), None)
        match self.row["expect"]:
            case "retries" | "continues" | "completes" | "error_result" | "retries_bigger":
                assert result.status == "completed", result.reason
                assert task is not None and [attempt.outcome for attempt in task.attempts] == ["completed"]
            case "run_fails":
                assert result.status == "failed" and task is not None and task.status != "completed"
            case "task_fails":
                assert task is not None and task.status == "failed" and result.status == "partial"
            case "compacts":
                assert task is not None and task.status in ("completed", "failed")
            case "asks_again_or_fails" if self.row["surface"] == "conductor":
                assert result.status == "failed" and not result.tasks
            case "asks_again_or_fails":
                assert result.status == "completed"
            case other:
                raise AssertionError(f"unknown verdict {other}")

    def retried_with_backoff(self) -> None:
        """Each fault is an attempt on the record, and the next one came later and under the same conversation."""
        assert len(self.failed) == self.faulty == len(self._attempts()) - 1
        assert self._attempts() == list(range(1, self.faulty + 2))
        assert len({json.dumps(body["messages"]) for body in self.script.sent[:2]}) == 1
        assert all(later > earlier for earlier, later in itertools.pairwise(self.script.at))

    def one_result_in_the_end(self) -> None:
        """The good answer is there, once."""
        assert self.result["1"].output == TEXT if self.row["surface"] == "worker" else TEXT in self.result.answer

    def no_duplicate_effect(self) -> None:
        """Nothing was done twice: no task, no attempt, no call."""
        assert [task.subject for task in self.result] == ["Task row", "Task other"]
        assert [len(task.attempts) for task in self.result] == [1, 1]
        uses = [event.use for event in self.events if isinstance(event, ToolStarted)]
        assert len(uses) == len(set(uses))

    def waited_at_least_1s(self) -> None:
        """The server's wait was kept."""
        assert self.script.at[1] - self.script.at[0] >= 1.0

    def one_request_only(self) -> None:
        """Nothing followed the request that was refused."""
        assert len(self.script.sent) == 1

    def no_canary_in_output(self) -> None:
        """No secret is in what a person sees, nor in the record."""
        shown = repr(self.result) + self.result._repr_html_() + self.result.model_dump_json()
        assert leaks(shown + "".join(map(repr, self.events))) == []
        assert os.environ["ANTHROPIC_API_KEY"] not in shown

    def told_user(self) -> None:
        """What went wrong is said where a person looks, in plain words."""
        task = self.result["1"]
        said = f"{self.result.reason} {task.error}"
        assert task.error and "Traceback" not in said
        if "one_request_only" in self.row["checks"]:
            assert "ANTHROPIC_API_KEY" in self.result.reason

    def no_same_request_again(self) -> None:
        """What was too long is never sent a second time."""
        sent = [json.dumps(body["messages"]) for body in self.script.sent]
        assert len(sent) == len(set(sent))

    def no_sink_hit(self) -> None:
        """Nobody followed the redirect."""
        assert self.world.sink.hits == []

    def tool_not_run(self) -> None:
        """No tool of the worker's began, and what it would have left is not there."""
        assert not list(self.world.ws.glob("ran-from-a-cut*"))
        assert not [event for event in self.events if isinstance(event, ToolStarted) and event.by != "conductor"]

    def stalled_at_most_read_timeout(self) -> None:
        """The silent attempt was given up after the time for a silence."""
        assert self.failed[0].reason == "stalled" and PATIENCE <= self.failed[0].seconds < PATIENCE + 2

    def text_exact(self) -> None:
        """Not a sign of the text is lost."""
        assert self.result["1"].output == TEXT

    def tool_result_is_error(self) -> None:
        """The model was told that its call did nothing."""
        (block,) = self.script.sent[1]["messages"][-1]["content"]
        assert block["type"] == "tool_result" and block["is_error"] is True and block["content"]

    def next_request_well_formed(self) -> None:
        """As `history_well_formed`."""
        self.history_well_formed()

    def history_well_formed(self) -> None:
        """Every call has its result in the message after it, and the reply went back as it came."""
        messages = self.script.sent[1]["messages"]
        assert [message["role"] for message in messages] in (["user", "assistant"], ["user", "assistant", "user"])
        calls = {block["id"] for block in messages[1]["content"] if block["type"] == "tool_use"}
        results = {block["tool_use_id"] for block in messages[2]["content"]} if calls else set()
        assert calls == results and all(isinstance(b.get("input", {}), dict) for b in messages[1]["content"])

    def no_endless_loop(self) -> None:
        """A handful of requests, not more."""
        assert len(self.script.sent) <= 3

    def others_go_on(self) -> None:
        """The other task is done."""
        assert self.result["2"].status == "completed"

    def not_retried_blindly(self) -> None:
        """The same is not asked for again."""
        assert len(self.script.sent) == 1

    def max_turns(self) -> None:
        """A limit ended each of the attempts long before the script did."""
        assert {attempt.outcome for attempt in self.result["1"].attempts} == {"limit"}
        assert len(self.script.sent) <= 2 * 60

    def no_empty_success(self) -> None:
        """Nothing done is no success."""
        assert self.result.status == "failed" and self.result.reason

    def _attempts(self) -> list[int]:
        who = "conductor" if self.row["surface"] == "conductor" else "w1"
        sent = [event for event in self.events if event.kind == "request.sent" and event.by == who]
        return [event.attempt for event in sent[: self.faulty + 1]]


@pytest.mark.parametrize("row", rows("stream"), ids=lambda row: row["id"])
def test_row(row: Json, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row ends as it must, and every check that it names holds."""
    resolve = socket.getaddrinfo

    def no_such_name(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with prepared(world, row["setup"]):
        judged = Judged(row, world, *play(row, world, monkeypatch))
    judged.verdict()
    for check in row["checks"]:
        getattr(judged, check)()
