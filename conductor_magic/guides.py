"""Finds and reads the guides in `references/`: Markdown with a YAML front matter, one file a kind of work.

A guide's body is for a model to read; its front matter (`title`, `summary`, `keywords`, `patterns`) is the same craft
as data, which the rehearsal plays and the tests check. In an installed package the folder lies inside it, in a
checkout beside it: the first one that exists is taken.

A person's own guides lie in `references/domains/` of the workspace or of the data folder. They add to ours, or replace
one of the same name; the nearer wins. Such a file is text for a model and data for us: nothing in it is run, and no
option is read from it. One that cannot be read costs a line, and the guide that it would have replaced stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from conductor_magic.errors import ConductUsageError
from conductor_magic.guide_check import check_front
from conductor_magic.protected import GUIDES
from conductor_magic.settings import data_folder
from conductor_magic.wording import did_you_mean, one_line, shown

__all__ = ["SHARED", "Guide", "Guides", "find_guides", "guide_names", "read_guide", "references"]

Json = dict[str, Any]
_FENCE = "---"
_MOST_BYTES = 100_000
_MOST_OWN = 50
_OWN_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,59}")
SHARED = ("patterns", "asking", "recovery")
"""The guides that all kinds of work share; they are no domains, so `guide_names` leaves them out."""


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
        place: whose it is: empty for ours, else the folder of the person's own as they write it.
    """

    name: str
    title: str
    summary: str
    front: Json
    body: str
    path: Path
    place: str = ""


@dataclass(frozen=True, slots=True)
class Guides:
    """Ours, and a person's own as they were when this was made: what changes later has no part in a run.

    Attributes:
        own: the person's, by name.
        faults: what could not be read, a line each.
    """

    own: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    faults: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of all domain guides, in alphabetical order."""
        return sorted({*guide_names(), *self.own})

    def read(self, name: str) -> Guide:
        """One guide by its name: a domain's, or one of `SHARED`.

        Raises:
            ConductUsageError: there is no such guide (the message names those there are), or ours is damaged.
        """
        if name in self.own:
            return self.own[name]
        if name in guide_names():
            return _parse(name, references() / "domains" / f"{name}.md")
        if name in SHARED:
            return _parse(name, references() / f"{name}.md")
        names = self.names
        raise ConductUsageError(
            f"There is no guide {shown(name)}.{did_you_mean(name, [*names, *SHARED])} "
            f"Guides: {', '.join(names)}; for all kinds of work: {', '.join(SHARED)}."
        )

    def replaces(self, name: str) -> bool:
        """Whether a guide of the person's own stands in the place of one of ours."""
        return name in self.own and name in guide_names()

    def note(self) -> str:
        """A sentence that names the person's own guides and where they lie; empty when there are none."""
        told = [
            f"{name} ({guide.place}{', instead of ours' if self.replaces(name) else ''})"
            for name, guide in sorted(self.own.items())
        ]
        return f"Guides of your own: {', '.join(told)}." if told else ""


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
    """Read one of our guides: a domain's by its name, or one of `SHARED`.

    Raises:
        ConductUsageError: there is no such guide (the message names those there are), or its file is damaged.
    """
    return Guides().read(name)


def find_guides(workspace: Path) -> Guides:
    """Ours, and those that the person keeps in the data folder and in the workspace; the workspace's win.

    Raises:
        ConductUsageError: the installation has no guides.
    """
    own: dict[str, Guide] = {}
    faults: list[str] = []
    for root, place in ((data_folder(), ""), (workspace, "./references/domains")):
        folder = root.joinpath(*GUIDES)
        try:
            # A checkout of ours that is the workspace has our guides there, not the person's.
            if not folder.is_dir() or folder.resolve() == (references() / "domains").resolve():
                continue
            paths = sorted(path for path in folder.iterdir() if path.suffix == ".md" and not path.name.startswith("."))
        except OSError as error:
            faults.append(f"Guides of your own in {folder} cannot be read: {error.strerror or error}.")
            continue
        if len(paths) > _MOST_OWN:
            faults.append(f"Of the guides in {folder} only the first {_MOST_OWN} are read, of {len(paths)}.")
        for path in paths[:_MOST_OWN]:
            try:
                own[path.stem] = replace(_own(path, root), place=place or str(folder))
            except ConductUsageError as error:
                faults.append(f"A guide of your own is left out: {one_line(str(error), 400)}")
    return Guides(own, tuple(faults))


def _own(path: Path, root: Path) -> Guide:
    """A guide that a person wrote.

    Raises:
        ConductUsageError: it cannot be used; says where and why.
    """
    name = path.stem
    if not _OWN_NAME.fullmatch(name) or name in SHARED:
        why = "is the name of one that all share" if name in SHARED else "must be letters, digits, - and _"
        raise ConductUsageError(f"{path}: its name {why}.")
    try:
        # A worker may have made it, or what it leads to: only what lies here itself has a protected name.
        if not path.is_file() or path.resolve().parent != root.resolve().joinpath(*GUIDES):
            raise ConductUsageError(f"{path}: is no file of that folder.")
        if path.stat().st_size > _MOST_BYTES:
            raise ConductUsageError(f"{path}: is larger than {_MOST_BYTES // 1000} kB.")
        guide = _parse(name, path)
        check_front(guide.front)
    except OSError as error:
        raise ConductUsageError(f"{path}: {error.strerror or os.strerror(error.errno or 0)}.") from None
    except ConductUsageError as error:
        text = str(error)
        raise ConductUsageError(text if text.startswith(str(path)) else f"{path}: {text}.") from None
    except (ValueError, RecursionError) as error:
        raise ConductUsageError(f"{path}: cannot be read: {type(error).__name__}: {error}.") from None
    return replace(guide, title=one_line(guide.title, 80), summary=one_line(guide.summary, 200))


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
