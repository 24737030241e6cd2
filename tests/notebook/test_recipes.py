"""The rehearsal's recipes on the penguins: the figures are right, and nothing is stated that no tool gave.

What should come out is computed here from the same file by other means than the recipes use.
"""

from __future__ import annotations

import csv
import math
import re
import statistics
from pathlib import Path

import pytest

from tests.support.recipes import EXPLORATION, Played, play, row, six

PENGUINS = Path(__file__).parents[2] / "notebooks" / "data" / "penguins.csv"
NUMBERS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year")


def penguin_rows() -> list[dict[str, str]]:
    """The file, read without pandas."""
    with PENGUINS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def present(column: str, rows: list[dict[str, str]] | None = None) -> list[float]:
    """A column's numbers."""
    return [float(r[column]) for r in (penguin_rows() if rows is None else rows) if r[column] != "NA"]


@pytest.fixture(scope="module")
def penguins() -> dict[str, Played]:
    """Every recipe of the exploration, played on the penguins; `own` are pandas' own group means."""
    found, own = play(
        f"import pandas as pd\npenguins = pd.read_csv({str(PENGUINS)!r})",
        ("penguins",),
        own="{by: penguins.groupby(by).mean(numeric_only=True).reset_index().to_dict('list')"
        " for by in ('species', 'sex')}",
        earlier="- Strongest pair: `flipper_length_mm` and `body_mass_g`, r = 0.87 over 342 rows.\n"
        "- Strongest grouping: `species` (Adelie: 152).",
    )
    return {**{recipe: one for (_, recipe), one in found.items()}, "own": own}  # type: ignore[dict-item]


def test_penguins_schema(penguins: dict[str, Played]) -> None:
    """Rows, columns, repeated rows and distinct values are those of the file."""
    rows, figures = penguin_rows(), penguins["schema"].figures
    assert (figures["rows"], figures["columns"]) == (len(rows), len(rows[0])) == (344, 8)
    assert figures["duplicate_rows"] == len(rows) - len({tuple(r.values()) for r in rows})
    for entry in figures["table"]:
        values = [r[entry["column"]] for r in rows if r[entry["column"]] != "NA"]
        assert (entry["present"], entry["distinct"]) == (len(values), len(set(values)))


def test_penguins_missing(penguins: dict[str, Played]) -> None:
    """Missing cells by column, by row and together are those of the file."""
    rows, figures = penguin_rows(), penguins["missing"].figures
    assert figures["missing"] == sum(value == "NA" for r in rows for value in r.values())
    assert figures["complete_rows"] == sum("NA" not in r.values() for r in rows)
    for entry in figures["table"]:
        assert entry["missing"] == sum(r[entry["column"]] == "NA" for r in rows)
    assert figures["together"][0] == {"columns": ["sex"], "of": 1, "rows": 9}
    assert "Missing together in 2 rows" in penguins["missing"].report


def test_penguins_distributions(penguins: dict[str, Played]) -> None:
    """Means, spreads, quartiles and skews agree with the statistics module; the published table has every digit."""
    figures, published = penguins["distributions"].figures, penguins["distributions"].published["distributions"]
    for at, column in enumerate(NUMBERS):
        values, entry = present(column), row(figures["numbers"], column)
        q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive")
        mean, std, n = statistics.fmean(values), statistics.stdev(values), len(values)
        skew = n / ((n - 1) * (n - 2)) * sum(((value - mean) / std) ** 3 for value in values)
        wanted = {
            "mean": mean,
            "std": std,
            "min": min(values),
            "q1": q1,
            "median": median,
            "q3": q3,
            "max": max(values),
        }
        assert {name: entry[name] for name in wanted} == {name: six(value) for name, value in wanted.items()}
        assert entry["skew"] == six(skew)
        assert entry["count"] == n
        assert published["mean"][at] == pytest.approx(mean, rel=1e-14)
    species = row(figures["texts"], "species")
    assert species["top"] == [["Adelie", 152], ["Gentoo", 124], ["Chinstrap", 68]]


def test_penguins_outliers(penguins: dict[str, Played]) -> None:
    """Counts beyond the fences agree with a count by hand."""
    for entry in penguins["outliers"].figures["table"]:
        values = present(entry["column"])
        q1, _, q3 = statistics.quantiles(values, n=4, method="inclusive")
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
        assert (entry["low_fence"], entry["high_fence"]) == (six(low), six(high))
        assert entry["below"] == sum(value < low for value in values)
        assert entry["above"] == sum(value > high for value in values)


def test_penguins_correlations(penguins: dict[str, Played]) -> None:
    """Every shown r agrees with the statistics module, and the strongest pair leads."""
    figures = penguins["correlations"].figures
    assert figures["pairs"] == math.comb(len(NUMBERS), 2) == len(figures["table"])
    for entry in figures["table"]:
        rows = [r for r in penguin_rows() if "NA" not in (r[entry["first"]], r[entry["second"]])]
        r = statistics.correlation(present(entry["first"], rows), present(entry["second"], rows))
        assert (entry["r"], entry["rows"]) == (six(r), len(rows))
    assert (figures["table"][0]["first"], figures["table"][0]["second"]) == ("flipper_length_mm", "body_mass_g")


def test_penguins_group_means_to_the_last_digit(penguins: dict[str, Played]) -> None:
    """The published and the reported means equal pandas' own in every digit, and a count by hand closely."""
    played, own = penguins["groups"], penguins["own"]
    assert played.published["group_means"] == own["species"]  # type: ignore[index]
    assert played.published["group_means_by_sex"] == own["sex"]  # type: ignore[index]
    for column in NUMBERS:
        for species, mean in zip(own["species"]["species"], own["species"][column], strict=True):  # type: ignore[index]
            values = present(column, [r for r in penguin_rows() if r["species"] == species])
            assert mean == pytest.approx(statistics.fmean(values), rel=1e-14)
            assert f" {mean!r} |" in played.report


def test_penguins_strongest_grouping(penguins: dict[str, Played]) -> None:
    """Eta squared agrees with a computation by hand, and species leads."""
    grouping = penguins["groups"].figures["table"][0]
    assert grouping["by"] == "species"
    for column, effect in zip(grouping["columns"], grouping["eta_squared"], strict=True):
        values = present(column)
        mean, between = statistics.fmean(values), 0.0
        for species, _ in grouping["sizes"]:
            part = present(column, [r for r in penguin_rows() if r["species"] == species])
            between += len(part) * (statistics.fmean(part) - mean) ** 2
        assert effect == six(between / sum((value - mean) ** 2 for value in values))


def test_penguins_charts(penguins: dict[str, Played]) -> None:
    """Three PNG charts, the pair and the grouping taken from the earlier results, each named in the report."""
    played = penguins["charts"]
    assert list(played.published) == ["chart_distributions", "chart_relation", "chart_correlations"]
    assert set(played.published.values()) == {b"\x89PNG\r\n\x1a\n".hex()}
    assert "body_mass_g against flipper_length_mm" in played.report
    assert "by species" in played.report
    assert all(f"`{name}`" in played.report for name in played.published)


@pytest.mark.parametrize("recipe", EXPLORATION)
def test_no_figure_comes_from_elsewhere(penguins: dict[str, Played], recipe: str) -> None:
    """Every number in a report stands in the tool's result as it is (but for the rule that is stated: |r| = 0.7)."""
    played = penguins[recipe]
    assert played.report.endswith("STATUS: done")
    stated = re.findall(r"(?<![\w.])-?\d[\d.]*(?:e-?\d+)?(?![\w])", played.report.replace("|r| = 0.7", ""))
    given = set(re.findall(r"-?\d[\d.]*(?:e-?\d+)?", played.printed))
    assert {number.rstrip(".") for number in stated} <= {number.rstrip(".") for number in given}
