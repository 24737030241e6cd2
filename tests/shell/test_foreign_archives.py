"""Archives that are broken, or that somebody else packed: no more than a run's folder ever comes out of one."""

from __future__ import annotations

import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from conductor_magic.archiving import archive, restore
from conductor_magic.errors import ConductUsageError
from conductor_magic.journal import NAME, read_records
from conductor_magic.settings import archive_folder, data_folder, run_folders, runs_folder
from tests.support.small_runs import recorded


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def record_of_a_run() -> bytes:
    """What is in the journal of some run."""
    folder = recorded("other")
    content = (folder / NAME).read_bytes()
    folder.rename(data_folder() / "other")
    return content


def packed_by_another(*entries: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644, kind: int = 8) -> Path:
    """An archive of run `r1` with a sound journal and these entries."""
    archive_folder().mkdir(parents=True, exist_ok=True)
    file = archive_folder() / "r1.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"r1/{NAME}", record_of_a_run())
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = kind
            packed.writestr(info, content)
    return file


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("other/x", b"y")], "'other/x' does not lie in a folder 'r1'"),
        ([("r1/../../x", b"y")], "'r1/../../x' does not lie in a folder"),
        ([("../x", b"y")], "'../x' does not lie in a folder"),
        ([("/tmp/x", b"y")], "'/tmp/x' does not lie in a folder"),
        ([("r1//x", b"y")], "'r1//x' does not lie in a folder"),
        ([("r1/./x", b"y")], "'r1/./x' does not lie in a folder"),
        ([("r1", b"y")], "'r1' does not lie in a folder"),
        ([("r1/x", b"y"), ("r1/x", b"z")], "'r1/x' is there twice"),
        ([("r1/zeros", bytes(101_000_000))], "too good to be true"),
    ],
)
def test_an_archive_that_leads_elsewhere_is_refused(entries: list[tuple[str, bytes]], said: str) -> None:
    """Nothing of it is written, and it stays for whoever wants to look at it."""
    file = packed_by_another(*entries)
    with pytest.raises(ConductUsageError) as error:
        restore("r1")
    assert str(error.value).startswith(f"{file} is no archive of a run, and stays as it is: ")
    assert said in str(error.value)
    assert file.exists() and names(runs_folder()) == []


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        (stat.S_IFLNK | 0o777, 8, "'r1/x' is neither a file nor a folder"),
        (stat.S_IFIFO | 0o600, 8, "'r1/x' is neither a file nor a folder"),
        (stat.S_IFREG | 0o600, zipfile.ZIP_LZMA, "'r1/x' is packed in a way that is not read here"),
    ],
)
def test_an_archive_of_odd_things_is_refused(mode: int, kind: int, said: str) -> None:
    file = packed_by_another(("r1/x", b"/etc/passwd"), mode=mode, kind=kind)
    with pytest.raises(ConductUsageError, match=said):
        restore("r1")
    assert file.exists() and names(runs_folder()) == []


def test_no_mode_of_an_archive_makes_more_than_a_file() -> None:
    """No set-user-id, and a file of no mode at all can be read by its owner."""
    packed_by_another(("r1/x", b"x"), mode=stat.S_IFREG | 0o4755)
    assert stat.S_IMODE((restore("r1") / "x").stat().st_mode) == 0o755
    (runs_folder() / "r1").rename(data_folder() / "r1")
    (data_folder() / "other").rename(data_folder() / "earlier")
    packed_by_another(("r1/x", b"x"), mode=0)
    assert stat.S_IMODE((restore("r1") / "x").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{}\n", None])
def test_an_archive_without_a_record_is_refused(content: bytes | None) -> None:
    """No journal, an empty one, one of something else: the archive is not taken away for it."""
    archive_folder().mkdir()
    file = archive_folder() / "r1.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("r1/x", "y")
        if content is not None:
            packed.writestr(f"r1/{NAME}", content)
    with pytest.raises(ConductUsageError, match="is no archive of a run, and stays as it is: there is no record"):
        restore("r1")
    assert file.exists() and names(runs_folder()) == []


def test_a_broken_archive_is_told_in_one_line() -> None:
    """Cut short anywhere or with a byte turned over, it comes out right or not at all, and raises nothing else."""
    file = archive(recorded("r1"))
    whole = file.read_bytes()
    variants = [whole[:size] for size in range(0, len(whole), 7)]
    variants += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))]
    right = 0
    for content in variants:
        file.write_bytes(content)
        with suppress(ConductUsageError):
            folder = restore("r1")
            right += 1
            assert [record.seq for record in read_records(folder / NAME)[0]] == [1, 2]
            archive(folder)
        assert run_folders() == []
    assert 0 < right < len(variants) // 2
