"""From the scripts of the corpus's stream rows to what a server says: see the table in the schema of the rows.

An item answers one request. What no server can do to one request alone (refuse the connection, fail its name or its
TLS) is a detour: that request is sent where it happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.messages_server import Answer, Ending, sse

__all__ = ["DETOURS", "TEXT", "answer_of", "detour_of"]

Json = dict[str, Any]
DETOURS = ("refuse", "dns_fail", "tls_fail")
TEXT = "Found three files (four with the hidden one): a, b and c."
_TERM = re.compile(r"@(?P<name>[a-z_]+)(?:\*(?P<times>\d+))?(?:\((?P<text>.*)\))?", re.DOTALL)
_TOOL = {"name": "Bash", "id": "toolu_1", "input": {"command": "ls"}}


def detour_of(item: Json) -> str | None:
    """Where the request for this item must be sent instead, or None."""
    then = item.get("then")
    return then if then in DETOURS else None


def answer_of(item: Json, number: int) -> Answer:
    """What a server answers.

    Args:
        item: of a script; not `@ok` and no detour.
        number: which item of its script it is, for ids that must differ.

    Raises:
        ValueError: a term that nobody knows.
    """
    then, stream = _then(item)
    if "status" in item:
        headers = {"content-type": "application/json"} if "json" in item else {}
        return Answer(status=item["status"], raw=_body(item), headers={**headers, **item.get("headers", {})})
    if not stream:
        return Answer(then=then)
    return Answer(raw=_Stream(item, number).written(), then=then, bytewise="@bytewise" in stream)


def _then(item: Json) -> tuple[Ending, str]:
    kind, stream = str(item.get("then", "end")).partition(":")[0], str(item.get("sse", ""))
    if not stream and "status" not in item:
        return {"eof": "hang up", "rst": "hang up hard"}.get(kind, "silence"), stream  # type: ignore[return-value]
    return "stall" if kind == "hang" else kind, stream  # type: ignore[return-value]


def _body(item: Json) -> bytes:
    if "json" in item:
        return json.dumps(item["json"]).encode()
    return bytes.fromhex(item["hex"]) if "hex" in item else str(item.get("text", "")).encode()


class _Stream:
    """The bytes of one item's stream; a block is closed when something follows that is not in it."""

    def __init__(self, item: Json, number: int) -> None:
        self._item, self._number = item, number
        self._made: list[bytes] = []
        self._index = -1
        self._open = False
        self._tools = 0

    def written(self) -> bytes:
        """All of it."""
        for term in _terms(str(self._item["sse"])):
            self._add(term)
        if "stop" in self._item:
            self._delta(self._item["stop"])
            self._stop()
        return b"".join(self._made)

    def _add(self, term: str) -> None:
        found = _TERM.fullmatch(term)
        if found is None:
            raise ValueError(f"this is no term: {term!r}")
        name, said = found["name"], found["text"] or ""
        plain: dict[str, Callable[[], None]] = {
            "start": self._start,
            "text": lambda: self._text(TEXT if found["text"] is None else said),
            "tool_partial": lambda: self._call("Bash", "toolu_1", json.dumps({"command": said})[:-2]),
            "tool_partial_keys": lambda: self._cut_between_keys(said),
            "block_stop": self._close,
            "stop": self._stop,
            "end": lambda: (self._delta("end_turn"), self._stop())[1],
            "raw": lambda: self._made.append(said.encode()),
        }
        if name in plain:
            plain[name]()
        elif name in ("tool", "same_tool_call"):
            for _ in range(int(found["times"] or 1)):
                self._tool(self._item.get("tool", _TOOL))
        elif name == "bytewise":
            for inner in _terms(said):
                self._add(inner)
        elif name.startswith("error_"):
            error = {"type": f"{name.removeprefix('error_')}_error", "message": "Overloaded"}
            self._event({"type": "error", "error": error})
        elif name.startswith("delta_"):
            self._delta(name.removeprefix("delta_"))
        else:
            raise ValueError(f"nobody knows the term @{name}")

    def _start(self) -> None:
        usage = {"input_tokens": 100, "output_tokens": 1}
        message = {"role": "assistant", "model": "claude-haiku-5-5", "content": [], "usage": usage}
        self._event({"type": "message_start", "message": message})

    def _text(self, words: str) -> None:
        self._block({"type": "text", "text": ""}, {"type": "text_delta", "text": words})

    def _cut_between_keys(self, said: str) -> None:
        tool, _, keys = said.partition(":")
        whole = dict.fromkeys(keys.partition("|")[0].split(","), "x")
        self._call(tool, "toolu_1", json.dumps(whole)[:-1] + ", ")

    def _stop(self) -> None:
        self._close()
        self._event({"type": "message_stop"})

    def _tool(self, tool: Json) -> None:
        self._tools += 1
        given = str(tool["id"]).replace("{n}", str(self._number))
        call = given if self._tools == 1 or "{n}" in tool["id"] else f"{given}_{self._tools}"
        self._call(tool["name"], call, tool["raw"] if "raw" in tool else json.dumps(tool.get("input", {})))

    def _call(self, name: str, call: str, arguments: str) -> None:
        start = {"type": "tool_use", "id": call, "name": name, "input": {}}
        self._block(start, {"type": "input_json_delta", "partial_json": arguments})

    def _block(self, start: Json, delta: Json) -> None:
        self._close()
        self._index += 1
        self._open = True
        self._event({"type": "content_block_start", "index": self._index, "content_block": start})
        self._event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self) -> None:
        if self._open:
            self._event({"type": "content_block_stop", "index": self._index})
        self._open = False

    def _delta(self, reason: str) -> None:
        self._close()
        self._event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}})

    def _event(self, event: Json) -> None:
        self._made.append(sse(event))


def _terms(written: str) -> Iterator[str]:
    """The terms between the plus signs that stand outside of parentheses."""
    depth, begun = 0, 0
    for place, sign in enumerate(written):
        depth += (sign == "(") - (sign == ")")
        if sign == "+" and depth == 0:
            yield written[begun:place]
            begun = place + 1
    yield written[begun:]
