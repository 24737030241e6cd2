"""The conductor's loop: it turns replies into edits of the graph, sleeps while others work, and is woken with notices.

It has the tools of `tools.conductor` and nothing else. The calls of one turn apply in the order of their blocks and
are answered in one message. Launching returns at once: the scheduler starts the workers.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from pydantic_core import to_json

from conductor_magic.caps import call_cap, reached
from conductor_magic.compactor import Compactor
from conductor_magic.conversations import GO_ON, Recorded, recorded, said_since
from conductor_magic.cut_conducting import CutCall, cut_calls
from conductor_magic.errors import ConductorError, ModelError, PlanError, ToolError
from conductor_magic.events import (
    ConductorFailed,
    ConductorHeard,
    ConductorSlept,
    ConductorStalled,
    ConductorStarted,
    ConductorTold,
    ConductorTurn,
    ToolEnded,
    ToolRefused,
    ToolStarted,
)
from conductor_magic.guides import Guides
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.models.base import tool_result
from conductor_magic.models.calls import BudgetSpent
from conductor_magic.models.conversation import Conversation
from conductor_magic.paths import Reach
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.silence import Silence
from conductor_magic.tools.conductor import ALIASES, DEFINITIONS, PURE, ask, read, task_schema
from conductor_magic.tools.schema import check_arguments

__all__ = ["Conductor", "ConductorStuck"]

Json = dict[str, Any]
_SCHEMAS: dict[str, Json] = {definition["name"]: definition["input_schema"] for definition in DEFINITIONS}


class ConductorStuck(ConductorError):
    """The conductor cannot go on, for the reason given."""


class Conductor:
    """The conductor of one run.

    Args:
        conversation: without messages yet.
        prompt: its first message.
        compactor: sends its requests.
        journal: where everything it does is recorded.
        reach: the workspace files that it may read.
        guides: what it may read of the craft.
        redactor: takes secrets out of what it reads.
        questions: puts questions to the person and returns the answers by question.
        limits: how often it may reply, and how long it may be silent.
    """

    def __init__(
        self,
        conversation: Conversation,
        prompt: str,
        compactor: Compactor,
        journal: Journal,
        reach: Reach,
        guides: Guides,
        redactor: Redactor,
        questions: Questions,
        limits: Limits,
    ) -> None:
        self._conversation = conversation
        self._prompt = prompt
        self._compactor = compactor
        self._journal = journal
        self._reach = reach
        self._guides = guides
        self._redactor = redactor
        self._questions = questions
        self._limits = limits
        self._silence = Silence(journal, conversation.by, limits.silence_seconds)
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._pieces = 0
        self._before = Recorded([])
        self._turns_before = 0
        self._cut: dict[str, CutCall] = {}
        self._given: list[str] = []

    async def conduct(self, *, asleep: bool) -> None:
        """Take turns until cancelled or stuck. Each end of a turn is recorded; `wake` begins the next.

        Args:
            asleep: what `begin` said.
        """
        listening = asyncio.ensure_future(self._silence.watch(lambda state: not state.conductor.silent, self._tell))
        try:
            while True:
                if asleep:
                    self._conversation.say(await self._messages.get())
                    asleep = False
                text = await (self._end_valuing() if self._before.valuing else self._take_turn())
                self._journal.append(ConductorSlept(text=text))
                asleep = True
        except ConductorStuck as error:
            self._journal.append(ConductorFailed(error=str(error), text=self._cut_short(str(error))))
        except BaseException:
            if self._journal.state.conductor.status != "sleeping":
                # While it sleeps here, or brings that to its end, it is asked for the value, which is no answer.
                valuing = asleep or self._before.valuing
                text = None if valuing else self._cut_short("The run was stopped.")
                self._journal.append(ConductorSlept(text=text))
            raise
        finally:
            listening.cancel()

    def _tell(self, silence: str) -> None:
        self._journal.append(ConductorStalled(detail=silence))

    def _hear(self, text: str) -> None:
        self._silence.heard()
        if self._journal.state.conductor.silent:
            self._journal.append(ConductorHeard())

    def begin(self) -> bool:
        """Begin, or take up the conversation where its record ends; gives whether the conductor sleeps then.

        Before anything else is recorded: a wake that comes first would count as one of an earlier process.
        """
        state = self._journal.state.conductor
        if state.status != "waiting":
            self._before = recorded(state.prompt, state.log)
            self._cut = cut_calls(tuple(self._journal.records))
            # Whoever resumes a run that took all its turns wants it to take more.
            self._turns_before = state.turns
            self._take_up(asleep=state.status == "sleeping")
            return state.status == "sleeping"
        self._journal.append(
            ConductorStarted(
                model=self._conversation.model,
                system=self._conversation.system,
                tools=tuple(_SCHEMAS),
                prompt=self._prompt,
                guides=tuple(self._guides.names),
                schema_bytes=len(to_json(DEFINITIONS)),
            )
        )
        self._conversation.say(self._prompt)
        return False

    def _take_up(self, *, asleep: bool) -> None:
        """Leave of the last reply what is still to be acted on."""
        last = self._before.unfinished
        failed = last is not None and last.stop_reason in ("refusal", "model_context_window_exceeded")
        self._given = self._before.given
        if asleep:
            self._before.unfinished = None
            if self._before.valuing and not failed:
                self._given.append(said_since(self._before.messages).strip())
        elif last is not None and failed:
            # It failed for this. Whoever resumes the run wants the same asked again.
            self._before.unfinished = None
            if last.content:
                self._before.messages.pop()
        self._conversation.messages.extend(self._before.messages)

    def wake(self, text: str, until: int, unlaunched: tuple[str, ...], unread: tuple[str, ...]) -> None:
        """Tell the conductor something while it sleeps."""
        # What it said of the value before is of a run that it took for done.
        self._before.valuing, self._given = False, []
        self._journal.append(ConductorTold(text=text, until=until, unlaunched=unlaunched, unread=unread))
        self._messages.put_nowait(text)

    async def give(self, text: str, *, repair: bool = False) -> str:
        """Ask the sleeping conductor for one more text (a typed value); returns its reply, or the one that is recorded.

        Raises:
            BudgetSpent: it cannot be paid any more.
            ModelError: it could not be had.
        """
        if self._given:
            return self._given.pop(0)
        self._journal.append(ConductorTold(text=text, about="repair" if repair else "value"))
        self._conversation.say(text)
        try:
            return await self._speak()
        finally:
            self._journal.append(ConductorSlept(text=None))

    async def _end_valuing(self) -> None:
        """Bring a request for the value that was cut short to its end; the engine, which asks anew, is given that."""
        with suppress(BudgetSpent, ConductorStuck, ModelError):
            self._given.append(await self._speak())

    async def _take_turn(self) -> str | None:
        """What it said last, or so much of it as a cap left; None when the cap ended the turn before it spoke."""
        try:
            return self._redactor.text(await self._speak())
        except BudgetSpent as error:
            return self._cut_short(str(error))
        except ModelError as error:
            raise ConductorStuck(str(error)) from error

    def _cut_short(self, why: str) -> str | None:
        """The pieces that are there of an answer that is not finished, which were paid for; None where there are none.

        Only for people: a conductor that is resumed goes on exactly where it stopped.
        """
        said = self._redactor.text(said_since(self._conversation.messages).strip())
        return f"{said}\n\n[The answer breaks off here. {why}]" if said else None

    async def _speak(self) -> str:
        reply, self._before.unfinished = self._before.unfinished, None
        last = self._turns_before + self._limits.conductor_turns
        while reply is not None or self._journal.state.conductor.turns < last:
            if reply is None:
                reply = await self._compactor.ask(self._conversation, self._hear)
                self._journal.append(
                    ConductorTurn(request=self._conversation.request_id, content=reply.content, stop=reply.stop_reason)
                )
            self._pieces = self._pieces + 1 if reply.broke_off else 0
            if self._pieces > self._limits.pieces:
                raise ConductorStuck(f"{self._pieces} replies in a row broke off ({reply.stop_reason}).")
            match reply.stop_reason:
                case "tool_use":
                    self._conversation.say([await self._call(call) for call in reply.tool_calls])
                case "pause_turn":
                    pass
                case "max_tokens":
                    self._journal.append(ConductorTold(text=GO_ON, about="reminder"))
                    self._conversation.say(GO_ON)
                case "refusal":
                    if reply.content:
                        # Why it refused is no piece of its answer.
                        self._conversation.messages.pop()
                    raise ConductorStuck(f"The model refused. {reply.text}".strip())
                case "model_context_window_exceeded":
                    raise ConductorStuck("Its conversation no longer fits into the model's window.")
                case _:
                    return said_since(self._conversation.messages).strip()
            reply = None
        raise ConductorStuck(f"It took {self._limits.conductor_turns} turns, the most that a run gets.")

    async def _call(self, call: Json) -> Json:
        if (known := self._before.results.get(call["id"])) is not None:
            return known
        name = ALIASES.get(call["name"], call["name"])
        if name not in _SCHEMAS:
            why = f"There is no tool {call['name']!r}: you have {', '.join(_SCHEMAS)}. Workers do the work."
            return self._refuse(call, why)
        wrong = check_arguments(_SCHEMAS[name], call["input"])
        if not wrong and name == ask.NAME:
            wrong = ask.problem(call["input"])
        if not wrong and name in ("TaskCreate", "TaskUpdate"):
            wrong = await task_schema.problem(call["input"])
        if wrong and name not in PURE:
            return self._refuse(call, f"{name}: {wrong}")
        if (cap := call_cap(self._journal.state, "conductor")) is not None and call["id"] not in self._cut:
            if (event := reached(self._journal.state, cap)) is not None:
                self._journal.append(event)
            return self._refuse(call, f"{name} was not run. {cap.text} Give the answer now, and say what was not done.")
        cut = self._cut.pop(call["id"], None)
        use = f"c{self._journal.state.calls + 1}" if cut is None else cut.name
        if cut is None:
            shown = self._shown(name, call["input"])
            self._journal.append(ToolStarted(call=use, by="conductor", name=name, input=shown, use=call["id"]))
        began = time.monotonic()
        content, is_error = await self._run(name, call["input"], wrong, cut)
        content = self._redactor.text(content)
        self._journal.append(
            ToolEnded(
                call=use,
                by="conductor",
                name=name,
                content=content,
                is_error=is_error,
                use=call["id"],
                seconds=time.monotonic() - began,
            )
        )
        return tool_result(call, content, is_error=is_error)

    async def _run(self, name: str, args: Json, wrong: str | None, cut: CutCall | None) -> tuple[str, bool]:
        if name == ask.NAME:
            put = cut.question() if cut else None
            answers = await (self._questions.answers_to(put) if put else self._questions.put(args["questions"]))
            return json.dumps({"answers": answers}, ensure_ascii=False), False
        state = cut.state() if cut else self._journal.state
        if name == read.NAME:
            try:
                return read.read(state, args, self._reach, self._guides), False
            except ToolError as error:
                return str(error), True
        tool = PURE[name]
        try:
            plan = tool.refused(state, f"{name}: {wrong}") if wrong else tool.plan(state, self._redactor.json(args))
        except PlanError as error:
            plan = tool.refused(state, str(error))
        for event in cut.left(plan.events) if cut else plan.events:
            self._journal.append(event)
        return plan.result, plan.is_error

    def _shown(self, name: str, args: Json) -> Json:
        shown = self._redactor.json(args)
        path = args.get("file_path")
        # As it is read: without the blanks around it.
        if name == read.NAME and isinstance(path, str) and read.is_workspace_file(path.strip()):
            # Recorded as an absolute path: this is what the limit of two workspace files counts.
            shown["file_path"] = str(self._reach.workspace / path.strip())
        return shown

    def _refuse(self, call: Json, why: str) -> Json:
        self._journal.append(ToolRefused(by="conductor", name=call["name"], why=why, use=call["id"]))
        return tool_result(call, why, is_error=True)
