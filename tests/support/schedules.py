"""Random schedules of four workers who edit the same few files, each in its own way: by tools, commands and code.

Every step adds one line of its own, a token, to a file. What a call reported as done must be found again: in the file
as it is at the end, or in a conflict that shows it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

from tests.support.shared_files import SharedFiles

__all__ = ["Outcome", "play"]

WORKERS = ("1", "2", "3", "4")
_BASE = "".join(f"line {number}\n" for number in range(1, 9))


@dataclass
class Outcome:
    """What became of a schedule.

    Attributes:
        done: (file, task, token) of every step that was reported as done.
        lost: those that are neither in their file nor shown by a conflict.
        unseen: those whose version was overwritten before it could be read, so that its command is shown instead.
        conflicts: how many conflicts there were.
        refused: how many steps were refused.
    """

    done: list[tuple[str, str, str]] = field(default_factory=list)
    lost: list[tuple[str, str, str]] = field(default_factory=list)
    unseen: list[tuple[str, str, str]] = field(default_factory=list)
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
        ways = [self._write, self._edit, self._append, self._sed, self._sed_first, self._rewrite, self._stale_shell]
        for number in range(steps):
            await asyncio.sleep(self._chance.random() * 0.05)
            file, token = (
                self._chance.choice(self._files),
                f"token-{self._task}-{number}-{self._chance.randrange(10**6)}",
            )
            way = self._chance.choice([*ways, self._python] if python else ways)
            if await way(file, token):
                self._outcome.done.append((file, self._task, token))
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
    files = {task: [f"schedule-{seed}-{task if apart else ''}{name}.txt" for name in "ab"] for task in WORKERS}
    for file in {name for names in files.values() for name in names}:
        shared.write(file, _BASE)
    outcome = Outcome()
    before = len(shared.conflicts)
    players = [_Player(shared, task, files[task], Random(chance.random()), outcome) for task in WORKERS]
    await asyncio.gather(*(player.play(steps, python) for player in players))
    found = shared.conflicts[before:]
    outcome.conflicts = len(found)
    for file, task, token in outcome.done:
        at = [conflict for conflict in found if conflict.path.endswith(file)]
        shown = [diff for conflict in at for diff in conflict.diffs if token in diff]
        if token not in shared.read(file) and not shown:
            outcome.lost.append((file, task, token))
        elif shown and all("overwritten before" in diff for diff in shown):
            outcome.unseen.append((file, task, token))
    return outcome
