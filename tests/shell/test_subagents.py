"""Kinds of workers: each has its own tools on the wire, is told so, and cannot use others whatever it tries."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic.events import ToolRefused, WorkerStarted
from conductor_magic.prompts import WORKER
from conductor_magic.subagents import SUBAGENTS, subagent
from tests.shell.conftest import Play
from tests.support.floor import Floor, create, done, launch, task_text
from tests.support.messages_server import Answer, text, tools

LOOKING = ["Read", "Glob", "Grep", "LSP"]
CHANGING, WEB = ["Write", "Edit", "Bash", "Python"], ["WebFetch", "WebSearch"]
TOOLS = {"general-purpose": [*LOOKING, *CHANGING, *WEB], "explore": [*LOOKING, *WEB], "plan": LOOKING}


def names(body: dict[str, Any]) -> list[str]:
    """The tools that a request carries."""
    return [tool["name"] for tool in body["tools"]]


def test_each_kind_has_its_own_tools_and_is_told_so(play: Play) -> None:
    """In any letter case; without a word about it, a worker has all; its kind's requests all begin the same."""
    plan = tools(
        *[create(key) for key in "abcd"],
        launch("a", subagent_type="Explore"),
        launch("b", subagent_type="plan"),
        launch("c", subagent_type="GENERAL-PURPOSE"),
        launch("d"),
    )
    kinds = dict(zip("abcd", ("explore", "plan", "general-purpose", "general-purpose"), strict=True))
    floor = Floor([plan, text("Under way."), text("The answer.")])
    result = play(floor)
    assert result.status == "completed", result.reason
    assert len(floor.worker_requests) == 4
    for body in floor.worker_requests:
        kind = kinds[task_text(body)]
        assert names(body) == TOOLS[kind]
        assert body["system"][0]["text"] == f"{WORKER}\n\n{SUBAGENTS[kind].told}".rstrip()
    started = [record.event for record in result.events if isinstance(record.event, WorkerStarted)]
    assert sorted(len(event.tools) for event in started) == [4, 6, 10, 10]


@pytest.mark.parametrize("kind", ["explore", "plan"])
@pytest.mark.parametrize(
    "call",
    [
        ("Bash", {"command": "touch made.txt"}),
        ("Python", {"code": "open('made.txt', 'w')"}),
        ("Write", {"file_path": "made.txt", "content": "x"}),
    ],
)
def test_who_only_looks_can_change_nothing(play: Play, tmp_path: Any, kind: str, call: Any) -> None:
    """A call to a tool of another kind gets an error result and an event; it never runs."""

    def tries(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(call) if turn == 1 else done(task, turn, body)

    floor = Floor([tools(create("a"), launch("a", subagent_type=kind)), text("Under way."), text("Done.")], tries)
    result = play(floor)
    assert result.status == "completed", result.reason
    (answer,) = floor.worker_requests[1]["messages"][-1]["content"]
    assert answer["is_error"] is True
    assert any(isinstance(record.event, ToolRefused) for record in result.events)
    assert not (tmp_path / "workspace" / "made.txt").exists()


def test_a_kind_that_does_not_exist_is_told_with_those_that_do(play: Play) -> None:
    """The conductor can correct itself."""
    wrong = tools(create("a"), launch("a", subagent_type="hacker"), prefix="wrong")
    right = tools(launch("a", subagent_type="explore"), prefix="right")
    floor = Floor([wrong, right, text("Under way."), text("Done.")])
    assert play(floor).status == "completed"
    refused = floor.conductor_requests[1]["messages"][-1]["content"][-1]
    assert refused["is_error"] is True
    assert "There is no subagent_type 'hacker': use general-purpose, explore, plan." in str(refused["content"])


def test_a_kind_that_is_not_known_gets_the_fewest_tools() -> None:
    """Such as a later version's record may name."""
    assert subagent("surgeon") is SUBAGENTS["plan"]
    assert min(SUBAGENTS, key=lambda kind: len(SUBAGENTS[kind].of(TOOLS["general-purpose"]))) == "plan"
