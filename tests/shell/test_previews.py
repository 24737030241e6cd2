"""What the board shows of artifacts, which are strangers' files, and of the run as a whole; and how it is asked."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow
import pytest

from conductor_magic.artifact_values import load_artifact
from conductor_magic.board import Board
from conductor_magic.events import ArtifactSaved, FileChanged, RunStarted
from conductor_magic.fold import fold
from conductor_magic.frames import cells
from conductor_magic.frames.files import write_frame
from conductor_magic.journal import Journal
from conductor_magic.preview import preview
from conductor_magic.snapshot import inspect
from conductor_magic.views import VIEWS
from tests.golden.journals import RUNS
from tests.shell.conftest import Begin
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import text
from tests.support.png_head import png
from tests.support.wire import View, press

Json = dict[str, Any]
ARROW = "application/vnd.apache.arrow.file"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder."""
    (tmp_path / "run" / "artifacts").mkdir(parents=True)
    return tmp_path / "run"


def saved(folder: Path, mime: str, content: bytes | None = None, shape: tuple[int, ...] | None = None) -> ArtifactSaved:
    """The record of an artifact `1-x`, whose file has this content or is there already."""
    place = folder / "artifacts" / "1-x"
    if content is not None:
        place.write_bytes(content)
    return ArtifactSaved(
        name="x", task="1", worker="w1", mime=mime, path=str(place), size=place.stat().st_size, sha256="", shape=shape
    )


def shown(folder: Path, mime: str, content: bytes | None = None, shape: tuple[int, ...] | None = None) -> Json:
    """The preview without the path, which is always the file's."""
    found = preview(folder, saved(folder, mime, content, shape))
    assert found.pop("path") == str(folder / "artifacts" / "1-x")
    return json.loads(json.dumps(found, allow_nan=False))


def frame_shown(folder: Path, frame: Any) -> Json:
    """The preview of a frame."""
    write_frame(frame, folder / "artifacts" / "1-x")
    return shown(folder, ARROW, shape=frame.shape)


def test_a_frame_shows_its_first_rows_with_the_index_that_it_has(folder: Path) -> None:
    """Names, values as texts, what is missing as such, which columns are numbers, and how many rows there are."""
    frame = pandas.DataFrame(
        {
            "mass": [3750.0, float("nan"), 3250.123456789] + [1.0] * 341,
            "sex": pandas.Categorical(["m", "f", None] + ["f"] * 341),
            "when": pandas.date_range("2024-03-31", periods=344, tz="Europe/Berlin"),
            "count": pandas.array([1, None, 3] + [1] * 341, dtype="Int64"),
            "pair": [("a", 1)] * 344,
        },
        index=pandas.Index([f"p{number}" for number in range(344)], name="bird"),
    )
    found = frame_shown(folder, frame)
    assert len(found["rows"]) == 12
    assert {**found, "rows": found["rows"][:3]} == {
        "kind": "table",
        "head": ["bird", "mass", "sex", "when", "count", "pair"],
        "rows": [
            ["p0", "3750", "m", "2024-03-31 00:00:00+01:00", "1", "('a', 1)"],
            ["p1", "NaN", "f", "2024-04-01 00:00:00+02:00", None, "('a', 1)"],
            ["p2", "3250.12", "NaN", "2024-04-02 00:00:00+02:00", "3", "('a', 1)"],
        ],
        "numeric": [False, True, False, False, True, False],
        "total": 344,
        "columns": 6,
    }
    assert frame_shown(folder, frame.reset_index(drop=True))["head"][0] == "mass"
    assert frame_shown(folder, frame["mass"])["head"] == ["bird", "mass"]


def test_only_the_rows_that_are_shown_are_read(folder: Path) -> None:
    """Of a frame that is long, wide, or long in its cells, no more than a little is taken."""
    wide = frame_shown(folder, pandas.DataFrame(numpy.zeros((3, 500))))
    assert (len(wide["head"]), wide["columns"], wide["total"]) == (20, 500, 3)
    long = frame_shown(folder, pandas.DataFrame({"t": ["é" * 1_000] * 3}))
    assert long["rows"][0] == ["é" * 119 + "…"]
    huge = frame_shown(folder, pandas.DataFrame({"t": ["x" * 6_000_000]}))
    assert huge == {"kind": "note", "text": "Not shown: its first rows are too long."}
    named = pandas.DataFrame({"t": pandas.Categorical(["a", "b", "a"], categories=["a", "b", "x" * 6_000_000])})
    assert frame_shown(folder, named)["rows"] == [["a"], ["b"], ["a"]]


def test_frames_of_other_libraries_are_shown_too(folder: Path) -> None:
    """Arrow's own, and polars', whose texts and categories are views."""
    assert frame_shown(folder, pyarrow.table({"a": [1, 2], "l": [[1], [2, 3]]}))["rows"] == [
        ["1", "[1]"],
        ["2", "[2, 3]"],
    ]
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {"s": ["a text that is no short one", "b"], "c": polars.Series(["u", "v"], dtype=polars.Categorical)}
    )
    assert frame_shown(folder, frame)["rows"] == [["a text that is no short one", "u"], ["b", "v"]]


def test_tables_that_unpack_to_more_than_they_are_stay_closed(folder: Path) -> None:
    """Compressed ones, damaged ones, lists of nothing: one line each."""
    place = folder / "artifacts" / "1-x"

    def write(table: pyarrow.Table, **options: Any) -> None:
        with pyarrow.OSFile(str(place), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema, **options) as writer:
            writer.write_table(table)

    write(pyarrow.table({"a": [0] * 9_000}), options=pyarrow.ipc.IpcWriteOptions(compression="zstd"))
    assert shown(folder, ARROW) == {"kind": "note", "text": "Not shown: it is compressed."}
    write(pyarrow.table({"a": pyarrow.array([[None] * 9])}))
    assert shown(folder, ARROW) == {"kind": "note", "text": "Not shown: it has columns of the type list<item: null>."}
    write(pyarrow.table({"a": ["a", "bc", "def"]}))
    lying = place.read_bytes().replace(struct.pack("<4i", 0, 1, 3, 6), struct.pack("<4i", 0, 1, 3, 2**30))
    broken = [lying, b"", b"ARROW1", b"ARROW1" + bytes(100) + b"ARROW1", lying[:-40] + bytes(30) + lying[-10:]]
    for content in broken:
        found = shown(folder, ARROW, content)
        assert (found["kind"], found["text"][:11], "\n" in found["text"]) == ("note", "Not shown: ", False)


def test_texts_and_data_show_their_beginning_and_how_much_is_left(folder: Path) -> None:
    """Cut at a whole character; small data is spread out; HTML is text like any other."""
    assert shown(folder, "text/plain", "<script>é</script>".encode()) == {
        "kind": "text",
        "text": "<script>é</script>",
        "left": 0,
    }
    long = shown(folder, "text/plain", b"x" + "é".encode() * 20_000)
    assert (long["text"], long["left"]) == ("x" + "é" * 7_999, 24_001)
    assert shown(folder, "application/json", b'{"a":[1,"\\ud83d"]}')["text"] == '{\n  "a": [\n    1,\n    "?"\n  ]\n}'
    assert shown(folder, "application/json", b"[" * 9_000)["kind"] == "note"
    table = {"schema": {"fields": [{"name": "n"}, {"name": "t"}]}, "data": [{"n": 1.5, "t": None}] * 30}
    found = shown(folder, "application/vnd.dataresource+json", json.dumps(table).encode())
    assert (found["head"], found["rows"][11], len(found["rows"]), found["total"]) == (["n", "t"], ["1.5", None], 12, 30)
    assert (
        shown(folder, "application/x-npz", b"PK", (3, 4))["text"]
        == "Not shown: an array (3 × 4); its values are in the result."
    )


def test_pictures_go_as_they_are_with_the_type_that_their_bytes_have(folder: Path) -> None:
    """What a record says of a type is not believed; what is too large stays where it is."""
    content = png(640, 480)
    expected = {"kind": "picture", "mime": "image/png", "data": base64.b64encode(content).decode()}
    assert shown(folder, "image/png", content) == expected
    assert shown(folder, "image/jpeg", content) == expected
    assert shown(folder, "image/png", content + bytes(1 << 21)) == {
        "kind": "note",
        "text": "Not shown: the picture takes 2.0 MB, more than is sent to a page.",
    }
    assert shown(folder, "image/png", png(60_000, 60_000))["text"] == "Not shown: it has 60,000 × 60,000 pixels."
    assert (
        shown(folder, "image/png", b"<html><script>alert(1)</script>")["text"]
        == "Not shown: it is no picture that is known here."
    )
    assert shown(folder, "text/html", b"<b>")["text"] == "Not shown: nothing is known of the type text/html."


def test_only_the_file_that_was_saved_is_opened(folder: Path, tmp_path: Path) -> None:
    """No link out of the folder, no pipe, no other size, no path of a stranger's journal."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    place = folder / "artifacts" / "1-x"

    def text_of(**changed: Any) -> str:
        record = ArtifactSaved(name="x", task="1", worker="w1", mime="text/plain", path=str(place), size=6, sha256="")
        found = preview(folder, record.model_copy(update=changed))
        assert found["kind"] == "note"
        return found["text"]

    assert text_of() == "Not shown: No such file or directory."
    assert text_of(path=str(secret)) == "Not shown: No such file or directory."
    assert text_of(path="artifacts/..") != ""
    place.symlink_to(secret)
    assert text_of() == "Not shown: Too many levels of symbolic links."
    place.unlink()
    os.link(secret, place)
    assert text_of() == "Not shown: the file is not the one that was saved."
    place.unlink()
    os.mkfifo(place)
    assert text_of() == "Not shown: the file is not the one that was saved."
    place.unlink()
    place.write_text("changed since")
    assert text_of() == "Not shown: the file is not the one that was saved."


def test_labels_that_unpack_to_more_than_they_are_stay_closed(folder: Path) -> None:
    """A description of a few bytes, whose labels would fill the memory, is refused by their heads."""
    place = folder / "artifacts" / "1-x"

    def labelled(labels: pyarrow.Table, **options: Any) -> str:
        write_frame(pandas.DataFrame({"a": [1, 2]}), place)
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, labels.schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(labels)
        packed = base64.b64encode(sink.getvalue()).decode()
        header = {"kind": "flat", "values": {"kind": "arrow"}, "freq": None, "name": None}
        retell(place, labels=packed, header=header)
        read = [shown(folder, ARROW).get("text")]
        try:
            load_artifact(place, ARROW)
        except ValueError as error:
            read.append(str(error).partition("(")[2])
        assert len({text.strip("().").removeprefix("Not shown: ") for text in map(str, read)}) == 1
        return str(read[0])

    codes = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0]), pyarrow.array([7] * 100_000))
    for values in (pyarrow.array([0] * 100_000), codes):
        assert labelled(pyarrow.table({"l": values}), compression="zstd") == "Not shown: it is compressed."
    assert labelled(pyarrow.table({"l": pyarrow.nulls(10**9)})) == "Not shown: 1000000000 labels for 1 columns."
    empty = pyarrow.FixedSizeListArray.from_arrays(pyarrow.nulls(10**9), 10**9)
    expected = "Not shown: it has labels of the type fixed_size_list<item: null>[1000000000]."
    assert labelled(pyarrow.table({"l": empty})) == expected


def test_the_values_of_a_cell_cannot_share_one_hash(folder: Path) -> None:
    """A set, a dict, or the levels of an index: comparing all with all would take for ever."""
    same_hash = [number * ((1 << 61) - 1) for number in range(20_000)]
    for value, kind in (({"$": ["set", same_hash]}, "set"), ({"$": ["dict", [[n, 0] for n in same_hash]]}, "dict")):
        began = time.monotonic()
        with pytest.raises(ValueError, match=f"a {kind} of too many elements"):
            cells.loads(json.dumps(value))
        assert time.monotonic() - began < 1
    assert cells.loads(cells.dumps(set(range(9_000)))) == set(range(9_000))
    words = {str(number) for number in range(50_000)}
    assert cells.loads(cells.dumps(words)) == words
    powers = {2**power for power in range(1_000)}
    assert cells.loads(cells.dumps(powers)) == powers
    with pytest.raises(cells.Unsupported, match="a set of too many elements"):
        cells.dumps(set(same_hash[:100]))
    levels = pandas.MultiIndex.from_product([["a"], pandas.Index(same_hash[:100], dtype=object)])
    frame = pandas.DataFrame([[0] * 100], columns=levels)
    assert frame_shown(folder, frame)["text"] == "Not shown: its categories would take too long to tell apart."


def retell(place: Path, **changed: Any) -> None:
    """Change what a file says of its frame."""
    table = pyarrow.ipc.open_file(place.read_bytes()).read_all()
    told = {**json.loads(table.schema.metadata[b"conductor_magic"]), **changed}
    table = table.replace_schema_metadata({"conductor_magic": json.dumps(told)})
    with pyarrow.OSFile(str(place), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


# --- asked through the board -----------------------------------------------------------------------------------------


def test_the_report_has_what_was_recorded_and_nothing_else() -> None:
    """Spend by tier, expected and actual time of what completed, and the token report."""
    records = RUNS["failed"]().records
    state = fold(records)
    found: Any = VIEWS["report"](records, state, Path(), {})
    whole = found["report"]
    assert [(row["who"], row["requests"], row["tokens"], row["usd"]) for row in whole["spend"]] == [
        ("conductor", 1, 9_200, 0.01),
        ("haiku", 2, 3_900, 0.02),
        ("sonnet", 5, 13_000, pytest.approx(0.05)),
    ]
    assert (whole["total"]["tokens"], whole["total"]["requests"]) == (26_100, 8)
    assert whole["time"] == [{"tier": "haiku", "attempts": 2, "expected": 20, "median": 12.5, "sum": 25.0}]
    assert whole["others"] == 2
    assert whole["tokens"]["conductor"]["peak_tokens"] == 9_200


def test_an_artifact_is_read_beside_the_loop_and_answered_once(
    folder: Path,
    tmp_path: Path,
    view: View,
) -> None:
    """A command that is sent again while the file is read starts no second reading; a later one reads it anew."""
    records = RUNS["done"]().records
    state = fold(records)
    [(key, made)] = [(key, made) for key, made in state.artifacts.items() if made.name == "bills"]
    record = saved(folder, "text/plain", b"found").model_copy(update={"name": made.name, "task": made.task})
    state = replace(state, artifacts={**state.artifacts, key: record})

    async def main() -> None:
        board = Board(lambda kind, payload: VIEWS[kind](records, state, folder, payload))
        journal = Journal(tmp_path / "journal")
        journal.append(RunStarted(run="r", goal="Look", workers=2, budget=1.0))
        board.attach(journal, asyncio.get_running_loop())
        for name in ("a-1", "a-1"):
            press(board, kind="artifact", id=name, payload={"task": made.task, "name": "bills"})
        press(board, kind="artifact", id="a-2", payload={"task": "1", "name": "nothing"})
        await view.until(lambda: len(view.of("ack")) == 2)
        text = {"path": str(folder / "artifacts" / "1-x"), "kind": "text", "text": "found", "left": 0}
        # What needs no file is answered at once, although it was asked later.
        assert view.of("ack") == [
            {"id": "a-2", "error": "There is no artifact nothing."},
            {"id": "a-1", "preview": text},
        ]
        (folder / "artifacts" / "1-x").write_text("later")
        press(board, kind="artifact", id="a-1", payload={"task": made.task, "name": "bills"})
        press(board, kind="report", id="a-3", payload={})
        await view.until(lambda: len(view.of("ack")) == 4)
        assert view.of("ack")[2]["report"]["others"] == 0
        assert view.of("ack")[3] == {"id": "a-1", "preview": {**text, "text": "later"}}
        board.detach()
        journal.close()

    asyncio.run(main())


def test_an_inspected_call_tells_all_that_it_was_given(tmp_path: Path, view: View) -> None:
    """Arguments as text, each below its name, cut where they are long; and which files the task changed."""
    code = "for n in range(3):\n    print(n)"
    rows = [
        {"at": 1.0, "kind": "call", "name": "Python", "argument": "for", "input": {"code": code, "n": 1}, "use": "u"}
    ]
    rows.append({**rows[0], "input": {"content": "y" * 3_000}})
    detail = {"id": "1", "attempt_list": [{"id": "w1", "prompt": "", "transcript": rows}]}

    async def main() -> None:
        board, journal = Board(lambda kind, payload: {"detail": detail}), Journal(tmp_path)
        journal.append(RunStarted(run="r", goal="Look", workers=2, budget=1.0))
        board.attach(journal, asyncio.get_running_loop())
        press(board, kind="inspect", id="c-1", payload={"task": "1"})
        await view.until(lambda: view.of("ack"))
        [first, second] = view.of("ack")[0]["detail"]["attempt_list"][0]["transcript"]
        assert first["arguments"] == f"code:\n{code}\nn: 1"
        assert second["arguments"] == f"content: {'y' * 1_991}… (1,009 more characters in the result)"
        board.detach()
        journal.close()

    asyncio.run(main())


def test_an_inspected_task_names_its_files_once() -> None:
    """A file that was created and then edited was created."""
    script = RUNS["done"]()
    state = fold(script.records)
    files = [("a.md", "created", "7"), ("b.md", "edited", "7"), ("a.md", "edited", "7"), ("c.md", "created", "1")]
    changed = [{"path": path, "task": task, "worker": "w7", "action": action} for path, action, task in files]
    found = inspect(replace(state, files=tuple(map(FileChanged.model_validate, changed))), "7")
    assert found is not None
    assert found["files"] == [{"path": "a.md", "action": "created"}, {"path": "b.md", "action": "edited"}]


def test_a_runs_own_board_answers_after_its_end(begin: Begin, view: View) -> None:
    """The report, a task and an artifact that does not exist, asked of a real run once it is over."""
    run = begin(Floor([lay_out({"a": ()}), text("Under way."), text("Found.")]), quiet=False)
    result = run.wait(60)
    assert run.board is not None
    press(run.board, kind="report", id="r-1", payload={})
    press(run.board, kind="inspect", id="r-2", payload={"task": "1"})
    press(run.board, kind="artifact", id="r-3", payload={"task": "1", "name": "chart"})
    asyncio.run(view.until(lambda: len(view.of("ack")) == 3))
    report, task, artifact = view.of("ack")
    assert report["report"]["tokens"] == json.loads(json.dumps(result.efficiency))
    assert report["report"]["total"]["requests"] == result.usage.total.requests
    assert (task["detail"]["id"], task["detail"]["files"]) == ("1", [])
    assert artifact["error"] == "There is no artifact chart."
