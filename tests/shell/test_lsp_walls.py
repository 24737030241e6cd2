"""What the LSP tool and its servers may touch: the walls, the gate, secrets, the modes, and the end of the kernel."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.permissions import Access, Rule
from conductor_magic.sandbox import Walls
from tests.support.lsp import ask, closing, fill, servers_in, texts
from tests.support.tool_bench import CANARY, ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace, with a small package."""
    return fill(ToolBench(tmp_path))


def test_the_server_is_inside_the_walls(bench: ToolBench) -> None:
    """It has namespaces of its own, sees neither the outside nor a secret, and none of the kernel's variables."""
    (bench.workspace / ".env").write_text(CANARY)

    async def scenario() -> None:
        _, args = ask("hover", "pkg/use.py", 7, 57)
        await bench.call_async("LSP", **args)
        (pid,) = servers_in(bench.context.workspace)
        inside, ours = Path(f"/proc/{pid}"), Path("/proc/self")
        for namespace in ("net", "pid", "mnt", "ipc", "user"):
            assert (inside / "ns" / namespace).readlink() != (ours / "ns" / namespace).readlink()
        root = inside / "root"
        assert not (root / str(bench.outside / "secret.txt").lstrip("/")).exists()
        assert (root / str(bench.context.workspace / ".env").lstrip("/")).read_text() == ""
        assert CANARY.encode() not in (inside / "environ").read_bytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", CANARY)
        asyncio.run(closing(bench, scenario()))


def test_inside_landlock(bench: ToolBench) -> None:
    """Where there is no bubblewrap it works as well, and nothing of it stays."""
    bench.inside("landlock")
    definition, library = texts(
        bench, ask("goToDefinition", "pkg/use.py", 7, 16), ask("outgoingCalls", "pkg/use.py", 6, 5)
    )
    assert definition == "pkg/shapes.py:11:7: class Square(Shape):"
    assert "(outside the workspace)" in library
    assert servers_in(bench.context.workspace) == []


def test_secrets_and_links_are_not_shown(bench: ToolBench) -> None:
    """Neither a secret nor what a link leads to is read, by the tool or by the server."""
    (bench.outside / "hidden.py").write_text(f"def hidden():\n    return '{CANARY}'\n")
    (bench.workspace / "away.py").symlink_to(bench.outside / "hidden.py")
    (bench.workspace / ".env.py").write_text(f"KEY = '{CANARY}'\n")
    (bench.workspace / "look.py").write_text("from away import hidden\n\nhidden()\n")
    results = bench.calls(
        ask("hover", ".env.py", 1, 1),
        ask("documentSymbol", "away.py"),
        ask("goToDefinition", "look.py", 3, 1),
    )
    assert [result.is_error for result in results] == [True, True, False]
    assert CANARY not in str([result.content for result in results])
    assert str(results[2].content) == f"{bench.context.workspace}/look.py:1:18: from away import hidden"


@pytest.mark.parametrize(
    ("mode", "found"),
    [("workspace", "use.py:3:24: from pkg.shapes import Square, double"), ("full", "shapes.py:11:7  (not shown)")],
)
def test_a_standing_rule_keeps_a_file_closed(tmp_path: Path, mode: str, found: str) -> None:
    """What the person has denied is not asked about, and the server does not see it; without walls it is not quoted."""
    workspace = (tmp_path / "ws").resolve()
    rules = [Rule("deny", "path", str(workspace / "pkg" / "shapes.py"))]
    bench = fill(ToolBench(tmp_path, mode, rules=rules))
    definition, asked = bench.calls(ask("goToDefinition", "pkg/use.py", 7, 16), ask("documentSymbol", "pkg/shapes.py"))
    assert definition.content == f"{workspace}/pkg/{found}"
    assert asked.is_error


def test_outside_files_need_a_yes(tmp_path: Path) -> None:
    """A file outside is refused when nobody says yes; with a yes its own lines are shown."""
    bench = fill(ToolBench(tmp_path))
    (bench.outside / "other.py").write_text("def other():\n    return 1\n\n\nother()\n")
    path = str(bench.outside / "other.py")
    assert bench.call("LSP", operation="goToDefinition", filePath=path, line=5, character=1).is_error
    assert [access.kind for access, _ in bench.gate.asked] == ["read"]
    bench.gate.yes = True
    found = bench.call("LSP", operation="goToDefinition", filePath=path, line=5, character=1)
    assert found.content == f"{path}:1:5: def other():"


def test_starting_a_server_passes_the_gate(bench: ToolBench) -> None:
    """The exact command is put to the gate once, before anything is started, and no place outside; a rule is kept."""
    seen: list[Access] = []

    class Watching:
        async def admit(self, access: Access, context: Any, show: Any = None) -> None:
            seen.append(access)
            await bench.gate.admit(access, context, show)

    bench.context.gate = Watching()
    bench.calls(ask("hover", "pkg/use.py", 7, 57), ask("goToDefinition", "pkg/use.py", 11, 9))
    (command,) = [access for access in seen if access.kind == "command"]
    assert command.what.endswith("/ty server")
    assert {access.what for access in seen if access.kind == "read"} == {str(bench.context.workspace / "pkg/use.py")}
    bench.gate.rules = (Rule("deny", "command", command.what),)
    assert bench.call("LSP", operation="hover", filePath="pkg/use.py", line=7, character=57).is_error


def test_mode_full_and_mode_read_only(tmp_path: Path) -> None:
    """It works without walls, where the library's lines are shown too, and where nothing may be written."""
    full, reading = fill(ToolBench(tmp_path / "full", "full")), fill(ToolBench(tmp_path / "ro", "read-only"))
    (outside,) = texts(full, ask("goToDefinition", "pkg/use.py", 11, 9))
    assert "outside the workspace" not in outside
    assert "/json/__init__.py:1:1: " in outside
    assert servers_in(full.context.workspace) == []
    (definition,) = texts(reading, ask("goToDefinition", "pkg/use.py", 7, 16))
    assert definition == "pkg/shapes.py:11:7: class Square(Shape):"


def test_without_walls_it_does_not_run(bench: ToolBench) -> None:
    """Where no walls can be put up the tool refuses, says why, and starts nothing."""
    bench.context.walls = Walls("none", "workspace", "No walls could be put up (a test).", False, bench.workspace)
    result = bench.call("LSP", operation="documentSymbol", filePath="pkg/use.py")
    assert (result.is_error, result.content) == (True, "LSP is not available: No walls could be put up (a test).")
    assert servers_in(bench.context.workspace) == []


@pytest.mark.parametrize("mode", ["workspace", "full"])
def test_servers_die_with_the_kernel(tmp_path: Path, mode: str) -> None:
    """When the kernel is killed outright, no server stays, with walls or without."""
    program = (
        "import asyncio; from pathlib import Path\n"
        "from tests.support.lsp import ask, fill; from tests.support.tool_bench import ToolBench\n"
        f"bench = fill(ToolBench(Path({str(tmp_path)!r}), {mode!r}))\n"
        "async def play():\n"
        "    print((await bench.call_async('LSP', **ask('diagnostics', 'pkg/shapes.py')[1])).is_error, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(play())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    kernel = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert kernel.stdout is not None
    workspace = (tmp_path / "ws").resolve()
    with kernel, kernel.stdout:
        assert kernel.stdout.readline() == "False\n"
        assert len(servers_in(workspace)) == 1
        kernel.send_signal(signal.SIGKILL)
    waited = threading.Event()
    for _ in range(200):
        if not servers_in(workspace):
            break
        waited.wait(0.02)
    assert servers_in(workspace) == []


def test_mode_ask_asks_before_a_server_starts(tmp_path: Path) -> None:
    """Where each command is asked, the server is; unattended that is a no, and nothing is started."""
    bench = fill(ToolBench(tmp_path, "ask"))
    call = ask("goToDefinition", "pkg/use.py", 7, 16)
    assert bench.calls(call)[0].is_error
    assert [(access.kind, access.tool) for access, _ in bench.gate.asked] == [("command", "LSP")]
    bench.gate.yes = True
    assert texts(bench, call, call) == ["pkg/shapes.py:11:7: class Square(Shape):"] * 2
    assert len(bench.gate.asked) == 2
