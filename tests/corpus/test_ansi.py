"""The rows about characters that are no letters: codes for terminals, hidden text, halves of characters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.gate import ONCE
from conductor_magic.journal import Journal, read_records
from conductor_magic.testing import web_stub
from tests.corpus.checks import HIDDEN
from tests.corpus.play import play
from tests.corpus.rows import rows
from tests.corpus.stages import Stages
from tests.corpus.stand import Stand, browser, stand
from tests.corpus.test_html import squeezed
from tests.corpus.views import PLACES, Drawn
from tests.corpus.world import World
from tests.golden.script import Script

__all__ = ["browser", "stand"]

Json = dict[str, Any]
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What must not come raw into a view."""


def of(*surfaces: str) -> list[Json]:
    """The rows of these surfaces."""
    return [row for row in rows("ansi") if row["surface"] in surfaces]


@pytest.mark.browser
@pytest.mark.parametrize(
    "row", [row for row in rows("ansi") if row["surface"] in PLACES.keys() - {"web_page"}], ids=lambda row: row["id"]
)
def test_views(stand: Stand, row: Json, tmp_path: Path) -> None:
    """No view has a raw code in it, and what can be read of the text is seen."""
    text = row["input"]["text"]
    run = Drawn(row["surface"], text, tmp_path)
    probes = stand.probes(run, text)
    assert [RAW.findall(view) for view in (*(probe["raw"] for probe in probes), run.text())] == [[]] * (len(probes) + 1)
    if "text_visible" in row["checks"]:
        assert any(squeezed(text) in squeezed(probe["text"]) for probe in probes)
    assert (stand.reached(), stand.page_errors) == ([], [])


@pytest.mark.parametrize("row", of("approval"), ids=lambda row: row["id"])
def test_approval(stages: Stages, row: Json) -> None:
    """What a person is asked to allow shows every character, and does not run without a yes."""
    assert stages.judge(row) == []


@pytest.mark.parametrize("row", of("web_page"), ids=lambda row: row["id"])
def test_web_page(row: Json, world: World) -> None:
    """A page's hidden characters do not reach the model; the rest of its text does."""
    page = f"<p>A page. {row['input']['text']} Its end.</p>".encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\ncontent-length: "
    site = world.sink
    site.answer = head + str(len(page)).encode() + b"\r\n\r\n" + page
    call = ("WebFetch", {"url": "http://page.test/"})
    with web_stub({"page.test": ["93.184.215.14"]}, {("93.184.215.14", 80): (site.host, site.port)}):
        played = play(world, "workspace", lambda: [[call]], person=lambda question: ONCE)
    told = played.told[0]
    assert not told.is_error, told.text
    assert "A page." in told.text and "Its end." in told.text
    assert HIDDEN.findall(told.text) == []
    assert HIDDEN.findall(played.sent) == []


@pytest.mark.parametrize("row", of("journal_value"), ids=lambda row: row["id"])
def test_journal_value(row: Json, tmp_path: Path) -> None:
    """A value that is no whole text is written, read back, folded to the same state and drawn."""
    text = row["input"]["text"]
    journal = Journal(tmp_path / "run")
    for record in Script().start().plan().at(5).work("1", 1).at(14).result("1", text).end("1", text).records:
        journal.append(record.event)
    journal.append(e.RunNoted(text=text))
    journal.close()
    records, tail = read_records(journal.path)
    assert (records, tail) == (journal.records, b"")
    assert fold(records) == journal.state
    assert Drawn("tool_output", text, tmp_path).text()


def test_every_surface_is_played() -> None:
    """No row of this category has a surface that no test here plays."""
    assert {row["surface"] for row in rows("ansi")} <= {*PLACES, "approval", "web_page", "journal_value"}
