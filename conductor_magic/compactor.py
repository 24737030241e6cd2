"""Keeps every conversation of a run within the window it is held to; conductor and workers ask through it.

Near the window's end the model writes a note for itself, by its provider's own compaction where the model has one and
by a plain request elsewhere. Then the history is replaced by that note, a record made from the journal, and the last
turns. Where a provider refuses a prompt as too long, there is no note: it could not read the request for one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal

from conductor_magic.compaction import RECAP_SHARE, SHARE, TAIL_SHARE, shortened
from conductor_magic.errors import ModelError
from conductor_magic.events import ContextCompacted
from conductor_magic.journal import Journal
from conductor_magic.models.base import Reply
from conductor_magic.models.calls import BudgetSpent, Caller
from conductor_magic.models.conversation import BYTES_PER_TOKEN, Conversation
from conductor_magic.recaps import kept_words, note_request, recap
from conductor_magic.redact import Redactor

__all__ = ["Compactor"]

Json = dict[str, Any]
_NOTE_TOKENS = 4_000
_NOTE_SHARE = 0.05
"""The share of the window that a note may take."""
_GAIN = 0.9
"""A history that did not shrink at least to this share of its size is as short as it gets."""


class Compactor:
    """Asks on behalf of one run's conversations, and shortens them.

    Args:
        caller: sends the requests.
        journal: where compactions are recorded, and where the record of a conversation comes from.
        redactor: takes secrets out of a note.
        by_provider: ids of the models whose provider compacts conversations itself.
        notes: whether models are asked for a note (a rehearsal's rules have nothing in mind).
    """

    def __init__(
        self, caller: Caller, journal: Journal, redactor: Redactor, by_provider: Collection[str], *, notes: bool
    ) -> None:
        self._caller = caller
        self._journal = journal
        self._redactor = redactor
        self._by_provider = set(by_provider)
        self._notes = notes
        self._windows: dict[str, int] = {}
        self._least: dict[str, int] = {}

    @property
    def holds(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """What stops an asker's clock; see `Caller`."""
        return self._caller.holds

    async def ask(self, conversation: Conversation, on_text: Callable[[str], None] | None = None) -> Reply:
        """A whole reply to the conversation, which is compacted first when it is due.

        Raises:
            BudgetSpent: the request does not fit any more.
            ModelError: no reply was to be had, also because the conversation cannot be made short enough.
        """
        if self._is_due(conversation):
            self._compact(conversation, *await self._note(conversation, _unsaid(on_text)))
        while True:
            size = conversation.size()
            try:
                reply = await self._caller.ask(conversation, on_text)
            except ModelError as error:
                if error.kind == "context_too_long" and self._shorten(conversation, size):
                    continue
                if error.kind == "invalid_request" and self._without_block(conversation):
                    continue
                raise
            if reply.stop_reason != "model_context_window_exceeded":
                return reply
            if reply.content:
                conversation.messages.pop()
            if not self._shorten(conversation, size):
                return reply

    def _window(self, by: str) -> int:
        started = self._journal.state.started
        assert started is not None
        return self._windows.get(by, started.context_window)

    def _is_due(self, conversation: Conversation) -> bool:
        size = conversation.size()
        # What was compacted a moment ago and is large all the same would only be compacted again and again.
        too_soon = size * _GAIN < self._least.get(conversation.by, 0)
        return size > SHARE * self._window(conversation.by) and not too_soon and _ends_with_ours(conversation)

    def _shorten(self, conversation: Conversation, size: int) -> bool:
        """Compact what the provider found too long; False when that is no help."""
        if not _ends_with_ours(conversation):
            return False
        # Its window is smaller than we are told.
        self._windows[conversation.by] = min(self._window(conversation.by), size)
        return self._compact(conversation, None, "", at_most=int(size * _GAIN))

    def _without_block(self, conversation: Conversation) -> bool:
        """Put the words of a provider's block in its place, which may be what was refused; False where there is none.

        A model that stands in for another may know no such blocks.
        """
        first = conversation.messages[0]
        if first["role"] != "assistant" or not _ends_with_ours(conversation):
            return False
        self._by_provider.discard(conversation.model)
        return self._compact(conversation, None, self._redactor.text(str(first["content"][0]["content"])))

    def _compact(
        self, conversation: Conversation, block: Json | None, said: str, *, at_most: int | None = None
    ) -> bool:
        """Put a shorter history in the place of the conversation's.

        Args:
            conversation: it.
            block: the provider's summary of it, or None.
            said: that summary, or the model's own note, in words; empty without either.
            at_most: the most tokens that it may have then; with more of them it stays as it is, and this gives False.
        """
        by, before = conversation.by, conversation.size()
        window = self._window(by)
        state = self._journal.state
        prompt = state.conductor.prompt if by == "conductor" else state.workers[by].prompt
        own = "" if block else said[: _characters(window * _NOTE_SHARE)]
        record = self._redactor.text(recap(state, by, own, _characters(window * RECAP_SHARE)))
        room = _characters(window * TAIL_SHARE)
        messages = shortened(conversation.messages, f"{prompt}\n\n{record}", room, block)
        shorter = replace(conversation, messages=messages)
        shorter.restart(messages)
        after = shorter.size()
        if at_most is not None and after > at_most:
            return False
        conversation.restart(messages)
        self._least[by] = after
        how: Literal["note", "provider", "record"] = "provider" if block else "note" if own else "record"
        self._journal.append(
            ContextCompacted(
                by=by,
                before=before,
                after=after,
                summary=said if block else own,
                kept=kept_words(state, by),
                messages=tuple(messages),
                how=how,
            )
        )
        return True

    async def _note(self, conversation: Conversation, hear: Callable[[str], None] | None) -> tuple[Json | None, str]:
        """The provider's own block, or None, and the note in words; None and nothing where there is none to be had."""
        if not self._notes:
            return None, ""
        asked = note_request(conversation.by)
        most = min(_NOTE_TOKENS, conversation.max_tokens)
        try:
            if conversation.model in self._by_provider:
                found = await self._by_the_provider(conversation, asked, most, hear)
                if found is not None:
                    return found, str(found["content"])
                # What it refuses once it will refuse again.
                self._by_provider.discard(conversation.model)
            reply = await self._caller.ask(conversation.beside(asked, most), hear)
        except (BudgetSpent, ModelError):
            # What did not fit, or met a fault that passes or that is not about compaction, a second request would meet.
            return None, ""
        return None, self._redactor.text(reply.answer)

    async def _by_the_provider(
        self, conversation: Conversation, asked: str, most: int, hear: Callable[[str], None] | None
    ) -> Json | None:
        """The provider's block; None where it does not know how."""
        try:
            reply = await self._caller.ask(conversation.to_compact(asked, most), hear)
        except ModelError as error:
            if error.kind != "invalid_request":
                raise
            return None
        blocks = (block for block in reply.content if block.get("type") == "compaction" and block.get("content"))
        return next(blocks, None)


def _ends_with_ours(conversation: Conversation) -> bool:
    """Not in the middle of a turn that the provider paused."""
    return conversation.messages[-1]["role"] == "user"


def _characters(tokens: float) -> int:
    return int(tokens * BYTES_PER_TOKEN)


def _unsaid(on_text: Callable[[str], None] | None) -> Callable[[str], None] | None:
    """What hears that the model writes, but not what: its note is for itself."""
    return None if on_text is None else lambda text: on_text("")
