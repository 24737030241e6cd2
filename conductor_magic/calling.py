"""A worker's calls: checked, recorded before and after, run side by side, answered in their order.

A worker has the tools of its registry and nothing else; a call to anything else is recorded and answered with an error,
never run. What it may call is for caps to say, what a call may do for the gate that every tool passes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from conductor_magic.caps import Cap, call_cap, reached
from conductor_magic.clock import Clock, TimeUp, within
from conductor_magic.cut_calls import CutCalls
from conductor_magic.errors import ToolError
from conductor_magic.events import ArtifactSaved, Event, FileChanged, ToolEnded, ToolRefused, ToolStarted
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.media import keep
from conductor_magic.models.base import tool_result
from conductor_magic.redact import Redactor
from conductor_magic.tools.base import ToolContext, ToolResult, WorkerTool, own_seconds
from conductor_magic.tools.schema import check_arguments

__all__ = ["Calls"]

Json = dict[str, Any]


class Calls:
    """The calls of one attempt.

    Args:
        tools: the closed registry of this attempt.
        context: what its tools share.
        journal: where everything they do is recorded.
        redactor: takes secrets out of their results.
        limits: how long one may take.
        known: results that an earlier process of this attempt has recorded, by the id of the call.
        cut: what had become of the calls that it left behind.

    Attributes:
        over: the cap that a call has met; it was not run.
    """

    def __init__(
        self,
        tools: Mapping[str, WorkerTool],
        context: ToolContext,
        journal: Journal,
        redactor: Redactor,
        limits: Limits,
        known: Mapping[str, Json],
        cut: CutCalls | None = None,
    ) -> None:
        self.over: Cap | None = None
        self._tools = tools
        self._context = context
        self._journal = journal
        self._redactor = redactor
        self._limits = limits
        self._known = known
        self._cut = cut

    async def run(self, calls: tuple[Json, ...]) -> list[Json]:
        """Run all calls of a turn side by side; their results in the order of the calls."""
        tasks = [asyncio.ensure_future(self._call(call, calls)) for call in calls]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _call(self, call: Json, turn: tuple[Json, ...]) -> Json:
        if (known := self._known.get(call["id"])) is not None:
            return known
        if self._cut is not None and (told := await self._cut.result(call, self._context)) is not None:
            return told
        tool = self._tools.get(call["name"])
        if tool is None:
            why = f"There is no tool {call['name']!r}. Your tools are {', '.join(self._tools)}."
            return self._refuse(call, why)
        wrong = check_arguments(tool.input_schema, call["input"])
        if wrong:
            return self._refuse(call, f"{call['name']}: {wrong}")
        worker = self._context.worker
        if (cap := call_cap(self._journal.state, worker)) is not None:
            self.over = cap
            if (event := reached(self._journal.state, cap)) is not None:
                self._journal.append(event)
            return self._refuse(call, f"{call['name']} was not run. {cap.text}")
        name = f"c{self._journal.state.calls + 1}"
        shown = self._redactor.json(call["input"])
        self._journal.append(
            ToolStarted(call=name, by=worker, name=tool.name, input=shown, use=call["id"], repeatable=tool.repeatable)
        )
        began = time.monotonic()
        if not tool.repeatable:
            # After a crash, the record of the intent is what tells that the effect may have happened.
            await self._journal.flushed()
        result, content = await self._result(tool, call["input"], name, turn)
        content = self._redactor.json(content)
        ended = ToolEnded(
            call=name,
            by=worker,
            name=tool.name,
            content=content,
            is_error=result.is_error,
            use=call["id"],
            seconds=time.monotonic() - began,
        )
        # In one piece: a kill in between would leave a part of what the call has brought out of the record for good.
        self._journal.append_together([*self._brought(result), ended])
        return tool_result(call, content, is_error=result.is_error)

    async def _run_in_time(self, tool: WorkerTool, args: Json, call: str, turn: tuple[Json, ...]) -> ToolResult:
        """What the call brings; it is ended when it does not come back, but not for what it waits for from others.

        Raises:
            ToolError: it could not be done, or not in time.
        """
        # Calls of one turn may wait for each other: a kernel runs one piece of code at a time.
        own = sum(own_seconds(tool, other["input"]) for other in turn if other["name"] == tool.name)
        seconds = self._limits.tool_seconds + own
        clock, outer = Clock(seconds), self._context.hold

        @contextmanager
        def hold() -> Iterator[None]:
            with outer(), clock.hold():
                yield

        context = replace(self._context, call=call, hold=hold)
        try:
            return await within(clock, tool.run(args, context), self._limits.end_seconds)
        except TimeUp:
            unsure = (
                "" if tool.repeatable else " It may have had its effect: look at what is there before you repeat it."
            )
            raise ToolError(f"{tool.name} did not answer within {seconds:g} s and was ended.{unsure}") from None

    async def _result(
        self, tool: WorkerTool, args: Json, name: str, turn: tuple[Json, ...]
    ) -> tuple[ToolResult, str | list[Json]]:
        """What the call brought, and its content with images and documents kept beside the journal."""
        try:
            result = await self._run_in_time(tool, args, name, turn)
            if isinstance(result.content, str):
                return result, result.content
            return result, await asyncio.to_thread(keep, result.content, self._context.artifacts)
        except ToolError as error:
            why = str(error)
        except TimeoutError:
            raise
        except OSError as error:
            # A full disk, most of all. What it means for the task is for the model to say.
            why = f"{tool.name} broke off: {error.strerror or error}. What it had done by then stays done."
        return ToolResult(why, is_error=True), why

    def _refuse(self, call: Json, why: str) -> Json:
        self._journal.append(ToolRefused(by=self._context.worker, name=call["name"], why=why, use=call["id"]))
        return tool_result(call, why, is_error=True)

    def _brought(self, result: ToolResult) -> list[Event]:
        """The files that a call has changed, and what it has published."""
        task, worker = self._context.task, self._context.worker
        files = [
            FileChanged(
                path=change.path,
                task=task,
                worker=worker,
                action="created" if change.action == "created" else "edited",
                before=change.before,
                after=change.after,
            )
            for change in result.files
        ]
        artifacts = [
            ArtifactSaved(
                name=made.name,
                task=task,
                worker=worker,
                mime=made.mime,
                path=f"artifacts/{Path(made.path).name}",
                size=made.size,
                sha256=made.sha256,
                shape=made.shape,
            )
            for made in result.artifacts
        ]
        return [*files, *artifacts]
