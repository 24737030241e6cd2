"""All language servers of a run: one for each language, started when first needed, started again when it dies."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from conductor_magic.errors import ToolError
from conductor_magic.lsp.client import RequestFailed, ServerDied
from conductor_magic.lsp.files import WatchedFiles
from conductor_magic.lsp.languages import Language, known_languages, languages_file, program_of
from conductor_magic.lsp.server import LanguageServer
from conductor_magic.sandbox import Walls

__all__ = ["LanguageServers"]

T = TypeVar("T")

_DEATHS = 4
"""How often a server may die in one run before it is left alone."""

_INSTEAD = "Use Grep and Read instead."


@dataclass(slots=True)
class _Place:
    """Where a language's server is, when there is one, and what became of those before it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    server: LanguageServer | None = None
    deaths: int = 0
    last: str = ""


class LanguageServers:
    """The servers of one workspace, shared by all who work there. Lives on one event loop.

    Args:
        walls: where they run.
        languages: the languages by name; by default Python and what the person has configured.
        patience: seconds that one answer may take.
        starting: seconds that a server may take to get ready.

    Raises:
        ToolError: the person's configuration cannot be used.
    """

    def __init__(
        self,
        walls: Walls,
        languages: Mapping[str, Language] | None = None,
        *,
        patience: float = 30.0,
        starting: float = 60.0,
    ) -> None:
        self.languages = known_languages() if languages is None else languages
        self._walls = walls
        self._patience = patience
        self._starting = starting
        self._places: dict[str, _Place] = {}

    def language_of(self, path: Path) -> Language:
        """The language of a file, by its name.

        Raises:
            ToolError: no server knows such files; says which there are.
        """
        for language in self.languages.values():
            if path.name.lower().endswith(language.extensions):
                return language
        known = ", ".join(
            f"{ending} ({language.name})" for language in self.languages.values() for ending in language.extensions
        )
        raise ToolError(
            f"{path}: no language server knows such files. Known are {known}; the person can name more in "
            f"{languages_file()}. {_INSTEAD}"
        )

    async def present(self) -> list[Language]:
        """The languages that the workspace has files of; all of them where there is nothing to choose between."""
        languages = list(self.languages.values())
        if len(languages) == 1:
            return languages
        endings = [ending for language in languages for ending in language.extensions]
        paths = await asyncio.to_thread(WatchedFiles(self._walls.workspace, endings, self._walls.hidden).look)
        names = [path.lower() for path in paths]
        found = [language for language in languages if any(name.endswith(language.extensions) for name in names)]
        return found or languages

    def command_of(self, language: Language) -> str | None:
        """The exact command that would start this language's server, or None while it runs.

        Raises:
            ToolError: its program is not installed, or lies in the workspace.
        """
        place = self._places.get(language.name)
        if place and place.server and place.server.alive:
            return None
        return shlex.join([program_of(language, self._walls.workspace), *language.command[1:]])

    async def use(self, language: Language, work: Callable[[LanguageServer], Awaitable[T]]) -> T:
        """Let `work` ask the language's server; once more with a new one when the server dies over it.

        Raises:
            ToolError: the server cannot be started, has died too often, or what `work` raises.
        """
        place = self._places.setdefault(language.name, _Place())
        for again in (True, False):
            server = await self._ready(place, language)
            try:
                return await work(server)
            except ServerDied as error:
                async with place.lock:
                    await _bury(place, server, str(error))
                if not again:
                    raise ToolError(f"{server.title} died over this, twice: {place.last}. {_INSTEAD}") from None
        raise AssertionError("unreachable: the second round returns or raises")

    async def aclose(self) -> None:
        """End all servers."""
        places, self._places = self._places, {}
        servers = (place.server for place in places.values())
        await asyncio.gather(*(server.end() for server in servers if server), return_exceptions=True)

    async def _ready(self, place: _Place, language: Language) -> LanguageServer:
        """The running server; starts it where there is none."""
        async with place.lock:
            if place.server is not None and not place.server.alive:
                await _bury(place, place.server, "it has ended")
            if place.server is not None and place.server.stuck:
                await _bury(place, place.server, "it no longer answered")
            if place.server is not None:
                return place.server
            program = program_of(language, self._walls.workspace)
            server = LanguageServer(language, program, self._walls, self._patience)
            if place.deaths >= _DEATHS:
                raise ToolError(
                    f"{server.title} has died {place.deaths} times in this run and is not started again: "
                    f"{place.last}. {_INSTEAD}"
                )
            place.server = server
            try:
                await server.start(self._starting)
            except BaseException as error:
                trouble = _trouble(error, self._starting)
                await _bury(place, server, trouble)
                if not trouble:
                    raise
                raise ToolError(f"{server.title} could not be started: {place.last}. {_INSTEAD}") from None
            return server


async def _bury(place: _Place, server: LanguageServer, why: str) -> None:
    """Put away a server that is of no use any more, once; its place's lock is held."""
    if place.server is not server:
        return
    place.server = None
    words = await server.last_words() if why else ""
    place.last = f"{why}, its last words were “{words}”" if words else why
    place.deaths += 1 if why else 0
    await server.end()


def _trouble(error: BaseException, seconds: float) -> str:
    """Why a server did not start; empty when that was not its fault (its caller was cancelled)."""
    match error:
        case TimeoutError():
            return f"it did not get ready within {seconds:g} s"
        case OSError():
            return error.strerror or str(error)
        case ServerDied() | RequestFailed() | ValueError():  # the last: a command that cannot be passed
            return str(error)
    return ""
