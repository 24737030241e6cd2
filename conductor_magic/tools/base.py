"""What a worker's tool is: a name, a schema, and one coroutine from arguments to a result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from conductor_magic.permissions import Access
from conductor_magic.sandbox import Walls
from conductor_magic.tools.services import Services

if TYPE_CHECKING:
    from conductor_magic.tools.background import BackgroundCommand
    from conductor_magic.tools.kernel import TaskKernel

__all__ = [
    "TIMEOUT_SCHEMA",
    "FileChange",
    "Gate",
    "NewArtifact",
    "ToolContext",
    "ToolResult",
    "WorkerTool",
    "own_seconds",
]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a tool made or changed.

    Attributes:
        path: absolute path.
        action: `created` or `edited`.
        before: sha256 of the content before, or None when there was none.
        after: sha256 of the content now.
    """

    path: str
    action: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """Something a worker made for the notebook, already saved in the run's artifacts folder.

    Attributes:
        name: the name it is found under in `result.artifacts` (made unique by the engine).
        mime: its media type: one of the safe formats, never a pickle.
        path: where it lies.
        size: bytes.
        sha256: of its content.
        shape: rows and columns of a frame, pixels of an image, else None.
    """

    name: str
    mime: str
    path: str
    size: int
    sha256: str
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What goes back to the model, and what the engine records of it.

    Attributes:
        content: text, or API content blocks (text and images).
        is_error: the model is told that the call failed.
    """

    content: str | list[dict[str, Any]]
    is_error: bool = False
    files: tuple[FileChange, ...] = ()
    artifacts: tuple[NewArtifact, ...] = ()


class Gate(Protocol):
    """The one gate that every tool passes, once for each thing that it is about to touch."""

    async def admit(self, access: Access, context: ToolContext, show: Callable[[], str] | None = None) -> None:
        """Return when the access is allowed; where the mode says so, a person is asked first.

        Args:
            access: what the call is about to touch.
            context: whose call it is.
            show: makes the text that a person is shown beside the question (a difference); called only when asked.

        Raises:
            ToolError: it is not allowed; the text tells the model why, and what it can do instead.
        """
        ...


@dataclass(slots=True)
class ToolContext:
    """What one worker's tools share for the length of its task.

    The loop gives every call a copy with its own `call`; the copies share all the rest.

    Attributes:
        task: the task's id.
        worker: the worker's id.
        gate: what every tool passes before it touches anything.
        workspace: the folder that tools may touch, resolved.
        artifacts: the run's artifacts folder (outside the workspace).
        walls: how Bash and Python are confined, by mode and by what this machine can do.
        read_only: writing tools are not in the registry, and the walls mount the workspace read-only.
        seen: file path -> sha256 when this worker last read it (Edit and Write check it); empty when that was in an
            earlier process, which has told nobody.
        opened: what must be closed when the task ends (kernels); name -> async closer.
        on_output: called with text as a tool produces it, for the live board only.
        kernels: `python` -> the task's Python kernel, once the Python tool has one (its end is in `opened`).
        services: what all workers of the run share.
        call: the journal's name of the call that is running.
        hold: stops the clock of the worker's time limit while its call waits for somebody else.
        takes: what its model takes besides text: `image`, `document` (PDF).
        background: name -> command that Bash left running (their end is in `opened`).
    """

    task: str
    worker: str
    gate: Gate
    workspace: Path
    artifacts: Path
    walls: Walls
    read_only: bool = False
    seen: dict[str, str] = field(default_factory=dict)
    opened: dict[str, Any] = field(default_factory=dict)
    on_output: Callable[[str], None] | None = None
    kernels: dict[str, TaskKernel] = field(default_factory=dict[str, "TaskKernel"])
    services: Services = field(default_factory=Services)
    call: str = ""
    hold: Callable[[], AbstractContextManager[None]] = nullcontext
    takes: frozenset[str] = frozenset({"image"})
    background: dict[str, BackgroundCommand] = field(default_factory=dict[str, "BackgroundCommand"])


class WorkerTool(Protocol):
    """One tool that workers call."""

    name: str
    description: str
    input_schema: dict[str, Any]
    repeatable: bool
    """Running it twice has the effect of running it once (it only looks)."""

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Run one call whose arguments already fit `input_schema`.

        Raises:
            ToolError: it cannot be done; the text is for the model.
        """
        ...


_TIMEOUT_MS, _LONGEST_MS = 120_000, 600_000
TIMEOUT_SCHEMA: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "description": f"Milliseconds (default {_TIMEOUT_MS}, at most {_LONGEST_MS}).",
}
"""The argument of a tool that is told how long a call may take."""


def own_seconds(tool: WorkerTool, args: dict[str, Any]) -> float:
    """How long a call may take by its own `timeout` argument; 0 for a tool that has none."""
    if "timeout" not in tool.input_schema.get("properties", {}):
        return 0.0
    return min(args.get("timeout") or _TIMEOUT_MS, _LONGEST_MS) / 1000
