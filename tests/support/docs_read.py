"""What documents and docstrings say, read otherwise than the rehearsal reads them: by ruff, by import, by compiling."""

from __future__ import annotations

import importlib
import inspect
import json
import linecache
import pkgutil
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docstring_parser

from tests.support.looks import python_files

__all__ = ["compiles", "docstrings", "in_sphinx_fields", "line_of", "ruff", "ruff_bare", "there"]


def line_of(text: str, part: str) -> int:
    """The line on which a part of a text begins."""
    return text[: text.index(part)].count("\n") + 1


def ruff_bare(folder: Path, package: str) -> set[tuple[str, int]]:
    """(path, line) of each definition without a docstring, by ruff; empty files and `__call__` need none here."""
    found = set()
    for row in ruff(folder / package, "D100", "D101", "D102", "D103", "D104"):
        path, line = Path(row["filename"]), row["location"]["row"]
        text = path.read_text("utf-8")
        if text.strip() and "def __" not in text.splitlines()[line - 1]:
            found.add((path.relative_to(folder).as_posix(), line))
    return found


def ruff(folder: Path, *codes: str) -> list[dict[str, Any]]:
    """What ruff finds."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    command += ["--preview", "--output-format=json", f"--select={','.join(codes)}"]
    command += ["--config=lint.pydocstyle.convention='numpy'", str(folder)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def in_sphinx_fields(package: str) -> Iterator[tuple[str, int, set[str], set[str]]]:
    """(path, line, parameters left out, parameters not taken) of each function with `:param` fields, as imported."""
    top = importlib.import_module(package)
    for info in pkgutil.walk_packages(top.__path__, f"{package}."):
        if not info.name.endswith("__main__"):
            # What another system or a further package is needed for; what warns that it is old.
            with suppress(ImportError, AssertionError), warnings.catch_warnings(action="ignore"):
                importlib.import_module(info.name)
    for module in [module for name, module in sorted(sys.modules.items()) if name.startswith(f"{package}.")]:
        classes = [thing for thing in vars(module).values() if inspect.isclass(thing)]
        things = [vars(module), *map(vars, classes)]
        found = [inspect.unwrap(getattr(thing, "__func__", thing)) for names in things for thing in names.values()]
        for function in {thing for thing in found if inspect.isfunction(thing) and thing.__module__ == module.__name__}:
            text = function.__doc__ or ""
            told = docstring_parser.parse(text, docstring_parser.DocstringStyle.REST).params if ":param" in text else []
            names = {param.arg_name.lstrip("\\*") for param in told}
            given = inspect.signature(function).parameters.values()
            own = {one.name for one in given if one.kind < 4 and one.kind != 2} - {"self", "cls"}
            if names:
                starred = any(one.kind == inspect.Parameter.VAR_KEYWORD for one in given)
                extra = set() if starred else names - {one.name for one in given}
                line = next(at for at in range(function.__code__.co_firstlineno, 10_000) if is_def(function, at))
                path = Path(inspect.getfile(function)).relative_to(Path(str(top.__file__)).parents[1])
                yield path.as_posix(), line, {name for name in own - names if name[0] != "_"}, extra


def is_def(function: Any, line: int) -> bool:
    """Whether a function's own `def` stands on a line of its file: decorators come before it."""
    text = linecache.getline(inspect.getfile(function), line)
    return bool(re.match(r"\s*(?:async )?def ", text))


def there(dotted: str) -> bool:
    """Whether Python finds a dotted name."""
    found: Any = None
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def docstrings(folder: Path, holding: str) -> Iterator[str]:
    """Every docstring of a package that holds some text, out of the compiled code."""
    for path, text in python_files(folder).items():
        todo = [compile(text, path, "exec", dont_inherit=True)]
        while todo:
            code = todo.pop()
            todo += [inner for inner in code.co_consts if inspect.iscode(inner)]
            yield from [inner for inner in code.co_consts[:2] if isinstance(inner, str) and holding in inner][:1]


def compiles(source: str) -> bool:
    """Whether Python can compile it, as it stands or in a coroutine."""
    try:
        compile(source, "x", "exec", flags=0x2000, dont_inherit=True)
    except SyntaxError:
        return False
    return True
