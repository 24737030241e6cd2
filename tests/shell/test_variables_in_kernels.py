"""The notebook's variables in workers' kernels: equal, shared, changed by nobody but the one who changes them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

from conductor_magic.api import resume
from conductor_magic.artifact_values import load_artifact
from conductor_magic.tools.base import ToolResult
from tests.shell.conftest import Begin
from tests.support.floor import Floor, lay_out
from tests.support.handing import hand_over
from tests.support.messages_server import Answer, MessagesServer, text, tools
from tests.support.odd_frames import pandas_frames, polars_frames, same
from tests.support.tool_bench import ToolBench

MEGABYTE = 1 << 20


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def python(bench: ToolBench, *codes: str) -> list[ToolResult]:
    """Run pieces of code one after another in one task."""
    return bench.calls(*(("Python", {"code": code}) for code in codes))


def frame() -> pandas.DataFrame:
    """An index of levels, a time zone, nulls."""
    return pandas.DataFrame(
        {"n": [1.5, None], "when": pandas.date_range("2024-03-31", periods=2, freq="h", tz="Europe/Berlin")},
        index=pandas.MultiIndex.from_tuples([("a", 1), ("b", 1)], names=["letter", "number"]),
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_every_kind_go_there_and_back(bench: ToolBench, library: str) -> None:
    """A worker publishes what it was given: it is equal to the notebook's own, which is as it was."""
    frames: dict[str, Any] = pandas_frames() if library == "pandas" else polars_frames()
    handed = {f"v{number}": value for number, value in enumerate(frames.values())}
    hand_over(bench, handed)
    names = list(handed)
    results = python(
        bench, *("\n".join(f"publish('{n}', {n})" for n in names[at : at + 40]) for at in range(0, len(names), 40))
    )
    assert [result.content for result in results if result.is_error or "note" in result.content] == []
    found = {one.name: load_artifact(one.path, one.mime) for result in results for one in result.artifacts}
    assert list(found) == names
    for wanted, name in zip(frames.values(), names, strict=True):
        same(found[name], wanted)


def test_functions_and_classes_of_the_notebook_work_in_the_kernel(bench: ToolBench) -> None:
    """By value, with what they refer to: models, helpers and data classes need no module."""
    notebook = types.ModuleType("__main__")
    exec(
        "from dataclasses import dataclass\nFACTOR = 3\n"
        "@dataclass\nclass Model:\n    slope: float\n    def predict(self, x): return times(self.slope * x)\n"
        "def times(x): return FACTOR * x\nmodel = Model(2.0)\nnested = {'f': lambda x: [x, times(x)]}",
        notebook.__dict__,
    )
    hand_over(bench, {name: vars(notebook)[name] for name in ("times", "model", "nested")})
    (result,) = python(bench, "times(2), model.predict(1), model, nested['f'](1)")
    assert result.content == "(6, 6.0, Model(slope=2.0), [1, 3])"


def test_a_kernel_shares_what_it_reads_and_owns_what_it_writes(bench: ToolBench) -> None:
    """Reading 190 MB costs a kernel no memory of its own; writing changes its copy of a page, and nobody else's."""
    count = 4 * MEGABYTE
    values = {
        "frame": pandas.DataFrame({"a": numpy.arange(count), "b": numpy.ones(count)}),
        "table": pyarrow.table({"a": numpy.arange(count)}),
        "lazy": polars.DataFrame({"a": numpy.arange(count)}),
        "days": numpy.arange(count).astype("M8[s]"),
        "gaps": numpy.arange(2 * count)[::2],
        "single": polars.Series(numpy.arange(count)),
    }
    handed = hand_over(bench, values)
    told = (
        "import pandas, pyarrow, polars, numpy\n"
        "def own():\n"
        "    with open('/proc/self/smaps_rollup') as file:\n"
        "        return next(int(line.split()[1]) // 1024 for line in file if line.startswith('Pss_Anon'))\n"
        "before = own()"  # variables are loaded before the code that mentions them runs
    )
    _, read, written, other = python(
        bench,
        told,
        "sums = (frame['a'].sum(), table['a'].to_numpy().sum(), lazy['a'].sum(), days.view('i8').sum(), gaps.sum(),"
        " single.sum())\n"
        "print(own() - before < 20, frame.shape, [int(one) for one in sums])",
        "frame.loc[0, 'a'] = -5; days[0] = 'NaT'; gaps[0] = 7\n"
        "print(own() - before < 20, frame['a'].iloc[0], days[0], gaps[0])",
        "type(lazy).__module__, type(single).__module__, table.schema.names",
    )
    one = count * (count - 1) // 2
    assert read.content == f"True ({count}, 2) {[one, one, one, one, 2 * one, one]}"
    assert written.content == "True -5 NaT 7"
    assert other.content == "('polars.dataframe.frame', 'polars.series.series', ['a'])"
    assert [int(values["frame"]["a"].iloc[0]), values["gaps"][0]] == [0, 0]
    assert handed.descriptors == ()


def test_what_is_not_mentioned_is_not_loaded(bench: ToolBench) -> None:
    """A variable costs nothing until code names it; all are there for code that looks names up."""
    hand_over(bench, {"first": numpy.zeros(MEGABYTE), "second": 2})
    kernel = "from ipykernel.kernelapp import IPKernelApp as app; names = app.instance().shell.user_ns"
    none, one, both = python(
        bench,
        f"{kernel}; print([n for n in names if n[:2] in ('fi', 'se')])",
        "second; print([n for n in names if n[:2] in ('fi', 'se')])",
        "print(sorted(n for n in globals() if n[:2] in ('fi', 'se')))",
    )
    assert [none.content, one.content, both.content] == ["[]", "['second']", "['first', 'second']"]


@pytest.fixture
def without_memory_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without files in memory, as macOS is."""
    monkeypatch.delattr(os, "memfd_create")
    return


def test_plain_files_do_the_same(bench: ToolBench, without_memory_files: None) -> None:
    """Where there is no file in memory a file on the disk is mapped: shared, unchangeable, removed at the end."""
    handed = hand_over(bench, {"data": frame(), "zeros": numpy.zeros(MEGABYTE)})
    file = handed.folder / "variables.bin"
    assert (handed.descriptors, file.stat().st_mode & 0o777) == ((), 0o400)
    shown, written, refused = python(bench, "data", "zeros[0] = 1; print(zeros[:2])", f"open({str(file)!r}, 'r+b')")
    (artifact,) = shown.artifacts
    same(load_artifact(artifact.path, artifact.mime), frame())
    assert written.content == "[1. 0.]"
    assert "Permission denied" in refused.content
    assert not handed.folder.exists()


def test_a_run_killed_with_variables_on_the_disk_goes_on(
    begin: Begin, serve: Callable[[Any], MessagesServer], tmp_path: Path, without_memory_files: None
) -> None:
    """What its process left of them makes way for what is handed over now."""
    killed = tmp_path / "data" / "runs" / "killed"

    def reads(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1 and not killed.exists():
            shutil.copytree(run.folder, killed)
        return tools(("Python", {"code": "print(sum(data))"})) if turn == 1 else text("Read it.\nSTATUS: done")

    plan = [lay_out({"a": ()}), text("Under way."), text("The answer.")]
    run = begin(Floor(plan, reads), variables={"data": [1, 2]}, begin=False)
    run.begin()
    run.wait(60)
    assert (killed / "variables" / "variables.bin").exists()
    floor = Floor([text("The answer.")], reads)
    serve(floor)
    result = resume(str(killed), use={"data": [3, 4]}, quiet=True).wait(60)
    assert (result.status, "7" in str(floor.worker_requests[-1]["messages"][-1])) == ("completed", True)
    assert not (killed / "variables").exists()


def test_what_is_too_large_to_be_written_to_can_be_read(bench: ToolBench) -> None:
    """A kernel that may have little memory of its own maps what is large for reading only."""
    hand_over(bench, {"small": numpy.zeros(10), "large": numpy.zeros(60 * MEGABYTE)})
    _, result = python(
        bench,
        "import numpy, resource; most = 900 << 20; resource.setrlimit(resource.RLIMIT_DATA, (most, most))",
        "print(small.flags.writeable, large.flags.writeable, large[-1])",
    )
    assert result.content == "True False 0.0"


def test_four_kernels_share_one_frame(tmp_path: Path) -> None:
    """Four workers that read a whole frame take less than half a frame more than its one copy, all together."""
    rows = 400 * MEGABYTE // 8
    frame = pandas.DataFrame(numpy.ones((rows // 4, 4)), columns=list("abcd"))
    values = {"frame": frame}
    benches = [ToolBench(tmp_path / str(number)) for number in range(4)]
    handed = hand_over(benches[0], values)
    pool = benches[0].context.services.kernels
    for bench in benches:
        bench.context.services.kernels = pool

    async def together() -> tuple[list[str], int]:
        try:
            code = "float(frame.sum().sum())"
            results = await asyncio.gather(*(bench.call_async("Python", code=code) for bench in benches))
            return [str(result.content) for result in results], sum(_shared(handed.descriptors[0]))
        finally:
            await asyncio.gather(*(bench.close() for bench in benches[1:]))
            await benches[0].close()

    contents, shared = asyncio.run(together())
    assert contents == [str(float(rows))] * 4
    assert abs(shared - frame.memory_usage(index=False).sum()) < 40 * MEGABYTE


def _shared(descriptor: int) -> Iterator[int]:
    """The share of each process in the file in memory that it has mapped."""
    wanted = os.fstat(descriptor).st_ino
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                maps = (folder / "smaps").read_text().split("VmFlags:")
                yield sum(_pss(part) for part in maps if f" {wanted} " in part and "memfd:" in part)


def _pss(mapping: str) -> int:
    return next(int(line.split()[1]) * 1024 for line in mapping.split("\n") if line.startswith("Pss:"))


def test_variables_arrive_inside_landlock_too(tmp_path: Path) -> None:
    """The other kind of walls lets the file in memory through, and nobody write to it."""
    bench = ToolBench(tmp_path)
    bench.inside("landlock")
    (descriptor,) = hand_over(bench, {"data": frame(), "zeros": numpy.zeros(MEGABYTE)}).descriptors
    shown, written, refused = python(
        bench, "data", "zeros[0] = 1; print(zeros[:2])", f"import os; os.pwrite({descriptor}, b'x', 0)"
    )
    (artifact,) = shown.artifacts
    same(load_artifact(artifact.path, artifact.mime), frame())
    assert written.content == "[1. 0.]"
    assert "Operation not permitted" in refused.content
