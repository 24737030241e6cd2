"""The model seam: one request in, one whole reply out, or a `ModelError`.

A `Model` makes exactly one attempt per call: retries, rate limits, budgets and events belong to
`models.calls`, so that each attempt is recorded and all workers share one limiter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Json", "Model", "Reply", "Request", "Usage", "tool_result"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One Messages API request, in the API's own shapes.

    Attributes:
        model: the model id.
        system: text blocks of the system prompt; the stable prefix, cached by the provider.
        tools: tool definitions (`name`, `description`, `input_schema`); only these may be called back.
        messages: the conversation so far.
        max_tokens: the most tokens the reply may have.
        schema: a JSON schema that the reply's text must follow, or None.
        compaction: instructions for the provider's own summary of the messages, which then is the whole reply, or None.
    """

    model: str
    system: tuple[Json, ...]
    tools: tuple[Json, ...]
    messages: tuple[Json, ...]
    max_tokens: int
    schema: Json | None = None
    compaction: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as the provider counted them (`input_tokens` excludes the cached ones, as in the API)."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def context_tokens(self) -> int:
        """Tokens of the whole prompt: fresh, read from and written to the cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that ended well: its stream was whole, its blocks closed, its JSON strict.

    Attributes:
        content: the blocks as the API gave them (text, thinking, tool_use, …), ready to be sent back unchanged.
        stop_reason: `end_turn`, `tool_use`, `max_tokens`, `pause_turn`, `refusal`, `stop_sequence`,
            `model_context_window_exceeded` or `compaction`.
        usage: what it cost in tokens.
        model: the model that answered.
        estimated: the token counts are estimates (a rehearsal), not a provider's count.
        raw_usage: the API's own usage object, for pricing.
    """

    content: tuple[Json, ...]
    stop_reason: str
    usage: Usage
    model: str
    estimated: bool = False
    raw_usage: Json = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The reply's text blocks, joined."""
        return "".join(block["text"] for block in self.content if block.get("type") == "text")

    @property
    def answer(self) -> str:
        """Its text where nobody asks for more: none of a model that refused, and marked where it was cut."""
        if self.stop_reason == "refusal" or not self.text.strip():
            return ""
        cut = self.stop_reason in ("max_tokens", "model_context_window_exceeded")
        return f"{self.text.rstrip()} [cut]" if cut else self.text

    @property
    def broke_off(self) -> bool:
        """Whether more of it is to come in the next reply: the provider paused, or it met `max_tokens`."""
        return self.stop_reason in ("pause_turn", "max_tokens")

    @property
    def tool_calls(self) -> tuple[Json, ...]:
        """The tool_use blocks that may be run: none unless the reply stopped for them."""
        if self.stop_reason != "tool_use":
            return ()
        return tuple(block for block in self.content if block.get("type") == "tool_use")


class Model(Protocol):
    """What the engine needs of a provider."""

    async def send(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Make one attempt.

        Args:
            request: what to send.
            on_text: called with each piece of text as it streams, and with none (`""`) when the reply grew by
                something else, as by a tool's input; for the live board only, never recorded.

        Raises:
            ModelError: the attempt failed; nothing of the reply may be acted on.
        """
        ...

    async def renew(self) -> None:
        """Look for the credential anew, for the requests that follow.

        Raises:
            RequestRefused: the one that is there now cannot be used.
        """
        ...

    async def aclose(self) -> None:
        """Give back sockets; idempotent."""
        ...


def tool_result(call: Json, content: str | list[Json], *, is_error: bool) -> Json:
    """The block that answers a tool call in the next user message."""
    result: Json = {"type": "tool_result", "tool_use_id": call["id"], "content": content}
    if is_error:
        result["is_error"] = True
    return result
