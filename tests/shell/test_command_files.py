"""The files that a command or a piece of code is bound to: all that its text may mean, and nothing is parsed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from conductor_magic.errors import ToolError
from conductor_magic.tools import commands
from conductor_magic.tools.commands import named_files

FILES = (
    "a.py", "b c.sh", "Makefile", "justfile", "package.json", "build.mk", "my-tool.sh", "my_mod.py", "sub/b.sh",
    "sub/deep/c.sh", "pkg/__init__.py", "pkg/__main__.py", "pkg/mod.py", "données.csv", "k=v.txt", "out/x",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A workspace with scripts of all kinds, each with a content of its own."""
    workspace = tmp_path / "ws"
    for name in FILES:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)
    (tmp_path / "outside.sh").write_text("outside")
    (workspace / "link.sh").symlink_to("sub/b.sh")
    (workspace / "away.sh").symlink_to(tmp_path / "outside.sh")
    os.mkfifo(workspace / "pipe")
    return workspace.resolve()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("python a.py", ["a.py"]),
        ("python a.py; echo done", ["a.py"]),
        ("python a.py&& ls", ["a.py"]),
        ("(python a.py)", ["a.py"]),
        ("python a.py>log", ["a.py"]),
        ("cat<a.py", ["a.py"]),
        ("python ./a.py|tee log", ["a.py"]),
        ("X=`python a.py` $(cat a.py)", ["a.py"]),
        ("bash -c 'python a.py'", ["a.py"]),
        ("run --script=a.py,my-tool.sh", ["a.py", "my-tool.sh"]),
        ("sh b\\ c.sh; ls", ["b c.sh"]),
        ("sh 'b c.sh'&& ls", ["b c.sh"]),
        ("sh sub/b.sh", ["sub/b.sh"]),
        ("cd sub && sh b.sh", ["sub/b.sh"]),
        ("cd sub; cd deep; sh c.sh", ["sub/deep/c.sh"]),
        ("cd sub && python ../a.py", ["a.py"]),
        ("sh {ws}/sub/b.sh", ["sub/b.sh"]),
        ("sh link.sh", ["sub/b.sh"]),
        ("python -m my_mod", ["my_mod.py"]),
        ("python -mmy_mod", ["my_mod.py"]),
        ("python -m pkg.mod", ["pkg/__init__.py", "pkg/__main__.py", "pkg/mod.py"]),
        ("make", ["Makefile"]),
        ("make -fbuild.mk", ["Makefile", "build.mk"]),
        ("just test", ["justfile"]),
        ("npm test", ["package.json"]),
        ("cat données.csv 'k=v.txt'", ["données.csv", "k=v.txt"]),
        ("import my_mod", ["my_mod.py"]),
        ("from pkg import mod as m", ["pkg/__init__.py", "pkg/__main__.py", "pkg/mod.py"]),
        ("exec(open('a.py').read())", ["a.py"]),
        ("subprocess.run(['sh','sub/b.sh'])", ["sub/b.sh"]),
        ("sh away.sh ../outside.sh; cat pipe /etc/hostname", []),
        ("echo 'no end", []),
        ("echo hello", []),
        ("q\0z \ud800 " + "x" * 5000, []),
    ],
)
def test_every_file_that_a_text_may_mean_is_named(here: Path, text: str, named: list[str]) -> None:
    """However it is written, with the hash of what the file says now."""
    wanted = {str(here / name): hashlib.sha256(name.encode()).hexdigest() for name in named}
    assert named_files(text.replace("{ws}", str(here)), here) == wanted


def test_a_file_that_is_new_or_changed_makes_a_difference(here: Path) -> None:
    """A module that appears where none was is another text's doing."""
    before = named_files("import json; import my_mod", here)
    (here / "json.py").write_text("x")
    between = named_files("import json; import my_mod", here)
    (here / "my_mod.py").write_text("x")
    assert before != between != named_files("import json; import my_mod", here)


def test_what_is_too_large_to_be_read_is_known_by_its_change(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that keeps the size and sets the clock back is one all the same."""
    monkeypatch.setattr(commands, "_LARGEST_READ", 3)
    status = (here / "a.py").stat()
    before = named_files("python a.py", here)
    assert before and before == named_files("python a.py", here)
    while time.time_ns() - status.st_ctime_ns < 20_000_000:
        pass
    (here / "a.py").write_text("b.py")
    os.utime(here / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (here / "a.py").stat().st_size == status.st_size
    assert named_files("python a.py", here) != before


@pytest.mark.slow
def test_a_text_that_names_too_much_is_refused(here: Path) -> None:
    """It is not bound to less than it names."""
    with pytest.raises(ToolError, match="Make it several calls"):
        named_files(" ".join(map(str, range(600_000))), here)
