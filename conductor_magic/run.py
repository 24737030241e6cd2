"""A run: prepared in the caller's thread, driven on the engine's loop, handled through a `Run`.

`start` does what can go wrong for a person's reasons (a bad name, an unpicklable variable, a locked workspace) before
anything exists; from then on nothing raises: the run ends with a status. The SDK is imported in a thread while the
board is already up.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conductor_magic import __version__
from conductor_magic.connect import connect, provider_of
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import ConductorSlept, ModelsResolved, RunEnded, RunNoted, RunStarted, TaskSkipped
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.lock import WorkspaceLock
from conductor_magic.loop import engine_loop
from conductor_magic.redact import Redactor
from conductor_magic.result import result_of
from conductor_magic.returns import ReturnType
from conductor_magic.sandbox import choose_walls
from conductor_magic.settings import Options, data_folder, new_run_id
from conductor_magic.snapshot import inspect

if TYPE_CHECKING:
    from conductor_magic.board import Board
    from conductor_magic.engine import Engine
    from conductor_magic.result import ConductResult
    from conductor_magic.state import RunState

__all__ = ["Run", "start"]

Json = dict[str, Any]
_log = logging.getLogger(__name__)


def start(
    goal: str,
    options: Options,
    *,
    variables: Mapping[str, object] | None = None,
    returns: object | None = None,
    answers: Mapping[str, object] | None = None,
    limits: Limits | None = None,
    connector: Callable[..., Any] = connect,
    begin: bool = True,
) -> Run:
    """Prepare a run and set it going.

    Args:
        goal: what is to be done, braces filled in already.
        options: checked options.
        variables: notebook variables to hand to workers, by name.
        returns: the type that the answer is validated into.
        answers: what answers questions instead of a person.
        limits: limits that no option sets.
        connector: gives the model for a provider; the seam for tests.
        begin: False leaves it to the caller to `begin` it, once its board is on the screen.

    Raises:
        ConductUsageError: nothing was started and nothing is left behind.
    """
    if not goal.strip():
        raise ConductUsageError("The goal is empty: write what is to be done.")
    return_type = _return_type(returns)
    workspace = Path(os.path.realpath(options.workspace or Path.cwd()))
    provider, note = provider_of(options.provider, os.environ)
    data = data_folder()
    run_id = new_run_id(time.time())
    folder = data / "runs" / run_id
    lock = WorkspaceLock.take(data, workspace, run_id, shared=options.mode == "read-only")
    try:
        walls = choose_walls(options.mode, workspace, data)
        described = _hand_over(variables, folder)
        redactor = Redactor(os.environ)
        journal = Journal(folder)
        journal.append(
            RunStarted(
                run=run_id,
                goal=redactor.text(goal.strip()),
                version=__version__,
                guide=options.guide,
                provider=provider,
                provider_note=note,
                workers=options.workers,
                mode=options.mode,
                budget=options.budget,
                timeout=options.timeout,
                workspace=str(workspace),
                returns=return_type.schema if return_type else None,
                variables=tuple(redactor.json(described)),
                isolation=walls.kind,
                isolation_note=walls.reason,
            )
        )
        run = Run(
            run_id, folder, journal, options, walls, lock, redactor, return_type, answers, limits or Limits(), connector
        )
    except BaseException:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if begin:
        run.begin()
    return run


def _return_type(returns: object | None) -> ReturnType | None:
    if returns is None:
        return None
    try:
        return ReturnType(returns)
    except Exception as error:  # noqa: BLE001 - whatever pydantic says of a type, it is the person's type
        name = getattr(returns, "__name__", repr(returns))
        reason = str(error).splitlines()[0]
        raise ConductUsageError(f"--returns {name}: no JSON schema can be made of it ({reason}).") from None


def _hand_over(variables: Mapping[str, object] | None, folder: Path) -> list[Json]:
    if not variables:
        return []
    from conductor_magic.notebook import describe, export_variables

    exported = export_variables(list(variables), variables, folder / "variables")
    return [{"name": variable.name, "type": variable.type, "text": describe(variable)} for variable in exported]


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
        lock: WorkspaceLock,
        redactor: Redactor,
        returns: ReturnType | None,
        answers: Mapping[str, object] | None,
        limits: Limits,
        connector: Callable[..., Any],
    ) -> None:
        self.id = run_id
        self.folder = folder
        self.done = threading.Event()
        self.board = self._make_board(options)
        self._journal = journal
        self._options = options
        self._walls = walls
        self._lock = lock
        self._redactor = redactor
        self._returns = returns
        self._answers = answers
        self._limits = limits
        self._connector = connector
        self._loop = engine_loop()
        self._engine: Engine | None = None
        self._questions: Any = None
        self._attended = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._cancel_reason: str | None = None

    # --- for everybody -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> RunState:
        """The run's state now."""
        return self._journal.state

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The engine's loop, on which a board's messages are handled."""
        return self._loop

    def cancel(self, reason: str = "") -> None:
        """Ask the run to stop; from any thread, idempotent. It ends within two seconds as `cancelled`."""
        self._loop.call_soon_threadsafe(self._cancel, "person", reason)

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
        state = fold(records) if alive else self._journal.state
        return result_of(records, state, self.folder, alive=alive, returns=self._returns)

    def __await__(self) -> Generator[Any, None, ConductResult]:
        return asyncio.to_thread(self.wait).__await__()

    def __repr__(self) -> str:
        state = self.state
        return f"<Run {self.id}: {state.status}, {len(state.tasks)} tasks, {len(state.running)} at work>"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if self.board is not None:
            display(self.board.widget)
        else:
            print(repr(self))

    def _make_board(self, options: Options) -> Board | None:
        if options.quiet:
            return None
        from conductor_magic.board import Board

        return Board(self._command)

    # --- on the engine's loop ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Set the run going; idempotent."""
        self._loop.call_soon_threadsafe(self._launch)

    def _launch(self) -> None:
        if self._main is not None:
            return
        if self.board is not None:
            self.board.attach(self._journal, self._loop)
        self._main = self._loop.create_task(self._drive())

    async def _drive(self) -> None:
        try:
            if self._cancel_reason is None:
                await self._work()
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - our bug: logged, and the run ends as failed
            _log.exception("run %s failed", self.id)
            self._end("failed", f"{type(error).__name__}: {error}")
        finally:
            if not self.state.ended:
                self._end(
                    "cancelled" if self._cancel_reason is not None else "failed", self._cancel_reason or "Stopped."
                )
            await self._clean_up()

    async def _work(self) -> None:
        """Connect, then drive the engine to the run's last record."""
        from conductor_magic.assemble import assemble
        from conductor_magic.questions import Questions

        started = self.state.started
        assert started is not None
        connection = await self._connector(started.provider, dict(self._options.tiers), self._options.budget)
        try:
            for note in connection.notes:
                self._journal.append(RunNoted(text=note))
            self._journal.append(ModelsResolved(tiers=connection.models, source=connection.source))
            attended = None if self.board is None else self._attended
            self._questions = Questions(self._journal, self._answers, attended, self._limits.hello_seconds)
            say = None if self.board is None else self.board.say
            self._engine = assemble(
                self._journal, connection, self._options, self._walls, self._redactor, self._questions,
                self._limits, self._returns, say,
            )  # fmt: skip
            await self._engine.run()
        finally:
            await connection.model.aclose()

    def _end(self, status: Any, reason: str) -> None:
        """Write the last record of a run whose engine could not."""
        state = self._journal.state
        if state.conductor.status not in ("waiting", "sleeping", "failed"):
            self._journal.append(ConductorSlept(text=""))
        for task in state.tasks.values():
            if task.status in ("blocked", "ready"):
                self._journal.append(TaskSkipped(task=task.id, reason=reason))
        self._journal.append(RunEnded(status=status, answer=state.conductor.answer, reason=reason))

    async def _clean_up(self) -> None:
        try:
            if self.board is not None:
                self.board.detach()
            await asyncio.to_thread(shutil.rmtree, self.folder / "variables", ignore_errors=True)
        finally:
            self._journal.close()
            self._lock.release()
            self.done.set()

    def _cancel(self, by: str, reason: str) -> None:
        if self.done.is_set() or self._cancel_reason is not None:
            return
        self._cancel_reason = reason or f"Cancelled by {'you' if by == 'person' else 'the ' + by}."
        if self._engine is not None:
            self._engine.cancel(by, reason)
        elif self._main is not None:
            self._main.cancel()

    def _command(self, kind: str, payload: Json) -> Json:
        """Do what a person asked for at the board; runs on the engine's loop."""
        match kind:
            case "hello":
                self._attended.set()
                return {}
            case "cancel":
                self._cancel("person", "")
                return {}
            case "inspect":
                found = inspect(self.state, str(payload.get("task", "")))
                return {"detail": found} if found else {"error": f"There is no task {payload.get('task')}."}
            case "answer":
                answers = payload.get("answers")
                if self._questions is None or not isinstance(answers, Mapping):
                    return {"error": "No question waits for an answer."}
                wrong = self._questions.answer(str(payload.get("question", "")), answers)
                return {"error": wrong} if wrong else {}
        return {"error": f"Unknown command {kind!r}."}
