"""Writes the records of a scripted run, with a clock that is set by hand."""

from __future__ import annotations

from typing import Any

from conductor_magic import events as e
from conductor_magic.events import Record

__all__ = ["START", "Script"]

START = 1_767_225_600.0
GOAL = "Explore the penguins: what sets the three species apart, and can a chart show it?"

# id, subject, phase, tier, blockers
PLAN = (
    ("1", "Schema and types", "Survey", "haiku", ()),
    ("2", "Missing values", "Survey", "haiku", ("1",)),
    ("3", "Distributions of the four measures", "Explore", "sonnet", ("1",)),
    ("4", "Outliers", "Explore", "sonnet", ("1",)),
    ("5", "Correlations", "Explore", "sonnet", ("1",)),
    ("6", "Group differences by species", "Explore", "opus", ("2", "3")),
    ("7", "Chart: bill length against depth", "Report", "sonnet", ("5", "6")),
    ("8", "Synthesis", "Report", "opus", ("4", "6", "7")),
)
PRICES = {
    "claude-haiku-5": ((0.0, 1.0, 5.0, 0.1, 1.25),),
    "claude-sonnet-5": ((0.0, 3.0, 15.0, 0.3, 3.75),),
    "claude-opus-5": ((0.0, 5.0, 25.0, 0.5, 6.25),),
}
EXPECTED = {"haiku": 20, "sonnet": 60, "opus": 120}
TOOLS = (
    ("Python", {"code": "penguins.describe(include='all')"}),
    ("Python", {"code": "penguins.isna().sum()"}),
    ("Grep", {"pattern": "bill_length_mm", "path": "data/"}),
    ("Write", {"file_path": "/work/report/outliers.md", "content": "…"}),
)


class Script:
    """Writes records with a clock that is set by hand."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.clock = START
        self._requests = 0
        self._calls = 0

    def at(self, seconds: float) -> Script:
        """Set the clock to `seconds` after the start."""
        self.clock = START + seconds
        return self

    def add(self, *events: e.Event) -> Script:
        """Record the events at the clock's moment."""
        for event in events:
            self.records.append(Record(len(self.records) + 1, self.clock, event))
        return self

    def request(self, by: str, model: str, tokens: int, usd: float | None = 0.01, *, estimated: bool = False) -> Script:
        """A request that went well, 90 % of its tokens being input."""
        self._requests += 1
        name, read = f"r{self._requests}", tokens * 9 // 10
        return self.add(
            e.RequestSent(request=name, by=by, model=model, reserved=0.05),
            e.RequestEnded(
                request=name, by=by, model=model, stop="tool_use", input_tokens=read, output_tokens=tokens - read,
                usd=usd, list_usd=0.02, estimated=estimated,
            ),
        )  # fmt: skip

    def start(self, **fields: Any) -> Script:
        """The run and its conductor begin."""
        started = {
            "run": "20260101-000000-abcd", "goal": GOAL, "provider": "anthropic", "workers": 6, "budget": 5.0,
            "isolation": "bubblewrap", "expected": EXPECTED,
        }  # fmt: skip
        return self.at(0).add(
            e.RunStarted.model_validate({**started, **fields}),
            e.ModelsResolved(
                tiers={"haiku": "claude-haiku-5", "sonnet": "claude-sonnet-5"}, source="models.list", prices=PRICES
            ),
            e.ConductorStarted(
                model="claude-opus-5",
                system="You conduct.",
                tools=("Task", "TaskCreate"),
                prompt="GOAL",
                guides=("code-review", "data-analysis"),
            ),
        )

    def read(self, path: str, content: str, *, is_error: bool = False) -> Script:
        """The conductor has read something."""
        self._calls += 1
        call = {"type": "tool_use", "id": f"u{self._calls}", "name": "Read", "input": {"file_path": path}}
        return self.add(
            e.ConductorTurn(request="r0", content=(call,), stop="tool_use"),
            e.ToolStarted(
                call=f"c{self._calls}", by="conductor", name="Read", input={"file_path": path}, use=call["id"]
            ),
            e.ToolEnded(
                call=f"c{self._calls}", by="conductor", name="Read", content=content, use=call["id"], is_error=is_error
            ),
        )

    def plan(self) -> Script:
        """The conductor lays out and launches all of `PLAN`."""
        self.at(4).request("conductor", "claude-opus-5", 9_200)
        for task, subject, phase, tier, blockers in PLAN:
            self.add(
                e.TaskCreated(
                    task=task, subject=subject, description=f"{subject} of the frame.", phase=phase,
                    tier=tier, reason="Routine reading." if tier == "haiku" else "", blocked_by=blockers,
                ),
                e.TaskLaunched(task=task, prompt=f"{subject}: work on the frame `penguins`.", tier=tier),
            )  # fmt: skip
        return self.add(e.ConductorSlept(text="The plan is under way."))

    def work(self, task: str, desk: int, *, attempt: int = 1, **how: Any) -> Script:
        """A worker takes the task and has called a tool that still runs."""
        tier = next(row[3] for row in PLAN if row[0] == task)
        worker, (tool, arguments) = f"w{task}{'' if attempt == 1 else attempt}", TOOLS[int(task) % len(TOOLS)]
        self._calls += 1
        prompt = (
            "CONTEXT: You are a WORKER agent, not an orchestrator.\n\nRULES:\n- Complete ONLY the task described below"
            f"\n\nTASK:\n{PLAN[int(task) - 1][1]}: work on the frame `penguins`.\n"
        )
        use = f"toolu_{self._calls}"
        self.add(
            e.WorkerStarted(
                worker=worker, task=task, attempt=attempt, desk=desk, tier=tier, model=f"claude-{tier}-5",
                prompt=prompt, tools=("Python", "Read", "Write"), expected=EXPECTED[tier],
            )
        )  # fmt: skip
        self.request(worker, f"claude-{tier}-5", 1_800 + 100 * int(task), **how)
        return self.add(
            e.WorkerTurn(
                worker=worker,
                request=f"r{self._requests}",
                content=(
                    {"type": "text", "text": "Looking at the frame first."},
                    {"type": "tool_use", "id": use, "name": tool, "input": arguments},
                ),
                stop="tool_use",
            ),
            e.ToolStarted(call=f"c{self._calls}", by=worker, name=tool, input=arguments, use=use),
        )

    def result(self, task: str, text: str, *, attempt: int = 1, is_error: bool = False) -> Script:
        """The tool that the worker called last gives its result."""
        worker = f"w{task}{'' if attempt == 1 else attempt}"
        calls = (record.event for record in reversed(self.records) if isinstance(record.event, e.ToolStarted))
        started = next(event for event in calls if event.by == worker)
        return self.add(
            e.ToolEnded(
                call=started.call,
                by=worker,
                name=started.name,
                content=text,
                use=started.use,
                is_error=is_error,
                seconds=1.5,
            )
        )

    def end(self, task: str, output: str = "", *, attempt: int = 1, **how: Any) -> Script:
        """The worker's attempt ends."""
        worker = f"w{task}{'' if attempt == 1 else attempt}"
        report = output or f"Task {task} is done."
        ended = {"worker": worker, "task": task, "outcome": "completed", "output": report, **how}
        return self.add(e.WorkerEnded.model_validate(ended))
