"""The part of a worker's Python kernel that loads the notebook's variables.

Like `kernel_bootstrap`, which loads it, it runs inside the walls and stands alone: nothing of this package is
imported. A variable is mapped, not copied: its pages are shared with every other kernel until this one writes to them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import pickle
import re
import sys
from typing import Any

__all__ = ["Variables", "import_packages"]

INDIRECT = re.compile(r"\b(globals|locals|vars|dir|eval|exec|who|whos|get_ipython)\b|^\s*[%!]", re.MULTILINE)
"""Code that may reach a variable without naming it."""


class Variables:
    """The notebook's variables, loaded when a call first mentions them: large ones cost nothing until then."""

    def __init__(self, folder: str | None, namespace: dict[str, Any]) -> None:
        self.folder = folder
        self.namespace = namespace
        self.waiting: dict[str, dict[str, Any]] | None = None
        self.path: str | int = ""

    def load_for(self, code: str) -> None:
        """Load what the code mentions (all of it when it looks names up by other ways)."""
        if self.waiting is None:
            self.waiting = self._read_manifest()
        everything = INDIRECT.search(code)
        for name in list(self.waiting):
            if everything or re.search(rf"\b{name}\b", code):
                gc.disable()  # it would look in vain through all that an import makes
                try:
                    self.namespace[name] = self._load(self.waiting[name])
                except Exception as error:  # noqa: BLE001  # loading runs the object's own code
                    print(f"The notebook's variable `{name}` could not be loaded here: {error!r}", file=sys.stderr)
                else:
                    del self.waiting[name]
                finally:
                    gc.enable()

    def _read_manifest(self) -> dict[str, dict[str, Any]]:
        """Where each variable lies. Read with the first code and not before: until then it may not be written yet."""
        if self.folder is None:
            return {}
        with open(os.path.join(self.folder, "variables.json"), encoding="utf-8") as file:
            told = json.load(file)
        self.path = told["descriptor"] if "descriptor" in told else os.path.join(self.folder, told["file"])
        return {entry["name"]: entry for entry in told["variables"]}

    def _load(self, entry: dict[str, Any]) -> Any:
        if not entry["buffers"]:
            with open(self.path, "rb", closefd=not isinstance(self.path, int)) as file:
                return pickle.loads(os.pread(file.fileno(), entry["size"], entry["start"]))
        with open(self.path, "rb", closefd=not isinstance(self.path, int)) as file:
            mapped = memoryview(map_privately(file.fileno(), entry["start"], entry["size"]))
        buffers = [mapped[start : start + size] for start, size in entry["buffers"]]
        return pickle.loads(mapped, buffers=buffers)


def import_packages(names: str) -> None:
    """Import what variables will need, by names with commas between them, while nobody waits for it yet."""
    for name in names.split(","):
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def map_privately(descriptor: int, start: int, size: int) -> mmap.mmap:
    """Part of a file in memory: to write to, each written page a private copy, or read-only where it is too large.

    What can be written counts as this process's own memory, of which the walls allow only so much.
    """
    if size <= allowance() // 2:
        with contextlib.suppress(OSError, ValueError):
            flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0)
            return mmap.mmap(descriptor, size, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE, offset=start)
    return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ, offset=start)


def allowance() -> int:
    """How many bytes of its own this process may have."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return sys.maxsize if most == resource.RLIM_INFINITY else most
