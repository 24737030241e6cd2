"""The rehearsal as an HTTP transport: it answers the Messages API in this process, so the SDK's own path is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from conductor_magic.models.rehearsal import wire
from conductor_magic.models.rehearsal.conductor import conduct_turn
from conductor_magic.models.rehearsal.dialogue import Turn, read_dialogue
from conductor_magic.models.rehearsal.worker import work_turn

__all__ = ["MODELS", "RehearsalTransport", "reply_to"]

Json = dict[str, Any]
MODELS = {"haiku": "claude-haiku-5-5", "sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5"}
"""The ids it answers for, by line: real ones, so that a run can say what it would have cost at list price."""

_HEADERS = {"x-conductor-provider": "rehearsal", "request-id": "req_rehearsal"}


def reply_to(body: Json) -> Turn:
    """What the rehearsal answers to the body of a Messages request. The same request always gets the same reply."""
    dialogue = read_dialogue(body)
    conducting = "TaskCreate" in dialogue.tools or dialogue.first.startswith("GOAL")
    return conduct_turn(dialogue) if conducting else work_turn(dialogue)


class RehearsalTransport(httpx2.AsyncBaseTransport):
    """Answers `POST /v1/messages` (whole or streamed), `POST /v1/messages/count_tokens` and `GET /v1/models`."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; what is no known endpoint or no valid body gets the API's own error object."""
        await request.aread()
        route = (request.method, request.url.path.rstrip("/"))
        if request.method == "GET":
            return _models(request.url.path.rstrip("/").removeprefix("/v1/models"))
        if route not in (("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens")):
            return _error(404, "not_found_error", f"The rehearsal has no {route[0]} {route[1]}.")
        try:
            body = json.loads(request.content)
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return _error(400, "invalid_request_error", "The body is no JSON object with a list of messages.")
        if route[1].endswith("count_tokens"):
            return _json({"input_tokens": wire.message(body, Turn())["usage"]["input_tokens"]})
        reply = wire.message(body, reply_to(body))
        if not body.get("stream"):
            return _json(reply)
        headers = {**_HEADERS, "content-type": "text/event-stream; charset=utf-8"}
        return httpx2.Response(200, headers=headers, stream=_Stream(reply))


class _Stream(httpx2.AsyncByteStream):
    """A reply's events, one at a time, as a server would send them."""

    def __init__(self, reply: Json) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in wire.events(self._reply):
            yield event


def _models(rest: str) -> httpx2.Response:
    known = [
        {
            "type": "model",
            "id": name,
            "display_name": f"Rehearsal for {name}",
            "line": line,
            "lifecycle": "active",
            "created_at": "2026-11-01T00:00:00Z",
            "max_input_tokens": 1_000_000,
            "max_tokens": 128_000,
        }
        for line, name in MODELS.items()
    ]
    if not rest:
        return _json({"data": known, "has_more": False, "first_id": known[0]["id"], "last_id": known[-1]["id"]})
    found = next((model for model in known if model["id"] == rest.removeprefix("/")), None)
    return _json(found) if found else _error(404, "not_found_error", "The rehearsal has no such model.")


def _json(value: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, headers=_HEADERS, json=value)


def _error(status: int, kind: str, text: str) -> httpx2.Response:
    return _json({"type": "error", "error": {"type": kind, "message": text}}, status)
