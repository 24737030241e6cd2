"""A conversation with the rehearsal, held as an engine would hold it."""

from __future__ import annotations

import json
from typing import Any

from conductor_magic.models.rehearsal import wire
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.transport import MODELS, reply_to
from conductor_magic.prompts import PREAMBLE, conductor_prompt
from conductor_magic.tools.conductor import DEFINITIONS

__all__ = ["MODEL", "PENGUINS", "Talk", "first_request", "goal", "launched", "worker"]

Json = dict[str, Any]
MODEL = MODELS["sonnet"]
PENGUINS = {"name": "penguins", "text": "`penguins`: pandas.DataFrame, 344 rows × 8 columns\nspecies island"}
GUIDES = (("data-analysis", "explore data"),)


def goal(
    *variables: Json, text: str = "Explore the penguins.", guide: str | None = None, plans_only: bool = False
) -> str:
    """The conductor's first message."""
    return conductor_prompt(text, "/ws", variables, GUIDES, guide, 8, plans_only=plans_only)


def first_request(text: str = "Explore the penguins.") -> Json:
    """The body of a conductor's first request."""
    messages = [{"role": "user", "content": goal(PENGUINS, text=text)}]
    return {"model": MODEL, "max_tokens": 64_000, "tools": list(DEFINITIONS), "messages": messages}


class Talk:
    """A conversation with the rehearsal, held as an engine would."""

    def __init__(self, first: str, tools: tuple[Json, ...] = DEFINITIONS) -> None:
        self.body: Json = {"model": MODEL, "max_tokens": 64_000, "tools": list(tools), "messages": []}
        self.tell(first)

    def tell(self, text: str) -> Turn:
        """Say something; the turn that answers it."""
        return self._next({"role": "user", "content": text})

    def answer(self, *results: str, is_error: bool = False) -> Turn:
        """Give the results of the last turn's calls; the next turn."""
        uses = [block["id"] for block in self.body["messages"][-1]["content"] if block["type"] == "tool_use"]
        blocks = [
            {"type": "tool_result", "tool_use_id": use, "content": result, "is_error": is_error}
            for use, result in zip(uses, results, strict=True)
        ]
        return self._next({"role": "user", "content": blocks})

    def _next(self, message: Json) -> Turn:
        self.body["messages"].append(message)
        self.turn = reply_to(self.body)
        self.body["messages"].append({"role": "assistant", "content": wire.message(self.body, self.turn)["content"]})
        return self.turn


def launched(talk: Talk) -> list[Json]:
    """Answer the plan's calls as the engine does; the tasks as created."""
    created = [call.input for call in talk.turn.calls if call.name == "TaskCreate"]
    ids = {task["key"]: str(at) for at, task in enumerate(created, 1)}
    results = [json.dumps({"task": {"id": ids[task["key"]], "subject": task["subject"]}}) for task in created]
    talk.answer(*results, *(json.dumps({"taskId": key, "status": "running", "waitsFor": []}) for key in ids))
    return created


def worker(recipe: str, *tools: str, earlier: str = "") -> Talk:
    """A worker's conversation, begun."""
    results = f"\n\nRESULTS OF EARLIER TASKS\n{earlier}" if earlier else ""
    prompt = f"{PREAMBLE}Look.\n\nRECIPE: {recipe}\nVARIABLE: x{results}\n\nWORKSPACE\n/ws\n\nRETURN\nMarkdown"
    return Talk(prompt, tuple({"name": name} for name in tools))
