"""The sockets to a worker's kernel, with a peer of our own at the other end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

from conductor_magic.tools.kernel_wire import Wire, new_connection


def test_an_answer_that_comes_while_something_is_sent_is_received(tmp_path: Path) -> None:
    """And so is the next: the system tells once of what has come, and sending may take that news away."""

    async def play(wire: Wire, peer: Any, session: Session) -> list[str]:
        received: list[str] = []

        async def receive() -> None:
            while True:
                message = await wire.receive("shell")
                assert message is not None
                received.append(message["header"]["msg_type"])

        receiving = asyncio.ensure_future(receive())
        await wire.send("shell", "first", {})
        identity, _ = session.feed_identities(await asyncio.to_thread(peer.recv_multipart))
        session.send(peer, "answer to first", {}, ident=identity)
        time.sleep(0.1)  # noqa: ASYNC251  # the answer is there before this loop can be told
        await wire.send("shell", "second", {})
        await asyncio.to_thread(peer.recv_multipart)
        session.send(peer, "answer to second", {}, ident=identity)
        for _ in range(100):
            if len(received) == 2:
                break
            await asyncio.sleep(0.02)
        receiving.cancel()
        return received

    connection = new_connection(tmp_path)
    peer: Any = zmq.Context.instance().socket(zmq.ROUTER)
    peer.bind(f"ipc://{connection['ip']}-{connection['shell_port']}")
    wire = Wire(connection)
    session = Session(key=connection["key"].encode(), signature_scheme=connection["signature_scheme"])
    try:
        assert asyncio.run(play(wire, peer, session)) == ["answer to first", "answer to second"]
    finally:
        wire.close()
        peer.close(linger=0)
