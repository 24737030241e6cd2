"""What is different between two moments of the protected things in a workspace, and how it is undone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from conductor_magic.protected import secret
from conductor_magic.sandbox import undo
from conductor_magic.sandbox.birth import birth
from conductor_magic.sandbox.kept import Moment
from conductor_magic.sandbox.repository import harmless

__all__ = ["Differences"]

Folder = tuple[int, int]
"""A folder's device and inode."""


class Differences:
    """The differences, sorted by what is to be done about them.

    Args:
        workspace: the folder, resolved.
        right: how it should be.
        now: how it is.
        deep: whether what was there can have been changed by a worker; else only new names are looked at.
        between: only what is new and runs by itself is looked at.
        find: device and inode of folders -> where they are now.

    Attributes:
        fine: paths that are new or gone for a good reason: a harmless repository, a folder that was renamed.
    """

    def __init__(
        self,
        workspace: Path,
        right: Moment,
        now: Moment,
        *,
        deep: bool,
        between: bool,
        find: Callable[[set[Folder]], dict[Folder, str]],
    ) -> None:
        self._workspace = workspace
        self._right, self._now = right, now
        self._deep, self._between = deep, between
        self.fine: set[str] = set()
        # Bubblewrap has covered all that was there, but the folder around it can be renamed and another made for it.
        self._taken = {
            path
            for path in right.things.keys() & now.things.keys()
            if not deep and now.things[path].parent != right.things[path].parent
        }
        came = [path for path in now.things if path not in right.things or path in self._taken]
        gone = {path for path in right.things if path not in now.things or path in self._taken}
        self._moved = self._sort_moved(came, gone)
        self._made = [path for path in came if path not in self._moved and self._is_forbidden(path)]
        self._fine_repositories()
        # A link cannot be covered.
        open_to_change = {path for path, kept in right.things.items() if not between and (deep or kept.sort == "link")}
        open_to_change -= self._taken
        if deep and not between:
            self._moved |= self._strayed(gone, find)
        self._changed = sorted(path for path in open_to_change & now.things.keys() if self._differs(path))
        back = tuple(f"{before}{os.sep}" for before in self._moved.values())
        gone = (gone & open_to_change) - {*self.fine, *self._moved.values()}
        self._removed = [path for path in sorted(gone) if not path.startswith(back)]

    def undo(self, aside: Path) -> list[str]:
        """Undo them; what was done, in words.

        Args:
            aside: the folder for what is moved out of the workspace.
        """
        said = [
            self._try(f"made {self._named(path)}", lambda path=path: undo.set_aside(self._workspace, path, aside))
            for path in _topmost(self._made)
        ]
        said += [
            self._try(f"changed {self._named(path)}", lambda path=path: self._change_back(path, aside))
            for path in self._changed
        ]
        tops = _topmost(self._removed)
        failed = dict.fromkeys(tops, "")
        for path in self._removed:
            top = next(top for top in tops if path == top or path.startswith(f"{top}{os.sep}"))
            failed[top] = failed[top] or self._try("", lambda path=path: self._put_back(path))
        said += [f"removed {self._named(top)}{trouble}" for top, trouble in failed.items()]
        for path, before in self._moved.items():
            what = f"moved {self._named(before)} to {self._named(path)}"
            said.append(self._try(what, lambda path=path, before=before: self._move_back(path, before)))
        return said

    def _sort_moved(self, came: list[str], gone: set[str]) -> dict[str, str]:
        """New path -> the old one, for what was renamed itself; what went along with its folder is fine."""
        by_identity = {kept.identity: path for path, kept in self._right.things.items()}
        moved: dict[str, str] = {}
        for path in came:
            before = by_identity.get(self._now.things[path].identity)
            if before is None:
                continue
            same_place = self._now.things[path].parent == self._right.things[before].parent
            along = same_place and os.path.basename(path) == os.path.basename(before)
            if before in gone and (along or not self._deep):
                self.fine |= {path, before} - (self._taken - {path})
            elif self._deep:
                moved[path] = before
        return moved

    def _strayed(self, gone: set[str], find: Callable[[set[Folder]], dict[Folder, str]]) -> dict[str, str]:
        """New path -> the old one, for protected folders that got a name that is not protected."""
        folders = {path: self._right.things[path].identity for path in gone - self.fine}
        folders = {path: identity for path, identity in folders.items() if self._right.things[path].sort == "folder"}
        found = find({identity[:2] for identity in folders.values()})
        where = {path: (found.get(identity[:2], ""), identity[2]) for path, identity in folders.items()}
        return {now: path for path, (now, born) in where.items() if now and birth(now) == born}

    def _is_forbidden(self, path: str) -> bool:
        """Whether something new may not be there. A private key of a worker's own making may."""
        # Bubblewrap has covered the folders that were there: what is new in them, a person has made.
        tops = self._now.named if self._deep else self._now.named - (self._right.named - self._taken)
        inside = any(path.startswith(f"{top}{os.sep}") for top in tops)
        if path in self.fine or not (path in self._now.named or inside):
            return False
        return not (self._between and secret((os.path.basename(path),)))

    def _fine_repositories(self) -> None:
        for path in [path for path in self._made if os.path.basename(path) == ".git"]:
            inside = [Path(name) for name in self._now.named if name.startswith(f"{path}{os.sep}")]
            if harmless(Path(path), inside):
                self.fine |= {name for name in self._made if name == path or name.startswith(f"{path}{os.sep}")}
        self._made = [path for path in self._made if path not in self.fine]

    def _differs(self, path: str) -> bool:
        return not self._now.things[path].same(self._right.things[path])

    def _change_back(self, path: str, aside: Path) -> None:
        right, now = self._right.things[path], self._now.things[path]
        only_mode = right.sort == "folder" or (right.content is not None and right.content == now.content)
        if right.sort == now.sort and only_mode:
            undo.set_mode(self._workspace, path, right.mode)
            return
        undo.check_kept(right)
        undo.set_aside(self._workspace, path, aside)
        undo.put_back(self._workspace, path, right)

    def _move_back(self, path: str, before: str) -> None:
        if os.path.lexists(before):
            undo.remove_name(self._workspace, path)
        else:
            undo.rename_back(self._workspace, path, before)

    def _put_back(self, path: str) -> None:
        undo.put_back(self._workspace, path, self._right.things[path])

    def _named(self, path: str) -> str:
        return os.path.relpath(path, self._workspace)

    def _try(self, what: str, act: Callable[[], None]) -> str:
        try:
            act()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return f"{what} (could not be undone: {reason})"
        return what


def _topmost(paths: list[str]) -> list[str]:
    """Those that lie in none of the others."""
    found: list[str] = []
    for path in sorted(paths):
        if not any(path.startswith(f"{top}{os.sep}") for top in found):
            found.append(path)
    return found
