"""The stop button while a run is being made: it is undone whole, or it exists and ends as every cancelled run does."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conductor_magic.cell import play
from conductor_magic.journal import NAME, is_open
from conductor_magic.option_checks import check_options
from conductor_magic.run import Run, start
from conductor_magic.settings import run_folders, runs_folder
from conductor_magic.waiting import RunInterrupted
from tests.shell.conftest import Begin
from tests.support.floor import Floor
from tests.support.messages_server import text

press = partial(signal.raise_signal, signal.SIGINT)


class Pressing:
    """A variable at whose pickling somebody presses stop."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        press()
        return Pressing, ()


@pytest.fixture
def shell() -> Iterator[SimpleNamespace]:
    """One at a terminal, whose interrupts raise: a shell that starts the tests in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    names: dict[str, Any] = {}
    yield SimpleNamespace(user_ns=names, push=names.update, kernel=None)
    signal.signal(signal.SIGINT, before)


def cell(shell: Any, workspace: Path, made: Callable[[], object] = int, **given: Any) -> object:
    """A cell whose run is made, then something else happens, and only then the cell gets it."""
    options = check_options({"name": "out", "quiet": True, "workspace": str(workspace), **given})

    def prepare(*, quiet: bool) -> Run:
        run = start("Do it.", options, variables=shell.user_ns, begin=False)
        made()
        return run

    return play(shell, prepare, options, static=False, never_began="It never began.")


@pytest.mark.parametrize("background", [False, True])
def test_a_press_between_a_run_and_its_cell_ends_the_run(
    begin: Begin, shell: SimpleNamespace, tmp_path: Path, *, background: bool
) -> None:
    """It is recorded and cancelled; its journal and its workspace are free, and the next run begins."""
    with pytest.raises(RunInterrupted, match=r"Stopped: run [\w-]+ was cancelled\. out holds what was done\."):
        cell(shell, tmp_path / "workspace", press, background=background)
    assert shell.user_ns["out"].status == "cancelled"
    [folder] = run_folders()
    assert not is_open(folder / NAME)
    assert begin(Floor([text("Nothing to do.")])).wait(30).answer == "Nothing to do."


def test_presses_while_a_run_is_made_leave_nothing(
    begin: Begin, shell: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one stops it, and the second one does not stop it from being undone."""
    shell.user_ns["pressing"] = Pressing()
    rmtree = shutil.rmtree

    def pressed(folder: Path, **options: Any) -> None:
        press()
        rmtree(folder, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", pressed)
        with pytest.raises(RunInterrupted, match="It never began"):
            cell(shell, tmp_path / "workspace", use=["pressing"])
    assert ("out" in shell.user_ns, list(runs_folder().iterdir())) == (False, [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert begin(Floor([text("Nothing to do.")])).wait(30).answer == "Nothing to do."
