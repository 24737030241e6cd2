"""Runs archived, restored and cleaned away: named first, never while somebody drives them, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.commands import archive, clean, restore, runs
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import RunNoted
from conductor_magic.housekeeping import age_in_seconds, held, housekeeping, size_of, size_words
from conductor_magic.journal import NAME, Journal
from conductor_magic.result import ConductResult
from conductor_magic.settings import archive_folder, run_folders, runs_folder
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, text
from tests.support.small_runs import recorded


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


def test_half_a_deleted_run_is_none(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever stops the deletion, what is left of the run is not listed and not found, and goes the next time."""
    folder = aged(a_run(play), 31)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda path: None)
        clean.run(None, ["--older-than", "30d", "--yes"])
    [rest] = folder.parent.iterdir()
    assert rest.name.startswith(f".{folder.name}.") and rest.name.endswith(".gone")
    assert run_folders() == []
    assert f"is off the list, but not all of it can be deleted: see {rest}." in capsys.readouterr().out
    with housekeeping():
        assert list(folder.parent.iterdir()) == []


def test_what_is_gone_on_with_meanwhile_stays_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named as old, then taken up by somebody, who may have finished by now: the others go, and what went is said."""
    old = [recorded(name, days=31) for name in ("r1", "r2", "r3", "r4")]
    journals: list[Journal] = []

    def go_on(listed: str) -> None:
        if listed.startswith(("r2", "r3")):
            journals.append(Journal.go_on(runs_folder() / listed[:2]))
            journals[-1].append(RunNoted(text="work"))
        if listed.startswith("r3"):
            journals[-1].close()

    monkeypatch.setattr("builtins.print", lambda text, told=print: (told(text), go_on(str(text))))
    clean.run(None, ["--older-than", "30d", "--yes"])
    said = capsys.readouterr().out.splitlines()[4:]
    assert said[:2] == [
        "Run r2 is still going: wait for it, or cancel it first.",
        "Run r3 was gone on with just now: it stays.",
    ]
    assert said[2].startswith("2 runs, ") and said[2].endswith(": deleted.")
    assert run_folders() == old[1:3]
    journals[0].close()


def test_what_was_deleted_is_said_however_it_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person who stops it in the middle is told what went."""
    first, second = recorded("r1", days=31), recorded("r2", days=31)
    size = size_words(size_of(first))
    rmtree = shutil.rmtree

    def interrupted(path: Path) -> None:
        if path.name.startswith(".r2"):
            raise KeyboardInterrupt
        rmtree(path)

    monkeypatch.setattr("shutil.rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clean.run(None, ["--older-than", "30d", "--yes"])
    assert capsys.readouterr().out.splitlines()[-1] == f"1 run, {size}: deleted."
    assert not first.exists() and not second.exists()


def test_nobody_goes_on_with_a_run_that_is_being_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before it is off the list, and not after: what was recorded then would be lost."""
    folder = recorded("r1", days=31)
    rename, refused = os.rename, []

    def watched(source: Any, target: Any) -> None:
        for move in (lambda: None, lambda: rename(source, target)):
            move()
            for place in (source, target):
                if (Path(place) / NAME).exists():
                    with pytest.raises(ConductUsageError) as error:
                        Journal.go_on(Path(place))
                    refused.append(str(error.value))

    monkeypatch.setattr("os.rename", watched)
    clean.run(None, ["--older-than", "30d", "--yes"])
    assert len(refused) == 2 and all("is going on in" in text for text in refused)
    assert not folder.exists()


@pytest.mark.parametrize("again", [False, True])
def test_whoever_waited_for_a_journal_that_went_does_not_write_to_it(
    again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted, or another stands in its place, while somebody waited for it."""
    folder = recorded("r1")
    holder = Journal.go_on(folder)

    def wait(seconds: float) -> None:
        if folder.exists() and not (folder.parent / "gone").exists():
            folder.rename(folder.parent / "gone")
            if again:
                shutil.copytree(folder.parent / "gone", folder)
            holder.close()

    monkeypatch.setattr("time.sleep", wait)
    with pytest.raises(ConductUsageError, match="Run r1 was archived or deleted just now"):
        Journal.go_on(folder)


def test_a_run_that_cannot_be_looked_at_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, and the others are listed and cleaned away."""
    recorded("r1", days=31)
    (runs_folder() / "r2").mkdir()
    (runs_folder() / "r2" / NAME).symlink_to("x" * 300)  # which the system cannot look up
    runs.run(None, [])
    said = capsys.readouterr().out
    assert "r1  " in said and re.search("r2 +unreadable .*File name too long", said)
    clean.run(None, ["--older-than", "30d", "--yes"])
    said = capsys.readouterr().out
    assert "Left alone: r2, whose age is not known: File name too long" in said and "1 run, " in said
    assert [folder.name for folder in run_folders()] == ["r2"]


def test_a_link_to_a_run_is_not_cleaned_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it leads to is somebody else's."""
    elsewhere = recorded("r1", days=31).rename(tmp_path / "elsewhere")
    (runs_folder() / "r1").symlink_to(elsewhere)
    clean.run(None, ["--older-than", "30d", "--yes"])
    assert capsys.readouterr().out == "No run is older than 30d.\n"
    assert (runs_folder() / "r1" / NAME).is_file()


def test_only_one_keeps_house(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever comes second is told, and touches nothing; a child that was forked meanwhile keeps nobody out."""
    folder, other = recorded("r1", days=31), recorded("r2")
    read, write = os.pipe()
    with housekeeping(), held(other):
        child = os.fork()
        if child == 0:
            os.close(write)
            os.read(read, 1)  # until its parent closes the other end, or ends
            os._exit(0)
        for command, words in ((archive, ["r1"]), (restore, ["r1"]), (clean, ["--older-than", "30d", "--yes"])):
            with pytest.raises(ConductUsageError, match="being archived, restored or deleted just now"):
                command.run(None, words)
    assert folder.exists() and "deleted" not in capsys.readouterr().out
    archive.run(None, ["r1"])
    archive.run(None, ["r2"])
    os.close(write)
    os.waitpid(child, 0)
    os.close(read)


def test_what_was_left_half_done_is_cleared_away() -> None:
    """Of a deletion, a restoration, an archive; what has another name, and what a link leads to, stays.

    So does a run that a person called as our half-done archives are.
    """
    folder = recorded("r1")
    recorded("precious.partial")
    archive_folder().mkdir()
    for name in (".r1.gone", ".r2.abc.gone", ".r2.restored", "r3.gone", ".other"):
        (folder.parent / name / "deep").mkdir(parents=True)
        (folder.parent / name / "deep" / "file").touch()
    (folder.parent / ".link.gone").symlink_to(folder.parent / ".other")
    (archive_folder() / "r2.partial").touch()
    with housekeeping():
        assert sorted(path.name for path in folder.parent.iterdir()) == [".other", "precious.partial", "r1", "r3.gone"]
        assert (folder.parent / ".other" / "deep" / "file").exists()
        assert list(archive_folder().iterdir()) == []


def test_old_runs_are_named_and_deleted_only_with_a_yes(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    """The younger one stays; the same line without --yes, or with --dry-run, deletes nothing."""
    old, young = a_run(play), a_run(play)
    folder = aged(old, 31)
    for line in (["--older-than", "30d"], ["--older-than=30d"], ["--dry-run", "--older-than", "4w"]):
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


def test_the_list_tells_a_run_that_goes_on_from_one_that_was_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    """By its journal, which somebody holds; by nothing that a killed process has left."""
    journal = Journal.go_on(recorded("r1"))
    recorded("r2")
    runs.run(None, [])
    _, first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[0], "running" in first, "interrupted" in first) == ("r1", True, False)
    assert (second.split()[0], "running" in second, "interrupted" in second) == ("r2", False, True)
    journal.close()
    runs.run(None, [])
    assert capsys.readouterr().out.count("interrupted") == 2


@pytest.mark.parametrize("age", ["30", "0d", "-1d", "1y", "٣d", "d", "30 d"])
def test_an_odd_age_is_refused(age: str) -> None:
    with pytest.raises(ConductUsageError, match="12h, 30d or 4w"):
        age_in_seconds(age)


@pytest.mark.parametrize(
    "words", [["30d", "x"], ["--older-than", "30d", "--all"], ["--yes", "--older-than"], ["--older-than=1d", "x"]]
)
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
