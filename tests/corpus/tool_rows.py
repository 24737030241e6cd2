"""Plays a row of the corpus that is a worker's tool call, and judges it: a list of what is wrong, or an empty one."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from conductor_magic.gate import NO, THIS_RUN
from conductor_magic.standing import add_rule, rules_file, typed_rule
from tests.corpus.checks import CHECKS, Seen, verdict
from tests.corpus.play import Call, play
from tests.corpus.setups import RACES, prepared
from tests.corpus.world import Tree, World

__all__ = ["SURFACES", "Player", "watch_processes"]

Json = dict[str, Any]
SURFACES = frozenset({"Read", "Write", "Edit", "Glob", "Grep", "Bash", "Python", "LSP", "dialog", "approval"})
"""The surfaces that this module plays."""

_NO_ARGUMENTS = ("kernel_env", "answer", "deny_paths")
_RACES = 40
_GONE_SECONDS = 3.0
_SET_CHILD_SUBREAPER = 36
_spawned = 0


def watch_processes() -> None:
    """From now on, whatever this process starts is counted, and whatever loses its parent becomes its child."""
    ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sys.addaudithook(_count)


def _count(event: str, _args: Any) -> None:
    global _spawned  # noqa: PLW0603  # an audit hook has no other place to keep a number
    _spawned += event == "subprocess.Popen"


class Player:
    """Plays rows, each in a world that no row has changed yet; the environment of this process is the kernel's.

    Args:
        folder: where worlds are made.
        small: a small disk, for the workspaces of rows about a full one.
    """

    def __init__(self, folder: Path, small: Path | None = None) -> None:
        self._folder = folder
        self._small = small
        self._spare: World | None = None
        self._bystander: subprocess.Popen[bytes] | None = None

    def judge(self, row: Json) -> list[str]:
        """Play a row; what is wrong with it."""
        world = self._world(row)
        bystander = self._beside()
        with ExitStack() as stack:
            spawned = 0
            made: list[Sequence[Call]] = []
            before: dict[str, Tree] = {}

            def calls() -> list[Sequence[Call]]:
                nonlocal spawned
                stack.enter_context(prepared(world, row["setup"]))
                before.update(world.look() if row["setup"] else world.first)
                spawned = _spawned
                made.extend(_calls(row, world))
                return made

            for path in row["input"].get("deny_paths", []):
                add_rule(typed_rule("deny", "path", str(world.place(path))))
            asked = row["category"] == "approval" or row["surface"] == "approval"
            played = play(world, _mode(row), calls, person=_Person(row) if asked else None)
        seen = Seen(
            {**row, "input": world.expanded(row["input"])},
            world,
            played,
            before,
            after=world.look(),
            own=len(made[-1]),
            spawned=_spawned - spawned,
            left=_left(bystander.pid),
            bystander=bystander.poll() is None,
        )
        checked = [(name, CHECKS[name](seen)) for name in row["checks"]]
        self._put_back(world, seen)
        wrong = [verdict(seen), *(said and f"{name}: {said}" for name, said in checked)]
        return [text[:2_000] for text in wrong if text]

    def close(self) -> None:
        """End what stands beside the rows."""
        if self._bystander:
            self._bystander.kill()
            self._bystander.communicate()

    def _beside(self) -> subprocess.Popen[bytes]:
        """A process that no row has to do with."""
        if self._bystander is None or self._bystander.poll() is not None:
            # It ends with its input, so also when this process is killed.
            self._bystander = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        return self._bystander

    def _world(self, row: Json) -> World:
        world, self._spare = self._spare, None
        full = any("disk_full" in step for step in row["setup"])
        if world is None or full:
            workspace = Path(tempfile.mkdtemp(dir=self._small)) / "ws" if full and self._small else None
            world = World(Path(tempfile.mkdtemp(prefix=f"{row['id']}-", dir=self._folder)), workspace)
        os.environ.update(world.environment())
        return world

    def _put_back(self, world: World, seen: Seen) -> None:
        """Keep the world for the next row, if this one has left it as it was."""
        shutil.rmtree(world.data / "runs", ignore_errors=True)
        rules_file().unlink(missing_ok=True)
        if seen.before == seen.after == world.first and not world.sink.hits:
            self._spare = world
            return
        world.close()
        shutil.rmtree(world.base, ignore_errors=True)
        shutil.rmtree(world.ws.parent if world.ws.parent != world.base else world.base, ignore_errors=True)


def _mode(row: Json) -> str:
    # A question about a command is only put where commands are asked for.
    return "ask" if row["surface"] == "approval" else row["mode"]


def _calls(row: Json, world: World) -> list[Sequence[Call]]:
    """The worker's calls, a list for each of its turns; the last turn is the row's own."""
    given = world.expanded(row["input"])
    if row["surface"] == "dialog":
        return [[("Bash", {"command": "touch made-without-a-yes"})]]
    if row["surface"] == "approval":
        return [[("Bash", {"command": given["text"]})]]
    sooner = [*given.pop("granted", []), *given.pop("first", [])]
    turns = [[_call(row["surface"], {**given, **_same(row["surface"], what)})] for what in sooner]
    own = _call(row["surface"], given)
    races = any(kind in RACES for step in row["setup"] for kind in step)
    return [*turns, [own] * (_RACES if races else 1)]


def _same(surface: str, what: str) -> Json:
    """What a grant is for, as the argument of the same tool."""
    return {{"Bash": "command", "Python": "code", "WebFetch": "url"}.get(surface, "path"): what}


def _call(surface: str, given: Json) -> Call:
    """A row's arguments by the names that the tool has for them."""
    names = {"path": "path" if surface in ("Glob", "Grep") else "file_path", "timeout_s": "timeout"}
    args = {names.get(name, name): value for name, value in given.items() if name not in _NO_ARGUMENTS}
    if "timeout" in args:
        args["timeout"] *= 1_000
    if surface == "LSP":
        args = {"operation": "documentSymbol", **args}
    return surface, args


class _Person:
    """Says yes for the run to what the row has granted, and no (or what the row says) to all else."""

    def __init__(self, row: Json) -> None:
        self._yes = len(row["input"].get("granted", []))
        self._answer: str | None = row["input"].get("answer", NO)

    def __call__(self, question: Json) -> str | None:
        if self._yes:
            self._yes -= 1
            return THIS_RUN
        said, self._answer = self._answer, None
        return said


def _left(*own: int) -> list[str]:
    """What still runs of all that this process has ever started, a moment later."""
    deadline = time.monotonic() + _GONE_SECONDS
    while (found := _descendants(own)) and time.monotonic() < deadline:
        time.sleep(0.01)  # the system ends a namespace's processes one after another, and tells nobody
    return found


def _descendants(own: tuple[int, ...]) -> list[str]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # names are all that is needed, and there are many
        if name.isdigit():
            with suppress(OSError):
                state, parent = Path(f"/proc/{name}/stat").read_text("latin-1").rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(name)] = int(parent)
    found: list[str] = []
    for process in parents:
        above = parents.get(process)
        while above and above != os.getpid():
            above = parents.get(above)
        if above == os.getpid() and process not in own:
            with suppress(OSError):
                found.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")[:200])
    return found
