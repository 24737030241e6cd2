"""Models that the server does not know: another takes their place, told, recorded and paid as what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.events import TIERS, ModelsResolved, RequestFailed, RequestSent, RunNoted
from conductor_magic.fold import fold
from conductor_magic.limits import EXPECTED_USAGE
from conductor_magic.models.anthropic.prices import cost, expected_cost
from conductor_magic.result import ConductResult
from conductor_magic.run import resume
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, error, text, tools
from tests.support.quick import quick_limiter

Json = dict[str, Any]
THREE = lay_out({"a": (), "b": (), "c": ("a", "b")})
NEWEST = ("claude-haiku-5-5", "claude-opus-5-5")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here is about waiting."""
    quick_limiter(monkeypatch)


def without(*gone: str, floor: Floor | None = None) -> Callable[[Json, int], Answer]:
    """A floor at a server that does not know these models."""
    floor = floor or Floor([THREE, text("Under way."), text("The end.")])

    def answer(body: Json, number: int) -> Answer:
        if body["model"] in gone:
            return error(404, "not_found_error", f"model: {body['model']}")
        return floor(body, number)

    return answer


def _notes(result: ConductResult) -> list[str]:
    return [record.event.text for record in result.events if isinstance(record.event, RunNoted)]


def _sent(result: ConductResult) -> list[RequestSent]:
    return [record.event for record in result.events if isinstance(record.event, RequestSent)]


@pytest.mark.parametrize(
    "said",
    [
        "Your organization does not have access to model claude-haiku-5-5",
        "The model claude-haiku-5-5 is not one that your plan has access to",
    ],
)
def test_a_model_that_the_account_may_not_use_is_stood_in_for_too(play: Play, said: str) -> None:
    """HTTP 403 about one model is not about the credential: nobody is asked for another key."""
    floor = Floor([THREE, text("Under way."), text("The end.")])

    def answer(body: Json, number: int) -> Answer:
        return error(403, "permission_error", said) if body["model"] == NEWEST[0] else floor(body, number)

    result = play(answer)
    assert result.status == "completed", result.reason
    assert [(task.model, len(task.attempts)) for task in result] == [("claude-haiku-4-5", 1)] * 3
    assert not result.questions


def test_an_older_model_of_the_line_takes_its_place(play: Play) -> None:
    """For the conductor and for workers: two notices, two refused models, and the record says who answered."""
    result = play(without(*NEWEST))
    assert result.status == "completed", result.reason
    assert [(task.model, len(task.attempts)) for task in result] == [("claude-haiku-4-5", 1)] * 3
    notes = [note for note in _notes(result) if "takes its place" in note]
    assert notes == [
        "The server has no model claude-opus-5-5: claude-opus-5 takes its place. It costs more.",
        "The server has no model claude-haiku-5-5: claude-haiku-4-5 takes its place. It costs more.",
    ]
    failed = [record.event for record in result.events if isinstance(record.event, RequestFailed)]
    # Those that were sent before the first of them was refused, and no more.
    assert 2 <= len(failed) <= 3 and {event.held for event in failed} == {0.0}
    assert {event.model for event in _sent(result)[-3:]} == {"claude-haiku-4-5", "claude-opus-5"}
    assert sum(event.model == "claude-haiku-4-5" for event in _sent(result)) == 3
    assert load(result.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_what_stands_in_is_paid_at_its_own_price(play: Play) -> None:
    """Older models cost more here: the bill has their price, and forecasts begin with it."""
    floor = Floor([THREE, text("Under way."), text("The end.")])
    result = play(without(*NEWEST, floor=floor))
    tokens = {"input_tokens": result.usage.workers.input_tokens, "output_tokens": result.usage.workers.output_tokens}
    assert result.usage.workers.usd == pytest.approx(cost("claude-haiku-4-5", tokens))
    usual = [record.event.usd for record in result.events if isinstance(record.event, ModelsResolved)]
    models = ("claude-haiku-4-5", "claude-sonnet-5-5", "claude-opus-5")
    assert usual[-1] == {
        tier: expected_cost(model, EXPECTED_USAGE[tier]) for tier, model in zip(TIERS, models, strict=True)
    }
    assert fold(result.events).usual_usd == usual[-1] != usual[0]


def test_the_neighbouring_tier_when_the_line_is_gone(play: Play) -> None:
    """Sonnet falls to the cheaper line, and says so."""
    lines = ("claude-sonnet-5-5", "claude-sonnet-5", "claude-sonnet-4-6")
    call = lay_out({"a": ()})
    result = play(without(*lines, floor=Floor([_as_sonnet(call), text("Under way.")])))
    assert (result.status, result["1"].model) == ("completed", "claude-haiku-5-5"), result.reason
    assert _notes(result)[-1] == "The server has no model claude-sonnet-4-6: claude-haiku-5-5 takes its place."


def test_what_another_model_counted_bounds_no_prompt(play: Play) -> None:
    """It may count shorter tokens: the stand-in's first prompt is bounded by its bytes, the next by its own count."""
    prompts: list[int] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        if turn == 2 and body["model"] == "claude-haiku-5-5":
            return error(404, "not_found_error", f"model: {body['model']}")
        parts = [body["system"], body["tools"], body["messages"]]
        prompts.append(len(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()))
        return (
            text("Did it.\nSTATUS: done") if turn == 3 else tools(("Glob", {"pattern": f"{turn}*"}), prefix=f"g{turn}")
        )

    result = play(Floor([lay_out({"a": ()}), text("Under way.")], worker))
    assert result.status == "completed", result.reason
    sent = [event for event in _sent(result) if event.by == "w1"]
    bounds = [event.reserved_tokens - event.max_tokens for event in sent]
    assert [event.model[-3:] for event in sent] == ["5-5", "5-5", "4-5", "4-5"]
    assert bounds[1] < 0.7 * prompts[1] and bounds[3] < 0.7 * prompts[2]
    assert bounds[2] >= prompts[1]


def test_a_stand_in_is_not_asked_for_longer_replies_than_it_gives(play: Play) -> None:
    """The list says how long they may be; the conductor's, whose model is there, stay as long as they were."""
    listed = [
        {"type": "model", "id": name, "line": line, "created_at": f"2026-0{month}-01T00:00:00Z", "max_tokens": most}
        for name, line, month, most in [
            ("claude-haiku-5-5", "haiku", 9, 64_000),
            ("claude-haiku-4-5", "haiku", 8, 3_000),
            ("claude-sonnet-5-5", "sonnet", 9, 64_000),
            ("claude-opus-5-5", "opus", 9, 64_000),
        ]
    ]
    floor = Floor([lay_out({"a": ()}), text("Under way.")])
    result = play(without("claude-haiku-5-5", floor=floor), models=listed)
    assert result.status == "completed", result.reason
    assert [body["max_tokens"] for body in floor.worker_requests] == [3_000]
    assert floor.conductor_requests[-1]["max_tokens"] > 3_000


def _as_sonnet(answer: Answer) -> Answer:
    blocks = [
        {**block, "input": {**block["input"], "model": "sonnet"}} if block["name"] == "Task" else block
        for block in answer.blocks
    ]
    return Answer(blocks=tuple(blocks))


def test_a_wrong_override(play: Play) -> None:
    """An id with a slip of the pen in it is no reason to do nothing."""
    result = play(without("claude-haiku-55"), tiers={"haiku": "claude-haiku-55"}, budget=None)
    assert (result.status, result["1"].model) == ("completed", "claude-haiku-5-5"), result.reason


@pytest.mark.parametrize("options", [{}, {"budget": "none", "cap": {"worker.usd": 0.5}}])
def test_a_model_without_a_price_stands_in_for_none_under_a_cap_in_dollars(play: Play, options: Json) -> None:
    """It would make the budget, or another cap, a guess: the next one with a price is taken."""
    listed = [
        {"type": "model", "id": name, "line": line, "lifecycle": "active", "created_at": f"2026-0{month}-01T00:00:00Z"}
        for name, line, month in [
            ("claude-haiku-5-5", "haiku", 9),
            ("claude-haiku-unpriced", "haiku", 8),
            ("claude-haiku-4-5", "haiku", 7),
            ("claude-sonnet-5-5", "sonnet", 9),
            ("claude-opus-5-5", "opus", 9),
        ]
    ]
    result = play(without("claude-haiku-5-5"), models=listed, **options)
    assert (result.status, result["1"].model) == ("completed", "claude-haiku-4-5"), result.reason


def test_a_server_that_knows_no_model(play: Play) -> None:
    """The run ends after a handful of requests, with the server's word and what to do."""
    result = play(lambda body, number: error(404, "not_found_error", f"model: {body['model']}"))
    assert result.status == "failed" and "no such model for you" in result.reason and "--tier" in result.reason
    assert len(_sent(result)) <= 9


def test_a_resumed_run_begins_with_what_stood_in(begin: Begin) -> None:
    """The missing model is not asked for again."""
    floor = Floor(
        [THREE, text("Under way."), text("The end.")], lambda task, turn, body: error(400, "invalid_request_error")
    )
    first = begin(without(*NEWEST, floor=floor)).wait(30)
    assert first.status == "failed"
    sent = len(_sent(first))
    result = resume(Path(first.path), {"quiet": True}).wait(30)
    assert not {event.model for event in _sent(result)[sent:]} & set(NEWEST)
