"""Asks the model until a whole reply is there: reservation, limiter, attempts, each of them an event.

One `Caller` serves a run: the conductor and all workers share its limiter and its caps. Before an attempt is sent its
worst case is reserved; what does not fit is not sent (`caps`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

from conductor_magic.caps import Ask, Cap, Over, Send, fitting, reached
from conductor_magic.errors import BrokenStream, ConductorError, ModelError, RequestRefused
from conductor_magic.events import LimiterPaused, RequestEnded, RequestFailed, RequestSent
from conductor_magic.journal import Journal
from conductor_magic.media import inlined, references
from conductor_magic.models.anthropic.limiter import RateLimiter
from conductor_magic.models.anthropic.prices import (
    cost,
    largest_max_tokens,
    most_searches,
    worst_case,
)
from conductor_magic.models.base import Model, Reply, Request
from conductor_magic.models.conversation import Conversation
from conductor_magic.models.door import Door
from conductor_magic.models.reserved import Reserved
from conductor_magic.models.standins import Standins

__all__ = ["MOST_ATTEMPTS", "BudgetSpent", "Caller"]

Json = dict[str, Any]
MOST_ATTEMPTS = 10
_NEVER_SENT = frozenset({"connect_failed", "bad_address"})


class BudgetSpent(ConductorError):
    """The next request does not fit under a cap.

    Attributes:
        cap: it.
    """

    def __init__(self, text: str, cap: Cap) -> None:
        super().__init__(text)
        self.cap = cap


class Caller:
    """Sends requests for a run.

    Args:
        journal: where every attempt is recorded; its state holds the budget.
        model: the provider.
        limiter: shared by everybody who calls through this object.
        door: what they all pass.
        standins: what takes the place of models that the server does not know.
        charged: False when no money is spent (a rehearsal): `usd` is then 0 and the list price a field of its own.

    Attributes:
        holds: asker -> what stops its clock while it waits for a person at the door, or for the provider.
    """

    def __init__(
        self,
        journal: Journal,
        model: Model,
        limiter: RateLimiter,
        door: Door,
        standins: Standins,
        *,
        charged: bool = True,
    ) -> None:
        self._journal = journal
        self._model = model
        self._limiter = limiter
        self._door = door
        self._standins = standins
        self._charged = charged
        self._landed = asyncio.Event()
        self.holds: dict[str, Callable[[], AbstractContextManager[None]]] = {}

    async def ask(self, conversation: Conversation, on_text: Callable[[str], None] | None = None) -> Reply:
        """A whole reply to the conversation; it is appended to it.

        Raises:
            BudgetSpent: the request does not fit any more; a cap of the run or a tier is recorded, but for an optional
                conversation.
            ModelError: the last attempt's fault, when no retry helps or all are used up.
        """
        attempt = 1
        while True:
            match await self._attempt(conversation, attempt, on_text):
                case Reply() as reply:
                    return reply
                case None:
                    continue
                case seconds:
                    paused = self._journal.state.paused is not None
                    with self._hold(conversation.by) if paused else nullcontext():
                        await asyncio.sleep(seconds)
                    attempt += 1

    async def _attempt(
        self, conversation: Conversation, attempt: int, on_text: Callable[[str], None] | None
    ) -> Reply | float | None:
        """One attempt; when it failed, the seconds after which another is due.

        None when it failed for a reason that was seen to, so that another is as good as the first.

        Raises:
            BudgetSpent: it does not fit.
            ModelError: it failed, and no retry helps or all are used up.
        """
        async with self._turn(conversation.by):
            if self._door.shut:
                with self._hold(conversation.by):
                    await self._door.opened(conversation.by)
            fitted = self._standins.fitted(conversation.request())
            landed = self._landed
            reservation = self._reserve(conversation, fitted)
            if reservation is not None:
                return await self._sent(conversation, attempt, reservation, on_text)
        # Not in the slot: what lands may shut the door, replace the model or have all of us pause.
        await landed.wait()
        return None

    def _hold(self, by: str) -> AbstractContextManager[None]:
        return self.holds.get(by, nullcontext)()

    @asynccontextmanager
    async def _turn(self, by: str) -> AsyncIterator[None]:
        """A slot of the limiter; as long as it is waited for, the asker's clock stands."""
        with ExitStack() as held:
            held.enter_context(self._hold(by))
            async with self._limiter.slot():
                held.close()
                yield

    async def _sent(
        self,
        conversation: Conversation,
        attempt: int,
        reserved: Reserved,
        on_text: Callable[[str], None] | None,
    ) -> Reply | float | None:
        """Send a request for which there is room; the rest as `_attempt`."""
        request, times, heard = reserved.request, self._door.times, 0

        def hear(text: str) -> None:
            nonlocal heard
            heard += len(text)  # a token has a character at least
            if on_text is not None:
                on_text(text)

        name = f"r{self._journal.state.requests + 1}"
        conversation.request_id = name
        self._journal.append(
            RequestSent(
                request=name,
                by=conversation.by,
                model=request.model,
                attempt=attempt,
                max_tokens=request.max_tokens,
                reserved=reserved.usd,
                reserved_tokens=reserved.tokens,
                reply_usd=reserved.reply_usd,
            )
        )
        began = time.monotonic()
        try:
            reply = await self._model.send(await self._filled_in(request), hear)
        except ModelError as error:
            paused = self._limiter.penalty(error)
            again = self._limiter.backoff(attempt, error) if error.retryable and attempt < MOST_ATTEMPTS else None
            retry_in = None if again is None else max(paused, again)
            self._failed(conversation, reserved, name, error.kind, str(error), began, heard, error, retry_in)
            if paused:
                self._journal.append(LimiterPaused(seconds=paused, reason=error.kind))
            # Before the slot is another's, so that nobody walks into the same wall.
            if self._door.refused(error, times) or self._replaced(error, conversation, request):
                return None
            if again is None:
                raise
            return again
        except BaseException as error:
            self._failed(conversation, reserved, name, "cancelled", str(error), began, heard, None)
            raise
        self._limiter.succeeded()
        self._ended(conversation, reserved, name, reply, began)
        conversation.heard(reply, request.model)
        return reply

    def _replaced(self, error: ModelError, conversation: Conversation, request: Request) -> bool:
        """Whether another model takes the place of the request's.

        Raises:
            RequestRefused: there is none that the server knows.
        """
        if error.kind != "unknown_model":
            return False
        if self._standins.replaced(conversation.model, request.model):
            return True
        advice = "None of the others will do: begin a run with one that it has (--tier TIER=MODEL)."
        raise RequestRefused(f"{error}. {advice}", kind=error.kind, status=error.status) from error

    async def _filled_in(self, request: Request) -> Request:
        """The request as it leaves: the conversation only refers to its images and documents."""
        if not any(references(request.messages)):
            return request
        folder = self._journal.path.parent / "artifacts"
        return replace(request, messages=await asyncio.to_thread(inlined, request.messages, folder))

    def _reserve(self, conversation: Conversation, request: Request) -> Reserved | None:
        """The request, with room for it; None while requests under way leave too little.

        Raises:
            BudgetSpent: there will be no room; a cap of the run or a tier is recorded.
        """
        bound = conversation.prompt_bound(request)
        searches = most_searches(request)

        def worst(max_tokens: int) -> float | None:
            return worst_case(request.model, bound, max_tokens, searches) if self._charged else 0.0

        def largest(usd: float) -> int:
            return largest_max_tokens(request.model, bound, usd, searches) if self._charged else request.max_tokens

        ask = Ask(conversation.by, bound, request.max_tokens, worst, largest)
        match fitting(self._journal.state, ask):
            case Send(max_tokens):
                return Reserved(replace(request, max_tokens=max_tokens), bound, worst)
            case Over(cap, text):
                event = None if conversation.optional else reached(self._journal.state, cap, text)
                if event is not None:
                    self._journal.append(event)
                raise BudgetSpent(text, cap)
            case _:
                return None

    def _tell_who_waits(self) -> None:
        self._landed.set()
        self._landed = asyncio.Event()

    def _ended(
        self,
        conversation: Conversation,
        reserved: Reserved,
        name: str,
        reply: Reply,
        began: float,
    ) -> None:
        counted = reply.usage.context_tokens and reply.usage.output_tokens
        if counted:
            price = cost(reply.model, reply.raw_usage)
            if price is None:
                price = cost(reserved.request.model, reply.raw_usage)
        else:
            # A server that does not count leaves only the worst case to go by.
            price = reserved.usd
        self._journal.append(
            RequestEnded(
                request=name,
                by=conversation.by,
                model=reply.model,
                stop=reply.stop_reason,
                input_tokens=reply.usage.input_tokens,
                output_tokens=reply.usage.output_tokens,
                cache_read_tokens=reply.usage.cache_read_tokens,
                cache_write_tokens=reply.usage.cache_write_tokens,
                usd=price if self._charged else 0.0,
                list_usd=price,
                estimated=reply.estimated or not self._charged,
                seconds=time.monotonic() - began,
                aside=conversation.aside,
                held_tokens=0 if counted else reserved.tokens,
            )
        )
        self._tell_who_waits()

    def _failed(
        self,
        conversation: Conversation,
        reserved: Reserved,
        name: str,
        reason: str,
        text: str,
        began: float,
        heard: int,
        error: ModelError | None,
        retry_in: float | None = None,
    ) -> None:
        seconds = time.monotonic() - began
        # An error status is not billed; a reply that broke off, or whose end we did not wait for, may be.
        unbilled = (
            error is not None
            and not isinstance(error, BrokenStream)
            and (error.status is not None or error.kind in _NEVER_SENT)
            and not error.usage
        )
        held, tokens = (0.0, 0) if unbilled else reserved.lost(seconds, heard, error.usage if error else None)
        self._journal.append(
            RequestFailed(
                request=name,
                by=conversation.by,
                model=reserved.request.model,
                reason=reason,
                error=text[:2_000],
                status=error.status if error else None,
                retry_in=retry_in,
                held=held,
                held_tokens=tokens,
                seconds=seconds,
            )
        )
        self._tell_who_waits()
