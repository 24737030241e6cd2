"""The gate and the web in whole runs: what a person is asked about sites and searches, and how far a yes goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conductor_magic import events as e
from conductor_magic.gate import NO, ONCE, THIS_RUN
from conductor_magic.state import QuestionState
from conductor_magic.testing import Found, Search, web_stub
from tests.shell.conftest import Begin
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.person import Person

Json = dict[str, Any]
Calls = list[tuple[str, Json]]


def _floor(calls: Calls) -> Floor:
    """One worker that makes its calls one a turn and then reports."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        return tools(calls[turn - 1]) if turn <= len(calls) else done(task, turn, body)

    return Floor([lay_out({"look": ()}), text("Under way."), text("Done.")], worker)


def _asked(begin: Begin, calls: Calls, says: dict[str, str], searched: list[str]) -> list[tuple[str, str]]:
    """The questions of a run of these calls, each with what its yes for the run covers; `says`: by its last line."""

    async def find(search: Search) -> Sequence[Found]:
        searched.append(search.query)
        return ()

    def answer(question: QuestionState) -> str:
        return says[question.ask[0]["question"].partition("\n")[2]]

    with web_stub(search=find):
        run = begin(_floor(calls), begin=False)
        person = Person(run, answer)
        assert run.wait(60).status == "completed"
        person.join()
    grants = [record.event for record in run._journal.records if isinstance(record.event, e.PermissionGranted)]
    assert [grant.scope for grant in grants] == ["site"] * len(grants)
    return [
        (ask["question"], option["description"])
        for question in person.asked
        for ask in question.ask
        for option in ask["options"]
        if option["label"] == THIS_RUN
    ]


def test_a_yes_for_a_host_is_for_that_host(begin: Begin) -> None:
    """What lies below its name is asked about for itself, and the option says so."""
    hosts = ("one.test", "one.test", "deep.one.test")
    calls: Calls = [("WebFetch", {"url": f"http://{host}/"}) for host in hosts]
    says = {"one.test": THIS_RUN, "deep.one.test": NO}
    covers = "Exactly this host, none below it, until the run ends."
    assert _asked(begin, calls, says, []) == [
        ("Let workers reach this site?\none.test", covers),
        ("Let workers reach this site?\ndeep.one.test", covers),
    ]


def test_a_search_is_asked_with_its_words(begin: Begin) -> None:
    """All that would be sent is shown. Once is for one search, a yes for the run for all of them and for no site."""
    searched: list[str] = []
    queries = ("bats", "key\ue000 \u3164\x1b[31m", "birds", "fish")
    calls: Calls = [("WebSearch", {"query": query}) for query in queries]
    calls.append(("WebFetch", {"url": "http://one.test/"}))
    says = {"bats": ONCE, "key\\ue000 [31m": NO, "birds": THIS_RUN, "one.test": NO}
    questions = _asked(begin, calls, says, searched)
    asks = [question for question, _ in questions]
    assert asks[:3] == [f"Let a worker search the web for this?\n{query}" for query in list(says)[:3]]
    assert asks[3:] == ["Let workers reach this site?\none.test"]
    assert [covers for _, covers in questions][:3] == [
        "Every search, whatever for, until the run ends. The sites that it finds are asked about one by one."
    ] * 3
    assert searched == ["bats", "birds", "fish"]
