"""One attempt at one task: a worker with its tools, its clock, and an end that is always told.

The clock stands while a call waits for somebody else (a person's yes, another worker's file): that time is not the
worker's.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conductor_magic.clock import Clock, TimeUp
from conductor_magic.compactor import Compactor
from conductor_magic.conversations import recorded
from conductor_magic.cut_calls import CutCalls
from conductor_magic.events import WorkerHeard, WorkerStalled
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.models.conversation import Conversation
from conductor_magic.redact import Redactor
from conductor_magic.sandbox import Walls
from conductor_magic.silence import Silence
from conductor_magic.state import RunState, WorkerState
from conductor_magic.tools.base import Gate, ToolContext, WorkerTool
from conductor_magic.tools.services import Services
from conductor_magic.worked import worked_seconds
from conductor_magic.worker import Ending, Worker

__all__ = ["Attempt", "Bench"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every worker of a run is given.

    Attributes:
        tools: the closed registry of worker tools.
        models: tier -> model id.
        reply_tokens: tier -> the most tokens that a reply of its model may have.
        takes: tier -> what its model takes besides text.
        workspace: the folder that they may touch.
        artifacts: where what they publish is kept.
        walls: how their commands are confined.
        gate: what every call passes.
        read_only: they may not write.
        services: what they share.
    """

    tools: Mapping[str, WorkerTool]
    models: Mapping[str, str]
    reply_tokens: Mapping[str, int]
    takes: Mapping[str, frozenset[str]]
    workspace: Path
    artifacts: Path
    walls: Walls
    gate: Gate
    read_only: bool
    services: Services = field(default_factory=Services)


class Attempt:
    """A worker about to begin.

    Args:
        worker: its id.
        task: the task's id.
        tier: the task's tier.
        prompt: what it is sent.
        bench: what it is given.
        compactor: sends its requests.
        journal: where everything is recorded.
        redactor: takes secrets out of what its tools bring.
        limits: how long it may take.
        on_text: called with what its model streams, and what its tools print as they run.
        cut: the calls that an earlier process of this attempt left behind; None for a new attempt.
    """

    def __init__(
        self,
        worker: str,
        task: str,
        tier: str,
        prompt: str,
        bench: Bench,
        compactor: Compactor,
        journal: Journal,
        redactor: Redactor,
        limits: Limits,
        on_text: Callable[[str], None] | None,
        cut: CutCalls | None = None,
    ) -> None:
        self._name, self._tier, self._compactor = worker, tier, compactor
        self._journal = journal
        self._limits = limits
        begun = journal.state.workers[worker]
        self._cap = journal.state.caps.get("worker.seconds")
        longest = limits.seconds[tier] if self._cap is None else self._cap
        self._clock = Clock(max(0.0, longest - worked_seconds(journal.state, begun, journal.now())))
        self._silence = Silence(journal, worker, limits.silence_seconds)
        on_text = self._hearing(on_text)
        # Its kind's, as they were recorded: also after a resume by a version that has more.
        tools = {name: bench.tools[name] for name in begun.tools if name in bench.tools}
        definitions = tuple(_definition(tool) for tool in tools.values())
        most = min(limits.reply_tokens, bench.reply_tokens[tier])
        conversation = Conversation(worker, bench.models[tier], begun.system, definitions, most)
        before = recorded(prompt, begun.log)
        conversation.messages.extend(before.messages)
        self._context = ToolContext(
            task=task,
            worker=worker,
            gate=bench.gate,
            workspace=bench.workspace,
            artifacts=bench.artifacts,
            walls=bench.walls,
            read_only=bench.read_only,
            services=bench.services,
            takes=bench.takes[tier],
            on_output=on_text,
            hold=self._clock.hold,
        )
        if cut is not None:
            self._context.seen |= _seen(journal.state, begun, bench.workspace)
        self._worker = Worker(
            conversation, compactor, tools, self._context, journal, redactor, limits, on_text, before, cut
        )

    async def run(self, at_end: Callable[[Ending], None]) -> None:
        """Work to the end, close what the tools opened, and tell how it ended; a cancellation is such an end.

        Args:
            at_end: called with the ending, whatever happens on the way out.
        """
        listening = asyncio.ensure_future(self._silence.watch(self._is_expected, self._tell_silence))
        self._compactor.holds[self._name] = self._clock.hold
        try:
            ending = await self._guarded()
        except asyncio.CancelledError:
            stopping = self._journal.state.workers[self._name].stopping
            ending = self._stopped(stopping)
        finally:
            listening.cancel()
            del self._compactor.holds[self._name]
        try:
            await self._close()
        finally:
            at_end(ending)

    def _hearing(self, on_text: Callable[[str], None] | None) -> Callable[[str], None]:
        """Listens to what streams, and hands it on."""

        def hear(text: str) -> None:
            self._silence.heard()
            if self._journal.state.workers[self._name].silent:
                self._journal.append(WorkerHeard(worker=self._name))
            if text and on_text is not None:
                on_text(text)

        return hear

    def _is_expected(self, state: RunState) -> bool:
        worker = state.workers[self._name]
        return not worker.calls and not worker.stalled and worker.outcome is None

    def _tell_silence(self, detail: str) -> None:
        self._journal.append(WorkerStalled(worker=self._name, sign="silence", detail=detail))

    def _stopped(self, reason: str) -> Ending:
        """The ending of an attempt that was stopped for this reason."""
        capped = self._journal.state.capped.get(self._tier)
        if capped is not None and reason == capped.text:
            return Ending("limit", "budget", error=reason)
        return Ending("cancelled", "cancelled", error=reason or "Stopped.")

    async def _guarded(self) -> Ending:
        try:
            async with self._clock:
                return await self._worker.work()
        except TimeUp:
            error = f"It took longer than {self._limits.seconds[self._tier]:g} s, the limit of its tier."
            if self._cap is not None:
                error = f"It took longer than {self._cap:g} s, a worker's cap (worker.seconds)."
            return Ending("timeout", "timeout", error=error)
        except TimeoutError:
            return Ending("failed", "crash", error="A step timed out.")
        except Exception as error:  # noqa: BLE001 - a crash of one task must not reach the run
            # Our bug, or a tool's: the task fails, the run goes on, and the log has the traceback.
            if self._journal.fault is None:
                _log.exception("worker crashed")
            return Ending("failed", "crash", error=f"{type(error).__name__}: {error}")

    async def _close(self) -> None:
        """Close what the tools left open, within the time that a stop may take."""
        closers = [asyncio.ensure_future(closer()) for closer in self._context.opened.values()]
        self._context.opened.clear()
        if not closers:
            return
        closed = asyncio.ensure_future(asyncio.wait(closers, timeout=self._limits.stop_seconds))
        try:
            await asyncio.shield(closed)
        except asyncio.CancelledError:
            # Stopped when its work was over: what it brought stands, and what it opened is still to be closed.
            await closed


def _seen(state: RunState, worker: WorkerState, workspace: Path) -> dict[str, str]:
    """The files that an earlier process of this attempt knew: what it wrote by its hash, what it only read without."""
    blocks = [
        block for record in worker.log for block in getattr(record.event, "content", ()) if isinstance(block, dict)
    ]
    paths = [str(block["input"].get("file_path", "")) for block in blocks if block.get("name") == "Read"]
    read = {os.path.realpath(workspace / path): "" for path in paths if path}
    return read | {file.path: file.after for file in state.files if file.worker == worker.id and file.after}


def _definition(tool: WorkerTool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
