"""The door to the provider: shut when it refuses the credential or the account, opened when a person has seen to it.

It is shut too when we are sent elsewhere, as a network does that wants a login first. All requests of a run share one
door and one question. No key passes through it: a person renews the credential where it lives, and says no more than
that it can be tried again. Where nobody can be asked the run ends at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from conductor_magic.errors import ModelError
from conductor_magic.events import CancelRequested, CapReached, QuestionJoined
from conductor_magic.journal import Journal
from conductor_magic.models.anthropic.client import credential_to_renew
from conductor_magic.models.base import Model
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor

__all__ = ["STOP", "TRY_AGAIN", "Access"]

Json = dict[str, Any]
_log = logging.getLogger(__name__)
TRY_AGAIN = "Try again"
STOP = "Stop the run"
_HEADERS = {
    "authentication": "API key",
    "billing": "Billing",
    "redirect": "Address",
    "certificates": "Certificates",
}
"""The kinds of errors that shut the door, each with the header of its question."""


class Access:
    """The door of one run, for `Caller`; lives on the engine's loop.

    Args:
        journal: the run's.
        model: looks for its credential anew before the door opens again.
        questions: asks a person, if there is one.
        redactor: learns what the environment's secrets are by then.

    Attributes:
        shut: no request goes out.
        times: how often it was opened again.
    """

    def __init__(self, journal: Journal, model: Model, questions: Questions, redactor: Redactor) -> None:
        self.shut = False
        self.times = 0
        self._journal = journal
        self._model = model
        self._questions = questions
        self._redactor = redactor
        self._open = asyncio.Event()
        self._waiting: set[str] = set()
        self._question = ""
        self._settling: asyncio.Task[None] | None = None

    def refused(self, error: ModelError, times: int) -> bool:
        """Note an error; gives whether it shuts the door, or would have if the door had not been opened since."""
        if error.kind not in _HEADERS:
            return False
        if not self.shut and times == self.times:
            self.shut = True
            self._open.clear()
            self._settling = asyncio.ensure_future(self._settle(error))
        return True

    async def opened(self, by: str) -> None:
        """Wait until the door is open, for the asker `by`."""
        self._waiting.add(by)
        self._join()
        try:
            await self._open.wait()
        finally:
            self._waiting.discard(by)

    async def aclose(self) -> None:
        """Ask no more."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)

    async def _settle(self, error: ModelError) -> None:
        resume = f"Then go on with: %conduct resume {self._journal.path.parent.name}"
        while True:
            name = await self._questions.put_to_person(_question(error))
            if name is None:
                self._give_up(f"{_told(error)} {resume}")
                return
            self._question = name
            self._join()
            said = await self._questions.said(name)
            self._question = ""
            if said == STOP:
                if not self._journal.state.cancelled_by:
                    self._journal.append(CancelRequested(by="person", reason=self._redactor.text(str(error))))
                return
            self._redactor.learn(os.environ)
            try:
                await self._model.renew()
            except ModelError as found:
                error = found
                continue
            except Exception:  # noqa: BLE001
                # Our bug; but whoever waits at the door must not wait for ever.
                _log.exception("the client could not be made anew")
                self._give_up(
                    f"The client could not be made anew: a bug of ours, its traceback is in the log. {resume}"
                )
                return
            self.shut = False
            self.times += 1
            self._open.set()
            return

    def _give_up(self, text: str) -> None:
        state = self._journal.state
        # Over a spent budget too, which lets workers go on: they would wait here for ever.
        if not state.ended and not state.cancelled_by and state.cap not in ("timeout", "access"):
            self._journal.append(CapReached(cap="access", text=self._redactor.text(text)))

    def _join(self) -> None:
        """Have the tasks of the workers that wait be seen to wait for the answer."""
        if not self._question:
            return
        workers = self._journal.state.workers
        for by in self._waiting & workers.keys():
            task = workers[by].task
            if task not in self._journal.state.questions[self._question].tasks:
                self._journal.append(QuestionJoined(question=self._question, by=by, task=task))


def _told(error: ModelError) -> str:
    """What happened and what to do about it."""
    said = str(error)
    said += "" if said.endswith((".", "!", "?")) else "."
    if error.kind in ("redirect", "certificates"):
        # They have their advice. A network that wants a login first sends us elsewhere too.
        return said
    if error.kind == "billing":
        return f"{said} Add credit to the account."
    return f"{said} Set or renew {credential_to_renew(os.environ)} in the kernel's environment."


def _question(error: ModelError) -> Json:
    return {
        "question": f"{_told(error)} No key belongs in an answer. How shall the run go on?",
        "header": _HEADERS[error.kind],
        "options": [
            {
                "label": TRY_AGAIN,
                "description": "The credential is read anew, and what was refused is asked for again.",
            },
            {"label": STOP, "description": "What is finished stays; %conduct resume goes on with the rest."},
        ],
        "multiSelect": False,
        "closed": True,
    }
