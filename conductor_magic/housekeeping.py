"""What becomes of recorded runs: how large and how old they are, who may touch them now, and how they are deleted.

A run is touched only while we have its journal to ourselves, so that nobody can go on with it meanwhile. Besides, one
process keeps house at a time: whatever half-done thing it finds is then nobody's, and is cleared away.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conductor_magic.errors import ConductUsageError
from conductor_magic.file_locks import give_back, lock, open_to_lock
from conductor_magic.journal import NAME, is_open
from conductor_magic.journal.file import take
from conductor_magic.settings import archive_folder, data_folder, run_folders, runs_folder
from conductor_magic.wording import shown

__all__ = [
    "age_in_seconds",
    "discard",
    "ended_before",
    "held",
    "housekeeping",
    "reason",
    "remove",
    "size_of",
    "size_words",
    "written_at",
]

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"([0-9]{1,6})([hdw])")
_HALF_GONE = re.compile(r"\..*\.(gone|restored)", re.DOTALL)
_HALF_PACKED = re.compile(r"[^.].*\.partial", re.DOTALL)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder, as far as they can be seen."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it went meanwhile
                size += Path(place, name).lstat().st_size
    return size


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


def written_at(folder: Path) -> float:
    """When a run's journal was last written (epoch seconds): what its age is counted from.

    Raises:
        OSError: it cannot be seen.
    """
    return (folder / NAME).stat().st_mtime


def ended_before(moment: float) -> Iterator[tuple[Path, str]]:
    """The folders of runs that were last written before a moment (epoch seconds) and that nobody drives.

    With each, why nobody knows that of it; empty where it is known.
    """
    for folder in run_folders():
        if folder.is_symlink():
            continue
        try:
            if written_at(folder) < moment and not is_open(folder / NAME):
                yield folder, ""
        except OSError as error:
            yield folder, reason(error)


@contextmanager
def housekeeping() -> Iterator[None]:
    """Keep house alone; what somebody who was stopped left half done is cleared away first.

    Raises:
        ConductUsageError: somebody else does.
    """
    path = data_folder() / "locks" / "housekeeping.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = open_to_lock(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise ConductUsageError(f"Nothing was touched, because {path} cannot be opened: {reason(error)}.") from None
    try:
        if not lock(handle, path):
            raise ConductUsageError(
                f"Runs in {data_folder()} are being archived, restored or deleted just now: try again after that."
            )
        # Each in its own folder only: a person's run may be called anything else.
        for folder, half_done in ((runs_folder(), _HALF_GONE), (archive_folder(), _HALF_PACKED)):
            with suppress(OSError):  # there is none yet
                for left in folder.iterdir():
                    if half_done.fullmatch(left.name):
                        _delete(left)
        yield
    finally:
        give_back(handle)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Have a run's journal to ourselves: nobody drives it, and nobody can begin to.

    Raises:
        ConductUsageError: somebody drives it, or it is gone.
    """
    try:
        if is_open(folder / NAME):
            raise ConductUsageError(f"Run {folder.name} is still going: wait for it, or cancel it first.")
        handle = take(folder / NAME)
    except OSError as error:
        raise ConductUsageError(f"Run {folder.name} is left alone: {reason(error)}.") from None
    try:
        yield
    finally:
        give_back(handle)


def remove(folder: Path, before: float) -> None:
    """Delete a run, while we keep house.

    Args:
        folder: the run's.
        before: it goes only if its journal was last written before this moment (epoch seconds).

    Raises:
        ConductUsageError: somebody drives it or has just done so, or it cannot be deleted.
    """
    with held(folder):
        try:
            if written_at(folder) >= before:
                raise ConductUsageError(f"Run {folder.name} was gone on with just now: it stays.")
            rest = discard(folder)
        except OSError as error:
            raise ConductUsageError(f"Run {folder.name} cannot be deleted: {reason(error)}.") from None
    if rest is not None:
        raise ConductUsageError(f"Run {folder.name} is off the list, but not all of it can be deleted: see {rest}.")


def discard(folder: Path) -> Path | None:
    """Delete the folder of a run that we hold; gives where the rest is, if not all of it went.

    Raises:
        OSError: it stays as it is.
    """
    # Out of the list at once, so that no half of it is ever taken for a run.
    aside = Path(tempfile.mkdtemp(".gone", f".{folder.name}.", folder.parent))
    try:
        folder.rename(aside)
    except OSError:
        aside.rmdir()
        raise
    _delete(aside)
    return aside if aside.exists() else None


def reason(error: OSError) -> str:
    """What the system says, and of which file."""
    what = error.strerror or str(error)
    return what if error.filename is None else f"{what} ({shown(str(error.filename), 300)})"


def _delete(path: Path) -> None:
    """Delete a file, a link or a folder, as far as the system lets us."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for place, names, _ in os.walk(path):
        for name in names:
            # A folder that we may not write to could not be emptied.
            if not (below := Path(place, name)).is_symlink():
                below.chmod(0o700)
    with suppress(OSError):
        shutil.rmtree(path)
