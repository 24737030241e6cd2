"""Sockets in the workspace that somebody outside is at are hidden from workers; those that nobody is at are theirs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_magic.sandbox.sockets import in_use
from tests.support.tool_bench import ToolBench

TALK = """
import os, socket, sys
for name in ("live", "sub/live", "stale"):
    try:
        socket.socket(socket.AF_UNIX).connect(name)
        print(name, "connected")
    except OSError as error:
        print(name, type(error).__name__)
os.unlink("stale")
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolBench]:
    """A workspace with two sockets that a server is at (one bound by a relative name), and one that nobody is at."""
    bench = ToolBench(tmp_path)
    (bench.workspace / "sub").mkdir()
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        one.bind(str(bench.workspace / "live"))
        monkeypatch.chdir(bench.workspace / "sub")
        two.bind("live")
        for server in (one, two):
            server.listen()
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(bench.workspace / "stale"))
        os.mkfifo(bench.workspace / "pipe")
        yield bench


def test_only_sockets_in_use_count(bench: ToolBench) -> None:
    """Neither a pipe nor what a dead process left behind, nor what is not there."""
    names = ("live", "sub/live", "stale", "pipe", "missing")
    assert in_use([bench.workspace / name for name in names]) == [
        bench.workspace / "live",
        bench.workspace / "sub/live",
    ]
    assert in_use([]) == []


def test_a_worker_cannot_talk_to_a_program_outside(bench: ToolBench) -> None:
    """Connecting to a server's socket fails, while one that nobody is at can be removed."""
    (bench.workspace / "talk.py").write_text(TALK)
    said = bench.call("Bash", command="python3 talk.py")
    assert said.content == "live ConnectionRefusedError\nsub/live ConnectionRefusedError\nstale ConnectionRefusedError"
    assert not (bench.workspace / "stale").exists()
    assert (bench.workspace / "live").is_socket()
