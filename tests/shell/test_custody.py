"""Write and Edit of several workers on one workspace: held apart, refused with the difference, shown before a yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conductor_magic.events import WorkerWaits
from conductor_magic.tools.base import ToolResult
from conductor_magic.tools.ledger import Standing
from tests.support.shared_files import SharedFiles

Test = Callable[[SharedFiles], Awaitable[None]]


@asynccontextmanager
async def shared_files(base: Path, mode: str = "workspace", *, yes: bool = False) -> AsyncIterator[SharedFiles]:
    """Workers on a workspace with one file of three lines."""
    shared = SharedFiles(base, mode, yes=yes)
    shared.write("f", "one\ntwo\nthree\n")
    try:
        yield shared
    finally:
        await shared.close()


async def edit(shared: SharedFiles, task: str, old: str, new: str, file: str = "f") -> ToolResult:
    """One Edit of a worker."""
    return await shared.call(task, "Edit", file_path=file, old_string=old, new_string=new)


async def until_waiting(shared: SharedFiles, count: int = 1) -> list[WorkerWaits]:
    """Let the others go on until so many waits are on record."""
    async with asyncio.timeout(20):
        while len(waits := shared.book.all(WorkerWaits)) < count:
            await shared.book.written()
    return waits


def test_a_second_writer_waits_until_the_first_is_done(tmp_path: Path) -> None:
    """It is told for whom, its clock stands, readers do not wait, and it goes on over what the first has left."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            assert not (await edit(shared, "1", "one", "ONE")).is_error
            second = asyncio.ensure_future(edit(shared, "2", "two", "TWO"))
            (waits,) = await until_waiting(shared)
            assert (waits.worker, waits.tasks, waits.path) == ("w2", ("1",), str(shared.workspace / "f"))
            assert shared.held == {"2"}
            assert "ONE" in str((await shared.call("3", "Read", file_path="f")).content)
            assert not (await edit(shared, "1", "three", "THREE")).is_error
            assert not second.done()
            await shared.done("1")
            assert not (await second).is_error
            assert shared.held == set()
            assert shared.read("f") == "ONE\nTWO\nTHREE\n"

    asyncio.run(play())


def test_those_who_wait_go_one_by_one_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """The next holder is the one that waited longest; the others wait on for it, and are told once."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await edit(shared, "1", "one", "1")
            others: list[asyncio.Task[ToolResult]] = []
            for task, old in (("2", "two"), ("3", "three")):
                others.append(asyncio.ensure_future(edit(shared, task, old, task)))
                await until_waiting(shared, len(others))
            await shared.done("1")
            await others[0]
            assert not others[1].done()
            await shared.done("2")
            await others[1]
            assert shared.read("f") == "1\n2\n3\n"
            assert len(shared.book.all(WorkerWaits)) == 2

    asyncio.run(play())


def test_workers_that_would_wait_for_each_other_are_told_at_once(tmp_path: Path) -> None:
    """The one that would close the circle is refused, with who, what and what to do; the others go on."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            for task in "123":
                await shared.call(task, "Write", file_path=f"f{task}", content=f"{task}\n")
            first = asyncio.ensure_future(edit(shared, "1", "2", "x", "f2"))
            second = asyncio.ensure_future(edit(shared, "2", "3", "x", "f3"))
            await until_waiting(shared, 2)
            third = await edit(shared, "3", "1", "x", "f1")
            assert third.is_error
            for piece in ("f1: task 1 has it", "waits itself for", "f3, which you have changed", "STATUS: incomplete"):
                assert piece in str(third.content)
            await shared.done("3")
            await second
            await shared.done("2")
            assert not (await first).is_error

    asyncio.run(play())


def test_a_worker_that_is_stopped_while_it_waits_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its wait ends with it, its clock runs again, and nobody is refused for its sake."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await edit(shared, "1", "one", "1")
            waiting = asyncio.ensure_future(edit(shared, "2", "two", "2"))
            await until_waiting(shared)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert shared.held == set()
            await shared.call("2", "Write", file_path="g", content="g\n")
            third = asyncio.ensure_future(edit(shared, "1", "g", "G", "g"))
            await until_waiting(shared, 2)
            await shared.done("2")
            assert not (await third).is_error

    asyncio.run(play())


def test_edits_of_one_worker_side_by_side_all_count(tmp_path: Path) -> None:
    """The calls of one turn come one after another to a file."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            pairs = (("one", "1"), ("two", "2"), ("three", "3"))
            results = await asyncio.gather(*(edit(shared, "1", old, new) for old, new in pairs))
            assert not any(result.is_error for result in results)
            assert shared.read("f") == "1\n2\n3\n"

    asyncio.run(play())


@pytest.mark.parametrize("tool", ["Edit", "Write"])
def test_a_change_of_what_has_changed_since_is_refused_with_the_difference(tmp_path: Path, tool: str) -> None:
    """The refusal names who and shows what; an edit may then be repeated, a whole file must be read again."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await shared.call("2", "Read", file_path="f")
            await edit(shared, "1", "one", "ONE")
            await shared.done("1")
            args = {"content": "mine\n"} if tool == "Write" else {"old_string": "two", "new_string": "TWO"}
            refused = await shared.call("2", tool, file_path="f", **args)
            assert refused.is_error and "f: has changed since you read it (by task 1)." in str(refused.content)
            assert "\n-one\n+ONE\n two" in str(refused.content)
            again = await shared.call("2", tool, file_path="f", **args)
            assert again.is_error == (tool == "Write")
            await shared.call("2", "Read", file_path="f")
            assert not (await shared.call("2", "Edit", file_path="f", old_string="three", new_string="3")).is_error
            assert shared.read("f") == ("ONE\ntwo\n3\n" if tool == "Write" else "ONE\nTWO\n3\n")

    asyncio.run(play())


def test_a_change_from_outside_the_run_is_noticed_too(tmp_path: Path) -> None:
    """A person's own edit is not overwritten; a file that is gone is told as such, and may then be written anew."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await shared.call("1", "Read", file_path="f")
            shared.write("f", "one\ntwo\nmine\n")
            refused = await shared.call("1", "Write", file_path="f", content="x\n")
            assert "has changed since you read it. Read it again" in str(refused.content)
            assert "-three\n+mine" in str(refused.content)
            await shared.call("1", "Read", file_path="f")
            (shared.workspace / "f").unlink()
            gone = await shared.call("1", "Write", file_path="f", content="x\n")
            assert "+++ as it is now (no file)" in str(gone.content)
            assert not (await shared.call("1", "Write", file_path="f", content="x\n")).is_error

    asyncio.run(play())


def test_a_whole_file_is_not_written_over_what_others_wrote_unseen(tmp_path: Path) -> None:
    """Neither over another task's Write nor over its command; an edit applies to what is there."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            await shared.call("1", "Write", file_path="f", content="one\ntwo\nthree\nfour\n")
            await shared.call("1", "Bash", command="echo five >> f")
            await shared.done("1")
            assert not (await edit(shared, "2", "one", "ONE")).is_error
            refused = await shared.call("2", "Write", file_path="f", content="mine\n")
            assert "f: has been written (by task 1), and you have not read it since. Read it" in str(refused.content)
            assert "\n-one\n+ONE\n two\n three\n+four\n+five" in str(refused.content)
            await shared.call("2", "Read", file_path="f")
            assert not (await shared.call("2", "Write", file_path="f", content="mine\n")).is_error

    asyncio.run(play())


def test_what_a_task_may_be_taken_to_know_it_may_overwrite(tmp_path: Path) -> None:
    """Results of the tasks it waited for, what was there when it was launched, and its own task's earlier attempt."""

    async def play() -> None:
        async with shared_files(tmp_path) as shared:
            shared.book.standings["2"] = Standing(after=frozenset({"1"}))
            await shared.call("1", "Write", file_path="f", content="1\n")
            await shared.done("1")
            assert not (await shared.call("2", "Write", file_path="f", content="2\n")).is_error
            await shared.done("2")
            assert not (await shared.call("2", "Write", file_path="f", content="2 again\n")).is_error
            await shared.done("2")
            shared.book.standings["3"] = Standing(launched=shared.book.moment())
            assert not (await shared.call("3", "Write", file_path="f", content="3\n")).is_error

    asyncio.run(play())


def test_in_mode_ask_the_difference_is_shown_before_the_yes(tmp_path: Path) -> None:
    """What cannot be done is refused without a question, and makes no folder; a new file is shown whole."""

    async def play() -> None:
        async with shared_files(tmp_path, "ask", yes=True) as shared:
            assert (await edit(shared, "1", "nowhere", "x")).is_error
            assert (await edit(shared, "1", "x", "y", "missing/f")).is_error
            assert not (shared.workspace / "missing").exists()
            assert shared.gate.asked == []
            assert not (await edit(shared, "1", "two", "TWO")).is_error
            await shared.call("1", "Write", file_path="new/g", content="g\n")
            (changed, difference), (_, whole) = shared.gate.asked
            assert (changed.kind, changed.what) == ("write", str(shared.workspace / "f"))
            assert difference == "--- now\n+++ then\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three"
            assert whole == "--- now (no file)\n+++ then\n@@ -0,0 +1,1 @@\n+g"

    asyncio.run(play())


def test_a_yes_is_for_the_difference_that_was_shown(tmp_path: Path) -> None:
    """When the file changes while the person thinks, the change is refused with what happened."""

    async def play() -> None:
        async with shared_files(tmp_path, "ask", yes=True) as shared:
            shared.gate.thinks = lambda: shared.write("f", "one\ntwo\nfour\n")
            refused = await edit(shared, "1", "two", "TWO")
            assert refused.is_error and "in this very moment" in str(refused.content)
            assert "-three\n+four" in str(refused.content)
            assert shared.read("f") == "one\ntwo\nfour\n"

    asyncio.run(play())


@pytest.mark.parametrize("yes", [True, False])
def test_nothing_of_a_protected_file_is_told_before_the_yes(tmp_path: Path, yes: bool) -> None:
    """Whether an edit would fit is no secret's business: without the yes the answer is the same either way."""

    async def play() -> None:
        async with shared_files(tmp_path, yes=yes) as shared:
            shared.write(".env", "KEY=hidden\n")
            fits, fits_not = (
                await edit(shared, "1", "hidden", "x", ".env"),
                await edit(shared, "1", "else", "x", ".env"),
            )
            if not yes:
                assert fits.content == fits_not.content and "hidden" not in str(fits.content)
                assert shared.read(".env") == "KEY=hidden\n"
                return
            assert not fits.is_error and shared.read(".env") == "KEY=x\n"
            assert "does not occur" in str(fits_not.content)
            assert shared.gate.asked[0][1].splitlines()[-1] == "+KEY=x"

    asyncio.run(play())
