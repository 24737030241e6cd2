"""Do something to a file that may be a stranger's: apart from the notebook's process, inside the walls.

Parsers of PDFs and images meet files that are made to hang or to exhaust them. Here such a file costs a short process,
a time limit and an error.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.sandbox import Walls, start

__all__ = ["answer_apart"]

_SECONDS = 30.0
_MOST_BYTES = 32 << 20


async def answer_apart(
    program: str, handle: int, arguments: Sequence[str], walls: Walls, asked: str
) -> tuple[dict[str, Any], bytes]:
    """Let a file of this folder, `apart_<program>.py`, answer what is asked of an open file.

    Args:
        program: `pdf` or `image`.
        handle: the file, open for reading.
        arguments: for the program's `answer`.
        walls: where it runs.
        asked: the file's name, for errors.

    Returns:
        Its answer, and the bytes that belong to it.

    Raises:
        ToolError: the file is not fit for it, or takes too much time or memory.
    """
    main, script = (Path(__file__).with_name(f"apart_{name}.py") for name in ("main", program))
    argv = [sys.executable, "-P", str(main), str(script), str(handle), *arguments]
    try:
        started = await start(walls, argv, readable=[main, script], pass_fds=[handle])
    except OSError as error:
        raise ToolError(f"{asked}: could not be read: {error.strerror or error}.") from None
    output = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            while len(output) <= _MOST_BYTES and (chunk := await started.output.read(1 << 20)):
                output += chunk
    except TimeoutError:
        raise ToolError(f"{asked}: could not be read within {_SECONDS:g} s.") from None
    finally:
        await started.end()
    line, _, rest = bytes(output).partition(b"\n")
    try:
        answer = json.loads(line)
    except ValueError:
        answer = {"error": "takes too much time or memory to be read."}
    if len(output) > _MOST_BYTES:
        answer = {"error": f"comes to more than {_MOST_BYTES >> 20} MiB."}
    if "error" in answer:
        raise ToolError(f"{asked}: {answer['error']}")
    return answer, rest
