"""The rows about WebFetch and addresses: real sites on loopback stand for every public address, and see who comes.

A row's `allow_domains` are standing `allow site` rules (`"*"` = somebody who says yes to every site), `resolve`
says what its names are, `chain` the redirects that the site answers with, `response` how much it sends.

Verdicts: `allow` and `allow_pinned` are a page that came; `block` is an error result; `completes` a page that came,
capped; `stops_at_redirect` a result that names where the page leads, and nothing of that reached.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from conductor_magic.permissions import Rule
from conductor_magic.testing import WebStub, web_stub
from conductor_magic.tools.base import ToolResult
from tests.corpus.rows import rows
from tests.support.tool_bench import ToolBench
from tests.support.web_server import Page, WebSite, moved

WORDS = b"the page that was asked for"
_SHOWN = 70_000
"""More characters than a result may have."""


@pytest.mark.parametrize("row", rows("ssrf"), ids=lambda row: row["id"])
def test_row(row: dict[str, Any], tmp_path: Path) -> None:
    """The row has its verdict, and its checks hold."""
    assert row["setup"] == []
    wanted = row["input"]
    allowed = wanted.get("allow_domains", [])
    rules = [Rule("allow", "site", name) for name in allowed if name != "*"]
    authority, served, trusted = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("ok.test", "example.org", "93.184.215.14").configure_cert(served)
    authority.configure_trust(trusted)
    began = time.monotonic()
    with WebSite({}) as plain, WebSite({}, served) as safe:

        def route(ip: str, port: int) -> tuple[str, int]:
            return "127.0.0.1", safe.port if port == 443 else plain.port

        for site in (plain, safe):
            pages = [moved(location, status) for status, location in wanted.get("chain", ())]
            pages.append(_page(wanted.get("response"), site))
            site.add("*", Page(talk=_in_turn(pages, site)))
        with web_stub(wanted["resolve"], route, certificates=trusted) as web:
            bench = ToolBench(tmp_path, row["mode"], yes="*" in allowed, rules=rules)
            result = bench.call("WebFetch", url=wanted["url"])
    _check_verdict(row, result)
    for check in row["checks"]:
        _check(check, result, web, (plain, safe), time.monotonic() - began)
    assert len(plain.requests) + len(safe.requests) == len(web.connected)


def _check_verdict(row: dict[str, Any], result: ToolResult) -> None:
    text = str(result.content)
    match row["expect"]:
        case "allow" | "allow_pinned":
            assert (result.is_error, WORDS.decode() in text) == (False, True)
        case "block":
            assert result.is_error
            assert len(text.splitlines()) == 1
        case "completes":
            assert not result.is_error
        case "stops_at_redirect":
            assert (result.is_error, row["input"]["chain"][-1][1] in text) == (False, True)
        case other:
            raise AssertionError(f"{row['id']}: there is no rule for the verdict {other!r}")


def _check(check: str, result: ToolResult, web: WebStub, sites: tuple[WebSite, WebSite], seconds: float) -> None:
    name, _, what = check.partition(":")
    reached = [ip for ip, _ in web.connected]
    match name:
        case "no_connect":
            assert (reached, [site.connections for site in sites]) == ([], [0, 0])
        case "no_connect_to":
            assert what not in reached
        case "connected_only_to":
            assert set(reached) == {what}
        case "fetched":
            assert WORDS.decode() in str(result.content)
        case "output_capped":
            assert len(str(result.content)) < _SHOWN
            assert sum(site.sent for site in sites) < 50_000_000
        case "under_60s":
            assert seconds < 60
        case _:
            raise AssertionError(f"there is no check {check!r}")


def _page(response: dict[str, Any] | None, site: WebSite) -> Page:
    if response is None:
        return Page(WORDS, "text/plain")

    async def much(writer: asyncio.StreamWriter) -> None:
        size = response["bytes"]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % size)
        await site.flood(writer, size)

    return Page(talk=much)


def _in_turn(pages: list[Page], site: WebSite) -> Any:
    """One page for each request, the last one again and again."""

    async def talk(writer: asyncio.StreamWriter) -> None:
        await site.answer(pages[min(len(site.requests), len(pages)) - 1], writer)

    return talk


def test_a_site_without_a_yes_is_not_looked_up(tmp_path: Path) -> None:
    """Row P-SRF-029 goes further than its checks: where nobody says yes, the name is not even resolved."""
    row = next(row for row in rows("ssrf") if row["id"] == "P-SRF-029")
    with web_stub(row["input"]["resolve"]) as web:
        assert ToolBench(tmp_path, row["mode"]).call("WebFetch", url=row["input"]["url"]).is_error
    assert (web.resolved, web.connected) == ([], [])
