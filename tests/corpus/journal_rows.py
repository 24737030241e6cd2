"""The operations of the rows about journals, done to a journal of our own, by the names that our records have.

A row names a record by its number and a field by a general word. Played are both: the row to the letter (a field that
we do not have is a field that nobody reads), and what it means, in the records that have such a field (`MEANT`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conductor_magic.journal.lines import line_of

__all__ = ["mutated"]

Json = dict[str, Any]
Lines = list[bytes]

MEANT: dict[str, tuple[tuple[str, str], ...]] = {
    "result": (
        ("tool.ended", "content"),
        ("worker.ended", "output"),
        ("worker.ended", "value"),
        ("run.ended", "value"),
        ("tool.started", "input"),
    ),
    "artifact": (("artifact.saved", "path"),),
    "cost": (("request.ended", "usd"), ("request.ended", "list_usd"), ("request.sent", "reserved")),
    "blocked_by": (("task.created", "blocked_by"),),
}
"""A row's field -> kinds of events and their fields."""

_PROSE = {
    "goal", "text", "content", "output", "subject", "description", "active_form", "prompt", "answer", "error", "phase",
    "provider_note", "isolation_note", "system", "name", "input",
}  # fmt: skip
"""Fields whose words anybody may choose."""

MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>"


def mutated(content: bytes, steps: list[list[Any]], secret: Path) -> Iterator[tuple[str, bytes]]:
    """The journal as the row wants it, in each of its readings: what was done, and the bytes.

    Args:
        content: the journal.
        steps: what the row does to it.
        secret: the file outside that a path of the row is to lead to, beside the data folder.
    """
    readings: list[tuple[str, bytes]] = [("", content)]
    for name, *arguments in steps:
        readings = [
            (f"{done} {what}".strip(), changed)
            for done, before in readings
            for what, changed in _STEPS[name](before, *arguments)
        ]
        if name == "edit_field" and arguments[0]["field"] == "artifact":
            readings += _artifacts_elsewhere(content, secret)
    yield from readings


def _event(line: bytes) -> Json:
    return json.loads(line)["event"]


def _rewritten(line: bytes, event: Json, *, seq: int | None = None, at: float | None = None) -> bytes:
    """The line with another event, number or moment, and a sum that fits."""
    record = json.loads(line)
    said = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return line_of(record["seq"] if seq is None else seq, record["at"] if at is None else at, said)


def _replaced(lines: Lines, place: int, line: bytes) -> bytes:
    return b"".join([*lines[:place], line, *lines[place + 1 :]])


def _flip_bit(content: bytes, where: Json) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True)
    place = where["record"] - 1
    for at in (3, 11, 20, len(lines[place]) // 2, len(lines[place]) - 3):
        changed = bytearray(lines[place])
        changed[at] ^= 1
        yield f"byte {at}", _replaced(lines, place, bytes(changed))


def _delete_record(content: bytes, number: int) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True)
    yield "", _replaced(lines, number - 1, b"")


def _insert_record(content: bytes, what: Json) -> Iterator[tuple[str, bytes]]:
    """As it stands; with a number and a sum of its own; and with all later numbers moved on."""
    lines, place, event = content.splitlines(keepends=True), what["after"], what["record"]
    yield "as it stands", b"".join([*lines[:place], json.dumps(event).encode() + b"\n", *lines[place:]])
    new = _rewritten(lines[place - 1], event, seq=place + 1)
    yield "with a sum", b"".join([*lines[:place], new, *lines[place:]])
    later = [_rewritten(line, _event(line), seq=seq) for seq, line in enumerate(lines[place:], place + 2)]
    yield "and renumbered", b"".join([*lines[:place], new, *later])
    first = _event(lines[0])
    yield "in the first record", _replaced(lines, 0, _rewritten(lines[0], {**first, "mode": event["mode"]}))


def _edit_field(content: bytes, what: Json) -> Iterator[tuple[str, bytes]]:
    lines, field, value, fixed = content.splitlines(keepends=True), what["field"], what["value"], what["fix_checksum"]

    def edited(place: int, name: str) -> bytes:
        event = _event(lines[place])
        new: Any = value
        if field == "blocked_by" and name in event:
            new = [event["task"]]
        elif isinstance(value, dict) and name == "content":
            new = [value]
        line = _rewritten(lines[place], {**event, name: new})
        return _replaced(lines, place, line if fixed else lines[place][:18] + line[18:])

    yield "to the letter", edited(what["record"] - 1, field)
    found = False
    for kind, name in MEANT[field]:
        for place, line in enumerate(lines):
            event = _event(line)
            by_worker = not kind.startswith("tool.") or event.get("by") != "conductor"
            if event["kind"] == kind and by_worker and _takes(name, value):
                found = True
                yield f"{kind}.{name}", edited(place, name)
                break
    assert found, f"no record has a {field}"


def _artifacts_elsewhere(content: bytes, secret: Path) -> Iterator[tuple[str, bytes]]:
    """The artifact lies where the secret does: from the run's folder, from the root, and by a way through its own."""
    lines = content.splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if _event(line)["kind"] == "artifact.saved")
    event = {**_event(lines[place]), "mime": "text/plain", "size": secret.stat().st_size}
    up = "../../.."
    for path in (f"{up}/out/{secret.name}", str(secret), f"artifacts/../{up}/out/{secret.name}"):
        yield f"artifact.saved at {path}", _replaced(lines, place, _rewritten(lines[place], {**event, "path": path}))


def _takes(name: str, value: Any) -> bool:
    """Whether the field can hold such a value: a text no object, and the arguments of a call nothing else."""
    if isinstance(value, dict):
        return name in ("content", "value", "input")
    return name != "input" or not isinstance(value, str)


def _set_version(content: bytes, version: int) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True)
    yield "", _replaced(lines, 0, _rewritten(lines[0], {**_event(lines[0]), "format": version}))


def _shuffle_times(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Every seventh record an hour early, every eleventh an hour late."""
    lines = content.splitlines(keepends=True)
    moved: Lines = []
    for number, line in enumerate(lines):
        shift = -3_600 if number % 7 == 3 else 3_600 if number % 11 == 5 else 0
        moved.append(_rewritten(line, _event(line), at=json.loads(line)["at"] + shift))
    yield "", b"".join(moved)


def _told_everywhere(content: bytes, text: str) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True)
    yield "", b"".join(_rewritten(line, _spoken(_event(line), text)) for line in lines)


def _spoken(event: Json, text: str) -> Json:
    return {name: _within(value, text) if name in _PROSE else value for name, value in event.items()}


def _within(value: Any, text: str) -> Any:
    """The value with the text behind each of its strings, but for those that a reply is understood by."""
    if isinstance(value, str):
        return f"{value} {text}"
    if isinstance(value, list):
        return [_within(one, text) for one in value]
    if isinstance(value, dict):
        fixed = {"type", "id", "tool_use_id", "name", "task", "taskId", "key", "model"}
        return {name: one if name in fixed else _within(one, text) for name, one in value.items()}
    return value


_STEPS: dict[str, Callable[..., Iterator[tuple[str, bytes]]]] = {
    "truncate_tail": lambda content, count: iter([("", content[:-count])]),
    "append_bytes": lambda content, added: iter([("", content + bytes.fromhex(added))]),
    "append_raw_line": lambda content, line: iter([("", content + line.encode() + b"\n")]),
    "flip_bit": _flip_bit,
    "delete_record": _delete_record,
    "insert_record": _insert_record,
    "edit_field": _edit_field,
    "set_version": _set_version,
    "shuffle_times": _shuffle_times,
    "html_in_every_string": lambda content: _told_everywhere(content, MARKUP),
    "instructions_in_results": _told_everywhere,
}
