"""Plays the rows about a cell's line and body in a real kernel: one for all rows, a scripted server behind it."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.corpus.world import Tree, World
from tests.support.floor import done, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools

__all__ = ["Notebook"]

Json = dict[str, Any]
_SETUP = """
import os
os.chdir({workspace!r})
%load_ext conductor_magic
five, sales, report = 5, [1, 2, 3], "untouched"
"""
_SLOW_TURNS = 400
_EXPECTED = ("status", "execute_input", "stream")


class Notebook:
    """A kernel in a world of its own, with a key and a server that counts requests.

    Args:
        base: an empty folder.
    """

    def __init__(self, base: Path) -> None:
        self._stack = ExitStack()
        self.world = self._stack.enter_context(World(base))
        self.slow = False
        self.server = self._stack.enter_context(MessagesServer(self._answer))
        env = {
            **self.world.environment(),
            "ANTHROPIC_API_KEY": "CANARY-KEY-0001",
            "ANTHROPIC_BASE_URL": self.server.url,
        }
        self.session: Session = self._stack.enter_context(started(kernel(env=env)))
        self.session.run(_SETUP.format(workspace=str(self.world.ws)))

    def close(self) -> None:
        """End the kernel and the server."""
        self._stack.close()

    def judge(self, row: Json) -> list[str]:
        """Play a row; what is wrong with it."""
        play = {"%%conduct": self._cell, "environment": self._environment}[row["surface"]]
        wrong = [said for said in play(row) if said]
        if self.session.run("print(report)") != "untouched\n":
            self.session.run("report = 'untouched'")
        shutil.rmtree(self.world.data / "runs", ignore_errors=True)
        return wrong

    # --- the server --------------------------------------------------------------------------------------------------

    def _answer(self, body: Json, number: int) -> Answer:
        if any(tool["name"] == "TaskCreate" for tool in body["tools"]):
            turn = sum(message["role"] == "assistant" for message in body["messages"])
            return lay_out({"a": ()}) if turn == 0 else text("All done.")
        turn = sum(message["role"] == "assistant" for message in body["messages"]) + 1
        if self.slow and turn < _SLOW_TURNS:
            return tools(("Glob", {"pattern": "*.md"}), first_seconds=0.1)
        return done("a", turn, body)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _cell(self, row: Json) -> list[str]:
        given = self.world.expanded(row["input"])
        if row["expect"] == "usage_error":
            return self._refused(f"%%conduct report {given['line']}\n{given['cell']}")
        before = self.world.look()
        requests = len(self.server.requests)
        printed, errors = self._reply(f"%%conduct report -q {given['line']}\n{given['cell']}")
        wrong = [f"the cell said: {printed}{errors}"] if errors or printed.startswith("UsageError") else []
        wrong += self._unchanged(before)
        if wrong:
            return wrong
        goal = given.get("goal", given["cell"].strip())
        said = self.session.run("import json; print(json.dumps([report.goal, report.status, report.reason]))")
        if json.loads(said) != [goal, "completed", ""]:
            return [f"goal, status and reason are {said}"]
        first = json.dumps(self.server.requests[requests]["messages"][0]["content"], ensure_ascii=False)
        if json.dumps(f"GOAL\n{goal}\n\n", ensure_ascii=False)[1:-1] not in first:
            wrong.append(f"the conductor was sent: {first[:300]}")
        return wrong

    def _environment(self, row: Json) -> list[str]:
        return self._no_key() if "key" in row["input"] else self._second_run()

    def _no_key(self) -> list[str]:
        """Without a key: `auto` rehearses and says what to set; who insists on Claude gets one line that names it."""
        taken = "import os; key = {n: os.environ.pop(n) for n in list(os.environ) if 'ANTHROPIC' in n}"
        self.session.run(taken)
        try:
            wrong = self._refused("%%conduct report --provider anthropic\nGo.", says="ANTHROPIC_API_KEY")
            _, errors = self._reply("%%conduct report -q\nCount the files.")
            said = self.session.run(
                "print(report.provider, report.status, next(iter(report.events)).event.provider_note)"
            )
        finally:
            self.session.run("os.environ.update(key)")
        if errors or not said.startswith("rehearsal completed") or "ANTHROPIC_API_KEY" not in said:
            wrong.append(f"without a key: {said}{errors}")
        return wrong

    def _second_run(self) -> list[str]:
        """While one run works in a workspace, a second is refused and told whose it is."""
        self.slow = True
        try:
            self.session.run("%%conduct first -b -q\nGo.")
            owner = self.session.run("print(first.id)").strip()
            wrong = self._refused("%%conduct report\nGo.", says=owner, runs=1)
        finally:
            self.slow = False
            self.session.run("first.cancel(); ended = first.wait(20)")
        return wrong

    # --- what is checked ---------------------------------------------------------------------------------------------

    def _refused(self, cell: str, *, says: str = "", runs: int = 0) -> list[str]:
        """What is wrong unless the cell is answered by one line, and nothing else happens."""
        before, requests = self.world.look(), len(self.server.requests)
        bound = self.session.run("print(report, id(_))")
        printed, others = self._reply(cell)
        wrong = [] if printed.startswith("UsageError: ") and says in printed else [f"it said: {printed!r}"]
        if printed.count("\n") != 1 or not printed.rstrip("\n").isprintable():
            wrong.append(f"it is not one plain line: {printed!r}")
        if others:
            wrong.append(f"it published more: {others}")
        if not self.slow and len(self.server.requests) != requests:
            wrong.append("the API was called")
        made = list((self.world.data / "runs").glob("*")) if (self.world.data / "runs").exists() else []
        if len(made) != runs:
            wrong.append(f"folders of runs: {made}")
        if (now := self.session.run("print(report, id(_))")) != bound:
            wrong.append(f"NAME and _ are now: {now}")
        return wrong + self._unchanged(before)

    def _unchanged(self, before: dict[str, Tree]) -> list[str]:
        return [] if self.world.look()["inside"] == before["inside"] else ["the workspace changed"]

    def _reply(self, code: str) -> tuple[str, list[Json]]:
        """What the cell printed, and all that it published besides (its result aside)."""
        start = len(self.session.seen)
        request = self.session.client.execute(code)
        self.session.until_idle(request, 60)
        others = [message for message in self.session.seen[start:] if message["msg_type"] not in _EXPECTED]
        return self.session.printed_by(request), [
            {"type": message["msg_type"], "content": str(message["content"])[:500]}
            for message in others
            if message["msg_type"] != "execute_result" or code.startswith("%%conduct report --")
        ]
