"""Replies that break off on the default tiers and budget: little is held for each, and all of it is told."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic.events import RequestFailed, RequestSent
from conductor_magic.models.anthropic.prices import cost
from tests.shell.conftest import Begin
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, events, text
from tests.support.quick import impatient, quick_limiter

Json = dict[str, Any]
PROMPT = {"input_tokens": 700, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 100, "output_tokens": 1}


class Cutting:
    """A worker whose first replies break off in the middle: after what the server says of the prompt, or before it."""

    def __init__(self, times: int, *, begun: bool) -> None:
        self.left = times
        self.begun = begun

    def __call__(self, task: str, turn: int, body: Json) -> Answer:
        if not self.left:
            return done(task, turn, body)
        self.left -= 1
        answer = text("A longer report that never comes to its end.", usage=PROMPT)
        stream = b"".join(events(answer, model=body["model"]))
        return Answer(raw=stream[: len(stream) // 2 if self.begun else 0], then="rst")


@pytest.mark.parametrize("begun", [True, False])
def test_a_budget_outlives_many_lost_replies(begin: Begin, monkeypatch: pytest.MonkeyPatch, *, begun: bool) -> None:
    """The prompt as the server counted it, else at most; of the reply what the time allowed."""
    quick_limiter(monkeypatch)
    floor = Floor([lay_out({"a": (), "b": ()}, "sonnet"), text("Under way.")], Cutting(12, begun=begun))
    result = begin(floor, connector=impatient, budget=1.0).wait(60)
    assert result.status == "completed", result.reason
    records = [record.event for record in result.events]
    sent = {event.request: event for event in records if isinstance(event, RequestSent)}
    lost = [event for event in records if isinstance(event, RequestFailed)]
    assert len(lost) == 12
    for event in lost:
        reserved = sent[event.request]
        tokens = 300 * (event.seconds + 2.0)
        prompt = 1_000 if begun else reserved.reserved_tokens - reserved.max_tokens
        assert prompt + tokens <= event.held_tokens <= prompt + tokens + 60
        if begun:
            counted = {**PROMPT, "output_tokens": event.held_tokens - prompt}
            assert event.held == pytest.approx(cost(event.model, counted))
        assert event.held is not None and reserved.reserved is not None and event.held < reserved.reserved / 3
    assert result.usage.held_usd == pytest.approx(sum(event.held or 0.0 for event in lost))
    assert result.usage.held_tokens == sum(event.held_tokens for event in lost)
    assert any(
        note.endswith("more may have been billed: 12 replies broke off. It counts against the caps.")
        for note in result.notes
    )


def test_a_budget_that_lost_replies_used_up_says_so(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the reason of the run, and on the board."""
    quick_limiter(monkeypatch)
    floor = Floor([lay_out({"a": ()}, "sonnet"), text("Under way.")], Cutting(99, begun=False))
    result = begin(floor, connector=impatient, budget=0.25).wait(60)
    assert result.status == "failed"
    told = "was not counted, but may have been billed for replies that broke off."
    assert "The budget of $0.25 is spent" in result.reason and told in result.reason
    assert "may have been billed" in " ".join(repr(result).split())
