"""The run that the board's benchmark plays: what is sent leads a view to the picture that it should have."""

from __future__ import annotations

import json

from bench.board_run import TICK, Play, messages
from conductor_magic.patches import patched
from conductor_magic.snapshot import snapshot


def test_the_messages_of_a_played_run_lead_to_its_last_picture() -> None:
    """Whole pictures, patches in their order, and lines; in a run in which work is tried again and people are asked."""
    play = Play(20, 5, 20)
    shown, lines, number = {}, {}, 0
    kinds: list[str] = []
    for sent in messages(play, 31.0, 29.0):
        message = json.loads(json.dumps(sent, allow_nan=False))
        kinds.append(message["kind"])
        if message["kind"] == "snap":
            shown, lines, number = message["snapshot"], message["lines"], message["n"]
        else:
            assert message["base"] == number
            shown, lines, number = patched(shown, message["changes"]), lines | message["lines"], message["n"]
        assert shown == snapshot(play.state, play.clock)
        assert lines.items() >= play.lines.items()
        if message["kind"] == "snap":
            assert lines.keys() <= {worker.id for worker in play.state.running}
    assert number == round(60 / TICK)
    assert (kinds[0], kinds.count("snap"), len(kinds)) == ("snap", 4, 581)
    assert play.state.status == "completed"
    assert len(play.state.workers) > len(play.state.tasks) == 20
    assert play.state.questions
