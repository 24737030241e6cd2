"""What the watch sees of real processes that change files: every version, with the tasks that may have made it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_magic.tools.ground import Ground
from conductor_magic.tools.looking import Sighting
from conductor_magic.tools.versions import GONE_UNSEEN, UNKNOWN, Versions, digest
from conductor_magic.tools.watch import Watch


class Eyes:
    """A watch on a folder, and commands of tasks that run in it one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = Versions(folder / "data")
        self.watch = Watch(Ground(folder, [folder / "data"]), self.versions)
        self.watch.start()

    def run(self, command: str, *, task: str = "1") -> list[tuple[str, str | None, str | None]]:
        """Run a shell command as a task's; what was seen as (name, content before, content after)."""
        call = self.watch.begin(task, command)
        subprocess.run(["bash", "-c", command], cwd=self.folder, check=True)
        self.watch.end(call)
        return self.seen()

    def seen(self) -> list[tuple[str, str | None, str | None]]:
        return [self.words(sighting) for sighting in self.watch.harvest()]

    def words(self, sighting: Sighting) -> tuple[str, str | None, str | None]:
        name = os.path.relpath(sighting.path, self.folder)
        return name, self.text(sighting.before), self.text(sighting.sha)

    def text(self, sha: str | None) -> str | None:
        content = self.versions.get(sha)
        return sha if content is None else content.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("a\n")
    return Path(os.path.realpath(tmp_path))


@pytest.fixture
def eyes(folder: Path) -> Iterator[Eyes]:
    made = Eyes(folder)
    yield made
    made.watch.close()


@pytest.fixture(params=["told at once", "compared afterwards"])
def either(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Eyes]:
    """With inotify and without it."""
    if request.param == "compared afterwards":
        monkeypatch.setattr(sys, "platform", "elsewhere")
    made = Eyes(folder)
    monkeypatch.undo()
    assert (made.watch.trouble == "") == (request.param == "told at once")
    yield made
    made.watch.close()


def test_files_that_a_command_makes_changes_and_removes_are_seen(either: Eyes) -> None:
    """In old and new folders, by writing and by renaming; what was there before is known where a command names it."""
    assert either.run("echo b >> src/a") == [("src/a", "a\n", "a\nb\n")]
    assert either.run("mkdir -p new/deep; echo x > new/deep/f") == [("new/deep/f", None, "x\n")]
    seen = either.run("echo y > src/t; mv src/t src/a")
    assert [words for words in seen if words[0] != "src/t"] == [("src/a", "a\nb\n", "y\n")]
    assert set(either.run("rm src/a; mv new gone")) == {
        ("src/a", "y\n", None), ("new/deep/f", "x\n", None), ("gone/deep/f", None, "x\n"),
    }  # fmt: skip


def test_what_does_not_change_a_file_is_not_seen(either: Eyes) -> None:
    """Reading, touching, changing the permissions, writing the same again."""
    assert either.run("cat src/a; touch src/a; chmod 600 src/a; echo a > src/a") == []


def test_each_version_is_kept_though_the_next_one_follows(eyes: Eyes) -> None:
    """Told at once, the versions within one command are all there, as the watch says when it has read each."""
    call = eyes.watch.begin("1", "")
    contents = [f"{number}\n" for number in range(5)]
    for content in contents:
        (eyes.folder / "f").write_text(content)
        eyes.watch.catch_up()
    eyes.watch.end(call)
    assert [after for _, _, after in eyes.seen()] == contents


def test_a_version_that_was_overwritten_too_soon_is_told(eyes: Eyes) -> None:
    """Two writers in a row before the watch could look: that there was one more is known, not what it held."""
    call = eyes.watch.begin("1", "src/a")
    with eyes.watch._lock:
        for content in ("one\n", "two\n"):
            (eyes.folder / "src" / "a").write_text(content)
    eyes.watch.end(call)
    assert eyes.seen() == [("src/a", "a\n", GONE_UNSEEN), ("src/a", "a\n", "two\n")]


def test_what_is_written_to_a_file_that_was_replaced_is_seen(eyes: Eyes) -> None:
    """One had it open while another put a new file in its place: told when nobody can write to it any more."""
    call = eyes.watch.begin("1", "src/a")
    other = eyes.watch.begin("2", "src/a")
    with (eyes.folder / "src" / "a").open("a") as file:
        (eyes.folder / "src" / "b").write_text("new\n")
        (eyes.folder / "src" / "b").rename(eyes.folder / "src" / "a")
        eyes.watch.catch_up()
        file.write("late\n")
    eyes.watch.end(call)
    eyes.watch.end(other)
    assert [words for words in eyes.seen() if words[0] == "src/a"] == [("src/a", "a\n", "new\n")]
    ((former, sha),) = eyes.watch.late()
    assert (former.path, eyes.text(former.sha), eyes.text(sha)) == (str(eyes.folder / "src/a"), "a\n", "a\nlate\n")
    assert former.tasks == former.successors == {"1", "2"}


def test_the_tasks_whose_commands_ran_are_named(eyes: Eyes) -> None:
    """One, several, or none; a command that has ended is not suspected any more."""
    first = eyes.watch.begin("1", "")
    second = eyes.watch.begin("2", "")
    (eyes.folder / "both").write_text("x")
    eyes.watch.end(first)
    (eyes.folder / "second").write_text("x")
    eyes.watch.end(second)
    (eyes.folder / "nobody").write_text("x")
    eyes.watch.catch_up()
    named = {Path(s.path).name: set(s.tasks) for s in eyes.watch.harvest()}
    assert named == {"both": {"1", "2"}, "second": {"2"}, "nobody": set()}


def test_what_programs_keep_for_themselves_is_not_watched(either: Eyes) -> None:
    """Repositories' insides, caches, installed packages, the run's own record, and links."""
    (either.folder / "data").mkdir()
    made = ".git node_modules __pycache__ .ipynb_checkpoints .venv/lib/python3/site-packages"
    assert either.run(f"mkdir -p {made}; for d in {made} data; do echo x > $d/f; done; ln -s src/a link") == []


def test_a_folder_stays_watched_whatever_is_put_into_it(either: Eyes) -> None:
    """A file that makes it look like a virtual environment does not hide what is done to the others."""
    assert ("src/a", "a\n", "b\n") in either.run("echo home=1 > src/pyvenv.cfg; echo b > src/a")
    assert either.run("echo c > src/a") == [("src/a", "b\n", "c\n")]


def test_a_giant_is_told_apart_but_not_kept(eyes: Eyes) -> None:
    """Its hash is known; what it held is not."""
    ((_, _, sha),) = eyes.run("head -c 13000000 /dev/zero > big")
    assert sha == digest(bytes(13_000_000)) and eyes.versions.get(sha) is None


def test_a_file_that_nobody_read_before_has_an_unknown_base(folder: Path) -> None:
    """In a large workspace only what a command names is read ahead of it."""
    for number in range(2_100):
        (folder / f"f{number}").write_text("x\n")
    eyes = Eyes(folder)
    try:
        assert eyes.run("name=src/a; echo b >> $name") == [("src/a", "a\n", "a\nb\n")]
        assert eyes.run("for n in 1 2; do echo z >> f1$n; done") == [
            ("f11", UNKNOWN, "x\nz\n"), ("f12", UNKNOWN, "x\nz\n"),
        ]  # fmt: skip
    finally:
        eyes.watch.close()


def test_events_that_are_lost_are_made_up_for(eyes: Eyes) -> None:
    """When more happens than the system queues, all files are compared by their times."""
    call = eyes.watch.begin("1", "")
    with eyes.watch._lock:
        for number in range(7_000):
            (eyes.folder / "src" / f"f{number}").write_text(f"{number}\n")
        (eyes.folder / "src" / "a").write_text("changed\n")
    eyes.watch.end(call)
    seen = {name: after for name, _, after in eyes.seen()}
    assert len(seen) == 7_001 and seen["src/a"] == "changed\n" and seen["src/f6999"] == "6999\n"


def test_what_a_tool_of_ours_writes_is_seen_once_and_as_its_own(eyes: Eyes) -> None:
    """Also when a command looks at it, or overwrites it before the watch could look."""
    call = eyes.watch.begin("1", "src/a")
    path = eyes.folder / "src" / "a"

    def place() -> None:
        path.with_name("t").write_text("b\n")
        path.with_name("t").rename(path)

    with eyes.watch._lock:
        eyes.watch.write(str(path), digest(b"a\n"), b"b\n", frozenset({"2"}), place)
        path.write_text("c\n")
    eyes.watch.catch_up()
    eyes.watch.write(str(path), digest(b"c\n"), b"b\n", frozenset({"2"}), place)
    path.touch()
    eyes.watch.end(call)
    seen = [(set(sighting.tasks), *eyes.words(sighting)) for sighting in eyes.watch.harvest()]
    assert [words for words in seen if words[1] == "src/a"] == [
        ({"2"}, "src/a", "a\n", "b\n"), ({"1"}, "src/a", "b\n", "c\n"), ({"2"}, "src/a", "c\n", "b\n"),
    ]  # fmt: skip


def test_a_folder_that_was_swapped_for_a_link_is_not_read_through(
    eyes: Eyes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Who changes files may lead the watch astray: what lies elsewhere is not read, nor kept as a version."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a").write_text("secret\n")
    call = eyes.watch.begin("1", "")
    with eyes.watch._lock:
        (eyes.folder / "src" / "a").write_text("changed\n")
        (eyes.folder / "src").rename(eyes.folder / "moved")
        (eyes.folder / "src").symlink_to(outside)
    eyes.watch.end(call)
    seen = eyes.seen()
    assert ("src/a", "a\n", None) in seen or ("src/a", UNKNOWN, None) in seen
    assert eyes.versions.get(digest(b"secret\n")) is None
    assert ("moved/a", None, "changed\n") in seen


def test_a_watch_that_fails_says_so(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system has no more watches, files are compared from then on, and the reason is there to be told."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    listener = eyes.watch._looker.listener
    monkeypatch.setattr(listener._inotify, "add", refuse, raising=True)
    assert ("new/f", None, "x\n") in eyes.run("mkdir new; echo x > new/f")
    assert eyes.watch.trouble == "the system has no watches to spare"
    assert eyes.run("echo y > g") == [("g", None, "y\n")]
