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

KEPT = {"kept.txt": "kept\n"}


def folders(tmp_path: Path, seed: int) -> tuple[Path, Path]:
    """A workspace with one file, and what lies beside it."""
    workspace, outside = tmp_path / str(seed) / "ws", tmp_path / str(seed) / "outside"
    for folder in (workspace, outside):
        folder.mkdir(parents=True)
    (workspace / "kept.txt").write_text(KEPT["kept.txt"])
    (outside / "secret").write_text("secret")
    return workspace, outside


def no_foreign_effect(records: list[Record], workspace: Path, outside: Path, seed: int) -> None:
    """Files, processes, calls, the graph."""
    assert foreign(records) == []
    assert {path.name: path.read_text() for path in outside.rglob("*")} == {"secret": "secret"}
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


def keeps_words_apart(adversary: Adversary) -> None:
    """Every worker begins with our preamble, and what workers say never stands in a notice as one."""
    for body in adversary.bodies["worker"]:
        first = body["messages"][0]["content"]
        prompt = first if isinstance(first, str) else first[0]["text"]
        assert prompt.startswith(PREAMBLE)
        assert "TaskCreate" not in [tool["name"] for tool in body["tools"]]
    for message in adversary.bodies["conductor"][-1]["messages"][1:]:
        blocks = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
        told = [str(block.get("text", "")) for block in blocks if message["role"] == "user"]
        assert not any(line.startswith(FORGED) for text in told for line in text.splitlines())


def play_one(begin: Begin, tmp_path: Path, seed: int) -> tuple[Adversary, Counter[str]]:
    """One run from end to end, judged; what came of its calls."""
    workspace, outside = folders(tmp_path, seed)
    adversary = Adversary(seed, outside, TURNS, crowd=seed % 12 == 5)
    run: Run = begin(adversary, workspace=str(workspace), limits=LIMITS, budget="none")
    result = run.wait(90)
    records = list(result.events)
    no_foreign_effect(records, workspace, outside, seed)
    is_true(result, run, records)
    is_billed(result, records, adversary)
    keeps_words_apart(adversary)
    seen = Counter({f"run {result.status}": 1, "tasks": len(result.tasks)})
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
    assert total["calls refused"] > turns / 2
    assert total["calls with an error result"] > turns / 2 < total["calls done"]
