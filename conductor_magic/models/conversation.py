"""One model's side of a run: what was said so far, and the next request that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conductor_magic.models.anthropic.prices import estimate_tokens
from conductor_magic.models.base import Reply, Request

__all__ = ["BYTES_PER_TOKEN", "Conversation"]

Json = dict[str, Any]
BYTES_PER_TOKEN = 3
"""Of English, code and JSON: on the careful side, for guessing a size; money goes by the bound."""


@dataclass(slots=True)
class Conversation:
    """One model's side of the run: who asks, with what, and what was said so far.

    Attributes:
        by: `conductor` or the worker's id.
        model: model id.
        system: system prompt.
        tools: tool definitions, always the same ones.
        max_tokens: the most that one reply may have.
        messages: the messages so far; only appended to, but for `restart`.
        request_id: the journal's name of the latest attempt.
        aside: it stands beside the asker's own conversation and says nothing of its context.
        optional: its asker does without a reply that does not fit under a cap, which is then not reached by it.
        compaction: what its provider is to write when it is to compact the conversation instead of answering, or None.
    """

    by: str
    model: str
    system: str
    tools: tuple[Json, ...]
    max_tokens: int
    messages: list[Json] = field(default_factory=list)
    request_id: str = ""
    aside: bool = False
    optional: bool = False
    compaction: str | None = None
    _counted_messages: int = 0
    _counted_tokens: int = 0
    _counted_by: str = ""

    def say(self, content: str | list[Json]) -> None:
        """Append a user message."""
        self.messages.append({"role": "user", "content": content})

    def heard(self, reply: Reply, model: str) -> None:
        """Append the reply of the model that was asked; remember how many tokens the provider counted up to here."""
        if reply.content:
            # The API refuses an empty message; what was cut off whole leaves nothing to send back.
            self.messages.append({"role": "assistant", "content": list(reply.content)})
        if reply.usage.context_tokens:
            self._counted_tokens = reply.usage.context_tokens + reply.usage.output_tokens
            self._counted_messages = len(self.messages)
            self._counted_by = model

    def restart(self, messages: Sequence[Json]) -> None:
        """Go on from another history."""
        self.messages[:] = messages
        self._counted_messages = self._counted_tokens = 0

    def beside(self, text: str, max_tokens: int) -> Conversation:
        """The same conversation with one more message, whose reply is no part of this one and can be done without."""
        other = replace(self, max_tokens=max_tokens, messages=[*self.messages], aside=True, optional=True)
        other.say(text)
        return other

    def to_compact(self, instructions: str, max_tokens: int) -> Conversation:
        """The same conversation as a request for the provider's own summary of it, which can be done without."""
        other = replace(self, max_tokens=max_tokens, messages=[*self.messages], aside=True, optional=True)
        other.compaction = instructions
        return other

    def size(self) -> int:
        """About how many tokens the next prompt has: what the provider counted, and an estimate of the rest."""
        rest = self._estimate(self.request()) - self._counted_tokens
        return self._counted_tokens + rest // BYTES_PER_TOKEN

    def request(self) -> Request:
        """The next request."""
        system = ({"type": "text", "text": self.system},)
        return Request(self.model, system, self.tools, tuple(self.messages), self.max_tokens, None, self.compaction)

    def prompt_bound(self, request: Request) -> int:
        """An upper bound of the request's prompt tokens."""
        # Another model's tokens may be shorter, so that its count bounds nothing.
        return self._estimate(request) if request.model == self._counted_by else estimate_tokens(request)

    def _estimate(self, request: Request) -> int:
        return estimate_tokens(request, counted_messages=self._counted_messages, counted_tokens=self._counted_tokens)
