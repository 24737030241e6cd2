"""The one place where the web of a run is chosen: the real one, or a stand-in while a test holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from conductor_magic.web.fetching import Fetcher
from conductor_magic.web.searching import Find, keyless_search

__all__ = ["Web", "current_web", "standing_in"]


@dataclass(frozen=True, slots=True)
class Web:
    """How the workers of a run reach the web.

    Attributes:
        fetcher: gets pages.
        search: searches without the model's provider, or None where that is not installed.
    """

    fetcher: Fetcher = field(default_factory=Fetcher)
    search: Find | None = field(default_factory=keyless_search)


_stand_ins: list[Web] = []


def current_web() -> Web:
    """The web that a run which starts now works with."""
    return _stand_ins[-1] if _stand_ins else Web()


@contextmanager
def standing_in(web: Web) -> Iterator[None]:
    """Let a stand-in be the web of all runs that start meanwhile, on whatever thread."""
    _stand_ins.append(web)
    try:
        yield
    finally:
        _stand_ins.remove(web)
