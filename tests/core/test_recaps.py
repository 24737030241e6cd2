"""What a model must know after its history is gone: nothing of it depends on how much room there is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic import events as e
from conductor_magic.compaction import shortened
from conductor_magic.conversations import GO_ON, said_since
from conductor_magic.recaps import conductor_recap, kept_words, recap, worker_recap
from conductor_magic.state import RunState
from tests.core.simulate import SIMULATIONS, Simulation
from tests.core.words import created, launched, run


def lines_of(text: str) -> dict[str, str]:
    """The line of each task, by its id."""
    found = re.findall(r"^#(\w+) (.*)$", text.partition("REPORTS, each")[0], re.MULTILINE)
    assert len(dict(found)) == len(found), "a task stands there twice"
    return dict(found)


def check_nothing_is_forgotten(state: RunState, text: str) -> None:
    lines = lines_of(text)
    for task in state.tasks.values():
        line = lines[task.id]
        assert task.subject[:60] in line
        if task.deleted or task.replaced_by:
            assert (
                "deleted" if task.deleted and not task.replaced_by else f"replaced by #{', #'.join(task.replaced_by)}"
            ) in line
            continue
        assert line.startswith(task.status)
        if task.status != "completed":
            assert re.findall(r"#(\w+)", line) == list(task.blocked_by)
        if task.status in ("blocked", "ready"):
            assert (" not launched" in line) == (not task.launched)
        assert all(comment[:200] in text for comment in task.comments)
    for worker in state.running:
        assert f"worker {worker.id}, attempt {len(state.tasks[worker.task].attempts)}" in lines[worker.task]
    for question in state.questions.values():
        if question.by == "conductor" and question.answered is not None:
            assert all(f"“{asked}”: {answer}" in text for asked, answer in question.answers.items())
    for conflict in state.open_conflicts:
        assert f"Conflict {conflict.id} over {conflict.event.path}" in text
    told = [notice for notice in state.notices[: state.conductor.told] if notice.about == "edited"]
    assert all(f"The person changed #{notice.task}: {notice.text}" in text for notice in told)


@given(SIMULATIONS, st.sampled_from([0, 500, 50_000]))
@settings(max_examples=60)
def test_no_task_blocker_decision_or_worker_is_forgotten(simulation: Simulation, room: int) -> None:
    """At every moment of any run, in any room."""
    for step in simulation.play().steps:
        state = step.after
        if state.started is None:
            continue
        text = conductor_recap(state, room)
        check_nothing_is_forgotten(state, text)
        assert recap(state, "conductor", "", room).endswith(text)
        for worker in state.workers.values():
            mine = worker_recap(state, worker, room)
            assert all(file.path in mine for file in state.files if file.worker == worker.id)


def test_what_is_left_out_is_seen() -> None:
    """The check above fails when a blocker, a task or an answer is missing."""
    asked = e.QuestionAsked(question="q1", ask=({"question": "Which?", "options": []},))
    answered = e.QuestionAnswered(question="q1", answers={"Which?": "This"}, by="person")
    state = run(created("1"), created("2", "1"), launched("2"), asked, answered)
    text = conductor_recap(state, 0)
    check_nothing_is_forgotten(state, text)
    for missing in ("waits for #1", "#2 ", "This", " not launched"):
        with pytest.raises((AssertionError, KeyError)):
            check_nothing_is_forgotten(state, text.replace(missing, ""))


@pytest.mark.parametrize(
    ("length", "room", "whole"), [(400, 0, True), (3_900, 50_000, True), (9_000, 50_000, False), (900, 0, False)]
)
def test_a_persons_decision_is_whole_or_says_where_it_is(length: int, room: int, *, whole: bool) -> None:
    """Its last words may be the condition: nothing of it is left out silently."""
    words = f"Use Postgres. {'Background. ' * (length // 12)}Never touch payroll."
    asked = e.QuestionAsked(question="q1", ask=({"question": "Which?", "options": []},))
    answered = e.QuestionAnswered(question="q1", answers={"Which?": words}, by="person")
    text = conductor_recap(run(created("1"), asked, answered), room)
    assert (words in text, "[cut: Read outputs/answers/q1.md for all of it]" in text) == (whole, not whole)


def test_a_long_comment_says_where_it_is() -> None:
    """It is kept with its task."""
    short, long = "Mind the units.", "Mind the units. " * 100
    state = run(created("1"), e.TaskEdited(task="1", comment=short), e.TaskEdited(task="1", comment=long))
    text = conductor_recap(state, 0)
    assert f"Comment on #1: {short}\n" in f"{text}\n"
    assert text.count("[cut: TaskGet has all of it]") == 1


def test_the_cap_of_a_tier_is_not_forgotten() -> None:
    """It would else be found out by a launch that is refused, one by one."""
    reached = e.CapReached(cap="turns", tier="sonnet", text="The cap of all sonnet workers is reached.")
    state = run(created("1"), launched("1"), reached)
    said = "No sonnet worker starts or goes on; the other tiers do. These wait for it: #1."
    assert f"OPEN\n{reached.text} {said}" in conductor_recap(state, 0)


def test_reports_fill_the_room_that_is_left() -> None:
    """Completed tasks lose their words before anything else is lost."""
    state = run(*(created(str(number)) for number in range(1, 21)))
    done = {name: replace(task, status="completed", output="word " * 100) for name, task in state.tasks.items()}
    state = replace(state, tasks=done)
    wide, narrow = conductor_recap(state, 20_000), conductor_recap(state, 1_000)
    assert wide.count("word") > 20 * 50
    assert narrow.count("word") == 0
    assert "outputs/<task id>.md" in narrow
    assert (len(wide), len(narrow)) < (20_000, 1_500)


def test_the_counts_of_what_was_kept() -> None:
    """Only what there is is named."""
    assert kept_words(run(created("1"), created("2")), "conductor") == ("2 tasks",)


# --- the turns that are kept -----------------------------------------------------------------------------------------


def user(content: str | list[dict[str, object]]) -> dict[str, object]:
    return {"role": "user", "content": content}


def model(*blocks: dict[str, object]) -> dict[str, object]:
    return {"role": "assistant", "content": list(blocks)}


def words(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def call(name: str) -> dict[str, object]:
    return {"type": "tool_use", "id": name, "name": "Read", "input": {}}


def result(name: str, text: str) -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": name, "content": text}


TALK = [
    user("prompt"),
    model(call("1")),
    user([result("1", "one " * 100)]),
    model(call("2")),
    user([result("2", "two " * 100)]),
]


def test_the_last_turns_that_fit_are_kept_whole() -> None:
    """From the model's own message on, so that each result follows its call."""
    assert shortened(TALK, "FIRST", 5_000) == [user("FIRST"), *TALK[1:]]
    assert shortened(TALK, "FIRST", 700) == [user("FIRST"), *TALK[3:]]


def test_a_last_turn_that_is_too_long_loses_the_middle_of_its_results() -> None:
    """And goes as a whole, calls and results, where even that is too much."""
    talk = [*TALK[:3], model(call("2")), user([result("2", "a" * 3_000 + "b" * 3_000)])]
    *_, last = shortened(talk, "FIRST", 1_200)
    (kept,) = last["content"]
    assert kept["content"].startswith("aaa")
    assert kept["content"].endswith("bbb")
    assert "5,400 characters left out" in kept["content"]
    assert shortened(talk, "FIRST", 300) == [user("FIRST")]


def test_what_was_said_last_is_never_lost() -> None:
    """A notice after a turn too long to keep stands below the record."""
    talk = [user("prompt"), model(words("x" * 5_000)), user("NOTICES\nall done")]
    assert shortened(talk, "FIRST", 300) == [user([words("FIRST"), words("NOTICES\nall done")])]


def test_a_text_that_was_cut_is_kept_in_one_piece() -> None:
    """What is continued over several replies counts as one."""
    talk = [*TALK, model(words("The report: a")), user(GO_ON), model(words("b")), user(GO_ON)]
    kept = shortened(talk, "FIRST", 400)
    assert kept == [user("FIRST"), *talk[-4:]]
    assert said_since(kept) == "The report: ab"


def test_the_providers_own_summary_stands_first_and_is_replaced() -> None:
    """There is one at most, and before everything."""
    block = {"type": "compaction", "content": "So far."}
    once = shortened(TALK, "FIRST", 700, block)
    assert once == [model(block), user("FIRST"), *TALK[3:]]
    assert shortened(once, "SECOND", 5_000) == [user("SECOND"), *TALK[3:]]
