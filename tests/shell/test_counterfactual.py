"""The report's one agent against a real one, which replays the recorded turns in one conversation and is counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import ContextCompacted
from conductor_magic.result import ConductResult
from tests.shell.conftest import Begin
from tests.support.counting import Counting, by_bytes, by_words
from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, text, tools
from tests.support.solo import Used, play_alone, without_cache

Json = dict[str, Any]
Calls = list[tuple[str, Json]]
WITHIN = 0.05
REASON = "Its scope is clear, and what is to be found stands in files whose names are known."
ORDER = (
    "{what}\n\nThe files lie in the workspace's root; they are the whole scope, and nothing outside it matters. Give "
    "each figure as the files have it, name the file and the line that it came from, and say so where one is missing. "
    "Keep the report short: first what was found, then how sure that is, then what was left out, and why it was."
)
FINDINGS = "The figures agree with each other to the last digit, and none of them is out of the range of the others. "
ANSWER = "All parts agree.\n\n" + "What was looked at holds together, and nothing that matters is missing. " * 12


def files(folder: Path) -> None:
    """Files of very different sizes and kinds."""
    (folder / "small.txt").write_text("one line\n")
    (folder / "prose.md").write_text("# Notes\n\n" + "The harbour was empty when the ship came in at dawn. " * 160)
    (folder / "table.csv").write_text(
        "day,store,sum\n" + "".join(f"2026-03-{n % 28 + 1:02},{n % 7},{n * 37 % 1009}.50\n" for n in range(700))
    )
    (folder / "code.py").write_text(
        "".join(f"def part_{n}(value: int) -> int:\n    return value * {n} + {n % 3}\n\n\n" for n in range(120))
    )
    for page in range(1, 9):
        (folder / f"page{page}.txt").write_text(f"PAGE {page}\n" + f"line {page} of many words in a row\n" * 130)


def read(*names: str) -> Calls:
    return [("Read", {"file_path": name}) for name in names]


def grep(pattern: str, **fields: Any) -> Calls:
    return [("Grep", {"pattern": pattern, "output_mode": "content", **fields})]


def bash(command: str) -> Calls:
    return [("Bash", {"command": command})]


def python(code: str) -> Calls:
    return [("Python", {"code": code})]


class Players:
    """A floor whose workers make the calls that their task's plan has, a list for each turn, and then report."""

    def __init__(self, plans: dict[str, list[Calls]], report: int = 4) -> None:
        self.plans = plans
        self.report = report
        self.bodies: list[Json] = []

    def __call__(self, task: str, turn: int, body: Json) -> Answer:
        self.bodies.append(body)
        plan = self.plans[task]
        # By what it has read of itself: a compacted conversation has fewer turns than were made.
        done = len(set(re.findall(r"toolu_[a-z]+_(\d+)_\d+", str(body["messages"]))))
        if done < len(plan):
            words = f"Step {done + 1} of {task}: a look at what is there, before anything is said of it."
            return tools(*plan[done], words=words, prefix=f"toolu_{_letters(task)}_{done}")
        return text(f"# {task}\n\n{FINDINGS * self.report}\nSTATUS: done")


def _letters(task: str) -> str:
    return "".join(filter(str.isalpha, task.lower()))


def order(what: str) -> str:
    return ORDER.format(what=what)


def laid_out(graph: dict[str, tuple[str, ...]], tiers: dict[str, str] | None = None) -> Answer:
    """One turn that creates and launches tasks whose prompts are as long as real ones."""
    models = tiers or {}
    calls = [create(key, *blockers, reason=REASON, description=order(key)) for key, blockers in graph.items()]
    calls += [launch(key, prompt=order(key), model=models.get(key, "haiku"), reason=REASON) for key in graph]
    return tools(*calls, words="The plan is clear.")


WIDE: dict[str, list[Calls]] = {
    "survey": [grep("part_1", path="code.py"), read("small.txt", "prose.md")],
    "table": [read("table.csv"), python("print(sum(range(10)))"), bash("wc -l table.csv && head -50 table.csv")],
    "code": [read("code.py"), grep("return", path="code.py"), bash("grep -c def code.py")],
    "prose": [read("prose.md"), bash("wc -w prose.md"), python("for n in range(200): print(n, n * n)")],
    "pages": [read("page1.txt", "page2.txt"), read("page3.txt"), grep("PAGE", glob="page*.txt")],
    "sums": [python("print([n * 3 for n in range(300)])"), bash("cut -d, -f3 table.csv | head -300")],
    "check": [read("page4.txt"), bash("ls -l"), read("small.txt")],
}


def compare(result: ConductResult, used: Used) -> dict[str, float]:
    """How far the report is from the server's count, by figure: its share, less one."""
    solo = result.efficiency["solo"]
    pairs = {
        "peak": (result.efficiency["solo_context"], used.peak),
        "sent": (solo["sent_tokens"], used.sent),
        "usd": (solo["usd"], used.usd),
        "usd on one model": (solo["usd_one_model"], used.usd_one_model),
    }
    bare = without_cache(result)
    pairs["the run, reckoned with a cache"] = (bare["usd_with_cache"], result.efficiency["usd"])
    assert bare["money"] == result.efficiency["money"]
    assert bare["solo"]["usd"] == pytest.approx(solo["usd"])
    assert solo["turns"] == used.turns
    return {name: ours / theirs - 1 for name, (ours, theirs) in pairs.items()}


@pytest.fixture(params=[by_bytes, by_words], ids=["bytes", "words"])
def versus(
    request: pytest.FixtureRequest, begin: Begin, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Callable[..., ConductResult]:
    """Play a delegated run, have one agent do the same, and hold the report to what its server counts."""
    tokens = request.param

    def play(conductor: list[Answer], players: Players, **options: Any) -> ConductResult:
        files(tmp_path / "workspace")
        begun = begin(Counting(Floor(conductor, players), tokens), "Find out whether all figures agree.", **options)
        result = begun.wait(90)
        widest = max(players.bodies, key=lambda body: len(body["tools"]))
        off = compare(result, play_alone(result, widest, tokens))
        print({name: f"{share:+.2%}" for name, share in off.items()}, result.efficiency["note"])
        record_property("off", off)
        assert all(abs(share) <= WITHIN for share in off.values()), off
        return result

    return play


def test_delegation_paid(versus: Callable[..., ConductResult]) -> None:
    """Seven workers side by side, of three tiers."""
    tiers = {"code": "sonnet", "pages": "sonnet", "check": "opus"}
    conductor = [laid_out(dict.fromkeys(WIDE, ()), tiers), text("Under way."), text(ANSWER)]
    result = versus(conductor, Players(WIDE), workers=8)
    assert result.status == "completed"
    assert result.efficiency["context"] == "won"
    assert result.efficiency["solo"]["usd"] < result.efficiency["solo"]["usd_one_model"]


def test_delegation_paid_in_money_too(versus: Callable[..., ConductResult]) -> None:
    """Six workers of one tier with long conversations, and a conductor on the same model."""
    plans = {
        name: [read(f"page{page}.txt") for page in range(first, first + 3)] + [grep("PAGE", glob="page*.txt")]
        for first, name in enumerate(("north", "south", "east", "west", "centre", "coast"), 1)
    }
    conductor = [laid_out(dict.fromkeys(plans, ())), text("Under way."), text(ANSWER)]
    result = versus(conductor, Players(plans), tiers={"conductor": "claude-haiku-5-5"}, workers=8)
    found = result.efficiency
    assert (found["context"], found["money"]) == ("won", "won")
    assert found["money_note"].startswith("Delegation paid in money: ")
    assert found["solo"]["usd"] == found["solo"]["usd_one_model"]


def test_delegation_did_not_pay(versus: Callable[..., ConductResult]) -> None:
    """Two tiny tasks: the conductor alone holds more than one agent would have."""
    plans = {"first": [read("small.txt")], "second": [bash("echo 1")]}
    conductor = [laid_out({"first": (), "second": ()}), text("Under way."), text("Both are fine.")]
    found = versus(conductor, Players(plans, report=1)).efficiency
    assert (found["context"], found["money"]) == ("lost", "lost")
    assert found["context_note"].startswith("Delegation did not pay in context: ")
    assert found["money_note"].startswith("Delegation did not pay in money: ")


def test_results_that_are_handed_on_count_once(versus: Callable[..., ConductResult]) -> None:
    """Long reports go into the prompts of what waits for them; one agent has them in its context already."""
    graph = {"survey": (), "table": (), "code": ("survey", "table"), "prose": ("code",), "check": ("prose", "code")}
    conductor = [laid_out(graph), text("Under way."), text(ANSWER)]
    result = versus(conductor, Players(WIDE, report=60))
    handed = [task.prompt or "" for task in result.tasks if task.blocked_by]
    assert all("RESULTS OF EARLIER TASKS" in prompt for prompt in handed)
    assert sum(map(len, handed)) > 20_000


def test_retries(versus: Callable[..., ConductResult]) -> None:
    """One attempt meets its cap and is made again; one reports that it is blocked and is launched with other words."""

    class Failing(Players):
        def __call__(self, task: str, turn: int, body: Json) -> Answer:
            again = "AN EARLIER ATTEMPT FAILED" in str(body["messages"][0])
            if task == "table" and not again:
                self.bodies.append(body)
                return tools(*read("page5.txt"), *grep(f"PAGE {turn}"), prefix=f"toolu_lost_{turn}")
            if task == "code" and turn == 3:
                self.bodies.append(body)
                return text(f"{FINDINGS * 3}\nSTATUS: blocked - by what is not there")
            return super().__call__(task, turn, body)

    plans = {**WIDE, "code again": [read("page6.txt"), *WIDE["code"][1:]]}
    again = launch("code", prompt=order("code again"), model="haiku")
    conductor = [
        laid_out({"survey": (), "table": (), "code": ()}),
        text("Under way."),
        tools(again, words="Once more, with a clearer order."),
        text("Under way again."),
        text(ANSWER),
    ]
    result = versus(conductor, Failing(plans), cap={"worker.turns": 4}, tiers={"conductor": "claude-haiku-5-5"})
    assert result.status == "completed"
    outcomes = {task.id: [attempt.outcome for attempt in task.attempts] for task in result.tasks}
    assert outcomes == {"1": ["completed"], "2": ["limit", "completed"], "3": ["failed", "completed"]}


def test_a_compacted_worker(versus: Callable[..., ConductResult]) -> None:
    """A worker read more than its window; the one agent is not compacted, and would have overflowed."""
    plans = {"pages": [read(f"page{page}.txt") for page in range(1, 9)], "code": WIDE["code"]}

    class Noting(Players):
        steps: dict[str, int] = {}

        def __call__(self, task: str, turn: int, body: Json) -> Answer:
            self.bodies.append(body)
            if "Write a note to yourself" in str(body["messages"][-1]):
                return text("Pages so far are read; they agree.")
            done = self.steps[task] = self.steps.get(task, -1) + 1
            if done < len(plans[task]):
                return tools(*plans[task][done], words="The next.", prefix=f"toolu_{task}_{done}")
            return text(f"{FINDINGS * 4}\nSTATUS: done")

    players = Noting(plans)
    players.steps = {}
    conductor = [laid_out({"pages": (), "code": ()}), text("Under way."), text(ANSWER)]
    result = versus(conductor, players, window=10_000, tiers={"conductor": "claude-haiku-5-5"})
    assert [event.by for event in _of(result, ContextCompacted)]
    assert result.efficiency["solo_overflows"]
    assert "more than the window of 10,000" in result.efficiency["note"]


def test_what_the_person_was_asked_is_asked_by_one_agent_too(versus: Callable[..., ConductResult]) -> None:
    """A question beside other calls, and what the conductor read of outputs, which one agent has."""
    options = [
        {"label": f"{name} (Recommended)" if name == "Berlin" else name, "description": FINDINGS}
        for name in ("Berlin", "Rome")
    ]
    ask = {"question": "Which store is meant?", "header": "Store", "options": options, "multiSelect": False}
    conductor = [
        tools(("Read", {"file_path": "guides/research.md"}), prefix="guide"),
        tools(("AskUserQuestion", {"questions": [ask]}), words="One thing first.", prefix="ask"),
        laid_out({"survey": (), "table": ()}),
        text("Under way."),
        tools(("Read", {"file_path": "outputs/1.md"}), ("Read", {"file_path": "outputs/2.md"}), prefix="outputs"),
        text(ANSWER),
    ]
    result = versus(conductor, Players(WIDE, report=10), answers={})
    parts = result.efficiency["conductor"]["parts"]
    assert sum(parts.values()) == result.efficiency["conductor"]["peak_tokens"]
    assert all(parts[name] > 0 for name in ("prompt", "tools", "management", "notices", "decisions", "reading"))


def test_what_the_conductor_asks_and_reads_between_tasks(versus: Callable[..., ConductResult], tmp_path: Path) -> None:
    """A question beside the launch of more work, after some was done, and a file of the workspace that it looks at."""
    options = [{"label": name, "description": FINDINGS} for name in ("Berlin (Recommended)", "Rome")]
    ask = {"question": "Which store is meant?", "header": "Store", "options": options, "multiSelect": False}
    more = [create("table", description=order("table")), launch("table", prompt=order("table"), reason=REASON)]
    conductor = [
        tools(("Read", {"file_path": str(tmp_path / "workspace" / "prose.md")}), words="A look first.", prefix="look"),
        laid_out({"survey": ()}),
        text("Under way."),
        tools(*more, ("AskUserQuestion", {"questions": [ask]}), words="One thing is open.", prefix="more"),
        text("Under way."),
        text(ANSWER),
    ]
    result = versus(conductor, Players(WIDE, report=10), answers={})
    assert [len(question.answers) for question in result.questions] == [1]
    assert result.efficiency["conductor"]["parts"]["reading"] > 1_000


def test_the_value_is_given_by_one_agent_too(versus: Callable[..., ConductResult]) -> None:
    """With its repair, where the first does not fit."""
    conductor = [laid_out({"survey": (), "sums": ()}), text("Under way."), text(ANSWER), text("five"), text('{"n": 5}')]
    result = versus(conductor, Players(WIDE), returns=dict[str, int])
    assert result.value == {"n": 5}


def _of(result: ConductResult, kind: type) -> list[Any]:
    return [record.event for record in result.events if isinstance(record.event, kind)]
