"""The guides: found, read, whole, and sound as task graphs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from conductor_magic import guides
from conductor_magic.errors import ConductUsageError
from conductor_magic.guides import guide_names, read_guide
from conductor_magic.models.rehearsal.planning import Assignment, choose_guide
from conductor_magic.models.rehearsal.recipes import CHECKOUT_REPORTS, RECIPES
from conductor_magic.models.rehearsal.snippets import on_checkout

CRAFT = {
    "code-review": (
        "many-sided review", "contextual deep dive", "OWASP in parallel", "attack surface", "dependency audit",
        "layers", "hot path", "complexity", "standards", "regression check",
    ),
    "data-analysis": (
        "many-sided exploration", "question-driven", "comparison", "quality audit", "anomalies",
        "profiling against a baseline", "multi-section report", "ETL", "hypothesis test", "model selection",
        "trends",
    ),
    "devops": ("pipeline", "deployment", "infrastructure", "monitoring", "incident"),
    "documentation": (
        "API reference", "README", "tutorial", "architecture", "migration", "examples that run",
        "audit of what is stale",
    ),
    "project-management": ("breakdown", "estimate", "critical path", "risks", "status", "retrospective"),
    "research": (
        "breadth first", "feature tracing", "impact", "root cause", "technology comparison", "archaeology", "dead code",
        "API discovery", "cross-reference",
    ),
    "software-development": (
        "plan, parallel, integrate", "vertical slice", "diagnose, hypothesise, fix", "reproduce first",
        "map, analyse, transform", "strangler", "schema, data, code", "upgrade", "scaffold", "MVP first",
    ),
    "testing": (
        "inventory and gaps", "generate per module", "edge cases", "properties", "flaky hunt", "integration",
        "regression", "performance",
    ),
}  # fmt: skip
"""Guide -> the patterns that its kind of work is known for; more there may be."""

_NODE = re.compile(r"([^─▶│┌┐└┘├┤┬┴┼⟨⟩\n]*\S) ([hso])(?=\s|$)", re.MULTILINE)
"""A task in a drawing: its label, and the letter of its tier."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A references folder of the test's own."""
    (tmp_path / "domains").mkdir()
    monkeypatch.setattr(guides, "references", lambda: tmp_path)
    return tmp_path


def test_data_analysis_is_found_and_read() -> None:
    """The first guide is there, with a title, a one-line summary and a body without the front matter."""
    assert "data-analysis" in guide_names()
    guide = read_guide("data-analysis")
    assert guide.title == "Data analysis"
    assert "\n" not in guide.summary
    assert guide.body.startswith("# Data analysis\n")
    assert guide.path.is_file()


def test_patterns_is_read_but_is_no_domain() -> None:
    """The guide to patterns can be asked for; it is not offered as a domain."""
    assert "patterns" not in guide_names()
    assert "Speculative" in read_guide("patterns").body


@pytest.mark.parametrize("name", guide_names())
def test_every_pattern_is_a_sound_graph(name: str) -> None:
    """Each task of each pattern has a tier and its reason, and waits only for tasks above it: no cycles."""
    patterns = read_guide(name).front["patterns"]
    assert len({pattern["name"] for pattern in patterns}) == len(patterns)
    for pattern in patterns:
        assert pattern["when"].strip()
        assert pattern["tasks"]
        above: set[str] = set()
        for task in pattern["tasks"]:
            assert task["key"] not in above
            assert set(task.get("blocked_by", ())) <= above
            assert task["tier"] in ("haiku", "sonnet", "opus")
            assert all(task[field].strip() for field in ("subject", "reason", "phase"))
            assert task.get("each") in (None, "table", "value")
            above.add(task["key"])


@pytest.mark.parametrize("name", guide_names())
def test_the_main_pattern_can_be_played(name: str) -> None:
    """The first pattern, and every other that says what it needs, has all that a launch and the rehearsal need."""
    patterns = read_guide(name).front["patterns"]
    assert "needs" in patterns[0]
    for pattern in patterns:
        if "needs" in pattern:
            assert pattern["needs"] in ("variables", "workspace")
            for task in pattern["tasks"]:
                assert all(task[field].strip() for field in ("description", "prompt"))
                assert task["recipe"] in RECIPES


@pytest.mark.parametrize("name", guide_names())
def test_the_patterns_of_the_craft_are_all_there(name: str) -> None:
    """Every pattern that the kind of work is known for is in the front matter, and drawn in the body by its name."""
    guide = read_guide(name)
    names = [pattern["name"] for pattern in guide.front["patterns"]]
    assert sorted(_plain(CRAFT[name]) - _plain(names)) == []
    drawn = re.findall(r"^\*\*(.+?)\*\*", guide.body, re.MULTILINE)
    assert sorted(_plain(names) - _plain(drawn)) == []


@pytest.mark.parametrize("name", guide_names())
def test_a_guide_is_short_and_has_all_its_parts(name: str) -> None:
    """What is read into a context is small, and each guide answers the same questions in the same order."""
    guide = read_guide(name)
    assert len(guide.body.encode()) < 9_000
    assert len(guide.summary) < 110
    assert all(re.fullmatch(r"[a-z0-9]+", word) for word in guide.front["keywords"])
    assert guide.body.startswith(f"# {guide.title}\n\n")
    assert re.findall(r"^## (.+)$", guide.body, re.MULTILINE) == [
        "Patterns",
        "A task that a worker can do",
        "Questions worth asking",
        "The shape of the report",
        "Pitfalls",
    ]


@pytest.mark.parametrize("name", guide_names())
def test_every_pattern_is_drawn_with_its_tiers(name: str) -> None:
    """A drawing shows the pattern's tasks with the tiers of the front matter, on one line in the same order.

    A look at what is no table is in no drawing; what is created only when a plan is there may be in one.
    """
    guide = read_guide(name)
    parts = re.split(r"^\*\*(.+?)\*\*", _sections(guide.body)["Patterns"], flags=re.MULTILINE)
    told = {_plain([drawn]).pop(): text for drawn, text in zip(parts[1::2], parts[2::2], strict=True)}
    for pattern in guide.front["patterns"]:
        found = re.search(r"^```\n(.+?)\n```$", told[_plain([pattern["name"]]).pop()], re.MULTILINE | re.DOTALL)
        assert found, pattern["name"]
        drawn = dict.fromkeys((label.strip(), letter) for label, letter in _NODE.findall(found[1]))
        letters = [letter for _, letter in drawn]
        tiers = {task["key"]: task["tier"][0] for task in pattern["tasks"] if task.get("each") != "value"}
        if "\n" in found[1]:
            assert Counter(tiers.values()) <= Counter(letters), pattern["name"]
            assert [one for one in drawn if tiers.get(one[0], one[1]) != one[1]] == [], pattern["name"]
        else:
            assert letters == list(tiers.values()), pattern["name"]


@pytest.mark.parametrize("name", guide_names())
def test_its_questions_have_options(name: str) -> None:
    """Two to four options a question, the recommended one first, and only one of them."""
    questions = re.split(r"^- ", _sections(read_guide(name).body)["Questions worth asking"], flags=re.MULTILINE)[1:]
    assert len(questions) >= 4
    for question in questions:
        options = re.sub(r"\s+", " ", question.partition("\n\n")[0]).partition("? (")[2].rstrip(") ").split(" · ")
        assert 2 <= len(options) <= 4, question
        assert ["(Recommended)" in option for option in options] == [True] + [False] * (len(options) - 1), question


@pytest.mark.parametrize("name", guide_names())
def test_no_section_is_empty(name: str) -> None:
    """Each says enough to go by: a prompt with its four parts, a report in at least four, the faults that are known."""
    told = _sections(read_guide(name).body)
    (prompt,) = re.findall(r"^```\n(.+?)\n```$", told["A task that a worker can do"], re.MULTILINE | re.DOTALL)
    assert {"Context", "Scope", "Constraints", "Return"} <= set(re.findall(r"^([A-Z]\w+):", prompt, re.MULTILINE))
    assert len(told["A task that a worker can do"].partition(prompt)[2].split()) >= 30
    assert len(re.findall(r"^(?:\d\.|-) ", told["The shape of the report"], re.MULTILINE)) >= 4
    assert len(re.findall(r"^- ", told["Pitfalls"], re.MULTILINE)) >= 5
    assert all(len(text.split()) >= 50 for text in told.values()), {head: len(told[head].split()) for head in told}


@pytest.mark.parametrize("name", guide_names())
def test_recipes_belong_to_one_guide(name: str) -> None:
    """No two guides play one recipe, but for the conclusion that all may draw, and a look at what is no table."""
    own = _recipes(name)
    for other in guide_names():
        if other != name:
            assert own & _recipes(other) <= {"conclusion", "variable"}


@pytest.mark.parametrize(
    ("goal", "variables", "guide"),
    [
        ("Review the security of this project.", (), "code-review"),
        ("Which tests are missing?", (), "testing"),
        ("Write tests for money.py", (), "testing"),
        ("Fix the bug in parser.py", (), "software-development"),
        ("Add a command that prints the version.", (), "software-development"),
        ("What is in this folder?", (), "data-analysis"),
        ("Which tests are missing?", (("tests", "pandas.DataFrame"),), "data-analysis"),
        ("Build a model that predicts churn.", (("customers", "pandas.DataFrame"),), "data-analysis"),
    ],
)
def test_the_goal_chooses_the_guide(goal: str, variables: tuple[tuple[str, str], ...], guide: str) -> None:
    """The rehearsal starts from the guide that the goal names most; where it is even, handed data decides."""
    offered = ("code-review", "data-analysis", "software-development", "testing")
    assert choose_guide(Assignment(goal, variables, offered, None)) == guide


def _sections(body: str) -> dict[str, str]:
    """Heading -> what stands below it."""
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _plain(names: Iterable[str]) -> set[str]:
    """Names without what writers vary: capitals, hyphens, commas."""
    return {" ".join(re.findall(r"\w+", name.lower())) for name in names}


def _recipes(name: str) -> set[str]:
    return {task["recipe"] for one in read_guide(name).front["patterns"] for task in one["tasks"] if "recipe" in task}


def test_exploration_has_six_roots_and_recipes() -> None:
    """The main pattern starts six looks at a table at once, and the rehearsal can play each of its tasks."""
    tasks = read_guide("data-analysis").front["patterns"][0]["tasks"]
    assert sum(task.get("each") == "table" and not task.get("blocked_by") for task in tasks) == 6
    assert all(task["recipe"] in RECIPES for task in tasks)


def test_unknown_name_names_the_guides() -> None:
    """A name that does not exist is answered with the nearest one and the list."""
    with pytest.raises(
        ConductUsageError, match=r"Did you mean data-analysis\? Guides: .*data-analysis.*: patterns, asking, recovery\."
    ):
        read_guide("data-analisys")


@pytest.mark.parametrize("name", ["../patterns", "domains/data-analysis", "", "data-analysis.md", "/etc/passwd"])
def test_a_name_is_no_path(name: str) -> None:
    """Nothing but a guide's name is opened."""
    with pytest.raises(ConductUsageError, match="There is no guide"):
        read_guide(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# No front matter\n", "begins with a front matter"),
        ("", "begins with a front matter"),
        ("---\ntitle: T\n", "begins with a front matter"),
        ("---\ntitle: T\nsummary: [\n---\nbody\n", r"bad\.md:\d+: the front matter is no valid YAML"),
        ("---\n- a\n---\nbody\n", "must be a mapping"),
        ("---\ntitle: T\n---\nbody\n", "needs a title and a summary"),
        ("---\ntitle: !!python/name:os.system x\nsummary: s\n---\n", "no valid YAML"),
    ],
)
def test_damage_is_told_with_its_place(folder: Path, text: str, said: str) -> None:
    """A guide that cannot be read is named with its file and what is wrong."""
    (folder / "domains" / "bad.md").write_text(text, encoding="utf-8")
    with pytest.raises(ConductUsageError, match=said):
        read_guide("bad")


def test_every_look_at_a_checkout_is_sent_whole(tmp_path: Path) -> None:
    """Snippets are linted apart, where the names of the others are unknown; together none is missing."""
    for reports in CHECKOUT_REPORTS:
        for recipe in reports:
            (tmp_path / f"{recipe}.py").write_text(on_checkout(recipe, "/ws"), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select=F821", str(tmp_path)]
    assert len(list(tmp_path.iterdir())) >= 20
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "All checks passed!\n"
