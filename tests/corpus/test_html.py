"""The rows about markup: wherever a run shows a text it is text, in the static pictures and on the live board."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.report.words import clean
from tests.corpus.play import play
from tests.corpus.rows import expand, rows
from tests.corpus.stand import Stand, browser, stand
from tests.corpus.views import PLACES, Drawn
from tests.corpus.world import World

__all__ = ["browser", "stand"]

pytestmark = pytest.mark.browser
Json = dict[str, Any]


def text_of(row: Json, stand: Stand, world: World) -> str:
    """The row's text as a run would come to show it."""
    text = expand(row["input"]["text"], stand.names())
    if row["surface"] != "python_display":
        return text
    # What the Python tool makes of a worker's rich display is what the run shows.
    code = f"from IPython.display import display\ndisplay({text!r}, raw=True)\nprint('displayed')"
    played = play(world, "workspace", lambda: [[("Python", {"code": code})]])
    assert "displayed" in played.told[0].text
    assert {artifact.mime for artifact in played.result.artifacts.values()} <= {"image/png", "text/plain"}
    return played.told[0].text


MARKDOWN_PLACES = ("markdown_result", "everywhere")
MARKDOWN = {"p", "ul", "ol", "li", "h4", "h5", "pre", "code", "strong", "em", "del", "blockquote", "hr"}
"""Elements that the Markdown of an answer may become: nothing that acts, loads or leads anywhere."""


def wrong_with(probe: Json, plain: Json, place: str) -> list[str]:
    """What a text has become that it must not."""
    may = MARKDOWN if place in MARKDOWN_PLACES else set[str]()
    made = Counter(map(str.lower, probe["tags"])) - Counter(map(str.lower, plain["tags"]))
    found = [f"{name}: {probe[name]}" for name in ("active", "handlers", "links") if probe[name] != plain[name]]
    found += ["its script ran"] if probe["pwned"] else []
    found += [f"it made elements: {made}"] if made.keys() - may else []
    return found


def squeezed(text: str) -> str:
    """The text as it reads, blanks aside."""
    return re.sub(r"\s+", "", clean(text))


def reads(text: str, place: str) -> str:
    """The same, of an answer without the signs of Markdown: those have become what they stand for."""
    return re.sub(r"[-#*`>]|\d\.", "", squeezed(text)) if place == "markdown_result" else squeezed(text)


@pytest.mark.parametrize("row", rows("html"), ids=lambda row: row["id"])
def test_row(stand: Stand, row: Json, world: World, tmp_path: Path) -> None:
    """The text is seen, and is nothing but text, in every view."""
    place = row["surface"]
    assert place in PLACES, f"no view shows {place}"
    text = text_of(row, stand, world)
    probes = stand.probes(Drawn(place, text, tmp_path), text)
    for probe, plain in zip(probes, stand.plain(place, tmp_path), strict=True):
        assert wrong_with(probe, plain, place) == []
    shown = [probe["text"] for probe in probes]
    if "text_visible" in row["checks"]:
        assert any(reads(text, place) in reads(view, place) for view in shown), shown
    if "text_visible_exact" in row["checks"]:
        assert text in shown[0]
        assert any(text in view for view in shown[1:])
    assert (stand.reached(), stand.page_errors) == ([], [])
