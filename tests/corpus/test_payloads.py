"""Every hostile text of the corpus in every place at once: goal, subject, tool output, report, answer, artifacts.

On the live board, in its past, and in the static pictures; `tests/browser/test_hostile_text.py` has the same texts in a
notebook that is reopened and exported.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.rows import payloads
from tests.corpus.stand import Stand, browser, stand
from tests.corpus.test_ansi import RAW
from tests.corpus.test_html import squeezed, wrong_with
from tests.corpus.views import Drawn

__all__ = ["browser", "stand"]

pytestmark = pytest.mark.browser
EVERYWHERE = "everywhere"
# An artifact is a picture only where its file can be painted; what it says instead of one is text.
EITHER = {"img", "p", "code"}


def test_there_are_many() -> None:
    """At least sixty, no two alike."""
    assert len(payloads()) >= 60


def reads(text: str) -> str:
    """The text as it reads; the mark of the bytes' order is a blank to a browser."""
    return squeezed(text.replace("\ufeff", ""))


# A quarter of them at every change: they are as different as they come.
@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=pytest.mark.slow) if n % 4 else n for n in range(len(payloads()))]
)
def test_payload(stand: Stand, number: int, tmp_path: Path) -> None:
    """It is seen, it is text and nothing else, no code in it is raw, and nobody is asked for anything."""
    text = payloads(stand.names())[number]
    run = Drawn(EVERYWHERE, text, tmp_path)
    probes = stand.probes(run, text)
    for probe, plain in zip(probes, stand.plain(EVERYWHERE, tmp_path), strict=True):
        assert wrong_with(probe, {**plain, "tags": [*plain["tags"], *EITHER]}, EVERYWHERE) == []
    assert [RAW.findall(view) for view in (*(probe["raw"] for probe in probes), run.text())] == [[]] * (len(probes) + 1)
    seen = [number for number, probe in enumerate(probes) if reads(text)[:60] in reads(probe["text"])]
    # The static pictures, the live board and its past; the tab of the output in both.
    assert {0, 1, 4, 6, 9} <= {*seen}
    assert (stand.reached(), stand.page_errors) == ([], [])
