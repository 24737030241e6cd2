"""One language server from its start to its end: told what has changed, asked, and given time to answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.lsp.client import Client, RequestFailed, ServerDied
from conductor_magic.lsp.documents import Document, Documents
from conductor_magic.lsp.files import WatchedFiles
from conductor_magic.lsp.languages import Language
from conductor_magic.lsp.positions import ENCODINGS
from conductor_magic.sandbox import Piped, Walls, start_piped
from conductor_magic.sandbox.shown import SYSTEM, python_folders

__all__ = ["LanguageServer"]

Json = dict[str, Any]

_REPEATS = 3
_LATE = 3
_LAST_WORDS = 4096
_EOF_SECONDS = 1.0

_PUBLISHED_SECONDS = 10.0
"""How long a server that publishes diagnostics by itself may take for a file that has changed …"""

_OTHERS_SECONDS = 2.0
"""… and for one where only others have changed, so that it may have nothing new to say."""

_SETTLED_SECONDS = 0.5
"""Such servers publish in stages (syntax, types, hints); this long after the last one it was the last."""


class LanguageServer:
    """A server for one language of one workspace.

    Args:
        language: what it knows.
        program: the absolute path of its program.
        walls: where it runs; it may not write even where others may.
        patience: seconds that one answer may take.

    Attributes:
        title: how errors speak of it.
        encoding: what it counts positions in.
    """

    def __init__(self, language: Language, program: str, walls: Walls, patience: float) -> None:
        self.language = language
        self.title = f"The language server for {language.name} ({Path(program).name})"
        self.encoding = "utf-16"
        self._program = program
        # It only looks. In walls of mode `read-only` it also needs no watching over what it writes.
        self._walls = walls if walls.kind == "none" else replace(walls, mode="read-only", guard=None)
        self._patience = patience
        self._files = WatchedFiles(walls.workspace, language.extensions, walls.hidden)
        self._lock = asyncio.Lock()
        self._documents: Documents | None = None
        self._capabilities: Json = {}
        self._said = b""
        self._late = 0
        self._piped: Piped | None = None
        self._client: Client | None = None
        self._draining: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._client is not None and self._client.ended is None

    @property
    def stuck(self) -> bool:
        """Whether it has let several questions in a row go by without saying that it is busy."""
        return self._late >= _LATE and not self.busy

    @property
    def busy(self) -> str:
        """What it says that it is still doing (indexing, loading), or nothing."""
        return "; ".join(self._client.progress.values()) or "loading" if self._client and self._client.progress else ""

    @property
    def complete(self) -> bool:
        """Whether it is told of every change: not in a workspace of more files than are looked at."""
        return self._files.complete

    async def start(self, seconds: float) -> None:
        """Start it, and wait until it can be asked.

        Raises:
            ServerDied: it ended at once, or is no language server.
            TimeoutError: it does not get ready in time.
            OSError: its program cannot be started.
        """
        # Looked at before the server looks: what changes in between is told twice rather than never.
        known = await asyncio.to_thread(self._files.look)
        argv = [self._program, *self.language.command[1:]]
        self._piped = await start_piped(self._walls, argv, readable=self._readable())
        self._draining = asyncio.ensure_future(self._drain(self._piped.errors))
        self._client = Client(self._piped.output, self._piped.input, self._walls.workspace)
        self._documents = Documents(self._client, self._files, known, self.language.identifier)
        answer = await self._client.answer(self._client.ask("initialize", self._introduction()), seconds)
        capabilities = answer.get("capabilities") if isinstance(answer, dict) else None
        self._capabilities = capabilities if isinstance(capabilities, dict) else {}
        if self._capabilities.get("positionEncoding") in ENCODINGS:
            self.encoding = self._capabilities["positionEncoding"]
        self._client.tell("initialized", {})

    def offers(self, capability: str) -> bool:
        """Whether it can be asked something, by what it said at its start (there is no other time: see below)."""
        return self._capabilities.get(capability) not in (None, False)

    async def ask(self, method: str, params: Json, about: Document | None = None, *, fresh: bool = True) -> Any:
        """Ask it something, once it knows what has changed.

        Args:
            method: the protocol's name of the request.
            params: its parameters.
            about: the file that the question is about.
            fresh: False for a second question about what it has just answered.

        Raises:
            ServerDied: it is gone.
            RequestFailed: it refuses.
            ToolError: it takes too long.
        """
        client = self._running()
        finished = client.finished
        answer = await self._ask(method, params, about, fresh)
        if not answer and (client.progress or client.finished > finished):
            # Servers that are still loading tend to answer "nothing" instead of waiting.
            await client.until(lambda: not client.progress, self._patience / 2)
            answer = await self._ask(method, params, about, fresh)
        return answer

    async def diagnostics(self, about: Document) -> tuple[list[Any], bool]:
        """What it finds wrong in a file, and whether that is known to be of its present content.

        Raises:
            ServerDied: it is gone.
            RequestFailed: it refuses.
            ToolError: it takes too long, or has published nothing.
        """
        if self.offers("diagnosticProvider"):
            answer = await self.ask("textDocument/diagnostic", {"textDocument": {"uri": about.uri}}, about)
            items = answer.get("items") if isinstance(answer, dict) else None
            return (items if isinstance(items, list) else []), True
        return await self._published(about)

    async def last_words(self) -> str:
        """The end of what it complained about; of a server that has ended."""
        if self._draining is not None:
            await asyncio.wait({self._draining}, timeout=_EOF_SECONDS)
        lines = self._said.decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else ""

    async def end(self) -> None:
        """End its process and all that it started. It only looks, so it is not asked to tidy up first."""
        tasks = [task for task in (self._draining, self._client.listening if self._client else None) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._piped is not None:
            await self._piped.end()

    async def _catch_up(self, about: Document | None) -> tuple[bool, bool]:
        """See `Documents.catch_up`; the lock is held."""
        assert self._documents is not None
        return await self._documents.catch_up(about)

    def _running(self) -> Client:
        if self._client is None:
            raise ServerDied("it was not started")
        return self._client

    async def _ask(self, method: str, params: Json, about: Document | None, fresh: bool) -> Any:
        client = self._running()
        for left in reversed(range(_REPEATS)):
            # What changed and the question go out together: nobody else's news comes in between.
            async with self._lock:
                if fresh:
                    await self._catch_up(about)
                number = client.ask(method, params)
            try:
                return await self._in_time(client.answer(number, self._patience))
            except RequestFailed as error:
                if not error.passing or not left:
                    raise
        raise AssertionError("unreachable: the last round returns or raises")

    async def _in_time(self, answer: Awaitable[Any]) -> Any:
        try:
            found = await answer
        except TimeoutError:
            self._late += 1
            doing = f" (it says: {self.busy})" if self.busy else ""
            raise ToolError(
                f"{self.title} has not answered within {self._patience:g} s{doing}. Ask again later, or use Grep."
            ) from None
        self._late = 0
        return found

    async def _published(self, about: Document) -> tuple[list[Any], bool]:
        """Diagnostics of a server that sends them when it likes."""
        client = self._running()

        def number() -> int:
            return client.published.get(about.uri, ([], 0))[1]

        before = client.publications
        async with self._lock:
            told, itself = await self._catch_up(about)
        current = not told and number() > 0
        if not current:
            wait = min(self._patience, _PUBLISHED_SECONDS if itself or not number() else _OTHERS_SECONDS)
            current = await client.until(lambda: number() > before, wait)
            # Nothing new is no fault where only other files have changed.
            current = current or not itself
            last = number()
            while await client.until(lambda: number() > last, min(self._patience, _SETTLED_SECONDS)):  # noqa: B023  # asked at once
                last = number()
        if not number():
            raise ToolError(
                f"{self.title} has published no diagnostics for {about.path} yet"
                f"{f' (it says: {self.busy})' if self.busy else ''}. Ask again later."
            )
        return client.published[about.uri][0], current

    async def _drain(self, errors: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while chunk := await errors.read(_LAST_WORDS):
                self._said = (self._said + chunk)[-_LAST_WORDS:]

    def _readable(self) -> list[Path]:
        """What the walls must show besides what they always show."""
        shown = (*map(Path, SYSTEM), *python_folders(), *self.language.readable, self._walls.workspace)
        program = Path(self._program)
        known = any(program.is_relative_to(folder) for folder in shown)
        return [*self.language.readable, *(() if known else (program,))]

    def _introduction(self) -> Json:
        folder = self._walls.workspace
        return {
            # A server ends itself when this process is gone. Inside the walls the number would mean another process.
            "processId": os.getpid() if self._walls.kind == "none" else None,
            "clientInfo": {"name": "conductor"},
            "rootUri": folder.as_uri(),
            "rootPath": str(folder),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            "capabilities": _CAPABILITIES,
        }


_CAPABILITIES: Json = {
    "general": {"positionEncodings": list(ENCODINGS)},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "symbol": {},
    },
    "textDocument": {
        "synchronization": {},
        "definition": {"linkSupport": True},
        "implementation": {"linkSupport": True},
        "references": {},
        "hover": {"contentFormat": ["plaintext", "markdown"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "callHierarchy": {},
        "diagnostic": {},
        "publishDiagnostics": {},
    },
}
