"""The Bash tool through real shells inside real walls."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from conductor_magic.sandbox import Walls
from tests.support.tool_bench import CANARY, ToolBench, processes_with


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def test_output_and_exit_code(bench: ToolBench) -> None:
    """Both streams come in their order; a failing command is an error result with its code."""
    good, bad, silent = bench.calls(
        ("Bash", {"command": "echo one; echo two >&2; pwd"}),
        ("Bash", {"command": "echo no; exit 3"}),
        ("Bash", {"command": "true"}),
    )
    assert good.content == f"one\ntwo\n{bench.workspace.resolve()}"
    assert (bad.content, bad.is_error) == ("no\n[exit code 3]", True)
    assert (silent.content, silent.is_error) == ("(no output)", False)


def test_it_works_in_the_workspace(bench: ToolBench) -> None:
    """Files are made, and this environment's Python and git are there."""
    result = bench.call(
        "Bash",
        command="printf 'print(6*7)' > src/gen.py && python src/gen.py && git init -q . && git add src && echo ok",
    )
    assert result.content == "42\nok"
    assert bench.read("src/gen.py") == "print(6*7)"


@pytest.mark.parametrize("command", ["", "  \n", "echo a\0b", "echo \ud800"])
def test_bad_commands_are_error_results(bench: ToolBench, command: str) -> None:
    """What no shell takes is said so."""
    assert bench.call("Bash", command=command).is_error


def test_no_input_and_no_terminal(bench: ToolBench) -> None:
    """A command that reads gets nothing instead of waiting."""
    assert bench.call("Bash", command="read line; echo got=$line; tty").content.startswith("got=\nnot a tty")


def test_terminal_codes_and_broken_text_are_made_plain(bench: ToolBench) -> None:
    """No escape sequence and no invalid byte gets out."""
    result = bench.call(
        "Bash", command=r"printf '\033]0;owned\007\033[31mred\033[0m \xff\x00 1%%\r50%%\r100%%\n\033]52;c;Y2Fu\007end'"
    )
    assert result.content == "red \ufffd 1%\r50%\r100%".rpartition("\r")[2].join(["", "\nend"])


def test_long_output_keeps_its_head_and_tail(bench: ToolBench) -> None:
    """The model gets both ends, and the whole lies in the artifacts folder."""
    result = bench.call("Bash", command="seq 1 20000")
    assert len(result.content) < 31_000
    assert result.content.startswith("1\n2\n")
    assert result.content.endswith("\n20000")
    (spilled,) = bench.context.artifacts.iterdir()
    assert str(spilled) in result.content
    assert spilled.read_text().split() == [str(number) for number in range(1, 20001)]
    assert not bench.call("Read", file_path=str(spilled)).is_error


def test_a_flood_is_stopped(bench: ToolBench) -> None:
    """More output than the cap ends the command; the flood here is finite, so that a failing cap harms nothing."""
    result = bench.call("Bash", command="yes conductor-flood | head -c 40000000; sleep 98775")
    assert result.is_error
    assert "wrote more than 16 MiB" in result.content
    assert processes_with("sleep 98775") == []


def test_a_time_limit_ends_everything(bench: ToolBench) -> None:
    """A hanging command is killed with what it started, and what it said is kept."""
    began = time.monotonic()
    result = bench.call("Bash", command="echo begun; sleep 98761 & setsid -f sleep 98762; sleep 98763", timeout=500)
    assert time.monotonic() - began < 5
    assert result.is_error
    assert result.content.startswith("begun\n[stopped: still running after 0.5 s")
    assert processes_with("sleep 9876") == []


def test_nothing_stays_behind_in_the_background(bench: ToolBench) -> None:
    """A daemon does not outlive its call, and does not delay it."""
    began = time.monotonic()
    result = bench.call("Bash", command="nohup setsid sleep 98764 >/dev/null 2>&1 & disown; sleep 98765 & echo hi")
    assert time.monotonic() - began < 5
    assert result.content == "hi"
    assert processes_with("sleep 9876") == []


def test_cancelling_kills(bench: ToolBench) -> None:
    """A cancelled call ends with no process left."""

    async def cancel_midway() -> None:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        task = asyncio.ensure_future(bench.call_async("Bash", command="echo up; setsid -f sleep 98766; sleep 98767"))
        await asyncio.wait_for(said.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert processes_with("sleep 9876") == []

    asyncio.run(cancel_midway())


def test_mode_full_has_no_walls_but_ends_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without walls the whole machine is there, the kernel's keys are not, and daemons end with the call."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY + "-env")
    bench = ToolBench(tmp_path, "full")
    seen, _, late = bench.calls(
        ("Bash", {"command": f"cat {bench.outside}/secret.txt; env"}),
        ("Bash", {"command": "setsid -f sleep 98768; sleep 98769 & echo hi"}),
        ("Bash", {"command": "sleep 98770", "timeout": 300}),
    )
    assert CANARY in seen.content
    assert CANARY + "-env" not in seen.content
    assert late.is_error
    # Tests that run beside this one have sleeps of their own.
    assert [process for number in (98768, 98769, 98770) for process in processes_with(f"sleep {number}")] == []


def test_without_walls_it_does_not_run(bench: ToolBench) -> None:
    """Where no walls can be put up the tool refuses, says why, and starts nothing."""
    bench.context.walls = Walls("none", "workspace", "No walls could be put up (a test).", False, bench.workspace)
    result = bench.call("Bash", command="touch ran")
    assert result.is_error
    assert result.content == "Bash is not available: No walls could be put up (a test)."
    assert not (bench.workspace / "ran").exists()


def test_output_is_seen_as_it_comes(bench: ToolBench) -> None:
    """The live line is told before the command has ended."""

    async def watch() -> None:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        command = "echo first; until [ -e go ]; do sleep 0.02; done; echo last"
        task = asyncio.ensure_future(bench.call_async("Bash", command=command))
        await asyncio.wait_for(said.wait(), 10)
        assert not task.done()
        (bench.workspace / "go").touch()
        assert (await task).content == "first\nlast"

    asyncio.run(watch())
