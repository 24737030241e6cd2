"""The project-management guide, played: each finding against a computation of another kind.

Two plans that the rules were not written against: the tasks of a run of our own, and a building plan made here with
other names, three estimates, links with lags, and a fault of every kind planted. Paths are found here by trying all of
them, and cells are read by hand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from conductor_magic import conduct
from conductor_magic.result import ConductResult
from tests.support.recipes import Played, play

LOOKS = ("plan_status", "plan_path", "plan_risks", "plan_estimates", "plan_breakdown")
GOAL = "Where does this project stand: critical path, slack, risks?"
# WBS, activity, predecessors, O, M, P, assigned to, state, due
ROWS = [
    ("1.1", "Scope", "", 1, 2, 3, "Ann", "Closed", "2001-01-05"),
    ("1.2", "Design", "1.1", 3, 5, 13, "Bob", "Closed", "2001-01-15"),
    ("1.3", "Procure", "1.1; 9.9", 5, 10, 30, "TBD", "In progress", "2001-02-01"),
    ("2.1", "Build frame", "1.2, 1.3", 10, 15, 20, "Bob", "Not started", "2100-03-01"),
    ("2.2", "Build roof", "2.1FS+2d", 4, 6, 8, None, "Not started", "2100-02-01"),
    ("2.3", "Wire", "2.1", 3, 4, 11, "Cy", "On hold", "2100-03-10"),
    ("3.1", "Inspect", "2.2;2.3", 1, 1, 4, "Ann", "Not started", "2100-03-20"),
    ("3.2", "Hand over", "3.1", 1, 1, 1, "Ann", "Weird", "2100-03-25"),
    ("4.1", "Clean site", "", 2, 9, 4, "Ann", "Not started", "2100-01-01"),
    ("4.1", "Lay turf", "", 1, 1, 1, "Ann", "Cancelled", "2100-01-01"),
    ("5.1", "Paint", "5.2", 2, 3, 4, "Cy", "Not started", "2100-01-01"),
    ("5.2", "Dry", "5.1", 2, 3, 4, "Cy", "Not started", "2100-01-01"),
    ("5.3", "Polish", "5.2", 1, 2, 3, "Cy", "Not started", "2100-01-01"),
]
HEAD = ("WBS", "Activity", "Predecessors", "O", "M", "P", "Assigned To", "State", "Due")
BLOCKERS = {
    "1.2": ["1.1"], "1.3": ["1.1"], "2.1": ["1.2", "1.3"], "2.2": ["2.1"], "2.3": ["2.1"], "3.1": ["2.2", "2.3"],
    "3.2": ["3.1"],
}  # fmt: skip


def pert(row: tuple[Any, ...]) -> float:
    """The mean of three estimates, by its definition."""
    return (row[3] + row[4] * 4 + row[5]) / 6


def heaviest(takes: dict[str, float], blockers: dict[str, list[str]]) -> tuple[float, list[str]]:
    """The longest chain, found by walking every chain there is."""

    def chains(task: str) -> Iterator[list[str]]:
        yield [task]
        for before in blockers.get(task, ()):
            for chain in chains(before):
                yield [*chain, task]

    every = [chain for task in takes for chain in chains(task)]
    return max((math.fsum(takes[task] for task in chain), chain) for chain in every)


@pytest.fixture(scope="module")
def building() -> dict[str, Played]:
    """Every look at the building plan, without a kernel."""
    build = f"import pandas as pd\nplan = pd.DataFrame({ROWS!r}, columns={HEAD!r})"
    found, _ = play(build, ("plan",), LOOKS)
    return {recipe: one for (_, recipe), one in found.items()}


def kinds(played: Played) -> dict[str, tuple[int, list[str]]]:
    """The risks that were found, by kind."""
    return {kind: (size, which) for kind, size, which in played.figures["kinds"] if size}


def test_columns_are_found_by_name_and_content(building: dict[str, Played]) -> None:
    """Each column has the role that a person would give it."""
    assert dict(building["plan_breakdown"].figures["columns"]) == {
        "id": "WBS", "name": "Activity", "after": "Predecessors", "low": "O", "likely": "M", "high": "P",
        "owner": "Assigned To", "status": "State", "due": "Due",
    }  # fmt: skip


def test_path_and_slack_are_those_of_every_chain_tried(building: dict[str, Played]) -> None:
    """Length and chain are the heaviest of all chains; a task's slack is what the heaviest chain through it leaves."""
    figures = building["plan_path"].figures
    takes = {row[0]: pert(row) for row in ROWS[:8]} | {"4.1": pert(ROWS[8])}
    length, chain = heaviest(takes, BLOCKERS)
    assert figures["length"] == pytest.approx(length)
    assert [label.split()[0] for label, _ in figures["path"]] == chain
    behind: dict[str, list[str]] = {}
    for task, blockers in BLOCKERS.items():
        for blocker in blockers:
            behind.setdefault(blocker, []).append(task)
    slack = {label.split()[0]: value for label, _, _, _, value in figures["table"] if "turf" not in label}
    for task in takes:
        through = [heaviest_to(task, takes, way) for way in (BLOCKERS, behind)]
        assert slack[task] == pytest.approx(length - sum(through) + takes[task], abs=1e-4)
    assert figures["critical"]["count"] == sum(value == 0 for value in slack.values()) == len(chain)
    spread = math.sqrt(sum(((row[5] - row[3]) / 6) ** 2 for row in ROWS if row[0] in chain))
    assert figures["spread"] == pytest.approx(spread, rel=1e-5)
    assert figures["rest"] == pytest.approx(length - takes["1.1"])  # its first task alone is done
    assert (figures["tasks"], figures["ordered"]) == (13, 10)
    assert "Only 10 of 13 tasks could be ordered" in building["plan_path"].report
    published = building["plan_path"].published["schedule"]
    assert math.fsum(t for t, c in zip(published["takes"], published["critical"], strict=True) if c) == pytest.approx(
        length
    )


def heaviest_to(task: str, takes: dict[str, float], links: dict[str, list[str]]) -> float:
    """The weight of the heaviest chain that ends at a task."""
    return takes[task] + max((heaviest_to(other, takes, links) for other in links.get(task, ())), default=0.0)


def test_every_planted_fault_is_found_and_no_other(building: dict[str, Played]) -> None:
    """Each kind of risk with exactly the tasks that were made so."""
    assert kinds(building["plan_risks"]) == {
        "circle": (1, ["5.1 Paint → 5.2 Dry → 5.1 Paint"]),
        "unknown": (1, ["1.3 Procure (9.9)"]),
        "due_first": (1, ["2.2 Build roof"]),
        "twice": (2, ["4.1 Clean site", "4.1 Lay turf"]),
        "unowned": (2, ["1.3 Procure", "2.2 Build roof"]),
        "overdue": (1, ["1.3 Procure (due 2001-02-01)"]),
    }
    report = building["plan_risks"].report
    assert "- Open tasks without an owner: 2 (1.3 Procure; 2.2 Build roof)." in report
    assert "Looked for and not found: tasks that wait for themselves;" in report
    behind = [row[0] for row in ROWS if row[0] not in ("1.1", "1.3") and depends("1.3", row[0])]
    assert f"1.3 Procure holds up most: {len(behind)} tasks behind it." in report
    load = [row[6] for row in ROWS if row[7] not in ("Closed", "Cancelled") and row[6] not in (None, "TBD")]
    assert {owner: size for owner, size, _ in building["plan_risks"].figures["load"]} == {
        owner: load.count(owner) for owner in set(load)
    }


def depends(blocker: str, task: str) -> bool:
    """Whether a task waits for another, through others too."""
    return any(before == blocker or depends(blocker, before) for before in BLOCKERS.get(task, ()))


def test_estimates_are_pert(building: dict[str, Played]) -> None:
    """Sum, spread, disordered and wide estimates are those of the rows."""
    figures = building["plan_estimates"].figures
    assert figures["total"] == pytest.approx(math.fsum(map(pert, ROWS)), rel=1e-5)
    spread = math.sqrt(math.fsum((row[5] - row[3]) ** 2 / 36 for row in ROWS))
    assert figures["spread"] == pytest.approx(spread, rel=1e-5)
    assert figures["disordered"]["which"] == ["4.1 Clean site"]
    assert figures["wide"]["which"] == [f"{row[0]} {row[1]}" for row in ROWS if row[5] > 3 * row[3]]
    assert figures["without"]["count"] == 0


def test_status_is_counted_in_the_plans_own_words(building: dict[str, Played]) -> None:
    """Done by tasks and by work, without what was dropped; words that no rule knows are named."""
    figures, report = building["plan_status"].figures, building["plan_status"].report
    live = [row for row in ROWS if row[7] != "Cancelled"]
    done = [row for row in live if row[7] == "Closed"]
    assert (figures["done"], figures["counted"]) == (len(done), len(live))
    share = 100 * math.fsum(map(pert, done)) / math.fsum(map(pert, live))
    assert figures["work_percent"] == pytest.approx(share, abs=0.005)
    assert figures["active"]["which"] == ["1.3 Procure"]
    assert figures["blocked"]["which"] == ["2.3 Wire"]
    assert figures["ready"]["which"] == ["4.1 Clean site"]
    assert figures["next"] == ["4.1 Clean site", "2100-01-01"]
    assert "Words for a status that the rules do not know: Weird (1)." in report


def test_breakdown_counts_links_steps_and_loose_ends(building: dict[str, Played]) -> None:
    """The shape of the graph is that of the cells; a lag is read as a plain link, and that is said."""
    figures, report = building["plan_breakdown"].figures, building["plan_breakdown"].report
    named = [name for row in ROWS for name in re.findall(r"\d\.\d", row[2])]
    assert figures["links"] == sum(name != "9.9" for name in named)
    assert figures["steps"] == heaviest({row[0]: 1.0 for row in ROWS[:8]}, BLOCKERS)[0]
    assert figures["alone"]["which"] == ["4.1 Clean site", "4.1 Lay turf"]
    assert figures["starts"]["count"] == sum(not row[2] for row in ROWS)
    assert "read as plain 'finish, then start': 1." in report


SHAPES = """
import pandas as pd
gantt = pd.DataFrame({
    "Task Name": ["Dig", "Pour", "Cure", "Walls"],
    "Start": pd.to_datetime(["2030-01-01", "2030-01-04", "2030-01-06", "2030-01-20"]),
    "Finish": pd.to_datetime(["2030-01-04", "2030-01-06", "2030-01-20", "2030-02-01"]),
    "Predecessors": [None, "1", "2", "3"], "% Complete": [100, 50, 0, 0]})
units = [{"key": "A-1", "title": "One", "estimate": "2 days", "dependsOn": []},
         {"key": "A-2", "title": "Two", "estimate": "4h", "dependsOn": ["A-1"]},
         {"key": "A-3", "title": "Three", "estimate": "1w", "dependsOn": ["A-1", "A-2"]},
         {"key": "A-4", "title": "Four", "estimate": "soon", "dependsOn": ["A-3", "A-4", "A-9"]}]
bare = pd.DataFrame({"id": [1, 2, 3], "blocked_by": [[], ["1"], ["2"]], "done": [True, False, False]})
back = pd.DataFrame({"task": ["a", "b", "c"], "days": [1, 2, 3], "actual days": [2, 2, 9], "owner": [None, None, None],
                     "status": ["failed", "todo", "done"], "depends on": ["", "a", "b"]})
other = pd.DataFrame({"name": ["x", "y"], "status": ["active", "closed"], "mass": [1.5, 2.5]})
"""


@pytest.fixture(scope="module")
def shapes() -> dict[tuple[str, str], Played]:
    """Every look at tables of other shapes."""
    return play(SHAPES, ("gantt", "units", "bare", "back", "other"), LOOKS)[0]


def test_plans_of_other_shapes_are_read(shapes: dict[tuple[str, str], Played]) -> None:
    """Dates instead of durations, row numbers as links, durations in several units, no durations at all, booleans."""
    gantt, units, bare = (shapes[name, "plan_path"].figures for name in ("gantt", "units", "bare"))
    assert (gantt["length"], gantt["unit"], gantt["path_tasks"]) == (3 + 2 + 14 + 12, "calendar days", 4)
    assert "`Finish` less `Start`, in calendar days" in shapes["gantt", "plan_path"].report
    assert shapes["gantt", "plan_status"].figures["shares"] == [["Pour", 50.0]]
    assert (units["length"], units["unit"], units["untimed"]) == (2 + 0.5 + 5, "days", 1)
    assert "8 hours a day, 5 days a week" in shapes["units", "plan_path"].report
    assert kinds(shapes["units", "plan_risks"]) == {"itself": (1, ["A-4 Four"]), "unknown": (1, ["A-4 Four (a-9)"])}
    assert (bare["length"], bare["unit"], bare["counted"]) == (3.0, "tasks", True)
    assert shapes["bare", "plan_status"].figures["ready"]["which"] == ["2"]


def test_what_went_otherwise_than_planned_is_told(shapes: dict[tuple[str, str], Played]) -> None:
    """Time taken against estimates, nobody who owns anything, failure, and what hangs on it."""
    estimates = shapes["back", "plan_estimates"]
    assert estimates.figures["ratio"] == pytest.approx(13 / 6, rel=1e-5)
    assert estimates.figures["over"] == [["c", 3.0, 9.0], ["a", 1.0, 2.0]]
    assert kinds(shapes["back", "plan_risks"]) == {
        "behind_lost": (1, ["b (a)"]), "too_early": (1, ["c"]), "unowned": (2, ["a", "b"]), "failed": (1, ["a"]),
    }  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_a_table_that_is_no_plan_is_said_to_be_none(shapes: dict[tuple[str, str], Played], look: str) -> None:
    """Nothing is computed, and it is said what was looked for."""
    report = shapes["other", look].report
    assert "- `other` was not recognised as a plan, so nothing was computed." in report
    assert "at least two of: what a task waits for, its duration" in report
    assert "Key figures" not in report


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[ConductResult, ConductResult, pd.DataFrame]:
    """The guide played on the building plan, and on the tasks of that run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(tmp_path_factory.mktemp("home")))
        workspace = str(tmp_path_factory.mktemp("workspace"))
        options: dict[str, Any] = {"provider": "rehearsal", "workspace": workspace, "quiet": True}
        plan = pd.DataFrame(ROWS, columns=list(HEAD))
        first = conduct(GOAL, use={"plan": plan}, **options).wait(120)
        tasks = first.tasks.to_pandas()
        return first, conduct(GOAL, use={"tasks": tasks}, **options).wait(120), tasks


def test_the_goal_leads_to_this_guide_and_runs_to_its_end(played: tuple[ConductResult, ConductResult, Any]) -> None:
    """Five looks at once, then a report that leads with status, path and risks."""
    first, second, _ = played
    for result in (first, second):
        assert result.status == "completed", result.reason
        assert [task.phase for task in result.tasks] == ["Look"] * 5 + ["Report"]
    lead = first.answer.split("\n\n")[1]
    assert lead.startswith("2 of 12 tasks in `plan` are done (16.67 %)")
    assert "The longest chain of `plan` takes 38.0 over 6 tasks: 1.1 Scope → 1.3 Procure → " in lead
    assert "6 kinds of risk in `plan`" in lead
    assert first.answer.count("read as plain 'finish, then start'") == 1
    assert "| critical path | 38.0 |" in first.answer


def test_the_tasks_of_a_run_are_a_plan(played: tuple[ConductResult, ConductResult, pd.DataFrame]) -> None:
    """Its path is the heaviest of all its chains by seconds, and what it lacks is said."""
    _, second, tasks = played
    takes = dict(zip(tasks["id"], tasks["seconds"], strict=True))
    length, chain = heaviest(takes, dict(zip(tasks["id"], tasks["blocked_by"], strict=True)))
    schedule = second.artifacts["schedule"].value
    assert schedule["ends"].max() == pytest.approx(length)
    assert [label.split()[0] for label in schedule.loc[schedule["critical"], "task"]] == sorted(chain)
    assert f"| links | {sum(map(len, tasks['blocked_by']))} |" in second.answer
    assert "6 of 6 tasks in `tasks` are done (100.0 %)" in second.answer
    assert "- There is no column of owners" in second.answer
