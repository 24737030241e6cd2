"""The rehearsal's worker: reads its prompt, plays the recipe that it names, and reports what the tools gave back."""

from __future__ import annotations

import re

from conductor_magic.models.rehearsal.dialogue import Dialogue, Turn, section
from conductor_magic.models.rehearsal.job import Earlier, Job, incomplete
from conductor_magic.models.rehearsal.recipes import RECIPES

__all__ = ["read_job", "work_turn"]

_RECIPE = re.compile(r"^RECIPE: *(\S+)\s*$", re.MULTILINE)
_VARIABLE = re.compile(r"^VARIABLE: *(\S+)\s*$", re.MULTILINE)
_EARLIER = re.compile(r"^### Task (\S+): (.*)$", re.MULTILINE)
_CONTEXT_ENDS = re.compile(r"^(?:NOTEBOOK VARIABLES\b.*|RESULTS OF EARLIER TASKS|WORKSPACE)$", re.MULTILINE)


def work_turn(dialogue: Dialogue) -> Turn:
    """The worker's next turn: calls to make, or its report with a `STATUS:` line."""
    job = read_job(dialogue)
    play = RECIPES.get(job.recipe)
    if play is None:
        named = f"the recipe {job.recipe!r} is not known" if job.recipe else "the task names no recipe"
        return incomplete(f"a rule-based stand-in plays here, not a language model, and {named}")
    return play(job)


def read_job(dialogue: Dialogue) -> Job:
    """What the worker's prompt asks for."""
    context = _CONTEXT_ENDS.search(dialogue.first)
    task = dialogue.first[: context.start()] if context else dialogue.first
    recipes, variables = _RECIPE.findall(task), _VARIABLE.findall(task)
    return Job(
        task=task,
        recipe=recipes[-1] if recipes else "",
        variable=variables[-1] if variables else "",
        workspace=section(dialogue.first, "WORKSPACE"),
        earlier=_earlier(section(dialogue.first, "RESULTS OF EARLIER TASKS")),
        tools=dialogue.tools,
        outcomes=dialogue.outcomes,
    )


def _earlier(text: str) -> tuple[Earlier, ...]:
    marks = list(_EARLIER.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)] if marks else []
    return tuple(
        Earlier(mark.group(1), mark.group(2).strip(), text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    )
