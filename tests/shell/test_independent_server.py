"""The engine against a Messages server that is not ours: llmock, over HTTP, through ANTHROPIC_BASE_URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmock.scenarios import Fail, Match, Reply, ToolCall

from conductor_magic.limits import Limits
from conductor_magic.option_checks import check_options
from conductor_magic.run import start
from tests.support.floor import create, launch

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

CONDUCTOR, CALM, FRAIL = "claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"
DIAMOND = {
    "left": (),
    "right": (),
    "top": ("left", "right"),
    "wing": ("left",),
    "join": ("top", "wing"),
    "end": ("join",),
}


def test_a_diamond_with_a_failing_task_completes(llmock: LLMock, tmp_path: Path) -> None:
    """Six tasks, two roots, a diamond; one worker runs out of turns and is retried; a 529 is retried below."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    calls = [create(key, *blockers) for key, blockers in DIAMOND.items()]
    calls += [launch(key, model="sonnet" if key == "top" else "haiku") for key in DIAMOND]
    conductor, calm, frail = (Match(model=model) for model in (CONDUCTOR, CALM, FRAIL))
    llmock.add(
        Reply(tool_calls=tuple(ToolCall(name, arguments) for name, arguments in calls), match=conductor),
        Reply(text="Under way.", match=conductor),
        Reply(text="All six are done.", match=conductor),
        Fail(529, match=calm),
        Reply(text="Found it.\nSTATUS: done", times=None, match=calm),
        Reply(tool_calls=(ToolCall("Glob", {"pattern": "*"}),), times=2, match=frail),
        Reply(text="Found it after all.\nSTATUS: done", times=None, match=frail),
    )
    tiers = {"haiku": CALM, "sonnet": FRAIL, "opus": CONDUCTOR, "conductor": CONDUCTOR}
    assert os.environ["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1")
    options = check_options({"quiet": True, "workspace": str(workspace), "tiers": tiers})
    result = start("Do the six.", options, limits=Limits(turns=2)).wait(60)
    assert result.status == "completed", result.reason
    assert result.answer == "All six are done."
    assert [attempt.outcome for attempt in result["3"].attempts] == ["limit", "completed"]
    assert len([record for record in result.events if record.event.kind == "request.failed"]) == 1
    assert [task.status for task in result] == ["completed"] * 6
    ended = {task.id: task.ended for task in result}
    started = {interval.task: interval.start for interval in result.timeline}
    assert all(ended[blocker] <= started[blocked] for blocker, blocked in result.graph.edges)
    llmock.assert_resilient()
