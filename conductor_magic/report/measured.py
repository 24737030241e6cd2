"""The conversations of a run as its record has them: each turn's counted tokens, and the bytes of what it said. Pure.

A provider counts whole prompts and whole replies, never a part of them. What a part has is estimated from its bytes,
at the tokens that a byte of this run's own tool results had (`tokens_per_byte`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from conductor_magic.events import (
    ConductorStarted,
    ConductorTold,
    ConductorTurn,
    ContextCompacted,
    ModelsResolved,
    Record,
    RequestEnded,
    RequestSent,
    ToolEnded,
    ToolRefused,
    ToolStarted,
    WorkerStarted,
    WorkerTold,
    WorkerTurn,
)

__all__ = ["Measured", "Part", "Thread", "Turn", "measured", "message_size", "tokens_per_byte"]

_USUAL = 1 / 3.5
_LEAST, _MOST = 1 / 8, 1.0
_ENOUGH = 2_000
"""Bytes of tool results from which a ratio is taken."""
_UNCOUNTED = ("signature", "data", "encrypted_content", "cache_control")
"""Fields of a block that no model reads as text."""
_HAS_UNCOUNTED = re.compile(b'"(?:%b)":' % "|".join(_UNCOUNTED).encode())


@dataclass(frozen=True, slots=True)
class Part:
    """Something that entered a conversation: what kind of thing (`said`, `told`, or a tool's name), and its bytes.

    `use` is the call that it is, or answers; `about`, of something told, what about.
    """

    kind: str
    bytes: int
    use: str = ""
    about: str = ""


@dataclass(slots=True)
class Turn:
    """A request that was answered, and what came before the next.

    Attributes:
        seq: its record.
        model: who answered.
        read, written, fresh: tokens of its prompt from the cache, written to it, and neither.
        output: tokens of its reply.
        usd: its list price; None when that is not known.
        said: the parts of its reply.
        heard: what the conversation got before the next turn: results of its calls, messages of ours.
        compacted: the next turn's prompt begins another conversation; `left` are the parts of that.
    """

    seq: int
    model: str
    read: int
    written: int
    fresh: int
    output: int
    usd: float | None
    said: list[Part] = field(default_factory=list[Part])
    heard: list[Part] = field(default_factory=list[Part])
    compacted: bool = False
    left: list[Part] = field(default_factory=list[Part])

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt."""
        return self.read + self.written + self.fresh

    @property
    def context(self) -> int:
        """Tokens of prompt and reply."""
        return self.prompt + self.output


@dataclass(slots=True)
class Thread:
    """One asker's requests: `turns` of its conversation, and `asides`, which are no part of it.

    `notes` are those of the asides that asked for a note before a compaction. `opening` and `system` are the bytes of
    its first message and of its system prompt, `schemas` those of its tools' definitions (0 where they were not
    recorded), `began` the record of its beginning. Conversations with the same `prefix` have the same system prompt and
    tools.
    """

    turns: list[Turn] = field(default_factory=list[Turn])
    asides: list[Turn] = field(default_factory=list[Turn])
    notes: list[Turn] = field(default_factory=list[Turn])
    opening: int = 0
    system: int = 0
    schemas: int = 0
    began: int = 0
    prefix: tuple[str, ...] = ()
    tools: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def all(self) -> Sequence[Turn]:
        """Every request that was answered."""
        return (*self.turns, *self.asides, *self.notes)

    @property
    def peak(self) -> int:
        """The largest context."""
        return max((turn.context for turn in self.turns), default=0)

    def gained(self, place: int, ratio: float) -> int:
        """Tokens by which the conversation grew with the turn at this place: counted, where the next prompt tells."""
        turn = self.turns[place]
        if not turn.compacted and place + 1 < len(self.turns):
            return max(0, self.turns[place + 1].prompt - turn.prompt)
        return turn.output + round(ratio * sum(part.bytes for part in turn.heard))


@dataclass(slots=True)
class Measured:
    """All conversations of a run, by who had them, and the prices that its record names (see `run.models`)."""

    threads: dict[str, Thread] = field(default_factory=dict[str, Thread])
    prices: dict[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict[str, "tuple[tuple[float, ...], ...]"])
    decisions: set[str] = field(default_factory=set[str])
    """The conductor's calls that asked the person, or read a file of the workspace."""

    def of(self, by: str) -> Thread:
        """The thread of this asker."""
        thread = self.threads.get(by)
        if thread is None:
            thread = self.threads[by] = Thread()
        return thread


def message_size(text: str) -> int:
    """Bytes of a text as a block of a message."""
    return _size({"type": "text", "text": text})


def _size(value: object) -> int:
    """Bytes of a value as JSON, without what no model reads as text."""
    text = to_json(value)
    # Few have such a field; to look for one takes a fraction of the time that it takes to leave it out.
    return len(to_json(_read(value)) if _HAS_UNCOUNTED.search(text) else text)


def _read(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _read(item) for name, item in value.items() if name not in _UNCOUNTED}
    if isinstance(value, (list, tuple)):
        return [_read(item) for item in value]
    return value


def measured(records: Iterable[Record]) -> Measured:
    """The conversations of these records."""
    reader = _Reader()
    for record in records:
        reader.take(record)
    return reader.found


def tokens_per_byte(found: Measured) -> float:
    """What a byte of this run's texts has in tokens: of tool results where those suffice, else of replies.

    The tokens of a turn's results are the next prompt's, less its own prompt and reply. Replies are the worse measure:
    a model may think more than its record shows.
    """
    tokens = heard = output = said = 0
    for thread in found.threads.values():
        for turn, following in zip(thread.turns, thread.turns[1:], strict=False):
            if turn.heard and not turn.compacted and following.prompt > turn.context:
                tokens += following.prompt - turn.context
                heard += sum(part.bytes for part in turn.heard)
        for turn in thread.turns:
            if turn.said:
                output += turn.output
                said += sum(part.bytes for part in turn.said)
    ratio = tokens / heard if heard >= _ENOUGH else output / said if said else _USUAL
    return min(_MOST, max(_LEAST, ratio))


class _Reader:
    """Reads records in their order into `found`."""

    def __init__(self) -> None:
        self.found = Measured()
        self._turns: dict[str, Turn] = {}
        self._asked: dict[str, str] = {}
        self._calls: dict[str, set[str]] = {}

    def take(self, record: Record) -> None:
        step = _READ.get(record.event.kind)
        if step is not None:
            step(self, record.seq, record.event)

    def asked(self, seq: int, event: RequestSent) -> None:
        self._asked[event.request] = event.model

    def priced(self, seq: int, event: ModelsResolved) -> None:
        self.found.prices.update(event.prices)

    def compacted(self, seq: int, event: ContextCompacted) -> None:
        _compact(self.found.of(event.by), event)

    def called(self, seq: int, event: ToolStarted) -> None:
        self._calls.setdefault(event.by, set()).add(event.call)
        if event.by == "conductor" and _decides(event):
            self.found.decisions.add(event.use)

    def done(self, seq: int, event: ToolEnded) -> None:
        self._calls.get(event.by, set()).discard(event.call)
        _hear(self.found.of(event.by), _result(event.use, event.content, event.name))

    def refused(self, seq: int, event: ToolRefused) -> None:
        _hear(self.found.of(event.by), _result(event.use, event.why, event.name))

    def told(self, seq: int, event: ConductorTold | WorkerTold) -> None:
        _hear(self.found.of(_asker(event)), Part("told", message_size(event.text), about=event.about))

    def began(self, seq: int, event: ConductorStarted | WorkerStarted) -> None:
        thread = self.found.of(_asker(event))
        thread.opening, thread.system, thread.began = message_size(event.prompt), message_size(event.system), seq
        thread.schemas = event.schema_bytes if isinstance(event, ConductorStarted) else 0
        thread.prefix = (event.system, *event.tools)

    def ended(self, seq: int, event: RequestEnded) -> None:
        if event.stop == "model_context_window_exceeded":
            return
        thread, prices = self.found.of(event.by), self.found.prices
        # What is priced is the model that answered; its own name may be longer than the one that was asked for.
        model = event.model if event.model in prices else self._asked.get(event.request, event.model)
        usd = event.list_usd if event.list_usd is not None else event.usd
        usage = (event.cache_read_tokens, event.cache_write_tokens, event.input_tokens, event.output_tokens)
        turn = self._turns[event.request] = Turn(seq, model, *usage, usd)
        if not event.aside:
            thread.turns.append(turn)
        else:
            # A tool asks while its call runs; a note is asked for between two turns.
            (thread.asides if self._calls.get(event.by) else thread.notes).append(turn)

    def said(self, seq: int, event: ConductorTurn | WorkerTurn) -> None:
        if (turn := self._turns.get(event.request)) is not None:
            thread = self.found.of(_asker(event))
            turn.said = [_part(thread, block) for block in event.content]


_READ: dict[str, Callable[[_Reader, int, Any], None]] = {
    "request.sent": _Reader.asked,
    "request.ended": _Reader.ended,
    "conductor.turn": _Reader.said,
    "worker.turn": _Reader.said,
    "conductor.started": _Reader.began,
    "worker.started": _Reader.began,
    "conductor.told": _Reader.told,
    "worker.told": _Reader.told,
    "run.models": _Reader.priced,
    "context.compacted": _Reader.compacted,
    "tool.started": _Reader.called,
    "tool.ended": _Reader.done,
    "tool.refused": _Reader.refused,
}


def _asker(event: ConductorStarted | ConductorTold | ConductorTurn | WorkerStarted | WorkerTold | WorkerTurn) -> str:
    return getattr(event, "worker", "conductor")


def _decides(event: ToolStarted) -> bool:
    # The conductor's reads of the workspace are recorded by absolute paths; guides and outputs are not.
    path = event.input.get("file_path")
    return event.name == "AskUserQuestion" or (event.name == "Read" and isinstance(path, str) and path.startswith("/"))


def _hear(thread: Thread, part: Part) -> None:
    if thread.turns:
        thread.turns[-1].heard.append(part)


def _result(use: str, content: object, name: str) -> Part:
    return Part(name, _size({"type": "tool_result", "tool_use_id": use, "content": content}), use)


def _part(thread: Thread, block: Mapping[str, Any]) -> Part:
    if block.get("type") == "tool_use":
        use, name = str(block.get("id", "")), str(block.get("name", ""))
        thread.tools[use] = name
        return Part(name, _size(block), use)
    if block.get("type") == "tool_result":
        use = str(block.get("tool_use_id", ""))
        return Part(thread.tools.get(use, "told"), _size(block), use)
    return Part("said", _size(block))


def _compact(thread: Thread, event: ContextCompacted) -> None:
    if not thread.turns:
        return
    thread.turns[-1].compacted = True
    for message in event.messages:
        content = message.get("content") or ()
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            part = _part(thread, block)
            if part.kind == "said" and message.get("role") == "user":
                part = Part("told", part.bytes, about="record")
            thread.turns[-1].left.append(part)
