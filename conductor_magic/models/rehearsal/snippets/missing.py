def missing(frame, notes):
    """Missing cells by column and by row, columns without any value, blank text, and what is missing together."""
    absent = frame.isna()
    rows = []
    for label in frame.columns:
        count = int(absent[label].sum())
        column = plain(frame[label])
        blank = 0
        if kind_of(column) == "text":
            blank = int((column.dropna().astype(str).str.strip() == "").sum())
        rows.append({"column": label, "missing": count, "percent": percent(count, len(frame)), "blank": blank})
    hand_back("missing", pd.DataFrame(rows), notes)
    by_row = absent.sum(axis=1)
    touched = absent[by_row > 0]
    together = []
    if len(frame.columns) <= 60 and len(touched):
        for pattern, count in touched.value_counts().head(3).items():
            flags = pattern if isinstance(pattern, tuple) else (pattern,)
            labels = [label for label, flag in zip(frame.columns, flags, strict=True) if flag]
            together.append({"columns": labels[:6], "of": len(labels), "rows": int(count)})
    cells = frame.shape[0] * frame.shape[1]
    total = sum(row["missing"] for row in rows)
    ranked = sorted((row for row in rows if row["missing"] or row["blank"]), key=lambda row: -row["missing"])
    return {
        "rows": len(frame),
        "cells": cells,
        "missing": total,
        "percent": percent(total, cells),
        "rows_with_missing": int((by_row > 0).sum()),
        "complete_rows": int((by_row == 0).sum()),
        "columns_with_missing": sum(1 for row in rows if row["missing"]),
        "empty_columns": [row["column"] for row in rows if len(frame) and row["missing"] == len(frame)][:MOST_COLUMNS],
        "blank_texts": sum(row["blank"] for row in rows),
        "together": together,
        "table": ranked[:MOST_COLUMNS],
        "more": max(0, len(ranked) - MOST_COLUMNS),
    }
