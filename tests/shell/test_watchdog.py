"""A tool that does not come back: its call is ended and answered, its worker goes on, and nothing waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from conductor_magic.clock import Clock, TimeUp, within
from conductor_magic.limits import Limits
from conductor_magic.tools.base import ToolContext, ToolResult, own_seconds
from conductor_magic.tools.worker import worker_tools
from tests.shell.conftest import Begin, Play, Use
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools

PLAN = [lay_out({"a": ()}), text("Under way."), text("The answer.")]


def calls_odd(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Calls the odd tool beside one that comes back, then reports."""
    return tools(("Odd", {}), ("Glob", {"pattern": "*"})) if turn == 1 else done(task, turn, body)


async def hangs(args: Any, context: ToolContext) -> ToolResult:
    await asyncio.Event().wait()
    raise AssertionError


async def will_not_end(args: Any, context: ToolContext) -> ToolResult:
    """Hangs, and takes no notice of being cancelled."""
    until = time.monotonic() + 8
    while time.monotonic() < until:
        try:
            await asyncio.sleep(8)
        except asyncio.CancelledError:
            continue
    return ToolResult("too late")


@pytest.mark.parametrize("run", [hangs, will_not_end])
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_call_that_hangs_is_ended_and_its_worker_goes_on(
    play: Play, odd_tool: Use, run: Any, *, repeatable: bool
) -> None:
    """Its result says so, and whether it may have had an effect; the call beside it is answered as ever."""
    odd_tool(run, repeatable=repeatable)
    floor = Floor(PLAN, calls_odd)
    result = play(floor, limits=Limits(tool_seconds=0.3, end_seconds=0.2))
    assert result.status == "completed", result.reason
    assert result.seconds is not None and result.seconds < 5
    odd, glob = floor.worker_requests[1]["messages"][-1]["content"]
    unsure = "" if repeatable else " It may have had its effect: look at what is there before you repeat it."
    assert (odd["content"], odd["is_error"]) == (f"Odd did not answer within 0.3 s and was ended.{unsure}", True)
    assert "is_error" not in glob


def test_a_tool_that_ignores_its_end_does_not_hold_up_a_cancel(begin: Begin, odd_tool: Use) -> None:
    """The run ends as cancelled, its workspace is free, and the call is left behind."""
    at_work = threading.Event()

    async def run(args: Any, context: ToolContext) -> ToolResult:
        at_work.set()
        return await will_not_end(args, context)

    odd_tool(run)
    run_ = begin(Floor(PLAN, calls_odd), limits=Limits(end_seconds=0.2))
    assert at_work.wait(10)
    run_.cancel()
    assert run_.wait(3).status == "cancelled"


def test_time_in_which_somebody_else_is_waited_for_does_not_count(play: Play, odd_tool: Use) -> None:
    """A person's answer, another worker's file: neither the call's clock nor the worker's runs."""

    async def waits(args: Any, context: ToolContext) -> ToolResult:
        with context.hold():
            await asyncio.sleep(0.8)
        return ToolResult("answered")

    odd_tool(waits)
    limits = Limits(tool_seconds=0.3, seconds={"haiku": 0.7, "sonnet": 0.7, "opus": 0.7})
    floor = Floor(PLAN, calls_odd)
    result = play(floor, limits=limits)
    assert result.status == "completed", result.reason
    odd, _ = floor.worker_requests[1]["messages"][-1]["content"]
    assert odd["content"] == "answered"


def test_every_tool_has_a_longest_time() -> None:
    """Bash and Python have what they were given beside it, up to ten minutes."""
    own = {name: own_seconds(tool, {}) for name, tool in worker_tools(read_only=False).items()}
    assert {name: seconds for name, seconds in own.items() if seconds} == {"Bash": 120.0, "Python": 120.0}
    bash = worker_tools(read_only=False)["Bash"]
    assert own_seconds(bash, {"timeout": 500}) == 0.5
    assert own_seconds(bash, {"timeout": 10**9}) == 600.0


def test_a_clock_tells_its_own_end_from_a_time_out_inside() -> None:
    """A step that times out by itself is no end of the clock."""

    async def times_out() -> None:
        raise TimeoutError

    async def play_both() -> None:
        with pytest.raises(TimeoutError):
            await within(Clock(5), times_out(), 1)
        with pytest.raises(TimeUp):
            await within(Clock(0.01), asyncio.sleep(5), 1)

    asyncio.run(play_both())


def test_a_clock_that_two_hold_runs_on_when_both_have_let_go() -> None:
    """The first of them to let go does not start it."""

    async def play() -> None:
        clock = Clock(0.2)
        async with clock:
            with clock.hold():
                with clock.hold():
                    pass
                await asyncio.sleep(0.5)
        with pytest.raises(TimeUp):
            async with clock:
                await asyncio.sleep(5)

    asyncio.run(play())


def test_a_tool_that_holds_the_clock_when_its_call_is_cancelled_learns_just_that() -> None:
    """Its own handlers see the cancellation, not an error of the clock."""
    seen = list[type[BaseException]]()

    async def play() -> None:
        clock = Clock(5)

        async def tool() -> None:
            try:
                with clock.hold():
                    await asyncio.Event().wait()
            except BaseException as error:
                seen.append(type(error))
                raise

        call = asyncio.ensure_future(within(clock, tool(), 1.0))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(play())
    assert seen == [asyncio.CancelledError]
