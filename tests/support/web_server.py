"""A small real HTTP server on loopback that plays a web site, well-behaved or not.

::

    with WebSite({"/": Page(b"hello", "text/plain")}) as site:
        ...  # site.port; afterwards site.requests
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

__all__ = ["Asked", "Page", "WebSite", "moved"]

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Page:
    """What a path answers: a whole response, or `talk`, which writes everything itself."""

    body: bytes = b""
    kind: str | None = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    talk: Talk | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it came: its target, and its headers with names in lower case."""

    target: str
    headers: Mapping[str, str]


def moved(location: str, status: int = 302) -> Page:
    """A redirect."""
    return Page(status=status, headers={"location": location})


class WebSite:
    """The server; use it as a context manager.

    Attributes:
        port: on 127.0.0.1.
        requests: every request, in the order of arrival.
        connections: how many connections were taken.
        sent: bytes that `flood` and `drip` have written.
    """

    def __init__(self, pages: Mapping[str, Page], certificate: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.requests: list[Asked] = []
        self.connections = 0
        self.sent = 0
        self._pages = dict(pages)
        self._certificate = certificate
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the site did not start"
        return self

    def __exit__(self, *exc: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def add(self, path: str, page: Page) -> None:
        """One more page, while it runs."""
        self._pages[path] = page

    async def flood(self, writer: asyncio.StreamWriter, size: int) -> None:
        """Write so many bytes of text, as fast as they are taken."""
        piece = b"0123456789abcdef" * 4096
        while self.sent < size:
            writer.write(piece)
            self.sent += len(piece)
            await writer.drain()

    async def drip(self, writer: asyncio.StreamWriter) -> None:
        """Write a byte now and then, for ever."""
        while True:
            writer.write(b".")
            self.sent += 1
            await writer.drain()
            await asyncio.sleep(0.02)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._certificate)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            target = first.split(" ")[1]
            self.requests.append(Asked(target, headers))
            page = self._pages.get(target) or self._pages.get("*") or Page(b"no such page", "text/plain", 404)
            await self.answer(page, writer)
            await writer.drain()
        writer.close()

    async def answer(self, page: Page, writer: asyncio.StreamWriter) -> None:
        """Write what a page answers."""
        if page.talk is not None:
            await page.talk(writer)
        else:
            writer.write(_whole(page))


def _whole(page: Page) -> bytes:
    lines = {"content-length": str(len(page.body)), **page.headers}
    if page.kind is not None:
        lines.setdefault("content-type", page.kind)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {page.status} X\r\n{head}\r\n".encode("latin-1") + page.body
