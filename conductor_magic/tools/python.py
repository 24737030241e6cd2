"""Python: code in the task's own kernel, where variables stay from call to call."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Callable
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.artifacts import save_from_outbox, save_image
from conductor_magic.tools.base import TIMEOUT_SCHEMA, NewArtifact, ToolContext, ToolResult, own_seconds
from conductor_magic.tools.commands import admit_command
from conductor_magic.tools.kernel import TaskKernel
from conductor_magic.tools.kernel_bootstrap import ANNOUNCEMENT
from conductor_magic.tools.output import plain, shortened
from conductor_magic.tools.watched import watched

__all__ = ["Python"]

_SHOWN = 20_000
_KEPT = 2_000_000
_ARTIFACTS = 40
"""How many one call may hand back."""

Offer = Callable[[], NewArtifact]
"""Takes what was handed back; raises ToolError when it is not what it should be."""


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
            "timeout": TIMEOUT_SCHEMA,
        },
        "required": ["code"],
        "additionalProperties": False,
    }
    repeatable = False

    async def run(self, args: dict[str, Any], context: ToolContext) -> ToolResult:
        """Run one piece of code in the task's kernel; see `WorkerTool.run`."""
        code = _checked(args["code"])
        await admit_command(code, self.name, context)
        seconds = own_seconds(self, args)
        kernel = _kernel_of(context)
        async with kernel.lock:
            try:
                await kernel.ready()
            except OSError as error:
                raise ToolError(f"Python could not be started: {error.strerror or error}.") from None
            shown = _Shown(kernel, context)
            async with watched(code, context) as guarded:
                ending = await kernel.execute(code, seconds, shown.take)
            # Copying and checking what may be large is no work for the loop that all workers share.
            await asyncio.to_thread(shown.keep_artifacts)
        return shown.result(ending, seconds, guarded.note)


def _checked(code: str) -> str:
    if not code.strip():
        raise ToolError("The code is empty.")
    try:
        code.encode()
    except UnicodeEncodeError:
        raise ToolError(
            "The code holds half a character (a lone surrogate), which Python does not take: write it as an escape."
        ) from None
    return code


def _kernel_of(context: ToolContext) -> TaskKernel:
    """The task's kernel; the first call takes one and registers its end."""
    kernel = context.kernels.get("python")
    if kernel is None:
        pool = context.services.kernels
        kernel = context.kernels["python"] = pool.take() if pool else TaskKernel(context.walls)
        context.opened["python"] = kernel.aclose
    return kernel


class _Shown:
    """Collects what one call shows: text for the model, artifacts for the notebook."""

    def __init__(self, kernel: TaskKernel, context: ToolContext) -> None:
        self._kernel = kernel
        self._context = context
        self._pieces: list[str] = []
        self._length = 0
        self._offers: list[tuple[int, Offer]] = []
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

    def result(self, ending: str, seconds: float, undone: str) -> ToolResult:
        """What goes back to the model."""
        text = shortened("".join(self._pieces).strip("\n"), _SHOWN)
        if ending == "interrupted":
            text += f"\n[interrupted after {seconds:g} s; the variables are still there]"
        elif ending == "killed":
            text += f"\n[ended after {seconds:g} s, as it did not stop when interrupted; all variables are lost]"
        text += f"\n{undone}" if undone else ""
        failed = self._failed or ending != "done"
        return ToolResult(text.strip("\n") or "(no output)", is_error=failed, artifacts=tuple(self._artifacts))

    def _add(self, text: str) -> None:
        text = plain(text)
        if self._context.on_output and text:
            self._context.on_output(text)
        if self._length < _KEPT:
            self._pieces.append(text)
        self._length += len(text)

    def keep_artifacts(self) -> None:
        """Take what was handed back, with a note at the place where it was shown; runs in a thread."""
        for place, take in self._offers:
            try:
                artifact = take()
            except ToolError as error:
                self._failed = True
                note = f"no artifact: {error}"
            else:
                self._artifacts.append(artifact)
                shape = f" {'x'.join(map(str, artifact.shape))}" if artifact.shape else ""
                note = f"artifact {artifact.name} {artifact.mime}{shape}"
            self._pieces[place] = f"[{note}]\n"

    def _take_value(self, data: dict[str, Any]) -> None:
        shown = data.get("text/plain")
        described, png, svg = data.get(ANNOUNCEMENT), data.get("image/png"), data.get("image/svg+xml")
        image = isinstance(png, str) or isinstance(svg, str)
        if isinstance(shown, str) and not image:
            self._add(shown + "\n")
        if isinstance(described, dict):
            told = self._named(described)
            self._offer(lambda: save_from_outbox(self._kernel.outbox, told, self._context))
        elif isinstance(png, str):
            # A figure that is shown by name is shown again at the end of the call, with all open figures.
            if png not in self._images:
                self._images.add(png)
                with contextlib.suppress(binascii.Error):
                    self._offer_image(base64.b64decode(png), ".png")
        elif isinstance(svg, str):
            self._offer_image(svg.encode(errors="replace"), ".svg")

    def _offer_image(self, content: bytes, suffix: str) -> None:
        name = self._number("chart")
        self._offer(lambda: save_image(name, content, suffix, self._context))

    def _offer(self, take: Offer) -> None:
        if len(self._offers) >= _ARTIFACTS:
            self._add(f"[not kept: one call may hand back {_ARTIFACTS} artifacts]\n")
            return
        self._pieces.append("")
        self._offers.append((len(self._pieces) - 1, take))

    def _named(self, described: dict[str, Any]) -> dict[str, Any]:
        # What was only shown comes without a name.
        return described if described.get("name") else {**described, "name": self._number("table")}

    def _number(self, kind: str) -> str:
        number = self._kernel.numbers.get(kind, 0) + 1
        self._kernel.numbers[kind] = number
        return f"{kind}-{number}"
