"""A small real HTTP server on loopback that speaks the streaming Messages API, with faults on demand.

::

    with MessagesServer(lambda body, n: text("hello")) as server:
        ...  # point a client at server.url
        assert server.requests[0]["model"] == "claude-haiku-5-5"

It runs in a thread of its own and writes a whole reply at once unless an answer asks for delays, so that a benchmark
measures the client and not this.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Handler = Callable[[Json, int], "Answer"]
# How an answer's bytes end: well; with a close that looks clean; cut inside the chunked body; reset; in silence; never.
# Or there is no answer at all: the connection is closed, or reset, once the request has come.
# "silence" is none either: nothing comes, and the connection stays.
Ending = Literal["end", "eof", "cut", "rst", "stall", "pings", "hang up", "hang up hard", "silence"]

_PIECE = 24
_MODEL_PAGE = 2
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_PING_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """What the server says to one request: a reply made of blocks, an HTTP status with JSON, or raw bytes.

    Raw bytes are an event stream, or with another status than 200 a whole body; `bytewise` sends each in a piece of its
    own. `beat` is what goes on coming with `then="pings"`.
    """

    blocks: tuple[Json, ...] = ()
    stop_reason: str | None = None
    usage: Json | None = None
    status: int = 200
    body: Json | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    then: Ending = "end"
    first_seconds: float = 0.0
    between_seconds: float = 0.0
    beat: bytes = _PING
    bytewise: bool = False


def text(words: str, **options: Any) -> Answer:
    """A reply of one text block."""
    return Answer(blocks=({"type": "text", "text": words},), **options)


def tools(*calls: tuple[str, Json], words: str = "", prefix: str = "toolu", **options: Any) -> Answer:
    """A reply that calls tools, each given as (name, input)."""
    said: tuple[Json, ...] = ({"type": "text", "text": words},) if words else ()
    made = [
        {"type": "tool_use", "id": f"{prefix}_{place}", "name": name, "input": arguments}
        for place, (name, arguments) in enumerate(calls, 1)
    ]
    return Answer(blocks=(*said, *made), **options)


def error(status: int, kind: str, message: str = "no", **headers: str) -> Answer:
    """An HTTP error with the API's error object; `retry_after="1"` becomes the header `retry-after`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"type": "error", "error": {"type": kind, "message": message}}, headers=named)


def sse(event: Json) -> bytes:
    """One event of a stream."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def events(answer: Answer, *, model: str = "claude-haiku-5-5", prompt_bytes: int = 400) -> list[bytes]:
    """The stream of an answer made of blocks, an item for each event, as the API sends it."""
    size = len(json.dumps(answer.blocks))
    usage = {"input_tokens": max(1, prompt_bytes // 4), "output_tokens": max(1, size // 4), **(answer.usage or {})}
    stop_reason = answer.stop_reason or (
        "tool_use" if any(block["type"] == "tool_use" for block in answer.blocks) else "end_turn"
    )
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    made: list[Json] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for index, block in enumerate(answer.blocks):
        start, deltas = _opened(block)
        made.append({"type": "content_block_start", "index": index, "content_block": start})
        made += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        made.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    made.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}})
    made.append({"type": "message_stop"})
    return [sse(event) for event in made]


def _opened(block: Json) -> tuple[Json, list[Json]]:
    """How a block starts in a stream, and the deltas that complete it."""
    if block["type"] == "text":
        cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or ()]
        start = {**block, "text": "", **({"citations": []} if cited else {})}
        return start, [*cited, *({"type": "text_delta", "text": piece} for piece in _pieces(block["text"]))]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
        signature = {"type": "signature_delta", "signature": block.get("signature", "")}
        return {**block, "thinking": "", "signature": ""}, [*deltas, signature]
    if block["type"] in ("tool_use", "server_tool_use"):
        pieces = ["", *_pieces(json.dumps(block["input"]))]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block, []


def _pieces(whole: str) -> Iterable[str]:
    return (whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE))


class MessagesServer:
    """The server; use it as a context manager.

    Attributes:
        url: its address, for `ANTHROPIC_BASE_URL`.
        requests: the body of every message request, in the order of arrival.
        headers: the headers of each of these, names in lower case.
        peak: the most message requests that were open at one instant.
        models: what `/v1/models` lists, two to a page; None for a server without it.
    """

    def __init__(self, handler: Handler, *, models: list[Json] | None = None) -> None:
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.peak = 0
        self.models = models
        self.url = ""
        self._handler = handler
        self._open = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"
        return self

    def __exit__(self, *exc: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until somebody closes it."""
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection may serve another."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        if method == "GET":
            writer.write(self._model_page(target))
            return True
        body = json.loads(data)
        self.requests.append(body)
        self.headers.append(headers)
        self._open += 1
        self.peak = max(self.peak, self._open)
        try:
            answer = self._handler(body, len(self.requests))
            return await self._send(answer, body, len(data), reader, writer)
        finally:
            self._open -= 1

    async def _send(
        self, answer: Answer, body: Json, size: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if answer.first_seconds:
            await asyncio.sleep(answer.first_seconds)
        if answer.then.startswith("hang up"):
            return _close(writer, hard=answer.then == "hang up hard")
        if answer.then == "silence":
            await reader.read(1)
            return False
        if answer.status != 200 or answer.body is not None:
            writer.write(_whole(answer.status, answer.body or {}, answer.headers, answer.raw))
            return True
        chunked = answer.then != "eof"
        framing = "transfer-encoding: chunked" if chunked else "connection: close"
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        kind = "" if "content-type" in answer.headers else "content-type: text/event-stream; charset=utf-8\r\n"
        pieces = [answer.raw] if answer.raw is not None else events(answer, model=body["model"], prompt_bytes=size)
        if answer.bytewise and answer.raw is not None:
            pieces = [answer.raw[place : place + 1] for place in range(len(answer.raw))]
        framed = [b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece for piece in pieces if piece]
        head = f"HTTP/1.1 200 OK\r\n{kind}{extra}{framing}\r\n\r\n".encode()
        if answer.between_seconds:
            writer.write(head)
            for piece in framed:
                writer.write(piece)
                await asyncio.sleep(answer.between_seconds)
        else:
            writer.write(head + b"".join(framed))
        if answer.then == "end":
            writer.write(b"0\r\n\r\n")
            return True
        await writer.drain()
        if answer.then == "stall":
            await reader.read(1)
        while answer.then == "pings":
            writer.write(b"%x\r\n%b\r\n" % (len(answer.beat), answer.beat))
            await writer.drain()
            await asyncio.sleep(_PING_SECONDS)
        return _close(writer, hard=answer.then == "rst")

    def _model_page(self, target: str) -> bytes:
        url = urlsplit(target)
        if url.path != "/v1/models" or self.models is None:
            return _whole(404, {"type": "error", "error": {"type": "not_found_error", "message": url.path}}, {})
        after = parse_qs(url.query).get("after_id")
        ids = [model["id"] for model in self.models]
        start = ids.index(after[0]) + 1 if after else 0
        page = self.models[start : start + _MODEL_PAGE]
        more = start + _MODEL_PAGE < len(self.models)
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return _whole(200, {"data": page, "has_more": more, **ends}, {})


def _close(writer: asyncio.StreamWriter, *, hard: bool) -> bool:
    """End a connection; returns False, as it serves no other request."""
    if hard:
        # Lingering for zero seconds makes the close a reset.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def _whole(status: int, body: Json, headers: dict[str, str], raw: bytes | None = None) -> bytes:
    """A response with a JSON body, or raw bytes, and its length."""
    data = json.dumps(body).encode() if raw is None else raw
    lines = {"content-type": "application/json", "content-length": str(len(data)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Answer\r\n{head}\r\n".encode() + data
