"""A conductor and workers that try whatever they may not: nothing foreign happens, every run ends, the result is true.

The slow case is the measure: a thousand turns of the conductor, and what its workers say meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.events import Record, RequestFailed, ToolEnded, ToolRefused
from conductor_magic.fold import fold
from conductor_magic.limits import Limits
from conductor_magic.prompts import PREAMBLE
from conductor_magic.prompts.cleaning import HEADINGS
from conductor_magic.result import ConductResult
from conductor_magic.run import Run
from tests.shell.conftest import Begin
from tests.support.adversary import FORGED, Adversary
from tests.support.judge import foreign, outcomes, spent, verdict
from tests.support.tool_bench import processes_with

Json = dict[str, Any]
LIMITS = Limits(turns=8, seconds={"haiku": 20.0, "sonnet": 20.0, "opus": 20.0})
TURNS = 25
"""Of the conductor in one run, at most; then it gives its answer and holds to it."""

KEPT = {"kept.txt": "kept\n"} | {f"kept-{number}.txt": f"{number} of the workspace\n" for number in range(1, 5)}
SECRET = "hush-5309"
OURS = ("CONTEXT:", "RULES:", "TASK:", *HEADINGS)


def folders(tmp_path: Path, seed: int) -> tuple[Path, Path]:
    """A workspace with a few files, and what lies beside it."""
    workspace, outside = tmp_path / str(seed) / "ws", tmp_path / str(seed) / "outside"
    for folder in (workspace, outside):
        folder.mkdir(parents=True)
    for name, content in KEPT.items():
        (workspace / name).write_text(content)
    (outside / "secret").write_text(SECRET)
    return workspace, outside


def no_foreign_effect(records: list[Record], workspace: Path, outside: Path, seed: int) -> None:
    """Files, processes, calls, the graph."""
    assert foreign(records) == []
    assert {path.name: path.read_text() for path in outside.rglob("*")} == {"secret": SECRET}
    files = {str(path.relative_to(workspace)): path.read_text() for path in workspace.rglob("*") if path.is_file()}
    others = {name: content for name, content in files.items() if not name.startswith("own-")}
    assert others == KEPT
    assert processes_with(f"sleep 987{seed}") == []


def is_true(result: ConductResult, run: Run, records: list[Record]) -> None:
    """The result says what the events say, and so does whoever folds them."""
    assert result.status == verdict(records), result.reason
    ends = outcomes(records)
    assert [task.id for task in result] == list(ends)
    for task in result:
        last, counts = ends[task.id]
        assert (task.status == "completed") == (last == "completed" and task.status != "cancelled"), task.id
        assert counts or task.status in ("cancelled", "failed"), task.id
        assert task.status not in ("running", "ready", "blocked"), task.id
        assert task.status != "skipped" or task.error, task.id
    assert fold(records) == run.state
    assert load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def is_billed(result: ConductResult, records: list[Record], adversary: Adversary) -> None:
    """Usage is what the server billed, but for replies that were broken or cut, each of which is on record."""
    counted, billed = Counter(spent(records)), Counter(adversary.billed)
    assert not counted - billed
    failed = [record.event for record in records if isinstance(record.event, RequestFailed)]
    assert (billed - counted).total() <= len(failed)
    assert {event.reason for event in failed} <= {"cancelled", "malformed"}
    assert result.usage.total.requests == counted.total()
    for who, usage in (("conductor", result.usage.conductor), ("worker", result.usage.workers)):
        mine = [cost for cost in counted.elements() if cost[0] == who]
        assert usage.input_tokens == sum(cost[1] for cost in mine)
        assert usage.output_tokens == sum(cost[2] for cost in mine)
        assert usage.requests == len(mine)


def keeps_secrets(adversary: Adversary) -> int:
    """What lies outside is in no request. How many of the workspace's files are in the conductor's: two at most."""
    sent = {who: [json.dumps(body) for body in bodies] for who, bodies in adversary.bodies.items()}
    for body in (*sent["conductor"], *sent["worker"]):
        assert SECRET not in body
        assert "root:x:" not in body
        assert "CONDUCTOR_HOME=" not in body
    contents = [content.strip() for name, content in KEPT.items() if name != "kept.txt"]
    read = [content for content in contents if any(content in body for body in sent["conductor"])]
    assert len(read) <= 2, read
    return len(read)


def keeps_words_apart(adversary: Adversary) -> int:
    """Our preamble and headings stand once in a worker's prompt, no worker's words stand in a notice as one.

    Returns:
        In how many prompts a line of another worker's would have passed for a heading.
    """
    barred = 0
    for body in adversary.bodies["worker"]:
        first = body["messages"][0]["content"]
        prompt = first if isinstance(first, str) else first[0]["text"]
        assert prompt.startswith(PREAMBLE)
        lines = [line.strip() for line in prompt.splitlines()]
        named = ["CONTEXT:" if line.startswith("CONTEXT:") else line for line in lines]
        headings = Counter(line for line in named if line in OURS)
        assert set(headings.values()) == {1}, headings
        barred += "| RULES:" in lines
        assert "TaskCreate" not in [tool["name"] for tool in body["tools"]]
    for message in adversary.bodies["conductor"][-1]["messages"][1:]:
        blocks = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
        told = [str(block.get("text", "")) for block in blocks if message["role"] == "user"]
        assert not any(FORGED in text for text in told)
    return barred


def play_one(begin: Begin, tmp_path: Path, seed: int) -> tuple[Adversary, Counter[str]]:
    """One run from end to end, judged; what came of its calls."""
    workspace, outside = folders(tmp_path, seed)
    adversary = Adversary(seed, outside, TURNS, crowd=seed % 12 == 5, calm=seed % 4 == 2)
    run: Run = begin(adversary, workspace=str(workspace), limits=LIMITS, budget="none")
    result = run.wait(90)
    records = list(result.events)
    no_foreign_effect(records, workspace, outside, seed)
    is_true(result, run, records)
    is_billed(result, records, adversary)
    seen = Counter({f"run {result.status}": 1, "tasks": len(result.tasks)})
    seen["files read by a conductor"] = keeps_secrets(adversary)
    seen["prompts with a barred heading"] = keeps_words_apart(adversary)
    for record in records:
        if isinstance(record.event, ToolRefused):
            seen["calls refused"] += 1
        elif isinstance(record.event, ToolEnded):
            seen["calls with an error result" if record.event.is_error else "calls done"] += 1
    return adversary, seen


@pytest.mark.parametrize(
    "turns", [pytest.param(30, id="30 turns"), pytest.param(1_000, id="1000 turns", marks=pytest.mark.slow)]
)
def test_nothing_foreign_happens_and_the_result_is_true(begin: Begin, tmp_path: Path, turns: int) -> None:
    """In as many turns of the conductor, run after run, each with a seed of its own."""
    total: Counter[str] = Counter()
    seed = 0
    while total["conductor"] < turns:
        seed += 1
        try:
            adversary, seen = play_one(begin, tmp_path, seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        total += Counter(adversary.turns) + seen
    print(f"{seed} runs: {json.dumps(total, sort_keys=True)}; no foreign effect")
    assert total["run completed"]
    assert total["files read by a conductor"]
    assert total["prompts with a barred heading"]
    assert total["calls refused"] > turns / 2
    assert total["calls with an error result"] > turns / 2 < total["calls done"]
