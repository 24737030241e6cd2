"""What a run may be told, with the defaults, and where runs are kept and found again.

`option_checks.py` makes `Options` out of what a person gave.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from conductor_magic.errors import ConductUsageError
from conductor_magic.wording import did_you_mean, shown

__all__ = [
    "CAP_SCOPES",
    "CAP_UNITS",
    "CHANGEABLE",
    "GOABLE",
    "MODES",
    "PROVIDERS",
    "SHARING",
    "STRATEGIES",
    "TIERS",
    "Options",
    "archive_folder",
    "archived_runs",
    "data_folder",
    "default_workspace",
    "find_archived",
    "find_run",
    "new_run_id",
    "run_folders",
    "runs_folder",
]

MODES = ("plan", "read-only", "ask", "workspace", "full")
SHARING = ("plan", "read-only")
"""The modes in which nothing is written: such runs share a workspace."""
STRATEGIES = ("balanced", "speed", "cost")
PROVIDERS = ("auto", "anthropic", "rehearsal")
TIERS = ("haiku", "sonnet", "opus", "conductor")
CHANGEABLE = ("budget", "timeout", "cap", "mode", "quiet")
"""The options that may be said anew when a run is resumed; all else is as it began with it."""
GOABLE = (*CHANGEABLE, "workers")
"""The options that may be said anew when a plan is run."""
CAP_SCOPES = ("run", "worker", "haiku", "sonnet", "opus")
CAP_UNITS = ("usd", "tokens", "turns", "calls", "seconds")

_JOURNAL = "journal.jsonl"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHOWN_RUNS = 3


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked to be like. Made by `check_options`, which refuses what cannot be.

    Attributes:
        name: the variable that gets the result, or None.
        workers: how many work at once.
        use: names of the notebook's variables that workers get.
        returns: the text of the type that the answer is validated into, or None.
        mode: what workers may do: one of `MODES`.
        budget: the most that the run may cost, in USD, or None for no cap.
        timeout: the most seconds that the run may take, or None for no cap.
        window: tokens that the conversation of the conductor, and of each worker, is held to.
        cap: further caps, as `worker.usd` or `opus.tokens`; None takes away what a default says.
        strategy: what the plan favours: one of `STRATEGIES`.
        guide: the domain guide to start from, or None to let the conductor pick.
        tiers: tier -> model id, where it is not the newest.
        workspace: the folder that workers may touch, absolute, links resolved.
        provider: one of `PROVIDERS`.
        answers: the name of the dict that answers questions, or None.
        background: whether the cell gives the `Run` at once.
        quiet: whether no board is shown.
    """

    name: str | None = None
    workers: int = 8
    use: tuple[str, ...] = ()
    returns: str | None = None
    mode: str = "workspace"
    budget: float | None = 5.0
    timeout: float | None = None
    window: int = 200_000
    cap: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    strategy: str = "balanced"
    guide: str | None = None
    tiers: Mapping[str, str] = field(default_factory=dict[str, str])
    workspace: Path | None = None
    provider: str = "auto"
    answers: str | None = None
    background: bool = False
    quiet: bool = False

    @property
    def caps(self) -> dict[str, float]:
        """The caps that hold."""
        return {name: limit for name, limit in self.cap.items() if limit is not None}


def data_folder() -> Path:
    """Where everything of ours is kept: `$CONDUCTOR_HOME`, else `conductor` in Jupyter's data folder; absolute."""
    given = os.environ.get("CONDUCTOR_HOME", "").strip()
    if given:
        return Path(given).expanduser().absolute()
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()).absolute() / "conductor"


def default_workspace(shell: object) -> Path:
    """Where a run of this notebook works unless its line says otherwise: the folder set for it, else the current."""
    registry = getattr(getattr(shell, "magics_manager", None), "registry", {})
    found = getattr(registry.get("ConductMagics"), "workspace", None)
    return Path(found).expanduser() if found else Path.cwd()


def runs_folder() -> Path:
    """Where the runs are kept, a folder each."""
    return data_folder() / "runs"


def archive_folder() -> Path:
    """Where archived runs are kept, a file each."""
    return data_folder() / "archive"


def new_run_id(now: float) -> str:
    """An id for a run that begins at `now` (seconds since the epoch): `20261123-101500-k3f9ab`.

    Ids sort by time, to some 20 microseconds: the first three of the last six characters are the second's fraction,
    the others are random.
    """
    moment = datetime.fromtimestamp(now, UTC)
    fraction = int(now % 1 * 36**3)
    return f"{moment:%Y%m%d-%H%M%S}-{_base36(fraction)}{_base36(secrets.randbelow(36**3))}"


def _base36(number: int) -> str:
    return "".join(_DIGITS[number // 36**place % 36] for place in (2, 1, 0))


def run_folders() -> list[Path]:
    """The folders of all recorded runs, oldest first; what is being deleted or restored has a dot before its name."""
    try:
        found = [path for path in runs_folder().iterdir() if not path.name.startswith(".")]
    except OSError:
        return []  # no run was ever recorded here
    return sorted(path for path in found if _has_journal(path))


def _has_journal(folder: Path) -> bool:
    try:
        return (folder / _JOURNAL).is_file()
    except OSError:
        return True  # whoever reads it is told why it cannot be: one such must not hide the others


def archived_runs() -> list[Path]:
    """The files of all archived runs, oldest first; the run's id is the file's stem."""
    return sorted(path for path in archive_folder().glob("[!.]*.zip") if path.is_file())


def find_archived(text: str) -> Path:
    """The file of one archived run.

    Args:
        text: as for `find_run`; a path is the file's.

    Raises:
        ConductUsageError: there is no such archive, or there are several; the message names the nearest.
    """
    wanted = text.strip()
    packed = {path.stem: path for path in archived_runs()}
    if wanted == "last" and packed:
        return packed[max(packed)]
    begun = [name for name in packed if wanted and name.startswith(wanted)]
    named = [wanted] if wanted in packed else begun
    if len(named) == 1:
        return packed[named[0]]
    if begun:
        raise _several("archived runs", begun, wanted)
    for path in packed.values():
        if _is_path_of(wanted, path):
            return path
    raise ConductUsageError(
        f"There is no archived run {shown(text)} in {archive_folder()}.{did_you_mean(wanted, packed)}"
    )


def _is_path_of(text: str, file: Path) -> bool:
    try:
        return Path(text).expanduser().samefile(file)
    except (OSError, RuntimeError, ValueError):
        return False  # too long a name, an unknown user's home: no path of a file


def find_run(text: str) -> Path:
    """The folder of one recorded run.

    Args:
        text: the run's id, the beginning of one that no other run's id shares, a path of the folder or of its
            journal, or `last`.

    Raises:
        ConductUsageError: there is no such run, or several; the message names the nearest.
    """
    wanted = text.strip()
    folders = {path.name: path for path in run_folders()}
    if wanted == "last" and folders:
        return folders[max(folders)]
    if wanted in folders:
        return folders[wanted]
    found = _at_path(wanted)
    if found is not None:
        return found
    begun = [name for name in folders if wanted and name.startswith(wanted)]
    if len(begun) == 1:
        return folders[begun[0]]
    archived = [path.stem for path in archived_runs()]
    packed = [name for name in archived if name == Path(wanted).name] or [
        name for name in archived if wanted and not begun and name.startswith(wanted)
    ]
    if len(packed) == 1:
        raise ConductUsageError(f"Run {packed[0]} is archived: %conduct restore {packed[0]} brings it back.")
    if not folders:
        why = f"none has been recorded in {runs_folder()} yet"
        if archived:
            why = "all are archived, and %conduct runs lists them"
        raise ConductUsageError(f"There is no run {shown(text)}: {why}.")
    if begun:
        raise _several("runs", begun, wanted)
    raise ConductUsageError(
        f"There is no run {shown(text)}.{did_you_mean(wanted, [*folders, *archived])} Latest: {_latest(folders)}."
    )


def _several(what: str, begun: list[str], wanted: str) -> ConductUsageError:
    return ConductUsageError(
        f"{len(begun)} {what} begin with {shown(wanted)}: give more of the id. Latest: {_latest(begun)}."
    )


def _latest(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, reverse=True)[:_SHOWN_RUNS])


def _at_path(text: str) -> Path | None:
    """The run's folder at a path, or None when there is none there."""
    if not text or "\0" in text:
        return None
    try:
        path = Path(text).expanduser()
        folder = path.parent if path.name == _JOURNAL else path
        return folder.resolve() if (folder / _JOURNAL).is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None  # too long a name, an unknown user's home: no path of a run
