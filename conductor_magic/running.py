"""A run under way: handled through a `Run` from any thread, driven on the engine's loop.

Nothing raises here: whatever happens, the run ends with a status, its lock is given back and who waits is told. The
SDK is imported in a thread while the board is already up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conductor_magic.board_view import keep_alive, show_board
from conductor_magic.caps import out_of_time
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
from conductor_magic.result import result_of
from conductor_magic.returns import ReturnType
from conductor_magic.settings import Options
from conductor_magic.trouble import trouble
from conductor_magic.views import VIEWS

if TYPE_CHECKING:
    from conductor_magic.board import Board
    from conductor_magic.engine import Engine
    from conductor_magic.result import ConductResult
    from conductor_magic.state import RunState
    from conductor_magic.tools.kernel_pool import KernelPool

__all__ = ["Run"]

Json = dict[str, Any]
Status = Literal["failed", "cancelled"]
_log = logging.getLogger(__name__)


class Run:
    """A run under way or over. Made by `start`, `conduct` and `%%conduct`.

    Attributes:
        id: the run's id.
        folder: where its journal and artifacts lie.
        done: set when the run is over and all its processes are gone.
        board: the live board, or None with `quiet`.
    """

    def __init__(
        self,
        run_id: str,
        folder: Path,
        journal: Journal,
        options: Options,
        walls: Any,
        kernels: KernelPool,
        lock: WorkspaceLock,
        rules: Sequence[Rule],
        redactor: Redactor,
        returns: ReturnType | None,
        answers: Mapping[str, object] | None,
        limits: Limits,
        connector: Callable[..., Any],
    ) -> None:
        self.id = run_id
        self.folder = folder
        self.done = threading.Event()
        self._journal = journal
        self._options = options
        self._walls = walls
        self._kernels = kernels
        self._lock = lock
        self._rules = rules
        self._redactor = redactor
        self._no_board = ""
        self.board = self._make_board(options)
        self._returns = returns
        self._answers = answers
        self._limits = limits
        self._connector = connector
        self._loop = engine_loop()
        self._engine: Engine | None = None
        self._questions: Any = None
        self._attended = asyncio.Event()
        self._at_prompt = False
        self._launched = False
        self._main: asyncio.Task[Any] | None = None
        self._over: asyncio.Event = asyncio.Event()
        self._cancel_reason: str | None = None

    # --- for everybody -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> RunState:
        """The run's state now; where its record broke off, `interrupted`, with the reason."""
        state = self._journal.state
        return interrupted(state, self.trouble) if self.done.is_set() and not state.ended else state

    @property
    def trouble(self) -> str:
        """Why the run's record broke off and what to do, in one line; empty as long as the disk takes everything."""
        fault = self._journal.fault
        return "" if fault is None else trouble(self.folder, fault, ended=self._journal.state.ended)

    def now(self) -> float:
        """This moment on the run's clock, in epoch seconds."""
        return self._journal.now()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The engine's loop, on which a board's messages are handled."""
        return self._loop

    def cancel(self, reason: str = "") -> None:
        """Ask the run to stop; from any thread, idempotent. It ends within two seconds as `cancelled`."""
        self._loop.call_soon_threadsafe(self._cancel, "person", reason)

    def attend(self) -> None:
        """Say that a person sits at a prompt and answers there; before `begin`."""
        self._at_prompt = True
        self._loop.call_soon_threadsafe(self._attended.set)

    def answer(self, question: str, answers: Mapping[str, Any]) -> str | None:
        """Answer an open question from another thread than the engine's.

        Args:
            question: its name in the journal.
            answers: text of each of its questions -> a label, several, or own words.

        Returns:
            None when they were taken, else what is wrong with them.
        """
        payload = {"question": question, "answers": dict(answers)}

        async def take() -> Json:
            return self._command("answer", payload)

        return asyncio.run_coroutine_threadsafe(take(), self._loop).result().get("error")

    def wait(self, timeout: float | None = None) -> ConductResult:
        """Block until the run is over.

        Args:
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: the run is still going after `timeout` seconds.
        """
        if not self.done.wait(timeout):
            raise TimeoutError(f"run {self.id} is still going after {timeout:g} s; it goes on in the background")
        return self.result()

    def result(self) -> ConductResult:
        """What there is of the result now."""
        alive = not self.done.is_set()
        records = list(self._journal.records)
        from conductor_magic.fold import fold

        # A run that goes on appends while we look: fold what we copied, so that both agree.
        state = fold(records) if alive else self.state
        return result_of(records, state, self.folder, alive=alive, returns=self._returns)

    def __await__(self) -> Generator[Any, None, ConductResult]:
        return self._awaited().__await__()

    async def _awaited(self) -> ConductResult:
        # No thread waits: one that did would outlive a cancelled `await`, and hold up the end of its event loop.
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._over.wait(), self._loop))
        return self.result()

    def __repr__(self) -> str:
        state = self.state
        return f"<Run {self.id}: {state.status}, {len(state.tasks)} tasks, {len(state.running)} at work>"

    def _ipython_display_(self) -> None:
        if self.board is not None and self.board.is_open:
            show_board(self.board, self.id)
        else:
            print(repr(self))

    def _make_board(self, options: Options) -> Board | None:
        if options.quiet:
            return None
        from conductor_magic.board import Board

        try:
            return Board(self._asked, self._redactor)
        except Exception as error:  # noqa: BLE001 - a channel that cannot be opened must not keep anybody from working
            self._no_board = f"There is no board: it could not be shown ({type(error).__name__}: {error})."
            return None

    # --- on the engine's loop ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Set the run going; idempotent."""
        self._loop.call_soon_threadsafe(self._launch)

    def _launch(self) -> None:
        if self._launched:
            return
        self._launched = True
        self._journal.drive(self._stop_unrecorded)
        self._loop.create_task(self._drive())
        if self.board is not None:
            self.board.attach(self._journal, self._loop)

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
                _log.exception("the end of run %s could not be recorded", self.id)
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
                _log.exception("run %s failed", self.id)
            return "failed", f"{type(error).__name__}: {error}"
        return ("failed", "Stopped.") if self._cancel_reason is None else ("cancelled", self._cancel_reason)

    async def _work(self) -> None:
        """Connect, then drive the engine to the run's last record."""
        from conductor_magic.assemble import assemble
        from conductor_magic.questions import Questions

        started = self.state.started
        assert started is not None
        try:
            took = self.now() - self.state.started_at
            async with asyncio.timeout(None if started.timeout is None else max(0.0, started.timeout - took)):
                connection = await self._connector(
                    started.provider, dict(self._options.tiers), capped_money(self._options)
                )
        except TimeoutError:
            self._journal.append(out_of_time(started.timeout or 0.0))
            self._end("failed", self.state.cap_text)
            return
        try:
            for note in connection.notes:
                self._journal.append(RunNoted(text=note))
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
            attended = self._attended if self.board is not None or self._at_prompt else None
            self._questions = Questions(
                self._journal, self._answers, attended, self._limits.hello_seconds, self._redactor
            )
            say = None if self.board is None else self.board.say
            self._engine = assemble(
                self._journal, connection, self._walls, self._kernels, self._redactor, self._questions, self._rules,
                self._limits, self._returns, say,
            )  # fmt: skip
            await self._engine.run()
        finally:
            await connection.model.aclose()

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
                steps.push_async_callback(self._kernels.aclose)
                steps.callback(self._leave_board)
        except Exception:  # noqa: BLE001 - what could not be tidied must not keep anybody waiting
            _log.exception("run %s could not be tidied up", self.id)
        finally:
            self._lock.release()
            # A result needs the journal alone; what drove the run would keep all of it in memory, in circles.
            self._engine = self._questions = self._main = None
            self.done.set()
            self._over.set()

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

    def _cancel(self, by: str, reason: str) -> None:
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
            return VIEWS[kind](self._journal.records, self.state, self.folder, payload)
        return self._command(kind, payload)

    def _command(self, kind: str, payload: Json) -> Json:
        """Do what a person asked for at the board; runs on the engine's loop."""
        match kind:
            case "hello":
                self._attended.set()
                return {}
            case "cancel":
                self._cancel("person", "")
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
