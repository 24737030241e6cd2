"""The data-analysis guide, played whole on two tables that its rules were not written against.

The places of the world's time zones, and every file of the packages that are installed here. What must come out is
computed from the plain rows with the standard library.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pandas as pd
import pytest

from conductor_magic import conduct
from conductor_magic.result import ConductResult
from tests.support.recipes import six

Row = dict[str, Any]


class Explored(NamedTuple):
    """A table's plain rows, its columns of numbers, a column that groups it, and the run that explored it."""

    rows: list[Row]
    numbers: tuple[str, ...]
    group: str
    result: ConductResult


def _degrees(text: str) -> float:
    """`-690022` or `+0393524`: sign, degrees, minutes and perhaps seconds."""
    whole = len(text) - (5 if len(text) > 6 else 3)
    parts = [int(text[1 : 1 + whole]), *(int(text[at : at + 2]) for at in range(1 + whole, len(text), 2))]
    size = sum(part / 60**at for at, part in enumerate(parts))
    return -size if text[0] == "-" else size


def _zones() -> list[Row]:
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        country, place, zone, *comment = line.split("\t")
        latitude, longitude = re.findall(r"[+-]\d+", place)
        rows.append({
            "country": country, "area": zone.partition("/")[0], "zone": zone, "latitude": _degrees(latitude),
            "longitude": _degrees(longitude), "comment": comment[0] if comment else None,
        })  # fmt: skip
    return rows


def _files() -> list[Row]:
    rows = []
    for package in ("jedi", "jupyterlab", "pandas", "pydantic", "tornado"):
        for file in metadata.files(package) or ():
            path = PurePosixPath(str(file))
            rows.append({
                "package": package, "file": str(path), "kind": path.suffix or None, "bytes": file.size,
                "depth": len(path.parts), "letters": len(path.name),
            })  # fmt: skip
    return rows


INPUTS = {
    "zones": (_zones, ("latitude", "longitude"), "area"),
    "files": (_files, ("bytes", "depth", "letters"), "package"),
}


@pytest.fixture(scope="module", params=["zones", pytest.param("files", marks=pytest.mark.slow)])
def explored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explored]:
    """A table, explored without a key by the guide that its goal leads to."""
    read, numbers, group = INPUTS[request.param]
    rows = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(tmp_path_factory.mktemp("home")))
        goal = "What does this table hold, and what stands out?"
        folder: Path = tmp_path_factory.mktemp("workspace")
        use = {request.param: pd.DataFrame(rows)}
        result = conduct(goal, use=use, provider="rehearsal", workspace=str(folder), quiet=True).wait(180)
        yield Explored(rows, numbers, group, result)


def _table(text: str, first: str) -> dict[str, list[str]]:
    """The Markdown table whose head begins with `first`: its first cell -> the others."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} | "))
    body = (line for line in lines[at + 2 :])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in iter(lambda: next(body, ""), "")]
    return {row[0]: row[1:] for row in cells}


def _present(explored: Explored, column: str) -> list[Any]:
    return [row[column] for row in explored.rows if row[column] is not None]


def test_it_runs_the_main_pattern_to_its_end(explored: Explored) -> None:
    """Six looks side by side on the columns, charts, and a report; the guide was chosen by the goal."""
    result = explored.result
    assert result.status == "completed", result.reason
    assert result.guide == "data-analysis"
    assert [task.id for task in result if not task.blocked_by] == ["1", "2", "3", "4", "5", "6"]
    assert len(result.tasks) == 8
    assert result.answer.startswith("# What `")


def test_counts_and_gaps_are_those_of_the_rows(explored: Explored) -> None:
    """Rows, columns, kinds of value, missing cells."""
    rows, answer = explored.rows, _table(explored.result.answer, "figure")
    columns = list(rows[0])
    missing = sum(row[column] is None for row in rows for column in columns)
    assert answer["rows"] == [str(len(rows))]
    assert answer["columns"] == [str(len(columns))]
    assert answer["missing values"] == [str(missing)]
    assert answer["complete rows"] == [str(sum(None not in row.values() for row in rows))]
    assert answer["duplicate rows"] == [str(len(rows) - len({tuple(row.values()) for row in rows}))]
    schema = _table(explored.result["1"].output, "column")
    for column in columns:
        values = _present(explored, column)
        assert schema[column][2:4] == [str(len(values)), str(len(set(values)))]


def test_distributions_and_outliers_are_those_of_the_standard_library(explored: Explored) -> None:
    """Means, spreads and quartiles; values beyond Tukey's fences."""
    distributions = _table(explored.result["3"].output, "column")
    outliers = _table(explored.result["4"].output, "column")
    for column in explored.numbers:
        values = _present(explored, column)
        q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive")
        wanted = [statistics.fmean(values), statistics.stdev(values), min(values), q1, median, q3, max(values)]
        assert [float(cell) for cell in distributions[column][1:8]] == [six(value) for value in wanted]
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
        assert [int(cell) for cell in outliers[column][3:5]] == [
            sum(value < low for value in values),
            sum(value > high for value in values),
        ]


def test_pairs_and_groups_are_those_of_the_standard_library(explored: Explored) -> None:
    """Every correlation, and the means of the strongest grouping in every digit that matters."""
    lines = explored.result["5"].output.splitlines()
    pairs = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]
    assert len(pairs) == len(explored.numbers) * (len(explored.numbers) - 1) // 2
    for first, second, r, count in pairs:
        both = [row for row in explored.rows if None not in (row[first], row[second])]
        own = statistics.correlation([row[first] for row in both], [row[second] for row in both])
        assert (float(r), int(count)) == (six(own), len(both))
    groups = defaultdict(list)
    for row in explored.rows:
        groups[row[explored.group]].append(row)
    means = explored.result.artifacts["group_means"].value.set_index(explored.group)
    assert Counter({name: len(group) for name, group in groups.items()}).keys() == set(means.index)
    for name, group in groups.items():
        for column in explored.numbers:
            values = [row[column] for row in group if row[column] is not None]
            assert means.loc[name, column] == pytest.approx(statistics.fmean(values), rel=1e-12)
