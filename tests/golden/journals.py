"""Small scripted runs, one for each look that a board has. `python -m tests.golden.journals` writes their pictures.

The pictures are what pytest folds and vitest paints: one contract, two languages.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.report.efficiency import efficiency
from conductor_magic.report.text import board_text
from conductor_magic.report.tokens import token_lines
from conductor_magic.snapshot import inspect, snapshot
from conductor_magic.state import RunState
from tests.golden.script import START, Script

__all__ = ["RUNS", "pictures", "state_of", "write"]

HERE = Path(__file__).parent
Json = dict[str, Any]


def _empty() -> Script:
    return Script()


def _planning() -> Script:
    return (
        Script()
        .start(
            provider="rehearsal",
            provider_note="No key was found, so a rule-based stand-in plays. It is not a model.",
            isolation="none",
            isolation_note="No sandbox works here, so Bash and Python are refused.",
        )
        .add(e.RunNoted(text="No sandbox works here: workers can only read and write files.", level="warning"))
        .read("guides/data-analysis.md", "How to look at data. " * 300)
    )


def _planned() -> Script:
    """A run in mode plan has ended: its tasks wait, and what they will take and cost is forecast."""
    script = Script().start(mode="plan", isolation="", isolation_note="No worker runs in mode plan.")
    tiers = {"haiku": "claude-haiku-5", "sonnet": "claude-sonnet-5", "opus": "claude-opus-5"}
    script.add(e.ModelsResolved(tiers=tiers, source="models.list", usd={"haiku": 0.02, "sonnet": 0.18, "opus": 0.6}))
    script.plan()
    answer = "First the **survey**, then three looks side by side, then the report."
    return script.at(9).add(e.ConductorSlept(text=answer), e.RunEnded(status="planned", answer=answer))


def _running() -> Script:
    script = Script().start().plan()
    script.at(5).work("1", 1).at(14).result("1", "344 rows, 7 columns").end("1", "344 rows × 7 columns.")
    script.at(15).work("2", 1).work("3", 2).work("4", 3).work("5", 4)
    script.at(31).result("2", "bill_length_mm 2\nsex 11").end("2", "Eleven birds have no `sex`, two no measures.")
    script.add(e.Milestone(scope="phase", name="Survey"))
    script.at(40).result("3", "…").request("w3", "claude-sonnet-5", 4_200)
    return script.at(52)


def _asking() -> Script:
    script = _running()
    script.at(55).add(
        e.QuestionAsked(
            question="q1",
            ask=(
                {
                    "question": "Eleven birds have no sex recorded. How should they count?",
                    "header": "Missing sex",
                    "options": [
                        {"label": "Leave them out (Recommended)", "description": "Only where sex is compared."},
                        {"label": "A group of their own", "description": "They show as “unknown” in every chart."},
                        {"label": "Guess from the measures", "description": "Fast, and easy to doubt."},
                    ],
                    "multiSelect": False,
                },
                {
                    "question": "Which charts do you want?",
                    "header": "Charts",
                    "options": [
                        {"label": "Scatter", "description": "Bill length against depth."},
                        {"label": "Violin", "description": "Body mass by species."},
                    ],
                    "multiSelect": True,
                },
            ),
        )
    )
    script.at(58).add(
        e.QuestionAsked(
            question="q2",
            ask=(
                {
                    "question": "Let a worker write this file?\n/work/report/outliers.md",
                    "header": "Permission",
                    "options": [
                        {"label": "No", "description": "The worker is told, and goes on without it."},
                        {"label": "Yes, once", "description": "This call only."},
                        {"label": "Yes, for this run", "description": "Exactly this file, until the run ends."},
                    ],
                    "detail": "--- outliers.md\n+++ outliers.md\n@@ -0,0 +1 @@\n+Three heavy Gentoos.",
                },
            ),
            about="permission",
            by="w4",
            task="4",
            call="c4",
        ),
        e.QuestionJoined(question="q2", by="w5", task="5", call="c5"),
    )
    return script.at(67)


def _failed() -> Script:
    script = _running()
    script.at(54).end("4", outcome="timeout", cause="timeout", final=False, error="No answer within 40 s.")
    script.at(56).work("4", 3, attempt=2).at(60).result("4", "Traceback: KeyError: 'bill'", attempt=2, is_error=True)
    script.at(63).end("4", attempt=2, outcome="failed", cause="status", error="The frame has no column `bill`.")
    script.at(64).add(e.WorkerStalled(worker="w3", sign="silence", detail="Nothing new for 30 s."))
    return script.at(71)


def _edited() -> Script:
    """A person has changed the plan: a tier, what waits for what, a task skipped, a failed one tried again."""
    script = _failed()
    script.at(script.clock - START + 2).add(
        e.TaskEdited(task="7", tier="opus", by="person"),
        e.TaskEdited(task="8", remove_blocked_by=("4",), by="person"),
        e.EditUndone(seq=len(script.records) + 2),
        e.TaskEdited(task="8", add_blocked_by=("4",), by="undo"),
    )
    failed = next(task for task in fold(script.records).tasks.values() if task.status == "failed")
    return script.add(
        e.TaskLaunched(task=failed.id, prompt=failed.prompt, tier="opus", reason="Tried again by you.", by="person"),
        e.TaskEdited(task="8", add_blocked_by=("5",), by="person"),
    )


def _conflict() -> Script:
    """Two conflicts, one settled, and a worker that waits for another's file."""
    script = _running()
    notes = e.ConflictFound(
        path="/work/report/notes.md",
        tasks=("3", "4"),
        conflict="k1",
        who=("#3", "#4"),
        diffs=("--- before\n+++ #3\n@@ -1,1 +1,2 @@\n # Notes\n+Mass is skewed.",
               "--- before\n+++ #4\n@@ -1,1 +1,2 @@\n # Notes\n+Three outliers."),
    )  # fmt: skip
    table = notes.model_copy(
        update={"path": "/work/report/table.csv", "conflict": "k2", "sure": False, "who": ("#3 or #4", "#4")}
    )
    script.at(54).add(table, notes, e.MergeWanted(conflict="k2", by="person", note="Keep the header."))
    script.at(56).add(e.ConflictResolved(path=table.path, conflict="k2", by="person", how="kept #4's version"))
    return script.at(58).add(e.WorkerWaits(worker="w5", call="c5", path="/work/report/notes.md", tasks=("4",)))


def _done() -> Script:
    script = _running()
    script.at(61).end("3").end("4", "Three outliers, all heavy Gentoos.").end("5", "Flipper and mass: r = 0.87.")
    script.at(62).work("6", 2).at(95).result("6", "Adelie 38.8, Chinstrap 48.8, Gentoo 47.5").end("6")
    script.add(e.Milestone(scope="phase", name="Explore"))
    script.at(96).work("7", 1)
    script.add(
        e.ArtifactSaved(
            name="bills",
            task="7",
            worker="w7",
            mime="image/png",
            path="artifacts/7-bills.png",
            size=48_213,
            sha256="0" * 64,
        )
    )
    script.at(120).result("7", "[image]").end("7", "The chart `bills` parts the species cleanly.")
    script.at(121).work("8", 1).at(150).result("8", "ok").end("8", "# What sets them apart\n\nBill depth parts them.")
    script.add(e.Milestone(scope="phase", name="Report"), e.Milestone(scope="run", name="run"))
    script.at(151).add(e.ConductorTold(text="#8 completed", until=8)).request("conductor", "claude-opus-5", 14_800)
    answer = "**Bill depth and length together** part the species: Gentoo are shallow, Chinstrap long, Adelie short."
    return script.at(158).add(e.ConductorSlept(text=answer), e.RunEnded(status="completed", answer=answer))


def _cancelled() -> Script:
    """A person stopped it: who worked was stopped, the rest never began."""
    script = _running()
    script.at(55).add(e.CancelRequested(by="person"))
    for worker in ("w3", "w4", "w5"):
        script.add(e.WorkerStopping(worker=worker, by="person", reason="The run was cancelled."))
    for task in ("3", "4", "5"):
        script.end(task, outcome="cancelled", cause="cancelled", error="The run was cancelled.")
    for task in ("6", "7", "8"):
        script.add(e.TaskSkipped(task=task, reason="The run was cancelled."))
    reason = "Cancelled by you."
    return script.at(56).add(e.RunEnded(status="cancelled", reason=reason))


def _capped() -> Script:
    """A long run near its budget: the conductor's context was compacted twice, then the cap was reached."""
    script = _running()
    for turn, tokens in enumerate((60_000, 120_000, 157_000)):
        script.at(60 + 20 * turn).request("conductor", "claude-opus-5", tokens, usd=1.2)
    script.add(e.ContextCompacted(by="conductor", before=157_000, after=31_000, summary="Two of eight tasks are done."))
    for turn, tokens in enumerate((31_000, 90_000, 158_000)):
        script.at(110 + 20 * turn).request("conductor", "claude-opus-5", tokens, usd=0.3)
    script.add(
        e.ContextCompacted(by="conductor", before=158_000, after=36_000, summary="Four of eight tasks are done."),
        e.BudgetWarned(usd=4.6, budget=5.0),
    )
    script.at(160).request("conductor", "claude-opus-5", 36_000, usd=0.1)
    return script.at(170).add(e.CapReached(cap="budget", text="The budget of $5.00 is spent but for $0.02."))


def _hostile() -> Script:
    """Text that tries to be more than text: markup, terminal escapes, turned writing, half a character."""
    bad = (
        '<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>'
        "\x1b[31mred\x1b[0m \u202egnp.exe </td>&amp; '\"`"
    )
    script = Script().start(
        goal=f"{bad}\nand a second line", provider="rehearsal", provider_note=bad, isolation_note=bad
    )
    script.at(1).add(
        e.TaskCreated(task="1", subject=bad, description=bad, phase=bad, tier="haiku", reason=bad),
        e.TaskCreated(
            task="2", subject="\u2066" + "W" * 400, description="", phase=bad, blocked_by=("1",), tier="opus"
        ),
        e.TaskLaunched(task="1", prompt=bad, tier="haiku"),
        e.RunNoted(text=bad, level="warning"),
    )
    script.at(2).work("1", 1, usd=None, estimated=True).result("1", bad)
    options = [{"label": bad, "description": bad}] * 2
    asked: Json = {"question": bad, "header": bad[:12], "options": options, "multiSelect": False}
    script.add(e.QuestionAsked(question="q1", ask=(asked,), about="permission", by="w1", task="1"))
    script.at(5).end("1", bad, outcome="failed", cause="crash", error=bad)
    return script.at(6).add(e.ConductorSlept(text=bad))


RUNS: dict[str, Callable[[], Script]] = {
    "empty": _empty,
    "planning": _planning,
    "planned": _planned,
    "running": _running,
    "asking": _asking,
    "failed": _failed,
    "edited": _edited,
    "conflict": _conflict,
    "done": _done,
    "cancelled": _cancelled,
    "capped": _capped,
    "hostile": _hostile,
}


def state_of(name: str) -> tuple[RunState, float]:
    """The state that a run folds to, and the moment it is looked at."""
    script = RUNS[name]()
    return fold(script.records), script.clock


def pictures(name: str) -> dict[str, str]:
    """All pictures of a run, by the path of the file that keeps them."""
    script = RUNS[name]()
    state, now = fold(script.records), script.clock
    said = token_lines(efficiency(script.records, state))
    shown = snapshot(state, now)
    details = {task: inspect(state, task) for task in state.tasks}
    return {
        f"snapshots/{name}.json": json.dumps(shown, indent=1, ensure_ascii=False) + "\n",
        f"details/{name}.json": json.dumps(details, indent=1, ensure_ascii=False) + "\n",
        f"texts/{name}.txt": board_text(shown, tokens=said) + "\n",
    }


def write() -> None:
    """Store all pictures anew."""
    for name in RUNS:
        for path, text in pictures(name).items():
            (HERE / path).parent.mkdir(exist_ok=True)
            (HERE / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
