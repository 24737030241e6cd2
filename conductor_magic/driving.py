"""What drives a run on the engine's loop, from its first step to its last record.

Nothing raises here: whatever happens, the run ends with a status, its lock is given back and who waits is told. The
SDK is imported in a thread while the board is already up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conductor_magic.board_view import keep_alive
from conductor_magic.connect import capped_money
from conductor_magic.controls import CONTROLS
from conductor_magic.errors import ConductUsageError, ModelError, PlanError
from conductor_magic.events import (
    ConductorSlept,
    ModelsResolved,
    RunEnded,
    RunNoted,
    TaskSkipped,
    WorkerEnded,
)
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.lock import WorkspaceLock
from conductor_magic.loop import engine_loop
from conductor_magic.permissions import Rule
from conductor_magic.recording import interrupted
from conductor_magic.redact import Redactor
from conductor_magic.returns import ReturnType
from conductor_magic.settings import Options
from conductor_magic.trouble import trouble
from conductor_magic.views import VIEWS
from conductor_magic.worked import out_of_time

if TYPE_CHECKING:
    from conductor_magic.board import Board
    from conductor_magic.engine import Engine
    from conductor_magic.sandbox import Walls
    from conductor_magic.state import RunState
    from conductor_magic.tools.kernel_pool import KernelPool

__all__ = ["Driver", "Means"]

Json = dict[str, Any]
Status = Literal["failed", "cancelled"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Means:
    """What a run works with, made before it begins.

    Attributes:
        folder: where its journal and artifacts lie.
        journal: begun already.
        options: what the person chose.
        walls: around all that workers run.
        kernels: theirs.
        lock: keeps others out of the workspace; given back with the run's end.
        rules: what the person has allowed and denied for good.
        redactor: takes secrets out of what is recorded and sent.
        returns: the type of the run's value, or None.
        answers: what answers questions instead of a person.
        limits: limits that no option sets.
        connector: gives the model for a provider.
    """

    folder: Path
    journal: Journal
    options: Options
    walls: Walls
    kernels: KernelPool
    lock: WorkspaceLock
    rules: Sequence[Rule]
    redactor: Redactor
    returns: ReturnType | None
    answers: Mapping[str, object] | None
    limits: Limits
    connector: Callable[..., Any]


class Driver:
    """A run at work; all but what `loop`, `state` and the events tell is for the engine's loop alone.

    Attributes:
        board: the live board, or None with `quiet`.
        loop: the engine's.
        done: set when the run is over and all its processes are gone.
        over: the same for who waits on the loop.
        at_prompt: a person sits at a prompt and answers there.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._journal = means.journal
        self._no_board = ""
        self.board = None if means.options.quiet else self._make_board()
        self.loop = engine_loop()
        self.done = threading.Event()
        self.over = asyncio.Event()
        self.at_prompt = False
        self._attended = asyncio.Event()
        self._launched = False
        self._engine: Engine | None = None
        self._questions: Any = None
        self._main: asyncio.Task[Any] | None = None
        self._cancel_reason: str | None = None

    @property
    def state(self) -> RunState:
        """The run's state now; where its record broke off, `interrupted`, with the reason. From any thread."""
        state = self._journal.state
        return interrupted(state, self.trouble) if self.done.is_set() and not state.ended else state

    @property
    def trouble(self) -> str:
        """Why the run's record broke off and what to do, in one line; empty as long as the disk takes everything."""
        fault = self._journal.fault
        return "" if fault is None else trouble(self._means.folder, fault, ended=self._journal.state.ended)

    def attend(self) -> None:
        """Say that a person is there who answers."""
        self._attended.set()

    def launch(self) -> None:
        """Set the run going; idempotent."""
        if self._launched:
            return
        self._launched = True
        self._journal.drive(self._stop_unrecorded)
        self.loop.create_task(self._drive())
        if self.board is not None:
            self.board.attach(self._journal, self.loop)

    def cancel(self, by: str, reason: str) -> None:
        """Stop the run; idempotent. It ends within two seconds as `cancelled`."""
        if self.done.is_set() or self._cancel_reason is not None:
            return
        self._cancel_reason = reason or f"Cancelled by {'you' if by == 'person' else 'the ' + by}."
        if self._engine is not None:
            self._engine.cancel(by, reason)
        elif self._main is not None:
            self._main.cancel()

    def _asked(self, kind: str, payload: Json) -> Json | Awaitable[Json]:
        """Answer what a view of the board asks, or do what a person did there; runs on the engine's loop."""
        if kind in VIEWS:
            return VIEWS[kind](self._journal.records, self.state, self._means.folder, payload)
        return self.command(kind, payload)

    def command(self, kind: str, payload: Json) -> Json:
        """Do what a person asked for at the board; runs on the engine's loop."""
        match kind:
            case "hello":
                self.attend()
                return {}
            case "cancel":
                self.cancel("person", "")
                return {}
            case "answer":
                answers = payload.get("answers")
                if self._questions is None or not isinstance(answers, Mapping):
                    return {"error": "No question waits for an answer."}
                wrong = self._questions.answer(str(payload.get("question", "")), answers)
                return {"error": wrong} if wrong else {}
        if kind not in CONTROLS:
            return {"error": f"Unknown command {kind!r}."}
        if self._engine is None:
            return {"error": "The run has not begun, or is over."}
        try:
            self._engine.control(kind, payload)
        except PlanError as error:
            return {"error": str(error)}
        return {}

    def _make_board(self) -> Board | None:
        from conductor_magic.board import Board

        try:
            return Board(self._asked, self._means.redactor)
        except Exception as error:  # noqa: BLE001 - a channel that cannot be opened must not keep anybody from working
            self._no_board = f"There is no board: it could not be shown ({type(error).__name__}: {error})."
            return None

    async def _drive(self) -> None:
        # Set here and not where the task is made: a task that is cancelled before its first step never cleans up.
        self._main = asyncio.current_task()
        try:
            status, reason = await self._worked()
            if not self.state.ended and self._journal.fault is None:
                self._end(status, reason)
            # Whether its end is on the disk is known before it is shown.
            await self._journal.flushed()
        except Exception:  # noqa: BLE001 - the journal stays without its end, the run is over all the same
            if self._journal.fault is None:
                _log.exception("the end of run %s could not be recorded", self._means.folder.name)
        finally:
            await self._clean_up()

    async def _worked(self) -> tuple[Status, str]:
        """Do the run's work; what its end is, and why, where the engine did not record it."""
        try:
            if self._cancel_reason is None:
                await self._work()
        except asyncio.CancelledError:
            pass
        except (ConductUsageError, ModelError) as error:
            return "failed", str(error)
        except Exception as error:  # noqa: BLE001 - our bug: logged, and the run ends as failed
            if self._journal.fault is None:
                _log.exception("run %s failed", self._means.folder.name)
            return "failed", f"{type(error).__name__}: {error}"
        return ("failed", "Stopped.") if self._cancel_reason is None else ("cancelled", self._cancel_reason)

    async def _work(self) -> None:
        """Connect, then drive the engine to the run's last record."""
        from conductor_magic.assemble import assemble
        from conductor_magic.questions import Questions

        means, started = self._means, self.state.started
        assert started is not None
        try:
            took = self._journal.now() - self.state.started_at
            async with asyncio.timeout(None if started.timeout is None else max(0.0, started.timeout - took)):
                connection = await means.connector(
                    started.provider, dict(means.options.tiers), capped_money(means.options)
                )
        except TimeoutError:
            self._journal.append(out_of_time(started.timeout or 0.0))
            self._end("failed", self.state.cap_text)
            return
        try:
            for note in connection.notes:
                self._note_once(note)
            if self._no_board:
                self._journal.append(RunNoted(text=self._no_board, level="warning"))
            self._journal.append(
                ModelsResolved(
                    tiers=connection.models,
                    source=connection.source,
                    usd=connection.usual_usd,
                    prices=connection.prices,
                )
            )
            attended = self._attended if self.board is not None or self.at_prompt else None
            self._questions = Questions(
                self._journal, means.answers, attended, means.limits.hello_seconds, means.redactor
            )
            say = None if self.board is None else self.board.say
            self._engine = assemble(
                self._journal, connection, means.walls, means.kernels, means.redactor, self._questions, means.rules,
                means.limits, means.returns, say,
            )  # fmt: skip
            await self._engine.run()
        finally:
            await connection.model.aclose()

    def _note_once(self, text: str) -> None:
        """Tell the person something of the run, unless it was told before the run was resumed."""
        text = self._means.redactor.text(text)
        if all(getattr(record.event, "text", "") != text for record in self.state.notes):
            self._journal.append(RunNoted(text=text))

    def _end(self, status: Status, reason: str) -> None:
        """Write the last record of a run whose engine could not."""
        state = self._journal.state
        if state.conductor.status not in ("waiting", "sleeping", "failed"):
            self._journal.append(ConductorSlept(text=None))
        for worker in state.running:
            self._journal.append(
                WorkerEnded(worker=worker.id, task=worker.task, outcome="cancelled", cause="cancelled", error=reason)
            )
        for task in state.tasks.values():
            if task.status in ("blocked", "ready"):
                self._journal.append(TaskSkipped(task=task.id, reason=reason))
        self._journal.append(RunEnded(status=status, answer=state.conductor.answer, reason=reason))

    async def _clean_up(self) -> None:
        try:
            # The other way round: each is done whatever comes of those before it.
            async with AsyncExitStack() as steps:
                steps.callback(self._journal.close)
                steps.push_async_callback(self._means.kernels.aclose)
                steps.callback(self._leave_board)
        except Exception:  # noqa: BLE001 - what could not be tidied must not keep anybody waiting
            _log.exception("run %s could not be tidied up", self._means.folder.name)
        finally:
            self._means.lock.release()
            # A result needs the journal alone; what drove the run would keep all of it in memory, in circles.
            self._engine = self._questions = self._main = None
            self.done.set()
            self.over.set()

    def _leave_board(self) -> None:
        if self.board is not None:
            state = self._journal.state
            self.board.detach(interrupted(state, self.trouble) if self.trouble and not state.ended else None)
            keep_alive(self.board)

    def _stop_unrecorded(self, fault: OSError) -> None:
        """Stop the work: what cannot be recorded must not happen. It is resumed from what was recorded."""
        if self._engine is not None:
            self._engine.stop(fault)
        elif self._main is not None and asyncio.current_task() is not self._main:
            self._main.cancel()
