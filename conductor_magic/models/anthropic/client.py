"""One attempt of one request to Claude, or to a server that speaks its Messages API.

The SDK's client gives addresses, credentials, headers and connections. Its typed stream does not come along: we
post the bytes of the request, and `ReplyReader` reads the raw bytes of the answer. That costs about a quarter of
the CPU of `client.messages.stream()` for a short reply, and a reply that did not end well cannot pass as a good one.

Importing this module does not import the SDK (1.5 s of CPU); making an `AnthropicModel` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conductor_magic.errors import BrokenStream, ModelError, RequestRefused, Unreachable
from conductor_magic.models.anthropic.faults import fault_of_exception
from conductor_magic.models.anthropic.stream import ReplyReader
from conductor_magic.models.base import Json, Reply, Request

if TYPE_CHECKING:
    import ssl

    import httpx2
    from anthropic import AsyncAnthropic

__all__ = ["AnthropicModel", "credential_to_renew", "credentials_present", "with_cache_marks"]

_CACHE_MARK = {"cache_control": {"type": "ephemeral"}}
# The API refuses a mark on other blocks, and on an empty text.
_MARKABLE = frozenset({"text", "image", "document", "tool_use", "tool_result"})
_CONNECT_SECONDS = 10.0
_STALL_SECONDS = 120.0
_QUIET_SECONDS = 600.0
_DRAIN_SECONDS = 0.25
_CLOSE_SECONDS = 1.0
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_COMPACTION_BETA = "compact-2026-09-04"
# For servers on ANTHROPIC_BASE_URL that ask for no key; the SDK sends nothing without one.
_PLACEHOLDER_KEY = "placeholder"


class AnthropicModel:
    """A `Model` over `anthropic.AsyncAnthropic`; `client` is that client."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        http_client: httpx2.AsyncClient | None = None,
        stall_seconds: float = _STALL_SECONDS,
        quiet_seconds: float = _QUIET_SECONDS,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Import the SDK and make its client; nothing is sent.

        Args:
            api_key: the key; else the SDK finds a credential in the environment or its profile.
            base_url: the server's address; else `ANTHROPIC_BASE_URL`, else the SDK's default.
            http_client: an httpx2 client whose transport answers instead of the network; closed by `aclose`.
            stall_seconds: the longest silence between two pieces of a reply.
            quiet_seconds: the longest time in which something comes and nothing of the reply is in it.
            environ: where to look for a credential before a placeholder is sent.

        Raises:
            RequestRefused: the credential or the certificates that the environment names cannot be used.
        """
        self._api_key, self._base_url, self._http_client, self._environ = api_key, base_url, http_client, environ
        self._stall_seconds, self._quiet_seconds = stall_seconds, quiet_seconds
        self._former: list[AsyncAnthropic] = []
        self.client = self._new_client()

    def _new_client(self) -> AsyncAnthropic:
        import anthropic
        import httpx2

        api_key = self._api_key
        if api_key is None and self._environ.get("ANTHROPIC_BASE_URL") and not _has_credential(self._environ):
            api_key = _PLACEHOLDER_KEY
        timeout = httpx2.Timeout(self._stall_seconds, connect=_CONNECT_SECONDS, pool=None)
        http_client = self._http_client or anthropic.DefaultAioHttpClient(
            follow_redirects=False, timeout=timeout, verify=_trusted()
        )
        try:
            return anthropic.AsyncAnthropic(
                api_key=api_key,
                base_url=self._base_url,
                max_retries=0,
                timeout=timeout,
                http_client=http_client,
            )
        except anthropic.AnthropicError as error:
            raise RequestRefused(f"The credential cannot be used: {error}", kind="authentication") from error

    async def send(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Make one attempt; see `Model.send`."""
        reader = ReplyReader()
        try:
            response = await self._post(request)
        except Exception as error:
            raise fault_of_exception(error, reading=False) from error
        try:
            self._expect_stream(response)
            await self._read(response, reader, on_text)
        except ModelError:
            raise
        except Exception as error:
            raise fault_of_exception(error, reading=True, usage=reader.usage) from error
        finally:
            # Closing waits for an upload that may never end when the server answered early.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await response.aclose()
        return reader.finish()

    async def renew(self) -> None:
        """Look for the credential anew; see `Model.renew`. The server stays the one that it was."""
        self._base_url = str(self.client.base_url)
        client = self._new_client()
        # Replies that are still coming over the former client are let come.
        self._former.append(self.client)
        self.client = client

    async def aclose(self) -> None:
        """Give back sockets; idempotent."""
        for client in (*self._former, self.client):
            await client.close()

    async def _post(self, request: Request) -> httpx2.Response:
        import anthropic
        import httpx2
        from pydantic_core import to_json

        # Bytes, not a dict: the SDK would walk the whole conversation before it writes it out (1 ms for 50 KB).
        headers, path = {"accept": "text/event-stream"}, "/v1/messages"
        if _compacts(request):
            headers["anthropic-beta"], path = _COMPACTION_BETA, "/v1/messages?beta=true"
        response: Any = await self.client.post(
            path,
            cast_to=httpx2.Response,
            content=to_json(_body(with_cache_marks(request))),
            stream=True,
            stream_cls=anthropic.AsyncStream[object],
            options={"follow_redirects": False, "headers": headers},
        )
        return response

    def _expect_stream(self, response: httpx2.Response) -> None:
        kind = response.headers.get("content-type", "nothing")
        if "text/event-stream" not in kind.lower():
            raise BrokenStream(
                f"The server at {response.url.host} answered with {kind!r} where an event stream was expected: "
                "check that ANTHROPIC_BASE_URL is the address of a Messages API.",
                kind="not_a_stream",
                status=response.status_code,
                retryable=True,
            )

    async def _read(
        self, response: httpx2.Response, reader: ReplyReader, on_text: Callable[[str], None] | None
    ) -> None:
        clock = asyncio.get_running_loop().time
        heard, progress = clock(), 0
        pieces = response.aiter_bytes()
        async for data in pieces:
            text = reader.feed(data)
            if on_text is not None and (text or reader.progress != progress):
                try:
                    on_text(text)
                except Exception:  # noqa: BLE001 - whoever watches must not be able to break the reply
                    on_text = None
            if reader.ended:
                break
            if reader.progress != progress:
                heard, progress = clock(), reader.progress
            elif clock() - heard > self._quiet_seconds:
                raise Unreachable(
                    f"The model's server sent nothing of a reply for {self._quiet_seconds:g} s, only signs of life.",
                    kind="stalled",
                    retryable=True,
                    usage=reader.usage,
                )
        if reader.ended:
            await self._drain(pieces, reader)

    async def _drain(self, pieces: AsyncIterator[bytes], reader: ReplyReader) -> None:
        """Read to the response's end, so that its connection serves again; not for long, as some servers hold it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for data in pieces:
                    reader.feed(data)


def _trusted() -> ssl.SSLContext:
    named = {name: os.environ.get(name) for name in _CERTIFICATES}
    try:
        return _tls(*named.values())
    except OSError as error:
        which = ", ".join(f"{name}={value}" for name, value in named.items() if value)
        raise RequestRefused(
            f"The certificates to trust cannot be read ({which}): {error}. Name others, or none.",
            kind="certificates",
        ) from error


@cache
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates that are trusted, read once: each client of its own would read and hold them all again."""
    import httpx2

    return httpx2.create_ssl_context()


def with_cache_marks(request: Request) -> Request:
    """The request with prompt-cache marks, at most three of the API's four; the given one is left as it is.

    Marked are the end of the stable prefix (the last system block, or the last tool where there is no system prompt)
    and the ends of the last two user messages: the newest is what the next request will read, and the one before is
    where this request reads, even when one turn brought more blocks than the API looks back over. Texts of ours are
    blocks in every request, marked or not: what was sent once is sent again byte for byte.
    """
    system, tools = request.system, request.tools
    if system:
        system = (*system[:-1], {**system[-1], **_CACHE_MARK})
    elif tools:
        tools = (*tools[:-1], {**tools[-1], **_CACHE_MARK})
    messages = list(request.messages)
    from_people = [place for place, message in enumerate(messages) if message["role"] == "user"]
    for place in from_people:
        blocks = _blocks(messages[place]["content"])
        messages[place] = {**messages[place], "content": _marked(blocks) if place in from_people[-2:] else blocks}
    return replace(request, system=system, tools=tools, messages=tuple(messages))


def _blocks(content: str | Sequence[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _marked(blocks: list[Json]) -> list[Json]:
    """The blocks with a mark on the last that can carry one."""
    blocks = list(blocks)
    for place in range(len(blocks) - 1, -1, -1):
        block = blocks[place]
        if block.get("type") in _MARKABLE and block.get("text") != "":
            blocks[place] = {**block, **_CACHE_MARK}
            break
    return blocks


def _body(request: Request) -> Json:
    """The request's body on the wire."""
    body: Json = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        "messages": request.messages,
    }
    if request.system:
        body["system"] = request.system
    if request.tools:
        body["tools"] = request.tools
    if request.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    if request.compaction is not None:
        body["compaction"] = {"type": "summarize", "instructions": request.compaction}
    return body


def _compacts(request: Request) -> bool:
    """Whether it asks for the provider's summary of its messages, or begins with one."""
    first = request.messages[0]["content"] if request.messages else ""
    return request.compaction is not None or (not isinstance(first, str) and first[0].get("type") == "compaction")


def credentials_present(environ: Mapping[str, str]) -> bool:
    """Whether provider `auto` means Claude: a key, a token, a server's address, or another credential of the SDK.

    Reads the environment and, for the SDK's active profile, at most two small files; never imports the SDK.
    """
    return bool(environ.get("ANTHROPIC_BASE_URL")) or _has_credential(environ)


def credential_to_renew(environ: Mapping[str, str]) -> str:
    """What a person sets or renews when the credential is refused, in words."""
    if environ.get("ANTHROPIC_API_KEY"):
        return "ANTHROPIC_API_KEY"
    if environ.get("ANTHROPIC_AUTH_TOKEN"):
        return "ANTHROPIC_AUTH_TOKEN"
    if environ.get("ANTHROPIC_PROFILE") or _has_profile(environ):
        return "the login of the profile that ANTHROPIC_PROFILE names, or ANTHROPIC_API_KEY"
    return "ANTHROPIC_API_KEY"


def _has_credential(environ: Mapping[str, str]) -> bool:
    if any(environ.get(name) for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE")):
        return True
    federation = environ.get("ANTHROPIC_FEDERATION_RULE_ID") and environ.get("ANTHROPIC_ORGANIZATION_ID")
    token = environ.get("ANTHROPIC_IDENTITY_TOKEN") or environ.get("ANTHROPIC_IDENTITY_TOKEN_FILE")
    return bool(federation and token) or _has_profile(environ)


def _has_profile(environ: Mapping[str, str]) -> bool:
    """Whether the SDK's active profile exists: the one that `active_config` names, else `default`."""
    given = environ.get("ANTHROPIC_CONFIG_DIR")
    home = Path(environ.get("HOME") or Path.home())
    if given:
        folder = Path(given)
    elif os.name == "nt":
        folder = Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "Anthropic"
    else:
        folder = home / ".config" / "anthropic"
    try:
        name = (folder / "active_config").read_text(encoding="utf-8").strip() or "default"
    except (OSError, UnicodeDecodeError):
        name = "default"
    try:
        return Path(name).name == name and (folder / "configs" / f"{name}.json").is_file()
    except (OSError, ValueError):
        return False
