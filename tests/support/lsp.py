"""What the tests of the LSP tool share: a small package, calls, and the servers that are at work."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from tests.support.tool_bench import ToolBench

__all__ = ["SHAPES", "TOY_SERVER", "ask", "at", "closing", "fill", "servers_in", "texts", "write_configuration"]

TOY_SERVER = Path(__file__).with_name("toy_language_server.py")

SHAPES = '''\
"""Shapes."""


class Shape:
    """Anything with an area."""

    def area(self) -> float:
        raise NotImplementedError


class Square(Shape):
    """Four equal sides."""

    def __init__(self, side: float) -> None:
        self.side = side

    def area(self) -> float:
        return double(self.side) * self.side / 2


def double(value: float) -> float:
    """Twice the value."""
    return value * 2
'''

USE = """\
import json

from pkg.shapes import Square, double


def total(sides: list[float]) -> float:
    return sum(Square(side).area() for side in sides) + double(1)


wrong: int = "text"
print(json.dumps({"a": total([1.0])}))
"""


def fill(bench: ToolBench) -> ToolBench:
    """Put the package into the workspace."""
    package = bench.workspace / "pkg"
    package.mkdir()
    for name, text in {"__init__.py": "", "shapes.py": SHAPES, "use.py": USE}.items():
        (package / name).write_text(text)
    return bench


def ask(operation: str, *place: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    """One call, as `calls` takes it; the place is a file and where in it."""
    names = ("filePath", "line", "character")
    return "LSP", {"operation": operation, **dict(zip(names, place, strict=False)), **more}


def texts(bench: ToolBench, *wanted: tuple[str, dict[str, Any]]) -> list[str]:
    """The answers of several calls, the workspace's path left out."""
    return [str(result.content).replace(f"{bench.context.workspace}/", "") for result in bench.calls(*wanted)]


def servers_in(workspace: Path) -> list[int]:
    """The process ids of the language servers that are at work in a workspace."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and (folder / "cmdline").read_bytes().endswith(b"ty\0server\0"):
                here = (folder / "cwd").readlink() == workspace
                found += [int(folder.name)] if here and b"bwrap" not in (folder / "cmdline").read_bytes() else []
    return found


async def closing(bench: ToolBench, scenario: Any) -> None:
    """Play a scenario and end the task."""
    try:
        await scenario
    finally:
        await bench.close()


def at(operation: str, line: int = 0, character: int = 0, path: str = "a.toy") -> tuple[str, dict[str, Any]]:
    """One call, as `calls` takes it."""
    place = {"line": line, "character": character} if line else {}
    return "LSP", {"operation": operation, "filePath": path, **place}


def write_configuration(home: Path, habit: str = "", **entry: Any) -> None:
    """Name the toy server, with a habit, as the person's own; `entry` replaces fields."""
    command = [word for word in (sys.executable, str(TOY_SERVER), habit) if word]
    toy = {"command": command, "extensions": [".toy"], "readable": [str(TOY_SERVER)], **entry}
    (home / "language-servers.json").write_text(json.dumps({"toy": toy}))
