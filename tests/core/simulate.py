"""A run without a shell: `decide` commands, chance answers with the events that a real engine could append.

Everything that a run can meet happens here in any order: crashes, retries, refusals, edits and cancels by a person,
deleted tasks, replacements, questions, caps. The same seed gives the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from conductor_magic import events as e
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
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply
from conductor_magic.plan import find_cycle
from conductor_magic.resuming import alone_from, taken_over, what_to_tell
from conductor_magic.scheduler import MAX_ATTEMPTS, attempts_made, decide, is_final
from conductor_magic.state import ConflictState, RunState, TaskState, WorkerState

__all__ = ["PLANS", "SIMULATIONS", "Simulation", "Step"]

OUTCOMES: dict[e.Cause, e.Outcome] = {
    "timeout": "timeout",
    "limit": "limit",
    "budget": "limit",
    "refusal": "refused",
}
FAILURES = tuple(cause for cause in get_args(e.Cause) if cause not in ("", "cancelled"))


@dataclass(frozen=True)
class Step:
    """One record, with the state before it and after it."""

    before: RunState
    record: Record
    after: RunState


@dataclass
class Simulation:
    """One run, played to its end by `play`.

    Attributes:
        seed: of all chance in it.
        slots: workers at once.
        tasks: the most tasks that the conductor creates.
        failures: chance that an attempt fails, 0–1.
        troubles: how often at most a person or a cap interferes.
        whims: whether the conductor does more than create and launch everything in one turn.
        mode: the run's; what was planned in mode `plan` may then be run.
    """

    seed: int
    slots: int = 3
    tasks: int = 8
    failures: float = 0.3
    troubles: int = 3
    whims: bool = True
    mode: str = "workspace"
    state: RunState = field(default_factory=RunState)
    steps: list[Step] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)
        self._names = 0

    def play(self, most_steps: int = 3000) -> Simulation:
        """Play the run to its end.

        Raises:
            AssertionError: it does not end, stops with nothing left to happen, or is given a command twice.
        """
        budget = self._chance.choice((None, 1.0, 4.0)) if self.whims else None
        caps = {"run.tokens": 200.0} if self.whims and self._often(0.3) else {}
        self.append(
            e.RunStarted(run="simulated", goal="Simulate", workers=self.slots, budget=budget, caps=caps, mode=self.mode)
        )
        self.append(e.ConductorStarted(model="m", system="s", tools=("Task",), prompt="p"))
        while not self.state.ended or self._is_resumed():
            assert len(self.steps) < most_steps, "the run does not end"
            commands = decide(self.state)
            for command in commands:
                self._carry_out(command)
            again = set(commands) & set(decide(self.state))
            assert not again, f"returned again after being carried out: {again}"
            if not self.state.ended and not commands:
                self._chance.choice(self._possible())()
        return self

    def _is_resumed(self) -> bool:
        """Whether somebody takes up the run that has ended."""
        again = self.state.status != "completed" and self.troubles > 0 and self._often(0.3)
        if again:
            self.troubles -= 1
            self._resume()
        return again

    def _resume(self) -> None:
        """The process is gone, and another takes the run over."""
        before = self.state
        walls = ("plan" if before.plans_only and before.status != "planned" else "workspace", "none", "")
        alone = alone_from(before, before.moment(before.at), 1.0)
        given: dict[str, Any] = {"budget": None, "timeout": None, "caps": {}, "walls": walls}
        self.append(taken_over(before, owner="process 2", away=60.0, alone=alone, **given))
        for event in what_to_tell(before, (), ()):
            self.append(event)

    def append(self, event: Event) -> None:
        """Record the event at a moment that chance picks."""
        at = self.state.at + self._chance.choice((0.0, 0.5, 3.0))
        record = Record(self.state.seq + 1, at, event)
        before, self.state = self.state, apply(self.state, record)
        self.steps.append(Step(before, record, self.state))

    def _name(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def _often(self, chance: float) -> bool:
        return self._chance.random() < chance

    # --- the engine ----------------------------------------------------------------------------------------------

    def _carry_out(self, command: Command) -> None:
        self.commands.append(command)
        match command:
            case StartWorker(task, attempt, desk):
                worker, tier = self._name("w"), self.state.tasks[task].tier
                self.append(
                    e.WorkerStarted(
                        worker=worker, task=task, attempt=attempt, desk=desk, tier=tier, model="m", prompt="do it"
                    )
                )
            case ContinueWorker(worker, desk):
                self.append(e.WorkerContinued(worker=worker, desk=desk))
            case StopWorker(worker, by, reason):
                self.append(e.WorkerStopping(worker=worker, by=by, reason=reason))
            case WakeConductor(until, unlaunched):
                self.append(e.ConductorTold(text="news", until=until, unlaunched=unlaunched))
            case Warn(event):
                self.append(event)
            case Celebrate(phase):
                self.append(e.Milestone(scope="phase", name=phase))
            case Skip(task, reason):
                self.append(e.TaskSkipped(task=task, reason=reason))
            case WantMerge(conflict):
                self.append(e.MergeWanted(conflict=conflict, by="default"))
            case Resolve(conflict, task):
                path = self.state.conflicts[conflict].event.path
                self.append(e.ConflictResolved(conflict=conflict, path=path, by="worker", how=f"task {task}"))
            case Finish(status, reason):
                self.append(e.RunEnded(status=status, reason=reason, answer=self.state.conductor.answer))

    # --- what may happen next ------------------------------------------------------------------------------------

    def _possible(self) -> list[Callable[[], None]]:
        happenings: list[Callable[[], None]] = []
        for worker in self.state.running:
            happenings += [lambda worker=worker: self._work(worker)] * 3
        if self.state.conductor.status == "thinking":
            happenings += [self._conduct] * 2
        for question in self.state.open_questions:
            if question.by != "conductor" or self.state.conductor.status == "asking":
                happenings.append(
                    lambda name=question.id: self.append(
                        e.QuestionAnswered(question=name, answers={"Which?": "This"}, by="person")
                    )
                )
        for conflict in self.state.open_conflicts:
            happenings.append(lambda conflict=conflict: self._decide_on(conflict))
        if self.troubles and happenings and self._often(0.2):
            self.troubles -= 1
            return [self._interfere]
        return happenings

    def _work(self, worker: WorkerState) -> None:
        request = self._name("r")
        capped = self.state.capped.get(worker.tier)
        if worker.stopping and self._often(0.7):
            if capped and worker.stopping == capped.text:
                self._end(worker, "limit", "budget")
            else:
                self._end(worker, "cancelled", "cancelled")
        elif self._often(0.6):
            self.append(e.RequestSent(request=request, by=worker.id, model="m", reserved=0.25))
            if self._often(self.failures):
                self.append(
                    e.RequestFailed(request=request, by=worker.id, model="m", reason="reset", error="x", held=0.25)
                )
                return
            tokens = self._chance.randrange(1, 100)
            self.append(
                e.RequestEnded(
                    request=request, by=worker.id, model="m", stop="tool_use", input_tokens=tokens, usd=0.125
                )
            )
            self.append(e.WorkerTurn(worker=worker.id, request=request, content=(_SAID, _CALL), stop="tool_use"))
            self._call_tool(worker)
        elif self._often(self.failures):
            self._end(worker, "failed", self._chance.choice(FAILURES))
        else:
            self._end(worker, "completed", "")

    def _call_tool(self, worker: WorkerState) -> None:
        call = self._name("c")
        self.append(e.ToolStarted(call=call, by=worker.id, name="Read", input={"file_path": "a.txt"}, use="u1"))
        if self.whims and self._often(0.1):
            ask = ({"question": "Which?", "options": []},)
            self.append(
                e.QuestionAsked(question=self._name("q"), ask=ask, about="permission", by=worker.id, task=worker.task)
            )
        if self._often(0.2):
            self._touch_a_file(worker, call)
        if self._often(0.1):
            sign = self._chance.choice(("repeats", "nothing_new", "silence"))
            self.append(e.WorkerStalled(worker=worker.id, sign=sign, detail="the same call again"))
            if self._often(0.3):
                self.append(e.WorkerHeard(worker=worker.id))
            if self._often(0.3):
                self.append(e.WorkerTold(worker=worker.id, text="Do something else.", about="stalled"))
        self.append(e.ToolEnded(call=call, by=worker.id, name="Read", content="text", use="u1"))
        if self.whims and self._often(0.1):
            self._compact(worker.id)

    def _compact(self, by: str) -> None:
        messages = ({"role": "user", "content": "What was so far."},)
        self.append(e.ContextCompacted(by=by, before=100, after=40, summary="Go on.", messages=messages))

    def _decide_on(self, conflict: ConflictState) -> None:
        """A person answers what is to become of a conflict."""
        if conflict.wanted or self._often(0.5):
            self.append(
                e.ConflictResolved(conflict=conflict.id, path=conflict.event.path, by="person", how="kept #1's version")
            )
        else:
            self.append(e.MergeWanted(conflict=conflict.id, by="person", note="Both."))

    def _touch_a_file(self, worker: WorkerState, call: str) -> None:
        path = self._chance.choice(("/ws/a.txt", "/ws/b.txt"))
        others = {other.task for other in self.state.running} - {worker.task}
        if others and self._often(0.3):
            self.append(e.WorkerWaits(worker=worker.id, call=call, path=path, tasks=tuple(sorted(others)[:1])))
        self.append(e.FileChanged(path=path, task=worker.task, worker=worker.id, action="edited"))
        if others and self.whims and self._often(0.5):
            tasks = (min(others), worker.task)
            sure = self._often(0.7)
            self.append(
                e.ConflictFound(
                    path=path, tasks=tasks, diffs=("-a", "+b"), conflict=self._name("k"), who=tasks, sure=sure
                )
            )

    def _end(self, worker: WorkerState, outcome: e.Outcome, cause: e.Cause) -> None:
        task = self.state.tasks[worker.task]
        before = [self.state.workers[name] for name in task.attempts[:-1]]
        causes_before = tuple(attempt.cause for attempt in before if not attempt.with_run)
        self.append(
            e.WorkerEnded(
                worker=worker.id,
                task=task.id,
                outcome=OUTCOMES.get(cause, outcome),
                cause=cause,
                final=is_final(cause, causes_before),
                output="" if cause else f"output of {task.id}",
                error=f"it was a {cause}" if cause else "",
            )
        )

    def _interfere(self) -> None:
        waiting = [task for task in self.state.tasks.values() if task.status in ("blocked", "ready")]
        task = self._chance.choice(waiting) if waiting else None
        match self._chance.randrange(17):
            case 0:
                self.append(e.CancelRequested(by="person"))
            case 1:
                self.append(e.CapReached(cap=self._chance.choice(("timeout", "access")), text="The run must end."))
            case 2 | 3:
                self.append(e.CapReached(cap="budget", text="The budget is spent."))
            case 4 | 5 if self.state.running:
                self.append(e.WorkerStopping(worker=self.state.running[0].id, by="person", reason="Stop it."))
            case 6 | 7 if task:
                self.append(e.TaskCancelled(task=task.id, by="person", reason="Not needed."))
            case 8 | 9 if task:
                self.append(e.TaskDeleted(task=task.id, by="person"))
            case 10 if task:
                self.append(e.TaskEdited(task=task.id, subject="Another subject", by="person"))
            case 11 | 12:
                self._resume()
            case 13 | 14 if "sonnet" not in self.state.capped or self.state.capped["sonnet"].cap != "seconds":
                units = ("usd", "tokens", "calls", "seconds")
                unit = "seconds" if self.state.capped else self._chance.choice(units)
                self.append(e.CapReached(cap=unit, tier="sonnet", text=f"No more {unit}."))
            case 15:
                tiers = {tier: self._name("model-") for tier in ("haiku", "sonnet", "opus", "conductor")}
                self.append(e.ModelsResolved(tiers=tiers, source="standin"))
            case _:
                self.append(e.RunNoted(text="Something happened elsewhere."))

    # --- the conductor -------------------------------------------------------------------------------------------

    def _conduct(self) -> None:
        if self.state.stopping and self._often(0.5):
            self.append(e.ConductorFailed(error="no money left", cause="budget"))
            return
        if self.whims and self._often(0.1):
            self._compact("conductor")
        if self.whims and self._often(0.1):
            self.append(e.LimiterPaused(seconds=5.0, reason="overloaded"))
            self.append(e.ConductorStalled(detail="nothing was heard of its model for 90 s"))
            if self._often(0.5):
                self.append(e.ConductorHeard())
        self.append(e.ConductorTurn(request=self._name("r"), content=(_SAID,), stop="tool_use"))
        first = self.state.conductor.turns == 1
        for _ in range(self.tasks if first and not self.whims else self._chance.randrange(1, 5)):
            if self.state.ids_used < self.tasks:
                self._create()
        for task in tuple(self.state.tasks.values()):
            if not self.whims or self._often(0.8):
                self._launch(task)
        if self.whims and self._often(0.5):
            self._change_a_task()
        if self.whims and self._often(0.1):
            self.append(e.QuestionAsked(question=self._name("q"), ask=({"question": "Which?", "options": []},)))
            return
        self.append(e.ConductorSlept(text="The answer." if self._often(0.9) else ""))

    def _create(self) -> None:
        task = str(self.state.ids_used + 1)
        if self.whims and self._often(0.1):
            self.append(e.TaskRejected(task=task, error="no such blocker"))
            return
        known = list(self.state.tasks)
        blockers = self._chance.sample(known, k=min(len(known), self._chance.randrange(3)))
        failed = [other.id for other in self.state.tasks.values() if other.status == "failed" and not other.replaced_by]
        self.append(
            e.TaskCreated(
                task=task,
                subject=f"Task {task}",
                description="d",
                blocked_by=() if failed else tuple(blockers),
                phase=self._chance.choice(("", "look", "write")),
                replaces=failed[0] if failed and self.whims else None,
            )
        )

    def _launch(self, task: TaskState) -> None:
        # What waits for a tier whose cap is reached can be moved to another.
        moved = bool(self.state.capped) and task.tier == "sonnet" and self._often(0.5)
        fresh = task.status in ("blocked", "ready") and (not task.launched or moved)
        again = task.status == "failed" and attempts_made(self.state, task) < MAX_ATTEMPTS and self._often(0.5)
        if fresh or again:
            notify = self.whims and self._often(0.2)
            self.append(
                e.TaskLaunched(task=task.id, prompt="do it", tier="haiku" if moved else "sonnet", notify=notify)
            )

    def _change_a_task(self) -> None:
        tasks = [task for task in self.state.tasks.values() if task.status in ("blocked", "ready", "failed", "running")]
        if not tasks:
            return
        task, other = self._chance.choice(tasks), self._chance.choice(tuple(self.state.tasks.values()))
        graph = {known.id: known.blocked_by for known in self.state.tasks.values()}
        if self._often(0.3):
            self.append(e.TaskDeleted(task=task.id))
        elif task.id != other.id and not find_cycle({**graph, task.id: (*graph[task.id], other.id)}, task.id):
            self.append(e.TaskEdited(task=task.id, add_blocked_by=(other.id,), remove_blocked_by=task.blocked_by[:1]))


_SAID = {"type": "text", "text": "I look."}
_CALL = {"type": "tool_use", "id": "u1", "name": "Read", "input": {"file_path": "a.txt"}}

SIMULATIONS = st.builds(
    Simulation,
    seed=st.integers(0, 2**32),
    slots=st.integers(1, 6),
    tasks=st.integers(0, 12),
    failures=st.sampled_from((0.0, 0.2, 0.6, 1.0)),
    troubles=st.integers(0, 4),
)
PLANS = st.builds(Simulation, seed=st.integers(0, 2**32), troubles=st.integers(0, 4), mode=st.just("plan"))
