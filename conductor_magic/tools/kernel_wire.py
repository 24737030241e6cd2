"""The sockets between the engine and a worker's kernel, and the signing of what goes over them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

__all__ = ["Wire", "new_connection"]

_LONGEST_MESSAGE = 48 << 20
_LOOK_AGAIN_MS = 20
"""How often to look whether a kernel that is starting has made its sockets."""

_SOCKETS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}


class Wire:
    """The three sockets that are used of a kernel, and the signing of what goes over them."""

    def __init__(self, connection: dict[str, Any]) -> None:
        import zmq
        import zmq.asyncio
        from jupyter_client.session import Session

        self._session = Session(key=connection["key"].encode(), signature_scheme=connection["signature_scheme"])
        context = zmq.asyncio.Context.instance()
        self._sockets: dict[str, Any] = {}
        for channel, kind in (("shell", zmq.DEALER), ("iopub", zmq.SUB), ("control", zmq.DEALER)):
            socket = context.socket(kind)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RECONNECT_IVL, _LOOK_AGAIN_MS)
            socket.setsockopt(zmq.MAXMSGSIZE, _LONGEST_MESSAGE)
            if channel == "iopub":
                socket.setsockopt(zmq.SUBSCRIBE, b"")
            socket.connect(f"ipc://{connection['ip']}-{connection[f'{channel}_port']}")
            self._sockets[channel] = socket

    async def send(self, channel: str, kind: str, content: dict[str, Any]) -> str:
        """Send a request; its id, by which the answers are known."""
        message: dict[str, Any] = self._session.msg(kind, content)
        # Not by `Session.send`: it sends past the asyncio socket, which is then not told of what came in meanwhile,
        # nor of anything that comes after that.
        await self._sockets[channel].send_multipart(self._session.serialize(message))
        return message["header"]["msg_id"]

    async def receive(self, channel: str) -> dict[str, Any] | None:
        """The next message of a channel, or None when it is malformed."""
        frames = await self._sockets[channel].recv_multipart()
        try:
            _, frames = self._session.feed_identities(frames)
            message = self._session.deserialize(frames)
        except Exception:  # noqa: BLE001  # a worker's code can send anything at all
            return None
        parts = (message.get("header"), message.get("parent_header"), message.get("content"))
        return message if all(isinstance(part, dict) for part in parts) else None

    def close(self) -> None:
        """Close the sockets at once."""
        for socket in self._sockets.values():
            socket.close(linger=0)


def new_connection(folder: Path) -> dict[str, Any]:
    """What a connection file holds for sockets in a folder of their own, with a fresh key."""
    ports = {f"{channel}_port": number for channel, number in _SOCKETS.items()}
    return {
        "transport": "ipc",
        "ip": str(folder / "k"),
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "",
        **ports,
    }
