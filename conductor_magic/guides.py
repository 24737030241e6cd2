"""Finds and reads the guides in `references/`: Markdown with a YAML front matter, one file a kind of work.

A guide's body is for a model to read; its front matter (`title`, `summary`, `keywords`, `patterns`) is the same craft
as data, which the rehearsal plays and the tests check. In an installed package the folder lies inside it, in a
checkout beside it: the first one that exists is taken.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from conductor_magic.errors import ConductUsageError

__all__ = ["Guide", "guide_names", "read_guide", "references"]

Json = dict[str, Any]
_FENCE = "---"
PATTERNS = "patterns"
"""The guide to the shapes that all domains share; it is no domain, so `guide_names` leaves it out."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide.

    Attributes:
        name: how it is asked for: the file's name without `.md`.
        title: its heading.
        summary: one line that says when to load it.
        front: the whole front matter.
        body: the Markdown below the front matter.
        path: where it was read.
    """

    name: str
    title: str
    summary: str
    front: Json
    body: str
    path: Path


def references() -> Path:
    """The folder of the guides.

    Raises:
        ConductUsageError: the installation has none.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "references", package.parent / "references"):
        if folder.is_dir():
            return folder
    raise ConductUsageError(
        f"The guides are missing: there is no folder {package / 'references'}. Reinstall conductor-magic."
    )


def guide_names() -> list[str]:
    """The names of all domain guides, in alphabetical order.

    Raises:
        ConductUsageError: the installation has no guides.
    """
    return sorted(path.stem for path in (references() / "domains").glob("*.md"))


def read_guide(name: str) -> Guide:
    """Read one guide: a domain's by its name, or `patterns`.

    Raises:
        ConductUsageError: there is no such guide (the message names those there are), or its file is damaged.
    """
    names = guide_names()
    if name in names:
        return _parse(name, references() / "domains" / f"{name}.md")
    if name == PATTERNS:
        return _parse(name, references() / f"{PATTERNS}.md")
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ConductUsageError(f"There is no guide {name!r}.{hint} Guides: {', '.join(names)}.")


def _parse(name: str, path: Path) -> Guide:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    closing = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if not lines or lines[0].rstrip() != _FENCE or closing is None:
        raise ConductUsageError(f"{path}: a guide begins with a front matter between two lines of {_FENCE}.")
    front = _front(path, "".join(lines[1:closing]))
    title, summary = front.get("title"), front.get("summary")
    if not isinstance(title, str) or not isinstance(summary, str):
        raise ConductUsageError(f"{path}: the front matter needs a title and a summary, each one line of text.")
    return Guide(name, title, summary, front, "".join(lines[closing + 1 :]).strip() + "\n", path)


def _front(path: Path, text: str) -> Json:
    import yaml

    # The C parser reads a front matter in a few milliseconds; it is not in every build of PyYAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # A safe loader: a guide is data and can name no Python object.
        front = yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # The front matter starts on the file's second line, and a mark counts from nought.
        where = f"{path}:{mark.line + 2}" if mark else str(path)
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ConductUsageError(f"{where}: the front matter is no valid YAML: {problem}.") from None
    if not isinstance(front, dict):
        raise ConductUsageError(f"{path}: the front matter must be a mapping of names to values.")
    return cast("Json", front)
