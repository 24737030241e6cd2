"""A recorded run that is looked at while somebody ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_magic import journal as journals
from conductor_magic import result as results
from conductor_magic.api import load
from conductor_magic.journal import Journal
from tests.shell.conftest import Play
from tests.shell.test_resume import cut
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import text


@pytest.mark.parametrize("ends", ["before", "after"])
def test_a_run_that_ends_while_its_record_is_read_was_never_interrupted(
    play: Play, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """It is going on, or has ended as it did, whichever side of the reading its last record falls on."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    *others, last = whole.events
    folder = cut(whole, len(others), "live")
    driver = Journal.go_on(folder)
    read = journals.read_state

    def end() -> None:
        driver.append(last.event)
        driver.close()

    def read_meanwhile(path: Path) -> Any:
        if ends == "before":
            end()
        found = read(path)
        if ends == "after":
            end()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(journals, "read_state", read_meanwhile)
        assert load(str(folder)).status == ("completed" if ends == "before" else "running")
    assert load(str(folder)).status == "completed"


def test_the_same_of_a_replay(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board that it shows is not that of an interrupted run either."""
    whole = play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))
    *others, last = whole.events
    folder = cut(whole, len(others), "live")
    driver = Journal.go_on(folder)
    result, read = load(str(folder)), results.read_state

    def read_meanwhile(path: Path) -> Any:
        found = read(path)
        monkeypatch.setattr(results, "read_state", read)
        driver.append(last.event)
        driver.close()
        return found

    monkeypatch.setattr(results, "read_state", read_meanwhile)
    assert "Interrupted" not in repr(result.replay())
    assert "Completed" in repr(result.replay())
