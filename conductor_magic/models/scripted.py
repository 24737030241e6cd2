"""A `Model` that answers from a script: for tests of the engine and of code built on it, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from conductor_magic.errors import ModelError, Unreachable
from conductor_magic.models.base import Json, Reply, Request, Usage

__all__ = ["Answer", "ScriptedModel", "text_reply", "tool_reply"]

Answer: TypeAlias = "Reply | ModelError | Json | str"


class ScriptedModel:
    """Answers each request from a function, or from a list in its order.

    An answer is a `Reply`; a `ModelError`, which is raised; a string, which becomes a text reply; or a dict with
    `content` and, if wanted, `stop_reason` and `usage` in the API's shapes.

    Attributes:
        requests: every request that was sent, in order.
    """

    def __init__(self, script: Callable[[Request], Answer] | Iterable[Answer]) -> None:
        self.requests: list[Request] = []
        self._answer = script if callable(script) else _in_order(iter(script))

    async def send(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Give the script's next answer; see `Model.send`."""
        self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, ModelError):
            raise answer
        reply = answer if isinstance(answer, Reply) else _reply(answer, request.model)
        if on_text is not None and reply.text:
            on_text(reply.text)
        return reply

    async def renew(self) -> None:
        """A script needs no credential."""

    async def aclose(self) -> None:
        """Nothing to give back."""


def text_reply(text: str, *, model: str = "scripted", input_tokens: int = 100, output_tokens: int = 20) -> Reply:
    """A reply that is one text block and ends the turn."""
    return _whole([{"type": "text", "text": text}], "end_turn", model, input_tokens, output_tokens)


def tool_reply(
    *calls: tuple[str, Json],
    text: str = "",
    ids: Iterable[str] | None = None,
    model: str = "scripted",
    input_tokens: int = 100,
    output_tokens: int = 20,
) -> Reply:
    """A reply that calls tools, each given as (name, input); their ids are `call_1`, `call_2` … or those of `ids`."""
    names = list(ids) if ids is not None else [f"call_{place}" for place in range(1, len(calls) + 1)]
    content: list[Json] = [{"type": "text", "text": text}] if text else []
    for call_id, (name, arguments) in zip(names, calls, strict=True):
        content.append({"type": "tool_use", "id": call_id, "name": name, "input": arguments})
    return _whole(content, "tool_use", model, input_tokens, output_tokens)


def _whole(content: list[Json], stop_reason: str, model: str, input_tokens: int, output_tokens: int) -> Reply:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    raw = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    return Reply(tuple(content), stop_reason, usage, model, raw_usage=raw)


def _reply(answer: Json | str, model: str) -> Reply:
    """The reply that a shorthand stands for."""
    if isinstance(answer, str):
        return text_reply(answer, model=model)
    content = list(answer["content"])
    calls = any(block.get("type") == "tool_use" for block in content)
    raw = {"input_tokens": 100, "output_tokens": 20, **answer.get("usage", {})}
    usage = Usage(
        input_tokens=raw["input_tokens"],
        output_tokens=raw["output_tokens"],
        cache_read_tokens=raw.get("cache_read_input_tokens") or 0,
        cache_write_tokens=raw.get("cache_creation_input_tokens") or 0,
    )
    stop_reason = answer.get("stop_reason") or ("tool_use" if calls else "end_turn")
    return Reply(tuple(content), stop_reason, usage, model, raw_usage=raw)


def _in_order(answers: Iterator[Answer]) -> Callable[[Request], Answer]:
    def next_answer(_request: Request) -> Answer:
        # An error of the model's kind, so that the engine ends the run and says it, instead of crashing.
        return next(answers, Unreachable("The script has no more answers.", kind="script_ended"))

    return next_answer
