"""A stand-in for the network, for tests: names resolve to what a test says, and nothing leaves this machine."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx2

from conductor_magic.web.fetching import Fetcher, FetchLimits, Resolve, system_certificates
from conductor_magic.web.seam import Web, standing_in
from conductor_magic.web.searching import Find

__all__ = ["Route", "WebStub", "web_stub"]

Place = tuple[str, int]
Route = Mapping[Place, Place] | Callable[[str, int], Place]
Answers = Mapping[str, Sequence[str] | Sequence[Sequence[str]]]


@dataclass(slots=True)
class WebStub:
    """What was tried while the stub stood in.

    Attributes:
        resolved: every name that was looked up, with its port, in order.
        connected: every (IP address, port) that a request went to, in order: the address that the tool had checked.
        searched: every query that was searched for without the model's provider.
    """

    resolved: list[Place] = field(default_factory=list[Place])
    connected: list[Place] = field(default_factory=list[Place])
    searched: list[str] = field(default_factory=list[str])


@contextmanager
def web_stub(
    resolve: Answers | Resolve | None = None,
    transport: httpx2.AsyncBaseTransport | Route | None = None,
    *,
    search: Find | None = None,
    limits: FetchLimits | None = None,
    certificates: ssl.SSLContext | None = None,
) -> Iterator[WebStub]:
    """Stand in for the web of every run and worker that starts inside the `with`, on whatever thread.

    ::

        places = {("93.184.215.14", 80): ("127.0.0.1", port)}
        with web_stub(resolve={"ok.test": ["93.184.215.14"]}, transport=places) as web:
            result = conduct("Read http://ok.test/", mode="full").wait()
        assert web.connected == [("93.184.215.14", 80)]

    A run keeps the web that it started with, so wait for it inside.

    Args:
        resolve: `async (host, port) -> addresses`, which raises OSError for a name without any. Or a mapping from name
            to addresses, `"*"` for all other names; a list of lists gives the answers of one look-up after another, the
            last one again and again: `{"rebind.test": [["93.184.215.14"], ["127.0.0.1"]]}`. Names that are missing, and
            all names without `resolve`, do not exist.
        transport: what answers requests. An httpx2 transport gets them with the checked IP address in
            `request.url.host`, and the site's name in the Host header and in `request.extensions["sni_hostname"]`. Or
            the places on loopback that stand for public ones: a mapping from (IP address, port) to ("127.0.0.1", port),
            or a function of both. None takes no connection.
        search: what WebSearch uses instead of the package `ddgs`; None for a machine without it.
        limits: what one fetch may take, instead of the usual.
        certificates: whom to trust on loopback, for https; the system's certificates when None.
    """
    stub = WebStub()
    carrier = transport if isinstance(transport, httpx2.AsyncBaseTransport) else _Loopback(transport, certificates)
    fetcher = Fetcher(_noted_lookup(resolve, stub), _Noting(carrier, stub), limits)
    with standing_in(Web(fetcher, _noted_search(search, stub) if search else None)):
        yield stub


class _Noting(httpx2.AsyncBaseTransport):
    """Notes where each request goes, and passes it on."""

    def __init__(self, carrier: httpx2.AsyncBaseTransport, stub: WebStub) -> None:
        self._carrier = carrier
        self._stub = stub

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._stub.connected.append(_place(request))
        return await self._carrier.handle_async_request(request)


class _Loopback(httpx2.AsyncBaseTransport):
    """Carries requests for public places to servers on this machine, by real connections."""

    def __init__(self, route: Route | None, certificates: ssl.SSLContext | None) -> None:
        self._route = route
        self._certificates = certificates

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host, port = self._way(*_place(request))
        if not ip_address(host).is_loopback:
            raise ValueError(f"{host} is not on this machine: a stub leads nowhere else")
        there = httpx2.Request(
            request.method,
            request.url.copy_with(host=host, port=port),
            headers=request.headers,
            extensions=request.extensions,
        )
        # None is kept: two names may lie behind one place.
        limits = httpx2.Limits(max_keepalive_connections=0)
        verify = self._certificates or system_certificates()
        network = httpx2.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)
        return await network.handle_async_request(there)

    def _way(self, host: str, port: int) -> Place:
        if callable(self._route):
            return self._route(host, port)
        place = (self._route or {}).get((host, port))
        if place is None:
            raise httpx2.ConnectError(f"nothing stands for {host} port {port}")
        return place


def _place(request: httpx2.Request) -> Place:
    return request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)


def _noted_lookup(resolve: Answers | Resolve | None, stub: WebStub) -> Resolve:
    asked: dict[str, int] = {}

    async def looked_up(host: str, port: int) -> Sequence[str]:
        stub.resolved.append((host, port))
        if callable(resolve):
            return await resolve(host, port)
        answers = resolve or {}
        found = answers.get(host, answers.get("*", ()))
        if not found or isinstance(found[0], str):
            return [str(address) for address in found]
        turn = asked[host] = asked.get(host, -1) + 1
        return list(found[min(turn, len(found) - 1)])

    return looked_up


def _noted_search(search: Find, stub: WebStub) -> Find:
    async def searched(wanted):  # noqa: ANN001, ANN202 - as `Find` says
        stub.searched.append(wanted.query)
        return await search(wanted)

    return searched
