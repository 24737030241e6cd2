"""Protected names around each call: what a command did to them is undone, kept aside, and told."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_magic.tools.base import ToolResult
from tests.support.tool_bench import ToolBench


@pytest.fixture
def bench(tmp_path: Path, kind: str) -> ToolBench:
    """Mode workspace, with a repository, an editor's folder and a few more protected names."""
    bench = ToolBench(tmp_path)
    subprocess.run(["git", "init", "-q", str(bench.workspace)], check=True)
    bench.keep({".vscode/settings.json": "{}", "src/.bashrc": "# mine\n"})
    return bench.inside(kind)


@pytest.fixture
def closed(tmp_path: Path) -> ToolBench:
    """The same inside Landlock, where what is there already can be changed."""
    bench = ToolBench(tmp_path)
    ws = bench.workspace
    subprocess.run(["git", "init", "-q", str(ws)], check=True)
    (ws / ".vscode").mkdir(mode=0o750)
    (ws / ".vscode" / "settings.json").write_text("{}")
    (ws / ".vscode" / "link").symlink_to("settings.json")
    (ws / "src" / ".bashrc").write_text("# mine\n")
    return bench.inside("landlock")


def aside(bench: ToolBench) -> list[str]:
    """What was moved out of the workspace, by name."""
    folder = bench.data / "set-aside"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder: names, modes, contents."""
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        link = str(path.readlink()).encode() if path.is_symlink() else b""
        found[str(path.relative_to(folder))] = mode, link or (path.read_bytes() if path.is_file() else b"")
    return found


async def eventually(happened: Callable[[], bool]) -> None:
    """Wait until something has happened that nobody tells of."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_new_protected_names_are_undone_and_told(bench: ToolBench) -> None:
    """Whatever kind of thing has the name, wherever it lies; links are moved, not followed."""
    before = state(bench.workspace)
    result = bench.call(
        "Bash",
        command="mkdir .idea && echo 'run me' > .idea/tasks.xml; echo x > src/.envrc; echo ../../evil > .git/commondir;"
        f"ln -s {bench.outside} src/.husky; mkdir -p a/b/.GIT/hooks; echo x > a/.Profile; mkfifo .inputrc; echo done",
    )
    output, note = result.content.split("\n")
    assert (output, result.is_error) == ("done", False)
    assert note.startswith("[undone: made .git/commondir, made .idea, made .inputrc, made a/.Profile, made a/b/.GIT")
    assert note.endswith(
        f" and 2 more. These names are protected: only a person may change them. "
        f"What stood there was moved to {bench.data.resolve()}/set-aside.]"
    )
    assert state(bench.workspace) == {**before, "a": (0o755, b""), "a/b": (0o755, b"")}
    assert [name.partition("-")[2] for name in aside(bench)] == [
        ".git_commondir", ".idea", ".inputrc", "a_.Profile", "a_b_.GIT", "src_.envrc", "src_.husky",
    ]  # fmt: skip
    assert (bench.data / "set-aside" / "1-.idea" / "tasks.xml").read_text() == "run me\n"
    assert (bench.outside / "secret.txt").exists()


def test_a_call_that_leaves_them_alone_is_told_nothing(bench: ToolBench) -> None:
    """Reading them, working beside them and making keys of one's own is everyday work."""
    result = bench.call(
        "Bash",
        command="cat .vscode/settings.json; git status --short > /dev/null; mkdir d; echo x > d/f; echo A > README.md;"
        "printf -- '-----BEGIN PRIVATE KEY-----' > own.pem; echo",
    )
    assert result.content == "{}"
    assert aside(bench) == []


def test_new_repositories_may_be_made_if_they_are_harmless(bench: ToolBench) -> None:
    """`git init`, a remote, a clone stay; hooks, other settings and a settings file of another sort do not."""
    fine = bench.call(
        "Bash",
        command="git init -q one && cd one && git config user.name w && git config user.email w@w && echo 1 > a && "
        "git add a && git commit -qm one && git remote add o https://example.org/x && cd .. && git clone -q one two && "
        "git -C two log --format=%s",
    )
    assert fine.content == "one"
    evil = bench.call(
        "Bash",
        command="for n in 1 2 3 4 5; do git init -q evil$n; done; echo x > evil1/.git/hooks/pre-commit;"
        "git -C evil2 config core.fsmonitor ./x; printf '[core] sshCommand = x\\n' >> evil3/.git/config;"
        "printf '[include]\\npath = x\\n' >> evil4/.git/config; ln -s /tmp evil5/.git/commondir",
    )
    assert evil.content.startswith(
        "[undone: made evil1/.git, made evil2/.git, made evil3/.git, made evil4/.git, made evil5/.git. These"
    )
    assert [(bench.workspace / name / ".git").is_dir() for name in ("one", "two")] == [True, True]
    assert [path.name for path in bench.workspace.glob("evil*/.git")] == []


def test_what_went_along_with_its_folder_is_fine(bench: ToolBench) -> None:
    """Renaming a folder around a protected thing is no change of that."""
    result = bench.call("Bash", command="mv src lib; ls -A lib")
    assert result.content == ".bashrc\na.py"
    assert (bench.workspace / "lib" / ".bashrc").read_text() == "# mine\n"


def test_links_with_protected_names_are_put_back(bench: ToolBench) -> None:
    """A link cannot be covered, so replacing or removing one is undone inside either walls."""
    (bench.workspace / ".husky").symlink_to("src")
    (bench.workspace / "src" / ".zshrc").symlink_to("a.py")
    before = state(bench.workspace)
    result = bench.call("Bash", command="rm .husky; mkdir .husky; echo x > .husky/evil; rm src/.zshrc")
    assert "changed .husky" in result.content
    assert "removed src/.zshrc" in result.content
    assert state(bench.workspace) == before


def test_what_bubblewrap_has_covered_is_left_to_the_person(tmp_path: Path) -> None:
    """In a protected folder that was there, only a person can change anything, and may at any time."""
    bench = ToolBench(tmp_path)
    (bench.workspace / ".idea").mkdir()
    (bench.workspace / ".idea" / "old.xml").write_text("1")

    async def edit_meanwhile() -> ToolResult:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        command = "echo up; until [ -e go ]; do sleep 0.02; done; echo x > .idea/evil.xml; echo x > .idea/old.xml"
        running = asyncio.ensure_future(bench.call_async("Bash", command=command))
        await asyncio.wait_for(said.wait(), 20)
        (bench.workspace / ".idea" / "new.xml").write_text("2")
        (bench.workspace / ".idea" / "old.xml").write_text("3")
        (bench.workspace / "go").touch()
        return await running

    assert "undone" not in asyncio.run(edit_meanwhile()).content
    assert state(bench.workspace / ".idea") == {"new.xml": (0o644, b"2"), "old.xml": (0o644, b"3")}


def test_changes_are_put_back(closed: ToolBench) -> None:
    """Content, modes, what was removed, what was moved: all is as it was, and the changed version is kept aside."""
    before = state(closed.workspace)
    result = closed.call(
        "Bash",
        command="echo PWNED > .git/hooks/pre-commit; git config core.fsmonitor ./x; chmod 777 .git/config;"
        "rm -r .vscode; ln -s / .vscode; echo PWNED >> src/.bashrc; chmod 600 src/.bashrc; mv .git g; mv src/.bashrc b",
    )
    assert result.content.startswith("[undone: ")
    now = state(closed.workspace)
    assert now.pop("b") == (0o600, b"# mine\nPWNED\n")
    assert now == before
    assert {name.partition("-")[2] for name in aside(closed)} >= {".git_hooks_pre-commit", ".git_config", ".vscode"}
    assert not any(name.endswith("PWNED") for name in aside(closed))


def test_a_removed_tree_is_made_again(closed: ToolBench) -> None:
    """Also the folders around protected things come back; what is not protected in them does not."""
    before = state(closed.workspace)
    result = closed.call("Bash", command="rm -rf src .vscode .git/hooks")
    assert result.content.startswith("[undone: removed .git/hooks, removed .vscode, removed src/.bashrc.")
    del before["src/a.py"]
    assert state(closed.workspace) == before


def test_what_cannot_be_put_back_is_told(closed: ToolBench) -> None:
    """A file that is too large to be kept is named as changed all the same."""
    (closed.workspace / ".vscode" / "big").write_bytes(bytes(2 << 20))
    result = closed.call("Bash", command="echo more >> .vscode/big")
    assert "changed .vscode/big (could not be undone: its content was not kept)" in result.content


def test_calls_at_the_same_time_are_guarded_together(closed: ToolBench) -> None:
    """What one call did is undone when any ends, and stays undone for the other."""
    ws = closed.workspace

    async def together() -> list[ToolResult]:
        slow = "until [ -e go ]; do sleep 0.02; done; echo late > .git/config; mkdir .fleet"
        first = asyncio.ensure_future(closed.call_async("Bash", command=slow))
        guard = closed.context.walls.guard
        assert guard is not None
        await eventually(lambda: guard.calls == 1)
        quick = await closed.call_async("Bash", command="echo early >> .git/config; mkdir .idea; echo ok")
        (ws / "go").touch()
        return [quick, await first]

    before = (ws / ".git" / "config").read_bytes()
    quick, late = asyncio.run(together())
    assert quick.content.startswith("ok\n[undone: made .idea, changed .git/config.")
    assert late.content.startswith("[undone: made .fleet, changed .git/config.")
    assert (ws / ".git" / "config").read_bytes() == before


def test_a_cancelled_call_is_undone_and_told_by_the_next(bench: ToolBench) -> None:
    """Nothing is silent, whichever way a call ends."""

    async def cancel_midway() -> ToolResult:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        task = asyncio.ensure_future(bench.call_async("Bash", command="mkdir .idea; echo up; sleep 60"))
        await asyncio.wait_for(said.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not (bench.workspace / ".idea").exists()
        return await bench.call_async("Bash", command="echo next")

    assert asyncio.run(cancel_midway()).content.startswith("next\n[undone: made .idea.")


def test_a_kernel_is_guarded_in_and_between_its_calls(bench: ToolBench) -> None:
    """Python's changes are undone and told, also by a call that failed; what a thread made later too."""
    thread = (
        "import os, threading\nos.mkdir('.idea')\n"
        "def later():\n    while not os.path.exists('go'): pass\n    os.mkdir('.fleet')\n"
        "    open('.netrc', 'w')\n    open('went', 'w')\n"
        "threading.Thread(target=later).start()"
    )

    async def play() -> list[ToolResult]:
        try:
            first = await bench.call_async("Python", code=thread)
            (bench.workspace / "go").touch()
            await eventually((bench.workspace / "went").exists)
            second = await bench.call_async("Bash", command="ls -A .netrc")
            third = await bench.call_async("Python", code="import os; os.mkdir('.husky'); os._exit(1)")
            return [first, second, third]
        finally:
            await bench.close()

    first, second, third = asyncio.run(play())
    assert first.content.startswith("[undone: made .idea.")
    assert second.content.startswith(".netrc\n[undone: made .fleet.")
    assert third.is_error
    assert "[undone: made .husky." in third.content


def test_what_a_person_allowed_stays(bench: ToolBench) -> None:
    """A file that was written with a yes while a command ran is not undone when that ends; what is beside it is."""
    ws = bench.workspace
    bench.gate.yes = True

    async def write_meanwhile() -> list[ToolResult]:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        command = "echo up; until [ -e go ]; do sleep 0.02; done; echo x > .idea/b.xml; mkdir .fleet"
        running = asyncio.ensure_future(bench.call_async("Bash", command=command))
        await asyncio.wait_for(said.wait(), 20)
        for name in (".idea/a.xml", ".vscode/settings.json"):
            await bench.call_async("Write", file_path=name, content="asked")
        (ws / "go").touch()
        return [await running, await bench.call_async("Bash", command="echo after")]

    during, after = asyncio.run(write_meanwhile())
    assert (ws / ".idea" / "a.xml").read_text() == (ws / ".vscode" / "settings.json").read_text() == "asked"
    assert during.content.startswith("up\n[undone: made .fleet, made .idea/b.xml. These")
    assert after.content == "after"


@pytest.mark.skipif(
    Path("/dev/shm").stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev, reason="one file system"
)
def test_moving_aside_works_across_file_systems(bench: ToolBench) -> None:
    """A whole tree is copied and then removed: closed folders and links too, and no link is followed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        bench.context.artifacts = Path(elsewhere, "artifacts")
        result = bench.call(
            "Bash",
            command="mkdir -p .idea/a/b; echo 1 > .idea/a/b/f; ln -s /etc/passwd .idea/l; mkfifo .idea/p;"
            "chmod 000 .idea/a/b/f .idea/a/b; chmod 500 .idea",
        )
        assert result.content.startswith("[undone: made .idea. ")
        (moved,) = Path(elsewhere, "set-aside").iterdir()
        assert [str(path.relative_to(moved)) for path in sorted(moved.rglob("*"))] == ["a", "a/b", "a/b/f", "l"]
        assert (moved / "a" / "b" / "f").read_text() == "1\n"
        assert (moved / "l").is_symlink()
    assert not (bench.workspace / ".idea").exists()


def test_read_only_and_full_have_no_guard(tmp_path: Path) -> None:
    """Where nothing can be changed, and where everything may be, nothing is compared."""
    assert ToolBench(tmp_path / "r", "read-only").context.walls.guard is None
    bench = ToolBench(tmp_path / "f", "full")
    assert bench.context.walls.guard is None
    assert bench.call("Bash", command="mkdir .idea; echo fine").content == "fine"
    assert (bench.workspace / ".idea").is_dir()
