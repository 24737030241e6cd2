"""Pages of a real Chromium in which texts are shown, and what they asked for meanwhile. Fixtures for the view tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.corpus.sink import Sink
from tests.corpus.views import Drawn, LiveBoard, StaticPage
from tests.support.lab import chromium_browser

__all__ = ["Stand", "browser", "stand"]

Json = dict[str, Any]
PLAIN = "plain words"
"""A text that is only text: a hostile one in its place must give the same elements."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def stand(browser: Browser) -> Iterator[Stand]:
    """The pages, for all rows of a module."""
    with Sink() as sink:
        yield Stand(browser, sink)


class Stand:
    """Two pages, what they have asked for, and a server that nothing may ask.

    Attributes:
        sink: the server.
        asked: every address that a page asked for.
        page_errors: uncaught errors and dialogs of the pages.
    """

    def __init__(self, browser: Browser, sink: Sink) -> None:
        self.sink = sink
        self.asked: list[str] = []
        self.page_errors: list[str] = []
        context = browser.new_context()
        self._static, self._board = StaticPage(self._page(context)), LiveBoard(self._page(context))
        self._plain: dict[str, list[Json]] = {}

    def names(self) -> dict[str, str]:
        """What stands for the placeholders of a row."""
        sink = self.sink
        return {"SINK": sink.url, "SINKHOST": sink.host, "SINKPORT": str(sink.port), "CANARY": "CANARY-OUT"}

    def probes(self, run: Drawn, text: str) -> list[Json]:
        """What became of a run's texts: in the static pictures, and in each face of the live board."""
        return [self._static.probe(run.static()), *self._board.probe(run, text)]

    def plain(self, place: str, folder: Path) -> list[Json]:
        """The same of a run whose text is only text."""
        if place not in self._plain:
            self._plain[place] = self.probes(Drawn(place, PLAIN, folder), PLAIN)
        return self._plain[place]

    def reached(self) -> list[str]:
        """What the pages asked for, besides what they are made of."""
        return [url for url in self.asked if not url.startswith("blob:")] + self.sink.hits

    def _page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("dialog", lambda dialog: self.page_errors.append(f"dialog {dialog.message}"))
        return page
