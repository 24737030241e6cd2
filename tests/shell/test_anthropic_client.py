"""The client against real servers on loopback: what it sends, and what it makes of every fault."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from conductor_magic.errors import BrokenStream, ModelError, RequestRefused, Unreachable
from conductor_magic.models.anthropic.client import AnthropicModel, credentials_present, with_cache_marks
from conductor_magic.models.anthropic.faults import fault_of_exception, retry_after_seconds
from conductor_magic.models.base import Reply, Request
from conductor_magic.unreadable import is_unreadable
from tests.support.messages_server import Answer, MessagesServer, error, events, sse, text, tools

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

MARK = {"cache_control": {"type": "ephemeral"}}
REQUEST = Request(
    model="claude-haiku-5-5",
    system=({"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be right."}),
    tools=({"name": "Bash", "description": "Run a command.", "input_schema": {"type": "object"}},),
    messages=({"role": "user", "content": "Hello"},),
    max_tokens=1000,
)


def ask(url: str, request: Request = REQUEST, **options: Any) -> Reply:
    """One attempt at a server, on a client of its own."""
    on_text = options.pop("on_text", None)

    async def attempt() -> Reply:
        model = AnthropicModel(**{"api_key": "key", "base_url": url, **options})
        try:
            return await model.send(request, on_text)
        finally:
            await model.aclose()

    return asyncio.run(attempt())


def failure(answer: Answer, **options: Any) -> ModelError:
    """The error of one attempt at a server that gives this answer; there is exactly one request."""
    with MessagesServer(lambda _body, _n: answer) as server:
        with pytest.raises(ModelError) as caught:
            ask(server.url, **options)
        assert len(server.requests) == 1
    return caught.value


def test_a_tool_call_comes_back_whole() -> None:
    """A streamed reply with text and a tool call arrives; the text is shown as it comes."""
    shown: list[str] = []
    with MessagesServer(lambda _body, _n: tools(("Bash", {"command": "ls"}), words="Looking.")) as server:
        reply = ask(server.url, on_text=shown.append)
    assert "".join(shown) == reply.text == "Looking."
    assert reply.tool_calls == ({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},)
    assert (reply.stop_reason, reply.model) == ("tool_use", "claude-haiku-5-5")


def test_what_is_on_the_wire() -> None:
    """The body has the request's parts with cache marks, a schema as output format, and streaming on."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with MessagesServer(lambda _body, _n: text("ok")) as server:
        ask(server.url, replace(REQUEST, schema=schema))
        body, headers = server.requests[0], server.headers[0]
    assert body == {
        "model": "claude-haiku-5-5",
        "max_tokens": 1000,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be right.", **MARK}],
        "tools": list(REQUEST.tools),
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello", **MARK}]}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    assert (headers["authorization"], headers["content-type"]) == ("Bearer key", "application/json")
    assert "anthropic-version" in headers


def test_cache_marks() -> None:
    """Marks go to the stable prefix and the last two user messages, never onto empty text or thinking.

    What has none any more is otherwise what it was: a text of ours is a block with and without.
    """
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": "1"}, {"type": "text", "text": ""}]
    history = (
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "y"}]},
        {"role": "user", "content": blocks},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "three"}]},
    )
    given = replace(REQUEST, system=(), messages=history)
    before = repr(given)
    marked = with_cache_marks(given)
    assert repr(given) == before
    assert marked.tools == ({**REQUEST.tools[0], **MARK},)
    assert marked.messages == (
        {"role": "user", "content": [{"type": "text", "text": "one"}]},
        history[1],
        {"role": "user", "content": [{**blocks[0], **MARK}, blocks[1]]},
        history[3],
        {"role": "user", "content": [{"type": "text", "text": "three", **MARK}]},
    )


@pytest.mark.parametrize(
    ("answer", "expected", "kind", "status", "retry_after"),
    [
        (error(429, "rate_limit_error", retry_after="7"), Unreachable, "rate_limited", 429, 7.0),
        (error(429, "rate_limit_error", retry_after_ms="250"), Unreachable, "rate_limited", 429, 0.25),
        (error(429, "rate_limit_error", x_should_retry="false"), RequestRefused, "rate_limited", 429, None),
        (error(529, "overloaded_error"), Unreachable, "overloaded", 529, None),
        (error(500, "api_error"), Unreachable, "server_error", 500, None),
        (Answer(status=502, body={"oops": 1}), Unreachable, "server_error", 502, None),
        (error(504, "timeout_error"), Unreachable, "timeout", 504, None),
        (error(408, "whatever"), Unreachable, "timeout", 408, None),
        (error(400, "invalid_request_error"), RequestRefused, "invalid_request", 400, None),
        (
            error(400, "invalid_request_error", "prompt is too long: 1000001 tokens > 1000000 maximum"),
            RequestRefused,
            "context_too_long",
            400,
            None,
        ),
        (error(413, "request_too_large", "prompt is too long"), RequestRefused, "context_too_long", 413, None),
        (error(413, "request_too_large"), RequestRefused, "context_too_long", 413, None),
        (Answer(status=413, body={}), RequestRefused, "context_too_long", 413, None),
        (
            error(400, "invalid_request_error", "input is too long", x_should_retry="true"),
            RequestRefused,
            "context_too_long",
            400,
            None,
        ),
        (error(402, "billing_error"), RequestRefused, "billing", 402, None),
        (
            error(400, "invalid_request_error", "Model claude-x was retired"),
            RequestRefused,
            "unknown_model",
            400,
            None,
        ),
        (
            error(400, "invalid_request_error", "This model does not take images"),
            RequestRefused,
            "invalid_request",
            400,
            None,
        ),
        (
            error(400, "invalid_request_error", "Your credit balance is too low"),
            RequestRefused,
            "billing",
            400,
            None,
        ),
        (error(401, "authentication_error"), RequestRefused, "authentication", 401, None),
        (error(403, "permission_error"), RequestRefused, "authentication", 403, None),
        (error(403, "permission_error", "no access to model claude-nix"), RequestRefused, "unknown_model", 403, None),
        (error(404, "not_found_error", "model: claude-nix"), RequestRefused, "unknown_model", 404, None),
        (error(404, "not_found_error", "no such path"), RequestRefused, "not_found", 404, None),
        (Answer(body={"ok": True}), BrokenStream, "not_a_stream", 200, None),
        (Answer(raw=b"<html>", headers={"content-type": "text/html"}), BrokenStream, "not_a_stream", 200, None),
        (Answer(raw=b"<html>hello</html>\n\n"), BrokenStream, "truncated", None, None),
    ],
)
def test_http_answers(
    answer: Answer, expected: type[ModelError], kind: str, status: int | None, retry_after: float | None
) -> None:
    """Each HTTP answer that is no good reply is one named error, and says whether a retry may help."""
    fault = failure(answer)
    assert (type(fault), fault.kind, fault.status, fault.retry_after) == (expected, kind, status, retry_after)
    assert fault.retryable is (expected is not RequestRefused)


def test_error_event_after_http_200() -> None:
    """HTTP 200 with an error event is classified by the body, with the usage before it."""
    body = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    fault = failure(Answer(raw=events(text("x"))[0] + body))
    assert (type(fault), fault.kind, fault.retryable) == (Unreachable, "overloaded", True)
    assert fault.usage == {"input_tokens": 100, "output_tokens": 1}


@pytest.mark.parametrize(
    ("then", "expected", "kind"),
    [("eof", BrokenStream, "truncated"), ("cut", Unreachable, "reset"), ("rst", Unreachable, "reset")],
)
def test_a_connection_that_ends_early(then: Any, expected: type[ModelError], kind: str) -> None:
    """A clean-looking end, a cut body and a reset inside a tool call each fail the attempt and keep the usage."""
    half = b"".join(events(tools(("Bash", {"command": "rm -rf /tmp/x"})))[:-4])
    fault = failure(Answer(raw=half, then=then))
    assert (type(fault), fault.kind, fault.retryable) == (expected, kind, True)
    assert fault.usage["input_tokens"] == 100


@pytest.mark.parametrize("then", ["hang up", "hang up hard"])
def test_a_connection_that_ends_before_the_reply(then: Any) -> None:
    """No answer at all to a request that arrived is a reset; it is not mistaken for a request that was never sent."""
    fault = failure(Answer(then=then))
    assert (type(fault), fault.kind, fault.status) == (Unreachable, "reset", None)


def test_a_stall_ends_the_attempt() -> None:
    """A server that goes silent in the middle is left after the stall time."""
    fault = failure(Answer(raw=events(text("x"))[0], then="stall"), stall_seconds=0.2)
    assert (type(fault), fault.kind, fault.retryable) == (Unreachable, "stalled", True)
    assert fault.usage["input_tokens"] == 100


@pytest.mark.parametrize(
    "beat",
    [
        b"event: ping\ndata: {}\n\n",
        b": keep-alive\n\n",
        b"no end of a line",
        sse({"type": "zorp"}),
        sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ""}}),
        sse({"type": "message_delta", "delta": {"stop_reason": None}}),
    ],
)
def test_endless_signs_of_life_end_the_attempt(beat: bytes) -> None:
    """They keep a connection but not a reply: after the quiet time the attempt ends."""
    begun = b"".join(events(text("x"))[:3])
    fault = failure(Answer(raw=begun, then="pings", beat=beat), quiet_seconds=0.2)
    assert (type(fault), fault.kind, fault.retryable) == (Unreachable, "stalled", True)


def test_nobody_listens() -> None:
    """A closed port is unreachable, not a crash."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        ask(f"http://127.0.0.1:{port}")
    assert (caught.value.kind, caught.value.retryable) == ("connect_failed", True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """The prompt is not posted again to where a redirect points, and the message names the place."""
    with MessagesServer(lambda _body, _n: text("stolen")) as thief:
        fault = failure(Answer(status=status, body={}, headers={"location": f"{thief.url}/v1/messages"}))
        assert thief.requests == []
    assert (type(fault), fault.kind, fault.retryable) == (RequestRefused, "redirect", False)
    assert thief.url in str(fault)


def test_a_server_that_keeps_the_connection_open() -> None:
    """After message_stop the reply is complete, whether or not the server closes."""
    raw = b"".join(events(text("done")))
    with MessagesServer(lambda _body, _n: Answer(raw=raw, then="stall")) as server:
        assert ask(server.url, stall_seconds=5).text == "done"


def test_a_broken_watcher_does_not_break_the_reply() -> None:
    """An exception in `on_text` is swallowed and the reply arrives."""

    def broken(_text: str) -> None:
        raise ZeroDivisionError

    with MessagesServer(lambda _body, _n: text("all the same")) as server:
        assert ask(server.url, on_text=broken).text == "all the same"


def test_text_that_cannot_be_sent() -> None:
    """Half a surrogate pair has no bytes: refused by name, nothing sent."""
    with MessagesServer(lambda _body, _n: text("ok")) as server:
        with pytest.raises(RequestRefused) as caught:
            ask(server.url, replace(REQUEST, messages=({"role": "user", "content": "\ud800"},)))
        assert (caught.value.kind, server.requests) == ("invalid_request", [])


def test_an_injected_transport_takes_the_same_path() -> None:
    """A transport in place of the network answers through the same client and parser."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        stream = b"".join(events(text("from the stand-in")))
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    reply = ask("http://rehearsal.invalid", http_client=client)
    assert (reply.text, [str(request.url) for request in seen]) == (
        "from the stand-in",
        ["http://rehearsal.invalid/v1/messages"],
    )


def test_a_cancelled_request_gives_its_connection_back() -> None:
    """Cancelling in the middle of a reply ends at once and leaves the client usable."""

    arrived = threading.Event()

    def answer(_body: Any, n: int) -> Answer:
        arrived.set()
        return Answer(raw=events(text("x"))[0], then="stall") if n == 1 else text("second")

    async def scenario(url: str) -> str:
        model = AnthropicModel(api_key="key", base_url=url)
        first = asyncio.ensure_future(model.send(REQUEST))
        assert await asyncio.to_thread(arrived.wait, 10)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        reply = await model.send(REQUEST)
        await model.aclose()
        await model.aclose()
        return reply.text

    with MessagesServer(answer) as server:
        assert asyncio.run(scenario(server.url)) == "second"


def test_connections_are_reused_and_many_at_once() -> None:
    """Forty requests on one client, eight at a time, all arrive, and eight really were open together."""

    async def scenario(server: MessagesServer) -> list[str]:
        model = AnthropicModel(api_key="key", base_url=server.url)
        slots = asyncio.Semaphore(8)

        async def one() -> str:
            async with slots:
                return (await model.send(REQUEST)).text

        texts = await asyncio.gather(*(one() for _ in range(40)))
        await model.aclose()
        return texts

    with MessagesServer(lambda _body, _n: text("ok", first_seconds=0.02)) as server:
        assert asyncio.run(scenario(server)) == ["ok"] * 40
        assert (len(server.requests), server.peak) == (40, 8)


def test_base_url_from_the_environment_needs_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With only ANTHROPIC_BASE_URL set, a placeholder key is sent there."""
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with MessagesServer(lambda _body, _n: text("local")) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        assert ask(server.url, api_key=None, base_url=None).text == "local"
        assert server.headers[0]["authorization"] == "Bearer placeholder"


def test_no_credential_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any credential the attempt is refused as an authentication matter, before anything is sent."""
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with MessagesServer(lambda _body, _n: text("ok")) as server:
        with pytest.raises(RequestRefused) as caught:
            ask(server.url, api_key=None)
        assert (caught.value.kind, server.requests) == ("authentication", [])


def test_credentials_present(tmp_path: Path) -> None:
    """Provider `auto` finds each kind of credential that the SDK knows, and no other."""
    bare = {"HOME": str(tmp_path)}
    federation = {"ANTHROPIC_FEDERATION_RULE_ID": "r", "ANTHROPIC_ORGANIZATION_ID": "o"}
    assert not credentials_present(bare)
    assert not credentials_present({**bare, "ANTHROPIC_API_KEY": ""})
    assert not credentials_present({**bare, **federation})
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE"):
        assert credentials_present({**bare, name: "x"})
    assert credentials_present({**bare, **federation, "ANTHROPIC_IDENTITY_TOKEN_FILE": "/token"})
    folder = tmp_path / ".config" / "anthropic"
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "work.json").write_text("{}")
    assert not credentials_present(bare)
    (folder / "active_config").write_text("work\n")
    assert credentials_present(bare)
    assert not credentials_present({"HOME": "/nowhere"})
    assert credentials_present({"HOME": "/nowhere", "ANTHROPIC_CONFIG_DIR": str(folder)})
    (folder / "active_config").write_text("../configs/work")
    assert not credentials_present(bare)


def test_asking_for_credentials_does_not_load_the_sdk() -> None:
    """The module and `credentials_present` leave the SDK, its HTTP stack and pydantic unloaded."""
    code = (
        "import sys; from conductor_magic.models.anthropic.client import credentials_present; credentials_present({});"
        "import conductor_magic.models.anthropic.tiers, conductor_magic.models.anthropic.prices;"
        "print([name for name in ('anthropic','httpx2','aiohttp','pydantic','genai_prices') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:40 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and HTTP dates are understood; anything else is no wish."""
    assert retry_after_seconds(headers, now=60.0) == seconds


@pytest.mark.parametrize(
    "raised", [AssertionError("x"), IndexError(), KeyError("a"), ValueError("json"), OSError(5, "io")]
)
@pytest.mark.parametrize("reading", [True, False])
def test_raw_surprises_become_our_errors(raised: Exception, reading: bool) -> None:
    """Whatever the SDK or a transport lets through is one of our errors."""
    assert isinstance(fault_of_exception(raised, reading=reading), ModelError)


def test_an_independent_server_streams_a_tool_call(llmock: LLMock) -> None:
    """llmock, a server that is not ours, streams a tool call through ANTHROPIC_BASE_URL."""
    llmock.call_tool("Bash", {"command": "ls -la"})
    reply = ask("", base_url=None, api_key=None)
    assert [(call["name"], call["input"]) for call in reply.tool_calls] == [("Bash", {"command": "ls -la"})]
    assert reply.usage.context_tokens > 0


def test_an_independent_server_breaks_its_streams(llmock: LLMock) -> None:
    """llmock's own faults are found out: a truncated stream, arguments that are no JSON, a refusal with a wait."""
    llmock.truncate(after_chunks=3)
    with pytest.raises(BrokenStream):
        ask("", base_url=None, api_key=None)
    llmock.break_tool_call("malformed_arguments")
    (call,) = ask("", base_url=None, api_key=None).tool_calls
    assert is_unreadable(call["input"])
    llmock.rate_limit(times=1, retry_after=0.5)
    with pytest.raises(Unreachable) as caught:
        ask("", base_url=None, api_key=None)
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limited", 0.5)
