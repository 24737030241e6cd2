"""The conductor's calls that a crash cut short, finished as they would have been: they are pure, or can be asked again.

What such a call records follows its `tool.started` at once, so what is there of it is the beginning of what it records.
"""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.events import Event, QuestionAsked, Record, ToolEnded, ToolStarted
from conductor_magic.fold import fold
from conductor_magic.state import RunState

__all__ = ["CutCall", "cut_calls"]


class CutCall:
    """One call that began and has no end.

    Args:
        records: of the run.
        begun: the record with which the call began.
    """

    def __init__(self, records: Sequence[Record], begun: Record) -> None:
        assert isinstance(begun.event, ToolStarted)
        self.name = begun.event.call
        self._before = records[: begun.seq]
        self._after = records[begun.seq :]

    def state(self) -> RunState:
        """The run as the call found it."""
        return fold(self._before)

    def left(self, planned: Sequence[Event]) -> Sequence[Event]:
        """What of the planned events is not recorded yet."""
        # In between lies what earlier attempts to take the run over have recorded.
        kinds = [record.event.kind for record in self._after if getattr(record.event, "by", "") == "conductor"]
        done = 0
        for kind in kinds:
            if done < len(planned) and planned[done].kind == kind:
                done += 1
        return planned[done:]

    def question(self) -> str | None:
        """The question that the call has put; None when it had not come to that."""
        put = (record.event for record in self._after if isinstance(record.event, QuestionAsked))
        return next((event.question for event in put if event.by == "conductor"), None)


def cut_calls(records: Sequence[Record]) -> dict[str, CutCall]:
    """The conductor's calls without an end, by the id of their block in its reply."""
    begun: dict[str, Record] = {}
    for record in records:
        event = record.event
        if isinstance(event, ToolStarted) and event.by == "conductor":
            begun[event.use] = record
        elif isinstance(event, ToolEnded) and event.by == "conductor":
            begun.pop(event.use, None)
    return {use: CutCall(records, record) for use, record in begun.items()}
