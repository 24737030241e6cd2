"""A floor that plays a plan written down in a lesson: a script in the models' place, real tools under its hands.

The rehearsal chooses its plan by itself. Where a lesson wants a plan of its own, or a worker that fails, a script
stands in: its conductor lays out the lesson's jobs, and each of its workers runs what stands in its prompt, to the
letter, with the Bash or the Python tool. What comes of it, a figure or a traceback, is what the worker reports.

It reads everything from the conversation and remembers nothing, as a language model does.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand

from conductor_magic.testing import Reply, Request, ScriptedModel, Usage, model_stub

__all__ = ["Job", "Plan", "floor"]

Json = dict[str, Any]
THINKING = 0.4
"""Seconds that each worker pauses, in the place of the time that a language model thinks and a script does not."""

_CODE = re.compile(r"```(bash|python)\n(.*?)\n```", re.DOTALL)
_EARLIER = re.compile(r"^### Task (\S+): (.*)$", re.MULTILINE)
_FAILED = re.compile(r"^#(\S+) failed · ", re.MULTILINE)
_CONFLICT = re.compile(r"^Conflict (\S+): .*? changed (\S+) ", re.MULTILINE)
_VERSION = re.compile(r"^  #[^:\n]+: (/.+)$", re.MULTILINE)
_MERGE = re.compile(r"^(?:FILE|VERSION): (/.+)$", re.MULTILINE)
_FINISHED = ("No work is running", "Give the answer now")


@dataclass(frozen=True)
class Job:
    """A task of a lesson's plan.

    Attributes:
        subject: what it is called, on the board too.
        code: what its worker runs; what it prints is the report. The reports of the tasks that it waited for are in
            `earlier` (Python: by subject) or in `$EARLIER` (Bash: as lines).
        tier: haiku, sonnet or opus.
        reason: why this tier.
        after: subjects of the jobs that it waits for.
        phase: the stage of the work that it belongs to.
        tool: Python or Bash.
    """

    subject: str
    code: str
    tier: str = "haiku"
    reason: str = "one figure, by a clear rule"
    after: Sequence[str] = ()
    phase: str = ""
    tool: str = "Python"

    @property
    def prompt(self) -> str:
        """What the conductor tells the worker."""
        how = f"Run this with the {self.tool} tool, to the letter, and report what it prints"
        return f"{self.subject}. {how}:\n```{self.tool.lower()}\n{self.code}\n```"


@dataclass(frozen=True)
class Plan:
    """The jobs, and what the conductor does when one of them fails.

    Attributes:
        jobs: in the order in which they are created.
        repairs: subject -> what takes the place of the job at its second attempt, its third …
    """

    jobs: Sequence[Job]
    repairs: dict[str, Sequence[Job]] = field(default_factory=dict)


def floor(plan: Plan | Sequence[Job]) -> ScriptedModel:
    """A model that plays the plan: conductor and workers, told apart by the tools that each request carries."""
    whole = plan if isinstance(plan, Plan) else Plan(plan)

    def answer(request: Request) -> Reply:
        talk = _Talk.of(request)
        conducting = any(tool["name"] == "TaskCreate" for tool in request.tools)
        text, calls = _conduct(whole, talk) if conducting else _work(talk)
        return _reply(request, talk.turns, text, calls)

    return ScriptedModel(answer)


# --- the conductor ----------------------------------------------------------------------------------------------------

Turn = tuple[str, list[tuple[str, Json]]]


def _conduct(plan: Plan, talk: _Talk) -> Turn:
    ids = talk.created()
    if not talk.turns:
        return "This is how I go about it.", [
            *map(_create, plan.jobs),
            *(_launch(job, job.subject) for job in plan.jobs),
        ]
    news = talk.latest
    if news.startswith("NOTICES"):
        subjects = {task: subject for subject, task in ids.items()}
        again = [
            _launch(better, ids[subject])
            for task in dict.fromkeys(_FAILED.findall(news))
            if (subject := subjects.get(task, "")) and (better := _repair(plan, subject, talk.launches(ids[subject])))
        ]
        if again:
            return "I read why it failed, and say it more clearly.", again
        if (conflict := _CONFLICT.search(news)) and "settled by" not in conflict.group():
            return "Two changes of one file met: both are to be kept.", _merge(conflict.group(2), news)
        if not any(mark in news for mark in _FINISHED):
            return "The rest goes on.", []
        return _gather(talk, ids)
    name, _, failed = talk.results[-1]
    if name == "Read":
        return _answer(talk, ids), []
    return _gather(talk, ids) if name == "Task" and failed else ("Under way.", [])


def _create(job: Job) -> tuple[str, Json]:
    fields = {"blockedBy": list(job.after), **({"phase": job.phase} if job.phase else {})}
    told = {"subject": job.subject, "description": job.prompt, "key": job.subject, "model": job.tier}
    return "TaskCreate", {**told, "reason": job.reason, **fields}


def _launch(job: Job, task: str) -> tuple[str, Json]:
    told = {"taskId": task, "description": job.subject, "prompt": job.prompt}
    return "Task", {**told, "model": job.tier, "reason": job.reason}


def _repair(plan: Plan, subject: str, launches: int) -> Job | None:
    """What takes the job's place after so many launches."""
    better = plan.repairs.get(subject, ())
    return replace(better[launches - 1], subject=subject) if launches - 1 < len(better) else None


def _merge(path: str, news: str) -> list[tuple[str, Json]]:
    subject, why = f"Merge what met in {path.rpartition('/')[2]}", "two meanings have to be brought together"
    versions = "\n".join(f"VERSION: {found}" for found in _VERSION.findall(news))
    told = f"Put into the file what each version means, no line twice.\nFILE: {path}\n{versions}"
    made = {"subject": subject, "description": told, "key": subject, "model": "opus", "reason": why}
    go = {"taskId": subject, "description": subject, "prompt": told, "model": "opus", "reason": why}
    return [("TaskCreate", made), ("Task", go)]


def _gather(talk: _Talk, ids: dict[str, str]) -> Turn:
    """Read what was reported, then answer."""
    done = [task for task in ids.values() if talk.completed(task) and not talk.read(task)]
    return ("", [("Read", {"file_path": f"outputs/{task}.md"}) for task in done]) if done else (_answer(talk, ids), [])


def _answer(talk: _Talk, ids: dict[str, str]) -> str:
    """What was found, and by name what was not: a part of a result is a result, if it says so."""
    done = {subject: task for subject, task in ids.items() if talk.completed(task)}
    parts = [
        f"**{subject}**\n\n{talk.read(task) or 'Done; its report was not read.'}" for subject, task in done.items()
    ]
    missing = [subject for subject in ids if subject not in done]
    return "\n\n".join([*parts, *([f"Not done: {', '.join(missing)}."] if missing else [])])


# --- a worker ---------------------------------------------------------------------------------------------------------


def _work(talk: _Talk) -> Turn:
    task = re.split(r"^(?:NOTEBOOK VARIABLES|RESULTS OF EARLIER TASKS|WORKSPACE)$", talk.first, flags=re.MULTILINE)[0]
    if named := _MERGE.findall(task):
        return _merging(named, talk)
    ran = [result for result in talk.results if not result[1].startswith(f"{result[0]} was not run.")]
    if not ran:
        language, code = _CODE.findall(task)[-1]
        return "", [_call(language, code, _earlier(talk.first))]
    tool, said, failed = ran[-1]
    if not failed:
        return f"{said}\n\nSTATUS: done", []
    why = next(
        (line.strip() for line in reversed(said.splitlines()) if line.strip(" []") and line[0] != "["), "no word"
    )
    return f"The {tool} tool said:\n\n```\n{said[-600:]}\n```\n\nSTATUS: incomplete - {why}", []


def _call(language: str, code: str, earlier: dict[str, str]) -> tuple[str, Json]:
    """The one call of a worker: a pause, what was handed on if the code asks for it, and the code to the letter."""
    if language == "bash":
        given = f"EARLIER={shlex.quote(chr(10).join(earlier.values()))}\n" if "$EARLIER" in code else ""
        return "Bash", {"command": f"sleep {THINKING}  # a model would think\n{given}{code}"}
    given = f"earlier = {earlier!r}\n" if "earlier" in code else ""
    return "Python", {"code": f"import time; time.sleep({THINKING})  # a model would think\n{given}{code}"}


def _merging(paths: list[str], talk: _Talk) -> Turn:
    """Read the file and every version of it, then write each line once; with one version there is nothing to merge."""
    if len(paths) < 3:
        return "STATUS: incomplete - one of the two versions was not kept", []
    if not talk.results:
        return "", [("Read", {"file_path": path}) for path in paths]
    if talk.results[-1][0] == "Write":
        return f"Merged into {paths[0]}.\n\nSTATUS: done", []
    lines = [line.partition("\t")[2] or line for _, text, _ in talk.results[1:] for line in text.splitlines()]
    return "", [("Write", {"file_path": paths[0], "content": "\n".join(dict.fromkeys(lines)) + "\n"})]


def _earlier(prompt: str) -> dict[str, str]:
    """The reports of the tasks before this one, by subject."""
    told = prompt.partition("RESULTS OF EARLIER TASKS")[2].partition("\n\nWORKSPACE\n")[0]
    marks = list(_EARLIER.finditer(told))
    ends = [*(mark.start() for mark in marks[1:]), len(told)]
    return {
        mark.group(2).strip(): told[mark.end() : end].strip()
        for mark, end in zip(marks, ends[: len(marks)], strict=True)
    }


# --- the conversation -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Talk:
    """A request, read: how often its model has spoken, the first and the latest message, each call with its result."""

    turns: int
    first: str
    latest: str
    told: str
    calls: tuple[tuple[str, Json, str], ...]

    @classmethod
    def of(cls, request: Request) -> _Talk:
        asked: dict[str, Json] = {}
        texts: list[str] = []
        calls: list[tuple[str, Json, str]] = []
        for message in request.messages:
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            for block in blocks:
                if block["type"] == "tool_use":
                    asked[block["id"]] = block
                elif block["type"] == "tool_result" and (call := asked.get(block["tool_use_id"])):
                    calls.append(
                        (call["name"], {**call["input"], "_failed": bool(block.get("is_error"))}, _text(block))
                    )
            if message["role"] == "user":
                texts.append("\n".join(block["text"] for block in blocks if block["type"] == "text"))
        turns = sum(message["role"] == "assistant" for message in request.messages)
        return cls(turns, texts[0], texts[-1], "\n".join(texts), tuple(calls))

    @property
    def results(self) -> list[tuple[str, str, bool]]:
        """Each call's tool, what came back, and whether it failed."""
        return [(name, text, given["_failed"]) for name, given, text in self.calls]

    def created(self) -> dict[str, str]:
        """Subject -> id of each task."""
        made = [(given, text) for name, given, text in self.calls if name == "TaskCreate" and not given["_failed"]]
        return {given["subject"]: str(json.loads(text)["task"]["id"]) for given, text in made}

    def launches(self, task: str) -> int:
        """How often the task was launched."""
        subjects = {task: subject for subject, task in self.created().items()}
        return sum(name == "Task" and given["taskId"] in (task, subjects.get(task)) for name, given, _ in self.calls)

    def completed(self, task: str) -> bool:
        """Whether a notice said so."""
        return re.search(rf"^#{re.escape(task)} completed · ", self.told, re.MULTILINE) is not None

    def read(self, task: str) -> str:
        """The report of a task, if it was read."""
        wanted = f"outputs/{task}.md"
        reads = [(given, text) for name, given, text in self.calls if name == "Read" and not given["_failed"]]
        found = [text for given, text in reads if given["file_path"] == wanted]
        return re.sub(r"\A\[Report of the worker on [^\n]*\]\n", "", found[-1]).strip() if found else ""


def _text(block: Json) -> str:
    content = block["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _reply(request: Request, turn: int, text: str, calls: list[tuple[str, Json]]) -> Reply:
    """The turn as the engine expects it; tokens are estimates, four characters to one."""
    content: list[Json] = [{"type": "text", "text": text}] if text else []
    content += [
        {"type": "tool_use", "id": f"call_{turn}_{place}", "name": name, "input": given}
        for place, (name, given) in enumerate(calls)
    ]
    size = [
        len(json.dumps(part, default=str)) // 4 for part in ((request.system, request.tools, request.messages), content)
    ]
    raw = {"input_tokens": size[0], "output_tokens": size[1]}
    usage = Usage(input_tokens=size[0], output_tokens=size[1])
    return Reply(
        tuple(content), "tool_use" if calls else "end_turn", usage, request.model, estimated=True, raw_usage=raw
    )


# --- the magic --------------------------------------------------------------------------------------------------------


@no_var_expand
def played_by(line: str, cell: str) -> None:
    """`%%played_by PLAN`: the `%conduct` or `%%conduct` below it is played by that plan's script."""
    shell = get_ipython()
    assert shell is not None
    with model_stub(floor(shell.user_ns[line.strip()])):
        shell.run_cell(cell).raise_error()


if (_shell := get_ipython()) is not None:
    _shell.register_magic_function(played_by, "cell")
