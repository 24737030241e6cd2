"""What commands do to files that tools have changed, in ways or places of which the system tells nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conductor_magic.events import ConflictFound
from conductor_magic.tools.base import ToolResult
from tests.support.shared_files import SharedFiles

Play = Callable[[SharedFiles], Awaitable[None]]

IN_MEMORY = """
import mmap
file = open("f", "r+b")
memory = mmap.mmap(file.fileno(), 0)
memory[0:3] = b"two"
"""


def run(base: Path, play: Play, mode: str = "workspace") -> None:
    """Workers on a workspace with one file."""

    async def whole() -> None:
        shared = SharedFiles(base, mode)
        shared.write("f", "old\n")
        try:
            await play(shared)
        finally:
            await shared.close()

    asyncio.run(whole())


async def good(shared: SharedFiles, task: str, tool: str, **args: str) -> ToolResult:
    """One call, which must go well."""
    result = await shared.call(task, tool, **args)
    assert not result.is_error, result.content
    return result


def added(conflict: ConflictFound) -> list[tuple[str, list[str]]]:
    """Whose difference adds which lines."""
    return [
        (who, [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")])
        for who, diff in zip(conflict.who, conflict.diffs, strict=True)
    ]


def test_what_is_written_through_memory_collides(tmp_path: Path) -> None:
    """The file stays open in a kernel: its closing is never told, nor does a later write need to leave a sign."""

    async def play(shared: SharedFiles) -> None:
        await good(shared, "1", "Edit", file_path="f", old_string="old", new_string="one")
        await good(shared, "2", "Python", code=IN_MEMORY)
        (conflict,) = shared.conflicts
        assert shared.read("f") == "two\n" and added(conflict) == [("#1", ["one"]), ("#2", ["two"])]
        await good(shared, "3", "Bash", command="printf 333 | dd of=f conv=notrunc status=none")
        assert len(shared.conflicts) == 2
        await good(shared, "2", "Python", code="memory[0:3] = b'new'")
        assert added(shared.conflicts[2]) == [("#3", ["333"]), ("#2", ["new"])]

    run(tmp_path, play)


@pytest.mark.parametrize("command", ["ln f g; echo two > g", "ln f g; echo two > g; rm g"])
def test_what_is_written_under_another_name_collides(tmp_path: Path, command: str) -> None:
    """A hard link is made and written to: nothing is told of the name that the tool knows."""

    async def play(shared: SharedFiles) -> None:
        await good(shared, "1", "Edit", file_path="f", old_string="old", new_string="one")
        await good(shared, "2", "Bash", command=command)
        (conflict,) = shared.conflicts
        assert conflict.path == str(shared.workspace / "f")
        assert added(conflict) == [("#1", ["one"]), ("#2", ["two"])]

    run(tmp_path, play)


@pytest.mark.parametrize("folder", ["node_modules", "__pycache__", ".ipynb_checkpoints", "lib/site-packages"])
@pytest.mark.parametrize("tool", ["Edit", "Write"])
def test_what_tools_wrote_is_watched_wherever_it_lies(tmp_path: Path, folder: str, tool: str) -> None:
    """Also in folders that programs keep for themselves; versions in between are seen there too."""

    async def play(shared: SharedFiles) -> None:
        (shared.workspace / folder).mkdir(parents=True)
        args = {"content": "one\n"}
        if tool == "Edit":
            shared.write(f"{folder}/f", "old\n")
            args = {"old_string": "old", "new_string": "one"}
        await good(shared, "1", tool, file_path=f"{folder}/f", **args)
        await good(shared, "2", "Bash", command=f"cd {folder}; echo two > f; sleep 1; echo three > f")
        (conflict,) = shared.conflicts
        assert added(conflict) == [("#1", ["one"]), ("#2", ["three"])]
        assert shared.custody is not None
        history = shared.custody._histories.files[str(shared.workspace / folder / "f")]
        assert [shared.custody.kept(version.sha or "") for version in history[1:]] == [b"one\n", b"two\n", b"three\n"]

    run(tmp_path, play)


def test_what_tools_wrote_outside_the_workspace_is_watched_too(tmp_path: Path) -> None:
    """Without walls both may write there."""

    async def play(shared: SharedFiles) -> None:
        path = tmp_path / "out" / "f"
        await good(shared, "1", "Write", file_path=str(path), content="one\n")
        await good(shared, "2", "Bash", command=f"echo two > {path}")
        (conflict,) = shared.conflicts
        assert conflict.path == str(path) and added(conflict) == [("#1", ["one"]), ("#2", ["two"])]

    run(tmp_path, play, "full")


def test_a_folder_does_not_become_an_environment_of_which_nothing_is_told(tmp_path: Path) -> None:
    """A command that puts the mark of a virtual environment into it is judged all the same."""

    async def play(shared: SharedFiles) -> None:
        await good(shared, "1", "Write", file_path="venv/x.py", content="one\n")
        await good(shared, "2", "Bash", command="echo home=1 > venv/pyvenv.cfg; echo two > venv/x.py")
        (conflict,) = shared.conflicts
        assert added(conflict) == [("#1", ["one"]), ("#2", ["two"])]

    run(tmp_path, play)


def test_a_large_file_is_kept_as_a_small_one_is(tmp_path: Path) -> None:
    """Both differences are told, and what was overwritten can be taken back."""

    async def play(shared: SharedFiles) -> None:
        large = "".join(f"line {number}\n" for number in range(200_000))
        shared.write("large", large)
        await good(shared, "1", "Edit", file_path="large", old_string="line 77\n", new_string="one\n")
        await good(shared, "2", "Bash", command="sed 's/^line 99$/two/; s/^one$/line 77/' large > t; mv t large")
        (conflict,) = shared.conflicts
        assert added(conflict) == [("#1", ["one"]), ("#2", ["two"])]
        assert Path(conflict.base).read_text() == large
        assert Path(conflict.kept[0]).read_text() == large.replace("line 77\n", "one\n")
        assert Path(conflict.kept[1]).read_text() == shared.read("large") == large.replace("line 99\n", "two\n")
        assert sorted(path.name for path in shared.artifacts.parent.iterdir()) == ["artifacts"]

    run(tmp_path, play)


def test_what_a_person_does_between_commands_is_no_commands_doing(tmp_path: Path) -> None:
    """Through another name, of which nothing is told: the next command is not taken for its maker."""

    async def play(shared: SharedFiles) -> None:
        await good(shared, "1", "Edit", file_path="f", old_string="old", new_string="one")
        (shared.workspace / "node_modules").mkdir()
        (shared.workspace / "node_modules" / "g").hardlink_to(shared.workspace / "f")
        shared.write("node_modules/g", "mine\n")
        await good(shared, "2", "Bash", command="true")
        assert shared.conflicts == [] and [change.task for change in shared.changes] == []

    run(tmp_path, play)
