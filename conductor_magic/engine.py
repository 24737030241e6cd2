"""Carries out what the scheduler decides: starts and stops workers, wakes the conductor, ends the run.

The engine owns no truth: it appends events and asks `decide(state)` again. Everything here runs on one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from conductor_magic.alarms import Alarms
from conductor_magic.attempt import Attempt, Bench
from conductor_magic.compactor import Compactor
from conductor_magic.conductor import Conductor, ConductorStuck
from conductor_magic.controls import control
from conductor_magic.cut_calls import CutCalls
from conductor_magic.decisions import (
    Celebrate,
    Command,
    ContinueWorker,
    Finish,
    Resolve,
    Skip,
    StartWorker,
    StopWorker,
    WakeConductor,
    WantMerge,
    Warn,
)
from conductor_magic.errors import ModelError
from conductor_magic.events import (
    CancelRequested,
    Cause,
    ConflictResolved,
    MergeWanted,
    Milestone,
    RunEnded,
    RunNoted,
    TaskSkipped,
    WorkerContinued,
    WorkerEnded,
    WorkerStarted,
    WorkerStopping,
)
from conductor_magic.handing_on import keep_reports
from conductor_magic.journal import Journal
from conductor_magic.limits import EXPECTED_SECONDS, Limits
from conductor_magic.models.calls import BudgetSpent
from conductor_magic.prompts import (
    long_results,
    notice_text,
    repair_text,
    unread_results,
    unsettled_text,
    value_text,
    worker_prompt,
    worker_system,
)
from conductor_magic.questions import Questions
from conductor_magic.recovering import attempt_reason
from conductor_magic.redact import Redactor
from conductor_magic.returns import ReturnType
from conductor_magic.scheduler import decide, is_final
from conductor_magic.state import WorkerState
from conductor_magic.subagents import subagent
from conductor_magic.worker import Ending

__all__ = ["Engine"]


class Engine:
    """One run at work.

    Args:
        journal: begun already (`run.started`, `run.models`).
        compactor: sends all requests.
        conductor: not yet started.
        bench: what workers get.
        questions: puts what a crash has left open.
        redactor: takes secrets out of prompts.
        limits: how long a worker may take.
        returns: the type of the run's value, or None.
        on_text: `(worker, text)` for streamed text.
    """

    def __init__(
        self,
        journal: Journal,
        compactor: Compactor,
        conductor: Conductor,
        bench: Bench,
        questions: Questions,
        redactor: Redactor,
        limits: Limits,
        returns: ReturnType | None,
        on_text: Callable[[str, str], None] | None,
    ) -> None:
        self._journal = journal
        self._compactor = compactor
        self._conductor = conductor
        self._bench = bench
        self._questions = questions
        self._redactor = redactor
        self._limits = limits
        self._returns = returns
        self._on_text = on_text
        self._changed = asyncio.Event()
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._valuing: asyncio.Task[None] | None = None
        self._value: tuple[Any, str] | None = None
        self._fault: Exception | None = None
        self._alarms = Alarms(journal, self._changed.set)

    async def run(self) -> None:
        """Drive the run to its last record. Cancelling this coroutine leaves the run without one.

        Raises:
            Exception: a crash of the conductor or of what surrounds a worker; the run has no last record then.
        """
        unsubscribe = self._journal.subscribe(lambda record, state: self._changed.set())
        conducting = self._set_going(partial(self._conductor.conduct, asleep=self._conductor.begin()))
        for worker in self._journal.state.running:
            if worker.stopping:
                # A person stopped it, and its process ended before it did.
                self._end(worker.id, worker.task, Ending("cancelled", "cancelled", error=worker.stopping))
            else:
                self._go_on(worker)
        # One that is stopped before its first step would never say that it has ended.
        await asyncio.sleep(0)
        self._alarms.set()
        try:
            await self._bench.services.open()
            while not self._journal.state.ended:
                self._changed.clear()
                if self._fault is not None:
                    raise self._fault
                state = self._journal.state
                if state.halted:
                    conducting.cancel()
                    if self._valuing is not None:
                        self._valuing.cancel()
                for command in decide(state):
                    self._carry_out(command)
                self._alarms.set_tier()
                if not self._journal.state.ended:
                    await self._changed.wait()
        finally:
            unsubscribe()
            self._alarms.cancel()
            await self._stop_all([conducting, *self._workers.values(), *([self._valuing] if self._valuing else [])])
            await self._bench.services.aclose(self._limits.stop_seconds)

    def cancel(self, by: str, reason: str = "") -> None:
        """Ask the run to stop; idempotent."""
        state = self._journal.state
        if not state.ended and not state.cancelled_by:
            self._journal.append(CancelRequested(by=by, reason=reason))

    def stop(self, fault: Exception) -> None:
        """End at once without a last record, as by a crash: nothing can be recorded any more."""
        self._fault = self._fault or fault
        self._changed.set()

    def control(self, kind: str, args: Mapping[str, Any]) -> None:
        """Do what a person asked for of the plan.

        Raises:
            PlanError: it cannot be done, and why.
        """
        for step in control(self._journal.state, kind, args):
            if isinstance(step, StopWorker):
                self._carry_out(step)
            else:
                self._journal.append(step)

    def _set_going(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run it beside the drive loop, which looks again when it is over and ends with it when it crashes."""
        return asyncio.ensure_future(self._watched(work))

    async def _watched(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - raised again by the drive loop
            # Noted in the same step as the crash: what was recorded on the way out must not be decided upon first.
            self._fault = self._fault or error
        finally:
            self._changed.set()

    def _carry_out(self, command: Command) -> None:
        match command:
            case StartWorker():
                self._start(command)
            case ContinueWorker(worker, desk):
                self._journal.append(WorkerContinued(worker=worker, desk=desk))
                self._go_on(self._journal.state.workers[worker])
            case StopWorker(worker, by, reason):
                self._journal.append(WorkerStopping(worker=worker, by=by, reason=reason))
                self._workers[worker].cancel()
            case WakeConductor(until, unlaunched):
                state = self._journal.state
                news = state.notices[state.conductor.told : until]
                unread = unread_results(state, news)
                self._conductor.wake(notice_text(state, news, unlaunched, unread), until, unlaunched, unread)
            case WantMerge(conflict):
                self._journal.append(MergeWanted(conflict=conflict, by="default"))
            case Resolve(conflict, task):
                path = self._journal.state.conflicts[conflict].event.path
                self._journal.append(ConflictResolved(conflict=conflict, path=path, by="worker", how=f"task {task}"))
            case Warn(event):
                self._journal.append(event)
            case Celebrate(phase):
                self._journal.append(Milestone(scope="phase", name=phase))
            case Skip(task, reason):
                self._journal.append(TaskSkipped(task=task, reason=reason))
            case Finish():
                self._finish(command)

    # --- workers -----------------------------------------------------------------------------------------------------

    def _start(self, command: StartWorker) -> None:
        state = self._journal.state
        task = state.tasks[command.task]
        worker = f"w{len(state.workers) + 1}"
        whole = keep_reports(self._bench.artifacts, long_results(state, task))
        prompt = self._redactor.text(worker_prompt(state, task, whole))
        self._journal.append(
            WorkerStarted(
                worker=worker,
                task=task.id,
                attempt=command.attempt,
                desk=command.desk,
                tier=task.tier,
                model=state.tiers[task.tier],
                prompt=prompt,
                system=worker_system(task.subagent),
                tools=subagent(task.subagent).of(self._bench.tools),
                expected=EXPECTED_SECONDS[task.tier],
                reason=self._redactor.text(attempt_reason(state, task)),
            )
        )
        self._workers[worker] = self._set_going(partial(self._work, worker, task.id, task.tier, prompt))

    def _go_on(self, worker: WorkerState) -> None:
        """Take up an attempt where an earlier process left it."""
        cut = CutCalls(worker, self._journal.state.unsure, self._journal, self._questions)
        work = partial(self._work, worker.id, worker.task, worker.tier, worker.prompt, cut)
        self._workers[worker.id] = self._set_going(work)

    async def _work(self, worker: str, task: str, tier: str, prompt: str, cut: CutCalls | None = None) -> None:
        on_text = None if self._on_text is None else lambda text: self._on_text(worker, text) if self._on_text else None
        attempt = Attempt(
            worker, task, tier, prompt, self._bench, self._compactor, self._journal, self._redactor, self._limits,
            on_text, cut,
        )  # fmt: skip
        try:
            await attempt.run(lambda ending: self._end(worker, task, ending))
        finally:
            del self._workers[worker]

    def _end(self, worker: str, task: str, ending: Ending) -> None:
        state = self._journal.state
        earlier = [state.workers[name] for name in state.tasks[task].attempts[:-1]]
        before: tuple[Cause, ...] = tuple(attempt.cause for attempt in earlier if not attempt.with_run)
        final = ending.outcome in ("completed", "cancelled") or is_final(ending.cause, before)
        self._journal.append(
            WorkerEnded(
                worker=worker,
                task=task,
                outcome=ending.outcome,
                cause=ending.cause,
                final=final,
                output=ending.output,
                value=ending.value,
                error=self._redactor.text(ending.error),
            )
        )

    # --- the end -----------------------------------------------------------------------------------------------------

    def _value_is_due(self) -> bool:
        state = self._journal.state
        return self._returns is not None and not state.stopping and bool(state.conductor.answer.strip())

    def _finish(self, command: Finish) -> None:
        if self._valuing is not None and not self._valuing.done():
            return
        if self._valuing is None and command.status in ("completed", "partial") and self._value_is_due():
            self._valuing = self._set_going(self._get_value)
            return
        missing = "" if self._returns is None else f"No {self._returns.name} was given."
        value, missing = self._value or (None, missing)
        self._finish_now(command, value, missing)

    async def _get_value(self) -> None:
        """Ask for the typed value, with one repair; what the conductor launches meanwhile is done before the end."""
        assert self._returns is not None
        value, missing = None, ""
        try:
            value, wrong = self._returns.read(await self._conductor.give(value_text(self._returns.schema)))
            if wrong:
                value, wrong = self._returns.read(await self._conductor.give(repair_text(wrong), repair=True))
            missing = f"The answer does not fit {self._returns.name}: {wrong}" if wrong else ""
        except (BudgetSpent, ConductorStuck, ModelError) as error:
            missing = f"The value could not be had: {error}"
        self._value = value, missing

    def _finish_now(self, command: Finish, value: Any, missing: str) -> None:
        state = self._journal.state
        status, reason = command.status, command.reason
        if missing and status == "completed":
            status, reason = "partial", missing
        for conflict in state.open_conflicts:
            self._journal.append(RunNoted(text=unsettled_text(conflict), level="warning"))
        if status == "completed":
            self._journal.append(Milestone(scope="run", name="Run"))
        self._journal.append(
            RunEnded(status=status, answer=state.conductor.answer, value=value, reason=reason or missing)
        )

    async def _stop_all(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
