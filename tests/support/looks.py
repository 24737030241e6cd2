"""A look at a checkout without a run around it, as a worker's Python would take it; and the checkout read otherwise."""

from __future__ import annotations

import dis
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from conductor_magic.models.rehearsal.snippets import on_checkout

__all__ = ["humps", "imported_on_loading", "looked", "python_files", "tokens"]


def looked(recipe: str, folder: Path, seed: int = 0, **options: object) -> dict[str, Any]:
    """The figures of one look, by a Python of its own that has only the standard library."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    code = on_checkout(recipe, str(folder), **options)
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    return json.loads(out.removeprefix("RESULT "))


def python_files(folder: Path) -> dict[str, str]:
    """Relative path -> text of each Python file."""
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.py"))}


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """The tokens of a Python file."""
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def humps(text: str) -> list[str]:
    """The parts that words and names are made of, in lower case: `openHTTPPort_2` is open, http, port and 2."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+", text)]


def imported_on_loading(folder: Path) -> dict[str, set[str]]:
    """Relative path -> dotted names that the module imports when it is loaded, by its bytecode; no syntax tree."""
    return {path: set(_imports(path, text)) for path, text in python_files(folder).items()}


def _imports(path: str, text: str) -> Iterator[str]:
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    # The compiler leaves out what can never run.
    code = compile(re.sub(r"\bif (?:\w+\.)?TYPE_CHECKING\b", "if False", text), path, "exec", dont_inherit=True)
    for name, level, members in _loads(code):
        base = importlib.util.resolve_name("." * level + name, package) if level else name
        yield from (f"{base}.{member}" for member in members or ()) if members else (base,)


def _loads(code: CodeType) -> Iterator[tuple[str, int, tuple[str, ...] | None]]:
    constants: list[Any] = []
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
            constants.append(step.argval)
        elif step.opname == "IMPORT_NAME":
            yield step.argval, constants[-2], constants[-1]
    for inner in code.co_consts:
        # The bodies of classes run on loading; those of functions are optimised code.
        if isinstance(inner, CodeType) and not inner.co_flags & 1:
            yield from _loads(inner)
