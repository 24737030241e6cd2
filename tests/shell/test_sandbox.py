"""The walls: what is visible and writable inside, proved by real commands."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conductor_magic.sandbox import choose_walls, run
from tests.support.tool_bench import CANARY, ToolBench, processes_with


def inside(bench: ToolBench, command: str) -> str:
    """What a shell command says inside the walls."""
    outcome = asyncio.run(run(bench.context.walls, ["/bin/bash", "-c", command], timeout=30, cap=1 << 20))
    return outcome.output.decode(errors="replace")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolBench:
    """Mode workspace, with secrets in the environment, the home and the workspace."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").write_text(CANARY)
    (home / ".bashrc").write_text("# mine\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", CANARY)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "ws" / "runtime"))
    bench = ToolBench(tmp_path)
    ws = bench.workspace
    subprocess.run(["git", "init", "-q", str(ws)], check=True)
    for name in (".env", "src/.ENV.local", "src/id_ed25519", ".aws/credentials", "runtime/kernel-1.json"):
        (ws / name).parent.mkdir(exist_ok=True)
        (ws / name).write_text(CANARY)
    (ws / "key.pem").write_text(f"-----BEGIN PRIVATE KEY-----{CANARY}")
    (ws / ".vscode").mkdir()
    (ws / ".vscode" / "settings.json").write_text("{}")
    (ws / ".bashrc").write_text("# shell\n")
    (bench.data / "journal.jsonl").write_text(CANARY)
    return bench


def test_walls_are_chosen_and_told(bench: ToolBench) -> None:
    """The self-test passes here, and the sentence says what workers can do."""
    walls = bench.context.walls
    assert (walls.kind, walls.can_run, walls.confined) == ("bubblewrap", True, True)
    assert walls.reason.startswith("Bubblewrap: commands of workers can write only in the workspace")
    full = choose_walls("full", bench.workspace, bench.data)
    assert (full.kind, full.can_run, full.confined) == ("none", True, False)


def test_no_secret_can_be_read(bench: ToolBench) -> None:
    """Environment, parents' environment, home, record, Jupyter's files, masked files: none shows its content."""
    said = inside(
        bench,
        f"env; set; cat /proc/*/environ | tr '\\0' '\\n'; cat {bench.outside}/secret.txt {bench.data}/journal.jsonl "
        f"{bench.workspace.parent}/home/.ssh/id_rsa; cd {bench.workspace}; "
        "cat .env src/.ENV.local src/id_ed25519 .aws/* runtime/* key.pem; "
        f"grep -rs CANARY . ~ {bench.workspace.parent} /run /var /etc; echo end",
    )
    assert CANARY not in said
    assert said.endswith("end\n")


def test_masks_are_empty_files(bench: ToolBench) -> None:
    """A masked secret looks like an empty regular file, so that git and tools go on working."""
    said = inside(
        bench, "test -f .env && test ! -s .env && git add -A . && git status --short | sort && git commit -qm x"
    )
    assert "A  .env" in said
    assert (bench.workspace / ".env").read_text() == CANARY


def test_protected_names_cannot_be_changed(bench: ToolBench) -> None:
    """Not by writing, not by moving the folder around them away, not by removing."""
    inside(
        bench,
        "echo PWNED > .git/hooks/pre-commit; echo PWNED >> .git/config; git config core.fsmonitor ./x;"
        "rm -rf .git/hooks;"
        "mv .git g; rm -rf .vscode; mv .vscode v; echo PWNED > .vscode/settings.json; echo PWNED > .env; rm -f .env;"
        "mv .bashrc b; echo PWNED >> .bashrc; chmod 777 .git/config; cp -r .git h",
    )
    ws = bench.workspace
    assert not (ws / ".git" / "hooks" / "pre-commit").exists()
    assert "fsmonitor" not in (ws / ".git" / "config").read_text()
    assert (ws / ".vscode" / "settings.json").read_text() == "{}"
    assert (ws / ".env").read_text() == CANARY
    assert (ws / ".bashrc").read_text() == "# shell\n"
    assert not (ws / "g").exists()
    assert not (ws / "v").exists()


def test_a_repository_without_hooks_gets_none(bench: ToolBench) -> None:
    """A missing hooks folder cannot be made either, in a submodule's repository neither."""
    for hook in (bench.workspace / ".git" / "hooks").iterdir():
        hook.unlink()
    (bench.workspace / ".git" / "hooks").rmdir()
    submodule = bench.workspace / ".git" / "modules" / "part"
    submodule.mkdir(parents=True)
    (submodule / "HEAD").write_text("ref: refs/heads/main\n")
    for folder in (".git", ".git/modules/part"):
        inside(bench, f"mkdir -p {folder}/hooks; echo PWNED > {folder}/hooks/pre-commit")
        assert not (bench.workspace / folder / "hooks" / "pre-commit").exists()


def test_only_the_workspace_is_writable(bench: ToolBench) -> None:
    """Outside, the home, the record and this Python environment stay as they are; private folders vanish."""
    said = inside(
        bench,
        f"echo x > new.txt; echo x > ~/note; echo x > /tmp/conductor-left; echo x > {bench.outside}/new;"
        f"echo x > {bench.data}/journal.jsonl; echo x > {sys.prefix}/conductor-left; echo x > /usr/conductor-left;"
        "echo x > /conductor-left; ls ~ /tmp",
    )
    assert (bench.workspace / "new.txt").read_text() == "x\n"
    assert "note" in said
    assert not (bench.outside / "new").exists()
    assert (bench.data / "journal.jsonl").read_text() == CANARY
    for folder in ("/tmp", sys.prefix, "/usr", "/"):
        assert not Path(folder, "conductor-left").exists()


def test_read_only_changes_nothing(tmp_path: Path) -> None:
    """In read-only mode the operating system refuses every write in the workspace."""
    bench = ToolBench(tmp_path, "read-only")
    said = inside(bench, "cat src/a.py; echo x > src/new.py; rm src/a.py; echo y > /tmp/t && cat /tmp/t")
    assert "return 1" in said
    assert said.endswith("y\n")
    assert [path.name for path in (bench.workspace / "src").iterdir()] == ["a.py"]


def test_there_is_no_network(bench: ToolBench) -> None:
    """Not even this machine's own ports and abstract sockets are reachable."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        server.settimeout(0)
        abstract.bind("\0conductor-test")
        abstract.listen()
        port = server.getsockname()[1]
        said = inside(
            bench,
            f"python3 -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 2)\" 2>&1 | tail -1;"
            "python3 -c \"import socket; socket.socket(1).connect('\\0conductor-test')\" 2>&1 | tail -1",
        )
        with pytest.raises(BlockingIOError):
            server.accept()
    assert said.count("refused") + said.count("unreachable") == 2


def test_other_processes_are_out_of_reach(bench: ToolBench) -> None:
    """A process outside, started for this test, is neither seen nor killed by its number."""
    with subprocess.Popen(["sleep", "98783"]) as victim:
        try:
            said = inside(bench, f"cat /proc/[0-9]*/cmdline | tr '\\0' ' '; kill -9 {victim.pid}")
            assert victim.poll() is None
        finally:
            victim.kill()
    assert "bash" in said
    assert "sleep 98783" not in said


def test_limits_are_set(bench: ToolBench) -> None:
    """No core files; the file size, memory and number of open files are bounded."""
    core, data, size, files = inside(bench, "ulimit -c; ulimit -d; ulimit -f; ulimit -n").split()
    assert core == "0"
    assert int(data) * 1024 <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    assert (int(size) * 1024, files) == (4 << 30, "4096")


def test_privileges_cannot_be_had(bench: ToolBench) -> None:
    """No capability is left, and set-user-id programs give none."""
    said = inside(bench, "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status")
    assert said.split() == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


def test_a_virtual_environment_in_the_workspace_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that the kernel runs in is not writable, even where it lies in the workspace."""
    from conductor_magic.sandbox import bubblewrap

    bench = ToolBench(tmp_path)
    venv = bench.workspace / ".venv"
    venv.mkdir()
    monkeypatch.setattr(bubblewrap, "python_folders", lambda: (venv, Path(sys.prefix), Path(sys.base_prefix)))
    said = inside(bench, "echo x > .venv/evil.pth; echo x > fine; ls")
    assert "Read-only file system" in said
    assert not (venv / "evil.pth").exists()
    assert (bench.workspace / "fine").exists()


def test_the_walls_die_with_the_kernel(bench: ToolBench) -> None:
    """When the starting process is killed outright, nothing that it ran stays alive."""
    program = (
        "import asyncio, sys; from pathlib import Path; from conductor_magic.sandbox import choose_walls, run\n"
        f"walls = choose_walls('workspace', Path({str(bench.workspace)!r}), Path({str(bench.data)!r}))\n"
        "say = lambda chunk: print(chunk.decode(), flush=True)\n"
        "asyncio.run(run(walls, ['/bin/bash', '-c', 'setsid -f sleep 98781; echo up; sleep 98782'], timeout=60, "
        "cap=1000, on_output=say))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    kernel = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert kernel.stdout is not None
    with kernel, kernel.stdout:
        assert kernel.stdout.readline() == "up\n"
        assert len(processes_with("sleep 9878")) >= 2
        kernel.send_signal(signal.SIGKILL)
    waited = threading.Event()
    for _ in range(200):
        if not processes_with("sleep 9878"):
            break
        waited.wait(0.02)
    assert processes_with("sleep 9878") == []


def test_failing_bubblewrap_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bubblewrap that does not work is found out by the self-test, and the reason is a sentence."""
    from conductor_magic.sandbox import walls

    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no namespaces here' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(walls, "_bubblewrap_programs", lambda: [str(broken)])
    walls._bubblewrap.cache_clear()
    try:
        chosen = choose_walls("workspace", tmp_path, tmp_path / "data")
    finally:
        walls._bubblewrap.cache_clear()
    assert (chosen.kind, chosen.can_run, chosen.confined) == ("none", False, True)
    assert "bubblewrap failed its self-test: bwrap: no namespaces here" in chosen.reason
