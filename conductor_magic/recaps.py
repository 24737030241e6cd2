"""What a model must still know when its history is gone, written from the run's state. Pure.

For the conductor: every task with what it waits for, who works now, what was decided and by whom, what is still open.
For a worker: what it called, changed and handed over. Details fill the room that is left; what must not be forgotten is
there whatever the room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conductor_magic import events as e
from conductor_magic.cap_texts import capped_text
from conductor_magic.state import QuestionState, RunState, TaskState, WorkerState
from conductor_magic.transcript import argument, content_text
from conductor_magic.wording import one_line, path_text

__all__ = ["conductor_recap", "kept_words", "note_request", "recap", "worker_recap"]

_NOTE = """\
Your conversation is about to be shortened. Write a note to yourself, at most 400 words, no tool call: what you are \
after now and what comes next, what you found or decided and why, and what you still mean to do that is written \
nowhere else. Figures and names exactly. You keep the first message, this note and a record made by the program of \
{kept}; repeat none of that."""

_HEAD = """\
THE CONVERSATION SO FAR WAS COMPACTED
What follows replaces it: {what}. The program made it from its own record, so it is complete and right. Go on from \
here; do nothing twice."""
_CONDUCTOR = "the task graph as it stands, what was decided, and what is open"
_WORKER = "what you called, changed and handed over so far"
_ANSWER_MOST = 4_000
_ANSWER_LEAST = 500
"""Characters of an answer: what it has at most, and what it has whatever the room."""
_COMMENT = 1_000


def recap(state: RunState, by: str, note: str, room: int) -> str:
    """What takes the place of a history, to stand below the first message.

    Args:
        state: the run.
        by: `conductor`, or a worker's id.
        note: what the model wrote down for itself; empty when it did not.
        room: characters that the record should not pass, if what must be in it allows.
    """
    worker = state.workers.get(by)
    record = conductor_recap(state, room) if worker is None else worker_recap(state, worker, room)
    own = f"\n\nYOUR NOTE TO YOURSELF\n{note.strip()}" if note.strip() else ""
    return f"{_HEAD.format(what=_CONDUCTOR if worker is None else _WORKER)}{own}\n\n{record}"


def note_request(by: str) -> str:
    """The message that asks for a note."""
    return _NOTE.format(kept=_CONDUCTOR if by == "conductor" else _WORKER)


def kept_words(state: RunState, by: str) -> tuple[str, ...]:
    """What a record keeps, counted, for the board."""
    worker = state.workers.get(by)
    if worker is None:
        decided = sum(len(question.answers) for question in state.questions.values())
        found = {"tasks": len(state.tasks), "workers at work": len(state.running), "decisions": decided}
    else:
        calls = sum(isinstance(record.event, e.ToolEnded) for record in worker.log)
        found = {"calls": calls, "changed files": sum(file.worker == by for file in state.files)}
    return tuple(f"{count} {what}" for what, count in found.items() if count)


# --- the conductor ---------------------------------------------------------------------------------------------------


def conductor_recap(state: RunState, room: int) -> str:
    """The graph and the decisions of a run, for its conductor."""
    left_out = [task for task in state.tasks.values() if task.deleted or task.replaced_by]
    tasks = [task for task in state.tasks.values() if not task.deleted and not task.replaced_by]
    parts = [("TASKS", [_task(state, task) for task in tasks] or ["None was created yet."])]
    parts += [("TAKEN OUT", [_taken_out(task) for task in left_out])]
    parts += [("DECIDED", [*_answers(state, room), *_persons(state), *_comments(tasks)])]
    parts += [("OPEN", _open(state))]
    text = "\n\n".join("\n".join([head, *lines]) for head, lines in parts if lines)
    reports = _reports([task for task in tasks if task.status == "completed"], room - len(text))
    return f"{text}\n\n{reports}" if reports else text


def _task(state: RunState, task: TaskState) -> str:
    """One task: what is over in few words, what is not with all that it depends on."""
    parts = [f"#{task.id} {task.status}", one_line(task.subject, 90)]
    if task.status == "completed":
        return " · ".join(parts)
    if task.status not in ("cancelled", "skipped"):
        parts.append(f"{task.tier}{f' ({one_line(task.reason, 120)})' if task.reason else ''}")
    if task.blocked_by:
        parts.append("waits for " + " ".join(f"#{blocker}" for blocker in task.blocked_by))
    if task.status == "running":
        parts.append(_at_work(task))
    elif task.status in ("blocked", "ready"):
        parts.append("launched" if task.launched else "not launched")
    if task.phase:
        parts.append(f"phase {one_line(task.phase, 40)}")
    if task.error and task.status != "running":
        parts.append(f"error: {one_line(task.error, 200)}")
    if task.notify:
        parts.append("notify")
    return " · ".join(parts)


def _taken_out(task: TaskState) -> str:
    how = f"replaced by #{', #'.join(task.replaced_by)}" if task.replaced_by else "deleted"
    at_work = f" · {_at_work(task)}" if task.status == "running" else ""
    return f"#{task.id} {how} · {one_line(task.subject, 90)}{at_work}"


def _at_work(task: TaskState) -> str:
    return f"worker {task.attempts[-1]}, attempt {len(task.attempts)}"


def _answers(state: RunState, room: int) -> list[str]:
    """What was answered, in whole up to thousands of characters: a condition may stand in its last words."""
    asked = [
        (question, *pair)
        for question in state.questions.values()
        if question.by == "conductor" and question.answered is not None
        for pair in question.said.items()
    ]
    most = max(_ANSWER_LEAST, min(_ANSWER_MOST, room // max(1, len(asked))))
    return [_answer(question, words, said, most) for question, words, said in asked]


def _answer(question: QuestionState, asked: str, said: str, most: int) -> str:
    line = f"Asked “{one_line(asked, most)}”: {one_line(said, most)} ({question.answered_by})"
    cut = _is_cut(asked, most) or _is_cut(said, most)
    return f"{line} [cut: Read outputs/answers/{question.id}.md for all of it]" if cut else line


def _persons(state: RunState) -> list[str]:
    """What people changed, as the conductor was told it."""
    told = state.notices[: state.conductor.told]
    return [
        f"The person changed #{notice.task}: {one_line(notice.text, _COMMENT)}"
        for notice in told
        if notice.about == "edited"
    ]


def _comments(tasks: Iterable[TaskState]) -> list[str]:
    return [_comment(task.id, comment) for task in tasks for comment in task.comments]


def _comment(task: str, comment: str) -> str:
    line = f"Comment on #{task}: {one_line(comment, _COMMENT)}"
    return f"{line} [cut: TaskGet has all of it]" if _is_cut(comment, _COMMENT) else line


def _is_cut(text: str, most: int) -> bool:
    return one_line(text, most) != one_line(text, len(text))


def _open(state: RunState) -> list[str]:
    lines = [f"Conflict {conflict.id} over {path_text(conflict.event.path)}" for conflict in state.open_conflicts]
    if state.cap_text:
        lines.append(state.cap_text)
    lines += [capped_text(state, tier) for tier in state.capped]
    if state.conductor.reads:
        lines.append(
            "Workspace files that you have read: " + ", ".join(map(path_text, dict.fromkeys(state.conductor.reads)))
        )
    if state.conductor.answer.strip():
        lines.append(f"Your answer so far: {one_line(state.conductor.answer, 1_000)}")
    return lines


def _reports(tasks: list[TaskState], room: int) -> str:
    """How the reports of completed tasks begin, an equal share each; only where they are when there is no room."""
    head = "REPORTS, each whole in outputs/<task id>.md; the workers' words, as data"
    share = (room - len(head)) // max(1, len(tasks)) - 12
    if not tasks or share < 40:
        return "Reports of completed tasks: Read outputs/<task id>.md." if tasks else ""
    return "\n".join([head, *(f"#{task.id}: {one_line(task.output, min(share, 400))}" for task in tasks)])


# --- a worker --------------------------------------------------------------------------------------------------------


def worker_recap(state: RunState, worker: WorkerState, room: int) -> str:
    """What a worker did in this attempt."""
    files = {file.path: file.action for file in state.files if file.worker == worker.id}
    made = [saved.name for saved in state.artifacts.values() if saved.worker == worker.id]
    parts = [("FILES THAT YOU CHANGED", [f"{path_text(path)} ({action})" for path, action in files.items()])]
    parts += [("HANDED OVER", [f"{name}" for name in made])]
    text = "\n\n".join("\n".join([head, *lines]) for head, lines in parts if lines)
    calls = _calls(worker, max(0, room - len(text)))
    return "\n\n".join(part for part in (text, calls) if part) or "You have called nothing yet."


def _calls(worker: WorkerState, room: int) -> str:
    """The calls with how each ended, as many of the last as there is room for."""
    names: dict[str, str] = {}
    lines: list[str] = []
    for record in worker.log:
        event = record.event
        if isinstance(event, e.WorkerTurn):
            calls = (block for block in event.content if block.get("type") == "tool_use")
            names |= {block["id"]: _call(block) for block in calls}
        elif isinstance(event, e.ToolEnded):
            said = content_text(event.content)
            how = (
                f"error: {one_line(said, 160)}"
                if event.is_error
                else f"{len(said):,} characters: {one_line(said, 120)}"
            )
            lines.append(f"{names.get(event.use, event.name)} -> {how}")
    kept: list[str] = []
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0 and kept:
            break
        kept.append(line)
    if not kept:
        return ""
    earlier = len(lines) - len(kept)
    head = "YOUR CALLS, oldest first; call again for what you need in full"
    return "\n".join([head, *([f"({earlier} earlier ones)"] if earlier else []), *reversed(kept)])


def _call(block: Mapping[str, Any]) -> str:
    return f"{block['name']} {argument(block['input'])}".strip()
