"""What a run gives back: one frozen value, folded from the journal alone. Its parts are in `result_parts.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, PrivateAttr

from conductor_magic.errors import ConductUsageError
from conductor_magic.events import Record
from conductor_magic.journal import NAME, is_open, read_state
from conductor_magic.pictures import lost, strange
from conductor_magic.report.efficiency import efficiency
from conductor_magic.report.html import board_html, card_html
from conductor_magic.report.text import board_text
from conductor_magic.report.tokens import token_lines
from conductor_magic.result_efficiency import Efficiency
from conductor_magic.result_forecast import Forecast
from conductor_magic.result_parts import (
    Artifact,
    Attempt,
    ConflictResult,
    FileResult,
    Graph,
    QuestionResult,
    Spent,
    TaskResult,
    Tasks,
    Timeline,
    Usage,
    spans,
)
from conductor_magic.returns import ReturnType
from conductor_magic.snapshot import inspect_all, snapshot
from conductor_magic.state import RunState, Spend, TaskState
from conductor_magic.transcript import rows

if TYPE_CHECKING:
    from conductor_magic.board_view import ReplayView

__all__ = ["ConductResult", "result_of"]

Json = dict[str, Any]


class ConductResult(BaseModel):
    """The result of a run.

    `status` is `completed`, `partial`, `failed`, `cancelled`, `planned`, `running` or `interrupted`.
    `guide` is the one that the person named, else the first that the conductor read.
    `forecast` is what a plan will probably take and cost; of any other run it is None.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    id: str
    goal: str
    guide: str | None
    provider: str
    path: str
    status: str
    reason: str
    answer: str
    value: Any = None
    tasks: Tasks
    graph: Graph
    forecast: Forecast | None = None
    usage: Usage
    efficiency: Annotated[Json, PlainValidator(Efficiency)]
    timeline: Timeline
    artifacts: dict[str, Artifact]
    files: tuple[FileResult, ...]
    questions: tuple[QuestionResult, ...]
    conflicts: tuple[ConflictResult, ...] = ()
    isolation: str
    notes: tuple[str, ...] = ()
    started: datetime
    ended: datetime | None
    seconds: float | None
    last_snapshot: Json = Field(repr=False)
    _state: RunState = PrivateAttr(default_factory=RunState)

    def __getitem__(self, task: str | int) -> TaskResult:
        return self.tasks[task]

    def __iter__(self) -> Iterator[TaskResult]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __bool__(self) -> bool:
        return True

    @property
    def events(self) -> Iterator[Record]:
        """The journal's records, read anew.

        Raises:
            ConductUsageError: the run's folder is gone.
        """
        return iter(self._read()[0])

    def _read(self) -> tuple[list[Record], RunState, bool]:
        """The records, what they fold to, and whether the run was going on before they were read."""
        journal = Path(self.path) / NAME
        try:
            alive = is_open(journal)
            records, state, _ = read_state(journal)
        except FileNotFoundError:
            raise ConductUsageError(f"The record of run {self.id} is gone: there is no {self.path} any more.") from None
        return records, state, alive

    def show(self) -> Any:
        """The static board, displayed by the notebook."""
        from IPython.display import HTML

        return HTML(self._board())

    def replay(self) -> ReplayView:
        """The run on the live board, to be scrubbed, played and stepped through; displayed by the notebook.

        Raises:
            ConductUsageError: the run's folder is gone.
        """
        from conductor_magic.board_view import ReplayView

        records, state, alive = self._read()
        return ReplayView(Path(self.path), records, state, alive=alive)

    def save(self, path: str | Path) -> Path:
        """Write the static board as one self-contained HTML file."""
        target = Path(path).expanduser()
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Conductor</title>'
        page = f"{head}<body>{self._board()}</body></html>"
        target.write_text(page, encoding="utf-8")
        return target

    def _board(self) -> str:
        return board_html(self.last_snapshot, details=inspect_all(self._state), tokens=token_lines(self.efficiency))

    def _repr_html_(self) -> str:
        return card_html(self.last_snapshot)

    def __repr__(self) -> str:
        return board_text(self.last_snapshot, tokens=token_lines(self.efficiency))

    def __str__(self) -> str:
        return repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def result_of(
    records: Sequence[Record],
    state: RunState,
    folder: Path,
    *,
    alive: bool = False,
    returns: ReturnType | None = None,
) -> ConductResult:
    """The result of the run whose records fold to `state`.

    Args:
        records: the journal's records.
        state: their fold.
        folder: the run's folder.
        alive: whether the run is still going (a journal without an end is `running` then, else `interrupted`).
        returns: the type to build `value` with; without one it stays JSON data.
    """
    started = state.started
    assert started is not None, "a journal begins with run.started"
    shown = snapshot(state, state.at)
    names = state.artifact_names
    artifacts = {
        names[key]: Artifact(
            name=names[key],
            task=saved.task,
            mime=saved.mime,
            path=str(folder / "artifacts" / saved.file),
            size=saved.size,
            sha256=saved.sha256,
            shape=saved.shape,
        )
        for key, saved in state.artifacts.items()
    }
    files = tuple(
        FileResult(path=changed.path, task=changed.task, action=changed.action, sure=changed.sure)
        for changed in state.files
    )
    made: dict[str, dict[str, Artifact]] = {}
    for name, artifact in artifacts.items():
        made.setdefault(artifact.task, {})[name] = artifact
    changed: dict[str, list[FileResult]] = {}
    for file in files:
        changed.setdefault(file.task, []).append(file)
    tasks = tuple(
        _task(state, task, made.get(task.id, {}), tuple(changed.get(task.id, ()))) for task in state.tasks.values()
    )
    workers = sum((worker.spend for worker in state.workers.values()), Spend())
    status = state.status if state.ended or alive else "interrupted"
    result = ConductResult(
        id=started.run,
        goal=started.goal,
        guide=started.guide or _guide_read(state),
        provider=started.provider,
        path=str(folder),
        status=status,
        reason=state.end_reason or state.cap_text,
        answer=state.answer or state.conductor.answer,
        value=returns.build(state.value) if returns else state.value,
        tasks=Tasks(tasks),
        graph=Graph.of(state),
        forecast=Forecast.of(state),
        usage=Usage(
            conductor=Spent.of(state.conductor.spend),
            workers=Spent.of(workers),
            total=Spent.of(state.spend),
            held_usd=state.held,
            held_tokens=state.held_tokens,
        ),
        efficiency=efficiency(records, state),
        timeline=Timeline(spans(state)),
        artifacts=artifacts,
        files=files,
        questions=tuple(QuestionResult.of(question) for question in state.questions.values()),
        conflicts=tuple(ConflictResult.of(conflict) for conflict in state.conflicts.values()),
        isolation=started.isolation,
        notes=(*(str(getattr(record.event, "text", "")) for record in state.notes), *strange(state), *lost(state)),
        started=_moment(state, state.started_at),
        ended=None if state.ended_at is None else _moment(state, state.ended_at),
        seconds=None if state.ended_at is None else state.ended_at - state.started_at,
        last_snapshot=json.loads(json.dumps({**shown, "run": {**shown["run"], "status": status}})),
    )
    result._state = state  # noqa: SLF001 - this module makes it
    return result


def _guide_read(state: RunState) -> str | None:
    conductor = state.conductor
    return next((guide.name for guide in conductor.guides if guide.name in conductor.offered), None)


def _task(
    state: RunState, task: TaskState, artifacts: dict[str, Artifact], files: tuple[FileResult, ...]
) -> TaskResult:
    workers = [state.workers[worker] for worker in task.attempts]
    last = workers[-1] if workers else None
    over = task.started is not None and task.ended is not None
    return TaskResult(
        id=task.id,
        subject=task.subject,
        description=task.description,
        status=task.status,
        blocked_by=task.blocked_by,
        tier=task.tier,
        model=last.model if last else state.tiers.get(task.tier),
        reason=task.reason,
        phase=task.phase,
        prompt=last.prompt if last else None,
        transcript=tuple(rows(last.log)) if last else (),
        output=task.output,
        value=task.value,
        artifacts=artifacts,
        files=files,
        usage=Spent.of(sum((worker.spend for worker in workers), Spend())),
        attempts=tuple(
            Attempt(
                worker=worker.id,
                tier=worker.tier,
                outcome=worker.outcome,
                error=worker.error or None,
                reason=worker.reason,
            )
            for worker in workers
        ),
        started=None if task.started is None else _moment(state, task.started),
        ended=None if task.ended is None else _moment(state, task.ended),
        seconds=(task.ended or 0.0) - (task.started or 0.0) if over else None,
        error=task.error or None,
    )


def _moment(state: RunState, at: float) -> datetime:
    return datetime.fromtimestamp(state.moment(at), UTC)
