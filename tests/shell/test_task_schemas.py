"""Tasks with a schema: the worker is told it, its value is checked, one repair, and the value is in the result."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from conductor_magic.schemas import schema_problem, value_in
from tests.shell.conftest import Play
from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, text, tools

Json = dict[str, Any]

SCHEMA: Json = {
    "type": "object",
    "properties": {"mean": {"type": "number"}, "months": {"type": "array", "items": {"$ref": "#/$defs/month"}}},
    "required": ["mean"],
    "additionalProperties": False,
    "$defs": {"month": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}},
}
GOOD = '{"mean": 2.5, "months": ["2024-01"]}'


def report(value: str) -> Answer:
    """A report with a value in its block."""
    return text(f"The mean is 2.5.\n```json\n{value}\n```\nSTATUS: done")


def floor_of(*replies: Answer, schema: Any = SCHEMA) -> Floor:
    """One task with a schema, whose worker gives these replies."""
    laid_out = tools(create("a", metadata={"schema": schema}), launch("a"))
    return Floor([laid_out, text("Done.")], lambda task, turn, body: replies[turn - 1])


def last_message(floor: Floor) -> str:
    """What the worker was told last."""
    return json.dumps(floor.worker_requests[-1]["messages"][-1]["content"])


def test_a_value_that_fits_is_in_the_result(play: Play) -> None:
    """The prompt states the schema; the value comes back as data, and the journal keeps it."""
    floor = floor_of(report(GOOD))
    result = play(floor)
    assert (result.status, result.tasks["1"].value) == ("completed", {"mean": 2.5, "months": ["2024-01"]})
    assert result.tasks["1"].output.startswith("The mean is 2.5.\n```json\n")
    prompt = result.tasks["1"].prompt or ""
    assert f"must fit this JSON Schema:\n```json\n{json.dumps(SCHEMA)}\n```\nEnd your report with one line" in prompt
    assert len(floor.worker_requests) == 1


@pytest.mark.parametrize(
    "reply",
    [text(GOOD), text(f"{GOOD}\nSTATUS: done"), text(f"A draft:\n```json\n{{}}\n```\nFinal:\n```JSON\n{GOOD}\n```")],
    ids=["bare", "bare with a status", "the last of two blocks"],
)
def test_other_ways_to_give_it(play: Play, reply: Answer) -> None:
    """A bare JSON reply counts, and of several blocks the last."""
    assert play(floor_of(reply)).tasks["1"].value == {"mean": 2.5, "months": ["2024-01"]}


def test_one_repair_round_shows_the_error(play: Play) -> None:
    """The worker hears what does not fit, and where; its second value stands in its first report."""
    floor = floor_of(report('{"mean": "2.5", "months": ["January"]}'), text(GOOD))
    result = play(floor)
    (task,) = result.tasks
    assert (result.status, task.value) == ("completed", {"mean": 2.5, "months": ["2024-01"]})
    assert "mean: '2.5' is not of type 'number'; months/0: 'January' does not match" in last_message(floor)
    assert task.output == f"The mean is 2.5.\n```json\n{json.dumps(json.loads(GOOD), indent=1)}\n```"
    assert [attempt.outcome for attempt in task.attempts] == ["completed"]


def test_a_report_without_a_value_is_mended(play: Play) -> None:
    """What was forgotten is asked for, and joins the report."""
    floor = floor_of(text("The mean is 2.5.\nSTATUS: done"), report(GOOD))
    result = play(floor)
    assert "there is no fenced ```json block with the value" in last_message(floor)
    assert result.tasks["1"].value == {"mean": 2.5, "months": ["2024-01"]}
    assert result.tasks["1"].output.startswith("The mean is 2.5.\n\n```json\n")


def test_a_second_miss_goes_straight_to_the_conductor(play: Play) -> None:
    """No third chance and no retry: the attempt failed, for this cause, and the conductor reads why."""
    floor = floor_of(report('{"mean": true}'), report('{"mean": null}'))
    result = play(floor)
    (task,) = result.tasks
    error = "The value does not fit the task's schema: mean: None is not of type 'number'"
    assert (result.status, task.status, task.value, task.error) == ("failed", "failed", None, error)
    assert [(attempt.outcome, attempt.error) for attempt in task.attempts] == [("failed", error)]
    ended = [record.event for record in result.events if record.event.kind == "worker.ended"]
    assert [(event.cause, event.final) for event in ended] == [("schema", True)]
    assert len(floor.worker_requests) == 2
    assert "mean: None is not of type" in json.dumps(floor.conductor_requests[-1]["messages"][-1])


@pytest.mark.parametrize("below", ["", f"\n```json\n{GOOD}\n```"], ids=["no value", "a value below"])
def test_an_unfinished_task_owes_no_value(play: Play, below: str) -> None:
    """A worker that says it could not is not asked for data, and data that it gives all the same is no success."""
    floor = floor_of(text(f"No file.\nSTATUS: blocked - there is no file{below}"))
    assert play(floor).tasks["1"].error == "Blocked: there is no file"
    assert len(floor.worker_requests) == 1


BAD_SCHEMAS: dict[str, tuple[Any, str]] = {
    "no object": ("number", "it must be a JSON Schema, an object such as"),
    "an unknown type": ({"type": "objct"}, "type: 'objct' is not valid under any of the given schemas"),
    "a bad keyword": ({"required": "a"}, "required: 'a' is not of type 'array'"),
    "a bad pattern": ({"pattern": "("}, "the pattern '(' is no regular expression of Python"),
    "elsewhere": ({"$ref": "http://127.0.0.1:9/x"}, "$ref 'http://127.0.0.1:9/x' leads elsewhere"),
    "a file": ({"items": {"$ref": "file:///etc/passwd"}}, "$ref 'file:///etc/passwd' leads elsewhere"),
    "nothing": ({"$ref": "#/$defs/a"}, "$ref '#/$defs/a' leads to nothing in it"),
    "another language": ({"$schema": "http://127.0.0.1:9/mine"}, "$schema 'http://127.0.0.1:9/mine' is unknown"),
    "too much": ({"enum": ["x" * 30_000]}, "it is too large"),
    "too deep": (json.loads('{"not":' * 60 + "{}" + "}" * 60), "it is too large"),
}


@pytest.mark.parametrize("name", BAD_SCHEMAS)
def test_a_bad_schema_is_explained(play: Play, name: str) -> None:
    """TaskCreate and TaskUpdate are error results that say what to mend; the id is used up."""
    schema, said = BAD_SCHEMAS[name]
    floor = Floor(
        [
            tools(create("a", metadata={"schema": schema}), create("b")),
            tools(("TaskUpdate", {"taskId": "b", "metadata": {"schema": schema}}), launch("b")),
            text("Done."),
        ]
    )
    result = play(floor)
    first, second = (request["messages"][-1]["content"] for request in floor.conductor_requests[1:3])
    assert [block.get("is_error", False) for block in (*first, *second)] == [True, False, True, False]
    created = json.dumps(first[0]["content"], ensure_ascii=False)
    assert "Task 1 was not created: TaskCreate: metadata.schema cannot be used: " in created
    for block in (first[0], second[0]):
        assert said in str(block["content"])
    assert [task.id for task in result.tasks] == ["2"]
    assert result.tasks["2"].value is None


def test_a_schema_may_come_and_go_by_an_update(play: Play) -> None:
    """What counts is the schema when the worker starts."""
    floor = Floor(
        [
            tools(create("a"), create("b", metadata={"schema": SCHEMA})),
            tools(
                ("TaskUpdate", {"taskId": "a", "metadata": {"schema": SCHEMA}}),
                ("TaskUpdate", {"taskId": "b", "metadata": {"schema": None}}),
                launch("a"),
                launch("b"),
            ),
            text("Done."),
        ],
        lambda task, turn, body: report(GOOD) if task == "a" else text("No value.\nSTATUS: done"),
    )
    result = play(floor)
    assert [task.value for task in result.tasks] == [{"mean": 2.5, "months": ["2024-01"]}, None]


def test_a_schema_that_cannot_be_checked_is_no_fault_of_the_worker(play: Play) -> None:
    """One without end fails the task without a repair round, and says so."""
    result = play(floor_of(text("1"), schema={"$ref": "#"}))
    assert result.tasks["1"].error == "The task's schema cannot be checked: it refers to itself without end."
    assert len(result.tasks["1"].attempts) == 1


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ('"' + "a" * 60 + '!"', {"pattern": "^(a+)+$"}),
        ("1", {"$ref": "#/$defs/0", "$defs": {
            **{str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 3} for n in range(30)}, "30": {"type": "number"},
        }}),
    ],
    ids=["a pattern", "references"],
)  # fmt: skip
def test_a_bomb_is_cut_short(value: str, schema: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps a process of its own busy, for a limited time, while the loop goes on."""
    monkeypatch.setattr("conductor_magic.schemas.values._SECONDS", 1.5)

    async def beside() -> tuple[str, int]:
        ticks = 0
        checking = asyncio.ensure_future(value_in(value, schema))
        while not checking.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return checking.result().fault, ticks

    began = time.monotonic()
    fault, ticks = asyncio.run(beside())
    assert fault == "it takes too long to check: simplify its patterns and references"
    assert (ticks > 20, time.monotonic() - began < 5) == (True, True)


@pytest.mark.parametrize(
    ("report", "wrong"),
    [
        ("no value", "there is no fenced ```json block with the value in the report"),
        ("```json\n{]\n```", "the json block is no JSON: "),
        ("```json\nNaN\n```", "the json block is no JSON: NaN is no JSON"),
        ("[" * 300 + "]" * 300, "the value is nested more than 100 levels deep"),
        ("[" * 100_000, "there is no fenced ```json block with the value in the report"),
    ],
)
def test_what_is_no_value_is_told(report: str, wrong: str) -> None:
    """Each is a sentence for the worker, and nothing raises."""
    assert asyncio.run(value_in(report, {})).wrong.startswith(wrong)


def test_drafts_that_the_library_knows_are_taken() -> None:
    """By their names; others have the newest rules."""
    draft7 = {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "definitions": {"a": {}}}
    for schema in (SCHEMA, {}, draft7, {"properties": {"$ref": {"type": "string"}}}, {"$id": "https://x.invalid/s"}):
        assert asyncio.run(schema_problem(schema)) == ""
