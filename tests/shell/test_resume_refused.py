"""A resumption that comes to nothing: the run is as it was, nothing stays open, and no link is followed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conductor_magic.api import load, resume
from conductor_magic.board import board_comms
from conductor_magic.commands import resume as resume_command
from conductor_magic.errors import ConductUsageError
from conductor_magic.events import Record
from conductor_magic.journal import NAME, OWNER, encode, is_open, read_records
from conductor_magic.option_checks import check_option
from conductor_magic.result import ConductResult
from conductor_magic.run import resume as resume_run
from conductor_magic.waiting import RunInterrupted
from tests.shell.conftest import Begin, Play
from tests.shell.test_resume import cut
from tests.support.bad_disk import Fault, bad_disk
from tests.support.floor import Floor, done, lay_out
from tests.support.messages_server import Answer, MessagesServer, text
from tests.support.wire import View

TORN = b'{"sum":"00'


def blocked(task: str, turn: int, body: dict[str, Any]) -> Answer:
    """Task b cannot be done."""
    return text("There is no way.\nSTATUS: blocked - no way") if task == "b" else done(task, turn, body)


def a_completed_run(play: Play) -> ConductResult:
    return play(Floor([lay_out({"a": ()}), text("Under way."), text("The answer.")]))


def a_partial_run(play: Play) -> ConductResult:
    """One that can be resumed although it has an answer."""
    plan = [lay_out({"a": (), "b": ()}), text("Under way."), text("Half of it.")]
    result = play(Floor(plan, blocked))
    assert result.status == "partial", result.reason
    return result


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_refusal_leaves_every_file_as_it_was(play: Play, tmp_path: Path) -> None:
    """Also the name of the last owner; where that is a link, what it leads to."""
    folder = Path(a_completed_run(play).path)
    (folder / OWNER).write_text("process 1")
    before = contents(folder)
    with pytest.raises(ConductUsageError, match="is completed: there is nothing to resume"):
        resume(str(folder))
    assert contents(folder) == before
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (folder / OWNER).unlink()
    (folder / OWNER).symlink_to(precious)
    with pytest.raises(ConductUsageError, match="is completed"):
        resume(str(folder))
    assert (precious.read_text(), (folder / OWNER).is_symlink()) == ("precious", True)


def test_a_resumption_is_refused_while_another_run_works_in_its_workspace(begin: Begin) -> None:
    """While another run works there it is refused, by that run's name, and its record stays as it is."""
    first = begin(Floor([lay_out({"a": ()}), text("Under way.")], lambda *_: Answer(then="stall")))
    first.cancel()
    assert first.wait(10).status == "cancelled"
    before = contents(first.folder)
    other = begin(Floor([lay_out({"a": ()}), text("Under way.")], lambda *_: Answer(then="stall")))
    with pytest.raises(ConductUsageError, match=f"Run {other.id} is working in "):
        resume(first.id, quiet=True)
    assert contents(first.folder) == before


def test_a_linked_owner_is_replaced_and_not_written_through(
    play: Play, serve: Callable[[Any], MessagesServer], tmp_path: Path
) -> None:
    """A resumption that goes on names itself in a file of the run's own."""
    folder = cut(a_completed_run(play), 8, "cut")
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (folder / OWNER).unlink()
    (folder / OWNER).symlink_to(precious)
    serve(Floor([text("The answer.")]))
    assert resume(str(folder), quiet=True).wait(30).status == "completed"
    assert precious.read_text() == "precious"
    assert not (folder / OWNER).is_symlink()
    assert (folder / OWNER).read_text() == f"process {os.getpid()}"


def test_a_linked_journal_is_not_gone_on_with(play: Play, tmp_path: Path) -> None:
    """What the link leads to stays as it is."""
    folder = cut(a_completed_run(play), 8, "cut")
    elsewhere = (folder / NAME).rename(tmp_path / "elsewhere.jsonl")
    (folder / NAME).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(ConductUsageError, match="is a link to another file"):
        resume(str(folder))
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        ({"mode": "bogus"}, "mode must be plan, read-only, ask, workspace or full, not 'bogus'."),
        ({"workers": 100_000}, "workers must be a whole number from 1 to 256, not 100000."),
        ({"timeout": -5.0}, "timeout must be a number of seconds above 0 and at most"),
        ({"budget": -1.0}, "budget must be a number of US dollars above 0, or none, not -1.0."),
        ({"caps": {"run.calls": -1.0}}, "run.calls must be a whole number above 0, or none, not -1.0."),
        ({"context_window": 3}, "window must be a whole number of tokens from 10000"),
        ({"guide": "../../secret"}, "guide must be one of "),
        ({"provider": "nobody"}, "provider must be auto, anthropic or rehearsal, not 'nobody'."),
        ({"variables": ({"type": "list"},)}, "use must be names of variables in the notebook"),
        ({"workspace": "/nowhere/at/all"}, "workspace must be an existing folder"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_record_with_options_that_no_cell_could_have_is_refused(
    play: Play, recorded: dict[str, Any], says: str
) -> None:
    """In the one line that a cell would get, which says that the record is off; nothing is written."""
    folder = cut(a_completed_run(play), 8, "cut")
    begun, *others = read_records(folder / NAME)[0]
    changed = Record(begun.seq, begun.at, begun.event.model_copy(update=recorded))
    (folder / NAME).write_bytes(b"".join(encode(record) for record in (changed, *others)))
    before = contents(folder)
    with pytest.raises(ConductUsageError) as refused:
        resume(str(folder), cap={"run.turns": 9}, quiet=True)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert contents(folder) == before


def test_what_is_said_anew_stands_for_what_the_record_says(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """A mode that is no more goes on as another, where a person names one."""
    folder = cut(a_completed_run(play), 8, "cut")
    begun, *others = read_records(folder / NAME)[0]
    changed = Record(begun.seq, begun.at, begun.event.model_copy(update={"mode": "bogus"}))
    (folder / NAME).write_bytes(b"".join(encode(record) for record in (changed, *others)))
    with pytest.raises(ConductUsageError, match="Run cut cannot go on as it is recorded: mode must be"):
        resume(str(folder))
    serve(Floor([text("The answer.")]))
    assert resume(str(folder), mode="ask", quiet=True).wait(30).status == "completed"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"budget": 0.00001}, r"has used \$0\.\d+ of \$0\.00001\. .* --budget 0\.\d*[1-9]\d*$"),
        ({"timeout": 0.001}, r"has taken [\d.]+ s of its 0\.001 s\. .* --timeout [\d.]*[1-9][\d.]*$"),
        ({"cap": {"run.tokens": 1}}, r"has used [\d,]+ tokens of 1 token\. .* --cap run\.tokens=[1-9]\d+$"),
    ],
)
def test_a_total_that_is_used_up_is_answered_with_one_that_is_taken(
    play: Play, serve: Callable[[Any], MessagesServer], given: dict[str, Any], says: str
) -> None:
    """However small it is: the proposed line goes on as it stands."""
    partial = a_partial_run(play)
    with pytest.raises(ConductUsageError, match=says) as refused:
        resume(partial.id, **given)
    _, _, line = str(refused.value).partition(f"%conduct resume {partial.id} --")
    option, value = line.split()
    serve(Floor([text("Half of it.")], blocked))
    run = resume_run(Path(partial.path), {option: check_option(option, value), "quiet": True}, begin=False)
    run.cancel()
    run.begin()
    assert run.done.wait(30)


@pytest.mark.parametrize(("fault", "at"), [("full", 1), ("half", 1), ("sync", 1), ("sync", 2)])
def test_what_the_disk_does_not_take_is_not_begun(play: Play, view: View, fault: Fault, at: int) -> None:
    """The run keeps its end and its answer; the board is closed and the journal is free."""
    partial = a_partial_run(play)
    folder, comms = Path(partial.path), board_comms()
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole + TORN)
    with bad_disk() as disk:
        disk.fail(fault, at)
        with pytest.raises(ConductUsageError, match="takes no files"):
            resume(partial.id)
    assert (folder / NAME).read_bytes() == whole
    assert (load(partial.id).status, load(partial.id).answer) == ("partial", "Half of it.")
    assert board_comms() == comms
    assert not is_open(folder / NAME)


def test_all_that_a_resumption_records_is_one_write(play: Play, serve: Callable[[Any], MessagesServer]) -> None:
    """So that no disk takes a part of it; a torn tail makes for a second record."""
    partial = a_partial_run(play)
    with (Path(partial.path) / NAME).open("ab") as file:
        file.write(TORN)
    serve(Floor([text("Half of it.")], blocked))
    with bad_disk() as disk:
        run = resume_run(Path(partial.path), {"quiet": True}, begin=False)
        assert disk.writes == 1
    assert [record.event.kind for record in run.result().events][-2:] == ["run.resumed", "run.noted"]
    run.begin()
    assert run.wait(30).answer == "Half of it."


def test_an_interrupt_while_a_run_is_taken_over_says_how_it_goes_on(
    play: Play, serve: Callable[[Any], MessagesServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be recorded by then that somebody took it over: nothing is said of that, and the next line goes on."""
    partial = a_partial_run(play)
    sync = os.fdatasync

    def pressed(handle: int) -> None:
        sync(handle)
        if threading.current_thread() is threading.main_thread():  # not where the first run is still being closed
            signal.raise_signal(signal.SIGINT)

    shell: Any = SimpleNamespace(user_ns={}, kernel=None, magics_manager=SimpleNamespace(registry={}))
    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", pressed)
            with pytest.raises(RunInterrupted) as stopped:
                resume_command.run(shell, [partial.id])
    finally:
        signal.signal(signal.SIGINT, before)
    line = f"%conduct resume {partial.id}"
    assert str(stopped.value) == f"Stopped before run {partial.id} went on. It goes on with: {line}"
    serve(Floor([text("Half of it.")], blocked))
    assert resume(partial.id, quiet=True).wait(30).answer == "Half of it."
