"""A credential that is refused in the middle of a run, or an account without credit: asked about, or told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conductor_magic.api import load
from conductor_magic.events import QuestionJoined
from conductor_magic.limits import Limits
from conductor_magic.run import Run, resume
from conductor_magic.state import QuestionState
from tests.shell.conftest import Begin, Play
from tests.support.floor import Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, MessagesServer, error, text, tools
from tests.support.person import Person
from tests.support.quick import quick_limiter

Json = dict[str, Any]
OLD, NEW = "key-that-has-expired", "key-that-was-renewed"
EIGHT = {f"t{n}": () for n in range(8)}
LOST = error(401, "authentication_error", "invalid x-api-key")
BROKE = error(400, "invalid_request_error", "Your credit balance is too low to access the API.")


class Gate:
    """A floor that takes requests as long as the key is right; the conductor's first one always.

    Attributes:
        refused: how many requests it turned away.
    """

    def __init__(self, floor: Floor, is_right: Callable[[], bool], answer: Answer = LOST) -> None:
        self.floor = floor
        self.refused = 0
        self._is_right = is_right
        self._answer = answer
        self._lock = threading.Lock()

    def __call__(self, body: Json, number: int) -> Answer:
        with self._lock:
            if number > 1 and not self._is_right():
                self.refused += 1
                return self._answer
        return self.floor(body, number)


def _attended(
    begin: Begin, gate: Gate | Floor, says: Callable[[Run, QuestionState], str], **options: Any
) -> tuple[Run, Person]:
    run = begin(gate, begin=False, **options)  # type: ignore[arg-type]
    return run, Person(run, lambda question: says(run, question))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, begin: Begin) -> pytest.MonkeyPatch:
    """A kernel with a key that a server will refuse."""
    quick_limiter(monkeypatch)
    monkeypatch.setenv("ANTHROPIC_API_KEY", OLD)
    return monkeypatch


def test_a_person_renews_the_key_and_the_run_goes_on(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """Eight workers are refused: one question, no clock runs, and the new key is used and recorded nowhere."""
    right: list[str] = []
    floor = Floor(
        [lay_out(EIGHT), text("Under way.")], lambda task, turn, body: text(f"{task}, not {NEW}\nSTATUS: done")
    )
    gate = Gate(floor, lambda: bool(right))

    def says(run: Run, question: QuestionState) -> str:
        while len(run.state.running) < 8 or len(run.state.open_questions[0].tasks) < 8:
            time.sleep(0.01)
        # Longer than a worker may take.
        time.sleep(1.7)
        key.setenv("ANTHROPIC_API_KEY", NEW)
        right.append(NEW)
        return "Try again"

    limits = Limits(seconds=dict.fromkeys(("haiku", "sonnet", "opus"), 1.5))
    run, person = _attended(begin, gate, says, limits=limits)
    result = run.wait(60)
    person.join()
    assert (result.status, len(result.questions)) == ("completed", 1), result.reason
    assert [len(task.attempts) for task in result] == [1] * 8
    assert 1 <= gate.refused <= 9
    (question,) = result.questions
    assert "ANTHROPIC_API_KEY" in str(question) and question.answered_by == "person"
    journal = (run.folder / "journal.jsonl").read_text()
    assert OLD not in journal and NEW not in journal
    assert sum(isinstance(record.event, QuestionJoined) for record in result.events) == 8
    assert load(run.id).model_dump(mode="json") == result.model_dump(mode="json")


def test_a_late_refusal_of_the_old_key_does_not_shut_the_door_again(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """A request that left before the renewal is refused after it: it is sent again, and nobody is asked twice."""
    first = {"t0": LOST, "t1": replace(LOST, first_seconds=1.0)}
    sent: list[str] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        sent.append(task)
        return done(task, turn, body) if sent.count(task) > 1 else first[task]

    def says(run: Run, question: QuestionState) -> str:
        # Not before both have left.
        while len(sent) < 2:
            time.sleep(0.01)
        return "Try again"

    floor = Floor([lay_out({"t0": (), "t1": ()}), text("Under way.")], worker)
    run, person = _attended(begin, floor, says)
    result = run.wait(60)
    person.join()
    assert (result.status, len(result.questions)) == ("completed", 1), result.reason
    assert sent.count("t0") == sent.count("t1") == 2


def test_the_new_key_is_what_is_sent(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """The client of the requests that follow has the credential that the environment names by then."""
    floor = Floor([lay_out({"a": ()}), text("Under way.")])
    with MessagesServer(
        lambda body, number: LOST if server.headers[-1]["authorization"].endswith(OLD) else floor(body, number)
    ) as server:
        original = begin(floor, begin=False)
        key.setenv("ANTHROPIC_BASE_URL", server.url)

        def says(question: QuestionState) -> str:
            key.setenv("ANTHROPIC_API_KEY", NEW)
            return "Try again"

        person = Person(original, says)
        assert original.wait(30).status == "completed"
        person.join()
        assert [headers["authorization"] for headers in server.headers][:2] == [f"Bearer {OLD}", f"Bearer {NEW}"]


def test_the_same_question_again_when_trying_did_not_help(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """Each try costs one request; what a person types besides the options is not taken, let alone recorded."""
    said = [f"my key is {NEW}", "Try again", "Try again", "Stop the run"]
    gate = Gate(Floor([lay_out({"a": ()}), text("Under way.")]), lambda: False)
    run, person = _attended(begin, gate, lambda run, question: said.pop(0))
    result = run.wait(30)
    person.join()
    assert result.status == "cancelled" and len(result.questions) == 3
    assert len(person.wrong) == 1 and NEW not in person.wrong[0]
    assert NEW not in (run.folder / "journal.jsonl").read_text()
    assert gate.refused <= 3 * 2


@pytest.mark.parametrize(("answer", "advice"), [(LOST, "Set or renew ANTHROPIC_API_KEY"), (BROKE, "Add credit")])
@pytest.mark.parametrize("answers", [None, {"API key": "Try again", "Billing": "Try again"}])
def test_where_nobody_is_the_run_fails_at_once(
    play: Play, key: pytest.MonkeyPatch, answer: Answer, advice: str, answers: dict[str, str] | None
) -> None:
    """One request is refused, none follows, and the reason says what to do; what is finished stays."""
    over: list[str] = []

    def worker(task: str, turn: int, body: Json) -> Answer:
        over.append(task)
        return done(task, turn, body)

    floor = Floor([tools(*_calls(), prefix="c"), text("Under way.")], worker)
    gate = Gate(floor, lambda: "a" not in over, answer)
    result = play(gate, answers=answers, workers=1)  # type: ignore[arg-type]
    assert result.status == "failed" and advice in result.reason
    assert f"%conduct resume {result.id}" in result.reason
    assert result["1"].status == "completed" and not result.questions
    assert gate.refused == 1


def _calls() -> list[tuple[str, Json]]:
    return [create("a"), create("b", "a"), create("c", "a"), launch("a"), launch("b"), launch("c")]


def test_a_run_that_lost_its_key_is_resumed(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """With a key that is right again the rest is done, and what was finished is not asked for a second time."""
    right = [False]
    floor = Floor([lay_out({"a": (), "b": ("a",)}), text("Under way.")])
    gate = Gate(floor, lambda: right[0] or not floor.worker_requests)
    run = begin(gate)  # type: ignore[arg-type]
    assert run.wait(30).status == "failed"
    right[0] = True
    again = resume(run.folder, {"quiet": True})
    result = again.wait(30)
    assert result.status == "completed", result.reason
    assert sorted(line for line in floor.order if line.startswith("worker")) == ["worker a", "worker b"]


def test_certificates_that_cannot_be_read_are_asked_about_too(begin: Begin, key: pytest.MonkeyPatch) -> None:
    """A person behind a network with its own certificates names a file that is not there, then sets it right."""
    right: list[bool] = []
    floor = Floor([lay_out({"a": ()}), text("Under way.")])
    gate = Gate(floor, lambda: bool(right))

    def says(run: Run, question: QuestionState) -> str:
        if "certificates" in str(question.ask):
            key.delenv("SSL_CERT_FILE")
            right.append(True)
        else:
            key.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        return "Try again"

    run, person = _attended(begin, gate, says)
    result = run.wait(60)
    person.join()
    assert result.status == "completed", result.reason
    assert "SSL_CERT_FILE=/nowhere/ca.pem" in str(result.questions[1])
