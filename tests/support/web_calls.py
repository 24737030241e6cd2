"""One call of WebFetch to a site on loopback that stands for public addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conductor_magic.permissions import Rule
from conductor_magic.testing import WebStub, web_stub
from conductor_magic.tools.base import ToolResult
from tests.support.tool_bench import ToolBench
from tests.support.web_server import WebSite

__all__ = ["ANY", "NAMES", "OK", "OTHER", "fetch", "text"]

OK, OTHER = "93.184.215.14", "93.184.215.15"
NAMES = {"ok.test": [OK], "www.ok.test": [OK], "other.test": [OTHER], "inner.test": ["10.0.0.1"]}
ANY = tuple(Rule("allow", "site", name) for name in (*NAMES, OK, "none.test", "mixed.test", "turn.test", "odd.test"))


def fetch(
    base: Path,
    site: WebSite,
    url: str = "http://ok.test/",
    *,
    rules: tuple[Rule, ...] = ANY,
    mode: str = "workspace",
    **stub: Any,
) -> tuple[ToolResult, WebStub, ToolBench]:
    """Call the tool; every public address leads to the site unless `stub`, as `web_stub` takes it, says otherwise."""
    stub = {"resolve": NAMES, "transport": lambda ip, port: ("127.0.0.1", site.port), **stub}
    with web_stub(**stub) as web:
        bench = ToolBench(base, mode, rules=rules)
        return bench.call("WebFetch", url=url), web, bench


def text(result: ToolResult) -> str:
    """A result that is text."""
    assert isinstance(result.content, str)
    return result.content
