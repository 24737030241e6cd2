"""Python: code in the task's own kernel, where variables stay from call to call."""

from __future__ import annotations

import base64
import binascii
import contextlib
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.artifacts import save_from_outbox, save_image
from conductor_magic.tools.base import NewArtifact, ToolContext, ToolResult
from conductor_magic.tools.kernel import TaskKernel
from conductor_magic.tools.kernel_bootstrap import ANNOUNCEMENT
from conductor_magic.tools.output import plain, shortened

__all__ = ["Python"]

_SHOWN = 20_000
_KEPT = 2_000_000
_ARTIFACTS = 40
"""How many one call may hand back."""

_TIMEOUT_MS = 120_000
_LONGEST_MS = 600_000


class Python:
    """The Python tool."""

    name = "Python"
    description = (
        "Run Python in this task's own kernel; variables stay between calls, and the notebook's shared variables are "
        "there by name. Figures and DataFrames that you show become artifacts; `publish(name, object)` hands one back "
        "under a name."
    )
    input_schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The code; the last expression's value is shown."},
            "timeout": {
                "type": "integer",
                "minimum": 1,
                "description": f"Milliseconds (default {_TIMEOUT_MS}, at most {_LONGEST_MS}).",
            },
        },
        "required": ["code"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Run one piece of code in the task's kernel; see `WorkerTool.run`."""
        code = args["code"]
        if not code.strip():
            raise ToolError("The code is empty.")
        if not context.walls.can_run:
            raise ToolError(f"Python is not available: {context.walls.reason}")
        seconds = min(args.get("timeout") or _TIMEOUT_MS, _LONGEST_MS) / 1000
        kernel = _kernel_of(context)
        async with kernel.lock:
            try:
                await kernel.ready()
            except OSError as error:
                raise ToolError(f"Python could not be started: {error.strerror or error}.") from None
            shown = _Shown(kernel, context)
            ending = await kernel.execute(code, seconds, shown.take)
        return shown.result(ending, seconds)


def _kernel_of(context: ToolContext) -> TaskKernel:
    """The task's kernel; the first call makes it and registers its end."""
    if context.kernel is None:
        context.kernel = TaskKernel(context.walls, context.variables)
        context.opened["python"] = context.kernel.aclose
    return context.kernel


class _Shown:
    """Collects what one call shows: text for the model, artifacts for the notebook."""

    def __init__(self, kernel: TaskKernel, context: ToolContext) -> None:
        self._kernel = kernel
        self._context = context
        self._pieces: list[str] = []
        self._length = 0
        self._artifacts: list[NewArtifact] = []
        self._failed = False
        self._images: set[str] = set()

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """One message of the kernel; what does not have the form that it should is passed over."""
        if kind == "stream":
            self._add(str(content.get("text", "")))
        elif kind == "error":
            self._failed = True
            lines = content.get("traceback")
            self._add("\n" + "\n".join(map(str, lines if isinstance(lines, list) else ())) + "\n")
        elif kind in ("execute_result", "display_data"):
            data = content.get("data")
            if isinstance(data, dict):
                self._take_value(data)

    def result(self, ending: str, seconds: float) -> ToolResult:
        """What goes back to the model."""
        text = shortened("".join(self._pieces).strip("\n"), _SHOWN)
        if ending == "interrupted":
            text += f"\n[interrupted after {seconds:g} s; the variables are still there]"
        elif ending == "killed":
            text += f"\n[ended after {seconds:g} s, as it did not stop when interrupted; all variables are lost]"
        failed = self._failed or ending != "done"
        return ToolResult(text.strip("\n") or "(no output)", is_error=failed, artifacts=tuple(self._artifacts))

    def _add(self, text: str) -> None:
        text = plain(text)
        if self._context.on_output and text:
            self._context.on_output(text)
        if self._length < _KEPT:
            self._pieces.append(text)
        self._length += len(text)

    def _take_value(self, data: dict[str, Any]) -> None:
        shown = data.get("text/plain")
        described, png, svg = data.get(ANNOUNCEMENT), data.get("image/png"), data.get("image/svg+xml")
        image = isinstance(png, str) or isinstance(svg, str)
        if isinstance(shown, str) and not image:
            self._add(shown + "\n")
        if len(self._artifacts) >= _ARTIFACTS:
            self._note(f"not kept: one call may hand back {_ARTIFACTS} artifacts")
            return
        try:
            if isinstance(described, dict):
                self._keep(save_from_outbox(self._kernel.outbox, self._named(described), self._context))
            elif isinstance(png, str):
                # A figure that is shown by name is shown again at the end of the call, with all open figures.
                if png in self._images:
                    return
                self._images.add(png)
                with contextlib.suppress(binascii.Error):
                    self._keep(save_image(self._number("chart"), base64.b64decode(png), ".png", self._context))
            elif isinstance(svg, str):
                self._keep(save_image(self._number("chart"), svg.encode(errors="replace"), ".svg", self._context))
        except ToolError as error:
            self._failed = True
            self._note(f"no artifact: {error}")

    def _named(self, described: dict[str, Any]) -> dict[str, Any]:
        # What was only shown comes without a name.
        return described if described.get("name") else {**described, "name": self._number("table")}

    def _number(self, kind: str) -> str:
        number = self._kernel.numbers.get(kind, 0) + 1
        self._kernel.numbers[kind] = number
        return f"{kind}-{number}"

    def _keep(self, artifact: NewArtifact) -> None:
        self._artifacts.append(artifact)
        shape = f" {'x'.join(map(str, artifact.shape))}" if artifact.shape else ""
        self._note(f"artifact {artifact.name} {artifact.mime}{shape}")

    def _note(self, text: str) -> None:
        self._add(f"[{text}]\n")
