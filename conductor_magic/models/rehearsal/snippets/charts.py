def charts(frame, notes, group=None, pair=()):
    """Draw up to three charts that fit the table, and hand each back: shapes, relations, counts, time, gaps."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return {"charts": [], "unavailable": "matplotlib is not installed in this Python, so nothing could be drawn"}
    frame, kinds = columns_by_kind(frame)
    numbers = [label for label in kinds.get("number", []) if _varies(values_of(frame[label]))]
    texts = [label for label in kinds.get("text", []) + kinds.get("yes/no", []) if frame[label].notna().any()]
    hue = frame[group] if group in texts and 2 <= frame[group].nunique() <= 8 else None
    dates = [label for label in kinds.get("date", []) if frame[label].nunique() > 1]
    pair = [label for label in pair if label in numbers]
    drawn = []

    def draw(name, what, paint, size):
        if len(drawn) == 3:
            return
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        publish(name, figure)  # the Python tool provides it
        drawn.append({"name": name, "shows": what})

    if numbers:
        first = numbers[:6]
        by = f", by {group}" if hue is not None else ""
        draw(
            "chart_distributions",
            f"histograms of {', '.join(first)}{by}",
            lambda f: _shapes(f, frame, first, hue),
            (9, 5),
        )
    if len(pair) == 2:
        shown = frame
        if len(frame) > 5_000:
            shown = frame.sample(5_000, random_state=0)
            notes.append("The chart `chart_relation` shows 5000 rows drawn at random (seed 0).")
        what = f"{pair[1]} against {pair[0]}, the pair of number columns that go together most closely"
        draw("chart_relation", what, lambda f: _relation(f, shown, pair, hue), (6, 4.5))
    if len(numbers) > 1:
        first = numbers[:20]
        what = f"correlations (Pearson's r) of {len(first)} number columns"
        draw("chart_correlations", what, lambda f: _heatmap(f, frame[first].astype("float64")), (6.5, 5.5))
    if dates:
        what = f"rows over time by {dates[0]}"
        draw("chart_time", what, lambda f: _time(f, frame[dates[0]].dropna(), dates[0]), (8, 3.5))
    if texts:
        first = texts[:4]
        draw("chart_counts", f"commonest values of {', '.join(first)}", lambda f: _counts(f, frame, first), (9, 4))
    gaps = frame.isna().sum()
    rank = gaps.sort_values(ascending=False, kind="stable").head(30)
    draw(
        "chart_missing",
        "missing values by column",
        lambda f: _bars(f, rank, f"missing values in {len(frame)} rows"),
        (7, 4),
    )
    sizes = pd.Series({kind: len(labels) for kind, labels in kinds.items()}, dtype="int64")
    draw("chart_columns", "columns by kind", lambda f: _bars(f, sizes, "columns by kind"), (6, 3))
    return {"charts": drawn}


def _varies(values):
    return len(values) > 1 and values.max() - values.min() > 1e-9 * values.abs().max()


def _word(value):
    """A label that fits beside an axis; a dollar sign would start a formula."""
    return cut(value, 24).replace("$", r"\$")


def _hues(hue):
    if hue is None:
        return [(None, slice(None))]
    return [
        (_word(value), (hue == value).fillna(value=False).astype(bool))
        for value in sorted(hue.dropna().unique(), key=str)
    ]


def _shapes(figure, frame, labels, hue):
    for axes, label in zip(_grid(figure, len(labels)), labels, strict=True):
        values = values_of(frame[label])
        edges = np.histogram_bin_edges(values, bins=min(30, max(5, round(len(values) ** 0.5))))
        for name, mask in _hues(hue):
            axes.hist(values_of(frame.loc[mask, label]), bins=edges, alpha=1 if name is None else 0.6, label=name)
        axes.set_title(_word(label), fontsize=10)
    if hue is not None:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=8, title=_word(hue.name))


def _relation(figure, frame, pair, hue):
    axes = figure.subplots()
    for name, mask in _hues(hue):
        part = frame[mask.loc[frame.index]] if name is not None else frame
        axes.scatter(part[pair[0]], part[pair[1]], s=14, alpha=0.7, label=name)
    axes.set(xlabel=_word(pair[0]), ylabel=_word(pair[1]))
    if hue is not None:
        axes.legend(title=_word(hue.name))


def _heatmap(figure, numbers):
    matrix, axes = numbers.corr(min_periods=3).to_numpy(), figure.subplots()
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
    ticks = range(len(matrix))
    labels = [_word(label) for label in numbers.columns]
    axes.set_xticks(ticks, labels, rotation=45, ha="right")
    axes.set_yticks(ticks, labels)
    if len(matrix) <= 10:
        for row in ticks:
            for column in ticks:
                r = matrix[row, column]
                ink = "white" if abs(r) > 0.65 else "black"
                axes.text(column, row, f"{r:.2f}", ha="center", va="center", fontsize=8, color=ink)
    figure.colorbar(image, label="Pearson's r")


def _time(figure, dates, label):
    span = (dates.max() - dates.min()).days
    form = "%Y" if span > 3650 else "%Y-%m" if span > 90 else "%Y-%m-%d"
    counts = dates.dt.strftime(form).value_counts().sort_index()
    axes = figure.subplots()
    axes.plot(range(len(counts)), counts.to_numpy(), marker="o")
    step = max(1, len(counts) // 12)
    axes.set_xticks(range(0, len(counts), step), counts.index[::step], rotation=45, ha="right")
    axes.set(ylabel="rows", title=_word(label))


def _counts(figure, frame, labels):
    for axes, label in zip(_grid(figure, len(labels)), labels, strict=True):
        top = frame[label].dropna().astype(str).value_counts().head(8)[::-1]
        axes.barh([_word(name) for name in top.index], top.to_numpy())
        axes.set_title(_word(label), fontsize=10)


def _bars(figure, counts, title):
    axes = figure.subplots()
    axes.bar(range(len(counts)), counts.to_numpy())
    axes.set_xticks(range(len(counts)), [_word(name) for name in counts.index], rotation=45, ha="right")
    axes.set(title=title)


def _grid(figure, count):
    across = min(3, count)
    grid = figure.subplots(-(-count // across), across, squeeze=False).flat
    for axes in list(grid)[count:]:
        axes.remove()
    return list(figure.axes)
