"""The errors of Read, Bash, Glob and Grep: what was asked, and the one line that the model is told."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.tools.ripgrep import program
from tests.support.media import PNG, pdf
from tests.support.tool_bench import ToolBench

SECRET = "which usually holds secrets."
TOO_LONG = "What is searched for is too long: 20,000 characters are the most."


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A workspace with something of everything that a tool refuses."""
    bench = ToolBench(tmp_path)
    bench.context.takes = frozenset({"image", "document"})
    here = bench.workspace
    for name, content in {
        "three.pdf": pdf(3),
        "bad.pdf": b"%PDF-1.4\nrubbish",
        "cut.png": PNG[:-5],
        "cells.ipynb": b'{"cells": [{"cell_type": "raw", "source": "x"}]}',
        ".env": b"KEY=1",
        "key.pem": b"-----BEGIN PRIVATE KEY-----",
    }.items():
        (here / name).write_bytes(content)
    (here / "link").symlink_to(bench.outside / "secret.txt")
    os.mkfifo(here / "pipe")
    return bench


def _thick(plain: bytes, size: int) -> bytes:
    """The same PDF with a comment of so many bytes in the content of each page."""

    def grown(found: re.Match[bytes]) -> bytes:
        words = found[2] + b"\n%" + os.urandom(size // 2).hex().encode()
        return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(words), words)

    return re.sub(rb"<< /Length (\d+) >>\nstream\n(.*?)\nendstream", grown, plain)


LARGE = {
    "thick.pdf": lambda: _thick(pdf(3), 6 << 20),
    "whole.pdf": lambda: pdf(1) + b"%" + os.urandom(11 << 20),
}
READ = [
    ({}, "The input lacks `file_path`."),
    ({"file_path": ""}, "file_path is empty."),
    ({"file_path": "a\0b"}, "The path holds a NUL or half a character; no file is named so."),
    ({"file_path": "none.txt"}, "none.txt: does not exist."),
    ({"file_path": "src"}, "src: is a folder, not a file."),
    ({"file_path": "pipe"}, "pipe: is a named pipe, not a file."),
    ({"file_path": "src/a.py/b"}, "src/a.py/b: goes through something that is not a folder."),
    (
        {"file_path": "/proc/self/environ"},
        "/proc/self/environ: is outside the workspace {ws}, in the system's own folders; closed.",
    ),
    (
        {"file_path": "link"},
        "{out}/secret.txt: not allowed (mode workspace). It lies outside the workspace {ws}.",
    ),
    ({"file_path": ".env"}, "{ws}/.env: not allowed (mode workspace). It has the protected name `.env`, " + SECRET),
    ({"file_path": "key.pem"}, "key.pem: holds a private key, which workers are not shown."),
    ({"file_path": "src/a.py", "pages": "1"}, "src/a.py: is no PDF, so it has no `pages`; use `offset` and `limit`."),
    ({"file_path": "three.pdf", "pages": "one"}, "pages: 'one' is no range of pages; write it as 3, 1-5 or 7-."),
    ({"file_path": "three.pdf", "pages": "3-1"}, "pages: '3-1' is no range of pages; write it as 3, 1-5 or 7-."),
    ({"file_path": "three.pdf", "pages": "1-21"}, "pages: 1-21 are 21 pages; one call takes 20 at most."),
    ({"file_path": "three.pdf", "pages": "4-5"}, "three.pdf: has only 3 pages."),
    ({"file_path": "bad.pdf"}, "bad.pdf: is no PDF that can be read: Stream has ended unexpectedly."),
    (
        {"file_path": "thick.pdf", "pages": "2-3"},
        (
            "thick.pdf: PDF, 3 pages, {size} bytes; pages 2-3: more than the 10 MiB that fit into one call. "
            "Ask for fewer with `pages`, or take the text out with Python."
        ),
    ),
    (
        {"file_path": "whole.pdf"},
        (
            "whole.pdf: PDF, 1 page, {size} bytes; page 1: more than the 10 MiB that fit into one call. "
            "Ask for fewer with `pages`, or take the text out with Python."
        ),
    ),
    ({"file_path": "cut.png"}, "cut.png: is a PNG image that is broken or cut off, so it cannot be shown."),
    ({"file_path": "cells.ipynb", "offset": 2}, "cells.ipynb: has only 1 cell."),
]
BASH = [
    ({}, "The input lacks `command`."),
    ({"command": " \n"}, "The command is empty."),
    ({"command": "a\0b"}, "The command holds a NUL character, which no shell takes."),
    ({"command": "\ud800"}, "The command holds half a character (a lone surrogate), which no shell takes."),
    ({"command": "true", "timeout": 0}, "`timeout` must be 1 or more, not 0."),
    ({"command": "true", "stop": "b7"}, "stop: there is no background command 'b7' in this task; there are: none."),
    ({"command": "exit 7"}, "[exit code 7]"),
    ({"command": "kill -9 $$"}, "[exit code 137, as by signal 9]"),
    (
        {"command": "exec sleep 98781", "timeout": 200},
        "[stopped: still running after 0.2 s. Give it a longer `timeout`, or split the work.]",
    ),
]
GLOB = [
    ({}, "The input lacks `pattern`."),
    ({"pattern": ""}, "`pattern` is empty."),
    ({"pattern": "../*"}, "../*: patterns are relative to `path`; they cannot start at / or ~ or go up by `..`."),
    ({"pattern": "*", "path": "src/a.py"}, "src/a.py: is a file; `path` must be a folder."),
    ({"pattern": "*", "path": "none"}, "none: does not exist."),
    ({"pattern": "*", "path": "{out}"}, "{out}: not allowed (mode workspace). It lies outside the workspace {ws}."),
    (
        {"pattern": "src/{a"},
        "ripgrep: error parsing glob 'src/{a': unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?).",
    ),
    (
        {"pattern": "{a"},
        "ripgrep: error parsing glob '{a': unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?).",
    ),
    ({"pattern": "\ud800"}, "The pattern holds a NUL or half a character, which cannot be searched for."),
    ({"pattern": "x" * 200_000}, TOO_LONG),
    ({"pattern": "src/" + "x" * 200_000}, TOO_LONG),
]
GREP = [
    ({}, "The input lacks `pattern`."),
    (
        {"pattern": "x", "output_mode": "all"},
        "`output_mode` must be one of 'files_with_matches', 'count', 'content', not 'all'.",
    ),
    ({"pattern": "x", "type": "nonsense"}, "ripgrep: unrecognized file type: nonsense."),
    ({"pattern": "a\0b"}, "The pattern holds a NUL or half a character, which cannot be searched for."),
    ({"pattern": "x", "path": "pipe"}, "pipe: is a named pipe, not a file."),
    ({"pattern": "x", "path": "none"}, "none: does not exist."),
    ({"pattern": "x", "path": "{out}"}, "{out}: not allowed (mode workspace). It lies outside the workspace {ws}."),
    ({"pattern": "x" * 200_000}, TOO_LONG),
    ({"pattern": "x", "glob": "x" * 200_000}, TOO_LONG),
    ({"pattern": "x", "type": "x" * 200_000}, TOO_LONG),
    ({"pattern": "["}, "ripgrep: regex parse error: unclosed character class."),
    ({"pattern": "a\\n"}, 'ripgrep: the literal "\\n" is not allowed in a regex; set `multiline`.'),
]


@pytest.mark.parametrize(
    ("tool", "args", "said"),
    [
        (tool, args, said)
        for tool, table in (("Read", READ), ("Bash", BASH), ("Glob", GLOB), ("Grep", GREP))
        for args, said in table
    ],
)
def test_the_error_is_one_clear_line(bench: ToolBench, tool: str, args: dict[str, Any], said: str) -> None:
    """Exactly this line, marked as an error."""
    places = {"{out}": str(bench.outside), "{ws}": str(bench.workspace)}
    if (name := args.get("file_path")) in LARGE:
        places["{size}"] = f"{(bench.workspace / name).write_bytes(LARGE[name]()):,}"
    for place, name in places.items():
        said = said.replace(place, name)
        args = {key: value.replace(place, name) if isinstance(value, str) else value for key, value in args.items()}
    result = bench.call(tool, **args)
    assert (result.content, result.is_error) == (said, True)


def test_half_a_character_in_code(bench: ToolBench) -> None:
    """No kernel takes it; the kernel that is there works on."""
    half, whole = bench.calls(("Python", {"code": "'\ud800'"}), ("Python", {"code": "1 + 1"}))
    said = "The code holds half a character (a lone surrogate), which Python does not take: write it as an escape."
    assert (half.content, half.is_error, whole.content) == (said, True, "2")


def test_a_file_that_can_be_named_and_not_read(tmp_path: Path) -> None:
    """The system's own files can be asked for in mode full, and may refuse to be opened or read."""
    bench = ToolBench(tmp_path, "full")
    read = bench.call("Read", file_path="/proc/self/mem")
    assert (read.content, read.is_error) == ("/proc/self/mem: Input/output error.", True)
    found = bench.call("Grep", pattern="x", path="/proc/1/mem")
    assert found.is_error == ("denied" in str(found.content))  # nobody may open it, or root


def test_too_many_in_the_background(bench: ToolBench) -> None:
    """The fifth is told which four are running."""

    async def work() -> str:
        for _ in range(4):
            await bench.call_async("Bash", command="exec sleep 98782", run_in_background=True)
        content = (await bench.call_async("Bash", command="true", run_in_background=True)).content
        await bench.close()
        return str(content)

    said = "b1, b2, b3, b4 are running in the background, and 4 are the most: `stop` one."
    assert asyncio.run(work()) == said


@pytest.mark.parametrize("tool", ["Glob", "Grep"])
def test_without_ripgrep(bench: ToolBench, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    """An environment without the wheel's program, and none on the path."""
    monkeypatch.setattr(sys, "executable", str(bench.outside / "python"))
    monkeypatch.setenv("PATH", str(bench.outside))
    program.cache_clear()
    try:
        said = "ripgrep (rg) is not installed here, so Glob and Grep cannot search; use Bash (find, grep)."
        assert bench.call(tool, pattern="x").content == said
    finally:
        program.cache_clear()


def test_an_image_for_a_model_that_takes_none(bench: ToolBench) -> None:
    """It is told what it is, and to use Python."""
    bench.context.takes = frozenset()
    (bench.workspace / "a.png").write_bytes(PNG)
    said = "a.png: is a PNG image, and this model takes no images: use Python to find out about it."
    assert bench.call("Read", file_path="a.png").content == said
