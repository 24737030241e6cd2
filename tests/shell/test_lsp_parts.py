"""The parts of the language-server client on their own: framing, counting, and seeing what has changed."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.lsp.files import CHANGED, CREATED, DELETED, WatchedFiles, changes
from conductor_magic.lsp.positions import ENCODINGS, lines_of, path_of_uri, to_column, to_units
from conductor_magic.lsp.wire import Garbled, framed, read_message


def received(content: bytes) -> object:
    """What a reader makes of bytes after which the server is gone."""

    async def read() -> object:
        stream = asyncio.StreamReader()
        stream.feed_data(content)
        stream.feed_eof()
        return await read_message(stream)

    return asyncio.run(read())


BODY = b'{"jsonrpc": "2.0", "id": 1, "result": "\\u00e9\xf0\x9f\x8e\x89"}'


@pytest.mark.parametrize(
    "content",
    [
        framed({"id": 1, "result": "é🎉"}).replace(b"Content-Length", b"content-length"),
        b"Content-Type: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
        b"Content-Length:%d\n\n%b" % (len(BODY), BODY),
    ],
    ids=["lower case", "two headers", "line feeds"],
)
def test_a_message_is_read_in_any_allowed_form(content: bytes) -> None:
    """Header names in any case and order, line ends of either kind, text escaped or not."""
    assert received(content) == {"jsonrpc": "2.0", "id": 1, "result": "é🎉"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Hello\r\n\r\n", "'Hello'"),
        (b"Content-Type: x\r\n\r\n{}", "a header without Content-Length"),
        (b"Content-Length: -1\r\n\r\n", "a Content-Length that is no number"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "a Content-Length that is no number"),
        (b"Content-Length: 33554433\r\n\r\n", "a message of 33,554,433 bytes, more than the 32 MiB that are taken"),
        (b"x" * 200_000, "a header line without an end"),
        (b"A: b\r\n" * 30, "a header without Content-Length"),
        (b"Content-Length: 2\r\n\r\n[]", "a message that is no object"),
        (b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000, "a message that is not JSON"),
        (b"Content-Length: 4\r\n\r\n\xff\xff\xff\xff", "a message that is not JSON"),
    ],
)
def test_what_is_no_message_is_told(content: bytes, said: str) -> None:
    """Everything else ends the conversation with a reason."""
    with pytest.raises(Garbled) as caught:
        received(content)
    assert str(caught.value) == said


@pytest.mark.parametrize("end", [0, 5, 21, 30])
def test_the_end_of_the_stream_is_the_end(end: int) -> None:
    """Cut anywhere, a message counts as not sent."""
    with pytest.raises(EOFError):
        received(framed({"id": 1, "result": None})[:end])


@given(st.text(max_size=30), st.integers(0, 30), st.sampled_from(ENCODINGS))
def test_columns_survive_the_way_to_the_server_and_back(line: str, column: int, encoding: str) -> None:
    """Characters to units and back are the same characters, in every encoding."""
    column = min(column, len(line))
    assert to_column(line, to_units(line, column, encoding), encoding) == column
    assert to_column(line, 10_000, encoding) == len(line)


def test_units_are_counted_as_the_encoding_has_it() -> None:
    """An accent and an emoji, in each encoding."""
    assert [to_units("é🎉x", 2, encoding) for encoding in ENCODINGS] == [2, 3, 6]


def test_lines_end_only_where_the_protocol_says() -> None:
    """A form feed or a line separator ends no line."""
    assert lines_of("a\r\nb\nc\rd\x0ce\u2028f") == ["a", "b", "c", "d\x0ce\u2028f"]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b/%C3%A9.py", "/a b/é.py"),
        ("file://host/a", "/a"),
        ("file:a", None),
        ("untitled:one", None),
        ("file:///a%00b", None),
        ("http://[broken/a", None),
    ],
)
def test_uris(uri: str, path: str | None) -> None:
    """Only a file has a path."""
    assert path_of_uri(uri) == path


def test_changes_of_files_are_seen(tmp_path: Path) -> None:
    """New, changed and deleted sources and project files; not other files, nor what lies in folders of others."""
    old = time.time() - 100
    for name in ("a.py", "b.py", "c.py", "data.csv", "sub/d.PY"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    files = WatchedFiles(tmp_path, (".py",), [tmp_path / "hidden"])
    before = dict.fromkeys(files.look(), (1, 1, 1))
    assert sorted(before) == sorted(str(tmp_path / name) for name in ("a.py", "b.py", "c.py", "sub/d.PY"))
    now = files.look()
    assert changes(now, files.look()) == dict.fromkeys(now, CHANGED), "too fresh to be relied on"
    (tmp_path / "c.py").unlink()
    for name in ("e.py", "pyproject.toml", "x.txt", ".venv/f.py", "node_modules/g.py", "hidden/h.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.utime(tmp_path / "b.py", (old, old))
    expected = {"a.py": CHANGED, "b.py": CHANGED, "c.py": DELETED, "e.py": CREATED, "pyproject.toml": CREATED}
    found = changes(before, files.look())
    assert found == {str(tmp_path / name): kind for name, kind in ({**expected, "sub/d.PY": CHANGED}).items()}


def test_a_file_that_rests_is_not_told_again(tmp_path: Path) -> None:
    """Once its time stamp is old enough, an unchanged file is unchanged, and one of the same size and time is not."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    files = WatchedFiles(tmp_path, (".py",))
    while (first := files.look())[str(path)] is None:
        pass
    assert changes(first, files.look()) == {}
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text("x = 2\n")
    os.utime(path, ns=times)
    assert changes(first, files.look()) == {str(path): CHANGED}


def test_deep_folders_and_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree deeper than Python's stack is looked through; of too many files the rest is said to be missing."""
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).touch()
    files = WatchedFiles(tmp_path, (".py",))
    depth, handle = 1200, os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        handle = _stepped(handle, "d")
    try:
        assert len(files.look()) == 3
        assert files.complete
        monkeypatch.setattr("conductor_magic.lsp.files._MOST", 2)
        files.look()
        assert not files.complete
    finally:
        # Whoever tidies up after the tests may not get that deep.
        for _ in range(depth):
            handle = _stepped(handle, "..")
            os.rmdir("d", dir_fd=handle)
        os.close(handle)


def _stepped(handle: int, name: str) -> int:
    """Go from an open folder to another; the first is closed."""
    try:
        return os.open(name, os.O_RDONLY, dir_fd=handle)
    finally:
        os.close(handle)
