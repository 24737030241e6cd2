"""Messages reach their handlers while a cell blocks: in real kernels, spoken to the way a page does, no browser."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from conductor_magic.live import LiveChannel, open_channel
from conductor_magic.waiting import wait_blocking
from tests.support.kernels import VERSIONS, Session, kernel, started

SETUP = """
import asyncio, threading
import ipykernel, ipywidgets
from comm import create_comm
from IPython.display import display
from conductor_magic.live import open_channel
from conductor_magic.waiting import RunInterrupted, wait_blocking

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
done, seen, other, hooks = threading.Event(), [], [], []
get_ipython().events.register("pre_execute", lambda: hooks.append(threading.current_thread().name))

def hear(message):
    seen.append(message["content"]["data"])
    print("heard", seen[-1])
    if seen[-1] == "raise":
        raise ValueError("a handler of the test that fails")
    if seen[-1] == "stop":
        done.set()

def announce(channel):
    # Said by the first poll: from then on an interrupt meets the handler of the wait.
    poll = channel.poll
    def first():
        channel.poll = poll
        print("blocking")
        poll()
    channel.poll = first

def block(on_interrupt=lambda n: None, timeout=None):
    done.clear()
    with open_channel(get_ipython(), loop) as channel:
        assert channel.works, channel.reason
        channel.route("board")
        announce(channel)
        return wait_blocking(done, channel, on_interrupt, timeout=timeout)

def receiver():
    return get_ipython().kernel.shell_stream._recv_callback

board = create_comm(target_name="test", comm_id="board"); board.on_msg(hear)
foreign = create_comm(target_name="test", comm_id="foreign")
foreign.on_msg(lambda message: other.append((message["content"]["data"], done.is_set())))
before = receiver()
"""


@pytest.fixture(scope="module", params=VERSIONS)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """One kernel per ipykernel version, shared by the tests below."""
    with started(kernel(request.param)) as session:
        session.run(SETUP)
        assert session.run("print(ipykernel.__version__)").strip() == request.param
        yield session


def say(session: Session, data: object, comm: str = "board") -> str:
    """Send ``data`` over a comm, as a click does."""
    return session.send("comm_msg", {"comm_id": comm, "data": data})


def blocked(session: Session, code: str = "block()") -> str:
    """Start a cell that blocks, return its request id once it does."""
    request = session.client.execute(code)
    session.until_printed("blocking")
    return request


def test_message_takes_effect_before_the_cell_ends(session: Session) -> None:
    """What a handler prints appears in the running cell, messages keep their order, and one of them ends the wait."""
    session.run("seen.clear(); hooks.clear()")
    cell = blocked(session)
    for number in range(20):
        say(session, number)
    printed = session.until_printed("heard 19")
    assert printed["parent_header"]["msg_id"] == cell
    say(session, "stop")
    session.until_idle(cell)
    assert session.run("print(seen)").strip() == str([*range(20), "stop"])
    # This cell, the blocking one and the one above: a click is no cell of its own.
    assert session.run("print(len(hooks))").strip() == "3"


def test_every_message_is_announced_busy_then_idle(session: Session) -> None:
    """A page sends its next state only after ``idle``, and its toolbar must show the cell as still running."""
    cell = blocked(session)
    start = len(session.seen)
    click = say(session, "hello")
    session.until_idle(click)
    again = session.until(lambda m: m["msg_type"] == "status")
    states = [
        m["content"]["execution_state"]
        for m in session.seen[start:]
        if m["msg_type"] == "status" and m["parent_header"]["msg_id"] == click
    ]
    assert states == ["busy", "idle"]
    assert (again["content"]["execution_state"], again["parent_header"]["msg_id"]) == ("busy", cell)
    say(session, "stop")
    session.until_idle(cell)


def test_foreign_messages_and_cells_wait_for_the_kernel(session: Session) -> None:
    """What is not ours is neither taken nor lost: it is handled by the kernel after the cell, in its order."""
    session.run("other.clear()")
    cell = blocked(session)
    say(session, 1, comm="foreign")
    first = session.client.execute("print('first', other)")
    say(session, 2, comm="foreign")
    second = session.client.execute("print('second', other)")
    say(session, "ping")
    session.until_printed("heard ping")
    say(session, "stop")
    session.until_idle(cell)
    session.until_idle(second)
    assert session.printed_by(first) == "first [(1, True)]\n"
    assert session.printed_by(second) == "second [(1, True), (2, True)]\n"


def test_nothing_is_lost_while_channels_come_and_go(session: Session) -> None:
    """Whenever a message arrives, before, during or after a wait, it is handled once; the kernel's keep their order."""
    session.run("seen.clear(); other.clear()")
    cell = session.client.execute("for _ in range(40): block(timeout=0.01)")
    session.until_printed("blocking")
    for number in range(200):
        say(session, number)
        say(session, number, comm="foreign")
    session.until_idle(cell)
    session.until_idle(say(session, "last"))
    assert session.run("print(sorted(seen[:-1]) == list(range(200)), seen[-1])").strip() == "True last"
    assert session.run("print([data for data, _ in other] == list(range(200)))").strip() == "True"


def test_reloaded_page_is_answered_while_the_cell_blocks(session: Session) -> None:
    """A page that connects in mid-run gets the kernel's info, the comms and the state of every widget."""
    session.run("slider = ipywidgets.IntSlider(value=42)")
    cell = blocked(session)
    client = session.client
    replies = {}
    for kind in ("kernel_info_request", "comm_info_request"):
        request = session.send(kind, {})
        reply = client.get_shell_msg(timeout=10)
        while reply["parent_header"]["msg_id"] != request:
            reply = client.get_shell_msg(timeout=10)
        replies[reply["msg_type"]] = reply["content"]
    assert replies["kernel_info_reply"]["implementation"] == "ipython"
    assert replies["comm_info_reply"]["comms"]["board"] == {"target_name": "test"}

    control = {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}
    session.send("comm_open", control, metadata={"version": "1.0.0"})
    say(session, {"method": "request_states"}, comm="control")
    update = session.until(lambda m: m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == "control")
    states = update["content"]["data"]["states"].values()
    assert 42 in [state["state"].get("value") for state in states]
    session.send("comm_close", {"comm_id": "control", "data": {}})
    say(session, "stop")
    session.until_idle(cell)


def test_failing_handler_does_not_end_the_wait(session: Session) -> None:
    """A handler that raises is told in the kernel's log, not in the cell; the next message is heard."""
    cell = blocked(session)
    start = len(session.seen)
    session.until_idle(say(session, "raise"))
    say(session, "stop")
    session.until_idle(cell)
    assert not [m for m in session.seen[start:] if m["msg_type"] == "stream" and m["content"]["name"] == "stderr"]
    assert session.run("print(seen[-2:])").strip() == "['raise', 'stop']"


def test_kernel_gets_its_receiver_back(session: Session) -> None:
    """After a wait, also one that raised, the kernel's own routing stands where it stood."""
    assert session.run("block(timeout=0.05); print(receiver() == before)").endswith("True\n")
    raising = """
try:
    with open_channel(get_ipython(), loop) as channel:
        during = receiver()
        raise KeyError
except KeyError:
    print(during == before, receiver() == before)
"""
    assert session.run(raising).strip() == "False True"


def test_interrupts_are_counted_and_the_second_may_raise(session: Session) -> None:
    """The first press asks, the second raises: one red line, the queued cell is aborted, the handler is put back."""
    session.run("presses = []")
    code = """
def pressed(number):
    presses.append(number)
    print("press", number)
    if number == 2:
        raise RunInterrupted("stopped by you")
block(pressed)
"""
    cell = blocked(session, code)
    queued = session.client.execute("print('must not run')")
    session.manager.interrupt_kernel()
    session.until_printed("press 1")
    asked = time.monotonic()
    session.manager.interrupt_kernel()
    error = session.until(lambda m: m["msg_type"] == "error")
    session.until_idle(cell)
    assert time.monotonic() - asked < 2
    assert error["content"]["ename"] == "RunInterrupted"
    assert error["content"]["traceback"] == ["\x1b[31mstopped by you\x1b[0m"]
    session.until_idle(queued)
    assert session.printed_by(queued) == ""
    assert session.run("print(presses, receiver() == before)").strip() == "[1, 2] True"


def test_without_a_known_kernel_the_channel_says_why() -> None:
    """Outside Jupyter, and on a kernel of another make, the channel does nothing and gives the reason."""
    loop = asyncio.new_event_loop()
    nowhere = open_channel(None, loop)
    strange = open_channel(SimpleNamespace(kernel=SimpleNamespace(session=object())), loop)
    loop.close()
    assert (nowhere.works, nowhere.reason) == (False, "there is no Jupyter kernel here")
    assert (strange.works, strange.reason) == (
        False,
        "this version of the kernel (SimpleNamespace) has no comm_manager.comm_close",
    )
    with strange as channel:
        channel.route("board")
        channel.poll()


def test_interrupt_in_a_plain_process() -> None:
    """Without a kernel the wait is the same: the first press is told, the second one's error gets out."""
    code = """
import signal, threading
from conductor_magic.live import LiveChannel
from conductor_magic.waiting import RunInterrupted, wait_blocking

# A shell that starts the tests in the background may have them ignore interrupts; this process must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Announced(LiveChannel):
    told = False
    def poll(self):
        if not self.told:
            print("blocking", flush=True)
            self.told = True

def pressed(number):
    print("press", number, flush=True)
    if number == 2:
        raise RunInterrupted("stopped by you")

try:
    wait_blocking(threading.Event(), Announced("no kernel"), pressed, timeout=20)
except KeyboardInterrupt as error:
    print(type(error).__name__, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **kernel().env}
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith(("blocking", "press 1")):
                process.send_signal(signal.SIGINT)
    assert lines == ["blocking", "press 1", "press 2", "RunInterrupted True"]


def test_timeout_returns_false() -> None:
    """When the time is up first, the wait says so instead of raising."""
    assert wait_blocking(threading.Event(), LiveChannel("no kernel"), lambda number: None, timeout=0.01) is False
