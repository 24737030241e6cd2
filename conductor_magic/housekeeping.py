"""What becomes of recorded runs: how large they are, packed into archives and taken out of them, and deleted.

Nothing is touched while a process has the run's journal open, and nothing goes before what replaces it was read back.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from conductor_magic.errors import ConductUsageError
from conductor_magic.journal import NAME, is_open
from conductor_magic.settings import archive_folder, run_folders, runs_folder
from conductor_magic.wording import shown

__all__ = ["age_in_seconds", "archive", "ended_before", "remove", "restore", "size_of", "size_words"]

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"([0-9]{1,6})([hdw])")


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in _files(folder))


def size_words(size: int) -> str:
    """A size for people: `312 B`, `4.1 kB`, `27 MB`."""
    number, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1_000:
            break
        number, unit = number / 1_000, larger
    return f"{number:.1f} {unit}" if unit != "B" and number < 10 else f"{number:.0f} {unit}"


def age_in_seconds(text: str) -> int:
    """The seconds that `12h`, `30d` or `4w` are.

    Raises:
        ConductUsageError: it is no such age.
    """
    match = _AGE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ConductUsageError(f"--older-than takes hours, days or weeks, as in 12h, 30d or 4w, not {shown(text)}.")
    return int(match[1]) * _UNITS[match[2]]


def ended_before(moment: float) -> Iterator[Path]:
    """The folders of runs whose journals were last written before a moment (epoch seconds) and that nobody drives."""
    for folder in run_folders():
        journal = folder / NAME
        if not folder.is_symlink() and journal.stat().st_mtime < moment and not is_open(journal):
            yield folder


def remove(folder: Path) -> None:
    """Delete a run.

    Raises:
        ConductUsageError: somebody drives it.
    """
    _check_idle(folder)
    # Out of the list at once, so that no half of it is ever taken for a run.
    aside = folder.with_name(f".{folder.name}.gone")
    folder.rename(aside)
    shutil.rmtree(aside)


def archive(folder: Path) -> Path:
    """Pack a run into one file, read it back, and remove its folder; gives the file.

    Raises:
        ConductUsageError: somebody drives it, it is no recorded run of ours, or the file is not what was packed.
    """
    _check_idle(folder)
    if folder.parent != runs_folder() or folder.is_symlink():
        raise ConductUsageError(f"{folder} does not lie in {runs_folder()}: only runs recorded there are archived.")
    target = archive_folder() / f"{folder.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = target.with_suffix(".partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
                for path in _files(folder):
                    packed.write(path, path.relative_to(folder.parent))
            file.flush()
            os.fsync(file.fileno())
        if _digests_packed(partial) != _digests(folder):
            raise ConductUsageError(f"{partial.name} is not what was packed into it: run {folder.name} stays.")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    remove(folder)
    return target


def restore(run: str) -> Path:
    """Take a run out of its archive; gives its folder, and the archive is gone.

    Raises:
        ConductUsageError: there is no such archive, or there is a run of that name.
    """
    packed = archive_folder() / f"{run}.zip"
    if Path(run).name != run or not packed.is_file():
        raise ConductUsageError(f"There is no archived run {shown(run)} in {archive_folder()}.")
    folder = runs_folder() / run
    if folder.exists():
        raise ConductUsageError(f"There is a run {run} already: its archive {packed} stays as it is.")
    aside = runs_folder() / f".{run}.restored"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    try:
        with zipfile.ZipFile(packed) as found:
            found.extractall(aside)
        (aside / run).chmod(0o700)
        (aside / run).rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    packed.unlink()
    return folder


def _check_idle(folder: Path) -> None:
    if is_open(folder / NAME):
        raise ConductUsageError(f"Run {folder.name} is still going: wait for it, or cancel it first.")


def _files(folder: Path) -> Iterator[Path]:
    """All files in a folder; links are none of ours."""
    for place, _, names in os.walk(folder):
        yield from (path for name in names if not (path := Path(place, name)).is_symlink())


def _digests(folder: Path) -> dict[str, str]:
    """Name below the run's parent -> content's hash."""
    return {str(path.relative_to(folder.parent)): _digest(path.read_bytes()) for path in _files(folder)}


def _digests_packed(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as packed:
        return {name: _digest(packed.read(name)) for name in packed.namelist()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
