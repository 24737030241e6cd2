"""The rehearsal: a rule-based stand-in that speaks the Messages API, for a newcomer without a key and for tests.

It is no language model. Its conductor takes a guide's pattern and lays out that graph; its workers call the real tools
with fixed recipes and report the numbers that came back. It decides by the request alone, waits for nothing, and
states no figure that a tool did not give it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

__all__ = ["rehearsal_client"]


def rehearsal_client() -> httpx2.AsyncClient:
    """An HTTP client for `AsyncAnthropic(http_client=…)` whose every request the rehearsal answers, offline."""
    import httpx2

    from conductor_magic.models.rehearsal.transport import RehearsalTransport

    return httpx2.AsyncClient(transport=RehearsalTransport())
