"""Puts a run's question to the person at a terminal's prompt, while the run goes on beside it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from conductor_magic.permissions import visible
from conductor_magic.report.words import clean
from conductor_magic.state import QuestionState

__all__ = ["ask_at_prompt", "has_prompt"]

Json = dict[str, Any]


def has_prompt() -> bool:
    """Whether a person can be asked at this process's terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_at_prompt(question: QuestionState, read_line: Callable[[str], str] = input) -> Json:
    """Ask, and wait for the answers: a number picks an option, any other text is an answer in own words.

    Args:
        question: one that waits.
        read_line: shows its argument and gives the line that was typed.

    Returns:
        The answers by question text. An empty line takes the first option, as does the end of the input: that of a
        permission is no.

    Raises:
        KeyboardInterrupt: the person pressed Ctrl-C.
    """
    permission = question.about == "permission"
    who = f"#{', #'.join(question.tasks)} asks" if question.tasks else "The conductor asks"
    show = visible if permission else clean
    answers: Json = {}
    with _interruptible():
        for ask in question.ask:
            print(f"\n◆ {who}: {show(str(ask['question']))}")
            if ask.get("detail"):
                print(show(str(ask["detail"])))
            for number, option in enumerate(ask["options"], 1):
                print(f"  {number}. {show(option['label'])}  {show(option.get('description', ''))}".rstrip())
            try:
                line = read_line("  A number, or your own words: ").strip()
            except EOFError:
                line = ""
            answers[ask["question"]] = _picked(line, ask)
    return answers


def _picked(line: str, ask: Mapping[str, Any]) -> str | list[str]:
    labels: list[str] = [option["label"] for option in ask["options"]]
    words = [part.strip() for part in line.split(",")]
    if all(word.isdecimal() and 1 <= int(word) <= len(labels) for word in words):
        picked = [labels[int(word) - 1] for word in words]
        if ask.get("multiSelect"):
            return picked
        if len(picked) == 1:
            return picked[0]
    return line or labels[0]


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the prompt, although the waiting cell counts interrupts instead."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
