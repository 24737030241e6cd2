"""Folders around protected names: one that is renamed makes no room for another with the same names in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tool_bench import ToolBench

MINE = "# mine\n"


@pytest.fixture
def bench(tmp_path: Path, kind: str) -> ToolBench:
    """Mode workspace, with protected names in two folders: files, and a folder."""
    bench = ToolBench(tmp_path)
    names = ("sub/.bashrc", "sub/.idea/tasks.xml", "other/.bashrc")
    bench.keep({name: f"{MINE}{name}\n" for name in names})
    return bench.inside(kind)


def protected(bench: ToolBench) -> dict[str, str]:
    """What files with a protected name hold now, by where they are."""
    found = [path for name in (".bashrc", "tasks.xml") for path in bench.workspace.rglob(name)]
    return {str(path.relative_to(bench.workspace)): path.read_text() for path in sorted(found)}


def test_a_renamed_folder_makes_no_room_for_other_content(bench: ToolBench) -> None:
    """What came in its place is undone and told; what the person had is nowhere lost."""
    before = protected(bench)
    result = bench.call("Bash", command="mv sub s2; mkdir -p sub/.idea; echo x > sub/.bashrc; echo x > sub/.idea/evil")
    assert "made sub/.bashrc" in result.content or "changed sub/.bashrc" in result.content
    assert "sub/.idea" in result.content
    after = protected(bench)
    assert sorted(after.values()) == sorted(before.values())
    assert not list(bench.workspace.rglob("evil"))
    kept = sorted(path.name.partition("-")[2] for path in (bench.data / "set-aside").iterdir())
    assert "sub_.bashrc" in kept


def test_folders_that_change_places_are_fine_with_what_is_in_them(tmp_path: Path, kind: str) -> None:
    """Bubblewrap's covers go along; nothing new has come."""
    bench = ToolBench(tmp_path)
    bench.keep({f"{name}/.bashrc": name for name in ("one", "two")})
    bench.inside(kind)
    result = bench.call("Bash", command="mv one x; mv two one; mv x two; echo done")
    assert result.content.startswith("done")
    assert sorted(protected(bench).values()) == ["one", "two"]
    if kind == "bubblewrap":
        assert (result.content, protected(bench)) == ("done", {"one/.bashrc": "two", "two/.bashrc": "one"})
