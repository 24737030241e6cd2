"""Where a path that a model wrote leads, and whether going there needs a person's yes. It opens nothing.

The answer is a question's subject, not a guarantee: what is opened later is checked against it by `paths.Reach`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.errors import ToolError
from conductor_magic.paths import Reach, can_be_named, plainly
from conductor_magic.protected import guarded, secret

__all__ = ["Destination", "destination"]

_NEVER = (Path("/proc"), Path("/sys"), Path("/dev"), Path("/run"))
"""The system's own: the kernel's environment and memory can be read there, so no yes opens them."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The end of a path.

    Attributes:
        real: the absolute path, links resolved.
        leaves: why it needs a yes, as the end of a sentence that begins with "It"; empty for what is plainly inside.
        protected: it has a protected name.
    """

    real: Path
    leaves: str = ""
    protected: bool = False


def destination(reach: Reach, path: str, *, writing: bool) -> Destination:
    """Follow a path to its end.

    Args:
        reach: what the worker's file tools may open.
        path: as the model wrote it.
        writing: it is to be written, not read.

    Raises:
        ToolError: it is no path, or leads where nobody may let a worker go.
    """
    if not path.strip():
        raise ToolError("file_path is empty.")
    if not can_be_named(path):
        raise ToolError("The path holds a NUL or half a character; no file is named so.")
    asked = Path(path) if reach.confined else Path(os.path.expanduser(path))
    with plainly(path):  # a link that is swapped for a file meanwhile is an error here
        real = Path(os.path.realpath(reach.workspace / asked))
    if not reach.confined:
        return Destination(real)
    if not writing and any(real.is_relative_to(folder) for folder in reach.readable):
        return Destination(real)
    if any(real.is_relative_to(folder) for folder in reach.hidden):
        raise ToolError(f"{path}: belongs to the record of the run or to Jupyter; closed to workers.")
    if real.is_relative_to(reach.workspace):
        if writing and any(real.is_relative_to(folder) for folder in reach.installed):
            return Destination(real, "is part of the Python environment that runs outside the walls too", True)
        parts = real.relative_to(reach.workspace).parts
        name = guarded(parts) if writing else secret(parts)
        why = "can run things, steer later runs or hold secrets" if writing else "usually holds secrets"
        return Destination(real, f"has the protected name `{name}`, which {why}", True) if name else Destination(real)
    if any(real.is_relative_to(folder) for folder in _NEVER):
        raise ToolError(f"{path}: is outside the workspace {reach.workspace}, in the system's own folders; closed.")
    name = guarded(real.parts) if writing else secret(real.parts)
    also = f", and `{name}` is a protected name" if name else ""
    return Destination(real, f"lies outside the workspace {reach.workspace}{also}", bool(name))
