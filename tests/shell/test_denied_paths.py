"""Files and folders that a standing rule of the person forbids: closed to every tool, inside walls of both kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_magic.errors import ToolError
from conductor_magic.permissions import Rule
from conductor_magic.sandbox import choose_walls
from conductor_magic.tools.files import reach_of
from tests.support.tool_bench import CANARY, ToolBench

DENIED = ("private.csv", "sub/priv", "odd [x]{y}/! a*b ")
Make = Callable[..., ToolBench]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a bench with a denied file, a denied folder and one with an odd name, and walls of a kind."""

    def made(kind: str = "bubblewrap", mode: str = "workspace", denied: tuple[str, ...] = DENIED) -> ToolBench:
        ws = tmp_path.resolve() / "ws"
        rules = [Rule("deny", "path", os.path.normpath(ws / name)) for name in denied]
        bench = ToolBench(tmp_path, mode, rules=rules)
        for name in ("private.csv", "sub/priv/deep/x.csv", "odd [x]{y}/! a*b ", "sub/open.csv", "odd [x]{y}/a"):
            (ws / name).parent.mkdir(parents=True, exist_ok=True)
            (ws / name).write_text(f"{CANARY if name not in ('sub/open.csv', 'odd [x]{y}/a') else 'open'} needle\n")
        return bench.inside(kind)

    return made


def contents(folder: Path) -> dict[str, str]:
    """All files below a folder and what is in them."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tool", ["Bash", "Python"])
def test_commands_can_neither_read_nor_change_it(make: Make, kind: str, tool: str) -> None:
    """Reading, writing, replacing, removing, moving, and moving the folder around it, all fail."""
    bench = make(kind)
    before = contents(bench.workspace)
    script = (
        "cat private.csv sub/priv/deep/x.csv 'odd [x]{y}/! a*b '; cp -r sub/priv src/; grep -r . sub; "
        "echo evil > private.csv; echo evil > sub/priv/new; echo evil > sub/priv/deep/x.csv; "
        "rm -rf private.csv sub/priv;"
        "mv sub/priv src/moved; mv private.csv src/; mv sub src/sub; mv sub other; ln private.csv src/name;"
        "echo fine > src/fine; cat src/fine sub/open.csv"
    )
    code = (
        f"import subprocess\nprint(subprocess.run(['bash', '-c', {script!r}], capture_output=True, text=True).stdout)"
    )
    args = {"command": script} if tool == "Bash" else {"code": code}
    said, again = (
        str(result.content) for result in bench.calls((tool, args), ("Bash", {"command": "cat -- */* */*/*"}))
    )
    assert CANARY not in said + again
    assert "fine\nopen needle" in said
    after = contents(bench.workspace)
    assert {name: after.get(name) for name in before} == before
    assert CANARY not in str({name: text for name, text in after.items() if name not in before})


@pytest.mark.parametrize("mode", ["workspace", "full"])
def test_file_tools_leave_it_out(make: Make, mode: str) -> None:
    """Read, Write and Edit refuse it; Grep and Glob do not know it, whatever they are asked."""
    bench = make(mode=mode)
    ws, before = bench.context.workspace, contents(bench.workspace)
    named = ("private.csv", "sub/priv/deep/x.csv", "sub/priv/new", "odd [x]{y}/! a*b ")
    calls = [("Read", {"file_path": name}) for name in named]
    calls += [("Write", {"file_path": name, "content": "evil"}) for name in named]
    calls += [("Edit", {"file_path": named[0], "old_string": "needle", "new_string": "evil"})]
    calls += [(tool, {"pattern": "*", "path": "sub/priv"}) for tool in ("Grep", "Glob")]
    assert [result.is_error for result in bench.calls(*calls)] == [True] * len(calls)
    searches = [{"pattern": "needle", "output_mode": how} for how in ("content", "count", "files_with_matches")]
    searches += [{"pattern": "needle", "glob": name} for name in ("*.csv", "sub/**", "private.csv")]
    searches += [{"pattern": "needle", "path": "sub"}]
    for search in searches:
        found = str(bench.call("Grep", **search).content)
        assert not any(f"{ws}/{name}" in found for name in DENIED), search
    assert str(bench.call("Grep", pattern="needle").content).count("open.csv") == 1
    for pattern in ("**/*", "*.csv", "sub/**", "sub/priv/deep/*", "private.csv", "**/priv/**"):
        found = str(bench.call("Glob", pattern=pattern).content)
        assert not any(f"{ws}/{name}" in found for name in DENIED), pattern
    assert contents(bench.workspace) == before


def test_a_search_is_not_filled_up_by_it(make: Make) -> None:
    """What is denied takes no room of a search that is cut at a cap."""
    bench = make()
    (bench.workspace / "private.csv").write_text("needle and more\n" * 500_000)
    assert "cut" not in str(bench.call("Grep", pattern="needle", output_mode="content").content)


def test_a_name_that_is_no_utf8(make: Make) -> None:
    """It cannot be named to ripgrep, and is left out all the same."""
    bench = make(denied=("bad\udcff",))
    (bench.workspace / "bad\udcff").write_text(f"needle {CANARY}")
    assert "bad" not in str(bench.call("Glob", pattern="*").content)
    found = str(bench.call("Grep", pattern="needle", path=".", output_mode="content", glob="bad*").content)
    assert found == "No matches."
    assert bench.call("Bash", command="cat bad*").content == "(no output)"


@pytest.mark.parametrize("confined", [True, False])
def test_a_swap_behind_the_gate_gains_nothing(make: Make, confined: bool) -> None:
    """What was opened is checked again: the gate may have been shown another file."""
    bench = make(mode="workspace" if confined else "full")
    (bench.workspace / "innocent").symlink_to("private.csv")
    reach = reach_of(bench.context)
    with pytest.raises(ToolError, match="standing rule"), reach.file("innocent"):
        pass
    with pytest.raises(ToolError, match="standing rule"), reach.target("sub/priv/new"):
        pass


def test_the_whole_workspace_may_be_denied(make: Make, kind: str) -> None:
    """A rule for the folder around it closes all of it."""
    bench = make(kind, denied=("..",))
    before = contents(bench.workspace)
    said = str(
        bench.call("Bash", command="cat private.csv src/a.py; echo x > new; echo evil > src/a.py; echo end").content
    )
    assert CANARY not in said and "return 1" not in said and "end" in said
    assert contents(bench.workspace) == before


def test_what_is_made_in_its_place_is_undone(make: Make, kind: str) -> None:
    """A path that is not there cannot be covered: what a command makes there is moved aside, and told."""
    bench = make(kind, denied=("later", "sub/later.txt"))
    result = bench.call("Bash", command="mkdir later; echo x > later/y; ln -s open.csv sub/later.txt; echo made")
    assert "made\n[undone: made later, made sub/later.txt." in str(result.content)
    assert not (bench.workspace / "later").exists() and not (bench.workspace / "sub" / "later.txt").is_symlink()


def test_elsewhere_inside_the_walls(make: Make) -> None:
    """A folder of the system that the walls show is closed as well."""
    bench = make(denied=("/usr/share/doc",))
    assert bench.call("Bash", command="ls /usr/share/doc | wc -l; ls /usr/share | head -1 | wc -l").content == "0\n1"


def test_what_is_hidden_cannot_be_moved_into_sight(make: Make, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter's runtime folder in the workspace: the folder around it keeps its name, or its files are known again."""
    runtime = make().workspace / "deep" / "runtime"
    runtime.mkdir(parents=True)
    (runtime / "file.json").write_text(CANARY)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    bench = ToolBench(runtime.parents[2] / "second")
    bench.context.walls = choose_walls("workspace", runtime.parents[1], bench.data)
    bench.inside(kind)
    moved, read = bench.calls(
        ("Bash", {"command": "mv deep other; echo done"}), ("Bash", {"command": "cat */runtime/file.json; echo done"})
    )
    assert "done" in str(moved.content) and "done" in str(read.content)
    assert CANARY not in str(read.content)
