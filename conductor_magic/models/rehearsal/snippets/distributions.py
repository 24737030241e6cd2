def distributions(frame, notes):
    """How the values of each column lie: quartiles and shape of numbers, commonest texts, span of dates."""
    frame, kinds = columns_by_kind(frame)
    numbers = [_number(label, frame[label]) for label in kinds.get("number", [])]
    hand_back("distributions", pd.DataFrame(numbers, columns=[*_NUMBER]), notes)
    texts = [_text(label, frame[label]) for label in kinds.get("text", []) + kinds.get("yes/no", [])]
    dates = [_date(label, frame[label]) for label in kinds.get("date", []) + kinds.get("duration", [])]
    exact = {"column", "count", "zeros", "infinite"}
    shown = [
        {name: value if name in exact or value is None else short(value) for name, value in row.items()}
        for row in numbers[:MOST_COLUMNS]
    ]
    return {
        "rows": len(frame),
        "numbers": shown,
        "texts": texts[:MOST_COLUMNS],
        "dates": dates[:MOST_COLUMNS],
        "empty": len(kinds.get("empty", [])),
        "more": sum(max(0, len(rows) - MOST_COLUMNS) for rows in (numbers, texts, dates)),
    }


_NUMBER = ("column", "count", "mean", "std", "min", "q1", "median", "q3", "max", "skew", "zeros", "infinite")


def _number(label, column):
    values = values_of(column)
    count = len(values)
    figures = [label, count, *[None] * 8, int((values == 0).sum()), len(column.dropna()) - count]
    if count:
        quartiles = [float(values.quantile(share)) for share in (0, 0.25, 0.5, 0.75, 1)]
        # Fewer than two values have no spread, fewer than three (or equal ones) no skew.
        std = float(values.std()) if count > 1 else None
        skew = float(values.skew()) if count > 2 and std else None
        figures[2:10] = [float(values.mean()), std, *quartiles, skew]
    return dict(zip(_NUMBER, figures, strict=True))


def _text(label, column):
    counts = column.dropna().astype(str).value_counts()
    # Equal counts in alphabetical order: the same table always gives the same report.
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    return {
        "column": label,
        "count": int(counts.sum()),
        "distinct": len(counts),
        "top": [[cut(v, 40), int(n)] for v, n in top],
    }


def _date(label, column):
    present = column.dropna()
    row = {"column": label, "count": len(present), "distinct": int(present.nunique()), "first": None, "last": None}
    if len(present):
        first, last = present.min(), present.max()
        row["first"], row["last"] = str(first), str(last)
        row["span_days"] = short((last - first).total_seconds() / 86400)
        if kind_of(present) == "date":
            months = present.dt.strftime("%Y-%m").value_counts()
            busiest = min(months.items(), key=lambda item: (-item[1], item[0]))
            row["months"], row["busiest_month"] = len(months), [busiest[0], int(busiest[1])]
    return row
