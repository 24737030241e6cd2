"""What is set aside for a request before it leaves, and what of it stays so when its reply is lost. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conductor_magic.lost import most_output
from conductor_magic.models.anthropic.prices import cost
from conductor_magic.models.base import Json, Request

__all__ = ["Reserved"]

_PROMPT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""What a server says of a prompt as the reply begins."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A request for which there is room.

    Attributes:
        request: as it leaves, its `max_tokens` as large as the caps allow.
        bound: the most tokens that its prompt can have.
        worst: tokens of a reply -> the most USD that the request costs with it; None when no price is known.
    """

    request: Request
    bound: int
    worst: Callable[[int], float | None]

    @property
    def usd(self) -> float | None:
        """The most USD that it can cost."""
        return self.worst(self.request.max_tokens)

    @property
    def tokens(self) -> int:
        """The most tokens that it can use."""
        return self.bound + self.request.max_tokens

    @property
    def reply_usd(self) -> float | None:
        """The part of `usd` that the reply has."""
        usd, prompt = self.usd, self.worst(0)
        return None if usd is None or prompt is None else usd - prompt

    def lost(self, seconds: float, heard: int, usage: Json | None = None) -> tuple[float | None, int]:
        """USD and tokens that it may be billed when its reply broke off after so long.

        Args:
            seconds: since it left.
            heard: tokens of the reply that came, at most.
            usage: what the server said of its prompt before, if anything.
        """
        output = most_output(self.request.max_tokens, seconds, heard)
        prompt = sum((usage or {}).get(name) or 0 for name in _PROMPT)
        usd = cost(self.request.model, {**usage, "output_tokens": output}) if usage and prompt else None
        if usd is None or self.usd == 0.0:
            return self.worst(output), self.bound + output
        return usd, prompt + output
