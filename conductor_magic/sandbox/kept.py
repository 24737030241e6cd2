"""The protected things of a workspace at one moment, with what is needed to tell a change and to put it back."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from conductor_magic.protected import guarded
from conductor_magic.sandbox.birth import birth
from conductor_magic.sandbox.survey import Covered

__all__ = ["Kept", "Moment", "keep"]

_LARGEST_FILE = 1 << 20
_LARGEST_SUM = 32 << 20
_MOST_ENTRIES = 1000
"""How much of the content of protected things is kept to put it back; the rest can only be missed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file, folder or link.

    Attributes:
        sort: what it is.
        identity: device, inode and time of birth: the same as long as it is moved, not copied.
        parent: device and inode of the folder that it is in.
        mode: its permission bits.
        stamp: its size and times; only if these differ can its content.
        content: what a file holds or where a link leads; None for a folder, and where it was too much to keep.
    """

    sort: Literal["file", "folder", "link", "other"]
    identity: tuple[int, int, int]
    parent: tuple[int, int]
    mode: int
    stamp: tuple[int, int, int]
    content: bytes | None = None

    def same(self, other: Kept) -> bool:
        """Whether another moment found the same: to a reader, not by its inode."""
        if (self.sort, self.mode) != (other.sort, other.mode):
            return False
        if self.sort in ("folder", "other"):
            return True
        unknown = self.content is None or other.content is None
        return self.stamp == other.stamp if unknown else self.content == other.content


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is protected at one moment.

    Attributes:
        things: path -> what is there.
        named: the paths whose own name is protected, when all was taken down.
    """

    things: Mapping[str, Kept]
    named: frozenset[str]

    def renewed(self, now: Moment, fine: Collection[str]) -> Moment:
        """The same with what is as it was taken from a later moment, and with the differences that are fine.

        Args:
            now: the later moment.
            fine: paths whose state in it is right, whatever it is.
        """
        things = {
            path: now.things[path] if path in now.things and now.things[path].same(kept) else kept
            for path, kept in self.things.items()
            if path not in fine
        }
        things |= {path: now.things[path] for path in fine if path in now.things}
        return Moment(things, self.named)


def keep(covered: Covered, before: Moment | None, *, contents: bool) -> Moment:
    """Take down what there is.

    Args:
        covered: where it is, looked up just now.
        before: an earlier moment; the content of what has not changed since is not read again.
        contents: with the content of files.
    """
    fixed = {str(path) for path in (*covered.fixed, *covered.secret_folders, *covered.denied)}
    named = fixed | {str(path) for path in (*covered.pinned, *covered.links)}
    named |= {str(path) for path in covered.secrets if guarded((path.name,))}
    tops = {*named, *map(str, covered.secrets)}
    known = before.things if before else {}
    things: dict[str, Kept] = {}
    room = _LARGEST_SUM
    for path in _paths(sorted(tops), fixed):
        kept = _take_down(path, known.get(path), room if contents else 0)
        if kept is not None:
            things[path] = kept
            room -= len(kept.content or b"")
    return Moment(things, frozenset(named))


def _paths(tops: list[str], folders: set[str]) -> Iterator[str]:
    """The things themselves, and what is in those of them that are folders."""
    left = _MOST_ENTRIES
    for top in tops:
        yield top
        waiting = [top] if top in folders else []
        while waiting and left > 0:
            try:
                with os.scandir(waiting.pop()) as entries:
                    inner = list(entries)[:left]
            except OSError:
                continue
            left -= len(inner)
            yield from (entry.path for entry in inner)
            waiting += [entry.path for entry in inner if entry.is_dir(follow_symlinks=False)]


def _take_down(path: str, known: Kept | None, room: int) -> Kept | None:
    try:
        status, around = os.lstat(path), os.lstat(os.path.dirname(path))
    except OSError:
        return None
    identity = (status.st_dev, status.st_ino, birth(path))
    parent, mode = (around.st_dev, around.st_ino), stat.S_IMODE(status.st_mode)
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if stat.S_ISDIR(status.st_mode):
        return Kept("folder", identity, parent, mode, stamp)
    if stat.S_ISLNK(status.st_mode):
        return Kept("link", identity, parent, mode, stamp, os.fsencode(os.readlink(path)))
    if not stat.S_ISREG(status.st_mode):
        return Kept("other", identity, parent, mode, stamp)
    if known and (known.identity, known.stamp) == (identity, stamp) and known.content is not None:
        return Kept("file", identity, parent, mode, stamp, known.content)
    content = _content(path, min(room, _LARGEST_FILE)) if room > 0 else None
    return Kept("file", identity, parent, mode, stamp, content)


def _content(path: str, most: int) -> bytes | None:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None
