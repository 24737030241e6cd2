"""Plays the rehearsal's recipes on real tables without a kernel.

The code that a worker would send to the Python tool runs in a plain Python process, which stands in for that tool; its
output goes back to the worker's rules as the tool result.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from conductor_magic.models.rehearsal.transport import reply_to
from conductor_magic.prompts import PREAMBLE

__all__ = ["EXPLORATION", "Played", "play", "row", "six"]

EXPLORATION = ("schema", "missing", "distributions", "outliers", "correlations", "groups", "charts")

# Stands in for the Python tool: runs each code by itself, and tells what it printed and handed back.
DRIVER = """
import contextlib, io, json, sys
import pandas as pd
job = json.load(sys.stdin)
variables = {}
exec(job["build"], variables)
played = []
for code in job["codes"]:
    published, printed = {}, io.StringIO()
    def publish(name, value):
        if isinstance(value, pd.DataFrame):
            published[name] = value.astype(object).where(value.notna(), None).to_dict("list")
        else:
            buffer = io.BytesIO()
            value.savefig(buffer, format="png")
            published[name] = buffer.getvalue()[:8].hex()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "recipe", "exec"), {**variables, "publish": publish})
    played.append({"printed": printed.getvalue(), "published": published})
own = eval(job["own"], variables) if job["own"] else None
json.dump({"played": played, "own": own}, sys.stdout, default=str)
"""


@dataclass(frozen=True)
class Played:
    """One recipe on one variable: its figures, its report, what it handed back, and what the tool printed."""

    figures: dict[str, Any]
    report: str
    published: dict[str, Any]
    printed: str


def request(recipe: str, variable: str, *, earlier: str = "", outcome: str | None = None) -> dict[str, Any]:
    """A worker's request, before its first call or after the call's result."""
    prompt = PREAMBLE + f"Look.\n\nRECIPE: {recipe}\nVARIABLE: {variable}"
    if earlier:
        prompt += f"\n\nRESULTS OF EARLIER TASKS\n### Task 5: Correlations\n{earlier}"
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"{prompt}\n\nWORKSPACE\n/ws\n\nRETURN\nfindings"}]
    if outcome is not None:
        call = {"type": "tool_use", "id": "t1", "name": "Python", "input": {"code": "…"}}
        result = {"type": "tool_result", "tool_use_id": "t1", "content": outcome}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return {"messages": messages, "tools": [{"name": "Python"}]}


def play(
    build: str, variables: tuple[str, ...], recipes: tuple[str, ...] = EXPLORATION, own: str = "", earlier: str = ""
) -> tuple[dict[tuple[str, str], Played], Any]:
    """Play recipes on variables that `build` defines; also what `own` evaluates to beside them."""
    pairs = [(variable, recipe) for variable in variables for recipe in recipes]
    codes = [reply_to(request(recipe, name, earlier=earlier)).calls[0].input["code"] for name, recipe in pairs]
    job = json.dumps({"build": build, "codes": codes, "own": own})
    command = [sys.executable, "-W", "error", "-c", DRIVER]
    done = subprocess.run(command, input=job, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    found = {}
    for (name, recipe), one in zip(pairs, told["played"], strict=True):
        report = reply_to(request(recipe, name, outcome=one["printed"])).text
        figures = json.loads(one["printed"].removeprefix("RESULT "))
        found[name, recipe] = Played(figures, report, one["published"], one["printed"])
    return found, told["own"]


def row(table: list[dict[str, Any]], column: str) -> dict[str, Any]:
    """The row of a table that is about a column."""
    return next(entry for entry in table if entry["column"] == column)


def six(value: float) -> Any:
    """What a figure shown with six digits is compared with."""
    return pytest.approx(value, rel=1e-5, abs=1e-9)
