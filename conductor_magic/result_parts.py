"""The parts of a `ConductResult`: tasks, graph, usage, timeline, artifacts, files and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, RootModel

from conductor_magic.forecast import outlook
from conductor_magic.plan import critical_path
from conductor_magic.state import ConflictState, QuestionState, RunState, Spend

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Artifact",
    "Attempt",
    "ConflictResult",
    "FileResult",
    "Graph",
    "Interval",
    "QuestionResult",
    "Spent",
    "TaskResult",
    "Tasks",
    "Timeline",
    "Usage",
    "spans",
]

Json = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Spent(_Part):
    """Tokens and USD. `usd` is None when a price is unknown; `list_usd` is what a rehearsal would have cost."""

    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    usd: float | None
    list_usd: float
    estimated: bool

    @classmethod
    def of(cls, spend: Spend) -> Spent:
        """The same figures as a part of a result."""
        return cls(**{name: getattr(spend, name) for name in cls.model_fields})


class Usage(_Part):
    """What the conductor, all workers, and both together used.

    `held_usd` and `held_tokens` are no part of that: the most that may have been billed beside it, for replies that
    broke off.
    """

    conductor: Spent
    workers: Spent
    total: Spent
    held_usd: float = 0.0
    held_tokens: int = 0


class Artifact(_Part):
    """Something that a worker made for the notebook."""

    name: str
    task: str
    mime: str
    path: str
    size: int
    sha256: str
    shape: tuple[int, ...] | None = None

    @property
    def value(self) -> Any:
        """The artifact loaded: a DataFrame, an image, text or JSON. Read anew each time; safe formats only."""
        from pathlib import Path

        from conductor_magic.artifact_values import load_artifact

        return load_artifact(Path(self.path), self.mime, self.size)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[Json, Json] | Json:
        from pathlib import Path

        text = f"{self.name} ({self.mime}, {self.size:,} bytes, task {self.task})"
        if self.mime == "image/png":
            import base64

            from conductor_magic.artifact_values import check_saved

            check_saved(Path(self.path), self.size)
            return {"image/png": base64.b64encode(Path(self.path).read_bytes()).decode(), "text/plain": text}
        return {"text/plain": text}


class FileResult(_Part):
    """A file that a worker `created` or `edited`. Not `sure`: the likeliest of several whose commands ran then."""

    path: str
    task: str
    action: str
    sure: bool = True


class ConflictResult(_Part):
    """Versions of one file that collided.

    `who`, `diffs` and `kept` go together: whose each version is, how it differs from what they began from, and where
    it is kept (`""` when it could not be). `resolved_by` is `worker` or `person`, or None while it is open.
    """

    id: str
    path: str
    tasks: tuple[str, ...]
    who: tuple[str, ...]
    diffs: tuple[str, ...]
    base: str
    kept: tuple[str, ...]
    sure: bool
    resolved_by: str | None
    how: str

    @classmethod
    def of(cls, conflict: ConflictState) -> ConflictResult:
        """The conflict as a part of a result."""
        fields = conflict.event.model_dump(include={"path", "tasks", "who", "diffs", "base", "kept", "sure"})
        return cls(id=conflict.id, resolved_by=conflict.by or None, how=conflict.how, **fields)


class QuestionResult(_Part):
    """A question: what was asked, the options, the answer, and who or what answered.

    `defaults`: the texts of those that took their default, when it was answered by `answers and defaults`.
    """

    id: str
    by: str
    task: str | None
    questions: tuple[Json, ...]
    answers: Json
    answered_by: str
    defaults: tuple[str, ...] = ()

    @classmethod
    def of(cls, question: QuestionState) -> QuestionResult:
        """The question as a part of a result."""
        return cls(
            id=question.id,
            by=question.by,
            task=question.task,
            questions=tuple(dict(ask) for ask in question.ask),
            answers=dict(question.answers),
            answered_by=question.answered_by,
            defaults=question.defaults,
        )


class Attempt(_Part):
    """One worker's attempt; `outcome` is None while it runs.

    `reason`: why this tier; when it is not the one of the attempt before, with what became of that.
    """

    worker: str
    tier: str
    outcome: str | None
    error: str | None
    reason: str = ""


class TaskResult(_Part):
    """One task with everything that was done for it. `prompt` is exactly what the last worker was sent."""

    id: str
    subject: str
    description: str
    status: str
    blocked_by: tuple[str, ...]
    tier: str
    model: str | None
    reason: str
    phase: str
    prompt: str | None
    transcript: tuple[Json, ...]
    output: str
    value: Any = None
    artifacts: dict[str, Artifact]
    files: tuple[FileResult, ...]
    usage: Spent
    attempts: tuple[Attempt, ...]
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    error: str | None


class Tasks(RootModel[tuple[TaskResult, ...]]):
    """The tasks in order of creation, found by id: `tasks["3"]` or `tasks[3]`."""

    model_config = ConfigDict(frozen=True)

    def __getitem__(self, task: str | int) -> TaskResult:
        for found in self.root:
            if found.id == str(task):
                return found
        known = ", ".join(found.id for found in self.root) or "none"
        raise KeyError(f"there is no task {task!r}; the tasks are {known}")

    def __iter__(self) -> Iterator[TaskResult]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    def to_dicts(self) -> list[Json]:
        """A row per task, for tables."""
        return [
            {
                "id": task.id,
                "subject": task.subject,
                "status": task.status,
                "tier": task.tier,
                "model": task.model,
                "phase": task.phase,
                "blocked_by": list(task.blocked_by),
                "attempts": len(task.attempts),
                "input_tokens": task.usage.input_tokens,
                "output_tokens": task.usage.output_tokens,
                "usd": task.usage.usd,
                "started": task.started,
                "ended": task.ended,
                "seconds": task.seconds,
                "error": task.error,
            }
            for task in self.root
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """The same rows as a DataFrame; pandas is imported here and nowhere else."""
        return _frame(self.to_dicts())


class Graph(_Part):
    """What waited for what: `edges` are (blocker, blocked)."""

    edges: tuple[tuple[str, str], ...]
    critical_path: tuple[str, ...]
    subjects: dict[str, str]

    @classmethod
    def of(cls, state: RunState) -> Graph:
        """The graph of a run; its critical path is weighed by the seconds that each task took, a plan's will take."""
        graph, plan = state.graph, outlook(state)
        weights = {
            task.id: max(0.0, (task.ended or state.at) - task.started) if task.started else 0.0
            for task in state.tasks.values()
        }
        return cls(
            edges=tuple((blocker, task) for task, blockers in graph.items() for blocker in blockers),
            critical_path=plan.critical_path
            if plan
            else critical_path(graph, weights if any(weights.values()) else None),
            subjects={task: state.tasks[task].subject for task in graph},
        )

    def to_mermaid(self) -> str:
        """The graph in Mermaid's notation, left to right."""
        nodes = [f'    t{task}["{task}: {_quoted(subject)}"]' for task, subject in self.subjects.items()]
        arrows = [f"    t{blocker} --> t{blocked}" for blocker, blocked in self.edges]
        return "\n".join(["graph LR", *nodes, *arrows])


def _quoted(text: str) -> str:
    entities = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}
    return "".join(entities.get(character, character) for character in " ".join(text.split()))


class Interval(_Part):
    """A stretch of time in which one worker was at one task."""

    task: str
    worker: str
    tier: str
    start: datetime
    end: datetime | None


class Timeline(RootModel[tuple[Interval, ...]]):
    """The intervals in the order in which they began."""

    model_config = ConfigDict(frozen=True)

    def __iter__(self) -> Iterator[Interval]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, index: int) -> Interval:
        return self.root[index]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per interval."""
        return _frame([interval.model_dump() for interval in self.root])


def spans(state: RunState) -> tuple[Interval, ...]:
    """Each worker's time at its task."""
    return tuple(
        Interval(
            task=worker.task,
            worker=worker.id,
            tier=worker.tier,
            start=datetime.fromtimestamp(state.moment(worker.started), UTC),
            end=None if worker.ended is None else datetime.fromtimestamp(state.moment(worker.ended), UTC),
        )
        for worker in state.workers.values()
    )


def _frame(rows: list[Json]) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError:
        raise ImportError(
            "to_pandas needs pandas: pip install pandas (to_dicts gives the same rows without it)"
        ) from None
    return pandas.DataFrame(rows)
