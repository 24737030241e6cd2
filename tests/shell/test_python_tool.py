"""The Python tool through real kernels inside real walls."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest

from conductor_magic.artifact_values import load_artifact
from conductor_magic.sandbox import Walls
from conductor_magic.tools.base import NewArtifact, ToolResult
from tests.support.handing import hand_over
from tests.support.tool_bench import CANARY, ToolBench, processes_with


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def python(bench: ToolBench, *codes: str, timeout: int = 60_000) -> list[ToolResult]:
    """Run pieces of code one after another in one task."""
    return bench.calls(*(("Python", {"code": code, "timeout": timeout}) for code in codes))


def value(artifact: NewArtifact) -> Any:
    """What an artifact holds."""
    return load_artifact(artifact.path, artifact.mime)


def test_state_stays_between_calls(bench: ToolBench) -> None:
    """Prints, values and errors come back as text, in order; variables stay; colours are gone."""
    first, second, wrong, after = python(
        bench, "x = 20\nprint('hello')\nx + 1", "import sys; print('err', file=sys.stderr); x * 2", "x / 0", "x"
    )
    assert first.content == "hello\n21"
    assert second.content == "err\n40"
    assert wrong.is_error
    assert wrong.content.endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in wrong.content
    assert (after.content, after.is_error) == ("20", False)


def test_the_notebooks_variables_are_there_and_equal(bench: ToolBench) -> None:
    """Index, categories, time zones and nulls of a pandas frame arrive as they were; others too."""
    frame = pandas.DataFrame(
        {
            "kind": pandas.Categorical(["x", None], categories=["y", "x"], ordered=True),
            "when": pandas.date_range("2024-03-31", periods=2, freq="h", tz="Europe/Berlin"),
            "text": ["a", None],
            "count": pandas.array([1, None], dtype="Int64"),
        },
        index=pandas.Index([1.5, None], name="i"),
    )
    hand_over(bench, {"frame": frame, "numbers": numpy.arange(3), "words": {"a": [1, (2, None)]}})
    *_, shown, found = python(
        bench,
        "print(words)",
        "frame",
        "[type(v).__name__ for n, v in sorted(globals().items()) if n in ('numbers', 'words')], frame.index.name",
    )
    (artifact,) = shown.artifacts
    assert (artifact.name, artifact.shape) == ("table-1", (2, 4))
    pandas.testing.assert_frame_equal(value(artifact), frame)
    assert found.content == "(['ndarray', 'dict'], 'i')"


def test_variables_cannot_be_changed_for_others(bench: ToolBench) -> None:
    """What holds them can be written by no kernel; a variable that does not load is told and not fatal."""
    handed = hand_over(bench, {"a": 5, "broken": Fickle()})
    (descriptor,) = handed.descriptors
    refused, grown, manifest, lost = python(
        bench,
        f"import os; os.pwrite({descriptor}, b'x', 0)",
        f"open('/proc/self/fd/{descriptor}', 'wb')",
        f"open({str(handed.folder)!r} + '/variables.json', 'w')",
        "print(a)\nbroken",
    )
    assert "PermissionError: [Errno 1] Operation not permitted" in refused.content
    assert "PermissionError: [Errno 1] Operation not permitted" in grown.content
    assert "Read-only file system" in manifest.content
    assert "The notebook's variable `broken` could not be loaded here" in lost.content
    assert "5" in lost.content.splitlines()


class Fickle:
    """Can be pickled, and not be loaded again."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def test_a_hostile_kernel_gets_nothing_through(bench: ToolBench) -> None:
    """Announcing links, foreign paths or lies yields notes; the engine and later calls are unharmed."""
    (bench.workspace / "x").write_text("x")
    forged = (
        "import os, sys\nfrom IPython.display import publish_display_data as show\n"
        f"box = publish.__closure__[0].cell_contents.folder\n"
        f"os.symlink({str(bench.outside)!r} + '/secret.txt', box + '/0900.txt')\n"
        "for name in ('0900.txt', '../../etc/passwd', '/etc/passwd', None, {}, '0901.png'):\n"
        "    open(box + '/0901.png', 'w').write('no png')\n"
        "    show({'application/vnd.conductor.artifact+json': {'file': name, 'name': ['x']}})\n"
        "show({'image/png': 'bm8gcG5n'}); show({'image/png': '!!'}); show({'text/plain': {'a': 1}})\n"
        "from ipykernel.kernelapp import IPKernelApp\nkernel = IPKernelApp.instance().kernel\n"
        "kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'bad'])\n"
    )
    lied, after = python(bench, forged, "1 + 1")
    assert lied.artifacts == ()
    assert CANARY not in lied.content
    assert after.content == "2"


def test_secrets_and_the_outside_are_invisible(bench: ToolBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel has the clean environment and the same walls as Bash; the record is not there."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    (bench.workspace / ".env").write_text(CANARY)
    (bench.data / "journal.jsonl").write_text(CANARY)
    (result,) = python(
        bench,
        "import os, pathlib\nprint(dict(os.environ))\n"
        f"for name in ('.env', '{bench.data}/journal.jsonl', '{bench.outside}/secret.txt', '/proc/1/environ'):\n"
        "    try: print(pathlib.Path(name).read_text())\n    except OSError as error: print(error)\n"
        "open('made.txt', 'w').write('here')",
    )
    assert CANARY not in result.content
    assert result.content.endswith("4")
    assert bench.read("made.txt") == "here"


def test_output_is_capped(bench: ToolBench) -> None:
    """Floods from print, from a value and from a child process are cut; the model gets both ends."""
    results = python(
        bench,
        "print('a' * 30_000_000 + 'end')",
        "'b' * 30_000_000",
        "for i in range(200_000): print('c' * 100)",
        "print('fine')",
    )
    assert all(len(result.content) < 21_000 for result in results)
    assert "the rest is dropped" in results[0].content
    assert results[3].content == "fine"


def test_asyncio_run_works(bench: ToolBench) -> None:
    """Both ways of running coroutines work: `asyncio.run`, as in scripts, and a bare `await`."""
    code = (
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 5\nprint(asyncio.run(f()))\nawait f()"
    )
    assert [result.content for result in python(bench, code, code)] == ["5\n5", "5\n5"]


def test_a_time_limit_interrupts_and_keeps_the_variables(bench: ToolBench) -> None:
    """Code that heeds the interrupt loses nothing but the call."""

    async def play() -> tuple[ToolResult, ToolResult]:
        try:
            await bench.call_async("Python", code="x = 5")
            late = await bench.call_async("Python", code="import time\nprint('begun')\ntime.sleep(60)", timeout=500)
            return late, await bench.call_async("Python", code="x")
        finally:
            await bench.close()

    late, after = asyncio.run(play())
    assert late.is_error
    assert late.content.startswith("begun")
    assert "interrupted after 0.5 s" in late.content
    assert after.content == "5"


def test_what_ignores_the_interrupt_is_killed(bench: ToolBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that swallows interrupts ends with its kernel; the next call gets a fresh one, and says so."""
    monkeypatch.setattr("conductor_magic.tools.kernel._INTERRUPT_SECONDS", 0.5)
    code = (
        "import time, subprocess\nsubprocess.Popen(['setsid', '-f', 'sleep', '98791'])\n"
        "while True:\n    try: time.sleep(60)\n    except KeyboardInterrupt: pass"
    )
    stubborn, after = bench.calls(("Python", {"code": code, "timeout": 1000}), ("Python", {"code": "'code' in dir()"}))
    assert "all variables are lost" in stubborn.content
    assert processes_with("sleep 98791") == []
    assert after.content.endswith("False")


def test_a_dying_kernel_is_told(bench: ToolBench) -> None:
    """A crash is an error result at once, not a wait for the time limit; the next call works."""
    began = time.monotonic()
    dead, after = python(bench, "import os; os._exit(7)", "6 * 7")
    assert time.monotonic() - began < 30
    assert dead.is_error
    assert "ended by itself (exit code 7)" in dead.content
    assert after.content == "42"


def test_exit_does_not_end_the_kernel(bench: ToolBench) -> None:
    """`exit`, `quit` and `sys.exit` leave the variables and the following calls unharmed."""
    *_, after = python(bench, "x = 7\nexit()", "quit()", "import sys; sys.exit(3)", "import time; time.sleep(0.2); x")
    assert (after.content, after.is_error) == ("7", False)


def test_last_words_are_those_of_the_process_that_died(bench: ToolBench) -> None:
    """What an earlier process said, or every process says when it starts, is no reason of this one's death."""
    first, second = python(bench, "import os; os._exit(7)", "import os; os._exit(8)")
    assert first.content.endswith("the next call starts anew.")
    assert second.content.endswith("the next call starts anew.")


def test_nothing_is_left_after_the_task(bench: ToolBench) -> None:
    """Closing ends the kernel and all that it started, and removes its folder."""
    python(bench, "import subprocess; subprocess.Popen(['setsid', '-f', 'sleep', '98792']); 1")
    assert processes_with("sleep 98792") == []
    folder = bench.context.kernels["python"].folder
    assert not folder.exists()
    assert processes_with(str(folder)) == []


def test_cancelling_ends_the_kernel(bench: ToolBench) -> None:
    """A cancelled call leaves no process, even before the task is closed."""

    async def cancel_midway() -> None:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        code = "import time; print('up', flush=True); time.sleep(600)"
        task = asyncio.ensure_future(bench.call_async("Python", code=code))
        await asyncio.wait_for(said.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert processes_with(str(bench.context.kernels["python"].folder)) == []
        await bench.close()

    asyncio.run(cancel_midway())


def test_calls_of_one_turn_share_one_kernel(bench: ToolBench) -> None:
    """Calls that start together run one after another in the same kernel."""

    async def together() -> list[ToolResult]:
        try:
            calls = (
                bench.call_async("Python", code=f"seen = globals().get('seen', []) + [{n}]; seen") for n in (1, 2, 3)
            )
            return await asyncio.gather(*calls)
        finally:
            await bench.close()

    assert [json.loads(str(result.content)) for result in asyncio.run(together())] == [[1], [1, 2], [1, 2, 3]]


def test_kernels_of_several_tasks_start_together(tmp_path: Path) -> None:
    """Four tasks start at once, each with a kernel and variables of its own."""
    benches = [ToolBench(tmp_path / str(number)) for number in range(4)]

    async def together() -> list[ToolResult]:
        try:
            return await asyncio.gather(
                *(bench.call_async("Python", code=f"import os; os.getpid(), {n}") for n, bench in enumerate(benches))
            )
        finally:
            await asyncio.gather(*(bench.close() for bench in benches))

    contents = [str(result.content) for result in asyncio.run(together())]
    assert [content.rpartition(", ")[2] for content in contents] == ["0)", "1)", "2)", "3)"]


def test_mode_full_keeps_the_environment_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without walls files are free; the kernel's keys are still not handed on, nor the person's IPython start-up."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY + "-env")
    bench = ToolBench(tmp_path, "full")
    seen, left = python(
        bench,
        f"import os; print(dict(os.environ)); open({str(bench.outside)!r} + '/secret.txt').read()",
        "import subprocess; subprocess.Popen(['setsid', '-f', 'sleep', '98793']); get_ipython().ipython_dir",
    )
    assert CANARY in seen.content
    assert CANARY + "-env" not in seen.content
    assert "/cm-" in left.content
    assert processes_with("sleep 98793") == []


def test_without_walls_it_does_not_run(bench: ToolBench) -> None:
    """Where no walls can be put up the tool refuses and says why; an empty call is refused too."""
    assert bench.call("Python", code=" ").is_error
    bench.context.walls = Walls("none", "workspace", "No walls could be put up (a test).", False, bench.workspace)
    result = bench.call("Python", code="1")
    assert (result.is_error, bench.context.kernels) == (True, {})
    assert "No walls could be put up" in result.content
