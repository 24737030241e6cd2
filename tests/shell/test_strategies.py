"""What a plan is to favour: the conductor is told on the wire, and the rehearsal plans by it."""

from __future__ import annotations

import pandas as pd
import pytest

from conductor_magic.api import conduct
from conductor_magic.prompts import STRATEGIES
from conductor_magic.settings import STRATEGIES as NAMES
from tests.shell.conftest import Play
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import text


@pytest.mark.parametrize("strategy", NAMES)
def test_the_conductor_is_told_what_to_favour_and_nothing_of_the_usual(play: Play, strategy: str) -> None:
    """The system prompt stays the same, so that it is cached over runs; the record keeps the strategy."""
    floor = Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")])
    result = play(floor, strategy=strategy)
    assert result.status == "completed", result.reason
    first = str(floor.conductor_requests[0]["messages"][0]["content"])
    assert ("STRATEGY: " in first) is (strategy != "balanced")
    assert all((told in first) is (name == strategy) for name, told in STRATEGIES.items())
    assert "STRATEGY" not in str(floor.conductor_requests[0]["system"])
    assert next(iter(result.events)).event.strategy == strategy


def test_the_rehearsal_plans_one_tier_down_where_cost_counts() -> None:
    """The same graph, cheaper at list price, and each reason says so."""
    use = {"numbers": pd.DataFrame({"a": range(20), "b": range(20)})}
    usual, cheap = (
        conduct("Explore the numbers.", use=use, provider="rehearsal", strategy=strategy, quiet=True).wait(60)
        for strategy in ("balanced", "cost")
    )
    assert [task.subject for task in usual] == [task.subject for task in cheap]
    down = {"opus": "sonnet", "sonnet": "haiku", "haiku": "haiku"}
    assert [task.tier for task in cheap] == [down[task.tier] for task in usual]
    assert all("one tier down" in now.reason for now, then in zip(cheap, usual, strict=True) if then.tier != "haiku")
    assert cheap.usage.total.list_usd < usual.usage.total.list_usd
