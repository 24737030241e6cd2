"""The web as workers reach it: checked addresses, pinned connections, pages made fit for a model, and search."""

from __future__ import annotations

from conductor_magic.web.addresses import parse
from conductor_magic.web.fetching import Elsewhere, Fetched, Fetcher
from conductor_magic.web.pages import Page, page_of
from conductor_magic.web.seam import Web, current_web

__all__ = ["Elsewhere", "Fetched", "Fetcher", "Page", "Web", "current_web", "page_of", "parse"]
