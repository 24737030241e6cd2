"""The rows about journals: what a damaged or a stranger's record is read as, and what a resumption or a replay does.

Each row is played in all its readings (`journal_rows.py`) on the journals of a run of twenty tasks of our own. A run is
loaded, its artifacts are opened, it is shown, replayed and resumed, all of it as a person would.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.journal import NAME
from tests.corpus.journal_checks import CHECKS, EXPECT
from tests.corpus.journal_play import Played, play
from tests.corpus.journal_rows import mutated
from tests.corpus.rows import rows
from tests.corpus.world import World
from tests.support.messages_server import MessagesServer
from tests.support.recorded import killed, recorded, twenty_tasks

Json = dict[str, Any]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the rows' journals by name, as our recorder wrote them; the workspace beside them."""
    home = tmp_path_factory.mktemp("recorded")
    finished = recorded(home / "data", home / "ws")
    return {"finished_20_tasks": finished, "killed_mid_run_20_tasks": killed(finished, "killed")}


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessagesServer]:
    """The models of the runs."""
    with MessagesServer(twenty_tasks) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield server


def playing(row: Json, bases: dict[str, Path], world: World, models: MessagesServer) -> Iterator[tuple[str, Played]]:
    """Every reading of the row, played."""
    given = world.expanded(row["input"])
    base = bases[given["base"]]
    if given.get("replace_with") == "dir":
        folder = world.data / "runs" / row["setup"][0]["name"]
        (folder / NAME).mkdir(parents=True)
        yield "", play(row, Played(folder), models)
        return
    readings = list(mutated((base / NAME).read_bytes(), given["mutate"], world.out / "secret.txt"))
    assert readings
    for number, (what, content) in enumerate(readings):
        folder = world.data / "runs" / f"{base.name}-{number}"
        shutil.copytree(base, folder)
        (folder / NAME).write_bytes(content)
        yield what, play(row, Played(folder, what, content), models)


@pytest.mark.parametrize("row", rows("journal"), ids=lambda row: row["id"])
def test_row(row: Json, bases: dict[str, Path], world: World, models: MessagesServer) -> None:
    """The row ends as it must in each of its readings, and all of its checks hold."""
    assert EXPECT.keys() >= {row["expect"]} and CHECKS.keys() >= {*row["checks"]}
    base = (bases[row["input"]["base"]] / NAME).read_bytes()
    readings = 0
    for what, played in playing(row, bases, world, models):
        assert EXPECT[row["expect"]](row, played) == [], what
        for check in row["checks"]:
            assert CHECKS[check](played, base, world), f"{check} {what}: {played.said} {played.acts}"
        readings += 1
    assert readings
