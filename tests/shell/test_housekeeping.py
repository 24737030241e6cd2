"""Runs archived, restored and cleaned away: named first, never while somebody drives them, and nothing is lost."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.commands import archive, clean, restore, runs
from conductor_magic.errors import ConductUsageError
from conductor_magic.housekeeping import age_in_seconds, size_of, size_words
from conductor_magic.journal import NAME
from conductor_magic.result import ConductResult
from conductor_magic.settings import archive_folder, run_folders
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, text


def a_run(play: Play) -> ConductResult:
    return play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))


def aged(result: ConductResult, days: float) -> Path:
    """The run's folder, as if it had ended so many days ago."""
    folder = Path(result.path)
    then = time.time() - days * 86_400
    os.utime(folder / NAME, (then, then))
    return folder


def test_an_archived_run_comes_back_as_it_was(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    """Its folder is gone meanwhile, and whoever asks for it is told where it is."""
    result = a_run(play)
    folder = Path(result.path)
    (folder / "artifacts" / "note.txt").write_text("kept")
    archive.run(None, [result.id])
    assert f"%conduct restore {result.id}" in capsys.readouterr().out
    assert not folder.exists()
    assert [file.stat().st_mode & 0o777 for file in archive_folder().iterdir()] == [0o600]
    with pytest.raises(ConductUsageError, match=f"is archived: %conduct restore {result.id}"):
        load(result.id)
    restore.run(None, [result.id])
    assert load(result.id).model_dump(mode="json") == result.model_dump(mode="json")
    assert (folder / "artifacts" / "note.txt").read_text() == "kept"
    assert (folder.stat().st_mode & 0o777, list(archive_folder().iterdir())) == (0o700, [])


def test_what_is_not_what_was_packed_is_not_kept(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stays where it is when its archive does not read back the same."""
    result = a_run(play)
    write = zipfile.ZipFile.write

    def less(self: zipfile.ZipFile, path: Path, name: Any) -> None:
        if path.name != NAME:
            write(self, path, name)

    monkeypatch.setattr(zipfile.ZipFile, "write", less)
    with pytest.raises(ConductUsageError, match="is not what was packed"):
        archive.run(None, [result.id])
    assert (Path(result.path) / NAME).is_file()
    assert list(archive_folder().iterdir()) == []


def test_a_run_that_goes_on_is_left_alone(begin: Begin) -> None:
    """It is neither archived nor cleaned away, however old its journal looks."""
    run = begin(Floor([lay_out({"a": ()})], lambda task, turn, body: Answer(then="stall")))
    with pytest.raises(ConductUsageError, match="still going"):
        archive.run(None, [run.id])
    os.utime(run.folder / NAME, (0, 0))
    clean.run(None, ["--older-than", "1h", "--yes"])
    assert (run.folder / NAME).is_file()


def test_half_a_deleted_run_is_none(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stops the deletion, what is left of the run is not listed and not found."""
    folder = aged(a_run(play), 31)
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    clean.run(None, ["--older-than", "30d", "--yes"])
    assert [path.name for path in folder.parent.iterdir()] == [f".{folder.name}.gone"]
    assert run_folders() == []


def test_old_runs_are_named_and_deleted_only_with_a_yes(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    """The younger one stays; the same line without --yes, or with --dry-run, deletes nothing."""
    old, young = a_run(play), a_run(play)
    folder = aged(old, 31)
    for line in (["--older-than", "30d"], ["--dry-run", "--older-than", "4w"]):
        clean.run(None, line)
        said = capsys.readouterr().out
        assert f"{old.id}    31 d  {size_words(size_of(folder)):>7}" in said
        assert young.id not in said
        assert "1 run, " in said and "Nothing was deleted" in said
        assert folder.exists()
    clean.run(None, ["--older-than", "30d", "--yes"])
    said = capsys.readouterr().out
    assert old.id in said and "deleted." in said
    assert [path.name for path in run_folders()] == [young.id]
    clean.run(None, ["--older-than", "30d", "--yes"])
    assert capsys.readouterr().out == "No run is older than 30d.\n"


def test_the_list_says_how_large_each_run_is(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    """Status, cost, age and size, a line each."""
    result = a_run(play)
    runs.run(None, [])
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "age", "status", "cost", "size", "goal"]
    assert line.startswith(result.id) and "completed" in line and size_words(size_of(Path(result.path))) in line


@pytest.mark.parametrize("age", ["30", "0d", "-1d", "1y", "٣d", "d", "30 d"])
def test_an_odd_age_is_refused(age: str) -> None:
    with pytest.raises(ConductUsageError, match="12h, 30d or 4w"):
        age_in_seconds(age)


@pytest.mark.parametrize("words", [["30d", "x"], ["--older-than", "30d", "--all"], ["--yes", "--older-than"]])
def test_an_odd_line_is_refused(words: list[str]) -> None:
    with pytest.raises(ConductUsageError, match="Write %conduct clean --older-than 30d"):
        clean.run(None, words)


@pytest.mark.parametrize("name", ["nothing", "../runs/x", ""])
def test_what_was_never_archived_is_not_restored(name: str) -> None:
    with pytest.raises(ConductUsageError, match="no archived run"):
        restore.run(None, [name])


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (4_100, "4.1 kB"), (27_400_000, "27 MB"), (3e15, "3000 TB")]
)
def test_sizes_for_people(size: int, words: str) -> None:
    assert size_words(size) == words
