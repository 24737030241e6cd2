"""Read, Write and Edit on real files: what they do, and what they refuse."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import conductor_magic
from conductor_magic.beneath import _walk, open_beneath
from conductor_magic.errors import ToolError
from conductor_magic.paths import Reach
from conductor_magic.placing import place
from conductor_magic.protected import guarded, secret
from conductor_magic.sandbox import python_folders
from conductor_magic.tools.files import digest
from conductor_magic.tools.schema import check_arguments
from conductor_magic.tools.worker import worker_tools
from tests.support.tool_bench import CANARY, ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def test_read_numbers_lines_and_pages(bench: ToolBench) -> None:
    """A page ends with the offset at which the next one begins, and the pages join to the file."""
    (bench.workspace / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 11)))
    first, second = bench.calls(
        ("Read", {"file_path": "long.txt", "limit": 6}), ("Read", {"file_path": "long.txt", "offset": 7})
    )
    assert first.content.splitlines()[0] == "     1\tline 1"
    assert "offset=7" in first.content
    assert second.content.splitlines() == [f"{number:>6}\tline {number}" for number in range(7, 11)]


def test_read_caps_long_lines_and_long_files(bench: ToolBench) -> None:
    """Neither one endless line nor a great many lines exceed the cap, and the reader is told."""
    (bench.workspace / "wide.txt").write_text("x" * 3_000_000 + "\nend\n")
    (bench.workspace / "tall.txt").write_text(("y" * 100 + "\n") * 20_000)
    wide, tall = bench.calls(("Read", {"file_path": "wide.txt"}), ("Read", {"file_path": "tall.txt"}))
    assert len(wide.content) < 3000
    assert "2998000 more characters" in wide.content
    assert wide.content.endswith("     2\tend")
    assert len(tall.content) < 70_000
    assert "go on with offset=" in tall.content


def test_read_says_what_is_not_text(bench: ToolBench) -> None:
    """Archives and sparse giants are named, not shown."""
    (bench.workspace / "a.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    with (bench.workspace / "huge.log").open("wb") as file:
        file.truncate(2 << 30)
    archive, huge = bench.calls(("Read", {"file_path": "a.zip"}), ("Read", {"file_path": "huge.log"}))
    assert (
        archive.content
        == "a.zip is a ZIP archive (or an office document), 54 bytes: not text, so nothing of it is shown here."
    )
    assert "2,147,483,648 bytes: not text" in huge.content


@pytest.mark.parametrize("name", ["empty.txt", "src/...py", "crlf.txt", "latin.txt", "src/../src/a.py"])
def test_read_takes_ordinary_files(bench: ToolBench, name: str) -> None:
    """Odd but honest files and names are read."""
    (bench.workspace / "empty.txt").touch()
    (bench.workspace / "src" / "...py").write_text("x=1\n")
    (bench.workspace / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    (bench.workspace / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    assert not bench.call("Read", file_path=name).is_error


@pytest.mark.parametrize(
    "path",
    [
        "{out}/secret.txt", "../out/secret.txt", "{ws}-evil/secret.txt", "{ws}/../out/secret.txt", "link/secret.txt",
        "file_link", "link/../out/secret.txt", "/proc/self/environ", "/dev/null", "/proc/self/root{out}/secret.txt",
        "pipe", "src", "", "a\0b", "missing.txt", "x" * 5000, "~/.ssh/id_rsa", ".env", ".ENV", ".Env.local",
        "src/id_rsa",
        "innocent", "server.pem", ".aws/credentials", "sock", "{data}/journal.jsonl", ".env/../.env", "\ud800",
    ],
)  # fmt: skip
def test_read_refuses(bench: ToolBench, path: str) -> None:
    """Nothing outside, nothing secret, nothing that is no file; always as an error result and at once."""
    (bench.workspace / "link").symlink_to(bench.outside)
    (bench.workspace / "file_link").symlink_to(bench.outside / "secret.txt")
    (bench.workspace / "innocent").symlink_to(".env")
    (bench.workspace / ".aws").mkdir()
    secrets = (".env", ".ENV", ".Env.local", "src/id_rsa", ".aws/credentials")
    for name in secrets:
        (bench.workspace / name).write_text(CANARY)
    (bench.workspace / "server.pem").write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n")
    (bench.data / "journal.jsonl").write_text(CANARY)
    os.mkfifo(bench.workspace / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(bench.workspace / "sock"))
        asked = path.replace("{out}", str(bench.outside)).replace("{ws}", str(bench.workspace))
        result = bench.call("Read", file_path=asked.replace("{data}", str(bench.data)))
    assert result.is_error
    assert CANARY not in result.content


@pytest.mark.parametrize("name", [".env.example", "cert.pem", "environment.md", "keys.py"])
def test_read_does_not_take_look_alikes_for_secrets(bench: ToolBench, name: str) -> None:
    """Templates, public certificates and names that merely resemble are read."""
    (bench.workspace / name).write_text("-----BEGIN CERTIFICATE-----\n")
    assert not bench.call("Read", file_path=name).is_error


def test_write_makes_a_file_with_its_folders(bench: ToolBench) -> None:
    """A new file is reported as created, with the hash of what it holds."""
    result = bench.call("Write", file_path="new/deep/b.py", content="x = 1\n")
    assert bench.read("new/deep/b.py") == "x = 1\n"
    (change,) = result.files
    assert (change.action, change.before, change.after) == ("created", None, digest(b"x = 1\n"))
    assert change.path == str(bench.workspace / "new" / "deep" / "b.py")
    assert sorted(path.name for path in (bench.workspace / "new" / "deep").iterdir()) == ["b.py"]


def test_write_replaces_what_nobody_else_has_changed(bench: ToolBench) -> None:
    """An existing file needs no reading first and keeps its permissions; one changed since the reading is refused."""
    path = bench.workspace / "src" / "a.py"
    path.chmod(0o754)
    blind = bench.call("Write", file_path="src/a.py", content="new\n")
    assert not blind.is_error, blind.content
    assert blind.files[0].action == "edited"
    assert bench.read("src/a.py") == "new\n"
    assert path.stat().st_mode & 0o777 == 0o754
    path.write_text("somebody else\n")
    stale = bench.call("Write", file_path="src/a.py", content="newer\n")
    assert "has changed since" in stale.content
    assert bench.read("src/a.py") == "somebody else\n"
    _, seen = bench.calls(("Read", {"file_path": "src/a.py"}), ("Write", {"file_path": "src/a.py", "content": "x\n"}))
    assert not seen.is_error
    assert bench.read("src/a.py") == "x\n"


@pytest.mark.parametrize(
    "path",
    [
        "{out}/new.txt", "../out/new.txt", "link/new.txt", "hard.txt", ".git/hooks/pre-commit", ".GIT/Hooks/pre-commit",
        ".git\u200b/hooks/x", ".git./config", "sub/.git/config", ".vscode/settings.json", ".env", ".bashrc", ".envrc",
        "jupyter_server_config.py", "config_link/hooks/x", "{data}/journal.jsonl", "pipe", "src", "dangling", ".", "",
        "ipython_config.py", ".mcp.json", "\uff0egit/config",
    ],
)  # fmt: skip
def test_write_refuses(bench: ToolBench, path: str) -> None:
    """Outside, protected names in any spelling, links out, files of two names: untouched, an error result."""
    (bench.workspace / "link").symlink_to(bench.outside)
    (bench.workspace / ".git" / "hooks").mkdir(parents=True)
    (bench.workspace / "config_link").symlink_to(".git")
    (bench.workspace / "dangling").symlink_to(bench.outside / "new.txt")
    os.link(bench.outside / "secret.txt", bench.workspace / "hard.txt")
    os.mkfifo(bench.workspace / "pipe")
    before = sorted(str(found) for found in bench.workspace.parent.rglob("*"))
    asked = path.replace("{out}", str(bench.outside)).replace("{data}", str(bench.data))
    bench.call("Read", file_path=asked)
    result = bench.call("Write", file_path=asked, content="PWNED\n")
    assert result.is_error
    assert (bench.outside / "secret.txt").read_text() == CANARY
    assert sorted(str(found) for found in bench.workspace.parent.rglob("*")) == before


def test_a_link_inside_is_written_through(bench: ToolBench) -> None:
    """A link that stays inside keeps being a link; the file that it names is changed."""
    (bench.workspace / "alias.py").symlink_to("src/a.py")
    bench.calls(
        ("Read", {"file_path": "alias.py"}),
        ("Edit", {"file_path": "alias.py", "old_string": "return 1", "new_string": "return 2"}),
    )
    assert (bench.workspace / "alias.py").is_symlink()
    assert bench.read("src/a.py") == "def f():\n    return 2\n"


def test_edit_changes_one_place(bench: ToolBench) -> None:
    """One exact match is replaced, and a second edit needs no second reading."""
    _, first, second = bench.calls(
        ("Read", {"file_path": "src/a.py"}),
        ("Edit", {"file_path": "src/a.py", "old_string": "return 1", "new_string": "return 2"}),
        ("Edit", {"file_path": str(bench.workspace / "src/a.py"), "old_string": "f()", "new_string": "g()"}),
    )
    assert not first.is_error
    assert not second.is_error
    assert bench.read("src/a.py") == "def g():\n    return 2\n"


def test_edit_explains_what_does_not_fit(bench: ToolBench) -> None:
    """No match, several matches, nothing to change: each says what to do; what fits needs no reading first."""
    (bench.workspace / "two.txt").write_text("x\nx\n")
    several, none, same, everywhere = bench.calls(
        ("Edit", {"file_path": "two.txt", "old_string": "x", "new_string": "y"}),
        ("Edit", {"file_path": "two.txt", "old_string": "z", "new_string": "y"}),
        ("Edit", {"file_path": "two.txt", "old_string": "x", "new_string": "x"}),
        ("Edit", {"file_path": "two.txt", "old_string": "x", "new_string": "y", "replace_all": True}),
    )
    assert "occurs 2 times" in several.content
    assert "does not occur" in none.content
    assert "nothing would change" in same.content
    assert not everywhere.is_error
    assert bench.read("two.txt") == "y\ny\n"


def test_edit_notices_a_change_since_the_reading(bench: ToolBench) -> None:
    """A file that somebody else has changed meanwhile is not overwritten."""
    bench.call("Read", file_path="src/a.py")
    (bench.workspace / "src" / "a.py").write_text("somebody else: return 1\n")
    result = bench.call("Edit", file_path="src/a.py", old_string="return 1", new_string="return 2")
    assert "has changed since" in result.content
    assert bench.read("src/a.py") == "somebody else: return 1\n"


def test_edit_keeps_windows_line_ends(bench: ToolBench) -> None:
    """What Read shows with plain line ends is found and replaced in a file with Windows ones."""
    (bench.workspace / "w.txt").write_bytes(b"a\r\nb\r\nc\r\n")
    bench.calls(
        ("Read", {"file_path": "w.txt"}), ("Edit", {"file_path": "w.txt", "old_string": "a\nb", "new_string": "A\nB"})
    )
    assert (bench.workspace / "w.txt").read_bytes() == b"A\r\nB\r\nc\r\n"


def test_full_mode_reaches_everything(tmp_path: Path) -> None:
    """Mode full has no walls: outside files can be read and written."""
    bench = ToolBench(tmp_path, "full")
    read, wrote = bench.calls(
        ("Read", {"file_path": str(bench.outside / "secret.txt")}),
        ("Write", {"file_path": "../out/new.txt", "content": "n"}),
    )
    assert CANARY in read.content
    assert not wrote.is_error
    assert (bench.outside / "new.txt").read_text() == "n"


def test_read_only_has_no_writing_tools() -> None:
    """The registry of a read-only run lacks them; no prompt has to forbid them."""
    looking, others = ["Read", "Glob", "Grep", "LSP"], ["Bash", "Python", "WebFetch", "WebSearch"]
    assert list(worker_tools(read_only=True)) == [*looking, *others]
    assert list(worker_tools(read_only=False)) == [*looking, "Write", "Edit", *others]


def test_walking_without_openat2_is_as_strict(bench: ToolBench) -> None:
    """The fall-back opens what is inside and follows no link at all."""
    (bench.workspace / "link").symlink_to(bench.outside)
    root = os.open(bench.workspace, os.O_RDONLY)
    try:
        os.close(_walk(root, Path("src/a.py"), os.O_RDONLY))
        for path in ("link/secret.txt", "link", "../out/secret.txt", "src/../../out/secret.txt"):
            with pytest.raises(OSError, match=r"cross-device|symbolic links|Not a directory"):
                _walk(root, Path(path), os.O_RDONLY)
    finally:
        os.close(root)


def test_a_swapped_folder_gains_nothing(bench: ToolBench) -> None:
    """A folder replaced by a link after it was checked is not written through: the open folder counts."""
    reach = Reach(bench.context.workspace)
    with reach.target("src/new.py") as target:
        (bench.workspace / "src").rename(bench.workspace / "moved")
        (bench.workspace / "src").symlink_to(bench.outside)
        assert place(target, b"x", None) is None
    assert (bench.workspace / "moved" / "new.py").read_bytes() == b"x"
    assert not (bench.outside / "new.py").exists()
    with pytest.raises(OSError, match="cross-device"):
        open_beneath(bench.workspace, Path("src/new.py"), os.O_RDONLY)


def test_what_runs_outside_the_walls_too_is_written_only_with_a_yes(
    bench: ToolBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python environment of the notebook, when it lies in the workspace; and this package, wherever it lies."""
    packages = bench.workspace / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr("conductor_magic.tools.files.python_folders", lambda: (bench.workspace / ".venv",))
    wanted = {"file_path": ".venv/lib/site-packages/sitecustomize.py", "content": "print('here')\n"}
    refused = bench.call("Write", **wanted)
    assert refused.is_error and "is part of the Python environment that runs outside the walls too" in refused.content
    assert not list(packages.iterdir())
    reach = Reach(bench.context.workspace, installed=(bench.workspace / ".venv",))
    with pytest.raises(ToolError, match="not written"), reach.target(wanted["file_path"]):
        pass
    bench.gate.yes = True
    assert not bench.call("Write", **wanted).is_error
    package = Path(conductor_magic.__file__).parent
    assert any(package.is_relative_to(folder) for folder in python_folders())


def test_a_failed_write_leaves_the_old_file(bench: ToolBench) -> None:
    """When the disk refuses, the old content and no temporary file are there."""
    reach = Reach(bench.context.workspace)
    with reach.target("src/a.py") as target, pytest.raises(TypeError):
        place(target, "no bytes", b"def f():\n    return 1\n")  # type: ignore[arg-type]
    assert bench.read("src/a.py") == "def f():\n    return 1\n"
    assert [path.name for path in (bench.workspace / "src").iterdir()] == ["a.py"]


@pytest.mark.parametrize(
    ("path", "is_secret", "is_guarded"),
    [
        ("src/app.py", False, False), (".env", True, True), (".ENV.Production", True, True), ("env", False, False),
        (".git/HEAD", False, True), ("ID_RSA", True, True), (".bashrc ", False, True), (".env.example", False, False),
        ("a/.ssh/known_hosts", True, True), ("kernel-1.json", True, True), (".gitignore", False, False),
        (".github/workflows/a.yml", False, False), ("a/.cargo/config.toml", False, True),
        (".Cargo/CONFIG", False, True), (".cargo/registry/config.json", False, False), ("config.toml", False, False),
        (".cargo/x/config.toml", False, False), (".cargo/credentials.toml", True, True), (".mise.toml", False, True),
        (".mise.local.toml", False, True), (".mise/config.toml", False, True), (".tool-versions", False, True),
        (".bazelrc", False, True), (".sdkmanrc", False, True), (".ghci", False, True), (".mvn/jvm.config", False, True),
        (".devcontainer.json", False, True), (".zed/tasks.json", False, True), ("compromise.toml", False, False),
        ("references/domains/a.md", False, True), ("a/References/DOMAINS/A.md ", False, True),
        ("references/domains/x/a.md", False, False), ("references/domains/a.txt", False, False),
        ("references/a.md", False, False), ("domains/a.md", False, False), ("domains/references/a.md", False, False),
    ],
)  # fmt: skip
def test_protected_names(path: str, is_secret: bool, is_guarded: bool) -> None:
    """The two questions on the names of a path."""
    parts = path.split("/")
    assert (bool(secret(parts)), bool(guarded(parts))) == (is_secret, is_guarded)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"file_path": "a"}, None),
        ({}, "lacks `file_path`"),
        ({"file_path": 3}, "`file_path` must be a string, not an integer"),
        ({"file_path": "a", "offset": True}, "`offset` must be an integer, not a boolean"),
        ({"file_path": "a", "limit": 0}, "`limit` must be 1 or more"),
        ({"file_path": "a", "path": "b"}, "no field `path`"),
        ("a", "must be an object, not a string"),
    ],
)
def test_arguments_are_checked_by_the_schema(args: object, said: str | None) -> None:
    """One sentence that names the field, or None."""
    trouble = check_arguments(worker_tools(read_only=True)["Read"].input_schema, args)
    assert trouble is None if said is None else said in (trouble or "")


def test_lists_and_choices_are_checked() -> None:
    """Nested places are named; counts and choices are held to."""
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "maxItems": 2, "items": {"type": "object", "required": ["x"]}},
            "mode": {"type": "string", "enum": ["a", "b"]},
        },
    }
    assert check_arguments(schema, {"list": [{"x": 1}, {}]}) == "`list[1]` lacks `x`."
    assert check_arguments(schema, {"list": [{"x": 1}] * 3}) == "`list` may have at most 2 of them, not 3."
    assert check_arguments(schema, {"mode": "c"}) == "`mode` must be one of 'a', 'b', not 'c'."
