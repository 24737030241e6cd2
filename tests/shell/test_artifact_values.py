"""What workers hand back, checked as a stranger's files, and loaded in the notebook."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow
import pytest

from conductor_magic.artifact_values import load_artifact
from conductor_magic.errors import ToolError
from conductor_magic.frames.files import write_frame
from conductor_magic.tools.artifacts import LARGEST_ARTIFACT, save_from_outbox, save_image
from tests.support.tool_bench import ToolBench


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


def write_table(path: Path, table: pyarrow.Table, **options: Any) -> None:
    """An Arrow file as any program writes it."""
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema, **options) as writer:
        writer.write_table(table)


def frame() -> pandas.DataFrame:
    """An index of levels, nulls, a time zone."""
    return pandas.DataFrame(
        {
            "n": [1.5, None, 3.0],
            "when": pandas.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Berlin"),
            "count": pandas.array([1, None, 3], dtype="Int64"),
        },
        index=pandas.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["letter", "number"]),
    )


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "anybody's"])
def test_an_honest_frame_is_taken_and_loaded(bench: ToolBench, outbox: Path, ours: bool) -> None:
    """An Arrow file lands in the artifacts folder with its hash, and loads equal; also as earlier versions wrote it."""
    data = frame()
    if ours:
        write_frame(data, outbox / "0001.arrow")
    else:
        write_table(outbox / "0001.arrow", pyarrow.Table.from_pandas(data))
    artifact = save_from_outbox(outbox, {"file": "0001.arrow", "name": "data", "shape": [9, 9]}, bench.context)
    assert artifact.shape == (3, 3)
    assert artifact.sha256 == hashlib.sha256(Path(artifact.path).read_bytes()).hexdigest()
    assert Path(artifact.path).parent == bench.context.artifacts
    pandas.testing.assert_frame_equal(load_artifact(artifact.path, artifact.mime), data)
    assert list(outbox.iterdir()) == []


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03"


def lying_tables(outbox: Path) -> None:
    """Arrow files that unpack to more than they are, or point where they should not."""
    zeros = pyarrow.table({"a": numpy.zeros(10_000_000), "b": ["x"] * 10_000_000})
    for number, codec in ((20, "zstd"), (21, "lz4")):
        options = pyarrow.ipc.IpcWriteOptions(compression=codec)
        write_table(outbox / f"00{number}.arrow", zeros, options=options)
    few = pyarrow.table({f"c{number}": numpy.full(4_000, number) for number in range(200)})
    write_table(outbox / "0022.arrow", few)
    honest = (outbox / "0022.arrow").read_bytes()
    (outbox / "0022.arrow").write_bytes(_with_shared_buffers(honest, 200))
    (outbox / "0023.arrow").write_bytes(honest[:-10] + struct.pack("<i", 2**31 - 1) + b"ARROW1")
    write_table(outbox / "0024.arrow", pyarrow.table({"a": ["a", "bc", "def"]}))
    _patch(outbox / "0024.arrow", struct.pack("<4i", 0, 1, 3, 6), struct.pack("<4i", 0, 1, 3, 2**30))
    codes = pyarrow.array([0, 1, 1, 0, 1, 0], pyarrow.int32())
    table = pyarrow.table({"a": pyarrow.DictionaryArray.from_arrays(codes, pyarrow.array(["x", "y"]))})
    write_table(outbox / "0025.arrow", table)
    _patch(outbox / "0025.arrow", struct.pack("<6i", 0, 1, 1, 0, 1, 0), struct.pack("<6i", 0, 1, 1, 0, 1, 9))


def _patch(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def _with_shared_buffers(content: bytes, columns: int) -> bytes:
    """The file with each column naming the bytes of all: a small file that fills a large frame."""
    size = 4_000 * 8
    pairs = [struct.pack("<qqqq", column * size, 0, column * size, size) for column in range(columns)]
    assert all(content.count(pair) == 1 for pair in pairs)
    first = struct.pack("<qqqq", 0, 0, 0, columns * size)
    for pair in pairs:
        content = content.replace(pair, first)
    return content.replace(struct.pack("<q", 4_000), struct.pack("<q", 4_000 * columns))


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
    numpy.savez(outbox / "0015.npz", array=numpy.array([{"a": 1}], dtype=object), allow_pickle=True)
    numpy.savez(outbox / "0016.npz", array=numpy.zeros(3))
    head = (outbox / "0016.npz").read_bytes()
    (outbox / "0016.npz").write_bytes(head.replace(b"'shape': (3,), }", b"'shape': (3**9,)}"))
    with zipfile.ZipFile(outbox / "0017.npz", "w") as archive:
        archive.writestr(
            "array.npy",
            (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999,)}").ljust(127)
            + b"\n",
        )
    lying_tables(outbox)
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
    taken: list[Any] = []
    for file in hostile(outbox, bench.outside)["files"]:
        with contextlib.suppress(ToolError):
            taken.append((file, save_from_outbox(outbox, {"file": file, "name": "x"}, bench.context)))
    assert taken == []
    assert list(bench.context.artifacts.iterdir()) == []


def test_a_hostile_name_stays_a_name(bench: ToolBench) -> None:
    """No name leaves the folder, hides, or overwrites."""
    wanted = ["../../x", "", ".hidden", "a/b\0c", "x" * 500, "\u202etxt", "chart", "chart"]
    saved = [save_image(name, PNG, ".png", bench.context) for name in wanted]
    assert len({artifact.path for artifact in saved}) == len(wanted)
    assert {Path(artifact.path).parent for artifact in saved} == {bench.context.artifacts}
    assert all("/" not in artifact.name and len(artifact.name) <= 80 for artifact in saved)
    assert saved[0].shape == (2, 3)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_file_is_refused_before_it_is_unpacked(bench: ToolBench, outbox: Path, codec: str) -> None:
    """A few bytes that would fill the memory are told by their heads."""
    table = pyarrow.table({"a": numpy.zeros(1_000_000)})
    write_table(outbox / "0001.arrow", table, options=pyarrow.ipc.IpcWriteOptions(compression=codec))
    with pytest.raises(ToolError, match=r"\(it is compressed\)"):
        save_from_outbox(outbox, {"file": "0001.arrow", "name": "x"}, bench.context)


def test_arrays_come_back_equal(bench: ToolBench, outbox: Path) -> None:
    """Plain ones, and masked ones with mask and fill value."""
    masked = numpy.ma.MaskedArray([1, 2, 3], [False, True, False], fill_value=9)
    numpy.savez(outbox / "0001.npz", array=numpy.eye(2))
    numpy.savez(outbox / "0002.npz", array=masked.data, mask=masked.mask, fill=masked.fill_value)
    saved = [save_from_outbox(outbox, {"file": file, "name": "a"}, bench.context) for file in ("0001.npz", "0002.npz")]
    plain, found = [load_artifact(artifact.path, artifact.mime) for artifact in saved]
    assert (plain.tolist(), saved[0].shape) == ([[1, 0], [0, 1]], (2, 2))
    assert (found.tolist(), found.data.tolist(), found.fill_value) == ([1, None, 3], [1, 2, 3], 9)


def test_text_keeps_its_line_ends(bench: ToolBench, outbox: Path) -> None:
    """What was published is what is read, to the character."""
    (outbox / "0001.txt").write_bytes(b"a\r\nb\rc\n")
    artifact = save_from_outbox(outbox, {"file": "0001.txt", "name": "t"}, bench.context)
    assert load_artifact(artifact.path, artifact.mime) == "a\r\nb\rc\n"


def test_a_table_that_could_unpack_to_more_stays_one(tmp_path: Path) -> None:
    """Columns of nothing, or runs of one value, have rows without bytes: nobody's file makes no frame of them."""
    write_table(tmp_path / "a.arrow", pyarrow.table({"n": pyarrow.nulls(10**9)}))
    found = load_artifact(tmp_path / "a.arrow", "application/vnd.apache.arrow.file")
    assert (type(found), found.num_rows) == (pyarrow.Table, 10**9)


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


def test_only_the_file_that_was_saved_is_opened(tmp_path: Path) -> None:
    """No link of either kind, no other size, no folder that is a link, no device: one line says why."""
    folder, elsewhere = tmp_path / "artifacts", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    secret, single = elsewhere / "secret.txt", elsewhere / "single.txt"
    secret.write_text("secret")
    single.write_text("single")  # its other names are none: only the folder's link tells
    (folder / "plain.txt").write_text("plain")
    (folder / "soft.txt").symlink_to(secret)
    (folder / "hard.txt").hardlink_to(secret)
    os.mkfifo(folder / "pipe.txt")
    (tmp_path / "link").symlink_to(elsewhere)
    assert load_artifact(folder / "plain.txt", "text/plain", 5) == "plain"
    for path in (
        folder / "soft.txt",
        folder / "hard.txt",
        folder / "pipe.txt",
        tmp_path / "link" / "single.txt",
        folder,
    ):
        with pytest.raises(ToolError, match="the file is not the one that was saved"):
            load_artifact(path, "text/plain", 6)
    with pytest.raises(ToolError, match="the file is not the one that was saved"):
        load_artifact(folder / "plain.txt", "text/plain", 6)
