"""The workers' registry: everything that a worker can call, and nothing else.

The conductor's registry lives elsewhere and shares no entry with this one: a role is what it can call.
"""

from __future__ import annotations

from conductor_magic.tools.base import WorkerTool
from conductor_magic.tools.bash import Bash
from conductor_magic.tools.edit import Edit
from conductor_magic.tools.glob import Glob
from conductor_magic.tools.grep import Grep
from conductor_magic.tools.lsp import LSP
from conductor_magic.tools.python import Python
from conductor_magic.tools.read import Read
from conductor_magic.tools.web_fetch import WebFetch
from conductor_magic.tools.web_search import WebSearch
from conductor_magic.tools.write import Write

__all__ = ["worker_tools"]


def worker_tools(read_only: bool) -> dict[str, WorkerTool]:
    """The tools of one worker by name, in the order in which they are described to the model.

    Args:
        read_only: leave out the tools that change files (Bash and Python stay: the walls keep them from it).
    """
    looking: tuple[WorkerTool, ...] = (Read(), Glob(), Grep(), LSP())
    changing: tuple[WorkerTool, ...] = () if read_only else (Write(), Edit())
    running: tuple[WorkerTool, ...] = (Bash(), Python())
    web: tuple[WorkerTool, ...] = (WebFetch(), WebSearch())
    return {tool.name: tool for tool in (*looking, *changing, *running, *web)}
