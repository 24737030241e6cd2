"""What one folder of a workspace holds that is a secret or has a protected name, from its entries alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from conductor_magic.protected import GUARDED_FOLDERS, KEY_SUFFIXES, around, guarded, leads_in, plain_name, secret

__all__ = ["Entry", "Inner", "Listing", "Sort", "list_folder"]

Kind = Literal["secrets", "secret_folders", "fixed", "pinned", "held", "missing", "links", "sockets"]
"""See `Covered`."""

Sort = Literal["plain", "git", "modules", "secret"]
"""What a folder is: of the person's own; a repository's; one between the repositories of submodules; all secret."""

Found = tuple[Kind, str]
Inner = tuple[str, Sort]
Entry = os.DirEntry[str]

_GIT_GUARDED = frozenset({"hooks", "config", "config.worktree", "commondir"})
"""What git runs or obeys in a repository's own folder."""

_GIT_DATA = frozenset({"objects", "refs", "logs", "hooks", "info", "branches", "lfs"})


@dataclass(slots=True)
class Listing:
    """What was in a folder when it was read.

    Attributes:
        inner: folders in it that are to be looked into.
        found: what is protected.
        keys: files that are secrets if they hold a private key.
        concealed: files that are secrets because of the folder that they are in.
    """

    inner: list[Inner] = field(default_factory=list[Inner])
    found: list[Found] = field(default_factory=list[Found])
    keys: list[str] = field(default_factory=list[str])
    concealed: list[str] = field(default_factory=list[str])


def list_folder(entries: Sequence[Entry], path: str, sort: Sort, known_secret: Callable[[Entry], bool]) -> Listing:
    """Sort the entries of a folder; links are never followed.

    Args:
        entries: all of them.
        path: the folder's.
        sort: what it is.
        known_secret: whether an ordinary file was found to be a secret under an earlier name.
    """
    listing = Listing()
    if sort == "plain":
        _plain(entries, path, listing, known_secret)
    elif sort == "secret":
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                listing.inner.append((entry.path, "secret"))
            else:
                listing.concealed.append(entry.path)
    else:
        _repository(entries, path, sort, listing)
    return listing


def _plain(entries: Iterable[Entry], path: str, listing: Listing, known_secret: Callable[[Entry], bool]) -> None:
    folders = around(path.split(os.sep))
    for entry in entries:
        meaning = _meaning(entry.name, folders)
        if entry.is_symlink():
            if meaning in ("secret", "guarded", "repository") or leads_in(entry.path.split(os.sep)):
                listing.found.append(("links", entry.path))
        elif entry.is_dir(follow_symlinks=False):
            _plain_folder(entry.path, meaning, listing)
        elif not entry.is_file(follow_symlinks=False):
            listing.found.append(("sockets", entry.path))
            if meaning:
                listing.found.append(("fixed", entry.path))
        elif meaning == "secret" or known_secret(entry):
            listing.found.append(("secrets", entry.path))
        elif meaning == "key":
            listing.keys.append(entry.path)
        elif meaning:
            listing.found.append(("fixed", entry.path))
    if folders and any(kind == "fixed" for kind, _ in listing.found):
        # Moved to another name, the folders would take away what makes their content mean anything.
        held = path
        for _ in folders:
            listing.found.append(("held", held))
            held = os.path.dirname(held)


def _plain_folder(path: str, meaning: str, listing: Listing) -> None:
    if meaning == "repository":
        listing.found.append(("pinned", path))
        listing.inner.append((path, "git"))
    elif meaning == "secret":
        listing.found.append(("secret_folders", path))
        listing.inner.append((path, "secret"))
    elif meaning == "guarded" and plain_name(os.path.basename(path)) in GUARDED_FOLDERS:
        listing.found.append(("fixed", path))
    else:
        listing.inner.append((path, "plain"))


def _repository(entries: Iterable[Entry], path: str, sort: Sort, listing: Listing) -> None:
    """Let git work (objects, index, branches), but not what it runs: hooks and configuration, submodules' too."""
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.name in _GIT_GUARDED:
            listing.found.append(("links" if entry.is_symlink() else "fixed", entry.path))
        elif entry.is_dir(follow_symlinks=False) and (
            entry.name == "modules" or (sort == "modules" and entry.name not in _GIT_DATA)
        ):
            listing.inner.append((entry.path, "modules"))
    if "hooks" not in names and (sort == "git" or "HEAD" in names):
        listing.found.append(("missing", f"{path}/hooks"))


@lru_cache(1 << 16)
def _meaning(name: str, folders: tuple[str, ...]) -> Literal["", "secret", "key", "guarded", "repository"]:
    """What a name says of a file or folder that bears it, in folders whose names may matter."""
    if secret((name,)):
        return "secret"
    if plain_name(name) == ".git":
        return "repository"
    if guarded((*folders, name)):
        return "guarded"
    return "key" if plain_name(name).endswith(KEY_SUFFIXES) else ""
