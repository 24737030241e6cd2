"""The guides that all kinds of work share: what their front matter claims, their body and the code keep."""

from __future__ import annotations

import re

import pytest

from conductor_magic.guides import SHARED, read_guide
from conductor_magic.plan import critical_path
from conductor_magic.tools.conductor.ask import SCHEMA

PATTERNS = ("task graph", "fan-out", "pipeline", "map-reduce", "speculative", "background")
FAILURES = ("timed out", "incomplete", "wrong approach", "blocked", "conflict")


def part(body: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    mark = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(mark)}}} |\Z)", body, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("name", SHARED)
def test_each_is_short_and_says_when_to_load_it(name: str) -> None:
    """A title, one line of summary, a body that fits a reading."""
    guide = read_guide(name)
    assert guide.body.startswith(f"# {guide.title}\n")
    assert len(guide.summary) < 110
    assert len(guide.body.encode()) < 9_000


@pytest.mark.parametrize("at", range(len(PATTERNS)))
def test_each_pattern_is_named_drawn_and_exemplified(at: int) -> None:
    """A section with a drawing and an example, and a graph in the front matter without circles."""
    guide = read_guide("patterns")
    pattern = guide.front["patterns"][at]
    assert pattern["name"] == PATTERNS[at]
    section = part(guide.body, f"## {pattern['name'].capitalize()}")
    assert section.count("```") == 2 and "Example" in section
    assert pattern["parallel"]
    graph: dict[str, tuple[str, ...]] = {}
    for line in pattern["example"]:
        before, arrow, task = line.rpartition(" -> ")
        blockers = tuple(before.split(", ")) if arrow else ()
        for name in (*blockers, task):
            graph.setdefault(name, ())
        graph[task] += blockers
    for name, blockers in graph.items():
        assert name not in blockers
    assert critical_path(graph)


def test_what_may_and_may_not_run_side_by_side_and_how_much() -> None:
    """Each rule of the front matter stands in the body, with the scale and every combination."""
    guide = read_guide("patterns")
    front = guide.front
    assert {"independent reads", "independent searches"} <= set(front["parallel"])
    must_not = part(guide.body, "## What must not run side by side")
    assert len(re.findall(r"^- ", must_not, re.MULTILINE)) == len(front["never_parallel"]) == 3
    scale = part(guide.body, "## How many")
    assert [tuple(span) for span in front["scale"].values()] == [(1, 2), (2, 3), (4, 12)]
    assert all(words in scale for words in ("1–2", "2–3", "4 and more", "never a quota"))
    combined = part(guide.body, "## How they combine")
    assert len(re.findall(r"^- \*\*", combined, re.MULTILINE)) == len(front["combinations"])
    for tier in ("haiku", "sonnet", "opus"):
        assert f"| {tier} |" in part(guide.body, "## Tiers")


def test_asking_keeps_to_what_the_tool_takes() -> None:
    """Its limits are the tool's, and its own example keeps them."""
    guide = read_guide("asking")
    questions = SCHEMA["properties"]["questions"]
    one = questions["items"]["properties"]
    limits = guide.front["limits"]
    assert limits["questions"] == [questions["minItems"], questions["maxItems"]]
    assert limits["options"] == [one["options"]["minItems"], one["options"]["maxItems"]]
    assert f"at most {limits['header']} characters" in guide.body and str(limits["header"]) in str(one["header"])
    assert len(re.search(r"header: (\w+)", guide.body)[1]) <= limits["header"]  # type: ignore[index]


@pytest.mark.parametrize("kind", ["build", "fix", "review", "analyse"])
def test_each_bank_has_questions_with_options(kind: str) -> None:
    """Two to four options a question, the recommended one first, and only one of them."""
    guide = read_guide("asking")
    assert kind in guide.front["banks"]
    questions = re.split(r"^- ", part(guide.body, f"### {kind.capitalize()}"), flags=re.MULTILINE)[1:]
    assert 4 <= len(questions) <= 6
    for question in questions:
        options = re.sub(r"\s+", " ", question).partition("? (")[2].rstrip(") ").split(" · ")
        assert 2 <= len(options) <= 4, question
        assert ["(Recommended)" in option for option in options] == [True] + [False] * (len(options) - 1), question


@pytest.mark.parametrize("at", range(len(FAILURES)))
def test_each_failure_has_its_first_move(at: int) -> None:
    """The table says of each what the front matter says."""
    guide = read_guide("recovery")
    failure = guide.front["failures"][at]
    assert failure["failure"] == FAILURES[at]
    rows = dict(re.findall(r"^\| ([a-z ]+) \| .+ \| (.+) \|$", guide.body, re.MULTILINE))
    words = set(re.findall(r"\w{4,}", failure["first"]))
    assert words <= set(re.findall(r"\w{4,}", rows[FAILURES[at]])), (failure, rows[FAILURES[at]])


def test_recovery_says_what_follows() -> None:
    """Tiers go up by evidence, a person is asked after two failed retries, and parts are results."""
    body = read_guide("recovery").body
    assert "only on evidence" in part(body, "## Raising a tier")
    assert "(Recommended)" in part(body, "## After two failed retries: ask")
    for heading in ("What to keep", "Dependents", "Conflicts", "Partial results"):
        assert part(body, f"## {heading}").strip()
