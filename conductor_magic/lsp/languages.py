"""Which language has which server: Python's comes with this package, others stand in the person's own configuration.

The configuration is `language-servers.json` in the data folder, which no worker can reach. It maps a language to its
server:

    {"typescript": {"command": ["typescript-language-server", "--stdio"], "extensions": [".ts", ".tsx"]}}

* `command`: the program, by its name or absolute path, and its arguments.
* `extensions`: endings of the file names that it knows.
* `languageId`: what the protocol calls the language, when that is not its name here.
* `readable`: further files and folders that the server needs to see inside the walls, such as where it is installed.

Nothing in a workspace is looked at: a project must not choose which program runs.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.sandbox import clean_environment
from conductor_magic.sandbox.shown import python_folders
from conductor_magic.settings import data_folder
from conductor_magic.wording import did_you_mean, shown

__all__ = ["Language", "known_languages", "languages_file", "program_of"]

_LARGEST_FILE = 1 << 20
_FIELDS = ("command", "extensions", "languageId", "readable")


@dataclass(frozen=True, slots=True)
class Language:
    """A language and the server that knows it.

    Attributes:
        name: what the person calls it.
        command: the server's program (a name or an absolute path) and its arguments.
        extensions: endings of file names, lower case, each with its dot.
        identifier: what the protocol calls the language.
        readable: what the server needs to see besides the workspace and the system.
    """

    name: str
    command: tuple[str, ...]
    extensions: tuple[str, ...]
    identifier: str
    readable: tuple[Path, ...] = ()


_PYTHON = Language("python", ("ty", "server"), (".py", ".pyi"), "python")


def languages_file() -> Path:
    """Where a person names further servers."""
    return data_folder() / "language-servers.json"


def known_languages() -> dict[str, Language]:
    """All languages by name: Python, and what the person has configured (which may be another server for Python).

    Raises:
        ToolError: the configuration cannot be used; says where and why, in one line.
    """
    path = languages_file()
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        return {_PYTHON.name: _PYTHON}
    except OSError as error:
        raise _unusable(f"{error.strerror or error}") from None
    return {_PYTHON.name: _PYTHON} | _parsed(content)


def _parsed(content: bytes) -> dict[str, Language]:
    if len(content) > _LARGEST_FILE:
        raise _unusable("it is larger than 1 MiB")
    try:
        entries: Any = json.loads(content)
    except json.JSONDecodeError as error:
        raise _unusable(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _unusable("it is not JSON") from None
    if not isinstance(entries, dict):
        raise _unusable("it must map languages to their servers")
    languages = {name: _language(name, entry) for name, entry in entries.items()}
    owners: dict[str, str] = {}
    for language in languages.values():
        for extension in language.extensions:
            if owners.setdefault(extension, language.name) != language.name:
                raise _unusable(f"both {shown(owners[extension])} and {shown(language.name)} claim {extension}")
    return languages


def _language(name: str, entry: Any) -> Language:
    where = shown(name)
    if not isinstance(entry, dict):
        raise _unusable(f"{where} must be an object with `command` and `extensions`")
    for field in entry:
        if field not in _FIELDS:
            raise _unusable(f"{where} has an unknown field {shown(field)}.{did_you_mean(field, _FIELDS)}".rstrip("."))
    command = _texts(entry, "command", where)
    extensions = _texts(entry, "extensions", where)
    if not command or not extensions:
        raise _unusable(f"{where} needs `command` and `extensions`, each a list that is not empty")
    if wrong := next((ending for ending in extensions if not ending.startswith(".") or len(ending) < 2), None):
        raise _unusable(f"{where}: an extension begins with a dot, {shown(wrong)} does not")
    program = str(_expanded(command[0])) if command[0].startswith("~") else command[0]
    if "/" in program and not Path(program).is_absolute():
        raise _unusable(f"{where}: `command` must begin with a program's name or absolute path, not {shown(program)}")
    readable = tuple(_expanded(path) for path in _texts(entry, "readable", where))
    if missing := next((path for path in readable if not path.is_absolute() or not _exists(path)), None):
        raise _unusable(f"{where}: `readable` names {shown(str(missing))}, which is no absolute path that exists")
    identifier = entry.get("languageId", name)
    if not isinstance(identifier, str) or not identifier:
        raise _unusable(f"{where}: `languageId` must be a text")
    return Language(name, (program, *command[1:]), tuple(map(str.lower, extensions)), identifier, readable)


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)  # the home of a user that is not there


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _texts(entry: dict[str, Any], field: str, where: str) -> list[str]:
    value = entry.get(field, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text and "\0" not in text for text in value):
        raise _unusable(f"{where}: `{field}` must be a list of texts")
    return value


def _unusable(why: str) -> ToolError:
    return ToolError(f"LSP cannot be used: the person's {languages_file()} needs mending: {why}. Use Grep meanwhile.")


def program_of(language: Language, workspace: Path) -> str:
    """The absolute path of the server's program.

    Raises:
        ToolError: it is not installed, or lies where a worker could have put it.
    """
    name = language.command[0]
    found = shutil.which(name, path=clean_environment()["PATH"])
    if found is None:
        raise ToolError(
            f"The language server for {language.name} (`{name}`) is not installed here. Use Grep and Read instead."
        )
    # Made absolute by hand: a PATH may hold relative folders, and links stay, as a program may go by its name.
    program = Path.cwd() / found
    ours = any(program.is_relative_to(folder) for folder in python_folders())
    if not ours and any(place.is_relative_to(workspace) for place in (program, program.resolve())):
        raise ToolError(
            f"The language server for {language.name} would be {program}, which lies in the workspace: not started, "
            f"as nothing in there may choose what runs. Use Grep and Read instead."
        )
    return str(program)
