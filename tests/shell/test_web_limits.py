"""What one WebFetch may take: bytes, packed or not, time, and what a server says about its own length."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.permissions import Access
from conductor_magic.testing import FetchLimits, web_stub
from tests.support.tool_bench import ToolBench
from tests.support.web_calls import NAMES, fetch, text
from tests.support.web_server import Page, WebSite, moved


@pytest.fixture
def site() -> Iterator[WebSite]:
    """A site whose pages a test adds."""
    with WebSite({}) as site:
        yield site


def test_a_body_of_100_mb_is_cut_off(tmp_path: Path, site: WebSite) -> None:
    """Ten MiB are read of a body without end; what is shown of it is capped, and the rest is in a file."""

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 104857600\r\n\r\n")
        await site.flood(writer, 100 << 20)

    site.add("/", Page(talk=flood))
    began = time.monotonic()
    result, _, bench = fetch(tmp_path, site, "http://ok.test/")
    assert time.monotonic() - began < 10
    assert site.sent < 20 << 20
    kept = next((bench.data / "artifacts").iterdir())
    assert kept.stat().st_size == 10 << 20
    assert text(result).startswith(
        "URL: http://ok.test/\nStatus: 200, text/plain, 10,485,760 bytes, cut after 10,485,760 bytes\nBetween the marks"
    )
    assert text(result).endswith(
        f"[10,485,760 characters in all, the first 60,000 above. The whole page: {kept} (use Read or Grep)]"
    )
    assert len(text(result)) < 61_000


def test_a_packed_bomb_is_unpacked_to_the_cap(tmp_path: Path, site: WebSite) -> None:
    """Packed data that unpacks to 128 MiB costs the memory of the cap, however it is cut into pieces."""
    small = gzip.compress(bytes(range(32, 127)) * 10)
    packed = gzip.compress(b"a" * (1 << 27), 1, mtime=0)
    site.add("/", Page(packed, "text/plain", headers={"content-encoding": "gzip"}))
    site.add("/small", Page(small, "text/plain", headers={"content-encoding": "x-gzip"}))
    tracemalloc.start()
    try:
        result, _, _ = fetch(tmp_path / "1", site, "http://ok.test/")
        assert tracemalloc.get_traced_memory()[1] - len(packed) < 40 << 20
    finally:
        tracemalloc.stop()
    assert "10,485,760 bytes, cut after 10,485,760 bytes" in text(result)
    assert "Status: 200, text/plain, 950 bytes\n" in text(fetch(tmp_path / "2", site, "http://ok.test/small")[0])


@pytest.mark.parametrize(
    ("head", "body", "note"),
    [
        (b"content-length: 1000\r\n", b"only this", "9 bytes, the connection ended early, after 9 bytes"),
        (
            b"transfer-encoding: chunked\r\n",
            b"9\r\nonly this\r\n",
            "9 bytes, the connection ended early, after 9 bytes",
        ),
        (b"content-length: 9\r\n", b"only this and more than was said", "9 bytes\n"),
        (
            b"content-encoding: gzip\r\n",
            gzip.compress(b"only this" * 99, mtime=0)[:-9],
            "891 bytes, the packed data ended early, after 891 bytes",
        ),
    ],
)
def test_lengths_that_lie(tmp_path: Path, site: WebSite, head: bytes, body: bytes, note: str) -> None:
    """A body that is shorter than it says is given with a note; what is beyond its length is no part of it."""

    async def lie(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n" + head + b"\r\n" + body)

    site.add("/", Page(talk=lie))
    result, _, _ = fetch(tmp_path, site, "http://ok.test/")
    assert f"Status: 200, text/plain, {note}" in text(result)
    assert "only this" in text(result)


def test_a_slow_drip_ends(tmp_path: Path, site: WebSite) -> None:
    """A body that never ends, byte by byte, is given up when the time for the whole fetch is over."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        await site.drip(writer)

    site.add("/", moved("/drip"))
    site.add("/drip", Page(talk=drip))
    began = time.monotonic()
    result, _, _ = fetch(tmp_path, site, "http://ok.test/", limits=FetchLimits(seconds=0.6))
    assert text(result) == "http://ok.test/drip: not done within 0.6 s; the site is slow."
    assert (result.is_error, site.sent > 2) == (True, True)
    assert time.monotonic() - began < 5


def test_waiting_for_a_person_takes_no_time(tmp_path: Path, site: WebSite) -> None:
    """The time limit is for the network: a gate that takes longer does not use it up."""
    site.add("/", Page(b"fine", "text/plain"))

    class SlowGate:
        async def admit(self, access: Access, context: Any, show: Any = None) -> None:
            await asyncio.sleep(0.8)

    with web_stub(NAMES, lambda ip, port: ("127.0.0.1", site.port), limits=FetchLimits(seconds=0.6)):
        bench = ToolBench(tmp_path)
        bench.context.gate = SlowGate()
        assert "fine" in text(bench.call("WebFetch", url="http://ok.test/"))
