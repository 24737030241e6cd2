"""The notebook's variables on their way to workers: described, written once, shared by all kernels, never changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

from conductor_magic.errors import ConductUsageError
from conductor_magic.handed import HandedOver
from conductor_magic.notebook import describe, export_variables

MEGABYTE = 1 << 20


def frame() -> pandas.DataFrame:
    """Index, categories, time zone, nulls, text, nullable integers."""
    return pandas.DataFrame(
        {
            "n": [1.5, None, 3.0],
            "kind": pandas.Categorical(["x", None, "y"], categories=["y", "x"], ordered=True),
            "when": pandas.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Berlin"),
            "text": ["a", None, "ü"],
            "count": pandas.array([1, None, 3], dtype="Int64"),
        },
        index=pandas.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["letter", "number"]),
    )


def export(folder: Path, **values: Any) -> HandedOver:
    """Hand over all of them."""
    return export_variables(values, values, folder)


def open_files() -> set[str]:
    """The numbers of this process's open files."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_variables_are_written_once_and_sealed(tmp_path: Path) -> None:
    """Each name once, in order, with size and hash of what lies in memory; the user's objects are as they were."""
    data, numbers = frame(), [1, 2, 3]
    namespace = {"data": data, "numbers": numbers, "other": object()}
    handed = export_variables(["data", "numbers", "data"], namespace, tmp_path / "v")
    (descriptor,) = handed.descriptors
    assert [variable.name for variable in handed.variables] == ["data", "numbers"]
    for variable in handed.variables:
        content = os.pread(descriptor, variable.size, variable.start)
        assert hashlib.sha256(content).hexdigest() == variable.sha256
    pandas.testing.assert_frame_equal(data, frame())
    assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == (
        fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    )
    manifest = json.loads((tmp_path / "v" / "variables.json").read_text())
    assert [entry["name"] for entry in manifest["variables"]] == ["data", "numbers"]
    assert (manifest["descriptor"], handed.packages) == (descriptor, ("pandas",))
    handed.close()
    handed.close()
    assert not (tmp_path / "v").exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    """Equal content has an equal hash, whoever writes it when; one other number gives another."""
    numbers = numpy.arange(1000)
    first, second = export(tmp_path / "1", a=numbers), export(tmp_path / "2", a=numbers.copy())
    numbers[500] = 0
    third = export(tmp_path / "3", a=numbers)
    hashes = [handed.variables[0].sha256 for handed in (first, second, third)]
    assert hashes[0] == hashes[1] != hashes[2]
    for handed in (first, second, third):
        handed.close()


def test_a_frame_is_described(tmp_path: Path) -> None:
    """Name, type, shape, the beginning of its hash, columns with types, and five rows."""
    handed = export(tmp_path / "v", data=pandas.concat([frame()] * 10))
    (variable,) = handed.variables
    first, columns, *rows = describe(variable).split("\n")
    assert first == f"`data`: pandas.DataFrame, 30 rows × 5 columns, sha256 begins {variable.sha256[:16]}"
    assert columns == ("columns: n float64, kind category, when datetime64[us, Europe/Berlin], text str, count Int64")
    assert len(rows) == 7  # two lines of labels
    handed.close()


@pytest.mark.parametrize(
    "value",
    [
        pandas.DataFrame({"a": ["cell"] * 100}), pandas.Series(["cell"] * 100), polars.DataFrame({"a": ["cell"] * 100}),
        polars.Series(["cell"] * 100), pyarrow.table({"a": ["cell"] * 100}), numpy.array(["cell"] * 100),
    ],
    ids=lambda value: f"{type(value).__module__.partition('.')[0]} {type(value).__name__}",
)  # fmt: skip
def test_five_rows_are_shown(tmp_path: Path, value: Any) -> None:
    """Of every kind of table, five and no more."""
    handed = export(tmp_path / "v", value=value)
    assert describe(handed.variables[0]).count("cell") == 5
    handed.close()


@pytest.mark.parametrize(
    "value",
    [
        pandas.DataFrame({f"a rather long column name {number}": ["x" * 500] * 9 for number in range(200)}),
        "y" * 1_000_000, list(range(100_000)), {"k" * 5000: "v" * 5000}, numpy.zeros((1000, 1000)), 3, None,
        pandas.DataFrame({f"統計{number}" * 20: [1] for number in range(99)}), "統" * 9000,
        pandas.Series(range(10_000), name="s"), pyarrow.table({"a": [1, 2]}), b"z" * 100_000,
        pyarrow.table({f"c{number}": ["x" * 5000] * 9 for number in range(99)}),
        polars.DataFrame({f"c{number}": ["x" * 5000] * 9 for number in range(99)}), polars.LazyFrame({"a": [1]}),
        numpy.zeros((2, 2000, 2000)), numpy.array(["x" * 9000] * 9),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_descriptions_are_short(tmp_path: Path, value: Any) -> None:
    """Whatever it is, at most 2,000 bytes tell of it, and the hash is among them."""
    handed = export(tmp_path / "v", value=value)
    (variable,) = handed.variables
    assert len(describe(variable).encode()) <= 2000
    assert describe(variable).startswith("`value`: ")
    assert f"sha256 begins {variable.sha256[:16]}" in describe(variable)
    handed.close()


def test_what_cannot_be_handed_over_is_one_line(tmp_path: Path) -> None:
    """Unknown names, modules, open files and running things are refused, naming the variable; nothing stays open."""
    namespace = {
        "m": json,
        "f": (tmp_path / "x").open("w"),
        "gen": (x for x in ()),
        "class": 1,
        "publish": 1,
        "lock": [threading.Lock()],
        "exits": Exits(),
        "two": "\n".join("ab"),
    }
    before = open_files()
    for name, said in (
        ("nope", "there is no variable `nope`"), ("class", "is not a variable's name"),
        ("publish", "rename it"), ("m", "is a module"), ("f", "a _io.TextIOWrapper cannot be handed"),
        ("gen", "a generator cannot be handed"), ("lock", "a list cannot be handed"),
        ("exits", r"a tests.Exits cannot be handed to workers \(SystemExit\(3\)\)"),
    ):  # fmt: skip
        with pytest.raises(ConductUsageError, match=said) as caught:
            export_variables(["two", name], namespace, tmp_path / name)
        assert "\n" not in str(caught.value)
        assert f"--use {name}" in str(caught.value)
    assert open_files() == before
    namespace["f"].close()


def test_an_object_that_cannot_show_itself_is_handed_over(tmp_path: Path) -> None:
    """A failing repr costs the preview, not the variable."""
    handed = export(tmp_path / "v", value=Shy())
    (variable,) = handed.variables
    assert describe(variable) == f"`value`: tests.Shy, sha256 begins {variable.sha256[:16]}"
    handed.close()


def test_an_object_whose_repr_exits_is_handed_over(tmp_path: Path) -> None:
    """An exit in an object's own code ends nothing."""
    handed = export(tmp_path / "v", value=Shy(SystemExit(3)))
    assert describe(handed.variables[0]).startswith("`value`: tests.Shy, sha256 begins ")
    handed.close()


def test_an_interrupt_in_an_objects_own_pickling_is_one(tmp_path: Path) -> None:
    """Ctrl-C is no fault of the object."""
    with pytest.raises(KeyboardInterrupt):
        export_variables(["value"], {"value": Exits(KeyboardInterrupt())}, tmp_path / "v")


class Shy:
    """Cannot be shown."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or RuntimeError()

    def __repr__(self) -> str:
        raise self.error


class Exits:
    """Its own pickling ends the process, or tries to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or SystemExit(3)

    def __reduce__(self) -> str:
        raise self.error


def test_nothing_heavy_is_imported() -> None:
    """Handing over plain values, and importing the tools, load neither pandas nor numpy nor a kernel client."""
    program = (
        "import sys, tempfile; from pathlib import Path\n"
        "from conductor_magic.notebook import export_variables, describe\n"
        "import conductor_magic.artifact_values, conductor_magic.tools.kernel_pool, conductor_magic.tools.worker\n"
        "print(describe(export_variables(['a'], {'a': [1]}, Path(tempfile.mkdtemp())).variables[0]))\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'zmq', 'jupyter_client', 'IPython', 'anthropic', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_interrupt_while_writing_ends_cleanly(tmp_path: Path) -> None:
    """The interrupt comes out, between two pieces; no file, thread or folder of it stays."""
    program = (
        "import os, signal, sys, threading; from pathlib import Path\n"
        "import numpy\nfrom conductor_magic.notebook import export_variables\n"
        "class Pressed:\n"
        "    def __reduce__(self):\n        os.kill(os.getpid(), signal.SIGINT); return int, ()\n"
        "before = os.listdir('/proc/self/fd')\n"
        "values = {'a': [numpy.zeros(50_000_000), Pressed()]}\n"
        "try:\n    export_variables(values, values, Path(sys.argv[1]))\n"
        "except KeyboardInterrupt:\n    pass\n"
        "else:\n    sys.exit('nothing was interrupted')\n"
        "assert os.listdir('/proc/self/fd') == before, os.listdir('/proc/self/fd')\n"
        "assert threading.active_count() == 1"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "v")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_little_free_memory_takes_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that would take more than half of the free memory once more does not endanger the notebook."""
    monkeypatch.setattr("conductor_magic.sealed._free_memory", lambda: 10 * MEGABYTE)
    small, large = (
        export(tmp_path / "1", a=numpy.zeros(4 * MEGABYTE // 8)),
        export(tmp_path / "2", a=numpy.zeros(MEGABYTE)),
    )
    assert [len(handed.descriptors) for handed in (small, large)] == [1, 0]
    assert (tmp_path / "2" / "variables.bin").stat().st_size > 8 * MEGABYTE
    for handed in (small, large):
        handed.close()


def test_memory_goes_with_the_processes(tmp_path: Path) -> None:
    """When the notebook's kernel is killed, the copy of its variables is gone with it: no file anywhere holds it."""
    program = (
        "import os, sys, time; from pathlib import Path\nimport numpy\n"
        "from conductor_magic.notebook import export_variables\n"
        "handed = export_variables(['a'], {'a': numpy.zeros(1_000_000)}, Path(sys.argv[1]))\n"
        "print('handed', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "v")], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "handed\n"
        process.send_signal(signal.SIGKILL)
    assert sum(path.stat().st_size for path in (tmp_path / "v").iterdir()) < 1000


def test_a_large_frame_is_written_while_the_kernel_listens(tmp_path: Path) -> None:
    """Another thread, as the one that takes a kernel's control messages, is never kept waiting for long."""
    values = {"a": numpy.ones(300 * MEGABYTE // 8)}
    gaps: list[float] = []
    over = threading.Event()

    def listen() -> None:
        last = time.monotonic()
        while not over.wait(0.001):
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    listener = threading.Thread(target=listen)
    listener.start()
    handed = export_variables(values, values, tmp_path / "v")
    over.set()
    listener.join()
    handed.close()
    assert len(gaps) > 20
    assert max(gaps) < 0.25
