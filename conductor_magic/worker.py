"""The worker's loop: query, act, observe, until its report or a limit.

One attempt at one task. All calls of one turn run side by side (`calling.py`) and are answered in one message.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conductor_magic.calling import Calls
from conductor_magic.caps import Cap
from conductor_magic.compactor import Compactor
from conductor_magic.conversations import GO_ON, Recorded, said_since
from conductor_magic.cut_calls import CutCalls
from conductor_magic.errors import ModelError
from conductor_magic.events import (
    Cause,
    Outcome,
    WorkerStalled,
    WorkerTold,
    WorkerTurn,
)
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.models.base import Reply
from conductor_magic.models.calls import BudgetSpent
from conductor_magic.models.conversation import Conversation
from conductor_magic.progress import stall
from conductor_magic.prompts import parse_status, repair_text, stalled_text
from conductor_magic.redact import Redactor
from conductor_magic.schemas import value_in, with_value
from conductor_magic.tools.base import ToolContext, WorkerTool

__all__ = ["Ending", "Worker"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, in the words of `worker.ended`."""

    outcome: Outcome
    cause: Cause = ""
    output: str = ""
    error: str = ""
    value: Any = None


class Worker:
    """One worker at work.

    Args:
        conversation: what was said so far is in already, its prompt at least.
        compactor: sends its requests.
        tools: the closed registry of this attempt.
        context: what its tools share.
        journal: where everything it does is recorded.
        redactor: takes secrets out of tool results.
        limits: turns and tokens it may use, characters that a tool result may have.
        before: what an earlier process recorded of this attempt, and `cut`, what had become of the calls that it cut.
        on_text: called with each piece of streamed text, for the live board.
    """

    def __init__(
        self,
        conversation: Conversation,
        compactor: Compactor,
        tools: Mapping[str, WorkerTool],
        context: ToolContext,
        journal: Journal,
        redactor: Redactor,
        limits: Limits,
        on_text: Callable[[str], None] | None = None,
        before: Recorded | None = None,
        cut: CutCalls | None = None,
    ) -> None:
        self._conversation = conversation
        self._compactor = compactor
        self._context = context
        self._journal = journal
        self._redactor = redactor
        self._limits = limits
        self._on_text = on_text
        self._before = before or Recorded([])
        self._calls = Calls(tools, context, journal, redactor, limits, self._before.results, cut)
        self._cut = cut
        self._report = self._before.text
        self._pieces = 0
        schema = journal.state.tasks[context.task].metadata.get("schema")
        self._schema: Json | None = dict(schema) if isinstance(schema, Mapping) else None
        mended = self._before.to_mend
        # A worker's caps take the place of the limits that hold without them.
        caps = journal.state.caps
        self._turns = limits.turns if "worker.turns" not in caps else math.inf
        self._tokens = limits.worker_tokens if "worker.tokens" not in caps else math.inf
        self._to_mend = None if mended is None else parse_status(redactor.text(mended))[2]

    async def work(self) -> Ending:
        """Work until the report, a limit, or a fault that no retry mends; never raises but for cancellation."""
        try:
            reply = await self._take_up()
            turns = self._before.turns
            while reply is not None or turns < self._turns:
                if reply is None:
                    reply = await self._compactor.ask(self._conversation, self._on_text)
                    self._record(reply)
                    turns += 1
                ending = await self._act(reply)
                reply = None
                if ending is not None:
                    return ending
                if self._calls.over is not None:
                    return self._capped(self._calls.over, self._calls.over.text)
                used = self._journal.state.workers[self._context.worker].spend.tokens
                if used > self._tokens:
                    return self._limit(f"It used {used:,} tokens, more than the {self._tokens:,} allowed.")
                if (found := stall(self._journal.state.workers[self._context.worker].log)) is not None:
                    if found.ends:
                        return self._limit(f"It made no progress: it {found.detail}. It was told so, and went on.")
                    self._journal.append(
                        WorkerStalled(worker=self._context.worker, sign=found.sign, detail=found.detail)
                    )
                    self._tell(stalled_text(found.detail), "stalled")
        except BudgetSpent as error:
            return self._capped(error.cap, str(error))
        except ModelError as error:
            cause: Cause = "limit" if error.kind == "context_too_long" else "api"
            return Ending("limit" if cause == "limit" else "failed", cause, self._report, str(error))
        return self._limit(f"It took {turns} turns without finishing, the most a worker gets.")

    async def _take_up(self) -> Reply | None:
        """The recorded reply that is still to be acted on, if there is one."""
        reply = self._before.unfinished
        if reply is not None and reply.tool_calls:
            self._conversation.say(await self._calls.run(reply.tool_calls))
            reply = None
        if self._cut is not None and reply is None and self._cut.lost:
            self._tell(self._cut.lost, "resumed")
        return reply

    def _capped(self, cap: Cap, error: str) -> Ending:
        """The ending by a cap: a worker's own is its limit; another's would end the next attempt as well."""
        return Ending("limit", "limit" if cap.scope == "worker" else "budget", self._report, error)

    def _limit(self, error: str) -> Ending:
        return Ending("limit", "limit", self._report, error)

    def _record(self, reply: Reply) -> None:
        self._report = reply.text or self._report
        self._journal.append(
            WorkerTurn(
                worker=self._context.worker,
                request=self._conversation.request_id,
                content=reply.content,
                stop=reply.stop_reason,
            )
        )

    async def _act(self, reply: Reply) -> Ending | None:
        """Do what the reply asks for; an `Ending` when it was the last."""
        self._pieces = self._pieces + 1 if reply.broke_off else 0
        if self._pieces > self._limits.pieces:
            return self._limit(f"{self._pieces} replies in a row broke off ({reply.stop_reason}).")
        match reply.stop_reason:
            case "tool_use":
                self._conversation.say(await self._calls.run(reply.tool_calls))
            case "pause_turn":
                pass
            case "max_tokens":
                self._tell(GO_ON)
            case "refusal":
                return Ending("refused", "refusal", self._report, reply.text or "The model refused the task.")
            case "model_context_window_exceeded":
                return self._limit("The conversation no longer fits into the model's window.")
            case _:
                return await self._done(said_since(self._conversation.messages))
        return None

    async def _done(self, report: str) -> Ending | None:
        status, reason, body = parse_status(self._redactor.text(report))
        if status != "done":
            return Ending("failed", "status", body, f"{status.capitalize()}: {reason or 'no reason given'}")
        if self._schema is not None:
            return await self._done_with_value(body, self._schema)
        # A bare status line is a report too, if a short one.
        return Ending("completed", "", body or report.strip())

    async def _done_with_value(self, body: str, schema: Json) -> Ending | None:
        """The ending of a task that has a value to give; None when it gets its one chance to mend it."""
        found = await value_in(body, schema)
        first = self._to_mend or body
        if found.fault:
            return Ending("failed", "schema", first, f"The task's schema cannot be checked: {found.fault}.")
        if not found.wrong:
            report = with_value(first, found.value) if self._to_mend is not None else body
            return Ending("completed", "", report, value=found.value)
        if self._to_mend is not None:
            return Ending("failed", "schema", first, f"The value does not fit the task's schema: {found.wrong}")
        self._to_mend = body
        self._tell(repair_text(found.wrong), "repair")
        return None

    def _tell(self, text: str, about: Literal["reminder", "repair", "resumed", "stalled"] = "reminder") -> None:
        self._journal.append(WorkerTold(worker=self._context.worker, text=text, about=about))
        self._conversation.say(text)
