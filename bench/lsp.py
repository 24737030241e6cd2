"""The LSP tool's first answer on a package of 300 files, and the next ones: `python -m bench.lsp`."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from conductor_magic.permissions import Access
from conductor_magic.sandbox import choose_walls
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.lsp import LSP
from conductor_magic.tools.services import Services

ROUNDS = 7
FILES = 300

MODULE = '''\
"""Module {number}."""

from __future__ import annotations

import json
from dataclasses import dataclass

from big.{before} import Item{before_number}, make_{before_number}


@dataclass
class Item{number}:
    """One thing."""

    name: str
    parts: list[str]

    def text(self, wide: bool = False) -> str:
        """It as JSON."""
        return json.dumps({{"name": self.name, "parts": self.parts}}, indent=2 if wide else None)

    def longer(self) -> Item{number}:
        """With one part more."""
        return Item{number}(self.name, [*self.parts, str(len(self.parts))])


def make_{number}(count: int) -> list[Item{number}]:
    """Several."""
    return [Item{number}(f"item {{at}}", [str(at)]).longer() for at in range(count)]


def both_{number}(count: int) -> list[str]:
    """Also those of the module before."""
    return [item.text() for item in make_{number}(count)] + [item.text() for item in make_{before_number}(count)]


FIRST: Item{before_number} = make_{before_number}(1)[0]
'''

PLACES = {
    "goToDefinition": "make_149(count)]",
    "hover": "make_149(count)]",
    "findReferences": "make_150(count: int)",
    "incomingCalls": "make_150(count: int)",
    "workspaceSymbol": "",
    "documentSymbol": "",
    "diagnostics": "",
}
"""Question -> the text in the middle module that it is asked about."""


class Open:
    """A gate that lets everything pass."""

    async def admit(self, access: Access, context: ToolContext, show: Any = None) -> None:
        """Let it pass."""


def main() -> None:
    """Print a line for each question: the median of the first answer, server's start included, and of the next ones."""
    with tempfile.TemporaryDirectory() as scratch:
        workspace, data = Path(scratch, "workspace"), Path(scratch, "data")
        write_package(workspace / "big")
        (data / "artifacts").mkdir(parents=True)
        walls = choose_walls("workspace", workspace, data)
        print(f"{FILES} files, {walls.kind}, medians of {ROUNDS}, seconds")
        print(f"{'question':<16} {'first':>8} {'next':>8} {'after an edit':>14}")
        for operation, place in PLACES.items():
            rows = [asyncio.run(measure(operation, place, workspace, data, walls)) for _ in range(ROUNDS)]
            first, following, edited = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"{operation:<16} {first:>8.3f} {following:>8.3f} {edited:>14.3f}", flush=True)


def write_package(folder: Path) -> None:
    """Write the package: each module imports the one before."""
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for number in range(FILES - 1):
        before = (number - 1) % (FILES - 1)
        text = MODULE.format(number=number, before=f"module_{before}", before_number=before)
        (folder / f"module_{number}.py").write_text(text)


async def measure(operation: str, place: str, workspace: Path, data: Path, walls: Any) -> tuple[float, float, float]:
    """Seconds of the first answer, of the second, and of one after another file has changed."""
    services = Services()
    context = ToolContext(
        task="1", worker="w1", gate=Open(), workspace=walls.workspace, artifacts=data / "artifacts", walls=walls,
        services=services,
    )  # fmt: skip
    args: dict[str, Any] = {"operation": operation, "filePath": str(workspace / "big" / "module_150.py")}
    if place:
        text = Path(args["filePath"]).read_text()
        before = text[: text.index(place)]
        args |= {"line": before.count("\n") + 1, "character": len(before) - before.rfind("\n")}
    elif operation == "workspaceSymbol":
        args["query"] = "make_17"
    seconds: list[float] = []
    try:
        for edit in (False, False, True):
            if edit:
                other = workspace / "big" / "module_149.py"
                other.write_text(other.read_text() + "\n")
            began = time.perf_counter()
            result = await LSP().run(args, context)
            seconds.append(time.perf_counter() - began)
            assert "found no" not in str(result.content), result.content
    finally:
        await services.aclose()
    return seconds[0], seconds[1], seconds[2]


if __name__ == "__main__":
    main()
