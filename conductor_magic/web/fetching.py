"""Fetches one page without being led anywhere that was not checked.

A name is resolved once; every address that it has must be public, and the connection goes to one of exactly these (Host
header and certificate stay the name's). Redirects are followed by hand, each one checked as if it were asked for. One
to another host is not followed: a yes is for one site, so the model is told and asks again. No proxy, no cookie, no
credential and nothing else of the environment takes part.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from conductor_magic.errors import ToolError
from conductor_magic.web.addresses import WebAddress, parse
from conductor_magic.web.body import read_body
from conductor_magic.web.networks import IPAddress, not_public

if TYPE_CHECKING:
    import httpx2

__all__ = ["Admit", "Elsewhere", "FetchLimits", "Fetched", "Fetcher", "Resolve", "system_certificates"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its IP addresses as text; raises OSError when it has none."""

Admit = Callable[[str], Awaitable[None]]
"""Asks whether a host may be reached; raises ToolError when not."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRIED = 4
"""How many of a name's addresses are tried."""

_HEADERS = {
    "User-Agent": "conductor-magic WebFetch (an agent that a person runs; one page at a time)",
    "Accept": "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/plain;q=0.8, */*;q=0.5",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch may take.

    Attributes:
        seconds: for looking up, connecting and reading, over all redirects; a wait for a person does not count.
        connect_seconds: for one connection.
        body_bytes: of the answer, from the wire and unpacked.
        redirects: how many are followed.
    """

    seconds: float = 30.0
    connect_seconds: float = 10.0
    body_bytes: int = 10 << 20
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back.

    Attributes:
        asked: the address that was asked for.
        final: the address that answered.
        status: the HTTP status.
        headers: names in lower case.
        body: unpacked, at most `FetchLimits.body_bytes`.
        cut: why the body is not whole, or empty.
    """

    asked: WebAddress
    final: WebAddress
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The page sends to another site, which nobody has said yes to; nothing of it was looked up or reached."""

    asked: WebAddress
    status: int
    target: WebAddress


@dataclass(frozen=True, slots=True)
class _Redirect:
    status: int
    location: str


class Fetcher:
    """Fetches pages; one serves a whole run.

    Args:
        resolve: looks names up.
        transport: answers instead of the network; None connects for real.
        limits: what one fetch may take.
    """

    def __init__(
        self,
        resolve: Resolve | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        limits: FetchLimits | None = None,
    ) -> None:
        self._resolve = resolve or _looked_up
        self._transport = transport
        self._limits = limits or FetchLimits()

    async def fetch(self, url: str, admit: Admit) -> Fetched | Elsewhere:
        """Get a page.

        Args:
            url: as a model wrote it.
            admit: asked before a host is looked up or reached, once for each host.

        Raises:
            ToolError: it may not be fetched, or it cannot.
        """
        at = asked = parse(url)
        seen: set[str] = set()
        left, clock = self._limits.seconds, asyncio.get_running_loop().time
        await admit(at.host)
        while len(seen) <= self._limits.redirects:
            seen.add(str(at))
            began = clock()
            try:
                async with asyncio.timeout(left):
                    got = await self._get(at)
            except TimeoutError:
                raise ToolError(f"{at}: not done within {self._limits.seconds:g} s; the site is slow.") from None
            left -= clock() - began
            if isinstance(got, Fetched):
                return replace(got, asked=asked)
            target = _target(at, got)
            if target.host != at.host:
                if not _same_site(target.host, at.host):
                    return Elsewhere(asked, got.status, target)
                await admit(target.host)
            if str(target) in seen:
                raise ToolError(f"{asked}: redirects in a circle ({at} leads back to {target}).")
            at = target
        raise ToolError(f"{asked}: more than {self._limits.redirects} redirects, the last one to {at}.")

    async def _get(self, at: WebAddress) -> Fetched | _Redirect:
        """One request, to the first of the host's addresses that takes the connection."""
        import httpx2

        addresses = [at.ip] if at.ip is not None else await self._addresses(at)
        async with self._opened() as transport:
            trouble: Exception | None = None
            for address in _by_turns(addresses)[:_TRIED]:
                try:
                    response = await transport.handle_async_request(self._request(at, address))
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    trouble = error
                    continue
                except (httpx2.TransportError, OSError) as error:
                    raise ToolError(f"{at}: {_reason(error)}.") from None
                try:
                    return await self._answer(at, response)
                except httpx2.TransportError as error:
                    raise ToolError(f"{at}: {_reason(error)}.") from None
                finally:
                    await response.aclose()
        raise ToolError(f"{at}: no connection ({_reason(trouble)}).") from None

    async def _addresses(self, at: WebAddress) -> list[IPAddress]:
        """All addresses of a name, each of them public."""
        try:
            found = [ip_address(text) for text in dict.fromkeys(await self._resolve(at.host, at.port))]
        except (OSError, UnicodeError):
            found = []
        except ValueError as error:
            raise ToolError(f"{at.host}: {error}.") from None
        if not found:
            raise ToolError(f"{at.host}: there is no site of that name, or it cannot be looked up here.")
        for address in found:
            if why := not_public(address):
                raise ToolError(
                    f"{at.host}: its address {address} is not on the public Internet ({why}): "
                    "closed to WebFetch in every mode."
                )
        return found

    def _request(self, at: WebAddress, address: IPAddress) -> httpx2.Request:
        import httpx2

        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        timeout = httpx2.Timeout(self._limits.seconds, connect=self._limits.connect_seconds)
        return httpx2.Request(
            "GET",
            f"{at.scheme}://{host}:{at.port}{at.target}",
            headers={"Host": at.authority, **_HEADERS},
            # The address is in the URL, so the name that the certificate must have is said here.
            extensions={"timeout": timeout.as_dict(), "sni_hostname": at.host},
        )

    async def _answer(self, at: WebAddress, response: httpx2.Response) -> Fetched | _Redirect:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code in _REDIRECTS and headers.get("location"):
            return _Redirect(response.status_code, headers["location"])
        body, cut = await read_body(response, self._limits.body_bytes)
        return Fetched(at, at, response.status_code, headers, body, cut)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[httpx2.AsyncBaseTransport]:
        """What carries one request: the given transport, which is somebody else's to close, or one to the network.

        None is kept for another request: a kept connection would be found by its address, under another name too.
        """
        import httpx2

        if self._transport is not None:
            yield self._transport
            return
        context = await asyncio.to_thread(system_certificates)
        async with httpx2.AsyncHTTPTransport(verify=context, trust_env=False) as transport:
            yield transport


@lru_cache(maxsize=1)
def system_certificates() -> ssl.SSLContext:
    """The system's certificates, whatever the environment says; reading them takes some ten milliseconds."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


async def _looked_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _by_turns(addresses: list[IPAddress]) -> list[IPAddress]:
    """In their order, but IPv6 and IPv4 by turns: one of the two may lead nowhere here."""
    ranks = [[one.version for one in addresses[:place]].count(it.version) for place, it in enumerate(addresses)]
    return [address for _, address in sorted(zip(ranks, addresses, strict=True), key=lambda pair: pair[0])]


def _target(at: WebAddress, redirect: _Redirect) -> WebAddress:
    """Where a redirect leads, checked as far as that goes without asking anybody."""
    try:
        target = at.joined(redirect.location)
    except ToolError as error:
        raise ToolError(f"{at}: redirects ({redirect.status}) to what cannot be fetched. {error}") from None
    if at.scheme == "https" and target.scheme == "http":
        raise ToolError(f"{at}: redirects ({redirect.status}) to {target}, which is not encrypted: not followed.")
    return target


def _same_site(one: str, other: str) -> bool:
    """With or without `www.` it is the same site; the gate still has its word on the other spelling."""
    return one.removeprefix("www.") == other.removeprefix("www.")


def _reason(error: Exception | None) -> str:
    words = " ".join(str(error).split())[:200].rstrip(".")
    return words or type(error).__name__
