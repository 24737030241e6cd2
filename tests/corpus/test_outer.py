"""The outer sandbox itself: what it must hold before any dangerous row runs in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.corpus.outer import FULL, STAGE, OuterSandboxError, run_in_outer_sandbox
from tests.support.tool_bench import processes_with

PROBE = """
import json, os, resource, signal, socket, sys

marker, home, pid, port = sys.argv[1:]
said = {"uid": os.getuid()}


def attempt(name, act):
    try:
        said[name] = repr(act())
    except OSError as error:
        said[name] = type(error).__name__


attempt("write outside", lambda: open(marker, "a"))
attempt("write repository", lambda: open(os.path.join(os.environ["PYTHONPATH"], "marker"), "w"))
attempt("write system", lambda: open("/usr/marker", "w"))
attempt("list home", lambda: [name for name in os.listdir(home) if name.startswith((".ssh", ".bash", "marker"))])
attempt("signal", lambda: os.kill(int(pid), signal.SIGTERM))
attempt("signal everything", lambda: os.kill(-1, signal.SIGCONT))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", int(port)), 2))
attempt("processes", lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) < 10)
attempt("become root", lambda: os.setuid(0))
attempt("write stage", lambda: open("on-stage", "w").write("x"))
attempt("fill", lambda: open("/full/file", "wb").write(bytes(4 << 20)))
said["limits"] = [resource.getrlimit(which)[0] > 0 for which in (resource.RLIMIT_AS, resource.RLIMIT_NPROC)]
print(json.dumps(said))
"""


def test_nothing_outside_can_be_reached(tmp_path: Path) -> None:
    """Inside, the user is nobody; nothing outside can be written, read from the home, signalled or connected to."""
    marker = tmp_path / "marker"
    marker.write_text("untouched")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander,
    ):
        args = [str(marker), str(Path.home()), str(bystander.pid), str(server.getsockname()[1])]
        done = run_in_outer_sandbox([sys.executable, "-c", PROBE, *args])
        assert done.returncode == 0, done.stderr
        assert bystander.poll() is None
        bystander.kill()
    said = json.loads(done.stdout)
    assert said == {
        "uid": 65534 if os.geteuid() == 0 else os.geteuid(),
        "write outside": "FileNotFoundError",
        "write repository": "OSError",
        "write system": "OSError",
        "list home": said["list home"] if said["list home"] == "[]" else "FileNotFoundError",
        "signal": "ProcessLookupError",
        "signal everything": said["signal everything"],
        "connect": "ConnectionRefusedError",
        "processes": "True",
        "become root": "OSError",
        "write stage": "1",
        "fill": "OSError",
        "limits": [True, True],
    }
    assert marker.read_text() == "untouched"


def test_the_projects_own_walls_work_inside() -> None:
    """Bubblewrap inside it passes the project's self-test, so rows meet the walls that a user has."""
    code = (
        "from pathlib import Path; from conductor_magic.sandbox import choose_walls; "
        f"print(choose_walls('workspace', Path('{STAGE}'), Path('{FULL}')).kind)"
    )
    done = run_in_outer_sandbox([sys.executable, "-c", code])
    assert (done.stdout, done.stderr) == ("bubblewrap\n", "")


def test_time_is_limited() -> None:
    """What does not end is killed with all that it started."""
    with pytest.raises(OuterSandboxError, match="still going after 1 s"):
        run_in_outer_sandbox(["sh", "-c", "sleep 7919 & sleep 7919"], seconds=1)
    deadline = time.monotonic() + 5
    while processes_with("sleep 7919") and time.monotonic() < deadline:
        time.sleep(0.01)  # the system kills one process after another, and tells nobody
    assert processes_with("sleep 7919") == []
