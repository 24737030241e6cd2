"""How Write and Edit change a file: alone, over what is known, with a person's yes to this very change, in one step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from conductor_magic.destination import Destination, destination
from conductor_magic.differences import difference
from conductor_magic.errors import ToolError
from conductor_magic.paths import Reach
from conductor_magic.permissions import Access
from conductor_magic.placing import Overtaken, place
from conductor_magic.tools.base import FileChange, ToolContext
from conductor_magic.tools.files import LARGEST_EDIT, digest, reach_of, remember

__all__ = ["Change", "change_file"]

Content = bytes | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a tool wants to do to a file.

    Attributes:
        asked: the path as the model wrote it.
        tool: the tool's name.
        make: the content now (None: no file) -> the content wanted; a ToolError when that cannot be.
        blind: all of the file is replaced, so the worker must know all that others have written to it.
    """

    asked: str
    tool: str
    make: Callable[[Content], bytes]
    blind: bool


async def change_file(change: Change, context: ToolContext) -> FileChange:
    """Make a change, or leave the file as it is.

    Raises:
        ToolError: it may not be changed, has changed since the worker knew it, or does not take the change.
    """
    reach = reach_of(context)
    end = await asyncio.to_thread(destination, reach, change.asked, writing=True)
    async with _alone(end.real, context):
        # Where the path itself needs a yes, nothing of the content may be told before it is given.
        opened = reach.allowing(end.real) if end.leaves else reach
        shown: list[Content] = []
        if not end.leaves:
            shown.append(_look(reach, change, end))
            change.make(_known(shown[0], change, end, context))

        def show() -> str:
            try:
                shown[:] = [_look(opened, change, end)]
                wanted = change.make(_known(shown[0], change, end, context))
            except ToolError as error:
                return str(error)
            return difference(shown[0], wanted, "now", "then", 100_000)

        access = Access("write", str(end.real), change.tool, end.leaves, end.protected)
        await context.gate.admit(access, context, show)
        return await _put(opened, change, end, context, shown)


@asynccontextmanager
async def _alone(path: Path, context: ToolContext) -> AsyncIterator[None]:
    if context.services.custody is None:
        yield
        return
    async with context.services.custody.held(path, context):
        yield


def _look(reach: Reach, change: Change, end: Destination) -> Content:
    """What the file holds; None when there is none."""
    if not os.path.lexists(end.real):
        return None
    with reach.file(change.asked) as (handle, _), os.fdopen(os.dup(handle), "rb") as file:
        return _limited(file.read(LARGEST_EDIT + 1), change)


def _limited(content: bytes, change: Change) -> bytes:
    if len(content) > LARGEST_EDIT:
        raise ToolError(f"{change.asked}: is larger than {LARGEST_EDIT >> 20} MiB; change it with Bash or Python.")
    return content


def _known(now: Content, change: Change, end: Destination, context: ToolContext) -> Content:
    """The content now, provided that the worker does not change behind somebody's back.

    Reading first is not asked for: Edit's `old_string` must match what is there anyhow, and Write says what it wants.

    Raises:
        ToolError: it has changed since the worker read or wrote it, or another task has written it meanwhile.
    """
    custody = context.services.custody
    seen = context.seen.get(str(end.real))
    if seen == "":
        raise ToolError(f"{change.asked}: an interruption came after you read it. Read it again, then change it.")
    if seen is not None and (now is None or digest(now) != seen):
        before = custody.kept(seen) if custody is not None else None
        text = f"{change.asked}: has changed since you read it{_by(end.real, context)}."
        raise ToolError(_refusal(text, before, now, change, end, context, comparable=before is not None))
    if custody is not None and change.blind and now is not None:
        strangers = custody.strangers(end.real, context)
        if strangers is not None:
            text = f"{change.asked}: has been written{_by(end.real, context)}, and you have not read it since."
            known = strangers.known
            raise ToolError(_refusal(text, known.content, now, change, end, context, comparable=known.kept))
    return now


def _by(path: Path, context: ToolContext) -> str:
    """Who has changed it meanwhile, as a part of a sentence."""
    custody = context.services.custody
    strangers = custody.strangers(path, context) if custody is not None else None
    return f" (by task {' or '.join(sorted(strangers.tasks))})" if strangers is not None and strangers.tasks else ""


def _refusal(
    text: str,
    before: Content,
    now: Content,
    change: Change,
    end: Destination,
    context: ToolContext,
    *,
    comparable: bool,
) -> str:
    """A refusal with what has changed. An edit may be repeated when all of that could be shown."""
    shown = f"\nWhat has changed:\n{difference(before, now, 'as you knew it', 'as it is now')}" if comparable else ""
    if now is None:
        context.seen.pop(str(end.real), None)
    elif change.blind or not shown or "\n[cut: " in shown:
        return f"{text} Read it again, then repeat this change.{shown}"
    else:
        remember(end.real, now, context)
    return f"{text} If your change is still right, repeat it.{shown}"


async def _put(
    reach: Reach, change: Change, end: Destination, context: ToolContext, shown: list[Content]
) -> FileChange:
    """Replace the file by what is wanted, unless it has changed since it was looked at."""
    custody = context.services.custody
    with reach.target(change.asked) as target:
        if not shown:
            shown.append(None if target.now is None else _limited(target.read(LARGEST_EDIT + 1), change))
        before = _known(shown[0], change, end, context)
        content = change.make(before)
        try:
            if custody is None:
                former = await asyncio.to_thread(place, target, content, before)
                if former is not None:
                    os.close(former)
            else:
                await custody.replace(target, content, before, context)
        except Overtaken as overtaken:
            text = f"{change.asked}: has changed in this very moment, so it was left as it is."
            raise ToolError(_refusal(text, before, overtaken.now, change, end, context, comparable=True)) from None
        if end.protected and context.walls.guard:
            # Else the end of a command that runs now would undo what a person has allowed.
            await asyncio.to_thread(context.walls.guard.accept, target.path)
        after = digest(content)
        context.seen[str(target.path)] = after
        if before is None:
            return FileChange(str(target.path), "created", None, after)
        return FileChange(str(target.path), "edited", digest(before), after)
