"""What of the notebook is handed to workers: the variables as they are described, and where their content lies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MANIFEST", "HandedOver", "Variable"]

MANIFEST = "variables.json"
"""The file that tells a kernel where each variable lies; `tools/kernel_variables.py` reads it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One notebook variable that was handed over.

    Attributes:
        name: its name in the notebook and in the workers' kernels.
        type: its type, as `pandas.DataFrame`.
        shape: rows and columns, or the length; None for what has neither.
        dtypes: columns and their types, as text; None for what has none.
        preview: five rows, or the beginning of its text.
        size: bytes that were written of it.
        sha256: of them, in hexadecimal.
        start: where they begin in the file.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    dtypes: str | None
    preview: str
    size: int
    sha256: str
    start: int


@dataclass(slots=True)
class HandedOver:
    """The notebook variables of one run.

    Attributes:
        folder: holds the manifest, and the content where it does not lie in memory; workers may read it.
        packages: what a kernel will have to import for them.
        descriptors: files in memory that kernels inherit under the same numbers.
        variables: what was handed over, in the order of the names; empty until it has been written.
        release: gives the content back.
    """

    folder: Path
    packages: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    variables: tuple[Variable, ...] = ()
    release: Callable[[], None] = field(default=lambda: None, repr=False)

    def close(self) -> None:
        """Give the memory back and remove the folder; idempotent. Kernels that are alive keep what they have mapped."""
        self.descriptors = ()
        self.release()
        shutil.rmtree(self.folder, ignore_errors=True)
