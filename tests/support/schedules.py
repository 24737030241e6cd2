"""Random schedules of four workers who edit the same few files, each in its own way: by tools, commands and code.

Every step adds one line of its own, a token, to a file: a plain one, one in a folder that is not watched, or a large
one. What a call reported as done must be found again: in the file as it is at the end, or in a conflict that shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from conductor_magic.events import ConflictFound
from tests.support.shared_files import SharedFiles

__all__ = ["Outcome", "Step", "play"]

WORKERS = ("1", "2", "3", "4")
_BASE = "".join(f"line {number}\n" for number in range(1, 9))
_LARGE = _BASE + "".join(f"{number:<299}\n" for number in range(4_000))
"""More than is kept in memory (1 MiB), and more than one Read shows."""


@dataclass(frozen=True)
class Step:
    """A step that was reported as done.

    Attributes:
        file: what it added a line to.
        task: whose it is.
        token: the line.
        kind: how it was done.
    """

    file: str
    task: str
    token: str
    kind: str


@dataclass
class Outcome:
    """What became of a schedule.

    Attributes:
        done: every step that was reported as done.
        lost: those that are neither in their file nor shown by a conflict.
        unseen: those whose version was overwritten before it could be read: a conflict shows their command, which has
            the token in it, but no content.
        conflicts: how many conflicts there were.
        refused: how many steps were refused.
    """

    done: list[Step] = field(default_factory=list[Step])
    lost: list[Step] = field(default_factory=list[Step])
    unseen: list[Step] = field(default_factory=list[Step])
    conflicts: int = 0
    refused: int = 0


class _Player:
    """One worker's steps."""

    def __init__(self, shared: SharedFiles, task: str, files: list[str], chance: Random, outcome: Outcome) -> None:
        self._shared = shared
        self._task = task
        self._files = files
        self._chance = chance
        self._outcome = outcome

    async def play(self, steps: int, python: bool) -> None:
        small = [self._write, self._stale_shell]
        ways = [
            self._edit, self._append, self._sed, self._sed_first, self._sed_itself, self._rewrite, self._link,
            *([self._python, self._memory] if python else []),
        ]  # fmt: skip
        for number in range(steps):
            await asyncio.sleep(self._chance.random() * 0.05)
            file, token = (
                self._chance.choice(self._files),
                f"token-{self._task}-{number}-{self._chance.randrange(10**6)}",
            )
            way = self._chance.choice(ways if "large" in file else [*small, *ways])
            if await way(file, token):
                self._outcome.done.append(Step(file, self._task, token, way.__name__.strip("_")))
            else:
                self._outcome.refused += 1
        await self._shared.release(self._task)

    def _pause(self) -> str:
        return f"{self._chance.random() * 0.12:.3f}"

    async def _seen(self, file: str) -> list[str]:
        shown = await self._shared.call(self._task, "Read", file_path=file)
        return [line.partition("\t")[2] for line in str(shown.content).split("\n")]

    async def _bash(self, command: str) -> bool:
        return not (await self._shared.call(self._task, "Bash", command=command)).is_error

    async def _write(self, file: str, token: str) -> bool:
        lines = await self._seen(file)
        await asyncio.sleep(float(self._pause()))
        lines.insert(self._chance.randrange(len(lines) + 1), token)
        result = await self._shared.call(self._task, "Write", file_path=file, content="\n".join(lines) + "\n")
        return not result.is_error

    async def _edit(self, file: str, token: str) -> bool:
        line = self._chance.choice(await self._seen(file))
        await asyncio.sleep(float(self._pause()))
        result = await self._shared.call(
            self._task, "Edit", file_path=file, old_string=f"{line}\n", new_string=f"{line}\n{token}\n"
        )
        return not result.is_error

    async def _append(self, file: str, token: str) -> bool:
        return await self._bash(f"sleep {self._pause()}; echo {token} >> {file}; sleep {self._pause()}")

    async def _sed(self, file: str, token: str) -> bool:
        return await self._bash(f"sleep {self._pause()}; {self._by_sed(f'$a {token}', file, token)}")

    async def _sed_first(self, file: str, token: str) -> bool:
        return await self._bash(f"{self._by_sed(f'1i {token}', file, token)} || exit 1; sleep {self._pause()}")

    def _by_sed(self, script: str, file: str, token: str) -> str:
        """As `sed -i` does it, but failing when sed met an empty file, to which it adds nothing."""
        return f"sed '{script}' {file} > {file}.{token} && grep -q {token} {file}.{token} && mv {file}.{token} {file}"

    async def _sed_itself(self, file: str, token: str) -> bool:
        """A file that another has emptied at that moment is put in place empty: then it has not done what it should."""
        return await self._bash(f"sleep {self._pause()}; sed -i '1i {token}' {file} && grep -q {token} {file}")

    async def _link(self, file: str, token: str) -> bool:
        """Writes under a name of the file that nobody has heard of."""
        other = f"{file}.{token}"
        return await self._bash(f"sleep {self._pause()}; ln {file} {other} && echo {token} >> {other} && rm {other}")

    async def _rewrite(self, file: str, token: str) -> bool:
        """Reads, takes its time, writes: what others wrote in between is overwritten."""
        write = f"printf '%s\\n' \"$text\" {token} > {file}"
        return await self._bash(f"text=$(cat {file}); sleep {self._pause()}; {write}; sleep {self._pause()}")

    async def _stale_shell(self, file: str, token: str) -> bool:
        """Writes by a command what it read by a tool long before."""
        lines = await self._seen(file)
        await asyncio.sleep(float(self._pause()))
        text = "\n".join([*lines, token])
        return await self._bash(f"cat > {file} <<'END'\n{text}\nEND")

    async def _python(self, file: str, token: str) -> bool:
        code = (
            f"import time\ntext = open({file!r}).read()\ntime.sleep({self._pause()})\n"
            f"with open({file!r}, 'w') as file: file.write(text + {token!r} + '\\n')"
        )
        return not (await self._shared.call(self._task, "Python", code=code)).is_error

    async def _memory(self, file: str, token: str) -> bool:
        """Writes through memory, and leaves the file open."""
        code = (
            f"import mmap\nfile = open({file!r}, 'r+b')\nsize, line = file.seek(0, 2), b'{token}\\n'\n"
            "file.truncate(size + len(line))\n"
            "memory = mmap.mmap(file.fileno(), size + len(line))\nmemory[size:] = line\n"
        )
        return not (await self._shared.call(self._task, "Python", code=code)).is_error


async def play(shared: SharedFiles, seed: int, *, steps: int = 4, python: bool = False, apart: bool = False) -> Outcome:
    """Play one schedule on files of its own.

    Args:
        shared: the workspace and its workers.
        seed: of all chance in it.
        steps: of each worker.
        python: whether workers also use their Python kernels.
        apart: whether each worker has files of its own.
    """
    chance = Random(seed)
    (shared.workspace / "node_modules").mkdir(exist_ok=True)
    small = ("schedule-{}a", "node_modules/schedule-{}b")
    names = (*small, *small, "schedule-{}large")
    files = {task: [name.format(f"{seed}-{task if apart else ''}") for name in names] for task in WORKERS}
    for file in {name for names in files.values() for name in names}:
        shared.write(file, _LARGE if "large" in file else _BASE)
    outcome = Outcome()
    before = len(shared.conflicts)
    players = [_Player(shared, task, files[task], Random(chance.random()), outcome) for task in WORKERS]
    await asyncio.gather(*(player.play(steps, python) for player in players))
    found = shared.conflicts[before:]
    outcome.conflicts = len(found)
    for step in outcome.done:
        if step.token in shared.read(step.file):
            continue
        at = [conflict for conflict in found if conflict.path.endswith(f"/{step.file}")]
        if not any(_shows(conflict, step.token) for conflict in at):
            told = any(step.token in diff for conflict in at for diff in conflict.diffs)
            (outcome.unseen if told else outcome.lost).append(step)
    return outcome


def _shows(conflict: ConflictFound, token: str) -> bool:
    """Whether a version with this line in it was told and kept."""
    versions: Sequence[str] = [path for path in conflict.kept if path]
    told = any(f"+{token}" in diff.split("\n") for diff in conflict.diffs)
    return told or any(token in Path(path).read_text() for path in versions)
