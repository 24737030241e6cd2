"""Commands that Bash leaves running: real processes, their files, and their ends."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from conductor_magic.tools.base import ToolResult
from tests.support.tool_bench import ToolBench, processes_with


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def file_of(result: ToolResult) -> Path:
    """The file that the worker was told of."""
    found = re.fullmatch(r"Started in the background as b\d+\. Read its output here: (\S+)", str(result.content))
    assert found, result.content
    return Path(found[1])


async def ended(bench: ToolBench, name: str) -> None:
    """Wait until a command has ended by itself."""
    async with asyncio.timeout(20):
        await asyncio.wait({bench.context.background[name]._work})


async def said(bench: ToolBench, path: Path, words: str) -> str:
    """What Read shows of a file once the words are in it."""
    async with asyncio.timeout(20):
        while True:
            shown = str((await bench.call_async("Read", file_path=str(path))).content)
            if words in shown:
                return shown
            await asyncio.sleep(0.01)


def test_it_goes_on_while_others_run(bench: ToolBench) -> None:
    """The call returns at once; Read shows what came so far, and in the last line how it ended."""

    async def work() -> None:
        command = r"printf '\033[31mone\033[0m\n'; until [ -e go ]; do sleep 0.02; done; printf two; exit 3"
        path = file_of(await bench.call_async("Bash", command=command, run_in_background=True))
        assert await said(bench, path, "one") == "     1\tone"
        assert (await bench.call_async("Bash", command="touch go; echo ok")).content == "ok"
        await ended(bench, "b1")
        assert path.read_text() == "one\ntwo\n[exit code 3]\n"

    asyncio.run(work())
    assert next((bench.data / "artifacts").iterdir()).name == "1-b1.txt"


def test_it_ends_with_the_task(bench: ToolBench) -> None:
    """Whatever it has started is gone with it, and the file says why it is at its end."""

    async def work() -> Path:
        started = await bench.call_async(
            "Bash", command="echo up; setsid -f sleep 98771; exec sleep 98772", run_in_background=True
        )
        await said(bench, file_of(started), "up")
        await bench.close()
        return file_of(started)

    path = asyncio.run(work())
    assert processes_with("sleep 9877") == []
    assert path.read_text() == "up\n[ended: it was stopped, or its task was over]\n"


def test_one_is_stopped_for_the_next(bench: ToolBench) -> None:
    """`stop` ends it before the command runs; four are the most at once."""

    async def work() -> None:
        first = [await bench.call_async("Bash", command="exec sleep 98773", run_in_background=True) for _ in range(4)]
        assert [file_of(result).name for result in first] == [f"1-b{number}.txt" for number in (1, 2, 3, 4)]
        fifth = await bench.call_async("Bash", command="touch ran", run_in_background=True)
        assert fifth.is_error
        assert not (bench.workspace / "ran").exists()
        again = await bench.call_async("Bash", command="echo new", run_in_background=True, stop="b2")
        await ended(bench, "b5")
        assert file_of(again).read_text() == "new\n[exit code 0]\n"
        assert file_of(first[1]).read_text() == "[ended: it was stopped, or its task was over]\n"
        assert [name for name, command in bench.context.background.items() if command.running] == ["b1", "b3", "b4"]
        twice = await bench.call_async("Bash", command="echo then", stop="b2")
        assert (twice.content, twice.is_error) == ("then", False)
        await bench.close()

    asyncio.run(work())
    assert processes_with("sleep 98773") == []


@pytest.mark.parametrize(
    ("command", "timeout", "last"),
    [
        (
            "exec sleep 98774",
            300,
            "[stopped: still running after 0.3 s. Give it a longer `timeout`, or split the work.]",
        ),
        ("exec yes", None, "[stopped: it wrote more than 16 MiB. Write to a file, or ask for less.]"),
        ("kill -9 $$", None, "[exit code 137, as by signal 9]"),
        ("printf '\\xff'", None, "[exit code 0]"),
    ],
)
def test_how_it_ends_is_told(bench: ToolBench, command: str, timeout: int | None, last: str) -> None:
    """A time limit, a flood, a signal, the ordinary end: the last line says which."""

    async def work() -> Path:
        limit = {} if timeout is None else {"timeout": timeout}
        path = file_of(await bench.call_async("Bash", command=command, run_in_background=True, **limit))
        await ended(bench, "b1")
        return path

    path = asyncio.run(work())
    content = path.read_text()
    assert content.splitlines()[-1] == last
    assert len(content) < (17 << 20)
    assert processes_with("sleep 98774") == []


@pytest.mark.parametrize("background", [True, False])
def test_one_that_is_cancelled_while_it_starts_is_not_left_behind(bench: ToolBench, background: bool) -> None:
    """Whenever the end comes, in the middle of putting up the walls too, nothing of the command lives on."""

    async def cancelled_after(milliseconds: float) -> None:
        call = bench.call_async("Bash", command="exec sleep 98776", run_in_background=background)
        calling = asyncio.ensure_future(call)
        await asyncio.sleep(milliseconds / 1000)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await bench.close()
        bench.context.opened.clear()

    for half in range(60):
        asyncio.run(cancelled_after(half / 2))
        assert processes_with("sleep 98776") == [], f"after {half / 2} ms"


def test_a_time_out_keeps_what_was_said(bench: ToolBench) -> None:
    """In the foreground too: the partial output is the result, with the reason."""
    result = bench.call("Bash", command="echo so far; exec sleep 98775", timeout=500)
    assert result.content == (
        "so far\n[stopped: still running after 0.5 s. Give it a longer `timeout`, or split the work.]"
    )
    assert result.is_error
