"""The rehearsal's recipes on other tables: dates, nulls, one row, no numbers, and shapes that break careless code."""

from __future__ import annotations

import math
import statistics

import pytest

from tests.support.recipes import EXPLORATION, Played, play, row, six


def test_dates() -> None:
    """A frame with dates: its span, its busiest month and the means by month."""
    build = """
import pandas as pd
visits = pd.DataFrame({
    "day": pd.date_range("2024-01-15", periods=90, freq="D"),
    "seen": pd.date_range("2024-01-15 06:30", periods=90, freq="D", tz="Europe/Oslo"),
    "count": [(7 * at) % 31 for at in range(90)],
})
"""
    found, _ = play(build, ("visits",))
    counts = [(7 * at) % 31 for at in range(90)]
    # 17 days of January, 29 of February, 31 of March, 13 of April
    months = {"2024-01": counts[:17], "2024-02": counts[17:46], "2024-03": counts[46:77], "2024-04": counts[77:]}
    day = row(found["visits", "distributions"].figures["dates"], "day")
    assert (day["first"], day["last"]) == ("2024-01-15 00:00:00", "2024-04-13 00:00:00")
    assert (day["span_days"], day["months"], day["busiest_month"]) == (89.0, 4, ["2024-03", 31])
    by_month = next(g for g in found["visits", "groups"].figures["table"] if g["by"] == "day by month")
    assert by_month["sizes"] == [[month, len(values)] for month, values in months.items()]
    assert by_month["means"] == [[month, pytest.approx(statistics.fmean(v), rel=1e-14)] for month, v in months.items()]
    assert "chart_time" in found["visits", "charts"].published
    assert found["visits", "schema"].figures["kinds"] == {"date": 2, "number": 1}


def test_all_null_columns() -> None:
    """Columns without any value are named, counted as missing, and no figure is made of them."""
    build = """
import pandas as pd
survey = pd.DataFrame({"a": [None] * 6, "b": [float("nan")] * 6, "x": range(6)})
survey.insert(2, "c", pd.array([pd.NA] * 6, dtype="Int64"))
nothing = pd.DataFrame({"a": [None] * 3})
"""
    found, _ = play(build, ("survey", "nothing"))
    missing = found["survey", "missing"].figures
    assert (missing["missing"], missing["cells"], missing["percent"]) == (18, 24, 75.0)
    assert missing["empty_columns"] == ["a", "b", "c"]
    assert missing["complete_rows"] == 0
    numbers = found["survey", "distributions"].figures["numbers"]
    assert [(entry["column"], entry["mean"], entry["count"]) for entry in numbers] == [("x", 2.5, 6)]
    assert found["survey", "correlations"].figures["pairs"] == 0
    assert found["nothing", "distributions"].figures["empty"] == 1
    assert found["nothing", "missing"].figures["percent"] == 100.0
    assert len(found["nothing", "charts"].published) >= 2
    assert all(one.report.endswith("STATUS: done") for one in found.values())


def test_one_row() -> None:
    """One row has a mean but no spread, no outliers to judge, no pairs and no groups."""
    build = """
import pandas as pd
single = pd.DataFrame({"x": [1.5], "name": ["q"], "when": [pd.Timestamp("2020-02-29")]})
"""
    found, _ = play(build, ("single",))
    x = row(found["single", "distributions"].figures["numbers"], "x")
    assert (x["mean"], x["median"], x["std"], x["skew"]) == (1.5, 1.5, None, None)
    assert found["single", "outliers"].figures["unjudged"] == [
        {"column": "x", "why": "it has 1 of the 5 values that this takes"}
    ]
    assert found["single", "correlations"].figures["pairs"] == 0
    assert found["single", "groups"].figures["groupings"] == 0
    assert "no column that splits its rows" in found["single", "groups"].report
    assert found["single", "schema"].figures["keys"] == []
    assert len(found["single", "charts"].published) >= 2


def test_no_numbers() -> None:
    """Text and yes/no columns alone: counts, Cramér's V, group sizes, charts of counts; no means are made up."""
    build = """
import pandas as pd
votes = pd.DataFrame({"place": list("xxyyxxyyzz") * 3, "vote": list("ppqqppqqpq") * 3, "late": [True, False] * 15})
"""
    found, _ = play(build, ("votes",))
    assert found["votes", "distributions"].figures["numbers"] == []
    top = row(found["votes", "distributions"].figures["texts"], "place")["top"]
    assert top == [["x", 12], ["y", 12], ["z", 6]]
    links = found["votes", "correlations"].figures["text_table"]
    # place against vote: x is always p, y always q, z half of each; chi2 = 12 + 12 + 0, V = sqrt(24 / 30)
    assert (links[0]["first"], links[0]["second"], links[0]["v"]) == ("place", "vote", six(math.sqrt(0.8)))
    grouping = next(g for g in found["votes", "groups"].figures["table"] if g["by"] == "place")
    assert grouping["sizes"] == [["x", 12], ["y", 12], ["z", 6]]
    assert grouping["columns"] == []
    assert "no number columns to compare" in found["votes", "groups"].report
    assert list(found["votes", "charts"].published) == ["chart_counts", "chart_missing", "chart_columns"]


# --- shapes that break careless code ---------------------------------------------------------------------------------

ODD = """
import decimal
import numpy as np
import pandas as pd
rng = np.random.default_rng(0)
wide = pd.DataFrame(rng.normal(size=(60, 200)), columns=[f"column number {at:03}" for at in range(200)])
long_words = [f"{'long value ' * 6}{row % 12}" for row in range(60)]
wide_words = pd.DataFrame({f"words in column {at}": long_words for at in range(120)})
long_names = pd.DataFrame(rng.normal(size=(60, 12)), columns=[f"{'name ' * 20}{at}" for at in range(12)])
for at in range(5):
    long_names[f"label {at}"] = [f"{row * (at + 1) % 12} {'label ' * 20}" for row in range(60)]
repeated = pd.DataFrame([[1, 2, "a"], [3, 4, "b"], [5, 6, "a"], [5, 6, "b"], [9, 1, "a"]], columns=["x", "x", "x (2)"])
levels = pd.DataFrame(np.arange(24).reshape(6, 4), columns=pd.MultiIndex.from_product([["a", "b"], [1, 2]]))
unnamed = pd.DataFrame({0: [1, 2, 3, 4], None: ["a"] * 4, (1, 2): [1.0] * 4, pd.Timestamp("2020-01-01"): [4, 3, 2, 1]})
lists = pd.DataFrame({"l": [[1], [2], [1], None], "d": [{"a": 1}] * 4, "m": [1, "a", 2.5, None]})
lists["c"] = [decimal.Decimal("1.5")] * 4
no_rows = pd.DataFrame({"a": pd.Series(dtype=float), "b": pd.Series(dtype=object)})
no_rows["d"] = pd.Series(dtype="datetime64[ns]")
empty = pd.DataFrame()
infinite = pd.DataFrame({"a": [1.0, np.inf, -np.inf, 2, 3, 4, 5, 6]})
infinite["i"] = pd.array([1, None, 3, 4, 5, 6, 7, 8], dtype="Int64")
dollars = pd.DataFrame({"a $": [1, 2, 3], "b $ c $": [2, 1, 5], "_g": ["$a", "$b$", "_c"]})
series = pd.Series([1, 2, 2, 9], name="n")
array = np.arange(12.0).reshape(4, 3)
records = [{"a": 1, "b": "x"}, {"a": 2}]
columns = {"a": [1, 2], "b": [3, 4]}
words = "no table at all"
groups = pd.DataFrame({"report": [1, 2, 3, 4], "pd": list("xyxy")})
"""
ODD_NAMES = (
    "wide",
    "wide_words",
    "long_names",
    "repeated",
    "levels",
    "unnamed",
    "lists",
    "no_rows",
    "empty",
    "infinite",
    "dollars",
    "series",
    "array",
    "records",
    "columns",
    "groups",
)


@pytest.fixture(scope="module")
def odd() -> dict[tuple[str, str], Played]:
    """Every recipe but the charts on every odd variable."""
    return play(ODD, (*ODD_NAMES, "words"), EXPLORATION[:-1])[0]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_tables_are_explored(odd: dict[tuple[str, str], Played], name: str) -> None:
    """Each recipe ends well, on one line of strict JSON that the tool's limit on output does not cut."""
    for recipe in EXPLORATION[:-1]:
        played = odd[name, recipe]
        assert played.report.endswith("STATUS: done"), (name, recipe)
        assert len(played.printed) < 20_000
        assert "NaN" not in played.printed


def test_two_hundred_columns(odd: dict[tuple[str, str], Played]) -> None:
    """All columns are counted and handed back; the report shows the first and says how many more there are."""
    schema = odd["wide", "schema"]
    assert (schema.figures["columns"], schema.figures["more"]) == (200, 175)
    assert len(schema.published["schema"]["column"]) == 200
    assert "175 more columns in the table `schema`" in schema.report
    assert odd["wide", "correlations"].figures["pairs"] == math.comb(200, 2)
    assert len(odd["wide", "correlations"].published["correlations"]["column"]) == 200


def test_very_long_figures_are_cut_and_said_to_be(odd: dict[tuple[str, str], Played]) -> None:
    """What would be cut by the tool is shortened list by list before, and the report says so."""
    played = odd["long_names", "groups"]
    assert len(played.printed) <= 16_000 + len("RESULT \n")
    assert "Long lists are cut here" in played.report


def test_labels_become_unique(odd: dict[tuple[str, str], Played]) -> None:
    """Repeated names and several levels get plain labels, and a note says so."""
    schema = odd["repeated", "schema"]
    assert [entry["column"] for entry in schema.figures["table"]] == ["x", "x (2)", "x (2) (2)"]
    assert "plain labels" in schema.report
    assert [entry["column"] for entry in odd["levels", "schema"].figures["table"]] == [
        "a / 1",
        "a / 2",
        "b / 1",
        "b / 2",
    ]


def test_infinite_values_are_left_out_and_told(odd: dict[tuple[str, str], Played]) -> None:
    """A mean of finite values, and how many were not finite."""
    entry = row(odd["infinite", "distributions"].figures["numbers"], "a")
    assert (entry["mean"], entry["count"], entry["infinite"]) == (3.5, 6, 2)
    assert "holds infinite values, left out: 2" in odd["infinite", "distributions"].report


def test_what_is_no_table_is_told(odd: dict[tuple[str, str], Played]) -> None:
    """A text is not forced into a table: the report says what it is and that nothing was counted."""
    assert "is a builtins.str of length 15, which cannot be read as a table" in odd["words", "schema"].report


def test_other_values_are_read_as_tables(odd: dict[tuple[str, str], Played]) -> None:
    """Series, arrays, records and dicts of columns have the rows and columns that they should."""
    sizes = {
        name: odd[name, "schema"].figures for name in ("series", "array", "records", "columns", "empty", "no_rows")
    }
    assert {name: (found["rows"], found["columns"]) for name, found in sizes.items()} == {
        "series": (4, 1),
        "array": (4, 3),
        "records": (2, 2),
        "columns": (2, 2),
        "empty": (0, 0),
        "no_rows": (0, 3),
    }


@pytest.mark.slow
def test_charts_of_odd_tables() -> None:
    """Two or three charts of whatever there is."""
    names = ("wide", "unnamed", "lists", "no_rows", "empty", "infinite", "dollars")
    found, _ = play(ODD, names, ("charts",))
    assert {name: 2 <= len(found[name, "charts"].published) <= 3 for name in names} == dict.fromkeys(names, True)


@pytest.mark.parametrize("name", ["dict", "isinstance", "print"])
def test_a_table_may_have_the_name_of_a_builtin(name: str) -> None:
    """People call their data `dict` and `list`; what the recipes use of these names still works."""
    found, _ = play(f"import pandas as pd\n{name} = pd.DataFrame({{'a': [1, 2, 2]}})", (name,), ("schema",))
    assert (found[name, "schema"].figures["rows"], found[name, "schema"].figures["duplicate_rows"]) == (3, 1)
