def outliers(frame, notes):
    """Values beyond Tukey's fences (1.5 interquartile ranges outside the quartiles), for each number column."""
    frame, kinds = columns_by_kind(frame)
    rows, unjudged = [], []
    for label in kinds.get("number", []):
        values = values_of(frame[label])
        if len(values) < 5:
            unjudged.append({"column": label, "why": f"it has {len(values)} of the 5 values that this takes"})
            continue
        q1, q3 = float(values.quantile(0.25)), float(values.quantile(0.75))
        if q1 == q3:
            unjudged.append({"column": label, "why": "its middle half is one value, so the fences have no width"})
            continue
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
        below, above = values[values < low], values[values > high]
        rows.append(
            {
                "column": label,
                "count": len(values),
                "low_fence": low,
                "high_fence": high,
                "below": len(below),
                "above": len(above),
                "outliers": len(below) + len(above),
                "percent": percent(len(below) + len(above), len(values)),
                "lowest": float(values.min()),
                "highest": float(values.max()),
            }
        )
    rows.sort(key=lambda row: -row["outliers"])
    hand_back("outliers", pd.DataFrame(rows), notes)
    exact = {"column", "count", "below", "above", "outliers", "percent"}
    found = [row for row in rows if row["outliers"]]
    return {
        "numbers": len(kinds.get("number", [])),
        "judged": len(rows),
        "columns_with_outliers": len(found),
        "outliers": sum(row["outliers"] for row in rows),
        "table": [
            {name: value if name in exact else short(value) for name, value in row.items()}
            for row in rows[:MOST_COLUMNS]
        ],
        "more": max(0, len(rows) - MOST_COLUMNS),
        "unjudged": unjudged[:MOST_COLUMNS],
        "unjudged_count": len(unjudged),
    }
