"""What is Landlock's own: its keeper, secrets under other names, older versions of it, and the tools inside it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_magic.sandbox import run, start, start_piped
from tests.support.tool_bench import CANARY, ToolBench, processes_with
from tests.support.walls import landlock_walls


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolBench:
    """Mode workspace inside Landlock, with a temporary folder of its own to see what is left in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    bench = ToolBench(tmp_path)
    return bench.inside("landlock")


def left(bench: ToolBench) -> list[str]:
    """What is in the temporary folder."""
    return [path.name for path in (bench.workspace.parent / "temporary").iterdir()]


def bash(bench: ToolBench, command: str) -> str:
    """What one call of the Bash tool gives."""
    return str(bench.call("Bash", command=command).content)


def test_private_folders_are_there_and_removed(bench: ToolBench) -> None:
    """Home and temporary folder are empty, private and gone afterwards, whatever was done to them."""
    said = bash(
        bench,
        "ls -A ~ $TMPDIR; stat -c %a ~ $TMPDIR; mkdir -p ~/a/b && touch ~/a/b/c && chmod 000 ~/a/b ~/a; "
        "ln -s / $TMPDIR/root; mktemp -d > /dev/null; echo ~",
    )
    home = said.splitlines()[-1]
    temporary = bench.workspace.parent / "temporary"
    assert said.startswith(f"{home}:\n\n{home[:-5]}/tmp:\n700\n700\n")
    assert Path(home).is_relative_to(temporary)
    assert left(bench) == []


def test_exit_codes_and_signals(bench: ToolBench) -> None:
    """The command's own end is told, also by the keeper in between; a program that is missing too."""

    async def codes() -> list[int]:
        commands = (["/bin/sh", "-c", "exit 7"], ["/bin/sh", "-c", "kill -9 $$"], ["/no/such/program"])
        return [(await run(bench.context.walls, argv, timeout=20, cap=1000)).code for argv in commands]

    assert asyncio.run(codes()) == [7, 128 + signal.SIGKILL, 126]


def test_what_left_its_group_and_its_environment_is_ended(bench: ToolBench) -> None:
    """Detached children without any mark end with the call, even after it was cancelled."""
    detached = "env -i setsid -f sleep 98731; (setsid -f env -i sh -c 'sleep 98732 & sleep 98733')"
    assert bash(bench, f"{detached}; echo done") == "done"
    assert processes_with("sleep 9873") == []

    async def cancel_midway() -> None:
        said = asyncio.Event()
        bench.context.on_output = lambda text: said.set()
        task = asyncio.ensure_future(bench.call_async("Bash", command=f"{detached}; echo up; sleep 98734"))
        await asyncio.wait_for(said.wait(), 20)
        assert len(processes_with("sleep 9873")) >= 4
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_midway())
    assert processes_with("sleep 9873") == []
    assert left(bench) == []


def test_a_killed_keeper_leaves_nothing(bench: ToolBench) -> None:
    """When the keeper dies without clearing up, its command ends, and the run removes the rest."""

    async def kill_keeper() -> None:
        started = await start(bench.context.walls, ["/bin/sh", "-c", "setsid -f sleep 98735; echo up; sleep 98736"])
        assert await asyncio.wait_for(started.output.readline(), 20) == b"up\n"
        os.kill(started.process.pid, signal.SIGKILL)
        await started.process.wait()
        assert len(left(bench)) == 1
        await started.end()

    asyncio.run(kill_keeper())
    assert processes_with("sleep 9873") == []
    assert left(bench) == []


def test_a_keeper_is_out_of_the_commands_reach(bench: ToolBench) -> None:
    """The command can neither signal nor read its keeper, which is not inside the walls."""
    said = bash(bench, "kill -9 $PPID; kill -TERM $PPID; cat /proc/$PPID/environ /proc/$PPID/cmdline; echo still here")
    assert said.count("denied") + said.count("not permitted") == 4
    assert said.endswith("still here")
    program = (
        "import ctypes, os, struct, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "place = ctypes.create_string_buffer(8)\nvector = struct.pack('PN', ctypes.addressof(place), 8)\n"
        "for victim in (os.getppid(), int(sys.argv[1])):\n"
        "    handle = os.pidfd_open(victim)\n"
        "    for act in (lambda: libc.ptrace(0x4206, victim, 0, 0), lambda: libc.syscall(438, handle, 0, 0),\n"
        "                lambda: libc.process_vm_readv(victim, vector, 1, vector, 1, 0)):\n"
        "        print(act(), os.strerror(ctypes.get_errno()))\n"
    )
    walls = bench.context.walls
    outcome = asyncio.run(run(walls, [sys.executable, "-c", program, str(os.getpid())], timeout=20, cap=9999))
    assert outcome.output.decode() == "-1 Operation not permitted\n" * 6


def test_descriptors_and_streams_are_passed(bench: ToolBench) -> None:
    """What `start` and `start_piped` hand over arrives inside."""

    async def talk() -> tuple[bytes, bytes]:
        reading, writing = os.pipe()
        os.write(writing, b"given\n")
        os.close(writing)
        started = await start(bench.context.walls, ["/bin/bash", "-c", f"cat <&{reading}"], pass_fds=[reading])
        os.close(reading)
        given = await started.output.read()
        await started.end()
        piped = await start_piped(bench.context.walls, ["/bin/sh", "-c", "read line; echo got $line"])
        piped.input.write(b"asked\n")
        answer = await piped.output.readline()
        await piped.end()
        return given, answer

    assert asyncio.run(talk()) == (b"given\n", b"got asked\n")
    assert left(bench) == []


def test_modes_owners_and_times_can_be_set_inside(bench: ToolBench) -> None:
    """The keeper does inside the walls what it refuses outside: by path, by descriptor, by link, to the nanosecond."""
    said = bash(
        bench,
        "printf '#!/bin/sh\\necho ran\\n' > run.sh; chmod +x run.sh && ./run.sh; cd src; chmod 640 ../run.sh;"
        "stat -c %a ../run.sh; touch -d '2001-02-03 04:05:06.123456789 UTC' a.py; cp -p a.py b.py;"
        "TZ=UTC stat -c %y b.py; chown $(id -u) b.py && chown :$(id -g) b.py && echo owned; ln -s a.py l;"
        "touch -h -d 2002-01-01 l; stat -c %y l | cut -c1-4; touch -a -d 2003-01-01 a.py; stat -c %x a.py | cut -c1-4;"
        "stat -c %y a.py | cut -c1-4;"
        'python3 -c \'import os; f = open("a.py"); os.fchmod(f.fileno(), 0o600); os.chmod("/proc/self/fd/3", 0o604)\';'
        "stat -c %a a.py; chmod 600 missing; truncate -s 3 a.py; wc -c < a.py",
    )
    assert said.splitlines() == [
        "ran", "640", "2001-02-03 04:05:06.123456789 +0000", "owned", "2002", "2003", "2001", "604",
        "chmod: cannot access 'missing': No such file or directory", "3",
    ]  # fmt: skip


def test_everyday_programs_work(bench: ToolBench) -> None:
    """Git, a compiler's chmod, sqlite, tar, sed, pipes between processes, temporary files."""
    said = bash(
        bench,
        "set -e; git init -q r; cd r; git config user.name w; git config user.email w@w; echo 1 > a; git add a;"
        "git commit -qm one; git log --format=%s; cd ..; sed -i s/return/RETURN/ src/a.py; grep -c RETURN src/a.py;"
        "tar cf t.tar src; mkdir u; tar xf t.tar -C u; ls u; cat <(echo piped) | tee /dev/stderr; "
        'python3 -c \'import sqlite3; c = sqlite3.connect("d"); c.execute("create table t(a)"); print(1)\';'
        'python3 -c \'import subprocess; print(subprocess.check_output(["echo", "sub"]))\';'
        "python3 -c 'import asyncio; asyncio.run(asyncio.sleep(0)); import tempfile as t; t.TemporaryFile()'; echo ok",
    )
    assert said.splitlines() == ["one", "1", "src", "piped", "piped", "1", "b'sub\\n'", "ok"]


def test_a_secret_stays_one_under_any_name(bench: ToolBench) -> None:
    """Moved, linked, or in a moved folder, it cannot be read: not by this command, not by a later one."""
    ws = bench.workspace
    (ws / ".env").write_text(CANARY)
    (ws / "src" / ".aws").mkdir()
    (ws / "src" / ".aws" / "credentials").write_text(CANARY)
    (ws / "other").hardlink_to(ws / ".env")
    first = bash(bench, "cat other .env; mv .env plain; cat plain; ln plain linked; mv src/.aws src/aws; cat src/aws/*")
    second = bash(bench, "cat plain linked src/aws/* src/.aws/*; mv .env src/plain; ln .env src/linked; cat src/*")
    third = bash(bench, "cat plain linked src/plain src/linked; grep -rs CANARY .; cat other")
    assert CANARY not in first + second + third
    assert "undone: moved .env to plain" in first or "moved .env to" in first
    assert (ws / ".env").read_text() == CANARY
    assert (ws / "src" / ".aws" / "credentials").read_text() == CANARY


def test_new_files_beside_a_secret_are_read_by_the_next_command(bench: ToolBench) -> None:
    """The price of Landlock's way of hiding: told in the reason, and only where a secret lies."""
    assert bash(bench, "echo one > new; cat new") == "one"
    (bench.workspace / ".env").write_text(CANARY)
    assert "Permission denied" in bash(bench, "echo two > new2; cat new2")
    assert bash(bench, "cat new2; echo three > src/new3; cat src/new3; cat new") == "two\nthree\none"


@pytest.mark.parametrize("abi", [1, 2, 3, 4, 5, 6])
def test_older_versions_contain_too(bench: ToolBench, abi: int) -> None:
    """What an older Landlock does not know, the filter and the keeper make up for."""
    bench.context.walls = landlock_walls(bench.context.walls, abi)
    secret = bench.outside / "secret.txt"
    (bench.workspace / ".env").write_text(CANARY)
    with subprocess.Popen(["sleep", "98737"]) as victim:
        try:
            said = bash(
                bench,
                f"cat {secret} .env; kill -9 {victim.pid} $PPID; kill -CONT -{os.getpgid(0)} && echo rea''ched;"
                f"truncate -s 0 {secret}; python3 -c 'import os; os.truncate(\"{secret}\", 0)';"
                f"python3 -c 'import os; os.open(\"{secret}\", os.O_RDONLY | os.O_TRUNC)';"
                f"python3 -c 'import signal, os; signal.pidfd_send_signal(os.pidfd_open({victim.pid}), 9)';"
                "sleep 60 & kill $!; wait $!; echo $?; timeout 0.1 sleep 60; echo $?; echo abc > src/t;"
                "truncate -s 1 src/t; wc -c < src/t; python3 -c 'import socket; socket.socket()' 2>&1 | tail -1",
            )
            assert victim.poll() is None
        finally:
            victim.kill()
    assert CANARY not in said
    assert "reached" not in said
    assert secret.read_text() == CANARY
    assert [line for line in said.splitlines() if line.isdigit()] == ["143", "124", "1"]
    assert said.endswith("Operation not supported")


@pytest.mark.parametrize("abi", [1, 2, 3])
def test_what_may_be_read_cannot_be_cut(bench: ToolBench, abi: int) -> None:
    """Opening for reading and cutting at once is no way around it, whatever Landlock knows."""
    given = bench.outside / "given"
    given.write_text("all of it")
    walls = landlock_walls(bench.context.walls, abi)
    program = (
        f"import os\nfor act in (lambda: os.open({str(given)!r}, os.O_RDONLY | os.O_TRUNC), "
        f"lambda: os.truncate({str(given)!r}, 0)):\n"
        "    try: act()\n    except PermissionError: print('refused')\n"
        f"print(open({str(given)!r}).read())"
    )

    async def cut() -> bytes:
        started = await start(walls, ["python3", "-c", program], readable=[given])
        said = await started.output.read()
        await started.end()
        return said

    assert asyncio.run(cut()) == b"refused\nrefused\nall of it\n"


def test_python_works_inside(bench: ToolBench) -> None:
    """The kernel speaks, keeps variables, hands artifacts back, sees no secret, and ends with all it started."""
    (bench.data / "journal.jsonl").write_text(CANARY)
    forbidden = [bench.outside / "secret.txt", bench.data / "journal.jsonl", f"/proc/{os.getpid()}/environ"]
    first, second, third = bench.calls(
        ("Python", {"code": "x = 20\nimport os, tempfile; open('made.txt', 'w').write('here')"}),
        ("Python", {"code": "import pandas; publish('t', pandas.DataFrame({'a': [x]})); open('made.txt').read()"}),
        (
            "Python",
            {
                "code": f"for name in {list(map(str, forbidden))}:\n"
                "    try: print(open(name).read())\n    except OSError as error: print(error.strerror)\n"
                "import subprocess; subprocess.Popen(['setsid', '-f', 'env', '-i', 'sleep', '98738']); os.listdir('.')"
            },
        ),
    )
    assert first.content == "4"
    assert "'here'" in str(second.content)
    assert [artifact.name for artifact in second.artifacts] == ["t"]
    assert third.content == "Permission denied\n" * 3 + "['src', 'made.txt']"
    assert processes_with("sleep 98738") == []
    assert left(bench) == []
