"""Journals as our own recorder writes them: twenty tasks played by scripted models, ended or killed in the middle."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from conductor_magic.journal import NAME, encode, read_records
from conductor_magic.option_checks import check_options
from conductor_magic.run import start
from tests.support.floor import done, lay_out, task_text
from tests.support.messages_server import Answer, MessagesServer, text, tools

__all__ = ["TASKS", "killed", "recorded", "twenty_tasks"]

TASKS = 20
_GRAPH = {f"t{n}": tuple(f"t{before}" for before in range(max(1, n - 5), n - 3)) for n in range(1, TASKS + 1)}
_PUBLISH = "publish('numbers', [1, 2, 3])"


def twenty_tasks(body: dict[str, Any], number: int) -> Answer:
    """The models of the run. Each answers by what it is shown, so it can be met anywhere in a conversation."""
    turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
    if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
        return lay_out(_GRAPH, prefix="plan") if turn == 1 else text("Under way." if turn == 2 else "All of it.")
    task = task_text(body)
    if turn == 1 and task == "t1":
        return tools(("Python", {"code": _PUBLISH}), prefix=task)
    if turn == 1:
        note = ("Write", {"file_path": f"{task}.md", "content": f"About {task}.\n"})
        return tools(note, ("Glob", {"pattern": "*.md"}), words=f"I look at {task}.", prefix=task)
    return done(task, turn, body)


def recorded(home: Path, workspace: Path) -> Path:
    """Play the run to its end; gives its folder."""
    workspace.mkdir(parents=True, exist_ok=True)
    before = {name: os.environ.get(name) for name in ("CONDUCTOR_HOME", "ANTHROPIC_BASE_URL")}
    with MessagesServer(twenty_tasks) as server:
        os.environ |= {"CONDUCTOR_HOME": str(home), "ANTHROPIC_BASE_URL": server.url}
        try:
            options = check_options({"quiet": True, "workspace": str(workspace), "workers": 6})
            run = start("Do all of it.", options)
            result = run.wait(120)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
    assert (result.status, len(result)) == ("completed", TASKS), result.reason
    return run.folder


def killed(folder: Path, name: str) -> Path:
    """A copy of an ended run's folder as a kill in the middle of its work would have left it."""
    records, _ = read_records(folder / NAME)
    ends = [record.seq for record in records if record.event.kind == "worker.ended"]
    copy = folder.with_name(name)
    shutil.copytree(folder, copy)
    (copy / NAME).write_bytes(b"".join(encode(record) for record in records[: ends[len(ends) // 2] + 5]))
    return copy
