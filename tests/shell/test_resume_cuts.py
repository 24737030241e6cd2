"""A run killed between two records that belong together: what was done, decided or paid for is not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_magic.api import resume
from conductor_magic.events import Record, TaskRejected
from conductor_magic.result import ConductResult
from tests.shell.conftest import Play
from tests.shell.test_resume import cut, told
from tests.support.floor import Floor, create
from tests.support.messages_server import MessagesServer, text, tools


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
