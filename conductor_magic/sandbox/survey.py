"""Where secrets and protected names lie in a workspace: found once by looking everywhere, then kept up to date cheaply.

A name comes, goes or changes only by a change of the folder that it is in, and the system notes the time of that
(the folder's `ctime`, which nobody can set). So a later look only asks every known folder for that time, and reads
again those where it has moved.

No name and no content of a folder makes it exempt: a worker could give both to any folder. Only the Python environment
that runs here is not looked into where it lies in the workspace: it is known by its inode, the walls keep it as it is,
and what is in it is public.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from conductor_magic.protected import holds_private_key
from conductor_magic.sandbox.birth import birth
from conductor_magic.sandbox.listing import Entry, Inner, Listing, Sort, list_folder
from conductor_magic.sandbox.shown import lies_in, python_folders
from conductor_magic.sandbox.sockets import in_use

__all__ = ["Covered", "Survey"]

_UNSURE_NS = 20_000_000
"""A folder that was changed this shortly before it was read may be changed again within the same tick."""

_KEPT = 4.0
"""An answer serves again for this many times as long as it took to find."""


@dataclass(slots=True)
class Covered:
    """Absolute paths that are there now.

    Attributes:
        secrets: files to hide.
        secret_folders: folders to hide.
        fixed: files and folders that stay readable and may not be written, moved or removed.
        pinned: repositories: their content may change, but they may not be moved away from around their hooks.
        held: folders by whose names something fixed in them is protected: the same, though some may lie around the
            workspace.
        missing: folders that are not there and that nobody may make (a repository's hooks).
        links: symbolic links with a protected name (what they lead to has a name of its own).
        sockets: what is no file, folder or link; of these, sockets that somebody outside is at are hidden.
        denied: files and folders that a standing rule of the person forbids: to hide, and to keep where they are.
    """

    secrets: list[Path] = field(default_factory=list[Path])
    secret_folders: list[Path] = field(default_factory=list[Path])
    fixed: list[Path] = field(default_factory=list[Path])
    pinned: list[Path] = field(default_factory=list[Path])
    held: list[Path] = field(default_factory=list[Path])
    missing: list[Path] = field(default_factory=list[Path])
    links: list[Path] = field(default_factory=list[Path])
    sockets: list[Path] = field(default_factory=list[Path])
    denied: list[Path] = field(default_factory=list[Path])

    def existing(self) -> Covered:
        """The same without what has gone since: covering it would make it."""
        things = (self.secrets, self.secret_folders, self.fixed, self.pinned, self.held)
        there = [[path for path in paths if path.exists()] for paths in things]
        missing = [path for path in self.missing if path.parent.is_dir()]
        return Covered(*there, missing=missing, links=self.links, sockets=in_use(self.sockets), denied=self.denied)


class _Record(NamedTuple):
    """A folder as it was read; without a stamp it is read again at the next look."""

    stamp: tuple[int, int, int] | None
    sort: Sort
    listing: Listing
    identity: tuple[int, int] | None = None


class Survey:
    """Finds what is protected in a workspace. One may be asked from several threads.

    Args:
        workspace: the folder, resolved.
        hidden: folders whose content is secret as a whole; that they are is no concern of the survey.
        denied: what standing rules of the person forbid; only what lies in the workspace, or around it, counts here.
        remember: know a secret file again when it has been moved or linked to another name.
    """

    def __init__(
        self, workspace: Path, hidden: Sequence[Path] = (), denied: Sequence[Path] = (), *, remember: bool = False
    ) -> None:
        self._root = str(workspace)
        self._hidden = frozenset(map(str, hidden))
        # Of a folder around the workspace, all that can be seen is the workspace.
        tops = {workspace if workspace.is_relative_to(path) else path for path in denied}
        inside = {path for path in tops if path.is_relative_to(workspace)}
        self._denied = {str(path) for path in inside if not lies_in(path.parent, (*inside, *hidden))}
        inside = [folder for folder in python_folders() if folder.is_relative_to(workspace)]
        self._python = {(str(folder), _inode(folder)) for folder in inside}
        self._remember = remember
        self._lock = threading.Lock()
        self._read: dict[str, _Record] = {}
        self._notable: dict[str, Listing] = {}
        self._private: dict[str, tuple[tuple[int, int], bool]] = {}
        self._secret_files: dict[tuple[int, int], int] = {}
        self._covered = Covered()
        self._until = 0.0

    def look(self, *, fresh: bool = False) -> Covered:
        """What is there now.

        Args:
            fresh: look now; else an answer of a moment ago will do.
        """
        with self._lock:
            began = time.monotonic()
            if fresh or began >= self._until:
                self._refresh()
                ended = time.monotonic()
                self._until = ended + _KEPT * (ended - began)
            return self._covered

    def find(self, folders: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Where folders, known by device and inode, were when it last looked."""
        with self._lock:
            records = self._read.items()
            return {record.identity: path for path, record in records if record.identity and record.identity in folders}

    def _refresh(self) -> None:
        lstat = os.lstat
        changed = [] if self._read else [self._root]
        for path, record in self._read.items():
            try:
                status = lstat(path)
            except OSError:
                changed.append(path)
                continue
            if (status.st_dev, status.st_ino, status.st_ctime_ns) != record.stamp:
                changed.append(path)
        for path in changed:
            if record := self._read.get(path):
                self._read_again(path, record)
            elif path == self._root:
                self._enter([(path, "plain")])
        # A key's content, and what a rule names, change without any folder of the survey.
        if changed or self._denied or any(listing.keys for listing in self._notable.values()):
            self._covered = self._collect()

    def _read_again(self, path: str, record: _Record) -> None:
        before = record.listing.inner
        after = self._enter([(path, record.sort)], already=before)
        for inner, _ in set(before).difference(after):
            self._forget(inner)

    def _enter(self, waiting: list[Inner], already: Sequence[Inner] = ()) -> list[Inner]:
        """Read folders and what is below them, but for what is known already; the folders in the first."""
        first: list[Inner] | None = None
        known = set(already)
        while waiting:
            path, sort = waiting.pop()
            self._read[path] = record = self._current(path, sort)
            listing = record.listing
            if listing.found or listing.keys or listing.concealed:
                self._notable[path] = listing
            else:
                self._notable.pop(path, None)
            waiting += set(listing.inner).difference(known)
            first = listing.inner if first is None else first
        return first or []

    def _forget(self, path: str) -> None:
        gone = [path]
        while gone:
            path = gone.pop()
            record = self._read.pop(path, None)
            self._notable.pop(path, None)
            gone += [inner for inner, _ in record.listing.inner] if record else []

    def _collect(self) -> Covered:
        covered, concealed = Covered(), list[str]()
        for listing in self._notable.values():
            for kind, path in listing.found:
                getattr(covered, kind).append(Path(path))
            covered.secrets += [Path(path) for path in listing.keys if self._is_private_key(path)]
            concealed += listing.concealed
        for path in sorted(self._denied):
            if os.path.lexists(path) and not lies_in(Path(path), covered.secret_folders):
                (covered.links if os.path.islink(path) else covered.denied).append(Path(path))
        if self._remember:
            self._secret_files = {}
            for path in (*map(str, covered.secrets), *concealed):
                self._memorise(path)
        return covered

    def _current(self, path: str, sort: Sort) -> _Record:
        """What is in a folder now."""
        try:
            status = os.lstat(path)
            with os.scandir(path) as found:
                entries = list(found)
        except OSError:
            return _Record(None, sort, Listing())  # what we cannot list, a worker cannot list either
        sure = time.time_ns() - status.st_ctime_ns > _UNSURE_NS
        stamp = (status.st_dev, status.st_ino, status.st_ctime_ns) if sure else None
        device = status.st_dev
        if path in self._hidden or path in self._denied:
            sort = "secret"
        if self._is_left_alone(path, sort, (device, status.st_ino)):
            entries = []
        listing = list_folder(entries, path, sort, lambda entry: self._is_remembered(device, entry))
        return _Record(stamp, sort, listing, (device, status.st_ino))

    def _is_left_alone(self, path: str, sort: Sort, inode: tuple[int, int]) -> bool:
        """Whether the walls take care of a folder as a whole, so that it need not be looked into."""
        known_by_name = sort == "secret" and not self._remember
        return known_by_name or path in self._denied or (path, inode) in self._python

    def _memorise(self, path: str) -> None:
        try:
            status = os.lstat(path)
        except OSError:
            return
        self._secret_files[status.st_dev, status.st_ino] = birth(path)

    def _is_remembered(self, device: int, entry: Entry) -> bool:
        born = self._secret_files.get((device, entry.inode()))
        return born is not None and born == birth(entry.path)

    def _is_private_key(self, path: str) -> bool:
        """Whether a file holds a private key; it is read again only if it may have changed."""
        try:
            status = os.lstat(path)
            stamp = (status.st_ino, status.st_ctime_ns)
            known = self._private.get(path)
            if known and known[0] == stamp:
                return known[1]
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                private = holds_private_key(os.path.basename(path), file.read(4096))
        except OSError:
            return False
        if time.time_ns() - status.st_ctime_ns > _UNSURE_NS:
            self._private[path] = stamp, private
        return private


def _inode(path: Path) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino
