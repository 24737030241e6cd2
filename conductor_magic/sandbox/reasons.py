"""What a person is told about the walls: which there are, why, and what to stumble over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["FULL", "PLAN", "bubblewrap_reason", "landlock_reason", "no_walls_reason"]

FULL = "No walls: mode full lets workers do all that you can do."
PLAN = "No worker runs in mode plan."
_NETWORK = "and have no network."


def bubblewrap_reason(*, writable: bool) -> str:
    """The first rung."""
    return f"Bubblewrap: commands of workers {_may(writable)}, see no home folder and no secrets, {_NETWORK}"


def landlock_reason(
    abi: int, instead: str, workspace: Path, secrets: Iterable[Path], fixed: Iterable[Path], *, writable: bool
) -> str:
    """The second rung, and what it costs in this workspace.

    Args:
        abi: the version of Landlock.
        instead: why it is not bubblewrap.
        workspace: the folder that workers may touch.
        secrets: what is kept unreadable in it.
        fixed: what commands can change nothing in: this Python environment, and what the person has denied.
        writable: whether commands may write in the workspace.
    """
    said = f"Landlock (version {abi}): commands of workers {_may(writable)}, can open no home folder and no secrets, "
    said += f"{_NETWORK} It stands in for bubblewrap ({instead})."
    if not writable:
        return said
    around = sorted({str(path.parent.relative_to(workspace)) for path in secrets if path.is_relative_to(workspace)})
    if around:
        said += f" Secrets lie in {_some(around)}: what a command newly makes in these folders or around them, "
        said += "the same command cannot read back (a Python kernel: until it ends)."
    kept = sorted({str(path.relative_to(workspace)) for path in fixed if path.is_relative_to(workspace)})
    if kept:
        said += f" In the workspace {_some(kept)} must stay as it is (this Python environment, or denied by you), so "
        said += "commands cannot make anything new directly in the folders around it, only in others."
    return said


def no_walls_reason(mode: str, tried: Sequence[str]) -> str:
    """The last rung.

    Args:
        mode: what was wanted.
        tried: why there are no walls.
    """
    because = f"No walls could be put up ({'; '.join(tried)})"
    if mode == "read-only":
        return f"{because}, so workers have no Bash and no Python here."
    fallen = ", so this run is in mode ask instead of workspace" if mode == "workspace" else ""
    rule = "each command and each change of a file waits for your yes, and a command then runs as if you had typed it"
    return f"{because}{fallen}: {rule}."


def _may(writable: bool) -> str:
    return "can write only in the workspace" if writable else "can change nothing but a private temporary folder"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join("the workspace" if name == "." else name for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
