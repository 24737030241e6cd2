"""Runs packed into archives and taken out of them: nothing goes before what replaces it is on the disk and was read."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from zipfile import BadZipFile

from conductor_magic.durable import keep_names
from conductor_magic.errors import ConductUsageError, JournalDamaged
from conductor_magic.housekeeping import discard, held, housekeeping, reason
from conductor_magic.journal import NAME, read_state
from conductor_magic.packing import check_packed, pack, unpack
from conductor_magic.settings import archive_folder, find_archived, runs_folder

__all__ = ["archive", "restore"]


def archive(folder: Path) -> Path:
    """Pack a run into one file, read it back, and remove its folder; gives the file.

    Raises:
        ConductUsageError: somebody drives it, it is no recorded run of ours, or it cannot be packed; it stays.
        JournalDamaged: its record is; it stays.
    """
    if folder.is_symlink() or folder.parent.resolve() != runs_folder().resolve():
        raise ConductUsageError(f"{folder} does not lie in {runs_folder()}: only runs recorded there are archived.")
    with housekeeping(), held(folder):
        try:
            if not _has_record(folder):
                raise ConductUsageError(f"Run {folder.name} has no whole record: there is nothing to archive.")
            file = _packed(folder)
            discard(folder)
        except OSError as error:
            raise ConductUsageError(f"Run {folder.name} stays where it is: {reason(error)}.") from None
        except BadZipFile as error:
            raise ConductUsageError(
                f"Run {folder.name} stays where it is: its archive cannot be relied on, {error}."
            ) from None
    return file


def _packed(folder: Path) -> Path:
    """The run's archive, on the disk and read back."""
    target = archive_folder() / f"{folder.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(".partial", f"{folder.name}.", target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            pack(folder, file)
            file.flush()
            os.fsync(handle)
        check_packed(partial, folder)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    keep_names(target.parent)
    keep_names(target.parent.parent)
    return target


def restore(run: str) -> Path:
    """Take a run out of its archive; gives its folder, and the archive is gone.

    Args:
        run: as for `find_archived`.

    Raises:
        ConductUsageError: there is no such archive or there are several, it holds no such run, there is a run of that
            name, or the disk does not take it; the archive stays.
    """
    with housekeeping():
        packed = find_archived(run)
        run = packed.stem
        folder = runs_folder() / run
        if os.path.lexists(folder):
            raise ConductUsageError(f"There is a run {run} already: its archive {packed} stays as it is.")
        try:
            _take_out(packed, folder)
        except OSError as error:
            raise ConductUsageError(f"Run {run} stays in its archive {packed}: {reason(error)}.") from None
        except (BadZipFile, JournalDamaged) as error:
            why = "its journal cannot be read" if isinstance(error, JournalDamaged) else error
            raise ConductUsageError(f"{packed} is no archive of a run, and stays as it is: {why}.") from None
    return folder


def _take_out(packed: Path, folder: Path) -> None:
    """Make the run's folder of its archive, which goes when all of the folder is on the disk."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = Path(tempfile.mkdtemp(".restored", f".{folder.name}.", folder.parent))
    try:
        unpack(packed, folder.name, aside)
        found = aside / folder.name
        if not (found / NAME).is_file() or not _has_record(found):
            raise BadZipFile(f"there is no record in its {NAME}")
        found.chmod(0o700)
        found.rename(folder)
        keep_names(folder.parent)
        packed.unlink()
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _has_record(folder: Path) -> bool:
    return read_state(folder / NAME)[1].started is not None
