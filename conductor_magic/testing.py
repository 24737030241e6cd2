"""Seams for tests of code built on Conductor. Nothing else here is public.

* `ScriptedModel` answers from a script instead of a provider; `model_stub` lets it, or any `Model`, answer runs.
* `web_stub` stands in for the network behind WebFetch and WebSearch: a resolver, a transport, a search.
"""

from __future__ import annotations

from conductor_magic.models.base import Reply, Request, Usage
from conductor_magic.models.scripted import ScriptedModel, text_reply, tool_reply
from conductor_magic.models.seam import model_stub
from conductor_magic.web.fetching import FetchLimits
from conductor_magic.web.searching import Found, Search
from conductor_magic.web.stub import WebStub, web_stub

__all__ = [
    "FetchLimits",
    "Found",
    "Reply",
    "Request",
    "ScriptedModel",
    "Search",
    "Usage",
    "WebStub",
    "model_stub",
    "text_reply",
    "tool_reply",
    "web_stub",
]
