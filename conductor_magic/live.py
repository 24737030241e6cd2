"""Keeps a board alive while its cell blocks the kernel: the one file that touches the kernel's private parts.

A kernel reads its shell channel and handles one message at a time, so a click on a widget would wait for the running
cell to end. While a cell blocks, this channel stands in front of the kernel's own receiver. It takes the messages of
*our* comms, plus the few questions that a reloaded page asks before it can draw anything, and hands them to the
engine's event loop, which runs in another thread. Every other message goes on to the kernel untouched, in its order.

::

    page ──comm_msg──> shell stream ──> LiveChannel ──ours──> engine loop ──> comm's callback
                                            └──────not ours──> the kernel's own receiver, as before

ipykernel 7 reads the stream in a thread of its own, so messages flow by themselves. ipykernel 6 reads it in the
thread that the cell blocks, so the waiting cell calls :meth:`LiveChannel.poll`. Where the kernel is laid out in a way
this file does not know, the channel does nothing and says so in ``works`` and ``reason``.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

__all__ = ["LiveChannel", "open_channel"]

CONTROL_TARGET = "jupyter.widget.control"
"""The comm on which a (re)loaded page asks ipywidgets for the state of every widget."""

_HANDSHAKE_SECONDS = 2.0
"""How long the kernel's shell thread may take to swap its receiver; it takes under a millisecond."""

_DRAIN_SECONDS = 1.0
"""How long :meth:`LiveChannel.stop` waits for the engine to finish the messages it was already handed."""

_NEEDED = (
    "comm_manager.comm_close",
    "comm_manager.comm_open",
    "comm_manager.comms",
    "comm_manager.targets",
    "get_parent",
    "kernel_info",
    "log.exception",
    "session.deserialize",
    "session.feed_identities",
    "session.send",
    "session.unpack",
    "shell_stream._recv_callback",
    "shell_stream.flush",
    "shell_stream.on_recv",
    "_publish_status",
)
_NEEDED_THREADED = ("shell_channel_thread.io_loop.add_callback",)
_NEEDED_PUMPED = ("msg_queue", "schedule_dispatch")

_Message = dict[str, Any]
_Receiver = Callable[[list[Any]], Awaitable[None] | None]


def open_channel(shell: object | None, loop: asyncio.AbstractEventLoop) -> LiveChannel:
    """Return the channel that fits the kernel of ``shell``; call it in the thread that is going to block.

    Args:
        shell: what ``get_ipython()`` returns, or None outside IPython.
        loop: the engine's event loop, running in another thread; callbacks run there, each in a copy of the
            context that is current now, so that what they print and display lands in the cell that opened the channel.

    Returns:
        A stopped channel. Never raises: where live messages cannot work, ``works`` is False and ``reason`` says why.
    """
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is None:
        return LiveChannel("there is no Jupyter kernel here")
    threaded = getattr(kernel, "shell_channel_thread", None) is not None
    missing = _first_missing(kernel, _NEEDED + (_NEEDED_THREADED if threaded else _NEEDED_PUMPED))
    if missing is not None:
        return LiveChannel(f"this version of the kernel ({type(kernel).__name__}) has no {missing}")
    if threaded:
        return _ThreadedChannel(kernel, loop)
    if threading.current_thread() is not threading.main_thread():
        return LiveChannel("this kernel can only be listened to from its main thread")
    return _PumpedChannel(kernel, loop)


class LiveChannel:
    """Messages of our comms while a cell blocks; this base does nothing and is what stands in where none can flow.

    Use it as a context manager around the wait, started *before* the board is shown, so that no early message is
    missed. Starting and stopping twice is harmless.

    Attributes:
        works: whether messages can arrive while the cell blocks.
        reason: why not, as the end of a sentence; empty when it works.
    """

    def __init__(self, reason: str = "") -> None:
        self.works = not reason
        self.reason = reason

    def route(self, comm_id: str) -> None:
        """Take the messages of this comm from now on. The id is a widget's ``model_id``."""

    def start(self) -> None:
        """Begin to take messages. Sets ``works`` to False, with the reason, if the kernel does not play along."""

    def stop(self) -> None:
        """Give the kernel its own receiver back, and wait for messages already handed to the engine."""

    def poll(self) -> None:
        """Let waiting messages in; call it every 20 ms or so from the blocked thread. A no-op on ipykernel 7."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class _KernelChannel(LiveChannel, ABC):
    """What both kinds share: which messages are ours, and what is done with them."""

    def __init__(self, kernel: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._kernel = kernel
        self._loop = loop
        self._context = contextvars.copy_context()
        self._cell: _Message = kernel.get_parent("shell")
        self._routed: set[str] = set()
        self._active = False
        self._active_lock = threading.Lock()
        self._kernels_own: _Receiver = kernel.shell_stream._recv_callback

    def route(self, comm_id: str) -> None:
        self._routed.add(comm_id)

    def start(self) -> None:
        if self._active or not self.works:
            return
        self._active = True
        try:
            answered = self._in_stream_thread(self._install)
        except BaseException:  # an interrupt in the middle of it: a "with" does not stop what it has not entered
            self.stop()
            raise
        if not answered:
            self.reason = "the kernel's shell thread did not answer"
            self.works = False
            self._active = False

    def stop(self) -> None:
        if not self._active:
            return
        # Under the lock, so that no "busy" of a cell that is about to end can follow its last "idle".
        with self._active_lock:
            self._active = False
        self._in_stream_thread(self._uninstall)
        if self._loop.is_running():
            drained = threading.Event()
            self._loop.call_soon_threadsafe(drained.set)
            drained.wait(_DRAIN_SECONDS)

    @abstractmethod
    def _in_stream_thread(self, change: Callable[[], None]) -> bool:
        """Run ``change`` in the thread that reads the shell stream; False if it did not get round to it."""

    def _install(self) -> None:
        # A start that timed out may run this late: then it must leave the kernel as it is.
        if self._active:
            stream = self._kernel.shell_stream
            self._kernels_own = stream._recv_callback
            stream.on_recv(self._receive, copy=False)

    def _uninstall(self) -> None:
        # When a second channel has been put in front of this one, it keeps passing messages through instead.
        stream = self._kernel.shell_stream
        if stream._recv_callback == self._receive:
            stream.on_recv(self._kernels_own, copy=False)

    def _receive(self, frames: list[Any]) -> Awaitable[None] | None:
        """Stand where the kernel's receiver stood; what is not taken reaches it in the same call, so order is kept."""
        if self._active:
            try:
                if self._take(frames):
                    return None
            except Exception:
                self._kernel.log.exception("conductor: a message was left to the kernel")
        return self._kernels_own(frames)

    def _take(self, frames: list[Any]) -> bool:
        """Answer the message or hand it to the engine if it is ours; False leaves it wholly to the kernel."""
        session = self._kernel.session
        idents, parts = session.feed_identities(frames, copy=False)
        # Only peeked at: a full reading enters the signature in the session's replay guard, and the kernel,
        # reading the same message after us, would refuse it as a duplicate.
        peek: _Message = session.deserialize(parts, content=False, copy=False)
        kind: str = peek["header"]["msg_type"]
        if kind in ("kernel_info_request", "comm_info_request"):
            if peek["header"].get("subshell_id") is not None:
                return False  # that subshell is not blocked and answers by itself
            self._answer(kind, session.deserialize(parts, content=True, copy=False), idents)
            return True
        if kind not in ("comm_open", "comm_msg", "comm_close") or self._loop.is_closed():
            return False
        content: Mapping[str, Any] = session.unpack(peek["content"])
        if not self._is_ours(kind, content):
            return False
        message: _Message = session.deserialize(parts, content=True, copy=False)
        self._publish("busy", message)
        self._loop.call_soon_threadsafe(self._handle, kind, idents, message, context=self._context.copy())
        return True

    def _is_ours(self, kind: str, content: Mapping[str, Any]) -> bool:
        manager, comm_id = self._kernel.comm_manager, content.get("comm_id")
        if kind == "comm_open":
            # The id is routed at once: the comm's next message may come before the engine has opened it.
            if content.get("target_name") != CONTROL_TARGET or CONTROL_TARGET not in manager.targets:
                return False
            self._routed.add(str(comm_id))
        return comm_id in self._routed or getattr(manager.comms.get(comm_id), "target_name", "") == CONTROL_TARGET

    def _handle(self, kind: str, idents: list[bytes], message: _Message) -> None:
        """Do in the engine's loop what the kernel's main thread would have done."""
        kernel = self._kernel
        try:
            if kind == "comm_msg":
                # Not comm.handle_msg: it fires pre_execute and post_execute, as if a cell had run.
                comm = kernel.comm_manager.comms.get(message["content"]["comm_id"])
                callback = getattr(comm, "_msg_callback", None)
                if callback is not None:
                    callback(message)
            else:
                getattr(kernel.comm_manager, kind)(kernel.shell_stream, idents, message)
        except Exception:
            kernel.log.exception("conductor: the handler of a widget's message failed")
        finally:
            self._publish("idle", message)

    def _answer(self, kind: str, request: _Message, idents: list[bytes]) -> None:
        """Answer a page that connects in mid-run and would otherwise show nothing until the cell has ended."""
        kernel = self._kernel
        if kind == "kernel_info_request":
            reply: _Message = {"status": "ok", **kernel.kernel_info}
        else:
            wanted = request["content"].get("target_name")
            comms = {
                comm_id: {"target_name": comm.target_name}
                for comm_id, comm in list(kernel.comm_manager.comms.items())
                if wanted in (None, comm.target_name)
            }
            reply = {"status": "ok", "comms": comms}
        self._publish("busy", request)
        kernel.session.send(kernel.shell_stream, kind.replace("request", "reply"), reply, request, idents)
        self._publish("idle", request)

    def _publish(self, status: str, message: _Message) -> None:
        self._kernel._publish_status(status, "shell", parent=message)
        if status == "idle":
            with self._active_lock:
                if self._active and self._cell:
                    # Front ends show the last status they saw, and the cell is still running.
                    self._kernel._publish_status("busy", "shell", parent=self._cell)


class _ThreadedChannel(_KernelChannel):
    """ipykernel 7: the shell stream lives in a thread of its own, which a blocked cell does not hold up."""

    def _in_stream_thread(self, change: Callable[[], None]) -> bool:
        done = threading.Event()

        def apply() -> None:
            try:
                change()
            finally:
                done.set()

        self._kernel.shell_channel_thread.io_loop.add_callback(apply)
        return done.wait(_HANDSHAKE_SECONDS)


class _PumpedChannel(_KernelChannel):
    """ipykernel 6: the shell stream lives in the blocked thread, so that thread has to look into it now and then."""

    def _in_stream_thread(self, change: Callable[[], None]) -> bool:
        change()
        return True

    def poll(self) -> None:
        if self._active and threading.current_thread() is threading.main_thread():
            # Receives what has come in (through our receiver) and sends the answers that are queued.
            self._kernel.shell_stream.flush()


def _first_missing(root: object, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        part: object | None = root
        for name in path.split("."):
            part = getattr(part, name, None)
            if part is None:
                return path
    return None
