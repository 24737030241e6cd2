"""Starts the processes in which rows are played, and hands them rows: one here, two in the outer sandbox."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Literal

from tests.corpus.outer import FULL, REPOSITORY, STAGE, outer_command
from tests.corpus.rows import rows
from tests.corpus.world import KERNEL_SECRETS

__all__ = ["Stages"]

Json = dict[str, Any]
Where = Literal["here", "outer", "kernel"]
_LONGEST = 120.0
_POLITE = 10.0
_SAID = 50
_ALLOWED = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")


def _where(row: Json) -> Where:
    """Where a row may be played; rows about cells share a kernel, in an outer sandbox of its own."""
    if row["category"] == "magic":
        return "kernel"
    return "outer" if row["danger"] or any("disk_full" in step for step in row["setup"]) else "here"


class Stages:
    """Plays rows, on all stages side by side; a stage that dies or hangs is replaced for its next row.

    Args:
        folder: where the worlds of rows are made that need no outer sandbox.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stages: dict[Where, _Stage] = {}
        self._threads = {where: ThreadPoolExecutor(1) for where in ("here", "outer", "kernel")}
        self._verdicts: dict[str, Future[list[str]]] = {}

    def play(self, wanted: Iterable[Json]) -> None:
        """Begin to play rows that will be asked for."""
        for row in wanted:
            self._verdicts[row["id"]] = self._threads[_where(row)].submit(self._play, row)

    def judge(self, row: Json) -> list[str]:
        """What is wrong with a row that is played."""
        return self._verdicts[row["id"]].result()

    def close(self) -> None:
        """End all stages."""
        for thread in self._threads.values():
            thread.shutdown(cancel_futures=True)
        for stage in self._stages.values():
            stage.close()

    def _play(self, row: Json) -> list[str]:
        where = _where(row)
        stage = self._stages.get(where)
        if stage is None or stage.over:
            stage = self._stages[where] = _Stage(where != "here", self._folder)
        return stage.judge(row)


class _Stage:
    def __init__(self, outer: bool, folder: Path) -> None:
        module = [sys.executable, "-m", "tests.corpus.stage"]
        command = outer_command([*module, STAGE, FULL]) if outer else [*module, str(folder)]
        self._process = subprocess.Popen(
            command,
            cwd=None if outer else REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(STAGE if outer else str(folder)),
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._said: deque[str] = deque(maxlen=_SAID)
        Thread(target=self._listen, daemon=True).start()

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    def judge(self, row: Json) -> list[str]:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(row) + "\n")
            self._process.stdin.flush()
        except OSError:
            return [f"the stage is not there: {self._last_words()}"]
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            in_time = ready.select(_LONGEST)
        line = self._process.stdout.readline() if in_time else ""
        if not line:
            self._process.kill()
            self._process.wait()
            ended = "the stage died" if in_time else f"no end after {_LONGEST:g} s"
            return [f"{ended} in row {row['id']}: {self._last_words()}"]
        return json.loads(line)

    def close(self) -> None:
        """End it politely, else by force."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_POLITE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stderr
        self._said.extend(self._process.stderr)

    def _last_words(self) -> str:
        return "".join(self._said)[-3_000:]


def _environment(home: str) -> dict[str, str]:
    """The kernel's environment: what it needs, and the secrets of all rows, in the process's own block."""
    secrets = dict(KERNEL_SECRETS)
    for row in rows():
        secrets |= row["input"].get("kernel_env", {}) if isinstance(row["input"], dict) else {}
    inherited = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    return {**inherited, **secrets, "HOME": home, "PYTHONPATH": str(REPOSITORY)}
