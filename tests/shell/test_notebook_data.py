"""Variables out and artifacts back, without a kernel in between."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow
import pytest

from conductor_magic.errors import ConductUsageError, ToolError
from conductor_magic.notebook import describe, export_variables, load_artifact
from conductor_magic.tools.artifacts import LARGEST_ARTIFACT, save_from_outbox, save_image
from tests.support.tool_bench import ToolBench


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


def test_variables_arrive_in_files_that_a_manifest_names(tmp_path: Path) -> None:
    """Each name once, in order, with size and hash; the user's objects are as they were."""
    data, numbers = frame(), [1, 2, 3]
    namespace = {"data": data, "numbers": numbers, "other": object()}
    variables = export_variables(["data", "numbers", "data"], namespace, tmp_path / "v")
    assert [variable.name for variable in variables] == ["data", "numbers"]
    content = Path(variables[0].path).read_bytes()
    assert (variables[0].size, variables[0].sha256) == (len(content), hashlib.sha256(content).hexdigest())
    pandas.testing.assert_frame_equal(pickle.loads(content), frame())
    pandas.testing.assert_frame_equal(data, frame())
    manifest = json.loads((tmp_path / "v" / "variables.json").read_text())
    assert manifest == [{"name": "data", "file": "data.pickle"}, {"name": "numbers", "file": "numbers.pickle"}]


def test_a_frame_is_described(tmp_path: Path) -> None:
    """Name, type, shape, columns with types, and rows."""
    (variable,) = export_variables(["data"], {"data": frame()}, tmp_path / "v")
    text = describe(variable)
    assert text.startswith("`data`: pandas.DataFrame, 3 rows × 5 columns\ncolumns: n float64, kind category, when ")
    assert "2024-03-31" in text
    assert (variable.type, variable.shape) == ("pandas.DataFrame", (3, 5))


@pytest.mark.parametrize(
    "value",
    [
        pandas.DataFrame({f"a rather long column name {number}": ["x" * 500] * 9 for number in range(200)}),
        "y" * 1_000_000, list(range(100_000)), {"k" * 5000: "v" * 5000}, numpy.zeros((1000, 1000)), 3, None,
        pandas.DataFrame({f"統計{number}" * 20: [1] for number in range(99)}), "統" * 9000,
        pandas.Series(range(10_000), name="s"), pyarrow.table({"a": [1, 2]}), b"z" * 100_000,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_descriptions_are_short(tmp_path: Path, value: Any) -> None:
    """Whatever it is, at most 2,000 bytes tell of it."""
    (variable,) = export_variables(["value"], {"value": value}, tmp_path / "v")
    assert len(describe(variable).encode()) <= 2000
    assert describe(variable).startswith("`value`: ")


def test_what_cannot_be_handed_over_is_one_line(tmp_path: Path) -> None:
    """Unknown names, modules, open files and things of the notebook's own are refused, naming the variable."""
    local = types.ModuleType("__main__")
    exec("class Mine: pass\nmine = [Mine()]\ndef function(): pass", local.__dict__)
    namespace = {
        "m": json,
        "f": (tmp_path / "x").open("w"),
        "gen": (x for x in ()),
        "class": 1,
        "publish": 1,
        **vars(local),
    }
    for name, said in (
        ("nope", "there is no variable `nope`"), ("class", "is not a variable's name"),
        ("publish", "rename it"), ("m", "is a module"), ("f", "cannot be handed"),
        ("gen", "cannot be handed"),
        ("mine", "needs `Mine`, which is defined in this notebook"), ("function", "needs `function`"),
    ):  # fmt: skip
        with pytest.raises(ConductUsageError, match=said) as caught:
            export_variables([name], namespace, tmp_path / name)
        assert "\n" not in str(caught.value)
        assert f"--use {name}" in str(caught.value)
    namespace["f"].close()


def test_an_object_that_cannot_show_itself_is_handed_over(tmp_path: Path) -> None:
    """A failing repr costs the preview, not the variable."""
    (variable,) = export_variables(["value"], {"value": Shy()}, tmp_path / "v")
    assert describe(variable) == "`value`: tests.Shy" or describe(variable).endswith("Shy")


class Shy:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_nothing_heavy_is_imported() -> None:
    """Handing over plain values, and importing the tools, load neither pandas nor numpy nor a kernel client."""
    program = (
        "import sys, tempfile; from pathlib import Path\n"
        "from conductor_magic.notebook import export_variables, describe\n"
        "import conductor_magic.tools.worker\n"
        "print(describe(export_variables(['a'], {'a': [1]}, Path(tempfile.mkdtemp()))[0]))\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'zmq', 'jupyter_client', 'IPython', 'anthropic', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A context to save artifacts for."""
    return ToolBench(tmp_path)


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """A folder that a worker could write."""
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


def test_an_honest_frame_is_taken_and_loaded(bench: ToolBench, outbox: Path) -> None:
    """An Arrow file lands in the artifacts folder with its hash, and loads equal."""
    data = frame()
    table = pyarrow.Table.from_pandas(data)
    with pyarrow.OSFile(str(outbox / "0001.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    artifact = save_from_outbox(outbox, {"file": "0001.arrow", "name": "data", "shape": [9, 9]}, bench.context)
    assert artifact.shape == (3, 5)
    assert artifact.sha256 == hashlib.sha256(Path(artifact.path).read_bytes()).hexdigest()
    assert Path(artifact.path).parent == bench.context.artifacts
    pandas.testing.assert_frame_equal(load_artifact(artifact.path, artifact.mime), data)
    assert list(outbox.iterdir()) == []


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03"


def hostile(outbox: Path, outside: Path) -> dict[str, Any]:
    """Files and announcements that are not what they say."""
    (outbox / "0001.png").symlink_to(outside / "secret.txt")
    os.link(outside / "secret.txt", outbox / "0002.txt")
    os.mkfifo(outbox / "0003.json")
    (outbox / "0004.arrow").write_bytes(b"ARROW1" + bytes(100) + b"ARROW1")
    (outbox / "0005.png").write_bytes(pickle.dumps({"a": 1}))
    (outbox / "0006.json").write_text("[" * 200_000)
    with (outbox / "0007.txt").open("wb") as file:
        file.truncate(LARGEST_ARTIFACT + 1)
    with zipfile.ZipFile(outbox / "0008.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("array.npy", bytes(LARGEST_ARTIFACT + 1))
    with zipfile.ZipFile(outbox / "0009.npz", "w") as archive:
        archive.writestr("array.pickle", pickle.dumps(1))
    (outbox / "0010.txt").mkdir()
    (outbox / "0011.svg").write_text("<html><script>alert(1)</script>")
    (outbox / "0012.txt").write_bytes(b"\xff\xfe\xfd")
    (outbox / "0013.table.json").write_text("{}")
    (outbox / "0014.arrow").write_bytes(b"")
    files = [path.name for path in outbox.iterdir()]
    return {
        "files": [*files, "0099.txt", "../secret.txt", "/etc/passwd", "0001.pickle", "0001.png\n", "", None, 3, ["x"]]
    }


def test_hostile_files_are_refused(bench: ToolBench, outbox: Path) -> None:
    """Links, pipes, giants, bombs, lies: each is a ToolError, and nothing of it is kept."""
    for file in hostile(outbox, bench.outside)["files"]:
        with pytest.raises(ToolError):
            save_from_outbox(outbox, {"file": file, "name": "x"}, bench.context)
    assert list(bench.context.artifacts.iterdir()) == []


def test_a_hostile_name_stays_a_name(bench: ToolBench) -> None:
    """No name leaves the folder, hides, or overwrites."""
    wanted = ["../../x", "", ".hidden", "a/b\0c", "x" * 500, "\u202etxt", "chart", "chart"]
    saved = [save_image(name, PNG, ".png", bench.context) for name in wanted]
    assert len({artifact.path for artifact in saved}) == len(wanted)
    assert {Path(artifact.path).parent for artifact in saved} == {bench.context.artifacts}
    assert all("/" not in artifact.name and len(artifact.name) <= 80 for artifact in saved)
    assert saved[0].shape == (2, 3)


def test_an_array_of_objects_does_not_load(bench: ToolBench, outbox: Path) -> None:
    """An npz whose array would have to be unpickled is refused when it is loaded."""
    numpy.savez(outbox / "0001.npz", array=numpy.array([{"a": 1}], dtype=object), allow_pickle=True)
    artifact = save_from_outbox(outbox, {"file": "0001.npz", "name": "a"}, bench.context)
    with pytest.raises(ValueError, match="allow_pickle"):
        load_artifact(artifact.path, artifact.mime)


def test_an_svg_is_shown_as_an_image(bench: ToolBench, outbox: Path) -> None:
    """Its markup never becomes part of the page."""
    (outbox / "0001.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    artifact = save_from_outbox(outbox, {"file": "0001.svg", "name": "s"}, bench.context)
    shown = load_artifact(artifact.path, artifact.mime)._repr_html_()
    assert shown.startswith('<img alt="" src="data:image/svg+xml;base64,')
    assert "script" not in shown


def test_unknown_types_are_not_loaded(tmp_path: Path) -> None:
    """A journal that names another type does not get a file unpickled."""
    (tmp_path / "x.pickle").write_bytes(pickle.dumps(1))
    with pytest.raises(ToolError, match="nothing is known"):
        load_artifact(tmp_path / "x.pickle", "application/x-pickle")
