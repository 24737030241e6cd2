"""A loopback HTTP server that must get no request: it notes whoever connects, and answers politely."""

from __future__ import annotations

import socket
import threading
from typing import Self

__all__ = ["Sink"]

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


class Sink:
    """The server; it listens from the start until it is closed.

    Attributes:
        hits: the first bytes of every connection that was made, in order.
        answer: what everybody is told.
    """

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.answer = _ANSWER
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._server.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)

        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        # A listener that is shut down wakes its `accept`; one that is only closed does not.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    asked = connection.recv(4096)
                    connection.sendall(self.answer)
                except OSError:
                    asked = b""
                self.hits.append(asked.decode("latin-1"))
