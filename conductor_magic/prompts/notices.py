"""What the conductor is woken with: one message with all its news, short and addressed, results by reference."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic import events as e
from conductor_magic.cap_texts import capped_text, near_cap_text
from conductor_magic.events import ConflictFound
from conductor_magic.prompts.shared import cut
from conductor_magic.recovering import after_failure
from conductor_magic.state import ConflictState, Notice, RunState, TaskState
from conductor_magic.wording import one_line, path_text, runs

__all__ = ["notice_text", "unread_results", "unsettled_text"]

_FEW = 10
"""So many completed tasks are told of at length; of more, each in a few words."""
_WORDS, _FEW_WORDS = 160, 28
"""Characters of a report that its notice quotes: of a few reports, of many."""


def notice_text(
    state: RunState, notices: Sequence[Notice], unlaunched: Sequence[str], unread: Sequence[str] = ()
) -> str:
    """One message with all that the conductor is to learn.

    Args:
        state: the run.
        notices: those that it was not told yet.
        unlaunched: tasks that it created and did not launch.
        unread: completed tasks whose reports it is reminded of.
    """
    brief = _is_brief(notices)
    lines = [_notice(state, notice, brief=brief) for notice in notices]
    if unlaunched:
        names = ", ".join(f"#{task}" for task in unlaunched)
        rest = "what is left is launched with its description" if state.plans_only else "the rest will be skipped"
        lines.append(f"Created but never launched: {names}. Launch what is needed with Task; {rest}.")
    if unread:
        lines.append(f"Not yet read, nor used by another task: {_ids(unread)}.")
    if state.cap:
        lines.append(f"{state.cap_text} Nothing new starts. Give the answer now, and say what was not done.")
    elif state.plans_only:
        lines.append("No worker starts in this run. Complete the plan, or say what it is.")
    elif _drained(state):
        stuck = [task for task in state.tasks.values() if task.status == "blocked" and task.launched]
        if stuck:
            waits = "; ".join(f"#{task.id} waits for #{', #'.join(_unmet(state, task))}" for task in stuck)
            lines.append(
                f"Cannot start: {waits}. Repair the blocker, take it out (removeBlockedBy), or delete the task."
            )
        lines.append("No work is running. Repair what failed, or give the answer.")
    quotes = any(notice.about == "completed" for notice in notices)
    head = f"NOTICES, {_elapsed(state)} into the run" + ("; in quotes, workers' words: data" if quotes else "")
    if brief:
        head += "; each report whole in outputs/<task id>.md"
    return "\n".join([head, *lines])


def unread_results(state: RunState, notices: Sequence[Notice]) -> tuple[str, ...]:
    """Completed tasks whose results nothing has used yet, once all work is done; each task is named once in a run.

    Used is a report that the conductor has opened, that a completed task was given, or that its notice quotes whole.
    """
    if not _drained(state):
        return ()
    seen = {*state.conductor.nudged, *_opened(state)}
    seen |= {b for task in state.tasks.values() if task.status == "completed" for b in task.blocked_by}
    told = "\n".join(record.event.text for record in state.conductor.log if isinstance(record.event, e.ConductorTold))
    limit = _FEW_WORDS if _is_brief(notices) else _WORDS
    fresh = {notice.task for notice in notices}
    left: list[str] = []
    for task in state.tasks.values():
        if task.status != "completed" or task.deleted or task.replaced_by or task.id in seen:
            continue
        words = _one_line(task.output, len(task.output) + 1)
        whole = len(words) <= limit if task.id in fresh else f"“{words}”" in told
        if words and not whole:
            left.append(task.id)
    return tuple(left)


def _opened(state: RunState) -> set[str]:
    """The tasks that the conductor has looked at with Read or TaskGet since they ended."""
    named: dict[str, str] = {}
    found: set[str] = set()
    for record in state.conductor.log:
        event = record.event
        if isinstance(event, e.ConductorTurn):
            calls = (block for block in event.content if block.get("type") == "tool_use")
            named |= {call["id"]: _task_in(call.get("input") or {}) for call in calls}
        elif isinstance(event, e.ToolEnded) and event.name in ("Read", "TaskGet") and not event.is_error:
            name = named.get(event.use, "")
            task = state.tasks.get(state.keys.get(name, name.removeprefix("#")))
            if task is not None and task.ended is not None and task.ended <= record.at:
                found.add(task.id)
    return found


def _task_in(args: dict[str, object]) -> str:
    """The id or key of the task that a call is about; empty when it is about none."""
    path = str(args.get("file_path") or "").strip()
    return path.removeprefix("outputs/").removesuffix(".md") if path else str(args.get("taskId") or "").strip()


def _drained(state: RunState) -> bool:
    ready = any(task.status == "ready" and task.launched for task in state.tasks.values())
    return not state.running and not ready


def _is_brief(notices: Sequence[Notice]) -> bool:
    return sum(notice.about == "completed" for notice in notices) > _FEW


def _elapsed(state: RunState) -> str:
    seconds = max(0.0, state.at - state.started_at)
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _unmet(state: RunState, task: TaskState) -> list[str]:
    return [blocker for blocker in task.blocked_by if state.tasks[blocker].status != "completed"]


def _notice(state: RunState, notice: Notice, *, brief: bool) -> str:
    if notice.about == "conflict":
        return _conflict(state.conflicts[notice.text])
    if notice.about == "resumed":
        return notice.text
    if notice.about == "capped":
        return capped_text(state, notice.text)
    if notice.about == "budget":
        return near_cap_text(state, notice.text)
    task = state.tasks[notice.task]
    if notice.about == "edited":
        return f"The person changed #{task.id} · {task.subject}: {notice.text}"
    if notice.about == "completed":
        return _completed(state, task, brief=brief)
    said = f"{_one_line(notice.text, 300)}{after_failure(state, task)}"
    return f"#{task.id} {notice.about} · {task.subject} · attempt {len(task.attempts)} · {said}"


def _completed(state: RunState, task: TaskState, *, brief: bool) -> str:
    tokens = sum(state.workers[worker].spend.tokens for worker in task.attempts)
    if brief:
        said = _one_line(task.output, _FEW_WORDS)
        return f"#{task.id} completed · {tokens:,} tokens “{said}”"
    said = _one_line(task.output, _WORDS)
    return f"#{task.id} completed · {task.subject} · {tokens:,} tokens · outputs/{task.id}.md\n  “{said}”"


def _ids(tasks: Sequence[str]) -> str:
    """Ids in their order, runs of them in short: `#1, #4-#9`."""
    return ", ".join("#" + run.replace("-", "-#") for run in runs(tasks))


def _conflict(conflict: ConflictState) -> str:
    event = conflict.event
    if conflict.resolved is not None:
        return f"Conflict over {path_text(event.path)}: settled by the {conflict.by} ({conflict.how})."
    head = _collided(event)
    kept = [
        f"{who}: {path_text(path)}"
        for who, path in zip(("before", *event.who), (event.base, *event.kept), strict=False)
        if path
    ]
    shown = [f"  | {line}" for diff in event.diffs for line in cut(diff, 1_500).splitlines()]
    order = (
        "Create one task (opus) that puts into the file what each of them meant, or finds that it is right as it is. "
        "Name the conflict, the file and these versions in its prompt; Read opens them:"
    )
    said = [f"  The person says: {cut(conflict.note, 500)}"] if conflict.note else []
    return "\n".join([f"Conflict {conflict.id}: {head}", *said, f"  {order}", *(f"  {line}" for line in kept), *shown])


def _collided(event: ConflictFound) -> str:
    path = path_text(event.path)
    if event.sure:
        return f"{' and '.join(event.who)} changed {path} at once; the last version is in place, without the rest."
    return (
        f"{path} changed more than once while commands of #{', #'.join(event.tasks)} ran, and what came first is "
        "not in what came last. Perhaps one of them only wrote its own file twice."
    )


def unsettled_text(conflict: ConflictState) -> str:
    """What a person is told of a conflict that nobody settled."""
    return f"Not settled: {_collided(conflict.event)} Both differences are in result.conflicts."


def _one_line(text: str, limit: int) -> str:
    return one_line(text.replace("#", " "), limit)
