"""The guides: found, read, whole, and sound as task graphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_magic import guides
from conductor_magic.errors import ConductUsageError
from conductor_magic.guides import guide_names, read_guide
from conductor_magic.models.rehearsal.recipes import RECIPES


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
    """Each task of each pattern has what a launch needs, and waits only for tasks above it."""
    patterns = read_guide(name).front["patterns"]
    assert patterns
    for pattern in patterns:
        above: set[str] = set()
        for task in pattern["tasks"]:
            assert task["key"] not in above
            assert set(task.get("blocked_by", ())) <= above
            assert task["tier"] in ("haiku", "sonnet", "opus")
            assert all(task[field].strip() for field in ("subject", "description", "reason", "phase", "prompt"))
            assert task.get("each") in (None, "table", "value")
            above.add(task["key"])


def test_exploration_has_six_roots_and_recipes() -> None:
    """The main pattern starts six looks at a table at once, and the rehearsal can play each of its tasks."""
    tasks = read_guide("data-analysis").front["patterns"][0]["tasks"]
    assert sum(task.get("each") == "table" and not task.get("blocked_by") for task in tasks) == 6
    assert all(task["recipe"] in RECIPES for task in tasks)


def test_unknown_name_names_the_guides() -> None:
    """A name that does not exist is answered with the nearest one and the list."""
    with pytest.raises(ConductUsageError, match=r"Did you mean data-analysis\? Guides: .*data-analysis"):
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
