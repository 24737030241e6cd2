"""What all workers of one run share beyond the workspace: made once, used by the tools, closed when the run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conductor_magic.web import Web, current_web
from conductor_magic.web.searching import Found, Search

if TYPE_CHECKING:
    from conductor_magic.lsp import LanguageServers
    from conductor_magic.tools.custody import Custody
    from conductor_magic.tools.kernel_pool import KernelPool

__all__ = ["AskModel", "SearchByModel", "Services"]

AskModel = Callable[[str, str], Awaitable[str]]
"""(worker, prompt) -> the text that a small, cheap model answers, empty where it refused; its cost is the worker's."""

SearchByModel = Callable[[str, Search], Awaitable[Sequence[Found]]]
"""(worker, search) -> what the model's provider finds on the web; its cost is the worker's. Raises ToolError."""


@dataclass(slots=True)
class Services:
    """The shared parts of one run.

    Attributes:
        ask_model: asks the haiku tier one question on a worker's account, or None where no model is at hand.
        servers: the language servers, once somebody has asked one.
        search_by_model: searches the web by the model's provider, or None where it does not search.
        web: how workers reach the web.
        kernels: gives each task its Python kernel, or None where each makes its own.
        custody: who is at which file of the workspace, or None where nobody keeps account of it.
        openers: what an earlier process of the run has left to be done; done before anything is decided.
        closers: what ends the shared processes; run once, when the run is over.
    """

    ask_model: AskModel | None = None
    servers: LanguageServers | None = None
    search_by_model: SearchByModel | None = None
    web: Web = field(default_factory=current_web)
    kernels: KernelPool | None = None
    custody: Custody | None = None
    openers: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])

    async def open(self) -> None:
        """Do what is left to be done."""
        for opener in self.openers:
            await opener()

    async def aclose(self, seconds: float = 5.0) -> None:
        """End everything that is shared, and wait for it for at most so many seconds.

        One part that fails does not keep the others open.
        """
        closing = [asyncio.ensure_future(closer()) for closer in self.closers]
        self.closers.clear()
        if closing:
            await asyncio.wait(closing, timeout=seconds)
