"""What the conductor may read: guides and workers' reports as often as it likes, two small workspace files in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.conftest import Play
from tests.support.floor import WHICH_STORE, Floor, create, launch, lay_out
from tests.support.messages_server import text, tools


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Files to read."""
    folder = tmp_path / "workspace"
    folder.mkdir(exist_ok=True)
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"This is {name}.\n", encoding="utf-8")
    (folder / "large.txt").write_text("x" * 100_001, encoding="utf-8")
    (folder / "picture.bin").write_bytes(b"\xff\xfe\x00")
    return folder


def test_two_workspace_files_and_any_number_of_guides_and_reports(play: Play, workspace: Path) -> None:
    """The third file is refused with what to do instead; the first two, guides and reports are read again and again."""
    paths = [
        "guides/research.md",
        "outputs/1.md",
        " guides/research.md",
        "\n outputs/1.md ",
        "large.txt",
        "picture.bin",
        " a.txt ",
        "b.txt",
        "c.txt",
        "a.txt",
    ]
    paths += ["guides/patterns.md", "outputs/1.md", "./c.txt", str(workspace / "c.txt"), "guides/../c.txt"]
    floor = Floor(
        [
            lay_out({"task": ()}),
            text("Under way."),
            tools(*[("Read", {"file_path": path}) for path in paths]),
            text("The end."),
        ]
    )
    result = play(floor, workspace=str(workspace))
    assert result.status == "completed", result.reason
    told = [block["content"] for block in floor.conductor_requests[3]["messages"][-1]["content"]]
    said = dict(zip([f"{at} {path}" for at, path in enumerate(paths)], told, strict=True))
    assert said["0 guides/research.md"].startswith("# Research")
    assert said["2  guides/research.md"].startswith("# Research")
    assert "Did task." in said["1 outputs/1.md"] and "Did task." in said["3 \n outputs/1.md "]
    assert said["4 large.txt"] == "large.txt is larger than 100 kB: delegate reading it to a worker."
    assert said["5 picture.bin"] == "picture.bin is no text file: delegate it to a worker."
    assert [said[name] for name in ("6  a.txt ", "7 b.txt", "9 a.txt")] == ["This is a.", "This is b.", "This is a."]
    third = [name for name in said if name.endswith("c.txt") and name != "14 guides/../c.txt"]
    assert len(third) == 3
    for name in third:
        assert said[name].startswith("You have read 2 workspace files in this run, which is all that you may. Delegate")
    assert "There is no guide" in said["14 guides/../c.txt"]
    assert said["10 guides/patterns.md"].startswith("# Patterns")
    assert "Did task." in said["11 outputs/1.md"]


def test_an_answer_outlives_a_compaction_and_can_be_read_whole(play: Play) -> None:
    """A person's condition stands in the record; of a very long answer the rest is where the record says."""
    said = f"Use Postgres. {'The team knows it well. ' * 30}BUT NEVER TOUCH payroll."
    long = f"{said} {'And so on. ' * 1_000}THE END."
    other = {**WHICH_STORE, "question": "And then?", "header": "Then"}
    fill = create("a", description="filler " * 3_000)
    look = [tools(("TaskGet", {"taskId": "a"}), prefix=f"get{turn}") for turn in range(3)]
    reads = [("Read", {"file_path": f"outputs/answers/{name}.md"}) for name in ("q2", "q3")]
    ask = [
        tools(("AskUserQuestion", {"questions": [question]}), prefix=question["header"])
        for question in (WHICH_STORE, other)
    ]
    floor = Floor(
        [*ask, tools(fill, prefix="fill"), *look, tools(*reads, prefix="r"), tools(launch("a")), text("Wait.")]
    )
    result = play(floor, answers={"Store": said, "Then": long}, window=14_000)
    assert result.status == "completed", result.reason
    record = str(floor.conductor_requests[6]["messages"][0]["content"])
    assert "THE CONVERSATION SO FAR WAS COMPACTED" in record
    assert said in record
    assert "THE END." not in record
    assert "[cut: Read outputs/answers/q2.md for all of it]" in record
    whole, none = (block["content"] for block in floor.conductor_requests[7]["messages"][-1]["content"])
    assert whole == f"[q2, answered by: answers]\n\nAsked: And then?\nAnswered: {long}"
    assert none == "There is no answer to a question q3 of yours."
