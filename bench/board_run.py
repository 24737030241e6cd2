"""A big scripted run, and the messages that `conductor_magic/board.py` sends of it: what `bench.board` plays to a page.

The scheduler decides, chance answers: workers think, call tools, stream lines, crash, are tried again, ask for leave;
tasks fail for good and are launched once more by the conductor. The same arguments give the same run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

from conductor_magic import events as e
from conductor_magic.board import REFRESH_SECONDS
from conductor_magic.board_lines import LINE_LIMIT
from conductor_magic.decisions import Celebrate, Command, Finish, Skip, StartWorker, WakeConductor
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply
from conductor_magic.patches import diff
from conductor_magic.scheduler import MAX_ATTEMPTS, decide, is_final
from conductor_magic.snapshot import snapshot
from conductor_magic.state import RunState

__all__ = ["TICK", "Play", "messages"]

Json = dict[str, Any]
TICK = 0.05
"""Seconds from one message to the next; the real board waits twice as long."""
_LINES_A_SECOND = 4
_START = 1_767_225_600.0
_PHASES = ("Recon", "Core", "API", "Tests", "Review")
_TIERS = ("haiku", "sonnet", "sonnet", "opus")
_NOUNS = ("refresh-token store", "login endpoint", "schema migration", "rate limiter", "session cookie", "audit log")
_VERBS = ("Read", "Write", "Check", "Refactor", "Document", "Measure")
_CALLS = (
    ("Read", {"file_path": "/work/src/routes/auth.py"}),
    ("Edit", {"file_path": "/work/src/middleware/session.py", "old_string": "a", "new_string": "b"}),
    ("Bash", {"command": "pytest -q tests/auth -k refresh --maxfail 1"}),
    ("Grep", {"pattern": "verify_token", "path": "src/"}),
)
_WORDS = ("the", "token", "is", "kept", "in", "a", "cookie", "that", "expires", "so", "each", "call", "renews", "it")


class Play:
    """A run that goes on for about `seconds` of its own time and is as far as `until` has let it come.

    Attributes:
        state: of the run now.
        clock: the run's time now, in epoch seconds.
        lines: the last line that each worker at work has streamed.
        fresh: the workers whose line is new since this was emptied.
    """

    def __init__(self, tasks: int, desks: int, seconds: float) -> None:
        self.state = RunState()
        self.clock = _START
        self.lines: dict[str, str] = {}
        self.fresh: set[str] = set()
        self._chance = Random(tasks)
        self._names = count(1)
        self._order = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        # A part of the time goes to attempts that fail.
        self._attempt_seconds = 0.8 * seconds * desks / tasks
        self._ticks = 0
        self._begin(tasks, desks)

    def until(self, seconds: float) -> None:
        """Let the run go on until this many seconds after its start."""
        while (self._ticks + 1) * TICK <= seconds:
            self._ticks += 1
            self.clock = _START + self._ticks * TICK
            while self._agenda and self._agenda[0][0] <= self.clock:
                heapq.heappop(self._agenda)[2]()
            for command in decide(self.state):
                self._carry_out(command)
            for worker in self.state.running:
                if self._often(_LINES_A_SECOND * TICK):
                    self._stream(worker.id)

    def _add(self, *events: Event) -> None:
        for event in events:
            self.state = apply(self.state, Record(self.state.seq + 1, self.clock, event))

    def _in(self, seconds: float, happening: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.clock + seconds, next(self._order), happening))

    def _often(self, chance: float) -> bool:
        return self._chance.random() < chance

    def _begin(self, tasks: int, desks: int) -> None:
        self._add(
            e.RunStarted(run="bench", goal="Add sign-in to the API, with tests and documents.", workers=desks),
            e.ConductorStarted(model="claude-opus-5", system="You conduct.", tools=("Task",), prompt="GOAL"),
        )
        self._request("conductor", 9_200)
        width = -(-tasks // len(_PHASES))
        for number in range(1, tasks + 1):
            phase = (number - 1) // width
            earlier = range(max(1, (phase - 1) * width + 1), phase * width + 1)
            # Some wait for nothing, so that the desks stay taken.
            blockers = self._chance.sample(earlier, k=min(len(earlier), self._chance.choice((0, 0, 1, 2))))
            tier = self._chance.choice(_TIERS)
            subject = f"{self._chance.choice(_VERBS)} the {self._chance.choice(_NOUNS)}, part {number}"
            self._add(
                e.TaskCreated(
                    task=str(number), subject=subject, description=subject, phase=_PHASES[phase], tier=tier,
                    blocked_by=tuple(str(blocker) for blocker in blockers),
                ),
                e.TaskLaunched(task=str(number), prompt=subject, tier=tier),
            )  # fmt: skip
        self._add(e.ConductorSlept(text="The plan is under way."))

    def _carry_out(self, command: Command) -> None:
        match command:
            case StartWorker(task, attempt, desk):
                self._start(task, attempt, desk)
            case WakeConductor(until, unlaunched):
                self._add(e.ConductorTold(text="news", until=until, unlaunched=unlaunched))
                self._in(3, self._conduct)
            case Celebrate(phase):
                self._add(e.Milestone(scope="phase", name=phase))
            case Skip(task, reason):
                self._add(e.TaskSkipped(task=task, reason=reason))
            case Finish(status, reason):
                self._add(e.RunEnded(status=status, reason=reason))
            case _:
                raise AssertionError(f"the play knows no {command}")

    def _conduct(self) -> None:
        """The conductor launches what failed for good once more, as often as it may."""
        self._request("conductor", 12_000)
        for task in self.state.tasks.values():
            if task.status == "failed" and len(task.attempts) < MAX_ATTEMPTS:
                self._add(e.TaskLaunched(task=task.id, prompt=task.prompt, tier="opus", reason="A stronger tier."))
        self._add(e.ConductorSlept(text="Tried again."))

    def _request(self, by: str, tokens: int) -> str:
        name, model = f"r{next(self._names)}", "claude-sonnet-5"
        self._add(
            e.RequestSent(request=name, by=by, model=model, reserved=0.05),
            e.RequestEnded(
                request=name, by=by, model=model, stop="tool_use", input_tokens=tokens, output_tokens=tokens // 9,
                usd=0.01,
            ),
        )  # fmt: skip
        return name

    def _start(self, task: str, attempt: int, desk: int) -> None:
        worker, tier = f"w{next(self._names)}", self.state.tasks[task].tier
        self._add(
            e.WorkerStarted(
                worker=worker, task=task, attempt=attempt, desk=desk, tier=tier, model=f"claude-{tier}-5",
                prompt="do it", expected=self._attempt_seconds,
            )
        )  # fmt: skip
        length = self._attempt_seconds * self._chance.uniform(0.4, 1.6)
        self._in(self._chance.uniform(0.5, 3), lambda: self._turn(worker, self.clock + length))

    def _turn(self, worker: str, last: float) -> None:
        """A reply of the worker's model with one call; after it the next turn, or the end."""
        if self.clock >= last:
            self._end(worker)
            return
        request, call = self._request(worker, self._chance.randrange(1_000, 9_000)), f"c{next(self._names)}"
        tool, arguments = self._chance.choice(_CALLS)
        said = ({"type": "tool_use", "id": call, "name": tool, "input": arguments},)
        self._add(
            e.WorkerTurn(worker=worker, request=request, content=said, stop="tool_use"),
            e.ToolStarted(call=call, by=worker, name=tool, input=arguments, use=call),
        )
        if self._often(0.01):
            self._ask(worker, call, tool, last)
        else:
            self._in(self._chance.uniform(0.3, 4), lambda: self._return(worker, call, tool, last))

    def _ask(self, worker: str, call: str, tool: str, last: float) -> None:
        name, task = f"q{next(self._names)}", self.state.workers[worker].task
        asked = {"question": f"Let #{task} call {tool}?", "options": [{"label": "No"}, {"label": "Yes, once"}]}
        self._add(e.QuestionAsked(question=name, ask=(asked,), about="permission", by=worker, task=task, call=call))

        def answer() -> None:
            self._add(e.QuestionAnswered(question=name, answers={asked["question"]: "Yes, once"}, by="person"))
            self._return(worker, call, tool, last)

        self._in(self._chance.uniform(2, 12), answer)

    def _return(self, worker: str, call: str, tool: str, last: float) -> None:
        self._add(e.ToolEnded(call=call, by=worker, name=tool, content="ok", use=call, seconds=1.0))
        if self._often(0.01):
            self._add(e.WorkerStalled(worker=worker, sign="repeats", detail="The same call again."))
        self._in(self._chance.uniform(0.5, 4), lambda: self._turn(worker, last))

    def _end(self, worker: str) -> None:
        task = self.state.tasks[self.state.workers[worker].task]
        self.lines.pop(worker, None)
        self.fresh.discard(worker)
        causes: tuple[e.Cause, ...] = ("",) * 17 + ("crash", "timeout", "status")
        cause = self._chance.choice(causes)
        before = tuple(self.state.workers[name].cause for name in task.attempts[:-1])
        outcome: e.Outcome = "timeout" if cause == "timeout" else "failed" if cause else "completed"
        self._add(
            e.WorkerEnded(
                worker=worker, task=task.id, outcome=outcome, cause=cause, final=is_final(cause, before),
                output="" if cause else f"Task {task.id} is done.", error=f"It was a {cause}." if cause else "",
            )
        )  # fmt: skip

    def _stream(self, worker: str) -> None:
        known = self.lines.get(worker, "")
        more = " ".join(self._chance.choices(_WORDS, k=4))
        self.lines[worker] = more if len(known) > LINE_LIMIT - 40 else f"{known} {more}".strip()
        self.fresh.add(worker)


def messages(play: Play, start: float, seconds: float) -> Iterator[Json]:
    """What a view gets from `start` on: the whole picture, then a message every tick, patches but for the refreshes."""
    first, refresh = round(start / TICK), round(REFRESH_SECONDS / TICK)
    play.until(start + TICK / 2)
    shown = snapshot(play.state, play.clock)
    yield {"kind": "snap", "n": first, "snapshot": shown, "lines": dict(play.lines)}
    for n in range(first + 1, first + round(seconds / TICK) + 1):
        play.fresh.clear()
        play.until((n + 0.5) * TICK)
        before, shown = shown, snapshot(play.state, play.clock)
        if n % refresh == 0:
            yield {"kind": "snap", "n": n, "snapshot": shown, "lines": dict(play.lines)}
        else:
            lines = {worker: play.lines[worker] for worker in sorted(play.fresh)}
            yield {"kind": "patch", "n": n, "base": n - 1, "changes": diff(before, shown), "lines": lines}
