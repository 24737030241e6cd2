"""Searches the web without a key, by the optional package `ddgs`, and says what was found."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from conductor_magic.errors import ToolError
from conductor_magic.web.addresses import parse, site_name

__all__ = ["Find", "Found", "Search", "below", "domains", "keyless_search"]

_SECONDS = 20.0
_ENGINE_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One result: a page's title and URL, and some words of it."""

    title: str
    url: str
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for.

    Attributes:
        query: the words.
        allowed: hosts that results must lie at or below; empty for any.
        blocked: hosts that results must not lie at or below.
        most: how many results are wanted.
    """

    query: str
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    most: int = 10


Find = Callable[[Search], Awaitable[Sequence[Found]]]
"""Carries a search out; what it finds may lie outside the wanted hosts. Raises ToolError."""


def keyless_search() -> Find | None:
    """Searching by `ddgs`, or None where it is not installed."""
    return _by_ddgs if importlib.util.find_spec("ddgs") else None


async def _by_ddgs(search: Search) -> list[Found]:
    try:
        async with asyncio.timeout(_SECONDS):
            rows = await asyncio.to_thread(_asked, search)
    except TimeoutError:
        raise ToolError(
            f"The search engines did not answer within {_SECONDS:g} s. Try again, or other words."
        ) from None
    return [Found(str(row.get("title") or ""), str(row.get("href") or ""), str(row.get("body") or "")) for row in rows]


def _asked(search: Search) -> list[dict[str, object]]:
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException

    sites = " OR ".join(f"site:{host}" for host in search.allowed)
    without = " ".join(f"-site:{host}" for host in search.blocked)
    words = " ".join(part for part in (search.query, f"({sites})" if " " in sites else sites, without) if part)
    try:
        return DDGS(timeout=_ENGINE_SECONDS).text(words, max_results=search.most)
    except DDGSException as error:
        if "No results" in str(error):
            return []
        raise ToolError(f"The search engines could not be asked ({' '.join(str(error).split())[:200]}).") from None


def domains(given: Iterable[str]) -> tuple[str, ...]:
    """Hosts in their one spelling.

    Raises:
        ToolError: one of them is no host.
    """
    return tuple(dict.fromkeys(map(site_name, given)))


def below(found: Iterable[Found], search: Search) -> list[Found]:
    """The results that are web addresses at the wanted hosts, each once, as many as are wanted."""
    kept: dict[str, Found] = {}
    for result in found:
        try:
            host = parse(result.url).host
        except ToolError:
            continue
        if search.allowed and not _at(host, search.allowed):
            continue
        if not _at(host, search.blocked):
            kept.setdefault(result.url, result)
    return list(kept.values())[: search.most]


def _at(host: str, hosts: Iterable[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in hosts)
