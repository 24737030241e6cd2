"""Caps: whatever happens in whichever order, nothing that is sent can exceed one of them; single rules by example."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.caps import Ask, Over, Send, Wait, call_cap, fitting, reached
from conductor_magic.events import Event, Record
from conductor_magic.fold import apply, fold
from conductor_magic.near_caps import nearly_spent
from conductor_magic.settings import CAP_SCOPES, CAP_UNITS
from conductor_magic.state import Joined, QuestionState, RunState, WorkerState
from conductor_magic.worked import next_tier_alarm, worked_seconds

PER_TOKEN = 1e-5
CAPS = st.dictionaries(
    st.sampled_from(
        [f"{s}.{u}" for s in CAP_SCOPES for u in ("usd", "tokens", "turns", "calls") if s != "run" or u != "usd"]
    ),
    st.integers(1, 40),
    max_size=6,
)
"""In steps that are about as large as what a request takes; see `_scaled`."""


def _scaled(caps: dict[str, int]) -> dict[str, float]:
    steps = {"usd": 0.01, "tokens": 1_000.0, "turns": 1.0, "calls": 1.0}
    return {name: steps[name.partition(".")[2]] * number for name, number in caps.items()}


class Floor:
    """Eight workers of three tiers and the conductor, who ask, are billed, fail and call tools as chance has it."""

    def __init__(self, seed: int, budget: float | None, caps: dict[str, float]) -> None:
        self.chance = Random(seed)
        self.state = RunState()
        self.askers = ["conductor", *(f"w{number}" for number in range(1, 9))]
        self.names = 0
        self.waited = 0
        self.append(e.RunStarted(run="r", goal="g", budget=budget, caps=caps))
        for number in range(1, 9):
            tier = e.TIERS[number % 3]
            self.append(e.TaskCreated(task=str(number), subject="s", description="d"))
            self.append(e.TaskLaunched(task=str(number), prompt="p", tier=tier))
            self.append(
                e.WorkerStarted(
                    worker=f"w{number}", task=str(number), attempt=1, desk=number, tier=tier, model="m", prompt="p"
                )
            )

    def append(self, event: Event) -> None:
        self.state = apply(self.state, Record(self.state.seq + 1, 0.0, event))

    def step(self) -> None:
        """One thing happens: somebody asks, a reply comes or fails, a tool is called."""
        by = self.chance.choice(self.askers)
        match self.chance.randrange(4):
            case 0 | 1:
                self._ask(by)
            case 2 if self.state.in_flight:
                self._land(self.chance.choice(list(self.state.in_flight)))
            case _:
                if call_cap(self.state, by) is None:
                    self.names += 1
                    self.append(e.ToolStarted(call=f"c{self.names}", by=by, name="Read", input={}))

    def _ask(self, by: str) -> None:
        ask = Ask(by, self.chance.randrange(200, 3_000), 4_000, _worst(1_000), lambda usd: int(usd / PER_TOKEN) - 1_000)
        verdict = fitting(self.state, ask)
        if isinstance(verdict, Send):
            assert 0 < verdict.max_tokens <= 4_000
            self.names += 1
            self.append(
                e.RequestSent(
                    request=f"r{self.names}",
                    by=by,
                    model="m",
                    reserved=ask.worst(verdict.max_tokens),
                    reserved_tokens=ask.bound + verdict.max_tokens,
                )
            )
        elif isinstance(verdict, Wait):
            assert self.state.in_flight, "nobody is there to wait for"
            self.waited += 1

    def _land(self, request: str) -> None:
        flight = self.state.in_flight[request]
        assert flight.usd is not None
        share = self.chance.choice((0.1, 0.7, 1.0))
        match self.chance.randrange(5):
            case 0:
                self.append(
                    e.RequestFailed(
                        request=request,
                        by=flight.by,
                        model="m",
                        reason="reset",
                        error="x",
                        held=flight.usd,
                        held_tokens=flight.tokens,
                    )
                )
            case 1:
                self.append(
                    e.RequestFailed(request=request, by=flight.by, model="m", reason="429", error="x", held=0.0)
                )
            case 2:
                # A server that does not count.
                self.append(
                    e.RequestEnded(
                        request=request,
                        by=flight.by,
                        model="m",
                        stop="end_turn",
                        usd=flight.usd,
                        held_tokens=flight.tokens,
                    )
                )
            case _:
                self.append(
                    e.RequestEnded(
                        request=request,
                        by=flight.by,
                        model="m",
                        stop="end_turn",
                        input_tokens=int(flight.tokens * share),
                        usd=flight.usd * share,
                    )
                )


def _worst(bound: int) -> Callable[[int], float]:
    return lambda max_tokens: (bound + max_tokens) * PER_TOKEN


def _spent(state: RunState, scope: str, unit: str) -> float:
    """What a scope has used, counted anew from the state's parts: the most that it can have been billed."""
    workers = [w for w in state.workers.values() if scope in ("run", w.tier)]
    sides = [*workers, state.conductor] if scope == "run" else workers
    match unit:
        case "usd":
            held = state.held if scope == "run" else sum(w.held for w in workers)
            return sum(side.spend.usd or 0.0 for side in sides) + held
        case "tokens":
            held = state.held_tokens if scope == "run" else sum(w.held_tokens for w in workers)
            return sum(side.spend.tokens for side in sides) + held
        case "turns":
            return sum(side.spend.requests for side in sides)
        case _:
            return state.calls if scope == "run" else sum(w.made for w in workers)


@given(st.integers(0, 2**32), st.sampled_from((None, 0.05, 0.2, 1.0)), CAPS)
@settings(max_examples=100, deadline=None)
def test_no_cap_is_ever_exceeded(seed: int, budget: float | None, caps: dict[str, int]) -> None:
    """Of any scope in any unit, with any replies, failures and servers that do not count."""
    limits = _scaled(caps)
    floor = Floor(seed, budget, limits)
    if budget is not None:
        limits["run.usd"] = budget
    for _ in range(150):
        floor.step()
        for name, limit in limits.items():
            scope, _, unit = name.partition(".")
            if scope == "worker":
                for worker in floor.state.workers.values():
                    alone = RunState(workers={worker.id: worker}, calls=0)
                    assert _spent(alone, worker.tier, unit) <= limit + 1e-9, (name, worker)
            else:
                assert _spent(floor.state, scope, unit) <= limit + 1e-9, name


@given(st.integers(0, 2**32), CAPS)
@settings(max_examples=60, deadline=None)
def test_who_waits_is_let_go_or_refused_in_the_end(seed: int, caps: dict[str, int]) -> None:
    """Once everything in flight has come back nobody waits any more."""
    floor = Floor(seed, 0.3, _scaled(caps))
    for _ in range(60):
        floor.step()
    while floor.state.in_flight:
        floor._land(next(iter(floor.state.in_flight)))
    for by in floor.askers:
        assert not isinstance(fitting(floor.state, Ask(by, 500, 4_000, _worst(500), lambda usd: 0)), Wait)


def _run(*events: Event, **started: object) -> RunState:
    script: tuple[Event, ...] = (
        e.RunStarted(run="r", goal="g", **started),  # pyright: ignore[reportArgumentType]
        e.TaskCreated(task="1", subject="s", description="d"),
        e.TaskLaunched(task="1", prompt="p", tier="opus"),
        e.WorkerStarted(worker="w1", task="1", attempt=1, desk=1, tier="opus", model="m", prompt="p"),
        *events,
    )
    return fold(Record(number, float(number), event) for number, event in enumerate(script, 1))


def _ended(usd: float, tokens: int = 10, by: str = "w1") -> tuple[Event, Event]:
    return (
        e.RequestSent(request="r1", by=by, model="m", reserved=usd, reserved_tokens=tokens),
        e.RequestEnded(request="r1", by=by, model="m", stop="end_turn", input_tokens=tokens, usd=usd),
    )


ASK = Ask("w1", 100, 1_000, _worst(100), lambda usd: math.floor(usd / PER_TOKEN) - 100)


@pytest.mark.parametrize(
    ("caps", "spent", "said"),
    [
        ({"worker.usd": 0.1}, (0.099, 10), "A worker's cap of $0.1 (worker.usd) is reached"),
        ({"opus.tokens": 2_000}, (0.0, 1_800), "The cap of all opus workers of 2,000 tokens (opus.tokens) is reached"),
        ({"run.turns": 1}, (0.0, 10), "The run's cap of 1 turn (run.turns) is reached: nothing is left."),
    ],
)
def test_what_does_not_fit_says_which_cap(caps: dict[str, float], spent: tuple[float, int], said: str) -> None:
    """The cap, its number and its name as it is written on the line."""
    verdict = fitting(_run(*_ended(*spent), caps=caps), ASK)
    assert isinstance(verdict, Over)
    assert said in verdict.text


def test_a_request_shrinks_into_what_is_left() -> None:
    """The least of what all caps leave."""
    state = _run(*_ended(0.05, 1_000), budget=0.058, caps={"worker.tokens": 1_650})
    assert fitting(state, ASK) == Send(550)
    assert fitting(_run(*_ended(0.05, 1_000), budget=0.058), ASK) == Send(700)


def test_it_waits_for_what_is_in_flight_in_the_same_scope_only() -> None:
    """A colleague's reservation may come back; the conductor's has no part in a tier's cap."""
    sent = e.RequestSent(request="r1", by="conductor", model="m", reserved=0.5, reserved_tokens=100)
    assert isinstance(fitting(_run(sent, budget=0.505), ASK), Wait)
    assert isinstance(fitting(_run(sent, caps={"opus.usd": 0.001}), ASK), Over)
    assert fitting(_run(sent, caps={"opus.turns": 1}), ASK) == Send(1_000)


def test_a_cap_is_recorded_once_and_a_workers_own_not_at_all() -> None:
    """A tier's names the tier; the run's keeps the name that the budget always had."""
    state = _run(*_ended(0.1), budget=0.1, caps={"opus.calls": 1, "worker.calls": 1})
    verdict = fitting(state, ASK)
    assert isinstance(verdict, Over)
    event = reached(state, verdict.cap)
    assert event is not None
    assert (event.cap, event.tier) == ("budget", None)
    state = _run(e.ToolStarted(call="c1", by="w1", name="Read", input={}), caps={"opus.calls": 1, "worker.calls": 5})
    cap = call_cap(state, "w1")
    assert cap is not None
    event = reached(state, cap)
    assert event is not None
    assert (event.cap, event.tier) == ("calls", "opus")
    after = apply(state, Record(state.seq + 1, 9.0, event))
    assert reached(after, cap) is None
    assert call_cap(after, "conductor") is None
    own = call_cap(_run(e.ToolStarted(call="c1", by="w1", name="Read", input={}), caps={"worker.calls": 1}), "w1")
    assert own is not None and reached(state, own) is None


def test_the_conductor_is_warned_once_at_each_share() -> None:
    """At 80 and at 95 per cent of what is used, not of what is reserved; in any unit; while there is work."""
    sent = e.RequestSent(request="r9", by="conductor", model="m", reserved=0.9)
    assert nearly_spent(_run(*_ended(0.7), sent, budget=1.0)) is None
    state = _run(*_ended(0.8), budget=1.0)
    first = nearly_spent(state)
    assert first == e.BudgetWarned(usd=0.8, budget=1.0, unit="usd", share=0.8)
    told = apply(state, Record(state.seq + 1, 9.0, first))
    assert nearly_spent(told) is None
    assert [(notice.about, notice.wakes) for notice in told.notices] == [("budget", True)]
    assert nearly_spent(_run(*_ended(0.99), budget=1.0)) == e.BudgetWarned(usd=0.99, budget=1.0, share=0.95)
    tokens = nearly_spent(_run(*_ended(0.0, 900), caps={"run.tokens": 1_000}))
    assert tokens == e.BudgetWarned(usd=900, budget=1_000, unit="tokens", share=0.8)
    over = e.WorkerEnded(worker="w1", task="1", outcome="completed")
    assert nearly_spent(_run(*_ended(0.8), over, budget=1.0)) is None


def test_the_time_of_a_tier_is_that_of_all_its_workers() -> None:
    """The alarm comes the sooner the more of them work; time in which a person was asked does not count."""
    ask = ({"question": "May it?", "options": []},)
    state = _run(
        e.TaskCreated(task="2", subject="s", description="d"),
        e.TaskLaunched(task="2", prompt="p", tier="opus"),
        e.WorkerStarted(worker="w2", task="2", attempt=1, desk=2, tier="opus", model="m", prompt="p"),
        e.QuestionAsked(question="q1", ask=ask, about="permission", by="w2", task="2"),
        caps={"opus.seconds": 100.0},
    )
    assert worked_seconds(state, state.workers["w1"], 14.0) == 10.0
    assert worked_seconds(state, state.workers["w2"], 14.0) == 1.0
    assert next_tier_alarm(state, 14.0) == ("opus", (100.0 - 11.0) / 2)
    assert next_tier_alarm(_run(caps={"haiku.seconds": 1.0}), 14.0) is None


def test_the_time_of_a_tier_counts_after_another_of_its_caps() -> None:
    """Its workers may finish what fits, in that time; once it is up, nothing is left to alarm."""
    calls = e.CapReached(cap="calls", tier="opus", text="No more calls.")
    state = _run(calls, caps={"opus.seconds": 100.0, "opus.calls": 1})
    assert next_tier_alarm(state, 14.0) == ("opus", 90.0)
    over = apply(state, Record(state.seq + 1, 15.0, e.CapReached(cap="seconds", tier="opus", text="No more time.")))
    assert next_tier_alarm(over, 15.0) is None
    assert over.capped["opus"].cap == "seconds"
    assert [(notice.about, notice.text) for notice in over.notices] == [("capped", "opus")]


def test_every_unit_of_every_scope_is_one_that_the_core_counts() -> None:
    """What the line takes and what binds are the same names."""
    assert CAP_UNITS == ("usd", "tokens", "turns", "calls", "seconds")
    assert ("run", "worker", *e.TIERS) == CAP_SCOPES


def test_no_second_of_a_workers_waiting_is_taken_off_twice() -> None:
    """Questions of one turn wait side by side; who joins one waits from then on; a break inside a question is in it."""

    def question(name: str, since: float, until: float | None, by: str = "w1", *joined: Joined) -> QuestionState:
        return QuestionState(name, (), "permission", by, None, since, answered=until, joined=joined)

    def worked(now: float, *questions: QuestionState, breaks: tuple[tuple[float, float], ...] = ()) -> float:
        worker = WorkerState(
            id="w1", task="1", attempt=1, desk=1, tier="haiku", model="m", prompt="", started=0.0, breaks=breaks
        )
        state = RunState(workers={"w1": worker}, questions={one.id: one for one in questions})
        return worked_seconds(state, worker, now)

    assert worked(300, question("q1", 10, 110), question("q2", 10, 110)) == 200
    assert worked(300, question("q1", 10, 110), question("q2", 60, 160)) == 150
    assert worked(250, question("q1", 0, 250, "w2", Joined("w1", "1", 240))) == 240
    assert worked(100, question("q1", 20, None), breaks=((30, 80),)) == 20
    assert worked(100, question("q1", 20, 40), breaks=((50, 80),)) == 50
    assert worked(100, question("q1", 20, 40, "w2")) == 100
