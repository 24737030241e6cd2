"""Glob and Grep on real files, through the real ripgrep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.tool_bench import CANARY, ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A workspace with sources, ignored files, secrets and a link that leaves it."""
    bench = ToolBench(tmp_path)
    files = {
        ".gitignore": "*.log\nbuild/\n",
        "src/b.py": f"needle = '{CANARY[:3]}'\nother\n",
        "src/deep/c.ts": "needle\nNeedle\n",
        "app.log": "needle",
        "build/out.py": "needle",
        ".env": f"needle {CANARY}",
        ".ENV.local": f"needle {CANARY}",
        "src/id_rsa": f"needle {CANARY}",
        "src/server.pem": f"needle -----BEGIN PRIVATE KEY----- {CANARY}",
        ".aws/credentials": f"needle {CANARY}",
        ".github/ci.yml": "needle",
        ".git/config": "needle",
    }
    for name, content in files.items():
        path = bench.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (bench.workspace / "link").symlink_to(bench.outside)
    return bench


def names(content: object, bench: ToolBench) -> list[str]:
    """The listed paths, relative to the workspace, in their order."""
    assert isinstance(content, str)
    return [str(Path(line).relative_to(bench.workspace)) for line in content.splitlines() if line.startswith("/")]


def test_glob_finds_by_pattern_newest_first(bench: ToolBench) -> None:
    """Matches come by time of change, absolute."""
    for age, name in enumerate(("src/b.py", "src/a.py")):
        os.utime(bench.workspace / name, (1000 - age, 1000 - age))
    result = bench.call("Glob", pattern="src/**/*.py")
    assert names(result.content, bench) == ["src/b.py", "src/a.py"]


@pytest.mark.parametrize("pattern", ["*", "**/*", "*.log", "**/.env*", "**/{.env,id_rsa,credentials}", "build/**"])
def test_glob_leaves_out_ignored_and_secret_files(bench: ToolBench, pattern: str) -> None:
    """What .gitignore names, secrets, git's own files and what lies behind a link do not appear."""
    found = set(names(bench.call("Glob", pattern=pattern).content, bench))
    allowed = {"src/a.py", "src/b.py", "src/deep/c.ts", ".gitignore", ".github/ci.yml", "src/server.pem"}
    assert found <= allowed
    assert found or pattern not in ("*", "**/*")


@pytest.mark.parametrize("pattern", ["/etc/*", "{/etc/passwd,src/*}", "../*", "src/../../out/*", "~/.ssh/*", "a\0b"])
def test_glob_refuses_patterns_that_leave(bench: ToolBench, pattern: str) -> None:
    """Absolute, home and upward patterns are error results, hidden in braces too."""
    result = bench.call("Glob", pattern=pattern)
    assert result.is_error
    assert "secret.txt" not in str(result.content)


@pytest.mark.parametrize("tool", ["Glob", "Grep"])
@pytest.mark.parametrize("path", ["{out}", "..", "link", "/", ".aws", "missing", "/proc/self"])
def test_searches_stay_in_the_workspace(bench: ToolBench, tool: str, path: str) -> None:
    """A search that would start outside, or at a secret, is refused."""
    result = bench.call(
        tool, pattern="*" if tool == "Glob" else "CANARY", path=path.replace("{out}", str(bench.outside))
    )
    assert result.is_error
    assert CANARY not in str(result.content)


def test_grep_modes(bench: ToolBench) -> None:
    """Files, counts and lines; context, case and types work as in ripgrep."""
    files, counts, content, typed = bench.calls(
        ("Grep", {"pattern": "needle"}),
        ("Grep", {"pattern": "needle", "output_mode": "count", "-i": True}),
        ("Grep", {"pattern": "other", "output_mode": "content", "-B": 1}),
        ("Grep", {"pattern": "needle", "type": "ts"}),
    )
    assert sorted(names(files.content, bench)) == [".github/ci.yml", "src/b.py", "src/deep/c.ts"]
    assert f"{bench.workspace}/src/deep/c.ts: 2" in counts.content.splitlines()
    assert content.content.splitlines() == [f"{bench.workspace}/src/b.py", "1-needle = 'CAN'", "2:other"]
    assert names(typed.content, bench) == ["src/deep/c.ts"]


@pytest.mark.parametrize(
    "more", [{}, {"glob": "*"}, {"glob": ".env*"}, {"glob": "**/.env*"}, {"path": "src"}, {"-i": True}]
)
def test_grep_never_shows_secrets(bench: ToolBench, more: dict[str, object]) -> None:
    """No glob brings back the content of a secret or of an ignored file."""
    result = bench.call("Grep", pattern="needle", output_mode="content", **more)
    assert CANARY not in result.content
    assert "app.log" not in result.content


def test_grep_in_one_file(bench: ToolBench) -> None:
    """`path` may be a file; its name stands above its lines."""
    result = bench.call("Grep", pattern="n..dle", path="src/b.py", output_mode="content", **{"-n": False})
    assert result.content.splitlines() == [f"{bench.workspace}/src/b.py", "needle = 'CAN'"]


def test_grep_over_lines(bench: ToolBench) -> None:
    """With `multiline` a pattern spans line ends."""
    result = bench.call("Grep", pattern="needle.*other", multiline=True)
    assert names(result.content, bench) == ["src/b.py"]


def test_the_order_is_that_of_the_paths(bench: ToolBench) -> None:
    """Whatever thread finds what first, in each mode: a folder's files together, `a-b` after what lies in `a`."""
    expected = []
    for folder in ("a", "a/deep", "a-b", "a.b", "z"):
        (bench.workspace / "tree" / folder).mkdir(parents=True)
        for number in range(30):
            (bench.workspace / "tree" / folder / f"f{number:02}").write_text("needle\n")
            expected.append(f"tree/{folder}/f{number:02}")
    expected.sort(key=lambda name: name.split("/"))
    for mode in ("files_with_matches", "count", "content"):
        result = bench.call("Grep", pattern="needle", path="tree", output_mode=mode, head_limit=1000)
        assert [name.removesuffix(": 1") for name in names(result.content, bench)] == expected


def test_too_much_is_cut_at_the_same_place_each_time(bench: ToolBench) -> None:
    """More than is taken from a search: the first files by their paths, not the first that a thread came to."""
    for number in range(40):
        (bench.workspace / f"m{number:02}.txt").write_text("hit and some more words\n" * 10_000)
    first, second = (bench.call("Grep", pattern="hit", output_mode="count") for _ in range(2))
    assert (
        first.content
        == second.content
        == "\n".join(f"{bench.workspace}/m{number:02}.txt: 10000" for number in range(40))
    )
    shown = [bench.call("Grep", pattern="hit", output_mode="content", head_limit=200_000).content for _ in range(2)]
    assert shown[0] == shown[1]
    assert str(shown[0]).startswith(f"{bench.workspace}/m00.txt\n1:hit and")
    assert str(shown[0]).endswith("[cut here; narrow the search]")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.py", ["src/a.py", "src/b.py"]),
        ("**/*.py", ["src/a.py", "src/b.py"]),
        ("src/*.py", ["src/a.py", "src/b.py"]),
        ("{a,c}.{py,ts}", ["src/a.py", "src/deep/c.ts"]),
        ("**/[bc].*", ["src/b.py", "src/deep/c.ts"]),
        ("src/**/c.ts", ["src/deep/c.ts"]),
        ("C.TS", []),
        ("deep", []),
        ("*.log", []),
        ("src/*.log", []),
        ("include:py", []),
    ],
)
def test_glob_patterns(bench: ToolBench, pattern: str, expected: list[str]) -> None:
    """Names at any depth, paths from the folder, alternatives and classes; letter case counts, and .gitignore."""
    (bench.workspace / "src" / "ignored.log").touch()
    assert sorted(names(bench.call("Glob", pattern=pattern).content, bench)) == expected


def test_grep_output_is_capped(bench: ToolBench) -> None:
    """`head_limit` cuts and says how much is left; a giant line is cut too."""
    (bench.workspace / "many.txt").write_text("hit\n" * 1000 + "hit" * 100_000)
    few, all_of_it = bench.calls(
        ("Grep", {"pattern": "hit", "output_mode": "content", "head_limit": 3}),
        ("Grep", {"pattern": "hit", "output_mode": "content", "head_limit": 100_000}),
    )
    assert len(few.content.splitlines()) == 4
    assert "[999 more lines" in few.content
    assert len(all_of_it.content) < 31_000


@pytest.mark.parametrize(
    "args",
    [{"pattern": "["}, {"pattern": "x", "type": "nonsense"}, {"pattern": "x", "glob": "{"}, {"pattern": "a\0b"}],
)
def test_grep_explains_bad_input(bench: ToolBench, args: dict[str, str]) -> None:
    """What ripgrep refuses comes back as an error result."""
    assert bench.call("Grep", **args).is_error


def test_no_configuration_and_no_options_are_smuggled_in(bench: ToolBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a configuration file nor a pattern that looks like an option makes ripgrep start a program."""
    config = bench.workspace / "rgrc"
    config.write_text(f"--pre={bench.workspace}/evil.sh\n")
    (bench.workspace / "evil.sh").write_text(f"#!/bin/sh\ntouch {bench.outside}/ran\n")
    (bench.workspace / "evil.sh").chmod(0o755)
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(config))
    for pattern in ("needle", f"--pre={bench.workspace}/evil.sh", "--follow"):
        bench.call("Grep", pattern=pattern)
        bench.call("Glob", pattern=pattern)
    assert not (bench.outside / "ran").exists()
