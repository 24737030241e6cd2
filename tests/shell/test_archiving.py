"""Runs go into archives and come back whole: nothing goes before what replaces it is on the disk and was read."""

from __future__ import annotations

import os
import resource
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conductor_magic.archiving import archive, restore
from conductor_magic.commands import clean, runs
from conductor_magic.errors import ConductUsageError, JournalDamaged
from conductor_magic.events import RunNoted
from conductor_magic.journal import NAME, Journal, read_records
from conductor_magic.settings import archive_folder, data_folder, find_run, runs_folder
from tests.support.small_runs import recorded


def picture(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder below a folder: mode, moment to the two seconds that a zip knows, content."""
    found: dict[str, tuple[int, int, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = stat.S_IMODE(status.st_mode), int(status.st_mtime) // 2, content
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """A disk on which no file grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def watched_disk(patch: pytest.MonkeyPatch, seen: Callable[[str, Path], None]) -> Iterator[None]:
    """Tell of what is about to be synced, renamed and unlinked."""
    fsync, rename, unlink = os.fsync, os.rename, os.unlink

    def synced(handle: int) -> None:
        seen("sync", Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        seen("rename", Path(source))
        rename(source, target)

    def unlinked(path: Path, *, dir_fd: int | None = None) -> None:
        seen("unlink", Path(path))
        unlink(path, dir_fd=dir_fd)

    with patch.context() as within:
        within.setattr(os, "fsync", synced)
        within.setattr(os, "rename", renamed)
        within.setattr(os, "unlink", unlinked)
        yield


def test_all_of_a_run_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Empty folders, modes and moments too, so that `clean` and `runs` still know its age."""
    folder = recorded("r1", days=31)
    (folder / "artifacts" / "empty").mkdir(parents=True)
    secret = folder / "artifacts" / "secret.txt"
    secret.write_bytes(os.urandom(3_000_000))
    secret.chmod(0o640)
    os.utime(secret, (10**9, 10**9))
    (folder / "owner").chmod(0o400)
    (folder / "artifacts").chmod(0o750)
    before = picture(folder)
    archive(folder)
    assert names(runs_folder()) == []
    assert restore("r1") == folder
    assert picture(folder) == before
    assert (stat.S_IMODE(folder.stat().st_mode), names(runs_folder()), names(archive_folder())) == (0o700, ["r1"], [])
    runs.run(None, [])
    clean.run(None, ["--older-than", "30d"])
    assert capsys.readouterr().out.count("31 d") == 2


def test_nothing_goes_before_what_replaces_it_is_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive and its name before the run's folder; all of the run's files and folders before the archive."""
    folder = recorded("r1")
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "note.txt").write_text("kept")
    log: list[tuple[str, str]] = []
    with watched_disk(monkeypatch, lambda what, path: log.append((what, path.name))):
        archive(folder)
    log = [(what, "r1.partial" if name.endswith(".partial") else name) for what, name in log]
    rename = log.index(("rename", "r1"))
    assert {("sync", "r1.partial"), ("sync", "archive"), ("sync", data_folder().name)} <= set(log[:rename])
    log.clear()
    with watched_disk(monkeypatch, lambda what, path: log.append((what, path.name))):
        restore("r1")
    rename = log.index(("rename", "r1"))
    assert {("sync", name) for name in (NAME, "owner", "note.txt", "artifacts", "r1")} <= set(log[:rename])
    assert log[rename + 1 : rename + 3] == [("sync", "runs"), ("unlink", "r1.zip")]


def test_nobody_goes_on_with_a_run_that_is_being_archived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be recorded meanwhile would be lost; and nobody else archives it either."""
    folder = recorded("r1")
    refused: list[str] = []

    def meddle(what: str, path: Path) -> None:
        if folder.exists():
            for act in (lambda: Journal.go_on(folder).append(RunNoted(text="paid for")), lambda: archive(folder)):
                with pytest.raises(ConductUsageError) as error:
                    act()
                refused.append(str(error.value))

    with watched_disk(monkeypatch, meddle):
        archive(folder)
    assert len(refused) >= 6  # around the archive's sync, its folder's, and the rename
    assert all("is going on in" in text or "just now: try again" in text for text in refused)
    assert len(read_records(restore("r1") / NAME)[0]) == 2


def test_a_run_that_is_going_on_is_not_archived() -> None:
    folder = recorded("r1")
    journal = Journal.go_on(folder)
    with pytest.raises(ConductUsageError, match="Run r1 is still going: wait for it, or cancel it first"):
        archive(folder)
    journal.close()
    archive(folder)


def test_only_runs_of_the_list_are_archived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a folder elsewhere, nor a link to one; but a home that is itself a link is one."""
    elsewhere = recorded("r1").rename(tmp_path / "elsewhere")
    link = runs_folder() / "r1"
    link.symlink_to(elsewhere)
    for folder in (elsewhere, link, find_run("r1"), find_run(str(link))):
        with pytest.raises(ConductUsageError, match="only runs recorded there are archived"):
            archive(folder)
    assert (elsewhere / NAME).is_file() and link.is_symlink()
    folder = recorded("r2")
    (tmp_path / "home").symlink_to(data_folder())
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    archive(find_run(str(folder)))
    assert names(archive_folder()) == ["r2.zip"]


@pytest.mark.parametrize("odd", [b"\xff.txt", b"link", b"pipe"])
def test_what_no_archive_can_hold_is_named_and_stays(odd: bytes) -> None:
    """A name that is not UTF-8, a link, a pipe: nothing of the run is left out silently."""
    folder = recorded("r1")
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + odd))
    match odd:
        case b"link":
            path.symlink_to("owner")
        case b"pipe":
            os.mkfifo(path)
        case _:
            path.touch()
    with pytest.raises(ConductUsageError, match=r"not UTF-8: rename|neither a file nor a folder: take it out") as error:
        archive(folder)
    assert str(error.value).isprintable()
    assert os.path.lexists(path) and names(archive_folder()) == []


def test_what_would_not_come_out_again_is_not_archived() -> None:
    """A damaged record, an empty one, and what would unpack to too much of nothing."""
    damaged = recorded("r1")
    journal = damaged / NAME
    journal.write_bytes(journal.read_bytes().replace(b"Do it.", b"Do so."))
    with pytest.raises(JournalDamaged):
        archive(damaged)
    empty = runs_folder() / "r2"
    empty.mkdir()
    (empty / NAME).touch()
    with pytest.raises(ConductUsageError, match="Run r2 has no whole record: there is nothing to archive"):
        archive(empty)
    swollen = recorded("r3")
    with (swollen / "zeros").open("wb") as file:
        file.truncate(101_000_000)
    with pytest.raises(ConductUsageError, match=r"Run r3 stays where it is: .* too good to be true"):
        archive(swollen)
    assert names(runs_folder()) == ["r1", "r2", "r3"] and names(archive_folder()) == []


def test_a_disk_that_takes_no_more_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archiving and restoring are told off in one line, and leave what was there, and nothing else."""
    folder = recorded("r1")
    (folder / "noise").write_bytes(os.urandom(1_000_000))
    before = picture(folder)
    with no_file_over(900_000), pytest.raises(ConductUsageError, match="Run r1 stays where it is: File too large"):
        archive(folder)
    assert picture(folder) == before and names(archive_folder()) == []
    with monkeypatch.context() as patch, pytest.raises(ConductUsageError, match="Run r1 stays where it is: broken"):
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(5, "broken")))
        archive(folder)
    assert picture(folder) == before and names(archive_folder()) == []
    packed = archive(folder)
    with no_file_over(900_000), pytest.raises(ConductUsageError, match=r"Run r1 stays in its archive .*: File too"):
        restore("r1")
    assert names(runs_folder()) == [] and packed.exists()
    assert picture(restore("r1")) == before


def test_a_run_is_restored_by_what_names_it() -> None:
    """The beginning of its id, the archive's path, or `last`; several of one beginning are named, the latest first."""
    packed = {run: archive(recorded(run)) for run in ("20261123-a", "20261124-b", "20261124-c", "20261124-cc")}
    with pytest.raises(
        ConductUsageError, match=r"3 archived runs begin with '20261124': .* 20261124-cc, 20261124-c, 2"
    ):
        restore("20261124")
    with pytest.raises(ConductUsageError, match=r"no archived run '20261123-x' in .* Did you mean 20261123-a"):
        restore("20261123-x")
    for named in ("last", "20261123", str(packed["20261124-b"]), "20261124-c"):
        restore(named)
    assert sorted(names(runs_folder())) == sorted(packed) and names(archive_folder()) == []


def test_a_run_is_not_restored_onto_another() -> None:
    """Nor onto an empty folder, or a link that leads nowhere."""
    packed = archive(recorded("r1"))
    folder = runs_folder() / "r1"
    for make in (lambda: recorded("r1"), folder.mkdir, lambda: folder.symlink_to("nowhere")):
        make()
        with pytest.raises(ConductUsageError, match=r"There is a run r1 already: its archive .* stays as it is"):
            restore("r1")
        assert packed.exists()
        folder.rename(runs_folder() / f"was-{time.monotonic_ns()}")


def test_archived_runs_are_listed_and_found(capsys: pytest.CaptureFixture[str]) -> None:
    """By their size, with the way back, also where no other run is left; by the beginning of an id too."""
    sizes = {run: archive(recorded(run)).stat().st_size for run in ("20261123-a", "20261124-b")}
    runs.run(None, [])
    assert capsys.readouterr().out.splitlines() == [
        "Archived; %conduct restore RUN brings one back:",
        *(f"{run}  {size} B" for run, size in sizes.items()),
    ]
    with pytest.raises(ConductUsageError, match="Run 20261124-b is archived: %conduct restore 20261124-b brings"):
        find_run("20261124")
    for text in ("last", "2026"):
        with pytest.raises(ConductUsageError, match=f"no run '{text}': all are archived, and %conduct runs lists"):
            find_run(text)
    recorded("20261125-c")
    runs.run(None, [])
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("20261125-c") and said[2].startswith("Archived; ") and len(said) == 5
