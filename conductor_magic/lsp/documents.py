"""What a server knows of the files: it is told what has changed on the disk, and shown what questions are about."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.lsp.client import Client
from conductor_magic.lsp.files import Marks, WatchedFiles, changes, signature

__all__ = ["Document", "Documents"]

_OPEN = 40
"""How many files a server is shown at once; of the others it reads what lies on the disk."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that a question is about, as it is now.

    Attributes:
        path: absolute, links resolved.
        text: its content.
    """

    path: Path
    text: str

    @property
    def uri(self) -> str:
        """The file as the protocol names it."""
        return self.path.as_uri()


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the server believes about a file that it was shown, and how the file was marked then."""

    text: str
    version: int
    mark: object


class Documents:
    """Keeps one server's picture of the files up to date.

    Args:
        client: the conversation with the server.
        files: the workspace's files.
        known: how they were before the server was started.
        identifier: what the protocol calls their language.
    """

    def __init__(self, client: Client, files: WatchedFiles, known: Marks, identifier: str) -> None:
        self._client = client
        self._files = files
        self._known = known
        self._identifier = identifier
        self._shown: dict[Path, _Shown] = {}

    async def catch_up(self, about: Document | None) -> tuple[bool, bool]:
        """Tell the server what has changed since the last time; one call at a time.

        Args:
            about: the file that the next question is about.

        Returns:
            Whether anything had changed, and whether `about` itself had (or is shown for the first time).

        Raises:
            ServerDied: it is gone.
        """
        now = await asyncio.to_thread(self._files.look)
        news = changes(self._known, now)
        if news:
            events = [{"uri": Path(path).as_uri(), "type": kind} for path, kind in news.items()]
            self._client.tell("workspace/didChangeWatchedFiles", {"changes": events})
        self._known = now
        for path in [path for path in self._shown if about is None or path != about.path]:
            # Whoever has changed it since, we may not be allowed to read it again; the server reads the disk then.
            if signature(path) != self._shown[path].mark:
                self._close(path)
        itself = about is not None and self._show(about)
        return bool(news) or itself, itself

    def _show(self, document: Document) -> bool:
        """Make the server know a file's present content; False when it did."""
        before = self._shown.pop(document.path, None)
        version = before.version + 1 if before else 1
        self._shown[document.path] = _Shown(document.text, version, signature(document.path))
        if before is None:
            item = {"uri": document.uri, "languageId": self._identifier, "version": version, "text": document.text}
            self._client.tell("textDocument/didOpen", {"textDocument": item})
        elif before.text != document.text:
            item = {"uri": document.uri, "version": version}
            change = {"textDocument": item, "contentChanges": [{"text": document.text}]}
            self._client.tell("textDocument/didChange", change)
        if len(self._shown) > _OPEN:
            self._close(next(iter(self._shown)))
        return before is None or before.text != document.text

    def _close(self, path: Path) -> None:
        del self._shown[path]
        self._client.tell("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
