def schema(frame, notes):
    """Size, types, distinct values and examples of every column; repeated rows, constants and possible keys."""
    types = {label: str(frame[label].dtype) for label in frame.columns}
    memory = int(frame.memory_usage(deep=True, index=False).sum())
    frame, kinds = columns_by_kind(frame)
    kind = {label: name for name, labels in kinds.items() for label in labels}
    rows = []
    for label in frame.columns:
        present = frame[label].dropna()
        rows.append(
            {
                "column": label,
                "type": types[label],
                "kind": kind[label],
                "present": len(present),
                "distinct": int(present.nunique()),
                "example": cut(strict(present.iloc[0]), 40) if len(present) else None,
            }
        )
    hand_back("schema", pd.DataFrame(rows), notes)
    whole = [row for row in rows if row["present"] == len(frame) > 1]
    return {
        "rows": len(frame),
        "columns": len(frame.columns),
        "memory_bytes": memory,
        "kinds": {name: len(labels) for name, labels in kinds.items()},
        "duplicate_rows": int(frame.duplicated().sum()) if len(frame.columns) else 0,
        "constant": [row["column"] for row in rows if row["distinct"] == 1 and row["present"] > 1][:MOST_COLUMNS],
        "keys": [row["column"] for row in whole if row["distinct"] == len(frame)][:MOST_COLUMNS],
        "table": rows[:MOST_COLUMNS],
        "more": max(0, len(rows) - MOST_COLUMNS),
    }
