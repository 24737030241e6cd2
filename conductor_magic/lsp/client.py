"""One conversation with a language server: requests and their answers, and what the server says by itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.lsp.wire import LARGEST_MESSAGE, Garbled, framed, read_message

__all__ = ["Client", "RequestFailed", "ServerDied"]

Json = dict[str, Any]

_KEPT_FILES = 2_000
"""How many files' published diagnostics are kept."""

_KEPT_PROGRESS = 100

_METHOD_NOT_FOUND = -32601
_CONTENT_MODIFIED, _SERVER_CANCELLED = -32801, -32802


class ServerDied(ToolError):
    """The server's process has ended, or what it says cannot be understood: this conversation is over."""


class RequestFailed(ToolError):
    """The server answered with an error.

    Attributes:
        code: the protocol's number for it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def unknown(self) -> bool:
        """The server does not know the request at all."""
        return self.code == _METHOD_NOT_FOUND

    @property
    def passing(self) -> bool:
        """The same request may be answered when it is sent again: a file changed meanwhile."""
        return self.code in (_CONTENT_MODIFIED, _SERVER_CANCELLED)


class Client:
    """The client's end of one conversation. Lives on one event loop.

    Args:
        output: what the server writes.
        input: what it reads.
        folder: the workspace, for servers that ask.

    Attributes:
        published: URI -> the diagnostics that the server has published for it, and the number of that publication.
        publications: how many there have been, of all files.
        progress: token -> what the server is busy with.
        finished: how many things it has been done with.
        ended: why the conversation is over, or None.
        listening: ends when the server says nothing more.
    """

    def __init__(self, output: asyncio.StreamReader, input: asyncio.StreamWriter, folder: Path) -> None:  # noqa: A002  # as in `Piped`
        self._output = output
        self._input = input
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()
        self.published: dict[str, tuple[list[Any], int]] = {}
        self.publications = 0
        self.progress: dict[str, str] = {}
        self.finished = 0
        self.ended: str | None = None
        self.listening = asyncio.ensure_future(self._listen())

    def ask(self, method: str, params: Any) -> int:
        """Send a request at once, in the order of the calls; its number, to be given to `answer`.

        Raises:
            ServerDied: the server is gone.
        """
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        self._waiting[number] = asyncio.get_running_loop().create_future()
        return number

    async def answer(self, number: int, seconds: float) -> Any:
        """Wait for the answer to a request; to be awaited once for each.

        Raises:
            ServerDied: the server goes before it answers.
            RequestFailed: it answers with an error.
            TimeoutError: it does not answer in time; it is told that nobody waits any more.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._waiting[number]
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ServerDied):
                self.tell("$/cancelRequest", {"id": number})
            raise
        finally:
            del self._waiting[number]

    def tell(self, method: str, params: Any) -> None:
        """Send something that is not answered.

        Raises:
            ServerDied: the server is gone.
        """
        self._send({"method": method, "params": params})

    async def until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds of what the server has said; False when it does not come to hold in time.

        Raises:
            ServerDied: the server is gone.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not true():
                    self._must_be_alive()
                    self._changed.clear()
                    await self._changed.wait()
        return true()

    def _must_be_alive(self) -> None:
        if self.ended is not None:
            raise ServerDied(self.ended)

    def _send(self, message: Json) -> None:
        self._must_be_alive()
        # What it does not read is kept here: a server that never reads must not fill our memory.
        if self._input.transport.get_write_buffer_size() > LARGEST_MESSAGE:
            self._over("it does not read what it is sent")
        elif self._input.is_closing():
            self._over("it has ended")
        self._must_be_alive()
        self._input.write(framed(message))

    async def _listen(self) -> None:
        """Take what the server says until it says nothing more."""
        try:
            while True:
                self._take(await read_message(self._output))
        except EOFError:
            self._over("it has ended")
        except Garbled as error:
            self._over(f"it does not speak the Language Server Protocol: it sent {error}")
        except OSError as error:
            self._over(f"its output cannot be read: {error.strerror or error}")

    def _over(self, why: str) -> None:
        if self.ended is None:
            self.ended = why
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ServerDied(self.ended))
        self._changed.set()

    def _take(self, message: Json) -> None:
        method = message.get("method")
        if isinstance(method, str):
            raw = message.get("params")
            params: Json = raw if isinstance(raw, dict) else {}
            if "id" in message:
                with contextlib.suppress(ServerDied):
                    self._send({"id": message["id"], **self._answer(method, params)})
            else:
                self._hear(method, params)
            return
        number = message.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return  # to a request that nobody waits for any more
        error = message.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            said = str(error.get("message") or "no reason given")
            answer.set_exception(RequestFailed(code if isinstance(code, int) else 0, said))
        else:
            answer.set_result(message.get("result"))

    def _answer(self, method: str, params: Json) -> Json:
        """What a request of the server gets: no settings, no edits, and a yes to what only informs."""
        items = params.get("items")
        match method:
            case "workspace/configuration":
                return {"result": [None] * (len(items) if isinstance(items, list) else 0)}
            case "workspace/workspaceFolders":
                return {"result": [{"uri": self._folder.as_uri(), "name": self._folder.name}]}
            case "workspace/applyEdit":
                return {"result": {"applied": False, "failureReason": "This client only looks."}}
            case "window/showDocument":
                return {"result": {"success": False}}
            case "client/registerCapability" | "client/unregisterCapability":
                # Only for news of files may it register late, and it gets all of them anyway.
                return {"result": None}
            case "window/workDoneProgress/create" | "window/showMessageRequest":
                return {"result": None}
        if method.startswith("workspace/") and method.endswith("/refresh"):
            return {"result": None}
        return {"error": {"code": _METHOD_NOT_FOUND, "message": f"This client has no {method}."}}

    def _hear(self, method: str, params: Json) -> None:
        if method == "textDocument/publishDiagnostics":
            self._publish(str(params.get("uri")), params.get("diagnostics"))
        elif method == "$/progress":
            self._follow(str(params.get("token")), params.get("value"))

    def _publish(self, uri: str, found: Any) -> None:
        self.published.pop(uri, None)  # so that the file published longest ago stands first
        self.publications += 1
        self.published[uri] = (found if isinstance(found, list) else [], self.publications)
        if len(self.published) > _KEPT_FILES:
            del self.published[next(iter(self.published))]
        self._changed.set()

    def _follow(self, token: str, value: Any) -> None:
        if not isinstance(value, dict):
            return
        if value.get("kind") == "end":
            self.progress.pop(token, None)
            self.finished += 1
            self._changed.set()
        elif token in self.progress or (value.get("kind") == "begin" and len(self.progress) < _KEPT_PROGRESS):
            words = [str(value[name]) for name in ("title", "message") if value.get(name)]
            if isinstance(value.get("percentage"), int):
                words.append(f"{value['percentage']} %")
            self.progress[token] = " ".join(words) or self.progress.get(token, "")
