"""What the data-analysis recipes say of the figures that the Python tool printed. Pure.

Each function turns the figures of one snippet into Markdown: the findings as bullets first, then the tables, so that a
report which is cut keeps what matters. Figures are copied, never computed or rounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, number, table

__all__ = ["REPORTS"]

Json = dict[str, Any]


def _schema(name: str, figures: Json) -> list[str]:
    kinds = listed([count(size, f"{kind} column") for kind, size in figures["kinds"].items()])
    rows = figures["table"]
    return [
        bullets(
            [
                f"`{name}` has {count(figures['rows'], 'row')} and {count(figures['columns'], 'column')}"
                + (f": {kinds}." if kinds else "."),
                f"Repeated rows: {figures['duplicate_rows']}. Size in memory: {figures['memory_bytes']} bytes.",
                f"The same value in every row: {names(figures['constant'])}." if figures["constant"] else "",
                f"A different value in every row, so each could be a key: {names(figures['keys'])}."
                if figures["keys"]
                else "",
            ]
        ),
        table(
            ("column", "type", "kind", "present", "distinct", "example"),
            [[row[field] for field in ("column", "type", "kind", "present", "distinct", "example")] for row in rows],
        ),
        _more(figures, "schema"),
    ]


def _missing(name: str, figures: Json) -> list[str]:
    if not figures["cells"]:
        return [bullets([f"`{name}` has no cells, so nothing can be missing."])]
    lines = [
        (
            f"{figures['missing']} of {figures['cells']} cells are missing ({number(figures['percent'])} %), "
            f"in {count(figures['columns_with_missing'], 'column')}."
        ),
        (
            f"{figures['complete_rows']} of {count(figures['rows'], 'row')} are complete; "
            f"{figures['rows_with_missing']} lack something."
        ),
        f"No value at all in {names(figures['empty_columns'])}." if figures["empty_columns"] else "",
        f"Texts that are blank, though not missing: {figures['blank_texts']}." if figures["blank_texts"] else "",
    ]
    for pattern in figures["together"]:
        if pattern["of"] > 1:
            rest = " and more" if pattern["of"] > len(pattern["columns"]) else ""
            lines.append(f"Missing together in {count(pattern['rows'], 'row')}: {names(pattern['columns'])}{rest}.")
    rows = [[row["column"], row["missing"], row["percent"], row["blank"]] for row in figures["table"]]
    return [bullets(lines), table(("column", "missing", "%", "blank texts"), rows), _more(figures, "missing")]


def _distributions(name: str, figures: Json) -> list[str]:
    numbers, texts, dates = figures["numbers"], figures["texts"], figures["dates"]
    lines = [] if numbers else [f"`{name}` has no number columns to describe."]
    lines += [
        f"`{row['column']}`: mean {number(row['mean'])}, median {number(row['median'])}, "
        f"from {number(row['min'])} to {number(row['max'])}."
        for row in numbers[:6]
        if row["count"]
    ]
    lines += [
        f"`{row['column']}` holds infinite values, left out: {row['infinite']}." for row in numbers if row["infinite"]
    ]
    lines += [
        f"`{row['column']}`: {count(row['distinct'], 'value')}, most often {row['top'][0][0]} ({row['top'][0][1]})."
        for row in texts[:6]
        if row["top"]
    ]
    for row in dates[:4]:
        if row["count"]:
            line = f"`{row['column']}` runs from {row['first']} to {row['last']} ({number(row['span_days'])} days)"
            busiest = row.get("busiest_month")
            lines.append(line + (f"; busiest month {busiest[0]} with {busiest[1]} rows." if busiest else "."))
    lines.append(f"{count(figures['empty'], 'column')} without any value." if figures["empty"] else "")
    fields = ("column", "count", "mean", "std", "min", "q1", "median", "q3", "max", "skew", "zeros")
    tops = [
        [row["column"], row["distinct"], "; ".join(f"{value}: {size}" for value, size in row["top"])] for row in texts
    ]
    return [
        bullets(lines),
        table(fields, [[row[field] for field in fields] for row in numbers]),
        table(("column", "distinct", "commonest values"), tops),
        _more(figures, "distributions"),
    ]


def _outliers(name: str, figures: Json) -> list[str]:
    if not figures["numbers"]:
        return [bullets([f"`{name}` has no number columns, so there is nothing to judge."])]
    lines = [
        (
            f"{figures['outliers']} values lie beyond Tukey's fences, in {figures['columns_with_outliers']} of "
            f"{count(figures['judged'], 'number column')} judged."
        )
    ]
    lines += [
        f"`{row['column']}`: {row['outliers']} ({number(row['percent'])} %), {row['below']} below "
        f"{number(row['low_fence'])} and {row['above']} above {number(row['high_fence'])}."
        for row in figures["table"][:6]
        if row["outliers"]
    ]
    lines += [f"`{row['column']}` was not judged: {row['why']}." for row in figures["unjudged"][:6]]
    if figures["unjudged_count"] > 6:
        lines.append(f"Not judged in all: {figures['unjudged_count']} number columns.")
    fields = ("column", "count", "low_fence", "high_fence", "below", "above", "lowest", "highest")
    rows = [[row[field] for field in fields] for row in figures["table"]]
    return [bullets(lines), table([field.replace("_", " ") for field in fields], rows), _more(figures, "outliers")]


def _correlations(name: str, figures: Json) -> list[str]:
    pairs, links = figures["table"], figures["text_table"]
    if pairs:
        lines = [
            (
                f"Strongest pair: `{pairs[0]['first']}` and `{pairs[0]['second']}`, r = {number(pairs[0]['r'])} "
                f"over {count(pairs[0]['rows'], 'row')}."
            ),
            f"{figures['strong']} of {count(figures['pairs'], 'pair')} reach |r| = 0.7.",
        ]
    else:
        lines = [f"`{name}` has no two number columns that vary together over three rows or more."]
    if links:
        top = links[0]
        lines.append(
            f"Of the text columns, `{top['first']}` and `{top['second']}` go together most (Cramér's V {top['v']})."
        )
    return [
        bullets(lines),
        table(("first", "second", "r", "rows"), [[p["first"], p["second"], p["r"], p["rows"]] for p in pairs]),
        table(("first", "second", "Cramér's V"), [[link["first"], link["second"], link["v"]] for link in links]),
    ]


def _groups(name: str, figures: Json) -> list[str]:
    found = figures["table"]
    if not found:
        return [bullets([f"`{name}` has no column that splits its rows into a few groups."])]
    lines, tables = [], []
    for at, grouping in enumerate(found):
        sizes = "; ".join(f"{group}: {size}" for group, size in grouping["sizes"])
        if at == 0:
            lines.append(f"Strongest grouping: `{grouping['by']}` ({sizes}).")
        if grouping["columns"] and grouping["eta_squared"][0] is not None:
            lines.append(
                f"`{grouping['by']}` separates `{grouping['columns'][0]}` most: a share of "
                f"{number(grouping['eta_squared'][0])} of its variance lies between the groups."
            )
        if grouping["columns"]:
            means = table((grouping["by"], *grouping["columns"]), grouping["means"])
            tables.append(f"Means by `{grouping['by']}`:\n\n{means}")
        else:
            tables.append(f"Rows by `{grouping['by']}`:\n\n" + table((grouping["by"], "rows"), grouping["sizes"]))
    if not figures["numbers"]:
        lines.append("There are no number columns to compare between groups.")
    return [bullets(lines), *tables]


def _charts(name: str, figures: Json) -> list[str]:
    lines = [f"`{chart['name']}`: {chart['shows']}." for chart in figures["charts"]]
    if reason := figures.get("unavailable"):
        lines.append(f"No charts of `{name}`: {reason}.")
    return [bullets(lines)]


def _variable(name: str, figures: Json) -> list[str]:
    size = "" if figures["length"] is None else f" of length {figures['length']}"
    return [
        bullets(
            [
                f"`{name}` is of type {figures['type']}{size}.",
                f"It begins: `{figures['begins']}`" if figures["begins"] else "",
                f"Its parts: {names(figures['parts'])}." if figures["parts"] else "",
            ]
        )
    ]


def _more(figures: Mapping[str, Any], artifact: str) -> str:
    return f"{count(figures['more'], 'more column')} in the table `{artifact}`." if figures["more"] else ""


REPORTS: Mapping[str, tuple[str, Callable[[str, Json], list[str]]]] = {
    "schema": ("Columns of", _schema),
    "missing": ("Missing values in", _missing),
    "distributions": ("Distributions in", _distributions),
    "outliers": ("Outliers in", _outliers),
    "correlations": ("Correlations in", _correlations),
    "groups": ("Group differences in", _groups),
    "charts": ("Charts of", _charts),
    "variable": ("What is in", _variable),
}
"""Recipe -> (its heading, the parts of its report)."""
