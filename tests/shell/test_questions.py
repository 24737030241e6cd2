"""A question of the conductor's: who answers it, what is recorded, and what goes on while it waits."""

from __future__ import annotations

import json
import threading
from typing import Any

from conductor_magic.api import load
from conductor_magic.state import QuestionState
from tests.shell.conftest import Begin, Play
from tests.support.floor import WHICH_STORE, Floor, create, done, launch
from tests.support.messages_server import Answer, text, tools
from tests.support.person import Person

Json = dict[str, Any]
CHECKS = {
    "question": "Which checks?",
    "header": "Checks",
    "options": [{"label": "Types (Recommended)", "description": ""}, {"label": "Style", "description": ""}],
    "multiSelect": True,
}
ALL = {
    "question": "All of it?",
    "header": "Extent",
    "options": [{"label": "Yes", "description": ""}, {"label": "No", "description": ""}],
}


def asking(worker: Any = done, *questions: Json) -> Floor:
    """Launches what does not hang on the answer and asks, in one turn; the rest follows with the answer at hand."""
    begin = [create("a"), create("b", "a"), create("c"), launch("a"), launch("b"), launch("c")]
    ask = ("AskUserQuestion", {"questions": list(questions or (WHICH_STORE,))})
    then = tools(create("d", "b"), launch("d"), prefix="then")
    return Floor([tools(*begin, ask), then, text("Under way."), text("The answer.")], worker)


def answers_sent(floor: Floor) -> Json:
    """What the conductor got for its call."""
    return json.loads(floor.conductor_requests[1]["messages"][-1]["content"][-1]["content"])["answers"]


def test_other_branches_begin_and_end_while_a_question_waits(begin: Begin) -> None:
    """The person answers once everything that was launched is done: no worker waited for it."""
    floor = asking()
    run = begin(floor, quiet=False, begin=False)
    requests: list[int] = []

    def says(question: QuestionState) -> str | None:
        if any(run.state.tasks[task].status != "completed" for task in "123"):
            return None
        requests.append(len(floor.conductor_requests))
        return "Redis"

    person = Person(run, says)
    result = run.wait(60)
    person.join()
    assert result.status == "completed", result.reason
    assert requests == [1] and person.wrong == []
    assert answers_sent(floor) == {"Which store?": "Redis"}
    question = next(iter(run.state.questions.values()))
    assert question.answered is not None
    workers = [worker for worker in run.state.workers.values() if worker.task in ("1", "2", "3")]
    assert all(worker.ended is not None and worker.ended <= question.answered for worker in workers)
    assert next(worker for worker in workers if worker.task == "2").started > question.asked
    assert (result.questions[0].answered_by, result["4"].status) == ("person", "completed")


def test_an_answer_that_is_not_there_yet_keeps_no_failure_from_being_told(begin: Begin) -> None:
    """What went wrong meanwhile is told when the conductor has ended its turn, once."""
    failed = threading.Event()

    def worker(task: str, turn: int, body: Json) -> Answer:
        if task == "c":
            failed.set()
            return text("No.\nSTATUS: blocked - no data")
        return done(task, turn, body)

    floor = asking(worker)
    run = begin(floor, quiet=False, begin=False)
    person = Person(run, lambda question: "Redis" if run.state.tasks["3"].status == "failed" else None)
    result = run.wait(60)
    person.join()
    assert failed.is_set() and result.status == "partial"
    told = [json.dumps(body["messages"][-1], ensure_ascii=False) for body in floor.conductor_requests]
    assert ["#3 failed" in said for said in told[:2]] == [False, False]
    assert sum("#3 failed" in said for said in told) == 1


def test_the_answers_of_a_headless_run_and_its_defaults_are_recorded(play: Play) -> None:
    """By question, by header, several at once; what the dict does not know gets the recommended option."""
    floor = asking(done, WHICH_STORE, CHECKS, ALL)
    result = play(floor, answers={"Which store?": "Both of them", "Checks": ["Types (Recommended)", "Style"]})
    given = {
        "Which store?": "Both of them",
        "Which checks?": ["Types (Recommended)", "Style"],
        "All of it?": "Yes",
    }
    assert answers_sent(floor) == given
    asked = result.questions[0]
    assert (result.status, asked.answers, asked.answered_by, asked.defaults) == (
        "completed",
        given,
        "answers and defaults",
        ("All of it?",),
    )
    assert load(result.path).questions == result.questions


def test_with_nobody_there_each_question_takes_its_default_and_says_so(play: Play) -> None:
    """The option that is called recommended wherever it stands, else the first; nothing waits for anybody."""
    floor = asking(done, WHICH_STORE, CHECKS, ALL)
    result = play(floor)
    taken = {"Which store?": "Postgres (Recommended)", "Which checks?": "Types (Recommended)", "All of it?": "Yes"}
    assert answers_sent(floor) == taken
    assert (result.questions[0].answers, result.questions[0].answered_by) == (taken, "default")
    other = play(asking(done, WHICH_STORE), answers={"Another question?": "Redis"})
    assert (other.questions[0].answers, other.questions[0].answered_by) == (
        {"Which store?": "Postgres (Recommended)"},
        "default",
    )
