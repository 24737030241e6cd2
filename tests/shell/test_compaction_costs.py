"""What a compaction may cost: its note is asked for only where it fits, and ends nothing where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conductor_magic.events import CapReached, RequestEnded, RequestSent
from conductor_magic.result import ConductResult
from tests.shell.conftest import Begin
from tests.shell.test_compaction import NOTE, compactions, said
from tests.support.floor import Floor, lay_out
from tests.support.messages_server import Answer, text, tools

Json = dict[str, Any]
FILES = 6
COMPACTED = "THE CONVERSATION SO FAR WAS COMPACTED"


def reader(task: str, turn: int, body: Json) -> Answer:
    """A worker that reads a long file a turn until it is compacted, on a server that counts a token for each byte."""
    usage = {"input_tokens": len(json.dumps(body)), "output_tokens": 200}
    if NOTE in said(body["messages"][-1]):
        return text("I read on.", usage=usage)
    if COMPACTED in said(body["messages"][0]):
        return text("Read.\nSTATUS: done", usage=usage)
    return tools(("Read", {"file_path": f"file{turn}.txt"}), prefix=f"read{turn}", usage=usage)


def write_files(folder: Path) -> None:
    for number in range(1, FILES + 1):
        (folder / f"file{number}.txt").write_text(f"FILE {number} of words\n" * 1_200)


def _of(result: ConductResult, kind: type) -> list[Any]:
    return [record.event for record in result.events if isinstance(record.event, kind)]


def test_a_note_that_does_not_fit_ends_nothing(tmp_path: Path, begin: Begin) -> None:
    """The shortened conversation does fit under the cap: the run goes on with the record alone."""
    write_files(tmp_path / "workspace")

    def play(**caps: float) -> ConductResult:
        cap = {name.replace("_", "."): limit for name, limit in caps.items()}
        floor = Floor([lay_out({"a": ()}), text("Read.")], reader)
        return begin(floor, window=100_000, budget="none", cap=cap).wait(60)

    free = play()
    sent, ended = _of(free, RequestSent), _of(free, RequestEnded)
    place, note = next((place, event) for place, event in enumerate(ended) if event.aside)
    spent = sum(event.input_tokens + event.output_tokens for event in ended[:place])
    asked = next(number for number, event in enumerate(sent) if event.request == note.request)
    for_note, after = (event.reserved_tokens - event.max_tokens for event in sent[asked : asked + 2])
    assert [event.how for event in compactions(free, "w1")] == ["note"]
    assert after < 0.5 * for_note
    capped = play(run_tokens=spent + (for_note + after) // 2)
    assert [event.how for event in compactions(capped, "w1")] == ["record"]
    assert _of(capped, CapReached) == []
    assert capped["1"].status == "completed", capped["1"].error
