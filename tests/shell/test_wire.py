"""What goes to the model over a whole run: how much, always the same beginning, and marked where a cache pays."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conductor_magic.api import resume
from conductor_magic.events import ConductorStarted
from conductor_magic.fold import fold
from conductor_magic.prompts import CONDUCTOR
from tests.shell.conftest import Play
from tests.shell.test_resume import cut
from tests.support.conversation import blocks_of, check_conversation
from tests.support.floor import WHICH_STORE, Floor, create, done, launch, lay_out
from tests.support.messages_server import Answer, MessagesServer, text, tools

Json = dict[str, Any]
MARK = "cache_control"


def tokens(*texts: str) -> float:
    """About how many tokens they have."""
    return sum(len(text.encode()) for text in texts) / 3.5


def sent(value: object) -> str:
    """JSON as short as it can be, keys in the order in which they came."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unmarked(messages: list[Json]) -> list[str]:
    """The messages without their cache marks."""
    return [sent({**m, "content": [{k: v for k, v in b.items() if k != MARK} for b in m["content"]]}) for m in messages]


def said(message: Json) -> str:
    """The text of a message; of results, nothing."""
    return "\n".join(block["text"] for block in blocks_of(message) if block["type"] == "text")


class Told(Floor):
    """A floor whose conductor goes by what it was told last, so that it can be met anywhere."""

    def __init__(self, worker: Any = done) -> None:
        super().__init__(self._conduct(), worker)

    def _conduct(self) -> Iterator[Answer]:
        while True:
            yield self.conduct(self.conductor_requests[-1]["messages"])

    def conduct(self, messages: list[Json]) -> Answer:
        """Its next turn: guide, question, plan, then what the notices ask for."""
        turn, last = sum(message["role"] == "assistant" for message in messages), said(messages[-1])
        prefix = f"t{turn}"
        if turn == 0:
            return tools(("Read", {"file_path": "guides/patterns.md"}), prefix=prefix)
        if turn == 1:
            return tools(create("a"), launch("a"), ("AskUserQuestion", {"questions": [WHICH_STORE]}), prefix=prefix)
        if turn == 2:
            calls = [create("b"), create("c", "a"), create("d", "b", "c"), create("e", "c"), create("f", "e")]
            calls += [launch(key, notify=key == "c") for key in "bcdef"]
            return tools(*calls, prefix=prefix)
        if "#2 failed" in last:
            return tools(launch("b", model="sonnet", reason="one attempt failed"), prefix=prefix)
        if "No work is running" in last:
            return tools(("Read", {"file_path": "outputs/4.md"}), prefix=prefix)
        return text("Going on." if turn < 5 or last else "The answer.")


def worker(task: str, turn: int, body: Json) -> Answer:
    """Looks once, and reports; the one on `b` does half of it the first time."""
    if turn == 1:
        return tools(("Glob", {"pattern": f"{task}*"}), ("Glob", {"pattern": "*.md"}), prefix=f"look{task}")
    if task == "b" and "AN EARLIER ATTEMPT FAILED" not in said(body["messages"][0]):
        return text("Half of b.\nSTATUS: incomplete - the other half is missing")
    return done(task, turn, body)


@pytest.mark.parametrize("strategy", ["balanced", "speed"])
def test_every_request_begins_with_the_one_before(play: Play, strategy: str) -> None:
    """Guide, question, failure, notice, retry: same tools and system throughout, and messages are only added."""
    floor = Told(worker)
    result = play(floor, strategy=strategy)
    assert result.status == "completed", result.reason
    assert [attempt.tier for attempt in result["2"].attempts] == ["haiku", "sonnet"]
    assert result.questions[0].answers == {"Which store?": "Postgres (Recommended)"}
    talks: dict[str, list[Json]] = defaultdict(list)
    talks["conductor"] = floor.conductor_requests
    for body in floor.worker_requests:
        talks[said(body["messages"][0])].append(body)
    assert len(floor.conductor_requests) >= 7 and len(talks) == 1 + 7
    for bodies in talks.values():
        for before, after in itertools.pairwise(bodies):
            assert sent([after["system"], after["tools"]]) == sent([before["system"], before["tools"]])
            head = unmarked(after["messages"])[: len(before["messages"])]
            assert head == unmarked(before["messages"])
        check_conversation([*bodies[-1]["messages"], {"role": "assistant", "content": []}])
    schemas = [{k: v for k, v in tool.items() if k != MARK} for tool in floor.conductor_requests[0]["tools"]]
    (begun,) = (record.event for record in result.events if isinstance(record.event, ConductorStarted))
    assert begun.schema_bytes == len(sent(schemas).encode()), "the token report goes by what was sent"


def test_all_workers_of_a_kind_and_tier_share_their_beginning(play: Play) -> None:
    """One prefix a kind and tier, which the provider caches for all of them."""
    kinds = {"a": "explore", "b": "explore", "c": "plan", "d": "general-purpose", "e": "general-purpose"}
    calls = [create(key) for key in kinds] + [launch(key, subagent_type=kind) for key, kind in kinds.items()]
    floor = Floor([tools(*calls), text("Under way.")])
    assert play(floor).status == "completed"
    prefixes: dict[str, set[str]] = defaultdict(set)
    for body in floor.worker_requests:
        kind = kinds[said(body["messages"][0]).partition("TASK:\n")[2].partition("\n")[0]]
        prefixes[kind].add(sent([body["model"], body["tools"], body["system"]]))
    assert {kind: len(seen) for kind, seen in prefixes.items()} == {"explore": 1, "plan": 1, "general-purpose": 1}


def test_cache_marks_stand_where_they_pay(play: Play) -> None:
    """At the end of system and tools, at the end of the conversation, and where the request before ended: three."""
    floor = Told(worker)
    assert play(floor).status == "completed"
    for body in (*floor.conductor_requests, *floor.worker_requests):
        places = [MARK in block for block in body["system"]]
        assert places == [False] * (len(places) - 1) + [True]
        assert not any(MARK in tool for tool in body["tools"])
        users = [place for place, message in enumerate(body["messages"]) if message["role"] == "user"]
        marked = [place for place, m in enumerate(body["messages"]) if any(MARK in block for block in m["content"])]
        assert marked == users[-2:]
        assert all(MARK in body["messages"][place]["content"][-1] for place in marked)
        assert sent(body).count(f'"{MARK}"') <= 4


# --- how much --------------------------------------------------------------------------------------------------------


def test_what_every_conductor_request_carries_is_small(play: Play) -> None:
    """Prompt and tools as they travel: at most 3,000 tokens."""
    floor = Floor([lay_out({"a": ()}), text("Under way.")])
    play(floor)
    body = floor.conductor_requests[0]
    [block] = body["system"]
    assert block["text"] == CONDUCTOR
    assert tokens(sent(body["system"]), sent(body["tools"])) <= 3_000


LONG = " and compare it with last year's"
FORTY: dict[str, tuple[tuple[int, ...], int, str]] = {
    "side by side": ((40,), 40, ""),
    "in two turns": ((20, 20), 40, ""),
    "in three turns": ((4, 6, 30), 40, LONG),
    "in layers of eight": ((40,), 8, ""),
    "in layers of eight, in three turns": ((4, 6, 30), 8, LONG),
    "one after the other": ((20, 20), 1, LONG),
}


@pytest.mark.parametrize("how", FORTY)
def test_forty_tasks_cost_the_conductor_sixty_tokens_each(play: Play, how: str) -> None:
    """What the engine adds to its context for a task, results of calls and notices, in at most five requests.

    Each task waits for the whole layer before its own.
    """
    turns, layer, more = FORTY[how]
    numbers = iter(range(1, 41))
    plan: list[Answer] = []
    for number, count in enumerate(turns):
        keys = [f"lake{next(numbers)}" for _ in range(count)]
        subjects = {key: f"Count the rows of table {key} by month{more}" for key in keys}
        waits = {key: _layer_before(int(key.removeprefix("lake")), layer) for key in keys}
        calls = [create(key, *waits[key], subject=subjects[key]) for key in keys] + [launch(key) for key in keys]
        plan.append(tools(*calls, prefix=f"turn{number}"))

    def counts(task: str, turn: int, body: Json) -> Answer:
        return text(
            f"Table {task} has 1,204 rows. " + "A row a day, none is missing. " * 12, usage={"input_tokens": 41_000}
        )

    floor = Floor([*plan, text("Under way."), text("The answer.")], counts)
    result = play(floor, budget="none")
    assert result.status == "completed", result.reason
    assert len(result.tasks) == 40
    assert len(floor.conductor_requests) <= 5
    added: list[str] = []
    for message in floor.conductor_requests[-1]["messages"][1:]:
        if message["role"] == "user":
            added += [block.get("text", block.get("content")) for block in message["content"]]
    assert sum("completed" in words for words in added) == 1
    assert tokens(*added) / 40 <= 60, f"{tokens(*added) / 40:.1f} tokens a task"
    assert result.tasks["40"].subject == f"Count the rows of table lake40 by month{more}"
    last = json.loads(next(words for words in added if words.startswith('{"taskId":"40"')))
    assert last["waitsFor"] == {40: [], 8: ["25-32"], 1: ["39"]}[layer]


def _layer_before(number: int, layer: int) -> list[str]:
    first = (number - 1) // layer * layer + 1
    return [f"lake{before}" for before in range(max(1, first - layer), first)]


# --- news ------------------------------------------------------------------------------------------------------------

NEWS = re.compile(r"^#(\d+) (completed|failed|cancelled) · ", re.MULTILINE)


def test_every_notice_is_in_exactly_one_message_also_after_a_kill(
    play: Play, serve: Callable[[Any], MessagesServer]
) -> None:
    """A failure, a task to notify of, the drain: killed before and after each is told, none is lost or told twice."""
    whole = play(Told(worker))
    assert whole.status == "completed", whole.reason
    kinds = [record.event.kind for record in whole.events]
    told = [place for place, kind in enumerate(kinds) if kind == "conductor.told"]
    assert len(told) >= 2
    for kept in sorted({place + after for place in told for after in (0, 1, 2)}):
        floor = Told(worker)
        serve(floor)
        result = resume(str(cut(whole, kept, f"cut-{kept}")), quiet=True).wait(60)
        assert (result.status, result.answer) == ("completed", "The answer."), f"cut after {kept}: {result.reason}"
        messages = floor.conductor_requests[-1]["messages"]
        found = Counter(
            news for message in messages[1:] if message["role"] == "user" for news in NEWS.findall(said(message))
        )
        notices = fold(list(result.events)).notices
        assert found == Counter((notice.task, notice.about) for notice in notices if notice.task), f"cut after {kept}"
        assert found[("2", "failed")] == 1 and found[("3", "completed")] == 1 and max(found.values()) == 1
        reminders = [said(message) for message in messages if "Not yet read" in json.dumps(message)]
        assert len(reminders) <= 1


def test_what_is_too_long_for_a_prompt_is_read_by_reference(play: Play) -> None:
    """A worker opens the whole report of its blocker with Read, where its prompt says that it goes on."""
    report = "\n".join(f"row {number}" for number in range(1, 3_501))
    seen: list[str] = []

    def reads(task: str, turn: int, body: Json) -> Answer:
        if task == "a":
            return text(f"{report}\nSTATUS: done")
        if turn == 1:
            path, line = re.findall(
                r"\[cut: [\d,]+ more characters: Read (\S+) from line (\d+)\]", said(body["messages"][0])
            )[0]
            return tools(("Read", {"file_path": path, "offset": int(line)}))
        seen.append(str(body["messages"][-1]["content"][0]["content"]))
        return done(task, turn, body)

    floor = Floor(
        [tools(create("a"), create("b", "a"), launch("a"), launch("b", subagent_type="plan")), text("On.")], reads
    )
    result = play(floor)
    assert result.status == "completed", result.reason
    prompt = result["2"].prompt or ""
    assert len(prompt) < 26_000
    goes_on = int(re.findall(r"from line (\d+)\]", prompt)[0])
    assert f"\nrow {goes_on - 1}\n" in prompt and f"row {goes_on}\n" not in prompt
    assert f"row {goes_on}\n" in seen[0] and "row 3500" in seen[0]
