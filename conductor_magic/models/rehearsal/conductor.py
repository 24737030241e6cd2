"""The rehearsal's conductor: reads a guide, lays out its pattern in one turn, sleeps, and answers from the outputs.

Where it stands is read from the conversation alone: no tasks and no guide yet -> read it; no tasks -> create and launch
them all; results of that, or work still running -> sleep; all drained -> read outputs; outputs read -> answer.
"""

from __future__ import annotations

import json
import re

from conductor_magic.errors import ConductUsageError
from conductor_magic.models.rehearsal.dialogue import Call, Dialogue, Turn
from conductor_magic.models.rehearsal.planning import Assignment, Planned, choose_guide, plan, read_assignment
from conductor_magic.models.rehearsal.prose import bullets, names
from conductor_magic.models.rehearsal.value import value_turn

__all__ = ["PLANNED", "STAND_IN", "conduct_turn"]

STAND_IN = (
    "> **Rehearsal.** No language model took part: a rule-based stand-in counted what is stated here with fixed "
    "recipes and drew no conclusions of its own from your goal. Set `ANTHROPIC_API_KEY` and run the cell again for a "
    "real answer."
)
PLANNED = (
    "> **Rehearsal.** No language model took part: a rule-based stand-in laid out the fixed pattern of a guide for "
    "what is there and drew no conclusions of its own from your goal."
)
_NOTHING = "Nothing could be found out: no part of it was completed."
_READABLE = 24
_REPORT = re.compile(r"\A\[Report of the worker on [^\n]*\]\n")
"""What the engine says before a worker's own words."""

_NOTICE = re.compile(r"^#(\S+) (completed|failed|cancelled|skipped) · (.*)$", re.MULTILINE)
_PLANNING = "No worker starts in this run"
_DRAINED = ("No work is running", "Give the answer now")


def conduct_turn(dialogue: Dialogue) -> Turn:
    """The conductor's next turn."""
    if dialogue.latest.startswith("VALUE"):
        return value_turn(dialogue)
    assignment = read_assignment(dialogue.first)
    ids = _created(dialogue)
    if not any(outcome.name == "TaskCreate" for outcome in dialogue.outcomes):
        return _begin(dialogue, assignment)
    if not any(text.startswith("NOTICES") for text in dialogue.told) or _PLANNING in dialogue.latest:
        return Turn(_under_way(dialogue, assignment))
    if dialogue.latest.startswith("NOTICES") and not any(mark in dialogue.latest for mark in _DRAINED):
        return Turn("Something changed; the rest goes on.")
    return _gather(dialogue, assignment, ids)


def _begin(dialogue: Dialogue, assignment: Assignment) -> Turn:
    guide = choose_guide(assignment)
    read = [outcome for outcome in dialogue.outcomes if outcome.name == "Read"]
    if not read and guide in assignment.guides and "Read" in dialogue.tools:
        look_up = Call("Read", {"file_path": f"guides/{guide}.md"})
        return Turn(f"Looking up how {_what(assignment)} is best explored.", (look_up,))
    try:
        tasks = plan(guide, assignment)
    except ConductUsageError as error:
        return Turn(f"Nothing could be planned: {error}\n\n{STAND_IN}")
    creates = [Call("TaskCreate", _create_input(task)) for task in tasks]
    launches = [Call("Task", _launch_input(task)) for task in tasks]
    return Turn(f"Here is how {_what(assignment)} will be looked at.", (*creates, *launches))


def _create_input(task: Planned) -> dict[str, object]:
    return {
        "subject": task.subject,
        "description": task.description,
        "key": task.key,
        "phase": task.phase,
        "model": task.tier,
        "reason": task.reason,
        **({"blockedBy": list(task.blocked_by)} if task.blocked_by else {}),
    }


def _launch_input(task: Planned) -> dict[str, object]:
    return {
        "taskId": task.key,
        "description": task.subject,
        "prompt": task.prompt,
        "model": task.tier,
        "reason": task.reason,
        "subagent_type": "general-purpose",
    }


def _under_way(dialogue: Dialogue, assignment: Assignment) -> str:
    refused = [outcome for outcome in dialogue.outcomes if outcome.is_error and outcome.name in ("TaskCreate", "Task")]
    problems = bullets(dict.fromkeys(" ".join(outcome.text.split()) for outcome in refused))
    text = f"A rule-based stand-in is looking at {_what(assignment)}; the report follows."
    if assignment.plans_only:
        text = f"This is how {_what(assignment)} would be looked at; nothing was looked at yet.\n\n{PLANNED}"
    return f"{text}\n\nNot everything could be started:\n\n{problems}" if problems else text


def _gather(dialogue: Dialogue, assignment: Assignment, ids: dict[str, str]) -> Turn:
    """Read the outputs that the answer needs, those of the last task first; with them at hand, answer."""
    states = {task: state for text in dialogue.told for task, state, _ in _NOTICE.findall(text)}
    last = next(reversed(ids.values()), "")
    completed = [task for task in ids.values() if states.get(task) == "completed"]
    wanted = [last] if last in completed else completed
    read = {outcome.input.get("file_path"): outcome for outcome in dialogue.outcomes if outcome.name == "Read"}
    missing = [f"outputs/{task}.md" for task in wanted[:_READABLE] if f"outputs/{task}.md" not in read]
    if missing and "Read" in dialogue.tools:
        return Turn(calls=tuple(Call("Read", {"file_path": path}) for path in missing))
    outputs = [read[path] for task in wanted if (path := f"outputs/{task}.md") in read]
    found = [_REPORT.sub("", output.text).strip() for output in outputs if not output.is_error]
    nothing = "What was found out could not be read any more; it is in `result.tasks`." if completed else _NOTHING
    return Turn(_answer(dialogue, assignment, found or [nothing]))


def _answer(dialogue: Dialogue, assignment: Assignment, parts: list[str]) -> str:
    trouble = _troubles(dialogue)
    missing = [f"## What is missing\n\n{bullets(trouble)}"] if trouble else []
    left_out = [f"Not looked at: {names(assignment.left_out)}."] if assignment.left_out else []
    return "\n\n".join([*parts, *missing, *left_out, STAND_IN])


def _troubles(dialogue: Dialogue) -> list[str]:
    """What failed and stayed so, what never started, which cap was hit: by subject, with the engine's own reason."""
    latest: dict[str, tuple[str, str]] = {}
    lines: list[str] = []
    for text in dialogue.told:
        for task, state, rest in _NOTICE.findall(text):
            latest[task] = (state, rest)
        for line in text.splitlines():
            if _DRAINED[1] in line:
                lines.append(line.partition(" Nothing new starts")[0])
            elif line.startswith("Cannot start: "):
                lines.append(line.partition(". Repair")[0] + ".")
    failed = [f"{rest} ({state})" for state, rest in latest.values() if state != "completed"]
    refused = [" ".join(o.text.split()) for o in dialogue.outcomes if o.is_error and o.name in ("TaskCreate", "Task")]
    return list(dict.fromkeys([*failed, *lines[-2:], *refused]))


def _created(dialogue: Dialogue) -> dict[str, str]:
    """Key -> id of each task that was created, in order."""
    found: dict[str, str] = {}
    for outcome in dialogue.outcomes:
        if outcome.name == "TaskCreate" and not outcome.is_error:
            try:
                task = json.loads(outcome.text)["task"]["id"]
            except (ValueError, KeyError, TypeError):
                continue  # no answer of a kind that we know: the task counts as not created
            found[str(outcome.input.get("key", task))] = str(task)
    return found


def _what(assignment: Assignment) -> str:
    covered = [name for name, _ in assignment.looked_at]
    return names(covered) if covered else "the workspace"
