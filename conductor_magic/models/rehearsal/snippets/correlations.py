def correlations(frame, notes):
    """Pearson's r of every pair of number columns; Cramér's V of pairs of text columns with few values."""
    frame, kinds = columns_by_kind(frame)
    numbers = pd.DataFrame({label: frame[label].astype("float64") for label in kinds.get("number", [])})
    numbers = numbers.replace([np.inf, -np.inf], np.nan)
    if len(numbers) > 200_000:
        numbers = numbers.sample(200_000, random_state=0)
        notes.append("Correlations are of 200000 rows drawn at random (seed 0).")
    matrix = numbers.corr(min_periods=3)
    table = matrix.rename_axis("column").reset_index() if len(matrix) else pd.DataFrame({"column": []})
    hand_back("correlations", table, notes)
    labels, values = list(numbers.columns), matrix.to_numpy()
    pairs = [
        (first, second, float(values[at, other]))
        for at, first in enumerate(labels)
        for other, second in enumerate(labels[:at])
        if not math.isnan(values[at, other])
    ]
    pairs.sort(key=lambda pair: -abs(pair[2]))
    top = [
        {"first": first, "second": second, "r": short(r), "rows": len(numbers[[first, second]].dropna())}
        for second, first, r in pairs[:10]
    ]
    few = [label for label in kinds.get("text", []) + kinds.get("yes/no", []) if 2 <= frame[label].nunique() <= 20][:12]
    links = []
    for at, first in enumerate(few):
        for second in few[at + 1 :]:
            strength = _cramers_v(frame[first], frame[second])
            if strength is not None:
                links.append({"first": first, "second": second, "v": short(strength)})
    links.sort(key=lambda link: -link["v"])
    return {
        "numbers": len(labels),
        "pairs": len(pairs),
        "strong": sum(1 for _, _, r in pairs if abs(r) >= 0.7),
        "table": top,
        "text_columns": len(few),
        "text_table": links[:5],
    }


def _cramers_v(first, second):
    counts = pd.crosstab(first, second).to_numpy(dtype="float64")
    if min(counts.shape) < 2:
        return None
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / counts.sum()
    chi2 = ((counts - expected) ** 2 / expected).sum()
    return math.sqrt(chi2 / counts.sum() / (min(counts.shape) - 1))
