"""A server's own account of what it was sent: tokens of each prompt and reply, and what of a prompt its cache had.

It counts the bodies that came over the wire and knows nothing of what a report makes of them. As with the API, a cache
is one model's, holds prefixes that end at a mark, and is found from any mark of a later request.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from tests.support.conversation import blocks_of
from tests.support.messages_server import Answer

__all__ = ["Counting", "by_bytes", "by_words"]

Json = dict[str, Any]


def by_bytes(text: str) -> int:
    """Three and a half bytes to a token."""
    return round(len(text.encode()) / 3.5)


def by_words(text: str) -> int:
    """As tokenizers do it, more or less: pieces of words, digits by threes, each sign, each stretch of white space."""
    return len(re.findall(r"[^\W\d]{1,6}|\d{1,3}|\s+|[^\w\s]", text))


@dataclass
class Counting:
    """A handler that answers as `floor` does and adds the usage.

    Attributes:
        floor: who answers.
        tokens: text -> its tokens.
        counted: the usage of each request that was answered, in order.
    """

    floor: Callable[[Json, int], Answer]
    tokens: Callable[[str], int] = by_bytes
    counted: list[Json] = field(default_factory=list[Json])
    _cached: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: Json, number: int) -> Answer:
        answer = self.floor(body, number)
        if answer.status != 200:
            return answer
        with self._lock:
            usage = self._usage(body) | {"output_tokens": self.tokens(json.dumps(answer.blocks, ensure_ascii=False))}
            self.counted.append(usage)
        return replace(answer, usage=usage)

    def _usage(self, body: Json) -> Json:
        known = self._cached.setdefault(body["model"], set())
        digest, total, read, written = sha256(), 0, 0, 0
        fresh: list[str] = []
        messages = [{"role": message["role"], **block} for message in body["messages"] for block in blocks_of(message)]
        for piece in [*body["tools"], *body.get("system", ()), *messages]:
            text = json.dumps({name: piece[name] for name in piece if name != "cache_control"}, ensure_ascii=False)
            digest.update(text.encode())
            total += self.tokens(text)
            if "cache_control" in piece:
                prefix = digest.hexdigest()
                fresh.append(prefix)
                written = total
                read = total if prefix in known else read
        known.update(fresh)
        return {
            "input_tokens": total - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written - read,
        }
