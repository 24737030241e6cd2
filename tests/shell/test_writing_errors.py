"""The errors of Write, Edit and Python: what a model is told, to the letter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.tool_bench import ToolBench

TABLE: list[tuple[str, dict[str, Any], str]] = [
    ("Write", {"file_path": "", "content": "x"}, "file_path is empty."),
    ("Write", {"file_path": "a\0b", "content": "x"}, "The path holds a NUL or half a character; no file is named so."),
    ("Write", {"file_path": "src", "content": "x"}, "src: is a folder, not a file."),
    ("Write", {"file_path": "src/a.py/b", "content": "x"}, "src/a.py/b: goes through something that is not a folder."),
    ("Write", {"file_path": "big", "content": "x" * (10 << 20) + "x"},
     "The content has 10,485,761 bytes; one call may write 10,485,760."),
    ("Write", {"file_path": "half", "content": "\ud83d"},
     "The text cannot be written as UTF-8: surrogates not allowed at character 0."),
    ("Write", {"file_path": "twice", "content": "x"},
     "twice: has more than one name (hard link), so writing could change a file elsewhere."),
    ("Write", {"file_path": "pipe", "content": "x"}, "pipe: is a named pipe, not a file."),
    ("Write", {"file_path": "x" * 300, "content": "x"}, f"{'x' * 300}: is too long a name."),
    ("Write", {"content": "x"}, "The input lacks `file_path`."),
    ("Edit", {"file_path": "src/a.py", "old_string": "nothing such", "new_string": "y"},
     "src/a.py: `old_string` does not occur. Read the file and copy the text exactly, blanks included."),
    ("Edit", {"file_path": "src/a.py", "old_string": "e", "new_string": "y"},
     "src/a.py: `old_string` occurs 4 times. Add lines around it until it is unique, or set `replace_all`."),
    ("Edit", {"file_path": "src/a.py", "old_string": "1", "new_string": "1"},
     "`old_string` and `new_string` are equal: nothing would change."),
    ("Edit", {"file_path": "src/a.py", "old_string": "", "new_string": "y"}, "`old_string` is empty."),
    ("Edit", {"file_path": "none.py", "old_string": "a", "new_string": "y"}, "none.py: does not exist."),
    ("Edit", {"file_path": "bytes", "old_string": "a", "new_string": "y"},
     "bytes: is not UTF-8 text; change it with Bash or Python."),
    ("Python", {"code": " \n"}, "The code is empty."),
    ("Python", {"code": "1", "timeout": 0}, "`timeout` must be 1 or more, not 0."),
    ("Python", {"code": 1}, "`code` must be a string, not an integer."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "args", "said"), TABLE, ids=[f"{row[0]}-{number}" for number, row in enumerate(TABLE)]
)
def test_the_error_is_one_clear_line(tmp_path: Path, tool: str, args: dict[str, Any], said: str) -> None:
    """What cannot be done is said in one line, and nothing is written."""
    bench = ToolBench(tmp_path)
    (bench.workspace / "src" / "a.py").write_text("def here():\n    return 1\n")
    (bench.workspace / "one").write_text("linked")
    (bench.workspace / "twice").hardlink_to(bench.workspace / "one")
    (bench.workspace / "bytes").write_bytes(b"\xff\xfe\xfd")
    os.mkfifo(bench.workspace / "pipe")
    before = sorted(str(path) for path in bench.workspace.rglob("*"))
    result = bench.call(tool, **args)
    assert (result.content, result.is_error) == (said, True)
    assert sorted(str(path) for path in bench.workspace.rglob("*")) == before
    assert bench.read("src/a.py") == "def here():\n    return 1\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("if", "SyntaxError: invalid syntax"),
        ("input('?')", "Error: raw_input was called, but this frontend does not support input requests"),
        ("publish('', 1)", "the name must be a text of 1 to 80 characters"),
        ("publish('x', object())", "cannot publish a object"),
        ("import os; os._exit(3)", "The Python process ended by itself (exit code 3)"),
    ],
)
def test_an_error_of_the_code_is_shown_with_its_name(tmp_path: Path, code: str, said: str) -> None:
    """The real kernel's own words, without terminal codes."""
    result = ToolBench(tmp_path).call("Python", code=code)
    assert result.is_error
    assert said in str(result.content)
    assert "\x1b" not in str(result.content)
