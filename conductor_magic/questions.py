"""Puts questions to whoever can answer: the `--answers` dict, a person at the board, else the recommended option."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_magic.events import QuestionAnswered, QuestionAsked
from conductor_magic.journal import Journal
from conductor_magic.redact import Redactor
from conductor_magic.tools.conductor import ask

__all__ = ["Questions"]

Json = dict[str, Any]


class Questions:
    """The open questions of one run; lives on the engine's loop.

    Args:
        journal: where questions and answers are recorded.
        answers: the `--answers` dict, or None.
        attended: set once somebody can see the board; None when nobody ever will.
        hello_seconds: how long from now to wait for that; later, an unattended question takes its default at once.
        redactor: takes secrets out of what is recorded.
    """

    def __init__(
        self,
        journal: Journal,
        answers: Mapping[str, object] | None,
        attended: asyncio.Event | None,
        hello_seconds: float,
        redactor: Redactor,
    ) -> None:
        self._journal = journal
        self._answers = answers
        self._redactor = redactor
        self._attended = attended
        self._hello_by = asyncio.get_running_loop().time() + hello_seconds
        self._open: dict[str, asyncio.Future[Json]] = {}

    async def put(self, questions: list[Json]) -> Json:
        """Ask what the conductor wants to know; returns the answers by question text."""
        name = self._next_name()
        self._journal.append(QuestionAsked(question=name, ask=tuple(self._redactor.json(questions))))
        return await self.answers_to(name)

    async def answers_to(self, name: str) -> Json:
        """The answers to a question of the conductor's that has been put, in this process or an earlier one."""
        asked = self._journal.state.questions[name]
        if asked.answered is not None:
            return dict(asked.answers)
        questions = [dict(question) for question in asked.ask]
        if self._answers is not None:
            return self._by_dict(name, questions)
        if not await self._somebody():
            return self._close(
                name, {question["question"]: ask.recommended(question) for question in questions}, "default"
            )
        return await self._answered(name)

    async def put_aside(self, question: Json, conflict: str) -> tuple[str, str]:
        """Ask about a conflict while all work goes on; returns what was said and by whom.

        Where nobody is, it is the recommended option. Whoever does not want to know any more cancels it.
        """
        name, text = self._next_name(), question["question"]
        shown = self._redactor.json(question)
        self._journal.append(QuestionAsked(question=name, ask=(shown,), by="engine", conflict=conflict))
        default = ask.recommended(question)
        if self._answers is not None:
            said = str(self._by_dict(name, [question])[text])
            return said, self._journal.state.questions[name].answered_by
        try:
            if await self._somebody():
                # The text as it was put, without secrets.
                text = self._journal.state.questions[name].ask[0]["question"]
                return str((await self._answered(name))[text]), "person"
        except asyncio.CancelledError:
            if not self._journal.state.ended and self._journal.state.questions[name].answered is None:
                self._close(name, {text: default}, "engine")
            raise
        self._close(name, {text: default}, "default")
        return default, "default"

    async def put_to_person(self, question: Json) -> str | None:
        """Put what only a person can see to; returns its name for `said`, or None where nobody is there.

        A run with `--answers` is one that nobody is meant to sit beside.
        """
        if self._answers is not None or not await self._somebody():
            return None
        name = self._next_name()
        self._journal.append(QuestionAsked(question=name, ask=(self._redactor.json(question),), by="engine"))
        return name

    async def said(self, name: str) -> str:
        """What the person says to a question of `put_to_person`."""
        return str((await self._answered(name))[self._journal.state.questions[name].ask[0]["question"]])

    def ask_permission(self, question: Json, *, by: str, task: str, call: str) -> str:
        """Put a worker's question, in the form of AskUserQuestion's; returns its name for `permission`."""
        name = self._next_name()
        shown = self._redactor.json(question)
        self._journal.append(
            QuestionAsked(question=name, ask=(shown,), about="permission", by=by, task=task, call=call)
        )
        return name

    async def permission(self, name: str, default: str) -> tuple[str, str]:
        """What was said to a worker's question, and by whom. The `--answers` dict never gives a permission.

        Args:
            name: the question.
            default: what holds when nobody is there, or when nobody waits for the answer any more.
        """
        text = self._journal.state.questions[name].ask[0]["question"]
        try:
            # A run with `--answers` is one that nobody is meant to sit beside.
            if self._answers is None and await self._somebody():
                return str((await self._answered(name))[text]), "person"
        except asyncio.CancelledError:
            if not self._journal.state.ended:
                self._close(name, {text: default}, "engine")
            raise
        self._close(name, {text: default}, "default")
        return default, "default"

    def _next_name(self) -> str:
        return f"q{len(self._journal.state.questions) + 1}"

    async def _answered(self, name: str) -> Json:
        self._open[name] = asyncio.get_running_loop().create_future()
        try:
            return await self._open[name]
        finally:
            del self._open[name]

    def answer(self, name: str, answers: Mapping[str, Any]) -> str | None:
        """Take a person's answers; None when they were taken, else what is wrong with them."""
        waiting = self._open.get(name)
        if waiting is None or waiting.done():
            return f"Question {name} does not wait for an answer any more."
        asked = self._journal.state.questions[name].ask
        taken: Json = {}
        for question in asked:
            given = answers.get(question["question"])
            texts = [str(item).strip() for item in given] if isinstance(given, list) else [str(given or "").strip()]
            texts = [text for text in texts if text]
            if not texts:
                return f"“{question['question']}” has no answer yet."
            labels = [option["label"] for option in question["options"]]
            if question.get("closed") and not set(texts) <= set(labels):
                # Not even quoted: what was typed may be a secret.
                return f"Only {' or '.join(f'“{label}”' for label in labels)} can be answered here."
            taken[question["question"]] = texts if question.get("multiSelect") else ", ".join(texts)
        waiting.set_result(self._close(name, taken, "person"))
        return None

    def _by_dict(self, name: str, questions: list[Json]) -> Json:
        answers: Json = {}
        defaults: list[str] = []
        for question in questions:
            found = ask.answer_from(self._answers or {}, question)
            if found is None:
                defaults.append(question["question"])
            answers[question["question"]] = ask.recommended(question) if found is None else found
        if not defaults or len(defaults) == len(questions):
            return self._close(name, answers, "default" if defaults else "answers")
        return self._close(name, answers, "answers and defaults", defaults)

    async def _somebody(self) -> bool:
        if self._attended is None:
            return False
        try:
            async with asyncio.timeout_at(self._hello_by):
                await self._attended.wait()
        except TimeoutError:
            return False
        return True

    def _close(self, name: str, answers: Json, by: str, defaults: Sequence[str] = ()) -> Json:
        answers = self._redactor.json(answers)
        told = tuple(self._redactor.text(text) for text in defaults)
        self._journal.append(QuestionAnswered(question=name, answers=answers, by=by, defaults=told))
        return answers
