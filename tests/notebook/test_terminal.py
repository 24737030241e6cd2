"""`%%conduct` in a real terminal: lines instead of a board, and questions at the prompt."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.floor import WHICH_STORE, Floor, done, lay_out
from tests.support.messages_server import Answer, Json, MessagesServer, text, tools


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[pexpect.spawn]:
    """IPython on a pseudo-terminal, with a scripted floor behind the key; its workers run `echo hi` and `touch no`."""

    def worker(task: str, turn: int, body: Json) -> Answer:
        commands = ["echo hi", "touch no"]
        return tools(("Bash", {"command": commands[turn - 1]})) if turn <= 2 else done(task, turn, body)

    conductor = [tools(("AskUserQuestion", {"questions": [WHICH_STORE]})), lay_out({"a": ()}), text("Under way.")]
    (tmp_path / "workspace").mkdir()
    with MessagesServer(Floor(conductor, worker)) as server:
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
            "ANTHROPIC_BASE_URL": server.url,
            "CONDUCTOR_HOME": str(tmp_path / "data"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "TERM": "dumb",
        }
        argv = ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
        child = pexpect.spawn(
            sys.executable, argv, env=env, cwd=str(tmp_path / "workspace"), encoding="utf-8", timeout=30
        )
        child.expect(r"In \[1\]: ")
        yield child
        if child.isalive():
            child.kill(signal.SIGKILL)
            child.wait()
        child.close()


def _begin(shell: pexpect.spawn) -> None:
    shell.sendline("import IPython; ip = get_ipython(); ip.run_line_magic('load_ext', 'conductor_magic')")
    shell.expect(r"In \[2\]: ")
    shell.sendline("r = ip.run_cell_magic('conduct', '--mode ask', 'Do it.')")


def test_questions_are_put_at_the_prompt(shell: pexpect.spawn, tmp_path: Path) -> None:
    """The conductor's question takes a number, a permission a number too, an empty line is a no."""
    _begin(shell)
    shell.expect("The conductor asks: Which store")
    shell.expect("own words: ")
    shell.sendline("2")
    shell.expect("#1 asks: Run this command")
    shell.expect("echo hi")
    shell.expect("own words: ")
    shell.sendline("2")
    shell.expect("touch no")
    shell.expect("own words: ")
    shell.sendline("")
    shell.expect(r"In \[3\]: ")
    shell.sendline("print('end', r.status, [(q.answered_by, *q.answers.values()) for q in r.questions])")
    shell.expect(r"end (.*)\r\n")
    assert shell.match is not None
    assert shell.match[1].strip() == (
        "completed [('person', 'Postgres (Recommended)'), ('person', 'Yes, once'), ('person', 'No')]"
    )
    assert not (tmp_path / "workspace" / "no").exists()


def test_ctrl_c_at_the_prompt_stops_the_run(shell: pexpect.spawn) -> None:
    """The run is cancelled and bound, and the shell goes on."""
    _begin(shell)
    shell.expect("own words: ")
    shell.sendintr()
    shell.expect("was cancelled")
    shell.expect(r"In \[3\]: ")
    shell.sendline("print('alive', 6 * 7)")
    shell.expect("alive 42")
