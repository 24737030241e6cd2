"""The handle of a run, for any thread: look at it, wait for it, answer it, stop it. `driving` does the work."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from conductor_magic.board_view import show_board
from conductor_magic.driving import Driver, Means
from conductor_magic.result import result_of

if TYPE_CHECKING:
    from conductor_magic.result import ConductResult
    from conductor_magic.state import RunState

__all__ = ["Run"]


class Run:
    """A run under way or over. Made by `start`, `conduct` and `%%conduct`.

    Attributes:
        id: the run's id.
        folder: where its journal and artifacts lie.
        done: set when the run is over and all its processes are gone.
        board: the live board, or None with `quiet`.
    """

    def __init__(self, means: Means) -> None:
        self.id = means.folder.name
        self.folder = means.folder
        self._journal = means.journal
        self._returns = means.returns
        self._driver = Driver(means)
        self.done = self._driver.done
        self.board = self._driver.board

    @property
    def state(self) -> RunState:
        """The run's state now; where its record broke off, `interrupted`, with the reason."""
        return self._driver.state

    @property
    def trouble(self) -> str:
        """Why the run's record broke off and what to do, in one line; empty as long as the disk takes everything."""
        return self._driver.trouble

    def begin(self) -> None:
        """Set the run going; idempotent."""
        self.loop.call_soon_threadsafe(self._driver.launch)

    def now(self) -> float:
        """This moment on the run's clock, in epoch seconds."""
        return self._journal.now()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The engine's loop, on which a board's messages are handled."""
        return self._driver.loop

    def cancel(self, reason: str = "") -> None:
        """Ask the run to stop; from any thread, idempotent. It ends within two seconds as `cancelled`."""
        self.loop.call_soon_threadsafe(self._driver.cancel, "person", reason)

    def attend(self) -> None:
        """Say that a person sits at a prompt and answers there; before `begin`."""
        self._driver.at_prompt = True
        self.loop.call_soon_threadsafe(self._driver.attend)

    def answer(self, question: str, answers: Mapping[str, Any]) -> str | None:
        """Answer an open question from another thread than the engine's.

        Args:
            question: its name in the journal.
            answers: text of each of its questions -> a label, several, or own words.

        Returns:
            None when they were taken, else what is wrong with them.
        """
        payload = {"question": question, "answers": dict(answers)}

        async def take() -> dict[str, Any]:
            return self._driver.command("answer", payload)

        return asyncio.run_coroutine_threadsafe(take(), self.loop).result().get("error")

    def wait(self, timeout: float | None = None) -> ConductResult:
        """Block until the run is over.

        Args:
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: the run is still going after `timeout` seconds.
        """
        if not self.done.wait(timeout):
            raise TimeoutError(f"run {self.id} is still going after {timeout:g} s; it goes on in the background")
        return self.result()

    def result(self) -> ConductResult:
        """What there is of the result now."""
        alive = not self.done.is_set()
        records = list(self._journal.records)
        from conductor_magic.fold import fold

        # A run that goes on appends while we look: fold what we copied, so that both agree.
        state = fold(records) if alive else self.state
        return result_of(records, state, self.folder, alive=alive, returns=self._returns)

    def __await__(self) -> Generator[Any, None, ConductResult]:
        return self._awaited().__await__()

    async def _awaited(self) -> ConductResult:
        # No thread waits: one that did would outlive a cancelled `await`, and hold up the end of its event loop.
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._driver.over.wait(), self.loop))
        return self.result()

    def __repr__(self) -> str:
        state = self.state
        return f"<Run {self.id}: {state.status}, {len(state.tasks)} tasks, {len(state.running)} at work>"

    def _ipython_display_(self) -> None:
        if self.board is not None and self.board.is_open:
            show_board(self.board, self.id)
        else:
            print(repr(self))
