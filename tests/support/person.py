"""A person who sits beside a run and answers its questions from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from conductor_magic.run import Run
from conductor_magic.state import QuestionState

__all__ = ["Person"]

Says = Callable[[QuestionState], "str | None"]


class Person:
    """Answers each question of a run once, in the order in which they come.

    Args:
        run: prepared and not yet begun; it is begun here, attended.
        says: what is said to a question; None leaves it open.

    Attributes:
        asked: the questions as they stood when they were answered.
        wrong: what the run said to answers that it did not take.
    """

    def __init__(self, run: Run, says: Says) -> None:
        self.asked: list[QuestionState] = []
        self.wrong: list[str] = []
        self._run = run
        self._says = says
        run.attend()
        run.begin()
        self._thread = threading.Thread(target=self._answer_all, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the run is over."""
        self._thread.join(60)

    def _answer_all(self) -> None:
        done: set[str] = set()
        while not self._run.done.wait(0.01):
            for question in self._run.state.open_questions:
                said = None if question.id in done else self._says(question)
                if said is None:
                    continue
                answers: dict[str, Any] = {question.ask[0]["question"]: said}
                wrong = self._run.answer(question.id, answers)
                if wrong is None:
                    done.add(question.id)
                    self.asked.append(question)
                elif not self.wrong or self.wrong[-1] != wrong:
                    self.wrong.append(wrong)
