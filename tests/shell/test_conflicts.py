"""Commands and code of several workers that change one file at once: what collides is found and shown, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conductor_magic.events import ConflictFound, RunNoted
from conductor_magic.tools.base import ToolResult
from conductor_magic.tools.versions import digest
from tests.support.shared_files import SharedFiles
from tests.support.tool_bench import processes_with

BASE = "one\ntwo\n"
TOKENS = {"1": "token_one", "2": "token_two"}


@asynccontextmanager
async def shared_files(base: Path, mode: str = "workspace") -> AsyncIterator[SharedFiles]:
    """Workers on a workspace with one file, and a folder for signals that nobody watches."""
    shared = SharedFiles(base, mode)
    (shared.workspace / "__pycache__").mkdir()
    shared.write("f", BASE)
    try:
        yield shared
    finally:
        await shared.close()


def signal(name: str) -> str:
    """Shell code that gives a signal."""
    return f"touch __pycache__/{name}"


def wait(name: str) -> str:
    """Shell code that waits for a signal."""
    return f"until [ -e __pycache__/{name} ]; do sleep 0.01; done"


def rewrite(task: str, *, after: str = "true", then: str = "true") -> str:
    """Read the file, say so, wait, write it back with one line more."""
    read = f"text=$(cat f); {signal(f'read{task}')}"
    return f"{read}; {after}; printf '%s\\n' \"$text\" {TOKENS[task]} > f; {signal(f'wrote{task}')}; {then}"


def rewrite_in_python(task: str, after: str) -> str:
    """The same as code of a kernel."""
    return (
        "import os, time\ntext = open('f').read()\n"
        f"open('__pycache__/read{task}', 'w').close()\n"
        f"while not os.path.exists('__pycache__/{after}'): time.sleep(0.01)\n"
        f"with open('f', 'w') as file: file.write(text + '{TOKENS[task]}\\n')\n"
    )


async def bash(shared: SharedFiles, task: str, command: str) -> ToolResult:
    """One Bash call, which must go well."""
    result = await shared.call(task, "Bash", command=command)
    assert not result.is_error, result.content
    return result


async def give(shared: SharedFiles, name: str) -> None:
    """Give a signal, once all that has happened until now was seen."""
    assert shared.custody is not None
    await asyncio.to_thread(shared.custody._watch.catch_up)
    (shared.workspace / "__pycache__" / name).touch()


async def until(shared: SharedFiles, name: str) -> None:
    """Wait for a signal of a command."""
    while not (shared.workspace / "__pycache__" / name).exists():  # noqa: ASYNC110 - it comes from another process
        await asyncio.sleep(0.01)


def added(conflict: ConflictFound) -> dict[str, list[str]]:
    """Whose difference adds which lines."""
    return {
        who: [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
        for who, diff in zip(conflict.who, conflict.diffs, strict=True)
    }


@pytest.mark.parametrize("first", ["1", "2"])
def test_two_commands_that_read_and_write_one_file_collide(tmp_path: Path, first: str) -> None:
    """Whoever writes first is lost from the file: both differences are told, and every version is kept."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            second = "2" if first == "1" else "1"
            one = asyncio.ensure_future(bash(shared, first, rewrite(first, after=wait(f"read{second}"))))
            other = asyncio.ensure_future(bash(shared, second, rewrite(second, after=wait("go"))))
            await until(shared, f"wrote{first}")
            await give(shared, "go")
            await asyncio.gather(one, other)
            (conflict,) = shared.conflicts
            assert shared.read("f") == f"{BASE}{TOKENS[second]}\n"
            assert conflict.path == str(shared.workspace / "f") and conflict.tasks == ("1", "2") and conflict.sure
            assert added(conflict) == {f"#{task}": [TOKENS[task]] for task in (first, second)}
            assert [Path(path).read_text() for path in (conflict.base, *conflict.kept)] == [
                BASE, f"{BASE}{TOKENS[first]}\n", f"{BASE}{TOKENS[second]}\n",
            ]  # fmt: skip
            assert Path(conflict.base).is_relative_to(shared.artifacts / "conflicts" / "k1")

    asyncio.run(play())


def test_code_in_a_kernel_collides_as_a_command_does(tmp_path: Path) -> None:
    """Python read before, and writes after, an append by Bash."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            code = asyncio.ensure_future(shared.call("1", "Python", code=rewrite_in_python("1", after="go")))
            await until(shared, "read1")
            await bash(shared, "2", "echo token_two >> f")
            await give(shared, "go")
            result = await code
            assert not result.is_error, result.content
            (conflict,) = shared.conflicts
            assert added(conflict) == {"#2": ["token_two"], "#1": ["token_one"]}

    asyncio.run(play())


@pytest.mark.parametrize("tool", ["Edit", "Write"])
def test_a_command_that_overwrites_what_a_tool_has_changed_collides(tmp_path: Path, tool: str) -> None:
    """The change came while the command ran; it is certain whose it is."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            running = asyncio.ensure_future(bash(shared, "1", rewrite("1", after=wait("go"))))
            await until(shared, "read1")
            args = {"old_string": "one", "new_string": "ONE"} if tool == "Edit" else {"content": "ONE\ntwo\n"}
            assert not (await shared.call("2", tool, file_path="f", **args)).is_error
            (shared.workspace / "__pycache__" / "go").touch()
            await running
            (conflict,) = shared.conflicts
            assert added(conflict) == {"#2": ["ONE"], "#1": ["token_one"]}

    asyncio.run(play())


def test_what_was_read_by_a_tool_and_written_by_a_command_collides(tmp_path: Path) -> None:
    """The commands do not even run at the same time: what counts is what the worker knew."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await shared.call("2", "Read", file_path="f")
            await bash(shared, "1", "echo one-more >> f")
            await bash(shared, "2", "printf 'one\\ntwo\\nmine\\n' > f")
            (conflict,) = shared.conflicts
            assert added(conflict) == {"#1": ["one-more"], "#2": ["mine"]}
            await shared.call("3", "Read", file_path="f")
            await bash(shared, "3", "printf 'all new\\n' > f")
            assert len(shared.conflicts) == 1

    asyncio.run(play())


def test_a_removed_file_collides_and_a_moved_one_does_not(tmp_path: Path) -> None:
    """What another task has just written is gone with the file, or lives on under another name."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            for name in ("f", "g"):
                await bash(shared, "1", f"echo new >> {name}")
            await bash(shared, "2", "mv g h; rm f")
            (conflict,) = shared.conflicts
            assert (Path(conflict.path).name, added(conflict)) == ("f", {"#1": ["new"], "#2": []})
            assert "+++ #2 (no file)" in conflict.diffs[1] and conflict.kept[1] == ""

    asyncio.run(play())


def test_what_keeps_the_others_lines_is_no_conflict(tmp_path: Path) -> None:
    """Appends of both, a change elsewhere in the file, a formatter over the other's lines, the same result twice."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await asyncio.gather(
                bash(shared, "1", f"echo a >> f; {signal('a')}; {wait('b')}"),
                bash(shared, "2", f"{wait('a')}; sed -i 's/two/2/' f; {signal('b')}"),
            )
            await bash(shared, "1", "printf 'x = [1,2]\\n' > code.py")
            await bash(shared, "2", "printf 'x = [\\n    1,\\n    2,\\n]\\n' > code.py")
            for task in "12":
                await bash(shared, task, "echo same > out")
            assert shared.conflicts == []
            assert shared.read("f") == "one\n2\na\n"

    asyncio.run(play())


def test_one_worker_that_writes_its_own_file_again_is_no_conflict(tmp_path: Path) -> None:
    """Alone, nothing is suspected; nor beside another's command when the words written are in the one command only."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            beside = asyncio.ensure_future(bash(shared, "2", f"{signal('on')}; {wait('over')}"))
            await until(shared, "on")
            twice = asyncio.ensure_future(bash(shared, "1", f"echo first > own; {wait('seen')}; echo second > own"))
            while not (shared.workspace / "own").exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
            await give(shared, "seen")
            await twice
            await give(shared, "over")
            await beside
            await bash(shared, "1", "echo third > own; echo fourth > own")
            assert shared.conflicts == []

    asyncio.run(play())


def test_a_suspicion_is_told_as_one(tmp_path: Path) -> None:
    """A script that writes twice beside another's command may be two that collide: told, but not as certain."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            shared.write("script", f"echo third > own; {signal('third')}; {wait('seen')}; echo fourth > own\n")
            beside = asyncio.ensure_future(bash(shared, "2", f"{signal('on')}; {wait('over')}"))
            await until(shared, "on")
            script = asyncio.ensure_future(bash(shared, "1", "bash script"))
            await until(shared, "third")
            await give(shared, "seen")
            await script
            await give(shared, "over")
            await beside
            (conflict,) = shared.conflicts
            assert not conflict.sure and conflict.tasks == ("1", "2")
            assert conflict.who == ("#1 or #2", "#1 or #2, later")
            assert "+third" in conflict.diffs[0] and "+fourth" in conflict.diffs[1]

    asyncio.run(play())


def test_a_conflict_is_told_once_however_many_commands_end(tmp_path: Path) -> None:
    """Three that ran beside each other are judged one after another; what was told is not told again."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            running = [
                asyncio.ensure_future(bash(shared, "1", rewrite("1", after=wait("read2"), then=wait("wrote2")))),
                asyncio.ensure_future(bash(shared, "2", rewrite("2", after=wait("go")))),
                asyncio.ensure_future(bash(shared, "3", f"cat f; {wait('wrote2')}")),
            ]
            await until(shared, "wrote1")
            await give(shared, "go")
            await asyncio.gather(*running)
            assert len(shared.conflicts) == 1

    asyncio.run(play())


def test_a_version_that_nobody_could_read_is_told_with_the_commands_that_ran(tmp_path: Path) -> None:
    """Two writes so close that only the last could be read: from its command, what was lost can be done again."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            custody = shared.custody
            assert custody is not None
            running = [
                asyncio.ensure_future(bash(shared, task, rewrite(task, after=wait("go"), then=wait("over"))))
                for task in "12"
            ]
            for task in "12":
                await until(shared, f"read{task}")
            with custody._watch._lock:  # as if the watch were kept from looking
                (shared.workspace / "__pycache__" / "go").touch()
                for task in "12":
                    await until(shared, f"wrote{task}")
            (shared.workspace / "__pycache__" / "over").touch()
            await asyncio.gather(*running)
            (conflict,) = shared.conflicts
            assert conflict.tasks == ("1", "2") and conflict.kept[0] == ""
            for piece in (
                "was overwritten before it could be read",
                "#1 ran:",
                " token_one > f",
                "#2 ran:",
                " token_two > f",
            ):
                assert piece in conflict.diffs[0]

    asyncio.run(play())


def test_what_is_written_to_a_file_that_a_tool_has_replaced_is_not_lost(tmp_path: Path) -> None:
    """A command had the old file open; what it adds there is seen by nobody, so it is told."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            held = f"exec 3>> f; {signal('open')}; {wait('go')}; echo late >&3"
            running = asyncio.ensure_future(bash(shared, "1", held))
            await until(shared, "open")
            await shared.call("2", "Edit", file_path="f", old_string="one", new_string="ONE")
            (shared.workspace / "__pycache__" / "go").touch()
            await running
            (conflict,) = shared.conflicts
            assert shared.read("f") == "ONE\ntwo\n"
            assert added(conflict) == {"#1": ["late"], "#2": ["ONE"]}

    asyncio.run(play())


def test_secrets_are_neither_shown_nor_kept(tmp_path: Path) -> None:
    """A key in the content is taken out of both; of a file whose name is a secret's nothing is told but that."""

    async def play() -> None:
        async with shared_files(tmp_path, "full") as shared:
            for name in ("f", ".env.local"):
                await bash(shared, "1", f"echo key=sk-ant-secret >> {name}")
                await bash(shared, "2", f"echo other > {name}")
            plain, hidden = shared.conflicts
            assert "+key=[redacted]" in plain.diffs[0] and "secret" not in "".join(plain.diffs)
            assert Path(plain.kept[0]).read_text() == f"{BASE}key=[redacted]\n"
            assert hidden.kept == () and all("usually holds secrets" in diff for diff in hidden.diffs)
            kept = [path for path in (shared.artifacts / "conflicts").rglob("*") if path.is_file()]
            assert kept and not any(b"sk-ant" in path.read_bytes() for path in kept)

    asyncio.run(play())


def test_the_files_that_commands_change_are_recorded(tmp_path: Path) -> None:
    """Made or edited, by whom, and where several could have been it, by the likeliest; a passing file is not."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await bash(shared, "1", "echo x >> f; echo y > g; echo z > t; rm t; cat f")
            assert [(Path(c.path).name, c.task, c.action, c.sure) for c in shared.changes] == [
                ("f", "1", "edited", True), ("g", "1", "created", True),
            ]  # fmt: skip
            del shared.book.events[:]
            unnamed = "n=h; echo {0} > ${{n}}{0}"
            beside = asyncio.ensure_future(
                bash(shared, "2", f"{signal('on')}; {wait('off')}; {unnamed.format(2)}; echo 2 > last")
            )
            await until(shared, "on")
            await bash(shared, "1", f"echo 1 > named; {unnamed.format(1)}")
            (shared.workspace / "__pycache__" / "off").touch()
            await beside
            changes = {Path(c.path).name: (c.task, c.sure) for c in shared.changes}
            assert changes == {"named": ("1", False), "h1": ("1", False), "h2": ("2", True), "last": ("2", True)}

    asyncio.run(play())


def test_what_a_tool_writes_beside_its_tasks_own_command_is_recorded_once(tmp_path: Path) -> None:
    """By the tool's call; what the command makes of it is the command's."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            command = f"{wait('go')}; echo more >> f; echo y > g; {signal('went')}; sleep 60"
            await shared.call("1", "Bash", command=command, run_in_background=True)
            for name in ("f", "out.md"):
                assert (await shared.call("1", "Write", file_path=name, content="x\n")).files
            await give(shared, "go")
            await until(shared, "went")
            await shared.done("1")
            changes = [(Path(c.path).name, c.action, c.before) for c in shared.changes]
            assert changes == [("f", "edited", digest(b"x\n")), ("g", "created", None)]

    asyncio.run(play())


def test_a_command_that_changes_very_many_files_fills_no_record(tmp_path: Path) -> None:
    """Five hundred are named, the rest is counted; and a sweep over the tree holds nobody apart."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await bash(shared, "1", "for n in $(seq 600); do echo $n > n$n; done")
            assert len(shared.changes) == 500
            (note,) = shared.book.all(RunNoted)
            assert note.text == "A command of #1 changed 600 files; 500 of them are named in the record."
            edited = await shared.call("2", "Edit", file_path="n1", old_string="1", new_string="one")
            assert not edited.is_error

    asyncio.run(play())


def test_a_stopped_command_is_judged_too(tmp_path: Path) -> None:
    """It is killed in the middle; what it changed until then is its own, and it is suspected of nothing later."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            running = asyncio.ensure_future(bash(shared, "1", f"echo half > f; {signal('half')}; sleep 61.5"))
            await until(shared, "half")
            assert shared.custody is not None
            with shared.custody._watch._lock:
                running.cancel()
                while processes_with("sleep 61.5"):  # noqa: ASYNC110 - the system tells nobody
                    await asyncio.sleep(0.01)
                running.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await running
            assert [(c.task, c.sure) for c in shared.changes] == [("1", True)]
            await bash(shared, "2", "echo x > g")
            assert [(c.task, c.sure) for c in shared.changes[1:]] == [("2", True)]

    asyncio.run(play())


def test_a_command_in_the_background_is_judged_when_it_ends(tmp_path: Path) -> None:
    """With its task at the latest; what it changed is recorded, and a worker that is gone holds nobody up."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            command = rewrite("1", after=wait("go"), then="sleep 60")
            await shared.call("1", "Bash", command=command, run_in_background=True)
            await until(shared, "read1")
            await bash(shared, "2", "echo token_two >> f")
            await shared.done("2")
            await give(shared, "go")
            await until(shared, "wrote1")
            await shared.done("1")
            (conflict,) = shared.conflicts
            assert added(conflict) == {"#2": ["token_two"], "#1": ["token_one"]}
            async with asyncio.timeout(20):
                edited = await shared.call("3", "Edit", file_path="f", old_string="one\ntwo", new_string="1\n2")
            assert not edited.is_error, edited.content

    asyncio.run(play())


def test_without_events_collisions_are_found_when_a_command_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system tells nothing, files are compared after each command; the run says what that cannot do."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            monkeypatch.setattr("conductor_magic.tools.listening.Inotify", _none_to_spare)
            await shared.call("2", "Read", file_path="f")
            await bash(shared, "1", "echo one-more >> f")
            await bash(shared, "2", "printf 'one\\ntwo\\nmine\\n' > f")
            (conflict,) = shared.conflicts
            assert added(conflict) == {"#1": ["one-more"], "#2": ["mine"]}
            (note,) = shared.book.all(RunNoted)
            assert (note.level, "after each command (Too many open files)" in note.text) == ("warning", True)

    asyncio.run(play())


def _none_to_spare() -> None:
    raise OSError(24, "Too many open files")
