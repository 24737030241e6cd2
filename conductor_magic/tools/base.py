"""What a worker's tool is: a name, a schema, and one coroutine from arguments to a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from conductor_magic.sandbox import Walls

if TYPE_CHECKING:
    from conductor_magic.tools.kernel import TaskKernel

__all__ = ["FileChange", "NewArtifact", "ToolContext", "ToolResult", "WorkerTool"]


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


@dataclass(slots=True)
class ToolContext:
    """What one worker's tools share for the length of its task.

    Attributes:
        task: the task's id.
        worker: the worker's id.
        workspace: the folder that tools may touch, resolved.
        artifacts: the run's artifacts folder (outside the workspace).
        walls: how Bash and Python are confined, by mode and by what this machine can do.
        read_only: writing tools are not in the registry, and the walls mount the workspace read-only.
        variables: folder of the notebook variables handed over (see `notebook.py`), or None.
        seen: file path -> sha256 when this worker last read it (Edit and Write check it).
        opened: what must be closed when the task ends (kernels); name -> async closer.
        on_output: called with text as a tool produces it, for the live board only.
        kernel: the task's Python kernel, once the Python tool has made it (its end is in `opened`).
    """

    task: str
    worker: str
    workspace: Path
    artifacts: Path
    walls: Walls
    read_only: bool = False
    variables: Path | None = None
    seen: dict[str, str] = field(default_factory=dict)
    opened: dict[str, Any] = field(default_factory=dict)
    on_output: Callable[[str], None] | None = None
    kernel: TaskKernel | None = None


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
