"""Workers whose commands and code hang, spin, flood, fork and allocate without end: capped, told, and soon over it.

Each in a whole run over HTTP through the real tools in real walls: the call is answered, the same worker goes on with
its next call, and nothing is left running. What is dangerous is finite here, so that a cap that fails harms nothing:
the fork bomb stops by itself, and memory is asked for, not touched.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.events import ToolEnded
from tests.shell.conftest import Play
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, text, tools
from tests.support.tool_bench import processes_with

RECOVER_SECONDS = 5.0
LIMIT_MS = 1_000
"""What a call is given; it is to be over this much and `RECOVER_SECONDS` later."""

FORKS = """
import os, time
made = 0
for _ in range(700):
    try:
        if os.fork() == 0:
            time.sleep(98_801)
    except OSError as error:
        print("refused after", made, error)
        break
    made += 1
time.sleep(98_801)
"""

CUT = "characters left out"

BASH = {
    "hang": ("sleep 98801", "still running after 1 s"),
    "hang that ignores signals": ("trap '' INT TERM HUP; while :; do sleep 98801; done", "still running after 1 s"),
    "busy loop": ("sleep 98801 & while :; do :; done", "still running after 1 s"),
    "a thousand million bytes": ("head -c 1000000000 /dev/zero | tr '\\0' x; sleep 98801", "wrote more than 16 MiB"),
    "fork bomb": (f"python3 -c '{FORKS}'", "still running after 1 s"),
    "40 GiB": ("python3 -c 'bytearray(40 << 30)'", "MemoryError"),
}
PYTHON = {
    "hang": ("import time\ntime.sleep(98801)", "interrupted after 1 s; the variables are still there"),
    "hang that ignores interrupts": (
        "import time\nwhile True:\n    try:\n        time.sleep(98801)\n    except BaseException:\n        pass",
        "did not stop when interrupted; all variables are lost",
    ),
    "busy loop": ("while True: pass", "interrupted after 1 s"),
    "a thousand million bytes": (
        "import sys\nfor _ in range(1000): sys.stdout.write('x' * 1_000_000)",
        CUT,
    ),
    "fork bomb": (FORKS, "1 s"),
    "40 GiB": ("x = bytearray(40 << 30)", "MemoryError"),
}
SHORT = ("Bash, hang", "Bash, fork bomb", "Python, busy loop")
"""Cases that run each time; `make faults` has them all."""

CASES = [
    pytest.param(
        tool, argument, *case, id=f"{tool}, {name}", marks=() if f"{tool}, {name}" in SHORT else pytest.mark.slow
    )
    for tool, argument, cases in (("Bash", "command", BASH), ("Python", "code", PYTHON))
    for name, case in cases.items()
]


def processes() -> int:
    return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())


@pytest.mark.parametrize(("tool", "argument", "code", "said"), CASES)
def test_it_is_capped_and_told_and_its_worker_goes_on(
    play: Play, tmp_path: Path, tool: str, argument: str, code: str, said: str
) -> None:
    """Within five seconds of its limit the call is answered; the next one works; nothing is left behind."""
    after = ("Bash", {"command": "echo as ever"}) if tool == "Bash" else ("Python", {"code": "print('as ever')"})

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        if turn == 1:
            # Started before it counts: what is measured is how long the fault holds the worker up.
            return tools(after, prefix="one")
        if turn == 2:
            return tools((tool, {argument: code, "timeout": limit}), prefix="two")
        return tools(after, prefix="three") if turn == 3 else done(task, turn, body)

    # A flood is stopped by its size, however slow the machine is.
    limit = 60_000 if said == CUT or said.startswith("wrote") else LIMIT_MS
    before = processes()
    floor = Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")], worker)
    result = play(floor)
    assert (result.status, result.answer) == ("completed", "The answer."), result.reason
    ends = [
        record.event
        for record in result.events
        if isinstance(record.event, ToolEnded) and record.event.by != "conductor"
    ]
    # Of Python's output the worker gets both ends; there is nothing wrong with the code itself.
    assert [end.is_error for end in ends] == [False, said != CUT, False], [str(end.content)[:500] for end in ends]
    assert said in str(ends[1].content), str(ends[1].content)[-500:]
    assert len(str(ends[1].content)) < 40_000
    assert "as ever" in str(ends[2].content)
    assert ends[1].seconds <= LIMIT_MS / 1000 + RECOVER_SECONDS
    print(f"over {max(0.0, ends[1].seconds - LIMIT_MS / 1000):.2f} s after its limit")
    assert processes_with("98801") == []
    until = time.monotonic() + 5
    while processes() > before + 25 and time.monotonic() < until:
        time.sleep(0.1)
    assert processes() <= before + 25, "processes are left behind"
