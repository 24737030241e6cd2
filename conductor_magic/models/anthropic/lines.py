"""Server-sent events out of bytes that were split anywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["EventLines"]


class EventLines:
    """Takes the bytes of a stream as they come, and gives its events as soon as they are whole."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._event = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take the next bytes; gives `(event, data)` of each event that they end, those without data left out."""
        end = data.rfind(b"\n") + 1
        if not end:
            self._partial += data
            return
        whole = bytes(self._partial) + data[:end]
        self._partial = bytearray(data[end:])
        for ended in whole.split(b"\n")[:-1]:
            line = ended.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                self._event = line[6:].strip()
            elif not line:
                event, content = self._event, b"\n".join(self._data)
                self._event = b""
                self._data.clear()
                if content:
                    yield event, content
