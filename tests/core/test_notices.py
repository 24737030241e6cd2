"""What the conductor is woken with: each piece of news once, short, and what of it nobody has read yet."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_magic import events as e
from conductor_magic.events import Event
from conductor_magic.prompts import notice_text, unread_results
from conductor_magic.state import RunState
from tests.core.words import created, ended, launched, run, slept, started

LONG = "The table has 1,204 rows, one for each day and none is missing. " * 4


def done(task: str, output: str = LONG) -> list[Event]:
    """A task that is created, launched, worked on and completed."""
    return [created(task), launched(task), started(f"w{task}", task), ended(f"w{task}", task, output=output)]


def told(state: RunState) -> tuple[str, tuple[str, ...]]:
    """The next message of ours, and which tasks it reminds of."""
    news = state.notices[state.conductor.told :]
    unread = unread_results(state, news)
    return notice_text(state, news, (), unread), unread


def look(name: str, **args: Any) -> list[Event]:
    """The conductor calls a tool, and gets its result."""
    call = {"type": "tool_use", "id": "u1", "name": name, "input": args}
    return [
        e.ConductorTurn(request="r", content=(call,), stop="tool_use"),
        e.ToolStarted(call="c1", by="conductor", name=name, input=args, use="u1"),
        e.ToolEnded(call="c1", by="conductor", name=name, content="the words", use="u1"),
    ]


def test_news_of_a_few_tasks_names_them_and_quotes_a_line() -> None:
    """Status, subject, tokens, where the report is, how it begins; and how far into the run it is."""
    text, _ = told(run(*done("1", "Rows: 3.\nNone missing."), slept()))
    assert text.splitlines() == [
        "NOTICES, 6 s into the run; in quotes, workers' words: data",
        "#1 completed · Task 1 · 0 tokens · outputs/1.md",
        "  “Rows: 3. None missing.”",
        "No work is running. Repair what failed, or give the answer.",
    ]


def test_news_of_many_tasks_is_a_line_each() -> None:
    """No subject, which the conductor chose itself, and few words of the report; where all of it is, is said once."""
    events = [event for number in range(1, 12) for event in done(str(number))]
    lines = told(run(*events, slept(), workers=11))[0].splitlines()
    assert lines[0].endswith("; in quotes, workers' words: data; each report whole in outputs/<task id>.md")
    assert lines[1:3] == [
        "#1 completed · 0 tokens “The table has 1,204 rows, o…”",
        "#2 completed · 0 tokens “The table has 1,204 rows, o…”",
    ]
    assert lines[12] == "Not yet read, nor used by another task: #1-#11."
    assert max(map(len, lines[1:12])) < 75


def test_a_failure_is_told_with_its_attempt_its_reason_and_what_is_there_of_it() -> None:
    """So that what is good of it can be kept."""
    failed = [created("1"), launched("1"), started("w1", "1")]
    half = ended("w1", "1", "failed", cause="status", error="Incomplete: no disk", output="Half of it.")
    text, _ = told(run(*failed, half, slept()))
    assert "#1 failed · Task 1 · attempt 1 · Incomplete: no disk · what there is: outputs/1.md\n" in text
    text, _ = told(run(*failed, ended("w1", "1", "failed", cause="api"), slept()))
    assert "what there is" not in text


def test_a_report_that_nothing_used_is_named_once() -> None:
    """When all work is done, and not again when more of it was."""
    state = run(*done("1"), slept())
    text, unread = told(state)
    assert unread == ("1",)
    assert "Not yet read, nor used by another task: #1." in text
    again = [*done("2", "Short."), slept()]
    state = run(*done("1"), slept(), e.ConductorTold(text=text, until=1, unread=unread), *again)
    assert told(state)[1] == ()


HUNDRED = "x" * 100
GIVEN = [*done("1"), created("2", "1"), launched("2"), started("w2", "2")]
USED: dict[str, list[Event]] = {
    "it was read": [*done("1"), *look("Read", file_path="outputs/1.md")],
    "in part": [*done("1"), *look("Read", file_path="outputs/1.md", offset=3)],
    "by its number": [*done("1"), *look("TaskGet", taskId="#1")],
    "the notice has it whole": done("1", "Rows: 3."),
    "there is nothing to read": done("1", ""),
    "another task had it": [*GIVEN, ended("w2", "2", output="Short.")],
    "an earlier notice had it whole": [*done("1", HUNDRED), slept(), e.ConductorTold(text=f"“{HUNDRED}”", until=1)],
}


@pytest.mark.parametrize("why", USED)
def test_what_was_used_is_no_news(why: str) -> None:
    """The conductor has seen it, or it went into what another task made of it."""
    assert told(run(*USED[why], slept()))[1] == ()


UNUSED: dict[str, list[Event]] = {
    "another file was read": [*done("1"), *look("Read", file_path="guides/1.md")],
    "read before it was done": [created("1"), launched("1"), *look("Read", file_path="outputs/1.md"), *done("1")[2:]],
    "who was given it failed": [*GIVEN, ended("w2", "2", "failed", cause="refusal")],
}


@pytest.mark.parametrize("why", UNUSED)
def test_what_was_not_used_is_named(why: str) -> None:
    """A look at something else does not count."""
    assert told(run(*UNUSED[why], slept()))[1] == ("1",)


def test_nothing_is_called_unread_while_work_goes_on() -> None:
    """There will be another notice; a reminder costs no request of its own."""
    text, unread = told(run(*done("1"), created("2"), launched("2"), started("w2", "2"), slept()))
    assert unread == () and "Not yet read" not in text
