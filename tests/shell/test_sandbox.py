"""The walls of both kinds: what can be seen and changed inside, proved by real commands.

What is different in Landlock walls is said in each test, and in the docstring of `sandbox/landlock.py`.
"""

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

from conductor_magic.sandbox import guarded_names, run
from tests.support.tool_bench import CANARY, ToolBench, processes_with
from tests.support.walls import KINDS


def inside(bench: ToolBench, command: str) -> str:
    """What a shell command says inside the walls, guarded as the tools guard it."""

    async def guarded() -> bytes:
        async with guarded_names(bench.context.walls, bench.data / "set-aside"):
            argv = ["/bin/bash", "-c", command]
            return (await run(bench.context.walls, argv, timeout=30, cap=1 << 20)).output

    return asyncio.run(guarded()).decode(errors="replace")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> ToolBench:
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
    return bench.inside(kind)


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


def test_masked_secrets_do_not_get_in_the_way(bench: ToolBench, kind: str) -> None:
    """Git works around them: empty files to bubblewrap's git, closed ones to Landlock's, which must ignore them."""
    if kind == "landlock":
        refused = inside(bench, "git add -A .; test -s .env && cat .env")
        assert refused.count("Permission denied") == 2
        (bench.workspace / ".gitignore").write_text(".env\n.ENV.local\nid_ed25519\n.aws\nruntime\nkey.pem\n")
    said = inside(
        bench, "git add -A . && git status --short | sort && git -c user.name=w -c user.email=w@w commit -qm x"
    )
    assert "A  src/a.py" in said
    assert ("A  .env" in said) == (kind == "bubblewrap")
    assert "fatal" not in said
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
    secret = bench.outside / "secret.txt"
    before = secret.stat()
    said = inside(
        bench,
        f"echo x > new.txt; echo x > ~/note; echo x > /tmp/conductor-left; echo x > {bench.outside}/new;"
        f"echo x > {bench.data}/journal.jsonl; echo x > {sys.prefix}/conductor-left; echo x > /usr/conductor-left;"
        "echo x > /conductor-left; echo x > $TMPDIR/note; ls ~ $TMPDIR;"
        f"chmod 777 {secret}; touch -d 2001-01-01 {secret}; truncate -s 0 {secret}; setfacl -m u:1:rwx {secret};"
        f"ln {secret} ./linked; ln -s {secret} symbolic; chmod 777 symbolic; rm -f symbolic",
    )
    after = secret.stat()
    assert (before.st_mode, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_mode,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    assert (bench.workspace / "new.txt").read_text() == "x\n"
    assert said.count("note") == 2
    assert not (bench.outside / "new").exists()
    assert (bench.data / "journal.jsonl").read_text() == CANARY
    for folder in ("/tmp", sys.prefix, "/usr", "/"):
        assert not Path(folder, "conductor-left").exists()


def test_read_only_changes_nothing(tmp_path: Path, kind: str) -> None:
    """In read-only mode the operating system refuses every write in the workspace."""
    bench = ToolBench(tmp_path, "read-only").inside(kind)
    mode = (bench.workspace / "src" / "a.py").stat().st_mode
    said = inside(
        bench,
        "cat src/a.py; echo x > src/new.py; rm src/a.py; chmod 777 src/a.py; truncate -s 0 src/a.py; touch src/a.py;"
        "echo y > $TMPDIR/t && cat $TMPDIR/t",
    )
    assert (bench.workspace / "src" / "a.py").stat().st_mode == mode
    assert "return 1" in said
    assert said.endswith("y\n")
    assert [path.name for path in (bench.workspace / "src").iterdir()] == ["a.py"]


def test_there_is_no_network(bench: ToolBench) -> None:
    """Not even this machine's own ports, datagrams, abstract sockets and named sockets are reachable."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as named,
        socket.socket(socket.AF_UNIX) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        for listening in (server, named, datagrams):
            listening.settimeout(0)
        abstract.bind("\0conductor-test")
        abstract.listen()
        named.bind(str(bench.outside / "socket"))
        stream.bind(str(bench.outside / "stream"))
        stream.listen()
        datagrams.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        said = inside(
            bench,
            f"python3 -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 2)\" 2>&1 | tail -1;"
            "python3 -c \"import socket; socket.socket(1).connect('\\0conductor-test')\" 2>&1 | tail -1;"
            "python3 -c \"import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', "
            f'{datagrams.getsockname()[1]}))" 2>&1 | tail -1;'
            f"python3 -c \"import socket; socket.socket(1, 2).sendmsg([b'x'], [], 0, '{bench.outside}/socket')\" "
            f"2>&1 | tail -1; python3 -c \"import socket; socket.socket(1).connect('{bench.outside}/stream')\" 2>&1;"
            "echo end",
        )
        for listening in (server, abstract, stream):
            listening.settimeout(0)
            with pytest.raises(BlockingIOError):
                listening.accept()
        for listening in (named, datagrams):
            with pytest.raises(BlockingIOError):
                listening.recv(10)
    assert said.endswith("end\n")


def test_other_processes_are_out_of_reach(bench: ToolBench) -> None:
    """A process outside, started for this test, is not seen, not changed and not killed by its number."""
    with subprocess.Popen(["sleep", "98783"], env={"SECRET": CANARY}) as victim:
        try:
            said = inside(
                bench,
                f"cat /proc/$$/cmdline /proc/[0-9]*/cmdline | tr '\\0' ' '; cat /proc/{victim.pid}/environ;"
                f"kill -9 {victim.pid}; kill -CONT -{os.getpgid(0)} && echo rea''ched; renice -n 19 -p {victim.pid};"
                f"taskset -p 1 {victim.pid}; prlimit --pid {victim.pid} --cpu=1:1; echo end",
            )
            assert victim.poll() is None
            priority, processors = os.getpriority(os.PRIO_PROCESS, victim.pid), os.sched_getaffinity(victim.pid)
        finally:
            victim.kill()
    assert (priority, processors) == (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
    assert "bash" in said
    assert said.endswith("end\n")
    assert "sleep 98783" not in said
    assert "reached" not in said
    assert CANARY not in said


def test_limits_are_set(bench: ToolBench) -> None:
    """No core files; the file size, memory and number of open files are bounded."""
    core, data, size, files = inside(bench, "ulimit -c; ulimit -d; ulimit -f; ulimit -n").split()
    assert core == "0"
    assert int(data) * 1024 <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    assert (int(size) * 1024, files) == (4 << 30, "4096")


def test_privileges_cannot_be_had(bench: ToolBench, kind: str) -> None:
    """No capability is left, and set-user-id programs give none."""
    said = inside(bench, "sed -nE '/CapEff|CapBnd|NoNewPrivs/p' /proc/$$/status").split()
    if kind == "landlock" and os.getuid():
        said[3] = "0" * 16  # what could be gained by a program that may not be gained
    assert said == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


def test_a_virtual_environment_in_the_workspace_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The environment that the kernel runs in is not writable, even where it lies in the workspace.

    Landlock pays for it: nothing new can be made directly in the folders around it.
    """
    from conductor_magic.sandbox import bubblewrap, landlock

    bench = ToolBench(tmp_path).inside(kind)
    venv = bench.workspace / "proj" / ".venv"
    (venv / "bin").mkdir(parents=True)
    for module in (bubblewrap, landlock):
        monkeypatch.setattr(module, "python_folders", lambda: (venv, Path(sys.prefix), Path(sys.base_prefix)))
    said = inside(
        bench,
        "echo x > proj/.venv/evil.pth; mv proj/.venv v; echo x > proj/.venv/bin/python; mv proj other; "
        "echo x > src/fine; echo x > new; ls",
    )
    assert said.count("Read-only file system" if kind == "bubblewrap" else "denied") >= 2
    assert [path.name for path in venv.rglob("*")] == ["bin"]
    assert (bench.workspace / "src" / "fine").exists()
    assert (bench.workspace / "new").exists() == (kind == "bubblewrap")


def test_the_walls_die_with_the_kernel(bench: ToolBench, kind: str) -> None:
    """When the starting process is killed outright, nothing that it ran stays alive, and no private folder is left."""
    private = bench.workspace.parent / "private"
    private.mkdir()
    sleep = f"sleep 9878{KINDS.index(kind)}"
    program = (
        "import asyncio, sys; from pathlib import Path; from conductor_magic.sandbox import choose_walls, run\n"
        "from tests.support.walls import landlock_walls\n"
        f"walls = choose_walls('workspace', Path({str(bench.workspace)!r}), Path({str(bench.data)!r}))\n"
        f"walls = landlock_walls(walls) if {kind!r} == 'landlock' else walls\n"
        "say = lambda chunk: print(chunk.decode(), flush=True)\n"
        f"asyncio.run(run(walls, ['/bin/bash', '-c', 'env -i setsid -f {sleep}1; touch ~/x; echo up; {sleep}2'], "
        "timeout=60, cap=1000, on_output=say))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(private)}
    kernel = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert kernel.stdout is not None
    with kernel, kernel.stdout:
        assert kernel.stdout.readline() == "up\n"
        assert len(processes_with(sleep)) >= 2
        kernel.send_signal(signal.SIGKILL)
    waited = threading.Event()
    for _ in range(200):
        if not processes_with(sleep) and not any(private.iterdir()):
            break
        waited.wait(0.02)
    assert processes_with(sleep) == []
    assert list(private.iterdir()) == []
