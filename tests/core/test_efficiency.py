"""The token report: every figure of it is one that a provider counted."""

from __future__ import annotations

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.report.efficiency import efficiency
from tests.golden.script import Script


def ended(prompt: int, output: int, by: str = "conductor", *, aside: bool = False) -> e.RequestEnded:
    """A reply and the tokens that were counted."""
    return e.RequestEnded(
        request="r", by=by, model="m", stop="end_turn", input_tokens=prompt, output_tokens=output, aside=aside
    )


def test_growth_goes_from_the_first_prompt_that_was_counted_after_a_compaction() -> None:
    """What it was estimated to leave, larger or smaller, has no part in it; neither has the note's own request."""
    for estimate in (10, 5_000):
        script = Script().start().at(0)
        script.add(
            ended(100, 10),
            ended(500, 20),
            ended(520, 50, aside=True),
            e.ContextCompacted(by="conductor", before=900, after=estimate, summary=""),
            ended(200, 5),
            ended(300, 10),
        )
        report = efficiency(script.records, fold(script.records))
        assert report["conductor"] == {"peak_tokens": 520, "tokens": 110 + 520 + 570 + 205 + 310}
        assert report["solo_context"] == 100 + (520 - 100) + (310 - 200)
        assert report["compactions"] == [{"by": "conductor", "before": 900, "after": estimate, "kept": []}]
