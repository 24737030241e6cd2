"""A run killed between two records that belong together: what was done, decided or paid for is not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_magic.api import resume
from conductor_magic.events import ConductorTold, Record, RequestEnded, RunEnded, TaskRejected
from conductor_magic.fold import fold
from conductor_magic.result import ConductResult
from tests.shell.conftest import Play
from tests.shell.test_resume import cut, told
from tests.support.floor import Floor, create, done, launch, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools


def first(result: ConductResult, kind: type, **fields: Any) -> Record:
    """The first record of an event of this kind with these fields."""
    return next(
        record
        for record in result.events
        if isinstance(record.event, kind) and all(getattr(record.event, name) == is_ for name, is_ in fields.items())
    )


def test_a_task_that_was_rejected_before_the_kill_uses_up_one_id(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """The ids that the model guessed for later tasks of its turn stay right."""
    plan = tools(
        create("a"),
        create("nowhere", "99"),
        create("c", "1"),
        ("Task", {"description": "work on a", "prompt": "a", "taskId": "1"}),
        ("Task", {"description": "work on c", "prompt": "c", "taskId": "3"}),
    )
    whole = play(Floor([plan, text("Under way."), text("The answer.")]))
    assert [(task.id, task.blocked_by, task.status) for task in whole] == [
        ("1", (), "completed"), ("3", ("1",), "completed"),
    ]  # fmt: skip
    serve(Floor([text("Under way."), text("The answer.")]))
    result = resume(str(cut(whole, first(whole, TaskRejected).seq, "cut")), quiet=True).wait(30)
    assert told(result) == told(whole), result.reason
    assert sum(isinstance(record.event, TaskRejected) for record in result.events) == 1


class Mending:
    """A conductor that leaves a task unlaunched, and whose value fits when it is asked to mend it."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        self.requests += 1
        if not any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            return done(task_text(body), 1, body)
        told = str(body["messages"][-1]["content"])
        if "VALUE" in told:
            return text("7" if "does not fit" in told else "seven")
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        if turns == 0:
            return tools(create("a"), create("never"), launch("a"))
        return text("Under way." if turns == 1 else f"Answer {turns}.")


def test_what_the_conductor_said_to_the_end_is_not_paid_twice(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """Its value, the one that did not fit, its last answer: a run that was only killed takes them from the record."""
    handler = Mending()
    whole = play(handler, returns=int)
    assert (whole.status, whole.value, whole.answer) == ("partial", 7, "Answer 2.")
    records = list(whole.events)
    reminded = first(whole, ConductorTold, unlaunched=("2",)).seq
    for kept in range(reminded, first(whole, RunEnded).seq):
        again = Mending()
        serve(again)
        result = resume(str(cut(whole, kept, f"cut-{kept}")), returns=int, quiet=True).wait(30)
        why = f"after {kept} records, the last a {records[kept - 1].event.kind}: {result.reason}"
        assert (told(result), result.value) == (told(whole), 7), why
        # A reply whose record is not there is lost; what was counted of it stays counted.
        lost = isinstance(records[kept - 1].event, RequestEnded)
        assert again.requests == handler.requests - fold(records[:kept]).spend.requests + lost, why
