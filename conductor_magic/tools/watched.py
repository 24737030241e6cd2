"""Around everything that may change files behind the file tools' back: a shell command, a cell of Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conductor_magic.sandbox import Guarded, guarded_names
from conductor_magic.tools.base import ToolContext

__all__ = ["watched"]


@asynccontextmanager
async def watched(text: str, context: ToolContext) -> AsyncIterator[Guarded]:
    """While this runs, changed files are noted as perhaps made by it; what it changed is recorded when it is over.

    What it did to protected names is undone before that; the note that is yielded then says so.

    Args:
        text: the command or the code, once it is admitted.
        context: whose it is.
    """
    custody = context.services.custody
    # Beside the artifacts, which workers may read.
    aside = context.artifacts.parent / "set-aside"
    if custody is None or context.read_only:
        async with guarded_names(context.walls, aside) as guarded:
            yield guarded
        return
    command = await custody.begin(text, context)
    try:
        async with guarded_names(context.walls, aside) as guarded:
            yield guarded
    finally:
        ending = asyncio.ensure_future(custody.end(command))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            # A command that nobody ended would be suspected of all that comes.
            await ending
            raise
