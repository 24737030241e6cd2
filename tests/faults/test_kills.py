"""SIGKILL at random moments of a run of twenty tasks, resumed until it is done: nothing lost, nothing done twice.

The seeds and how many kills there are stand in the parameters; `make faults` has them all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conductor_magic.events import ToolStarted, WorkerEnded, WorkerStarted
from conductor_magic.fold import fold
from conductor_magic.journal import NAME, read_records
from conductor_magic.state import RunState
from tests.support.floor import done, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools

TASKS = 20
GRAPH = {f"t{n}": tuple(f"t{before}" for before in range(max(1, n - 6), n - 3)) for n in range(1, TASKS + 1)}
REPLIES = 4
"""Of each worker, when nothing goes wrong."""

BILL = {"input_tokens": 900, "output_tokens": 100}
"""Of each reply."""

FIRST_SECONDS = 0.3
"""Of each reply, so that most kills meet workers that wait for one."""

KILLS = [
    pytest.param(1, 3, id="3 kills"),
    *(pytest.param(seed, 20, id=f"20 kills, seed {seed}", marks=pytest.mark.slow) for seed in range(2, 14)),
]


def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Looks, leaves a mark that would be seen twice, looks again, reports."""
    if turn < REPLIES:
        look = ("Glob", {"pattern": "*.txt"})
        mark = ("Bash", {"command": f"echo {task} >> marks.txt"})
        return tools(mark if turn == 2 else look, prefix=f"{task}{turn}", first_seconds=FIRST_SECONDS)
    return done(task, turn, body)


class Server:
    """The models: each answers by what it is shown, so that it can be met anywhere in a conversation.

    Attributes:
        replies: how often each was asked for, by who asked and the number of the turn in its conversation.
    """

    def __init__(self) -> None:
        self.replies: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
        conducting = any(tool["name"] == "TaskCreate" for tool in body["tools"])
        with self._lock:
            self.replies["conductor" if conducting else task_text(body), turn] += 1
        return replace(self._answer(conducting, turn, body), usage=BILL)

    @staticmethod
    def _answer(conducting: bool, turn: int, body: dict[str, Any]) -> Answer:
        if not conducting:
            return worker(task_text(body), turn, body)
        if turn == 1:
            # Not the cheapest tier: what may have been billed for replies that were cut must leave room to go on.
            return lay_out(GRAPH, "sonnet", prefix="plan")
        return text("Under way." if turn == 2 else "All of it.")


class Victim:
    """The run and the process that plays it now.

    Attributes:
        run: the run's folder, once it has begun.
        connected: whether the last process came to the point from which it can work.
        takes: seconds from a process's start until it has the run, and until it can work.
    """

    def __init__(self, home: Path, workspace: Path, url: str) -> None:
        self.run: Path | None = None
        self.connected = False
        self.takes = (0.3, 1.0)
        self._home, self._workspace = home, workspace
        self._env = {**os.environ, "CONDUCTOR_HOME": str(home), "ANTHROPIC_BASE_URL": url}

    def begin(self, **options: Any) -> subprocess.Popen[str]:
        """A process that plays on."""
        command = [sys.executable, "-m", "tests.faults.victim", str(self._workspace)]
        command += [str(self.run)] if self.run else []
        return subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, text=True, **options)

    def play(self, seconds: float | None, *, early: bool = False) -> str:
        """Play on, and kill the process after some seconds; gives what it said at its end, empty when it was killed.

        Args:
            seconds: after which it is killed; None lets it live.
            early: counted from the start of the process, not from when the run can work.
        """
        process, began = self.begin(), time.monotonic()
        assert process.stdout is not None
        killing = threading.Timer(seconds or 0.0, process.send_signal, [signal.SIGKILL])
        if early:
            killing.start()
        said = process.stdout.readline()
        has_it = time.monotonic() - began
        if said and self.run is None:
            self.run = self._home / "runs" / said.split()[1]
        self.connected = bool(process.stdout.readline())
        if self.connected:
            self.takes = has_it, time.monotonic() - began
        if seconds is not None and not early:
            killing.start()
        said = process.stdout.readline()
        process.wait(60)
        killing.cancel()
        process.stdout.close()
        return said

    def state(self) -> RunState:
        """What the journal holds."""
        assert self.run is not None
        records, _ = read_records(self.run / NAME)
        return fold(records)


@pytest.mark.parametrize(("seed", "kills"), KILLS)
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(tmp_path: Path, seed: int, kills: int) -> None:
    """No completed task is lost or run again; each kill costs at most a reply for each who waited for one."""
    chance, made, taking_over = Random(seed), 0, 0
    while made < kills:
        # A run on a quick machine is over before it was killed so often; another is.
        more, of_them = _play_one(tmp_path / f"after {made}", chance, kills - made)
        made, taking_over = made + more, taking_over + of_them
    print(f"{made} kills, {taking_over} of them during a resume")
    assert kills < 20 or taking_over >= kills // 5


def _play_one(folder: Path, chance: Random, most: int) -> tuple[int, int]:
    """Play a run, kill it at most so often, and see it come to its end: kills made, and those during a resume."""
    server, workspace = Server(), folder / "workspace"
    workspace.mkdir(parents=True)
    with MessagesServer(server) as served:
        victim = Victim(folder / "home", workspace, served.url)
        victim.play(chance.uniform(0.1, 1.0))
        completed: dict[str, str] = {}
        made, taking_over, in_flight = 1, 0, 0
        while True:
            state = victim.state()
            now = {task.id: task.output for task in state.tasks.values() if task.status == "completed"}
            assert completed.items() <= now.items(), "a completed task is lost"
            completed = now
            if state.ended:
                break
            in_flight += len(state.running) + 1
            if made == most:
                assert victim.play(None) == "completed \n"
                break
            # One in three is hit while it takes the run over.
            early = taking_over * 3 < made
            has_it, works = victim.takes
            said = victim.play(chance.uniform(has_it / 2, works) if early else chance.uniform(0.0, 1.0), early=early)
            assert said in ("", "completed \n")
            made += said == ""
            taking_over += said == "" and not victim.connected
    assert victim.run is not None
    records, torn = read_records(victim.run / NAME)
    state = fold(records)
    assert (state.status, state.answer, len(state.tasks)) == ("completed", "All of it.", TASKS)
    assert torn == b""
    assert all(task.output == f"Did {name}." for name, task in zip(GRAPH, state.tasks.values(), strict=True))
    for kind in (WorkerStarted, WorkerEnded):
        assert Counter(r.event.task for r in records if isinstance(r.event, kind)) == dict.fromkeys(state.tasks, 1)
    _check_bill(server.replies, state, in_flight)
    _check_marks(workspace / "marks.txt", records, state)
    return made, taking_over


@pytest.mark.slow
def test_of_two_processes_that_resume_one_run_one_wins(tmp_path: Path) -> None:
    """Begun at the same moment, again and again: one goes on, the other is told who does, and nothing is done twice."""
    server = Server()
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with MessagesServer(server) as served:
        victim = Victim(tmp_path / "home", workspace, served.url)
        victim.play(0.5)
        for _ in range(2):
            pair = [victim.begin(stderr=subprocess.PIPE) for _ in range(2)]
            firsts = [process.stdout.readline() for process in pair if process.stdout is not None]
            winner, loser = pair if firsts[0] else pair[::-1]
            assert sorted(map(bool, firsts)) == [False, True]
            told = loser.communicate(timeout=60)[1]
            # By its name, but in its first moment, in which it has recorded nothing yet.
            assert f"is going on in process {winner.pid}" in told or "is going on in another process" in told
            winner.kill()
            winner.communicate()
        assert victim.play(None) == "completed \n"
    state = victim.state()
    assert (state.status, len(state.tasks)) == ("completed", TASKS)
    assert set(Counter((workspace / "marks.txt").read_text().split()).values()) == {1}


def _check_bill(replies: Counter[tuple[str, int]], state: RunState, in_flight: int) -> None:
    """No reply was asked for that an uninterrupted run would not need, but those that were under way at a kill."""
    asked, needed = replies.total(), TASKS * REPLIES + 3
    print(f"{asked} replies, {needed} needed, {in_flight} may have been under way at a kill")
    assert asked <= needed + in_flight
    for name in GRAPH:
        assert [turn for (who, turn) in sorted(replies) if who == name] == list(range(1, REPLIES + 1))
    recorded, billed = state.spend.tokens, asked * sum(BILL.values())
    assert recorded <= billed <= recorded + state.held_tokens, "the journal does not know of money spent"


def _check_marks(marks: Path, records: Any, state: RunState) -> None:
    """No command was run twice; one that is missing was cut, and a person would have been asked."""
    found = Counter(marks.read_text().split())
    assert set(found.values()) == {1}
    begun = Counter(r.event.by for r in records if isinstance(r.event, ToolStarted) and r.event.name == "Bash")
    asked = {question.task for question in state.questions.values()}
    missing = {task for name, task in zip(GRAPH, state.tasks, strict=True) if name not in found}
    assert missing <= asked
    assert set(begun.values()) == {1}
