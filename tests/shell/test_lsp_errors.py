"""Every error of the LSP tool: of a call, of a server, of the configuration. Each is one line that helps."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.lsp import LanguageServers
from tests.support.lsp import at, fill, write_configuration
from tests.support.tool_bench import ToolBench, processes_with


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace, with a small package and a file in a language of its own."""
    bench = fill(ToolBench(tmp_path))
    (bench.workspace / "a.toy").write_text("def one\none one\n")
    return bench


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "The input lacks `operation`."),
    ({"operation": "rename"}, "`operation` must be one of 'goToDefinition', 'findReferences', "),
    ({"operation": "hover"}, "hover needs `filePath`."),
    (
        {"operation": "hover", "filePath": "a.py", "file_path": "b.py"},
        "`filePath` and `file_path` are two names of one",
    ),
    ({"operation": "hover", "filePath": "pkg/use.py"}, "hover needs `line` and `character`, both counted from 1."),
    ({"operation": "hover", "filePath": "pkg/use.py", "line": 0, "character": 1}, "`line` must be 1 or more, not 0."),
    (
        {"operation": "hover", "filePath": "pkg/use.py", "line": 13, "character": 1},
        "pkg/use.py: has only 12 lines; there is no line 13.",
    ),
    (
        {"operation": "hover", "filePath": "pkg/use.py", "line": 1, "character": 99},
        "pkg/use.py: line 1 has only 11 characters, not 99.",
    ),
    ({"operation": "workspaceSymbol"}, "workspaceSymbol needs `query`: the name that is looked for, or a part of it."),
    ({"operation": "workspaceSymbol", "query": " "}, "workspaceSymbol needs `query`"),
    ({"operation": "documentSymbol", "filePath": "gone.py"}, "gone.py: does not exist."),
    (
        {"operation": "documentSymbol", "filePath": "pkg"},
        "pkg: no language server knows such files. Known are .py (python)",
    ),
    ({"operation": "documentSymbol", "filePath": "folder.py"}, "folder.py: is a folder, not a file."),
    ({"operation": "documentSymbol", "filePath": "a.ts"}, "a.ts: no language server knows such files. Known are .py"),
    ({"operation": "documentSymbol", "filePath": "../out/x.py"}, "{out}/x.py: not allowed"),
    ({"operation": "documentSymbol", "filePath": ".env.py"}, "{ws}/.env.py: not allowed"),
    ({"operation": "documentSymbol", "filePath": "a\0.py"}, "The path holds a NUL or half a character"),
    ({"operation": "documentSymbol", "filePath": "latin.py"}, "latin.py: is not UTF-8 text"),
    ({"operation": "documentSymbol", "filePath": "large.py"}, "large.py: is larger than 5 MiB; use Grep."),
]


@pytest.mark.parametrize(("args", "said"), ERRORS, ids=[said[:40] for _, said in ERRORS])
def test_errors_in_a_call(bench: ToolBench, args: dict[str, Any], said: str) -> None:
    """Each mistake of a call gets one line that says what to do, and starts no server."""
    (bench.workspace / "folder.py").mkdir()
    (bench.workspace / "latin.py").write_bytes(b"x = '\xe9'\n")
    (bench.workspace / "large.py").write_bytes(b"#" * ((5 << 20) + 1))
    (bench.workspace / ".env.py").write_text("x = 1\n")
    result = bench.call("LSP", **args)
    wanted = said.replace("{out}", str(bench.outside)).replace("{ws}", str(bench.context.workspace))
    assert result.is_error
    assert str(result.content).startswith(wanted)
    assert "\n" not in str(result.content)


NAME = f"The language server for toy ({Path(sys.executable).name})"

UNSTARTED = f"{NAME} could not be started:"
FOREIGN = f"{UNSTARTED} it does not speak the Language Server Protocol: it sent"

HABITS = {
    "exit": f"{UNSTARTED} it has ended, its last words were “error: no toolchain”. Use Grep and Read instead.",
    "garbage": f"{FOREIGN} 'Welcome to toy 1.0!'. Use Grep and Read instead.",
    "huge": f"{FOREIGN} a message of 99,999,999,999 bytes, more than the 32 MiB that are taken. Use Grep and",
    "no-json": f"{FOREIGN} a message that is not JSON. Use Grep and Read instead.",
    "never-ready": f"{UNSTARTED} it did not get ready within 3 s. Use Grep and Read instead.",
    "crash": f"{NAME} died over this, twice: it has ended, its last words were “thread main is dead”. Use Grep",
    "mute": f"{NAME} has not answered within 1 s. Ask again later, or use Grep.",
    "slow": f"{NAME} has not answered within 1 s (it says: Indexing). Ask again later, or use Grep.",
    "refuse": f"{NAME} could not answer goToDefinition: no project is loaded",
    "bare": f"{NAME} does not offer goToDefinition. Use Grep and Read instead.",
}


@pytest.mark.parametrize(("habit", "said"), HABITS.items(), ids=HABITS)
def test_errors_of_a_server(bench: ToolBench, own_home: Path, habit: str, said: str) -> None:
    """Whatever a server does, the model gets one line, and nothing stays running."""
    write_configuration(own_home, habit)
    bench.context.services.servers = servers = LanguageServers(bench.context.walls, patience=1, starting=3)
    bench.context.services.closers.append(servers.aclose)
    (result,) = bench.calls(at("goToDefinition", 2, 1))
    assert result.is_error
    assert str(result.content).startswith(said)
    assert "\n" not in str(result.content) and "\x1b" not in str(result.content)
    assert processes_with(str(bench.context.workspace)) == []


BAD_FILES = {
    "{": "line 1, column 2: Expecting property name enclosed in double quotes",
    "[]": "it must map languages to their servers",
    "\xff": "it is not JSON",
    '{"toy": 1}': "'toy' must be an object with `command` and `extensions`",
    '{"toy": {"command": ["x"]}}': "'toy' needs `command` and `extensions`, each a list that is not empty",
    '{"toy": {"command": "x", "extensions": [".toy"]}}': "'toy': `command` must be a list of texts",
    '{"toy": {"command": ["x"], "extensions": ["toy"]}}': "'toy': an extension begins with a dot, 'toy' does not",
    '{"toy": {"command": ["./x"], "extensions": [".toy"]}}': (
        "'toy': `command` must begin with a program's name or absolute path, not './x'"
    ),
    '{"toy": {"comand": ["x"], "extensions": [".toy"]}}': "'toy' has an unknown field 'comand'. Did you mean command?",
    '{"toy": {"command": ["x"], "extensions": [".toy"], "languageId": 1}}': "'toy': `languageId` must be a text",
    '{"toy": {"command": ["x"], "extensions": [".toy"], "readable": ["/no/such"]}}': (
        "'toy': `readable` names '/no/such', which is no absolute path that exists"
    ),
    '{"toy": {"command": ["~nobody-here/x"], "extensions": [".toy"]}}': (
        "'toy': `command` must begin with a program's name or absolute path, not '~nobody-here/x'"
    ),
    '{"toy": {"command": ["x"], "extensions": [".toy"], "readable": ["~nobody-here"]}}': (
        "'toy': `readable` names '~nobody-here', which is no absolute path that exists"
    ),
    '{"a": {"command": ["x"], "extensions": [".t"]}, "b": {"command": ["x"], "extensions": [".T"]}}': (
        "both 'a' and 'b' claim .t"
    ),
    " " * ((1 << 20) + 1): "it is larger than 1 MiB",
}


@pytest.mark.parametrize(("content", "why"), BAD_FILES.items(), ids=BAD_FILES.values())
def test_errors_in_the_configuration(bench: ToolBench, own_home: Path, content: str, why: str) -> None:
    """A configuration that cannot be used is one line that names the file and the mistake."""
    path = own_home / "language-servers.json"
    path.write_bytes(content.encode("latin-1"))
    result = bench.call("LSP", operation="documentSymbol", filePath="src/a.py")
    assert result.is_error
    assert str(result.content).rstrip(".").replace("??", "?") == (
        f"LSP cannot be used: the person's {path} needs mending: {why}. Use Grep meanwhile"
    )


def test_a_missing_program_is_said(bench: ToolBench, own_home: Path) -> None:
    """A program that is not there is named; so is one that a worker could have written."""
    write_configuration(own_home, command=["no-such-language-server"], readable=[])
    missing = bench.call("LSP", operation="documentSymbol", filePath="a.toy")
    assert missing.content == (
        "The language server for toy (`no-such-language-server`) is not installed here. Use Grep and Read instead."
    )
    write_configuration(own_home, command=[sys.executable, "\ud800"])
    unsaid = bench.call("LSP", operation="documentSymbol", filePath="a.toy")
    assert str(unsaid.content).startswith("The language server for toy (python")
    assert "could not be started: 'utf-8' codec can't encode character" in str(unsaid.content)
    evil = bench.context.workspace / "server"
    evil.write_text("#!/bin/sh\ntouch ran\n")
    evil.chmod(0o755)
    link = bench.outside / "linked"
    link.symlink_to(evil)
    for program in (evil, link):
        write_configuration(own_home, command=[str(program)], readable=[])
        refused = bench.call("LSP", operation="documentSymbol", filePath="a.toy")
        assert refused.content == (
            f"The language server for toy would be {program}, which lies in the workspace: not started, as nothing in "
            "there may choose what runs. Use Grep and Read instead."
        )
    assert not (bench.workspace / "ran").exists()


def test_nothing_in_the_workspace_chooses_a_server(
    bench: ToolBench, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a configuration nor a program of the right name in the workspace is taken, even with it on PATH."""
    (bench.workspace / "language-servers.json").write_text(
        json.dumps({"toy": {"command": ["/bin/sh", "-c", "touch ran"], "extensions": [".toy", ".py"]}})
    )
    for name in ("toyserver", "ty"):
        (bench.workspace / name).write_text("#!/bin/sh\ntouch ran\n")
        (bench.workspace / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bench.workspace}:.:/usr/bin:/bin")
    monkeypatch.chdir(bench.workspace)
    unknown, python = bench.calls(at("documentSymbol"), at("documentSymbol", path="src/a.py"))
    assert str(unknown.content).startswith("a.toy: no language server knows such files.")
    assert python.content == f"{bench.context.workspace}/src/a.py\nfunction f  1:5  lines 1-2"
    entry = {"toy": {"command": ["toyserver"], "extensions": [".toy"]}}
    (own_home / "language-servers.json").write_text(json.dumps(entry))
    assert "which lies in the workspace: not started" in str(bench.call("LSP", **at("documentSymbol")[1]).content)
    assert not (bench.workspace / "ran").exists()
