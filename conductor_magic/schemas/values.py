"""The schema of a task's value: is it one, and does what a worker reported fit it?

Both is looked at by a process of its own (`program.py`): a pattern or a chain of references can keep a processor busy
for ever, and Python cannot be stopped from within.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.sandbox import clean_environment

__all__ = ["Found", "schema_problem", "value_in", "with_value"]

_PROGRAM = Path(__file__).with_name("program.py")
_SECONDS = 10.0
_DEEPEST = 100
_BLOCK = re.compile(r"^[ \t]*```[ \t]*json[ \t]*\r?\n(.*?)^[ \t]*```[ \t]*$", re.IGNORECASE | re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a report.

    Attributes:
        value: the value, when it fits.
        wrong: what is wrong with it, for the worker to mend; empty when it fits.
        fault: why nothing can be said of it: it is the schema that cannot be checked.
    """

    value: Any = None
    wrong: str = ""
    fault: str = ""


async def schema_problem(schema: object) -> str:
    """What is wrong with a task's schema, in one sentence for a model; empty when values can be checked against it.

    Args:
        schema: what the model gave. Nothing is fetched for it: a reference leads to a part of the schema itself.
    """
    return (await _ask({"schema": schema}))["fault"]


async def value_in(report: str, schema: dict[str, Any]) -> Found:
    """Read the value of a report (its last fenced json block, or the report itself) and check it.

    Args:
        report: without its status line.
        schema: one that `schema_problem` finds nothing wrong with.
    """
    blocks = _BLOCK.findall(report)
    text = blocks[-1] if blocks else report
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        if not blocks:
            return Found(wrong="there is no fenced ```json block with the value in the report")
        return Found(wrong=f"the json block is no JSON: {error}")
    if _nested_too_deeply(value):
        return Found(wrong=f"the value is nested more than {_DEEPEST} levels deep")
    said = await _ask({"schema": schema, "value": value})
    return Found(None if said["wrong"] or said["fault"] else value, said["wrong"], said["fault"])


def with_value(report: str, value: Any) -> str:
    """The report with this value in the place of the one that did not fit."""
    block = f"```json\n{json.dumps(value, ensure_ascii=False, indent=1)}\n```"
    found = list(_BLOCK.finditer(report))
    if not found:
        return f"{report}\n\n{block}".strip()
    return f"{report[: found[-1].start()]}{block}{report[found[-1].end() :]}"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _nested_too_deeply(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


async def _ask(question: dict[str, Any]) -> dict[str, str]:
    """What the program says: what is `wrong` with the value, and what `fault` the schema has."""
    # The same packages as here, wherever they come from.
    packages = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(_PROGRAM),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**clean_environment(), "PYTHONPATH": packages}, start_new_session=True,
    )  # fmt: skip
    said = b""
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate(json.dumps(question).encode())
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return json.loads(said)
    fault = "the check ended without an answer"
    if process.returncode is None or process.returncode < 0:
        fault = "it takes too long to check: simplify its patterns and references"
    return {"wrong": "", "fault": fault}
