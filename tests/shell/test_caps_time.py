"""Caps of time over real HTTP: they hold beside other caps."""

from __future__ import annotations

from typing import Any

from tests.shell.conftest import Play
from tests.shell.test_caps import reached
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, text, tools


def test_the_time_of_a_tier_is_capped_after_another_of_its_caps(play: Play) -> None:
    """What another cap lets finish is stopped when the tier's time is up, and that is recorded too."""

    def work(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if task == "b":
            return text("late", first_seconds=20.0)
        return tools(("Glob", {"pattern": f"{turn}*"}), prefix=f"a{turn}")

    floor = Floor([lay_out({"a": (), "b": ()}), *[text("Gone.")] * 5], work)
    result = play(floor, cap={"haiku.calls": 2, "haiku.seconds": 1.2}, workers=2)
    assert reached(result) == [("calls", "haiku"), ("seconds", "haiku")]
    assert [(a.outcome, a.error) for a in result["2"].attempts] == [
        ("limit", "The cap of all haiku workers of 1.2 s (haiku.seconds) is reached.")
    ]
    assert result.seconds is not None and result.seconds < 15
